"""Strings and numbers as screens show them; what comes from data or paths goes through `safe`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from rich.text import Text

NBSP = "\u00a0"
MAX_CHARACTERS = 2_000
"""Longer values are cut: a terminal row never shows more, and layout time grows with length."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}


def _visible(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # os.fsdecode keeps a byte that is not UTF-8 as such a surrogate.
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def safe(value: object, limit: int = MAX_CHARACTERS) -> str:
    """A value as one line of visible characters, cut to `limit` with an ellipsis.

    Control characters, direction overrides and undecodable bytes become escapes, so that a
    file name can neither move the cursor nor hide what it is. Markup is not touched: the result
    belongs into `Text`, never into a markup string.
    """
    text = str(value)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def lines(value: object, limit: int = 20_000) -> str:
    """Like `safe`, for text of several lines: line ends stay, all else becomes visible."""
    return "\n".join(safe(line, limit) for line in str(value).splitlines())


def plain(value: object, style: str = "") -> Text:
    """`value` as unparsed text of one line that is cut with an ellipsis where room ends."""
    return Text(safe(value), style=style, no_wrap=True, overflow="ellipsis", end="")


def sign(mark: str, style: object = "") -> Text:
    """A text that begins with a coloured mark; what is appended keeps its own colour."""
    text = Text(end="")
    text.append(f"{mark} ", str(style))
    return text


def count(number: int | None) -> str:
    """A number of things, with thousands separators; None is not known yet."""
    return "…" if number is None else f"{number:,}"


def size(number: int) -> str:
    """Bytes in units of 1,000, as file managers show them: `812 B`, `1.4 MB`."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1_000:
            return (
                f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
            )
        amount /= 1_000
    return f"{amount:.1f} TB"


def duration(seconds: float) -> str:
    """A length of time: `0.2 s`, `41 s`, `3:07 min`, `1:02 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3_600}:{whole % 3_600 // 60:02d} h"


def short_paths(paths: Sequence[str]) -> dict[str, str]:
    """Each path by as much of its end as tells it from the others."""
    parts = {path: path.split("/") for path in paths}
    found = {}
    for path, own in parts.items():
        others = [other for other in parts.values() if other is not own]
        size = next(
            (n for n in range(1, len(own)) if all(o[-n:] != own[-n:] for o in others)), len(own)
        )
        found[path] = "/".join(own[-size:])
    return found


def clip_path(path: str, width: int) -> str:
    """A path in at most `width` characters; its end is kept, because the name is there."""
    shown = safe(path)
    return shown if len(shown) <= width else "…" + shown[len(shown) - width + 1 :]
