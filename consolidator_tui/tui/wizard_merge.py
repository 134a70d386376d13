"""The merge: plan, decisions, staging, proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.tui.conflicts import OpenConflict, decided, open_conflicts, with_decision
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.text import plural
from consolidator_tui.tui.wizard_plan import PlanEditing

if TYPE_CHECKING:
    from consolidator_tui.domain.merge import MergeResult
    from consolidator_tui.domain.plan import PlanDocument, Value

    pass


class Merging(PlanEditing):
    """Calls the services of Migrate and Verify and keeps what they give."""

    # Migrate

    def migrate(self) -> None:
        """Build the merged database beside the originals."""
        session = self._session

        def done(result: MergeResult) -> None:
            self._forget_after(Step.MIGRATE)
            self.plan = session.plan
            self.result = result
            self.conflicts = open_conflicts(result, session.plan) if session.plan else ()
            # A decision that leaves its conflict open has not settled it: it is asked again.
            self.unsettled = frozenset(
                conflict.key for conflict in self.conflicts if decided(session.document, conflict)
            )
            if self.unsettled:
                number = plural(len(self.unsettled), "decision")
                self.app.tell(f"{number} did not settle the conflict.", Level.WARNING)
            self.notes[Step.MIGRATE] = (
                plural(len(result.questions), "question") + " open"
                if result.needs_decisions
                else plural(len(result.counts), "table")
            )

        self.app.start(Job(Step.MIGRATE, "Merging", session.migrate, done))

    # Decisions

    def decide(
        self,
        conflicts: Sequence[OpenConflict],
        keep: str,
        values: Mapping[str, Value] | None,
        then: Callable[[], None],
    ) -> None:
        """Keep this source (or both, or nothing) of each conflict; stored at once."""
        document = self.document
        for conflict in conflicts:
            document = with_decision(document, conflict, keep, values)
        session = self._session
        self.unsettled -= {conflict.key for conflict in conflicts}

        async def run() -> None:
            await session.set_document(document)

        self.app.ask(Query("decision", run, lambda _none: then()))

    def set_document(
        self,
        document: PlanDocument,
        text: str,
        then: Callable[[], None],
        refused: Callable[[PlanError], None],
    ) -> None:
        """Take another plan; `refused` gets the reason when it names what is not there."""
        session = self._session

        async def run() -> PlanError | None:
            try:
                await session.set_document(document, text)
            except PlanError as error:
                return error
            return None

        def done(error: PlanError | None) -> None:
            if error is not None:
                refused(error)
                return
            self._forget_after(Step.BACKUP)
            then()

        self.app.ask(Query("plan", run, done))

    def merge_again(self) -> None:
        """Plan and merge with the decisions that were made."""
        self.plan = None
        self.migrate()

    # Verify

    def verify(self) -> None:
        """Prove the staged database, and put it in place when every check holds."""

        def done(verification: Any) -> None:
            self.verification = verification
            self.write_receipt()
            checks = len(verification.checks)
            self.notes[Step.VERIFY] = plural(checks, "check") + " passed"

        self.app.start(
            Job(
                Step.VERIFY,
                "Verifying the merged database",
                self._session.verify,
                done,
                stopping="the target is replaced only after the last check",
            )
        )
