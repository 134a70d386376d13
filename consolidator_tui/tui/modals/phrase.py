"""What the dialogs share in which a phrase has to be typed."""

from __future__ import annotations

from typing import Any

from textual.events import Key
from textual.screen import Screen
from textual.widgets import Button, Input, Static

WRONG = "! That is not the phrase: nothing was done. Type it exactly as it is shown."
RIGHT = "That is the phrase.  enter goes to the button   esc keep everything"
ON_BUTTON = "enter does it   esc keep everything"


class PhraseField(Input):
    """The field; what is in it stays when it gets the focus."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="type it here", compact=True, id="phrase", select_on_focus=False
        )
        self._place = 0

    def take(self, character: str) -> None:
        """A character that was typed before the field had the focus.

        Of a whole phrase at once some more are on their way to the button, while the rest comes
        to the field: they belong before that.
        """
        if self.screen.focused is not self:
            self._place = self.cursor_position
            self.screen.set_focus(self)
        place, after = self._place, self.cursor_position + 1
        self.value = f"{self.value[:place]}{character}{self.value[place:]}"
        self.cursor_position = after
        self._place += 1


def take_typed(screen: Screen[Any], event: Key) -> None:
    """A character that is typed while a button has the focus goes into the field.

    The field keeps its own: what comes here was sent to something else.
    """
    field = screen.query_one(PhraseField)
    character = event.character
    if character is None or not event.is_printable or (character.isspace() and not field.value):
        return
    event.stop()
    field.take(character)


def open_on_phrase(screen: Screen[Any], phrase: str, button: str, keys: str) -> None:
    """The button can be pressed on the exact phrase only; the keys below say what `enter` does."""
    right = screen.query_one(PhraseField).value == phrase
    screen.query_one(button, Button).disabled = not right
    screen.query_one(".keys", Static).update(RIGHT if right else keys)


def go_to_button(screen: Screen[Any], button: str) -> None:
    """`enter` in the field goes to the button, if it can be pressed; it does nothing by itself."""
    found = screen.query_one(button, Button)
    if not found.disabled:
        found.focus()
    screen.query_one(".keys", Static).update(WRONG if found.disabled else ON_BUTTON)
