"""Roll back: what was put back, and what was kept aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.signs import GOOD, WARN
from consolidator_tui.tui.text import plain, sign
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.fit_table import Col, FitTable

if TYPE_CHECKING:
    from consolidator_tui.services.rollback import RollbackReport


class RollBackScreen(StepScreen):
    """The restored files."""

    STEP = Step.ROLLBACK
    MAIN = "#restored"
    BINDINGS: ClassVar[list[BindingType]] = []

    def content(self) -> ComposeResult:
        """Lead and list."""
        yield Static(id="lead", markup=False)
        yield FitTable(
            [
                Col("", most=1),
                Col("File", least=24, most=70, flex=2, path=True),
                Col("What was done", least=20, most=80, flex=3),
            ],
            id="restored",
        )

    def draw(self) -> None:
        """The report."""
        report, ink = self.wizard.rolled_back, self.ink
        lead = self.query_one("#lead", Static)
        if report is None:
            lead.update(Text("ctrl+r rolls back everything that this run did.", str(ink.muted)))
            return
        text = sign("✓", ink.good)
        all_ = "All that this run did is undone. " if report.left else _EVERYTHING
        text.append(all_, "bold")
        text.append("Each file was read again and has its old hash.")
        lead.update(text)
        self.query_one(FitTable).set_rows(
            (str(n), (Text(mark, str(ink.good if mark == GOOD else ink.warn)), plain(path), what))
            for n, (mark, path, what) in enumerate(report_lines(report))
        )

    def primary(self) -> Primary:
        """Start anew."""
        if self.wizard.rolled_back is None:
            return Primary("Roll back …", "asks first", danger=True)
        return Primary("Start a new run", "looks for files again")

    def act(self) -> None:
        """Do it."""
        if self.wizard.rolled_back is None:
            self.wizard.ask_roll_back()
        else:
            self.owner.begin_again()


_EVERYTHING = "Everything is as it was before this run. "


def report_lines(report: RollbackReport) -> list[tuple[str, str, str]]:
    """Sign, path and what was done."""
    rows = [(GOOD, path, "restored") for path in report.restored]
    rows += [(GOOD, path, "removed: it was not there before") for path in report.removed]
    rows += [(GOOD, path, "was as before") for path in report.unchanged]
    rows += [(WARN, path, "left as it is: written since, not by this run") for path in report.left]
    rows += [(WARN, path, "kept aside in the run's folder") for path in report.kept]
    for table, number in report.written.items():
        how = "came into" if number > 0 else "left"
        rows.append((WARN, table, f"{plural(abs(number), 'row')} {how} the target since then"))
    return rows
