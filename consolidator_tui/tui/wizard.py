"""The wizard's state and what it asks of the session; screens read it and call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain.event import Level, Step
from consolidator_tui.domain.run import may
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.model import UNDONE
from consolidator_tui.tui.picks import Picks
from consolidator_tui.tui.wizard_after import Configuring
from consolidator_tui.tui.wizard_before import BeforeMerge
from consolidator_tui.tui.wizard_merge import Merging

if TYPE_CHECKING:
    from consolidator_tui.services.session import Session
    from consolidator_tui.services.session.resuming import UnfinishedRun


class Wizard(BeforeMerge, Merging, Configuring):
    """The whole way; this class adds what follows the merge, and earlier runs."""

    def opened(self, session: Session) -> None:
        """The session is there: ask about an unfinished run, else look for files."""
        self.session = session
        self.app.ask(Query("unfinished run", session.unfinished, self._unfinished))

    # Clean up

    def look_at_gates(self) -> None:
        """Which conditions of deleting hold now."""

        def done(gates: tuple[Any, ...]) -> None:
            self.gates = gates

        self.app.start(
            Job(Step.CLEANUP, "Checking what is safe to delete", self._session.gates, done)
        )

    def clean_up(self, phrase: str) -> None:
        """Delete the originals; the phrase was typed by the person."""
        session = self._session

        def done(outcome: Any) -> None:
            self.cleaned = outcome
            self.write_receipt()
            self.notes[Step.CLEANUP] = "done"

        self.app.start(
            Job(
                Step.CLEANUP,
                "Deleting the originals",
                lambda: session.clean_up(phrase),
                done,
                stopping="what is deleted already can be rolled back",
            )
        )

    # Roll back

    def ask_roll_back(self, name: str | None = None) -> None:
        """Ask, then undo everything that this run did, or the earlier run of that name.

        While this run has changed nothing, the newest one that is in force is offered.
        """
        session = self.session
        if session is None:
            return
        allowed, reason = may(self.state, Step.ROLLBACK)
        own = session.run is not None and name in (None, session.run.name)
        if self.state.running is not None or (allowed and own):
            if not allowed:
                self.app.tell(reason, Level.WARNING)
                return
            self._ask_to("Roll everything back?", "", "this run", self.roll_back)
        elif allowed and not self.state.rolled_back:
            self.app.tell("First roll back the run that is at hand: ctrl+r.", Level.WARNING)
        else:
            found = Query(
                "the run in force", session.in_force, lambda run: self._offer(run, name, reason)
            )
            self.app.ask(found)

    def _offer(self, found: UnfinishedRun | None, name: str | None, reason: str) -> None:
        """Ask about an earlier run; the newest goes first, or its files would be in the way."""
        if found is None or name not in (None, found.name):
            first = f"Roll back {found.name} first, if {name} is in force." if found else ""
            nothing = reason or "No run has changed files that are still as it made them."
            self.app.tell(first or nothing, Level.WARNING)
            return
        session, run = self._session, found.name
        self._ask_to(
            f"Roll back run {run}?",
            f"It began on {found.started} and is the last one that changed files.\n",
            "that run",
            lambda: self._take_up("Resuming", lambda: session.go_back_to(run), self.roll_back),
        )

    def _ask_to(self, title: str, first: str, run: str, then: Callable[[], None]) -> None:
        from consolidator_tui.tui.modals.question import Choice, Question

        question = Question(
            title,
            f"{first}Databases, configuration and deleted files become what they were before "
            f"{run}.\nWhat was written into the target since then is kept aside and reported.",
            [Choice("keep", "Keep as it is"), Choice("roll", "Roll back", danger=True)],
        )
        self.app.push_screen(question, lambda answer: then() if answer == "roll" else None)

    def roll_back(self) -> None:
        """Undo everything, on its own screen."""

        def done(report: Any) -> None:
            self.rolled_back = report
            self.failures.clear()
            for step in UNDONE:
                self.notes.pop(step, None)

        self.app.back_to_step()
        self.app.go_to(Step.ROLLBACK)
        self.app.start(
            Job(
                Step.ROLLBACK,
                "Rolling back",
                self._session.roll_back,
                done,
                stopping="it can be started again and then completes",
            )
        )

    # Unfinished runs

    def _unfinished(self, found: Any) -> None:
        if found is None:
            self.discover()
            return
        self.earlier = True
        self.app.changed()
        from consolidator_tui.tui.modals.unfinished import unfinished_question

        self.app.push_screen(
            unfinished_question(found), lambda answer: self._unfinished_answered(found, answer)
        )

    def _unfinished_answered(self, found: Any, answer: str | None) -> None:
        session = self._session
        if answer == "over":
            self._take_up("Starting over", session.start_over, self.discover)
        elif answer == "roll":
            self._take_up("Resuming", lambda: session.resume(found.name, undo=True), self.roll_back)
        else:
            self._take_up("Resuming", lambda: session.resume(found.name), self._resumed)

    def _take_up(
        self, title: str, run: Callable[[], Awaitable[None]], then: Callable[[], None]
    ) -> None:
        def done(_none: object) -> None:
            self.earlier = False
            then()

        self.app.start(Job(Step.DISCOVER, title, run, done))

    def _resumed(self) -> None:
        """Show what the run already knows, at the step where it stopped."""
        session = self._session
        if session.discovery is not None:
            self.discovery = session.discovery
            self.found = {file.path: file for file in session.discovery.files}
        if session.chosen is not None:
            self.picks = Picks(list(session.chosen.sources), session.chosen.target, touched=True)
        self.inspection = session.inspection
        self.manifest = session.manifest
        self.plan = session.plan
        self.result = session.result
        self.verification = session.verification
        state = self.state
        # Clean up may be what was interrupted, with Configure passed over before it.
        stopped = state.interrupted if state.promoted else None
        self.app.go_to(stopped or state.current or Step.CLEANUP)
