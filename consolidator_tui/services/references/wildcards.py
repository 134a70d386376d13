"""Wildcards of paths, as shells, Python's glob and Docker's lists of ignored files read them."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"/\*\*(?=/)|\A\*\*/|\*+|\?|\[[!^]?\]?[^\]]*\]|(?:(?!/\*\*/)[^*?\[])+|\[")
_MEMBER = re.compile(r"(.)-(.)|(.)", re.S)


@lru_cache(maxsize=1024)
def wildcard(pattern: str) -> re.Pattern[str]:
    """What matches whole paths: `*` and `?` stop at a slash, `**` does not, `[…]` is one of a set.

    Names that begin with a dot are matched too. A set that is none matches itself.
    """
    parts = []
    for token in _TOKEN.findall(pattern):
        if token == "/**":
            parts.append("(?:/[^/]+)*")
        elif token == "**/":
            parts.append("(?:[^/]+/)*")
        elif token.startswith("**"):
            parts.append(".*")
        elif token == "*":
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif token.startswith("[") and len(token) > 2:
            parts.append(_set(token))
        else:
            parts.append(re.escape(token))
    text = "".join(parts)
    try:
        return re.compile(text + r"\Z", re.S)
    except re.error:
        return re.compile(re.escape(pattern) + r"\Z", re.S)


def _set(token: str) -> str:
    """A set in brackets as an expression; like `*` it does not match a slash."""
    negated = token[1] in "!^"
    inner = token[2 if negated else 1 : -1]
    if not inner:
        return re.escape(token)
    members = "".join(
        _member(match[3]) if match[3] else f"{_member(match[1])}-{_member(match[2])}"
        for match in _MEMBER.finditer(inner)
    )
    return f"[^/{members}]" if negated else f"(?!/)[{members}]"


def _member(character: str) -> str:
    # Doubled, some of them may come to mean something in sets of Python's expressions.
    return f"\\{character}" if character in "\\[]^-&|~" else character
