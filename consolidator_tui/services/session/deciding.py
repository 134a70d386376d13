"""The part of a session that reviews conflicts: reading them, deciding, undoing, exporting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.conflict import (
    Choice,
    Chosen,
    ConflictDetail,
    ConflictPage,
    ConflictQuery,
    Counted,
    Made,
    RulePreview,
    TableRules,
)
from consolidator_tui.domain.decided import Batches, Entry, entry_of
from consolidator_tui.domain.errors import GateClosed
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.manifest import SIDECARS
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import (
    Decision,
    PlanDocument,
    TablePlan,
    Value,
)
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.session.resuming import Resuming
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_db import RunStore
from consolidator_tui.storage.worker import to_the_end

if TYPE_CHECKING:
    from consolidator_tui.services.merge.follows import Follows
    from consolidator_tui.services.merge.review import Review


class Deciding(Resuming):
    """Decisions are kept in the run's database as they are made; `migrate` takes them in."""

    def reset(self) -> None:
        """As before; nothing is open for review."""
        super().reset()
        self._open_review: Review | None = None
        self._open_follows: Follows | None = None
        self._reviewing: AsyncExitStack | None = None
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._opening = asyncio.Lock()

    # Reading

    async def conflict_page(self, query: ConflictQuery) -> ConflictPage:
        """Some of the conflicts of the last merge. Raises GateClosed before there was one."""
        async with self._review() as review:
            return await review.page(query)

    async def conflict_group(self, number: int) -> ConflictDetail:
        """One conflict with its versions. Raises KeyError for an unknown one."""
        async with self._review() as review:
            return await review.detail(number)

    async def conflict_place(self, query: ConflictQuery, number: int) -> int:
        """How many groups of the query's list come before that one."""
        async with self._review() as review:
            return await review.place(query, number)

    async def next_open(
        self, query: ConflictQuery, number: int, *, forward: bool = True
    ) -> tuple[int, int] | None:
        """Number and place of the next undecided group; None when there is none."""
        async with self._review() as review:
            return await review.next_open(query, number, forward=forward)

    async def conflict_follows(self, detail: ConflictDetail) -> tuple[Mapping[str, int], ...]:
        """For each version the rows that refer to it: table -> number."""
        rows = [(version.source, version.values) for version in detail.versions]
        async with self._review():
            assert self._open_follows is not None
            return tuple(await self._open_follows.count(detail.group.table, rows))

    async def conflicts_alike(self, number: int) -> Counted:
        """How many other conflicts are like this one."""
        async with self._review() as review:
            return await review.alike(number)

    async def value_taken(
        self, table: str, columns: Sequence[str], values: Sequence[Value]
    ) -> bool:
        """Whether a row has these values already."""
        async with self._review() as review:
            return await review.taken(table, columns, values)

    # Deciding

    async def decide(self, decision: Decision) -> None:
        """Decide about one entity, whether it is a conflict or not; stored durably at once.

        The next `migrate` takes it in.
        """
        store = self._need_store()
        entry = replace(entry_of(decision), table=fold(decision.table))
        with self.explained("The decision"):
            await store.decisions.change(f"{decision.table}: {decision.keep}", batch_of([entry]))
            if self._open_review is not None:
                await self._open_review.take(batch_of([entry]))
        await self._decided()

    async def decide_groups(self, chosen: Chosen, choice: Choice, label: str = "") -> Made:
        """Decide conflicts, one or many, as one step; stored durably before it returns."""
        # Leaving right after the key must not lose the decision.
        return await to_the_end(self._decide_groups(chosen, choice, label))

    async def _decide_groups(self, chosen: Chosen, choice: Choice, label: str) -> Made:
        store = self._need_store()
        async with self._review() as review, review.chosen(chosen, choice) as (count, left):
            if count:
                step = await store.decisions.change(label, review.entries(choice))
                await review.note(choice, step)
        if count:
            await self._decided()
        return Made(count, left, label)

    async def undo_decision(self) -> tuple[Made, int] | None:
        """Take back the last step, and say where its first group is; None when there is none."""
        return await to_the_end(self._turn(back=True))

    async def redo_decision(self) -> tuple[Made, int] | None:
        """Do again what was undone last; None when there is nothing."""
        return await to_the_end(self._turn(back=False))

    async def _turn(self, *, back: bool) -> tuple[Made, int] | None:
        store = self._need_store()
        async with self._review() as review:
            step = await (store.decisions.undo() if back else store.decisions.redo())
            if step is None:
                return None
            if step.table:
                await self._put_rules(step.table, _rules_from(step.rules))
                return Made(0, 0, step.label, rules=True), 0
            number = await review.turn(step.id, back=back)
            if number is None:
                number = await review.take(store.decisions.of_step(step.id))
        await self._decided()
        return Made(step.entries, 0, step.label), number

    async def _decided(self) -> None:
        self.state = machine.invalidate_after(self.state, Step.BACKUP)
        await self.save()

    # Rules

    async def table_rules(self, table: str) -> tuple[TableRules, tuple[str, ...], tuple[str, ...]]:
        """Rules of a table in the last merge, its columns, and those that hold times."""
        async with self._review() as review:
            rules, columns = review.rules_of(table)
            return rules, columns, await review.times_in(table)

    async def preview_rules(self, table: str, rules: TableRules) -> RulePreview:
        """What other rules would decide in a table."""
        async with self._review() as review:
            return await review.preview(table, rules)

    async def set_rules(self, table: str, rules: TableRules) -> None:
        """Write the rules of a table into the plan, as one step; `migrate` then applies them."""
        name, before = self._plan_of(table)
        given = {
            "on_conflict": list(rules.rules),
            "newest": rules.newest,
            "fill_nulls": rules.fill_nulls,
        }
        await self._put_rules(name, _rules_from(json.dumps(given)))
        if self.store is not None:
            old = {part: getattr(before, part) for part in given}
            words = ", ".join(rule for rule in rules.rules if rule != Rule.STOP) or "none"
            await self.store.decisions.change_rules(
                f"{table}: rules {words}", name, json.dumps(old), json.dumps(given)
            )

    def _plan_of(self, table: str) -> tuple[str, TablePlan]:
        tables = self._document.tables
        name = next((n for n in tables if fold(n) == fold(table)), table)
        return name, tables.get(name, TablePlan())

    async def _put_rules(self, table: str, rules: Mapping[str, Any]) -> None:
        name, plan = self._plan_of(table)
        tables = {**self._document.tables, name: replace(plan, **rules)}
        await self.set_document(replace(self._document, tables=tables))

    # The plan

    async def set_document(
        self, document: PlanDocument, text: str = "", name: str = "plan.toml"
    ) -> None:
        """Replace the plan document; `text` is what it was read from, for lines in errors.

        Raises PlanError when it names what the sources do not have (known from Back up on).
        """
        if self.sources:
            plan_file.validate(document, self.sources, text, name)
        self._document, self._written = document, (text, name)
        self.plan = None
        self.state = machine.invalidate_after(self.state, Step.BACKUP)
        await self.save_plan()

    async def decisions(self) -> int:
        """How many decisions were made by hand."""
        if self.store is None:
            return len(self._document.decisions)
        return await self.store.decisions.count() + len(self._document.decisions)

    def stored_decisions(self) -> Batches | None:
        """What `merge` reads the decisions from."""
        return None if self.store is None else self.store.decisions.batches

    # The open review

    @asynccontextmanager
    async def _review(self) -> AsyncIterator[Review]:
        """The conflicts of the last merge; opened once, and open while somebody uses them."""
        from consolidator_tui.services.merge.follows import open_follows
        from consolidator_tui.services.merge.review import open_review

        with self.explained("The conflicts"):
            async with self._opening:
                if self.merged is None or self.result is None:
                    raise GateClosed("Nothing was merged yet.", todo="Migrate first.")
                if self._open_review is None:
                    stack = AsyncExitStack()
                    self._open_follows = await stack.enter_async_context(open_follows(self.merged))
                    self._open_review = await stack.enter_async_context(
                        open_review(self.merged, self.need_run().ledger_db)
                    )
                    self._reviewing = stack
                review = self._open_review
                self._users += 1
                self._unused.clear()
            try:
                yield review
            finally:
                self._users -= 1
                if not self._users:
                    self._unused.set()

    @asynccontextmanager
    async def renewed_review(self, plan: MergePlan) -> AsyncIterator[None]:
        """Around a merge of `plan`, whose conflicts are reviewed from then on.

        When the merge fails, the conflicts of the one before are there again: the decision that
        made it fail must be taken back somewhere.
        """
        ledger = self.need_run().ledger_db
        before, self.merged = self.merged, None
        await self.close_review()
        if before is not None:
            await asyncio.to_thread(_set_aside, ledger)
        try:
            yield
        except BaseException:
            if before is None:
                # Nobody reads a half made one, and a full disk needs the room.
                await to_the_end(asyncio.to_thread(_drop, ledger))
            else:
                await to_the_end(asyncio.to_thread(_put_back, ledger))
                self.merged = before
            raise
        await asyncio.to_thread(_aside(ledger).unlink, missing_ok=True)
        self.merged = plan

    async def close_review(self) -> None:
        """Let go of the ledger and the snapshots; they are opened again when needed."""
        async with self._opening:
            await self._unused.wait()
            stack, self._reviewing = self._reviewing, None
            self._open_review = self._open_follows = None
            if stack is not None:
                await stack.aclose()

    async def start_over(self) -> None:
        """Close what the review holds open, then as before."""
        await self.close_review()
        await super().start_over()

    async def put_away(self) -> None:
        """Close what the review holds open, then as before."""
        await self.close_review()
        await super().put_away()

    def _need_store(self) -> RunStore:
        if self.store is None:
            raise GateClosed("There is no run to decide in.", todo="Back up first.")
        return self.store


def _aside(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".before")


def _set_aside(ledger: Path) -> None:
    """Keep the ledger of the last merge under another name. Blocking."""
    ledger.replace(_aside(ledger))


def _drop(ledger: Path) -> None:
    """Delete a ledger that was not finished; what cannot go stays. Blocking."""
    with suppress(OSError):
        for suffix in ("", *SIDECARS):
            sidecar(ledger, suffix).unlink(missing_ok=True)


def _put_back(ledger: Path) -> None:
    """Bring it back in place of one that was not finished. Blocking."""
    for suffix in SIDECARS:
        sidecar(ledger, suffix).unlink(missing_ok=True)
    _aside(ledger).replace(ledger)


def _rules_from(text: str) -> dict[str, Any]:
    """The rules of a table's plan, as `set_rules` spelled them."""
    found: dict[str, Any] = json.loads(text)
    if found["on_conflict"] is not None:
        found["on_conflict"] = tuple(map(Rule, found["on_conflict"]))
    return found


async def batch_of(entries: Sequence[Entry]) -> AsyncIterator[Sequence[Entry]]:
    """Entries as one batch."""
    yield entries
