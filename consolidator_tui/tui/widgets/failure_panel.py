"""What failed, what state everything is in, what can be done next, where the log is."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from consolidator_tui.domain.errors import Cancelled, ConsolidatorError
from consolidator_tui.tui.model import Safety
from consolidator_tui.tui.signs import BAD, WARN
from consolidator_tui.tui.text import lines
from consolidator_tui.tui.theme import Inks


def failure_text(error: ConsolidatorError, safety: Safety, keys: str, log: str, ink: Inks) -> Text:
    """The four things that a person needs after a failure."""
    stopped = isinstance(error, Cancelled)
    text = Text(end="")
    style = str(ink.warn + ink.strong) if stopped else str(ink.bad)
    text.append(f"{WARN if stopped else BAD} {lines(error.title)}\n", style)
    text.append(f"{lines(error.sentence)}\n\n")
    muted = str(ink.muted)
    text.append("State\n", muted)
    for label, value in (*safety.facts,):
        text.append(f"  {label + ':':<11}{value}\n")
    text.append("\nNext\n", muted)
    if error.todo:
        text.append(f"  {lines(error.todo)}\n")
    text.append(f"  {keys}\n")
    text.append("\nLog\n", muted)
    text.append(f"  {log}")
    return text


class FailurePanel(VerticalScroll, can_focus=True):
    """Stands in place of a step's content while its last try failed."""

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(id="failure-text", markup=False)

    @property
    def complete(self) -> bool:
        """Whether all parts are mounted."""
        return bool(self.query("#failure-text"))

    def show(
        self, error: ConsolidatorError, safety: Safety, keys: str, log: str, ink: Inks
    ) -> None:
        """Say what happened."""
        self.query_one(Static).update(failure_text(error, safety, keys, log, ink))
