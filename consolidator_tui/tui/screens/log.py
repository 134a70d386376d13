"""The whole event log, filtered by level and step."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import RichLog, Static

from consolidator_tui.domain.event import Level, Step
from consolidator_tui.tui.event_store import LogLine
from consolidator_tui.tui.steps import NAMES
from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.key_bar import KeyBar
from consolidator_tui.tui.widgets.log_panel import line_text

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp

SEVERITY = (Level.DEBUG, Level.INFO, Level.QUESTION, Level.WARNING, Level.ERROR)
FILTERS: tuple[tuple[str, Level], ...] = (
    ("all but details", Level.INFO),
    ("questions and worse", Level.QUESTION),
    ("warnings and errors", Level.WARNING),
    ("errors", Level.ERROR),
    ("everything", Level.DEBUG),
)
STEPS: tuple[Step | None, ...] = (None, *Step)


class LogScreen(Screen[None]):
    """Follows the log while its end is in view."""

    AUTO_FOCUS = "RichLog"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "level", "level", tooltip="Show other levels"),
        Binding("s", "step", "step", tooltip="Show another step"),
        Binding("escape,L", "close", "back", key_display="esc"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
        Binding("g", "end(False)", "Top", show=False),
        Binding("G", "end(True)", "Bottom", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seen = 0
        self._level = 0
        self._step = 0

    def compose(self) -> ComposeResult:
        """Heading and lines."""
        yield Static(id="log-head", markup=False)
        yield RichLog(
            markup=False, highlight=False, wrap=True, max_lines=5_000, min_width=40, id="log-all"
        )
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Fill, and follow."""
        self.set_interval(0.2, self._follow)
        self.call_after_refresh(self._refill)

    @property
    def _app(self) -> ConsolidatorApp:
        return cast("ConsolidatorApp", self.app)

    def _shown(self, line: LogLine) -> bool:
        step = STEPS[self._step]
        least = SEVERITY.index(FILTERS[self._level][1])
        return SEVERITY.index(line.level) >= least and step in (None, line.step)

    def _refill(self) -> None:
        log = self.query_one(RichLog)
        log.clear()
        self._seen = 0
        step = STEPS[self._step]
        head = Text(" Event log  ", "bold", end="")
        where = "all steps" if step is None else NAMES[step]
        head.append(f"{FILTERS[self._level][0]} · {where}", str(self._app.ink.muted))
        self.query_one("#log-head", Static).update(head)
        self._follow()

    def _follow(self) -> None:
        log, store, ink = self.query_one(RichLog), self._app.store, self._app.ink
        for line in store.lines(self._seen):
            if self._shown(line):
                text = line_text(line, ink)
                # Here everything can be read.
                text.no_wrap = False
                log.write(text, expand=True, scroll_end=log.is_vertical_scroll_end)
        self._seen = store.newest

    def action_level(self) -> None:
        """`v`."""
        self._level = (self._level + 1) % len(FILTERS)
        self._refill()

    def action_step(self) -> None:
        """`s`: the next step that has lines."""
        there = {line.step for line in self._app.store.lines()}
        for _ in STEPS:
            self._step = (self._step + 1) % len(STEPS)
            if STEPS[self._step] is None or STEPS[self._step] in there:
                break
        self._refill()

    def action_scroll(self, by: int) -> None:
        """`j` and `k`."""
        self.query_one(RichLog).scroll_relative(y=by, animate=False)

    def action_end(self, bottom: bool) -> None:
        """`g` and `G`."""
        log = self.query_one(RichLog)
        log.scroll_end(animate=False) if bottom else log.scroll_home(animate=False)

    def action_close(self) -> None:
        """Back to the step."""
        self.dismiss(None)
