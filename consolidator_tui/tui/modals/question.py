"""A question with two or three answers; the harmless one comes first and has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.text import lines, safe


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer."""

    key: str
    label: str
    danger: bool = False


class Question(Dialog[str]):
    """Ends with the key of the chosen answer, or None."""

    def __init__(self, title: str, text: str | Text, choices: Sequence[Choice]) -> None:
        super().__init__(title)
        self._text = text if isinstance(text, Text) else Text(lines(text))
        self._choices = choices

    def content(self) -> ComposeResult:
        """The text and a button for each answer."""
        yield Static(self._text, id="dialog-text", markup=False)
        with Horizontal(id="dialog-buttons"):
            for choice in self._choices:
                button = Button(
                    Text(safe(choice.label)),
                    variant="error" if choice.danger else "default",
                    compact=True,
                    id=f"answer-{choice.key}",
                )
                yield button

    def on_mount(self) -> None:
        """The harmless answer is one `enter` away."""
        self.query(Button).first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """An answer was given."""
        event.stop()
        self.dismiss((event.button.id or "").removeprefix("answer-"))
