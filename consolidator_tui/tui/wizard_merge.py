"""The merge: plan, decisions, staging, proof."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from consolidator_tui.domain.errors import ConsolidatorError, PlanError
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.wizard_plan import PlanEditing

if TYPE_CHECKING:
    from pathlib import Path

    from consolidator_tui.domain.conflict import TableRules
    from consolidator_tui.domain.merge import MergeResult
    from consolidator_tui.domain.plan import PlanDocument

T = TypeVar("T")


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
                f"{plural(self.undecided, 'conflict')} open"
                if self.undecided
                else f"{plural(len(result.questions), 'question')} open"
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

    def plan_to_edit(self, then: Callable[[tuple[str, int]], None]) -> None:
        """The plan with its decisions as text; see the session."""
        self.app.ask(Query("plan text", self._session.plan_to_edit, then))

    def take_edited(
        self,
        document: PlanDocument,
        text: str,
        whole: bool,
        then: Callable[[], None],
        refused: Callable[[PlanError], None],
    ) -> None:
        """Take another plan; `refused` gets the reason when it names what is not there."""
        session = self._session

        async def run() -> PlanError | None:
            try:
                await session.take_edited(document, text, whole=whole)
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

    def export_plan(self, name: str, over: bool, then: Callable[[Path | None], None]) -> None:
        """Write the plan to a file; None comes back where one is there and `over` is off."""
        session = self._session
        self._beside("Exporting the plan", lambda: session.export_plan(name, replace_=over), then)

    def import_plan(self, name: str, then: Callable[[tuple[int, bool]], None]) -> None:
        """Take the plan in a file; results that it makes wrong are dropped."""
        session = self._session

        def done(found: tuple[int, bool]) -> None:
            self._forget_after(Step.BACKUP)
            then(found)

        self._beside("Reading the plan", lambda: session.import_plan(name), done)

    def _beside(
        self, title: str, run: Callable[[], Awaitable[T]], then: Callable[[T], None]
    ) -> None:
        """Work that may take a while and is not the step itself: when it fails it is only told."""

        async def caught() -> T | ConsolidatorError:
            from consolidator_tui.services.failure import translate

            try:
                return await run()
            except (ConsolidatorError, OSError, RuntimeError, ValueError) as error:
                return translate(error, title)

        def done(found: T | ConsolidatorError) -> None:
            if isinstance(found, ConsolidatorError):
                self.app.tell(f"{found.title}: {found}", Level.WARNING)
            else:
                then(found)

        self.app.start(Job(Step.MIGRATE, title, caught, done, quiet=True))

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
