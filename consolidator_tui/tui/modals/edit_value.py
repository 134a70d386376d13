"""Types a value of one's own for a field: text, number, NULL or a blob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static, TextArea

from consolidator_tui.domain.plan import Value
from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.modals.keep_both import as_typed
from consolidator_tui.tui.text import safe

KINDS = ("text", "number", "NULL", "blob")


@dataclass(frozen=True, slots=True)
class Edited:
    """A value that was typed; a dialog's None means that it was left."""

    value: Value


class EditValue(Dialog[Edited]):
    """`ctrl+t` changes the type; `enter` accepts, `ctrl+j` begins another line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", show=False, priority=True),
        Binding("ctrl+t", "kind", "type", show=False, priority=True),
        Binding("ctrl+j", "line", "another line", show=False, priority=True),
    ]

    def __init__(self, name: str, value: Value) -> None:
        super().__init__(f"{safe(name, 40)} of the result")
        self._value = value
        self._kind = kind_of(value)

    def content(self) -> ComposeResult:
        """The text, its type, what is wrong with it."""
        yield TextArea(as_typed(self._value), id="value-text", compact=True)
        yield Static("", id="value-kind", markup=False)
        yield Static("", id="problem", markup=False)
        keys = "enter accept   ctrl+t other type   ctrl+j new line   esc cancel"
        yield Static(keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(TextArea).focus()
        self._say()

    def _say(self) -> None:
        self.query_one("#value-kind", Static).update(Text(f"type: {self._kind}"))
        self.query_one(TextArea).disabled = self._kind == "NULL"

    def action_kind(self) -> None:
        """`ctrl+t`."""
        self._kind = KINDS[(KINDS.index(self._kind) + 1) % len(KINDS)]
        self._say()

    def action_line(self) -> None:
        """`ctrl+j`."""
        self.query_one(TextArea).insert("\n")

    def action_accept(self) -> None:
        """`enter`: take it when it is what its type says."""
        try:
            value = read_as(self._kind, self.query_one(TextArea).text)
        except ValueError as error:
            self.query_one("#problem", Static).update(Text(safe(error), "bold"))
            return
        self.dismiss(Edited(value))


def kind_of(value: Value) -> str:
    """The type that a value begins with."""
    if value is None:
        return "text"
    if isinstance(value, bytes):
        return "blob"
    return "text" if isinstance(value, str) else "number"


def read_as(kind: str, text: str) -> Value:
    """The value that a text is as that type. Raises ValueError with a sentence."""
    if kind == "NULL":
        return None
    if kind == "text":
        return text
    if kind == "blob":
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise ValueError("A blob is typed as hexadecimal digits.") from None
    try:
        number = int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise ValueError("That is no number.") from None
    if not -(2**63) <= number < 2**63:
        raise ValueError("An integer of SQLite has 64 bits, and this one does not fit.")
    return number
