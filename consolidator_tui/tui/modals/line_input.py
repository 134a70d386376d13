"""Asks for one line: a folder to look into, a name for the target."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input, Static

from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.text import lines


class LineInput(Dialog[str]):
    """Ends with what was typed, or None."""

    def __init__(self, title: str, text: str, value: str = "", placeholder: str = "") -> None:
        super().__init__(title)
        self._text, self._value, self._placeholder = text, value, placeholder

    def content(self) -> ComposeResult:
        """The text and the field."""
        yield Static(lines(self._text), id="dialog-text", markup=False)
        yield Input(self._value, placeholder=self._placeholder, compact=True)
        yield Static("enter accept   esc cancel", classes="keys", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it, unless it is empty."""
        event.stop()
        self.dismiss(event.value.strip() or None)
