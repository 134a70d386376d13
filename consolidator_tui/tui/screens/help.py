"""The user guide's page of a step."""

from __future__ import annotations

from importlib import resources
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Markdown

from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.key_bar import KeyBar


def page(name: str) -> str:
    """The Markdown of a page of the guide."""
    folder = resources.files("consolidator_tui") / "help"
    return (folder / f"{name}.md").read_text(encoding="utf-8")


class HelpScreen(Screen[None]):
    """Scrolls; `i` shows the guide's overview."""

    AUTO_FOCUS = "#help-page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "close", "back", key_display="esc"),
        Binding("i", "overview", "overview", tooltip="The whole way, on one page"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._page = name

    def compose(self) -> ComposeResult:
        """The page."""
        with VerticalScroll(id="help-page"):
            yield Markdown(page(self._page), open_links=False)
        yield KeyBar()
        yield TooSmall()

    async def action_overview(self) -> None:
        """`i`."""
        await self.query_one(Markdown).update(page("overview"))
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_scroll(self, by: int) -> None:
        """`j` and `k`."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        """Back to the step."""
        self.dismiss(None)
