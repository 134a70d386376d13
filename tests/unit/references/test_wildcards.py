"""Sets in wildcards: what they match, and that Python's own expressions do not read them anew."""

from __future__ import annotations

import warnings

import pytest

from consolidator_tui.services.references.wildcards import wildcard


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        ("[a--b].db", [], ["c.db", "/.db"]),
        ("[--a]", ["-", "A", "a"], ["b", "/"]),
        ("[+--]", ["+", ",", "-"], ["."]),
        ("[a&&b].db", ["a.db", "&.db", "b.db"], ["c.db"]),
        ("[a||b]", ["|", "b"], ["c"]),
        ("[a~~b]", ["~", "a"], ["c"]),
        ("x[!a]y", ["xby"], ["xay", "x/y"]),
        ("[.-0]", [".", "0"], ["/"]),
        ("[]x]", ["]", "x"], ["y"]),
        ("[!]x]", ["y"], ["]", "x", "/"]),
        ("[[:]", ["[", ":"], ["a"]),
        ("[a^]", ["^", "a"], ["b"]),
        ("[\\x]", ["\\", "x"], ["y"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[!]", ["[!]"], ["a"]),
    ],
)
def test_sets(pattern: str, matched: list[str], not_matched: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matches = wildcard.__wrapped__(pattern).match
    assert [text for text in (*matched, *not_matched) if matches(text)] == matched
