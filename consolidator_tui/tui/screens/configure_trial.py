"""Configure's second page: the application's own commands, on a disposable copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import RichLog, Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.smoke import CommandKind, SmokeCommand, Start, folder_name
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.configure_page import Page
from consolidator_tui.tui.screens.trial_text import (
    INIT,
    PROJECT,
    about,
    closing,
    extra_rows,
    outcome,
)
from consolidator_tui.tui.signs import BAD, CHOSEN, GOOD, NOT_CHOSEN
from consolidator_tui.tui.text import lines, plain, safe, sign
from consolidator_tui.tui.trials import (
    Trial,
    added,
    as_commands,
    edited,
    removed,
    toggled,
)
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

_NEW = SmokeCommand("", CommandKind.SCRIPT, (Start("", ""),), timeout=120.0, reason="by hand")


class TrialPage(Page):
    """Commands to choose and edit, their output while they run, and what came of each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "pick", tooltip="Run this command, or leave it out"),
        Binding("a", "all", "all", tooltip="Run all commands, or none", show=False),
        Binding("e", "edit", "edit", tooltip="Change command, folder, variables, time"),
        Binding("n", "new", "new", tooltip="Add a command"),
        Binding("x", "remove", "Remove", tooltip="Remove this command", show=False),
        Binding("o", "output", "show", tooltip="Show the output, or what came of it"),
        Binding("ctrl+r", "undo", "roll back", tooltip="Roll everything back"),
        Binding("r", "again", "again", tooltip="Run the commands again", show=False),
        Binding("t,escape", "turn", "back", key_display="t", tooltip="Back to the changes"),
        Binding("s", "skip", "Go on to Clean up", show=False),
    ]

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._seen = 0
        self._output = False
        self._was_running = False

    def compose(self) -> ComposeResult:
        """Lead, commands, what came of one, output."""
        yield Static(classes="lead", markup=False)
        yield FitTable(
            [
                Col("", most=1),
                Col("Command", least=20, most=60, flex=2),
                Col("Started in", least=10, most=30, flex=1, path=True),
                Col("Limit", right=True, least=5, most=6, from_width=90),
                Col("Result", least=18, most=70, flex=2),
            ],
            id="commands",
        )
        yield Detail(id="trial")
        yield RichLog(
            markup=False, highlight=False, wrap=True, min_width=20, max_lines=2_000, id="output"
        )

    @property
    def main(self) -> FitTable:
        """The commands."""
        return self.query_one(FitTable)

    @property
    def _trials(self) -> tuple[Trial, ...]:
        return self.wizard.trials or ()

    @property
    def _trying(self) -> bool:
        job = self.owner.job
        return job is not None and job.step is Step.CONFIGURE and job.quiet

    def arrived(self) -> None:
        """Look which commands there are."""
        if self.wizard.trials is None:
            self.wizard.detect_smoke()

    def summary(self) -> str:
        """How it stands."""
        running, report = self.wizard.running, self.wizard.smoke_report
        if self._trying and running is not None and running.total:
            number = sum(trial.chosen for trial in self._trials)
            if running.number > number:
                return "trying it without a database"
            return f"trying {running.number} of {number}"
        if report is not None:
            return "the application works" if report.ok else "the application does not work yet"
        return "does the application still work?"

    # Drawing

    def draw(self) -> None:
        """Commands, and what came of the one under the cursor, or the output."""
        wizard, ink = self.wizard, self.ink
        self.query_one(".lead", Static).update(self._lead())
        rows = [self._row(trial) for trial in self._trials]
        rows += extra_rows(wizard.smoke_report, ink)
        self.main.set_rows(rows)
        if self._trying != self._was_running:
            # The output while it runs, what came of it afterwards.
            self._was_running = self._output = self._trying
            self.refresh_bindings()
        self.set_class(self._output, "-output")
        self._follow()
        self._draw_detail()

    def _lead(self) -> Text:
        wizard, ink = self.wizard, self.ink
        target = safe(wizard.target_path, 50)
        report = wizard.smoke_report
        if report is None:
            without = "" if wizard.alone else " and none of the old files"
            return Text(
                f"Does it still work? The commands run on a copy that has {target}{without}; the "
                "project is only read."
            )
        if report.ok:
            text = sign(GOOD, ink.good)
            text.append(f"The application works with {target} alone.", "bold")
            return text
        text = sign(BAD, ink.bad)
        text.append("Not yet: ", "bold")
        text.append(f"{lines(report.reason)}\n")
        text.append("ctrl+r rolls everything back; t goes to the changes.", str(ink.muted))
        return text

    def _row(self, trial: Trial) -> Row:
        ink, muted = self.ink, str(self.ink.muted)
        style = "" if trial.chosen else muted
        mark = Text(CHOSEN, str(ink.accent)) if trial.chosen else Text(NOT_CHOSEN, muted)
        return trial.key, (
            mark,
            plain(trial.start.command, style),
            plain(folder_name(trial.start.folder), style),
            Text(f"{trial.command.timeout:g} s", style),
            outcome(trial, self.wizard.running, self.wizard.smoke_report, ink),
        )

    def _follow(self) -> None:
        log, running = self.query_one(RichLog), self.wizard.running
        log.border_title = "Output"
        if running is None or running.written < self._seen:
            log.clear()
            self._seen = 0
        if running is not None:
            for line in running.since(self._seen):
                log.write(Text(safe(line, 400)), scroll_end=log.is_vertical_scroll_end)
            self._seen = running.written

    def on_fit_table_moved(self) -> None:
        """Another command is under the cursor."""
        self._draw_detail()

    @property
    def _current(self) -> Trial | None:
        key = self.main.current_key
        return next((trial for trial in self._trials if trial.key == key), None)

    def _draw_detail(self) -> None:
        trial, detail, report = self._current, self.query_one(Detail), self.wizard.smoke_report
        if trial is not None:
            detail.show(trial.command.name, about(trial, report, self.ink))
        elif report is not None and self.main.current_key in (INIT, PROJECT):
            detail.show("At the end", closing(self.main.current_key or "", report, self.ink))
        elif not self._trials:
            detail.show("No commands", Text("Nothing to run was found. n adds a command."))

    # Actions

    def primary(self) -> Primary:
        """Run, or go on."""
        if self._trying:
            stop = "Stopping …" if self.owner.stopping else "c stops it"
            return Primary("Trying the application", stop, enabled=False)
        allowed, reason = self.wizard.may(Step.CONFIGURE)
        if not allowed:
            return Primary("Try the application", reason, enabled=False)
        report, number = self.wizard.smoke_report, sum(trial.chosen for trial in self._trials)
        if report is not None and report.ok:
            return Primary("Continue to Clean up", "r tries it again")
        if not number:
            return Primary("Continue to Clean up", "without trying: space chooses a command")
        label = "Try again" if report is not None else f"Try {plural(number, 'command')}"
        return Primary(label, "s goes on without")

    def act(self) -> None:
        """Do it."""
        report = self.wizard.smoke_report
        if (report is not None and report.ok) or not as_commands(self._trials):
            self.action_skip()
        else:
            self.wizard.smoke()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Commands stay as they are while they run."""
        if action == "output":
            return self.wizard.running is not None
        if action == "undo":
            report = self.wizard.smoke_report
            return not self._trying and report is not None and not report.ok
        if action in ("edit", "remove", "choose"):
            return not self._trying and self._current is not None
        return not (self._trying and action in ("all", "new", "again", "skip", "turn"))

    def _take(self, trials: tuple[Trial, ...]) -> None:
        self.wizard.trials = trials
        self.owner.changed()

    def action_choose(self) -> None:
        """`space`."""
        trial = self._current
        if trial is not None:
            self._take(toggled(self._trials, {trial.key}, not trial.chosen))

    def action_all(self) -> None:
        """`a`."""
        every = all(trial.chosen for trial in self._trials)
        self._take(toggled(self._trials, {trial.key for trial in self._trials}, not every))

    def action_edit(self) -> None:
        """`e`."""
        trial = self._current
        if trial is None:
            return
        key = trial.key
        self._ask(
            "Edit the command",
            trial.command,
            lambda made: self._take(edited(self._trials, key, made)),
        )

    def action_new(self) -> None:
        """`n`."""
        self._ask("A new command", _NEW, self._add)

    def _add(self, made: SmokeCommand) -> None:
        from consolidator_tui.services.smoke import named

        trials, key = added(self._trials, named(made))
        self._take(trials)
        self.main.move_to(key)

    def _ask(self, title: str, command: SmokeCommand, then: Callable[[SmokeCommand], None]) -> None:
        from consolidator_tui.tui.modals.command_form import CommandForm

        def answered(made: SmokeCommand | None) -> None:
            if made is not None:
                then(made)

        self.app.push_screen(CommandForm(title, command), answered)

    def action_remove(self) -> None:
        """`x`: it can be added again, and a new look finds what the project offers."""
        trial = self._current
        if trial is not None:
            self._take(removed(self._trials, trial.key))

    def action_output(self) -> None:
        """`o`."""
        self._output = not self._output
        self.set_class(self._output, "-output")
        (self.query_one(RichLog) if self._output else self.main).focus()

    def action_undo(self) -> None:
        """`ctrl+r`, as everywhere."""
        self.wizard.ask_roll_back()

    def action_again(self) -> None:
        """`r`."""
        if as_commands(self._trials):
            self.wizard.smoke()

    def action_turn(self) -> None:
        """`t`."""
        self.step_screen.turn(on_trial=False)

    def action_skip(self) -> None:
        """`s`."""
        self.owner.go_to(Step.CLEANUP)
