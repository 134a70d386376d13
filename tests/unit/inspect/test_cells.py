from __future__ import annotations

import hashlib

import pytest

from consolidator_tui.domain.cells import Cell, CellKind, cell, printable


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, CellKind.NULL, "NULL"),
        ("", CellKind.TEXT, "''"),
        ("NULL", CellKind.TEXT, "'NULL'"),
        (1, CellKind.INTEGER, "1"),
        (1.0, CellKind.REAL, "1.0"),
        ("1", CellKind.TEXT, "'1'"),
        ("1e5", CellKind.TEXT, "'1e5'"),
        (" x", CellKind.TEXT, "' x'"),
        ("Ann", CellKind.TEXT, "Ann"),
        ("[red]x[/]", CellKind.TEXT, "[red]x[/]"),
        ("a\nb\x1b[31m", CellKind.TEXT, "a\\nb\\x1b[31m"),
        ("caf\udce9", CellKind.TEXT, "caf\\xe9"),
        (2**63 - 1, CellKind.INTEGER, "9223372036854775807"),
    ],
)
def test_what_differs_in_sqlite_looks_different(value: object, kind: CellKind, text: str) -> None:
    assert cell(value) == Cell(kind, text)  # type: ignore[arg-type]


def test_a_blob_is_its_length_and_hash() -> None:
    data = b"\x00\xff" * 1000
    shown = cell(data)
    assert shown.kind is CellKind.BLOB
    assert shown.text == f"blob 2,000 B {hashlib.sha256(data).hexdigest()[:8]}"


def test_a_text_that_reads_like_a_blob_is_quoted() -> None:
    assert cell("blob 2 B").text == "'blob 2 B'"


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = cell("x" * 5000, limit=10)
    assert shown.cut
    assert shown.text == "x" * 10 + "\N{HORIZONTAL ELLIPSIS} (5,000 characters)"


def test_nothing_moves_the_cursor() -> None:
    assert printable("a\u202eb\r\t\x00") == "a\\u202eb\\r\\t\\x00"
