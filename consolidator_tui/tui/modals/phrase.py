"""What the dialogs share in which a phrase has to be typed."""

from __future__ import annotations

from typing import Any

from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input

WRONG = "! That is not the phrase: nothing was done. Type it exactly as it is shown."


def phrase_field() -> Input:
    """The field; what is in it stays when it gets the focus."""
    return Input(placeholder="type it here", compact=True, id="phrase", select_on_focus=False)


def take_typed(screen: Screen[Any], event: Key) -> None:
    """A character that is typed while a button has the focus goes into the field."""
    field = screen.query_one("#phrase", Input)
    character = event.character
    if screen.focused is field or character is None or not event.is_printable:
        return
    if character.isspace():
        return
    event.stop()
    screen.set_focus(field)
    field.insert_text_at_cursor(character)
