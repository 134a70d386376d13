"""Two rows that a person knows to be one: found by a text, marked, called the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input, Static

from consolidator_tui.domain.cells import cell
from consolidator_tui.domain.suggestion import PickedRow
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.plan_suggestions import row_name, side_by_side
from consolidator_tui.tui.signs import CHOSEN, NOT_CHOSEN
from consolidator_tui.tui.text import clip_path, plain, safe
from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable
from consolidator_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp

LIMIT = 100
"""Rows of each file that are shown."""


class RowsPage(Screen[tuple[PickedRow, PickedRow]]):
    """Ends with the two rows, or None."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", tooltip="Mark the row"),
        Binding("y", "same", "the same", tooltip="The two marked rows are one entity"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("escape", "leave", "back", key_display="esc"),
        Binding("question_mark", "help", "help", tooltip="Help for this screen"),
    ]

    def __init__(self, table: str) -> None:
        super().__init__()
        self._table = table
        self._rows: dict[str, PickedRow] = {}
        self._marked: dict[str, PickedRow] = {}

    @property
    def _app(self) -> ConsolidatorApp:
        return cast("ConsolidatorApp", self.app)

    def compose(self) -> ComposeResult:
        """Heading, search, list, both rows."""
        yield Static(id="page-head", markup=False)
        yield Input(placeholder="text to find; enter searches", compact=True, id="find")
        yield FitTable(
            [
                Col("", most=1),
                Col("File", least=8, most=34, path=True),
                Col("Row", least=20, most=60, flex=1),
                Col("Values", least=16, most=120, flex=2),
            ],
            id="list",
        )
        yield Detail(id="detail")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """The first rows are there at once."""
        self._head("looking …")
        self._search("")

    def _head(self, words: str) -> None:
        head = Text(f" Rows of {safe(self._table, 50)}  ", "bold", end="")
        head.append(words, str(self._app.ink.muted))
        self.query_one("#page-head", Static).update(head)

    def _search(self, text: str) -> None:
        self._app.wizard.search_rows(self._table, text, self._found)

    def _found(self, rows: tuple[PickedRow, ...]) -> None:
        if not self.is_attached:
            return
        found = {_key(row): row for row in rows}
        # What is marked stays in sight whatever is searched.
        self._rows = {**self._marked, **found}
        self._draw()

    def _draw(self) -> None:
        number = plural(len(self._rows), "row")
        self._head(f"{number}, at most {LIMIT} of each file; mark two and press y")
        self.query_one(FitTable).set_rows(
            (
                key,
                (
                    CHOSEN if key in self._marked else NOT_CHOSEN,
                    clip_path(row.source, 34),
                    plain(row_name(row)),
                    plain(", ".join(cell(v, limit=40).text for v in row.values.values())),
                ),
            )
            for key, row in self._rows.items()
        )
        self._draw_detail()

    def on_fit_table_moved(self) -> None:
        """Another row is under the cursor."""
        self._draw_detail()

    def _draw_detail(self) -> None:
        key = self.query_one(FitTable).current_key
        rows = list(self._marked.values())
        if len(rows) < 2 and key in self._rows and key not in self._marked:
            rows.append(self._rows[key])
        if not rows:
            self.query_one(Detail).show("", Text("space marks a row."))
            return
        width = max(self.size.width - 4, 40)
        text = side_by_side(rows, width, self._app.ink)
        title = " and ".join(clip_path(row.source, 30) for row in rows)
        self.query_one(Detail).show(title, text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in the field."""
        event.stop()
        self._search(event.value)
        self.query_one(FitTable).focus()

    def action_mark(self) -> None:
        """`space`."""
        key = self.query_one(FitTable).current_key
        if key is None:
            return
        if key in self._marked:
            del self._marked[key]
        elif len(self._marked) < 2:
            self._marked[key] = self._rows[key]
        else:
            self.app.bell()
        self._draw()

    def action_same(self) -> None:
        """`y`."""
        if len(self._marked) != 2:
            self._app.tell("Mark two rows with space first.")
            return
        first, second = self._marked.values()
        self.dismiss((first, second))

    def action_search(self) -> None:
        """`/`."""
        self.query_one(Input).focus()

    def action_leave(self) -> None:
        """`esc`: from the field to the list, from the list back."""
        if self.focused is self.query_one(Input) and self._rows:
            self.query_one(FitTable).focus()
            return
        self.dismiss(None)

    def action_help(self) -> None:
        """`?`."""
        from consolidator_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen("look-alikes"))


def _key(row: PickedRow) -> str:
    return f"{row.source} {dict(row.naming)!r}"
