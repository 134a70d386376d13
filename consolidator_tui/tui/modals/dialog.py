"""The frame of all dialogs."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from consolidator_tui.tui.text import plain
from consolidator_tui.tui.widgets.bars import TooSmall

Answer = TypeVar("Answer")


LEAVING: tuple[BindingType, ...] = (
    Binding("ctrl+c,super+c", "screen.copy_text", "Copy selected text", show=False),
    Binding("ctrl+c", "app.help_quit", "How to leave", show=False),
)
"""The application's own keys end at a modal screen: `ctrl+c` copies, or says how one leaves."""


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """A box in the middle with a title; `esc` gives the harmless answer None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *LEAVING,
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """The box around `content`."""
        with Vertical(id="dialog"):
            yield Static(plain(self._title, "bold"), id="dialog-title", markup=False)
            yield from self.content()
        yield TooSmall()

    def content(self) -> ComposeResult:
        """What is in the box."""
        raise NotImplementedError
