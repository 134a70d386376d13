"""The frame of the screens that change the plan: a heading, a list, what is known, the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from consolidator_tui.tui.text import safe
from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row
from consolidator_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from consolidator_tui.domain.merge import MergePlan
    from consolidator_tui.domain.plan import PlanDocument
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.theme import Inks
    from consolidator_tui.tui.wizard import Wizard


class PlanPage(Screen[bool]):
    """Ends with True when the plan was changed; subclasses give rows and details."""

    HELP_PAGE = "plan"
    AUTO_FOCUS = "#list"
    COLUMNS: ClassVar[Sequence[Col]] = ()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", key_display="esc"),
        Binding("question_mark", "help", "help", tooltip="Help for this screen"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.changed = False

    @property
    def owner(self) -> ConsolidatorApp:
        """The app, as what it is."""
        return cast("ConsolidatorApp", self.app)

    @property
    def wizard(self) -> Wizard:
        """What the wizard knows."""
        return self.owner.wizard

    @property
    def plan(self) -> MergePlan:
        """The plan as it is now."""
        assert self.wizard.plan is not None, "the page is offered only with a plan"
        return self.wizard.plan

    @property
    def ink(self) -> Inks:
        """The styles of the current theme."""
        return self.owner.ink

    def compose(self) -> ComposeResult:
        """Heading, list, detail."""
        yield Static(id="page-head", markup=False)
        yield FitTable(self.COLUMNS, id="list")
        yield Detail(id="detail")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Draw."""
        self.draw()

    def draw(self) -> None:
        """Bring everything up to date."""
        title, words = self.heading()
        head = Text(f" {safe(title, 60)}  ", "bold", end="")
        head.append(words, str(self.ink.muted))
        self.query_one("#page-head", Static).update(head)
        self.query_one(FitTable).set_rows(self.rows())
        self.draw_detail()
        self.refresh_bindings()

    def heading(self) -> tuple[str, str]:
        """Title, and a sentence beside it."""
        raise NotImplementedError

    def rows(self) -> Sequence[Row]:
        """The list."""
        raise NotImplementedError

    def detail(self) -> tuple[str, Text]:
        """Title and text for the row under the cursor."""
        raise NotImplementedError

    def draw_detail(self) -> None:
        """What is known of the row under the cursor."""
        title, text = self.detail()
        self.query_one(Detail).show(title, text)

    def on_fit_table_moved(self) -> None:
        """Another row is under the cursor."""
        self.draw_detail()

    @property
    def current(self) -> str:
        """The key of the row under the cursor; empty without one."""
        return self.query_one("#list", FitTable).current_key or ""

    def change(self, document: PlanDocument) -> None:
        """Take another plan document, plan anew and draw."""
        self.changed = True
        self.wizard.edit(document, self.planned)

    def planned(self) -> None:
        """The plan is there again."""
        if self.is_attached:
            self.draw()

    def action_leave(self) -> None:
        """`esc`."""
        if self.wizard.editing:
            # The plan is being made: what was typed must not be lost to a plan half made.
            self.app.bell()
            return
        self.dismiss(self.changed)

    def action_help(self) -> None:
        """`?`."""
        from consolidator_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.HELP_PAGE))
