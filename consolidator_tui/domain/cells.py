"""Values of rows as people see them: what differs in SQLite looks different on the screen."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from consolidator_tui.domain.plan import Value

_LIKE_A_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_HASH_DIGITS = 8
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class CellKind(StrEnum):
    """The storage classes of SQLite (https://sqlite.org/datatype3.html section 2)."""

    NULL = "null"
    INTEGER = "integer"
    REAL = "real"
    TEXT = "text"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value ready to be shown on one line. The text is data, never markup."""

    kind: CellKind
    text: str
    cut: bool = False
    """Only the beginning is shown."""

    @property
    def right(self) -> bool:
        """Whether it is a number, and stands at the right of its column."""
        return self.kind in (CellKind.INTEGER, CellKind.REAL)


def cell(value: Value, *, limit: int = 200) -> Cell:
    """The cell of a value; texts longer than `limit` characters are cut.

    NULL is `NULL`; an empty text `''`; a text that reads like a number, like NULL or with
    blanks at its ends stands in quotes; a blob is its length and the start of its SHA-256;
    characters that would move the cursor are written as escapes.
    """
    if value is None:
        return Cell(CellKind.NULL, "NULL")
    if isinstance(value, bool):
        return Cell(CellKind.INTEGER, str(int(value)))
    if isinstance(value, int):
        return Cell(CellKind.INTEGER, str(value))
    if isinstance(value, float):
        return Cell(CellKind.REAL, repr(value))
    if isinstance(value, bytes):
        return blob_cell(len(value), hashlib.sha256(value).hexdigest())
    return text_cell(value, len(value), limit)


def blob_cell(size: int, sha256: str) -> Cell:
    """The cell of a blob of `size` bytes; without a hash only its size is shown."""
    digits = f" {sha256[:_HASH_DIGITS]}" if sha256 else ""
    return Cell(CellKind.BLOB, f"blob {size:,} B{digits}")


def text_cell(start: str, length: int, limit: int = 200) -> Cell:
    """The cell of a text of `length` characters, of which `start` is the beginning."""
    shown = printable(start[:limit])
    cut = length > min(len(start), limit)
    if cut:
        return Cell(CellKind.TEXT, f"{shown}… ({length:,} characters)", cut=True)
    if _needs_quotes(start):
        return Cell(CellKind.TEXT, f"'{shown}'")
    return Cell(CellKind.TEXT, shown)


def printable(text: str) -> str:
    """The text on one line, with everything that is not printable as an escape."""
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that is not UTF-8 (surrogateescape).
        return f"\\x{code - 0xDC00:02x}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _needs_quotes(text: str) -> bool:
    return (
        not text
        or text != text.strip()
        or text.upper() == "NULL"
        or text.startswith(("blob ", "'"))
        or _LIKE_A_NUMBER.fullmatch(text) is not None
    )
