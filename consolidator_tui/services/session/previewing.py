"""What a session tells before the merge: the dry run, look-alikes, what references hold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.errors import ConsolidatorError, GateClosed
from consolidator_tui.domain.event import Level, Message, PhaseTimed, Step
from consolidator_tui.domain.merge import DryRun, MergePlan, Note, Reference
from consolidator_tui.domain.suggestion import PickedRow, Suggestions
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.discover import discover
from consolidator_tui.services.lazy import load
from consolidator_tui.services.session.stepping import Stepping

if TYPE_CHECKING:
    from consolidator_tui.services.plan_document.evidence import Sample


class Previewing(Stepping):
    """The part of a session that looks ahead; nothing that it does changes a target."""

    _counted: MergePlan | None = None
    """The plan of the last dry run, whose maps are still there."""
    _alike_told: Sequence[Message] = ()
    """What was said of look-alikes after the last merge."""
    _unfollowed_told: Sequence[Message] = ()
    """What was said of ids inside texts when rows were last matched."""

    async def dry_run(self) -> DryRun:
        """What the merge of the current plan would come to, by matching its rows.

        Raises GateClosed without a plan, PlanError.
        """
        await load("merge.dry_run")
        from consolidator_tui.services.merge.dry_run import dry_run

        plan = self._need_plan()
        with self.explained("Counting"):
            stored = None if self.store is None else self.store.decisions.batches
            counted = await dry_run(plan, self._maps, self.emit, stored)
        self._counted = plan
        self.tell_unfollowed(counted.unfollowed)
        if any(table.disagree or table.doubtful for table in counted.tables):
            await self.offer_ancestor()
        return counted

    def tell_unfollowed(self, notes: Sequence[Note]) -> None:
        """Warn of columns whose texts seem to hold ids that change, and of no others any more."""
        self.log.withdraw(self._unfollowed_told)
        self._unfollowed_told = [
            Message(Step.MIGRATE, Level.WARNING, n.text, n.file, n.table, n.column, n.fix)
            for n in notes
        ]
        for message in self._unfollowed_told:
            self.emit(message)

    async def offer_ancestor(self) -> None:
        """Look once for a state from which sources diverged, and say that the plan may name it."""
        from consolidator_tui.services.ancestor import find_ancestor
        from consolidator_tui.services.planning.fixes import toml_text

        if self._document.ancestor is not None or self.offer is not None:
            return
        # A run that was taken up again has not looked at the project's files.
        found = self.discovery or await discover(self.project, lambda event: None)
        offer = self.offer = await find_ancestor(self.need_run(), found, self.sources)
        if offer is not None:
            self.log.say(
                Step.MIGRATE,
                Level.INFO,
                f"{' and '.join(offer.sources)} come from {offer.name} "
                f"({offer.equal:,} of {plural(offer.compared, 'row')} looked at "
                f"{verb(offer.equal, 'is', 'are')} "
                "unchanged): with it as ancestor, a change on one side only is no conflict",
                file=offer.name,
                fix=f"ancestor = {toml_text(offer.name)}",
            )

    async def suggestions(self) -> Suggestions:
        """Rows that look alike although no key matches them. Raises GateClosed without a plan."""
        await load("suggest")
        from consolidator_tui.services.suggest import suggest

        plan = await self._need_maps()
        with self.explained("Looking for look-alikes"):
            return await suggest(plan, self._maps, self.document.not_same, self.emit)

    async def tell_look_alikes(self, plan: MergePlan) -> None:
        """Say after a merge how many rows look alike in which table, and keep them in a file.

        Nothing depends on it: a failure is told, and the merge stays.
        """
        await load("plan_document.look_alikes")
        from consolidator_tui.services.plan_document import look_alikes

        run, began = self.need_run(), time.monotonic()
        self.log.withdraw(self._alike_told)
        reason = look_alikes.passed_over(plan)
        if reason:
            self.log.say(Step.MIGRATE, Level.INFO, reason)
            return
        await load("suggest")
        from consolidator_tui.services.suggest import suggest

        try:
            with self.explained("Looking for look-alikes"):
                found = await suggest(
                    plan, run.ledger_db, plan.document.not_same, self.emit, look_alikes.MOST_ROWS
                )
                path = await look_alikes.write_look_alikes(found, run.path)
        except ConsolidatorError as error:
            self.log.say(Step.MIGRATE, Level.WARNING, f"No look-alikes: {error.sentence}")
            return
        self._alike_told = [
            Message(Step.MIGRATE, Level.WARNING, f"{text}: see {path}", table=table)
            for table, text in look_alikes.told(found)
        ]
        for message in self._alike_told:
            self.emit(message)
        self.emit(PhaseTimed(Step.MIGRATE, "look-alikes", time.monotonic() - began))

    async def search_rows(self, table: str, text: str, limit: int = 100) -> tuple[PickedRow, ...]:
        """Rows of a table, of all sources, that hold a text. Raises KeyError, GateClosed."""
        await load("suggest")
        from consolidator_tui.services.suggest import search

        plan = await self._need_maps()
        plan.table(fold(table))
        with self.explained("Searching"):
            return await search(plan, self._maps, table, text, limit)

    async def reference_samples(self, reference: Reference, limit: int = 4) -> tuple[Sample, ...]:
        """Some values of a reference and the rows that they lead to, per source."""
        from consolidator_tui.services.plan_document.evidence import samples

        with self.explained("Reading values"):
            return await samples(self._need_plan(), reference, limit)

    def _need_plan(self) -> MergePlan:
        if self.plan is None:
            raise GateClosed("There is no plan yet.", todo="Plan the merge first.")
        return self.plan

    async def _need_maps(self) -> MergePlan:
        """The plan with its maps; rows are matched first where the last match is not its own."""
        if self.plan is None and self._counted is not None:
            # The document was changed since; rows are still looked at as they were counted.
            return self._counted
        plan = self._need_plan()
        if self._counted is not plan:
            await self.dry_run()
        return plan

    @property
    def _maps(self) -> Path:
        return self.need_run().staging / "dry-run.db"
