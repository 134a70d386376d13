"""The pane below a table: what is known of the row under the cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from consolidator_tui.tui.text import safe


class Detail(VerticalScroll, can_focus=True):
    """Unparsed text with a title; `tab` reaches it, the arrows scroll it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(markup=False)

    def show(self, title: str, text: Text, *, wide: bool = False) -> None:
        """Replace title and text; a wide one scrolls sideways instead of being wrapped."""
        self.set_class(wide, "-sideways")
        # Border titles are parsed as markup unless they come as content.
        self.border_title = Content(safe(title, 70))
        self.query_one(Static).update(text)
