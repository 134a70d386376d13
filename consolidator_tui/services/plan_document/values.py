"""How values and names of SQLite are spelled in plan.toml, without loss.

- text, integers, floats (also `inf`), true and false: as TOML has them
- NULL: `{null = true}`
- a blob: `{blob = "00ff"}` (hexadecimal)
- a byte of a text or of a path that is not UTF-8: the control character U+001A followed by two
  hexadecimal digits (`"caf\\u001ae9"`); U+001A itself is `\\u001a1a`. TOML has no spelling for
  such bytes of its own, and a name that was changed would no longer name its file.
"""

from __future__ import annotations

import re
from typing import Any

from consolidator_tui.domain.plan import Value

ESCAPE = "\x1a"

_UNSAFE = re.compile("[\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a(.{0,2})", re.DOTALL)
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class Misspelled(ValueError):
    """A value in the document is not spelled in one of the ways above; the text says why."""


def spell_text(text: str) -> str:
    """The text as TOML can hold it. Raises Misspelled for surrogates that are no bytes."""
    return _UNSAFE.sub(_spell_character, text)


def _spell_character(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == ord(ESCAPE):
        return f"{ESCAPE}1a"
    if 0xDC80 <= code <= 0xDCFF:
        return f"{ESCAPE}{code - 0xDC00:02x}"
    raise Misspelled(f"the character U+{code:04X} is half of a pair and no byte")


def read_text(spelled: str) -> str:
    """The text that `spell_text` spelled so. Raises Misspelled."""
    return _ESCAPED.sub(_read_character, spelled)


def _read_character(match: re.Match[str]) -> str:
    try:
        byte = bytes.fromhex(match[1])
    except ValueError:
        byte = b""
    if byte == b"\x1a":
        return ESCAPE
    if len(byte) != 1 or byte[0] < 0x80:
        raise Misspelled("the character U+001A must be followed by the two digits of a byte")
    return chr(0xDC00 + byte[0])


def spell_value(value: Value) -> Any:
    """The value as plain data for a TOML writer: a scalar, or a table with one key."""
    if value is None:
        return {"null": True}
    if isinstance(value, bytes):
        return {"blob": value.hex()}
    if isinstance(value, str):
        return spell_text(value)
    return value


def read_value(spelled: Any) -> Value:
    """The value that plain data of a TOML reader stands for. Raises Misspelled."""
    if isinstance(spelled, str):
        return read_text(spelled)
    if isinstance(spelled, (bool, float)):
        return spelled
    if isinstance(spelled, int):
        if not _LOWEST <= spelled <= _HIGHEST:
            raise Misspelled("an integer of SQLite has 64 bits, and this one does not fit")
        return spelled
    if isinstance(spelled, dict):
        return _read_tagged(spelled)
    raise Misspelled(
        'a value is a text, a number, true, false, {null = true} or {blob = "hexadecimal"}'
    )


def _read_tagged(spelled: dict[str, Any]) -> Value:
    if spelled == {"null": True} and spelled["null"] is True:
        return None
    if list(spelled) == ["blob"] and isinstance(spelled["blob"], str):
        try:
            return bytes.fromhex(spelled["blob"])
        except ValueError as error:
            raise Misspelled("the digits of {blob = …} are not hexadecimal") from error
    raise Misspelled('a table as a value is {null = true} or {blob = "hexadecimal"}')
