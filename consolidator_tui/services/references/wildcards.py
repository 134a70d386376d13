"""Wildcards of paths, as shells, Python's glob and Docker's lists of ignored files read them."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"/\*\*(?=/)|\A\*\*/|\*+|\?|\[[!^]?\]?[^\]]*\]|(?:(?!/\*\*/)[^*?\[])+|\[")


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
            inner = token[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            inner = "^" + inner[1:] if inner[:1] in "!^" else inner
            parts.append(f"[{inner}]")
        else:
            parts.append(re.escape(token))
    text = "".join(parts)
    try:
        return re.compile(text + r"\Z", re.S)
    except re.error:
        return re.compile(re.escape(pattern) + r"\Z", re.S)
