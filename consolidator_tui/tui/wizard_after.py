"""After the target is in place: the application's configuration, and whether it still works."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.domain.errors import ConsolidatorError, FileRefused
from consolidator_tui.domain.event import Event, Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.diffs import EditKey, Hunk, choices, diffs, hunks, with_needed
from consolidator_tui.tui.jobs import Job
from consolidator_tui.tui.wizard_state import WizardState

if TYPE_CHECKING:
    from consolidator_tui.domain.reference import Proposal
    from consolidator_tui.domain.smoke import SmokeCommand, SmokeReport
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.trials import Running, Trials


class Configuring(WizardState):
    """Calls the services of Configure and keeps what they give."""

    def __init__(self, app: ConsolidatorApp, project: Path) -> None:
        super().__init__(app, project)
        self.introduced: str | None = None
        """The environment key that edits introduce, where the person asked for one."""
        self.shown_again = ""
        """Why the changes are shown once more."""
        self.on_trial = False
        """Whether Configure shows the commands instead of the changes."""
        self.trials: Trials | None = None
        self.running: Running | None = None
        self.smoke_report: SmokeReport | None = None
        self._left_alone: set[Hunk] = set()

    # Changes

    def propose(self, introduce_key: str | None = None) -> None:
        """Work out what in the application has to change; what was left alone stays so."""
        session = self._session
        if self.proposal is not None:
            self._remember()
        self.introduced = introduce_key

        async def run() -> tuple[Proposal, dict[EditKey, str]]:
            proposal = await session.propose_configuration(introduce_key)
            return proposal, await asyncio.to_thread(diffs, proposal)

        def done(found: tuple[Proposal, dict[EditKey, str]]) -> None:
            self.proposal, self.diffs = found
            self.references = session.references
            named = hunks(found[0])
            places = [(file.file, edit) for file, edit in choices(found[0]) if not edit.optional]
            self.accepted = {
                (file, edit.start)
                for file, edit in places
                if named[file, edit.start] not in self._left_alone
            }

        self.app.start(
            Job(Step.CONFIGURE, "Looking at how the application finds its database", run, done)
        )

    def look_again(self) -> None:
        """Offer once more what was not changed."""
        self.configured = self.proposal = None
        self._left_alone = set()
        self.propose(self.introduced)

    def _remember(self) -> None:
        assert self.proposal is not None
        named = hunks(self.proposal)
        self._left_alone = {hunk for place, hunk in named.items() if place not in self.accepted}

    def configure(self) -> None:
        """Apply the accepted edits."""
        session, proposal = self._session, self.proposal
        accepted = with_needed(proposal, self.accepted) if proposal is not None else []
        number = len(self.accepted)

        def done(outcome: tuple[Path, ...]) -> None:
            self.configured = outcome
            self.shown_again = ""
            self.smoke_report = self.running = None
            self.gates = ()
            self.write_receipt()
            self.notes[Step.CONFIGURE] = plural(number, "change") + " made"

        self.app.start(
            Job(
                Step.CONFIGURE,
                f"Applying {plural(number, 'change')}",
                lambda: session.configure(accepted),
                done,
                stopping="roll back undoes what was changed",
            )
        )

    def failed(self, step: Step, error: ConsolidatorError) -> None:
        """As for every step; conditions and changes that no longer hold are looked at again."""
        super().failed(step, error)
        if self.running is not None:
            self.running.live = False
        if step is Step.CLEANUP:
            # What was found before does not hold any more, and the next dialog must list it.
            self.gates = ()
        if step is Step.CONFIGURE and isinstance(error, FileRefused) and self.proposal is not None:
            self._remember()
            self.proposal = None
            self.shown_again = error.sentence

    # The application's commands

    def detect_smoke(self) -> None:
        """Look which commands the project offers."""

        def done(commands: tuple[SmokeCommand, ...]) -> None:
            from consolidator_tui.tui.trials import as_trials

            self.trials = as_trials(commands)

        session = self._session
        self.app.start(Job(Step.CONFIGURE, "Looking for commands", session.detect_smoke, done))

    def smoke(self) -> None:
        """Run the chosen commands on a disposable copy."""
        from consolidator_tui.tui.trials import Running, as_commands

        session = self._session
        commands = as_commands(self.trials or ())
        self.smoke_report = None
        self.running = Running()

        def done(report: SmokeReport) -> None:
            self.smoke_report = report
            self.gates = ()
            self.write_receipt()
            # One from two places is two lines on the screen.
            passed = sum(result.verdict == "passed" for result in report.results)
            tried = plural(passed, "command")
            self.notes[Step.CONFIGURE] = f"{tried} passed" if report.ok else "does not work yet"

        self.app.start(
            Job(
                Step.CONFIGURE,
                "Trying the application",
                lambda: session.smoke(commands),
                done,
                stopping="the copy is removed",
                quiet=True,
            )
        )

    def take_event(self, event: Event) -> None:
        """The output of commands is kept here, and only while the wizard runs."""
        super().take_event(event)
        if self.running is not None:
            self.running.take(event)
