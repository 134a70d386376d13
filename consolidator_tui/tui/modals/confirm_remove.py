"""Removes runs only after a phrase was typed: with them, something would be lost."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Key
from textual.widgets import Button, Input, Static

from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.modals.phrase import (
    PhraseField,
    go_to_button,
    open_on_phrase,
    take_typed,
)
from consolidator_tui.tui.text import lines, safe


class ConfirmRemove(Dialog[str]):
    """Ends with the phrase after exactly it was typed and Remove was pressed, else with None."""

    _keys = "tab next field   esc keep it"

    def __init__(self, title: str, text: str, phrase: str) -> None:
        super().__init__(title)
        self._text, self._phrase = text, phrase

    def content(self) -> ComposeResult:
        """What would be lost, phrase, buttons."""
        yield Static(lines(self._text), id="dialog-text", markup=False)
        yield Static(f"To go on, type:  {safe(self._phrase)}", markup=False)
        yield PhraseField()
        with Horizontal(id="dialog-buttons"):
            yield Button("Keep", compact=True, id="keep")
            yield Button("Remove", compact=True, id="remove", variant="error", disabled=True)
        yield Static(self._keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Doing nothing keeps it."""
        self.query_one("#keep", Button).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Remove opens on the exact phrase only."""
        event.stop()
        open_on_phrase(self, self._phrase, "#remove", self._keys)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in the field goes to Remove; it removes nothing by itself."""
        event.stop()
        go_to_button(self, "#remove")

    def on_key(self, event: Key) -> None:
        """Whoever begins to type means the phrase."""
        take_typed(self, event)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Keep or remove."""
        event.stop()
        agreed = event.button.id == "remove" and self.query_one(Input).value == self._phrase
        self.dismiss(self._phrase if agreed else None)
