"""The event log at the bottom: seven rows on tall terminals, the newest line on short ones."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import RichLog, Static

from consolidator_tui.domain.event import Level
from consolidator_tui.tui.event_store import EventStore, LogLine
from consolidator_tui.tui.signs import BAD
from consolidator_tui.tui.steps import NAMES
from consolidator_tui.tui.text import plain
from consolidator_tui.tui.theme import Inks

MARKS = {
    Level.DEBUG: "·",
    Level.INFO: " ",
    Level.WARNING: "!",
    Level.QUESTION: "?",
    Level.ERROR: BAD,
}


def line_text(line: LogLine, ink: Inks) -> Text:
    """A log line: time, step, a sign for the level, what happened. Made for one row unless told
    otherwise by whoever shows it: what has no room ends with an ellipsis."""
    styles = {
        Level.DEBUG: str(ink.muted),
        Level.INFO: "",
        Level.WARNING: str(ink.warn),
        Level.QUESTION: str(ink.accent),
        Level.ERROR: str(ink.bad),
    }
    style = styles[line.level]
    text = Text(end="", no_wrap=True, overflow="ellipsis")
    text.append(f" {line.time:%H:%M:%S} ", str(ink.muted))
    text.append(f"{NAMES[line.step]:<10}", str(ink.muted))
    text.append(f"{MARKS[line.level]} ", style)
    text.append_text(plain(line.text, style))
    return text


class LogPanel(Vertical):
    """Shows the lines of an `EventStore`; the whole log is a screen of its own (`L`)."""

    _seen = 0

    def compose(self) -> ComposeResult:
        """The scrolling lines and the single one; the layout shows one of them."""
        log = RichLog(markup=False, highlight=False, wrap=True, max_lines=2_000, id="log-lines")
        log.can_focus = False
        log.border_title = "Event log"
        yield log
        yield Static(id="log-line", markup=False)

    def show(self, store: EventStore, ink: Inks) -> None:
        """Add what is new."""
        if store.newest == self._seen:
            return
        log = self.query_one(RichLog)
        for line in store.lines(self._seen):
            if line.level is not Level.DEBUG:
                text = line_text(line, ink)
                # Without `expand` a line is at most as wide as Rich believes the terminal to be.
                log.write(text, expand=True, scroll_end=log.is_vertical_scroll_end)
        self._seen = store.newest
        last = store.last()
        if last is not None:
            self.query_one("#log-line", Static).update(line_text(last, ink))
