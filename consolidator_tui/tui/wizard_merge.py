"""The merge: plan, decisions, staging, proof."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.event import Step
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.text import plural
from consolidator_tui.tui.wizard_plan import PlanEditing

if TYPE_CHECKING:
    from consolidator_tui.domain.conflict import TableRules
    from consolidator_tui.domain.merge import MergeResult
    from consolidator_tui.domain.plan import PlanDocument


class Merging(PlanEditing):
    """Calls the services of Migrate and Verify and keeps what they give."""

    # Migrate

    def migrate(self) -> None:
        """Build the merged database beside the originals."""
        self._merge("Merging", self._session.migrate, lambda: None)

    def _merge(
        self, title: str, run: Callable[[], Awaitable[MergeResult]], then: Callable[[], None]
    ) -> None:
        session = self._session

        def done(result: MergeResult) -> None:
            self._forget_after(Step.MIGRATE)
            self.plan = session.plan
            self.result = result
            self.undecided = sum(counts.undecided for counts in result.counts)
            self.remade = False
            self.notes[Step.MIGRATE] = (
                plural(len(result.questions), "question") + " open"
                if result.needs_decisions
                else plural(len(result.counts), "table")
            )
            then()

        self.app.start(Job(Step.MIGRATE, title, run, done))

    def merge_with_rules(self, table: str, rules: TableRules, then: Callable[[], None]) -> None:
        """Give a table other survivorship rules, and merge again."""
        session = self._session

        async def run() -> MergeResult:
            await session.set_rules(table, rules)
            return await session.migrate()

        def told() -> None:
            if self.result is not None:
                names = ", ".join(rules.rules)
                left = next((c.undecided for c in self.result.counts if c.table == table), 0)
                self.app.tell(f"{table}: rules {names}; {plural(left, 'conflict')} left.")
            then()

        self._merge("Merging with the new rules", run, told)

    def merge_with_rules_before(self, label: str, then: Callable[[], None]) -> None:
        """Merge again after a step that changed rules was undone or done again."""
        self._merge(f"Merging again: {label}", self._session.migrate, then)

    # Decisions

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
        """Merge with the decisions that were made."""
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
