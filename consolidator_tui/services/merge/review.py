"""The conflicts of a merge decided by sets, undone, and tried with other rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.conflict import (
    Alike,
    Choice,
    Chosen,
    Counted,
    Decided,
    RulePreview,
    TableRules,
)
from consolidator_tui.domain.decided import BOTH, SAME, Entry, body_of
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.services.merge import apart, pairs, trial
from consolidator_tui.services.merge.decided_rows import bindable
from consolidator_tui.services.merge.reading import ALIKE, STATE, TEXT, Reading
from consolidator_tui.services.merge.survivorship import apply_rules
from consolidator_tui.services.merge.uniqueness import target_keys
from consolidator_tui.services.workspace import open_workspace

BATCH = 1_000


class Review(Reading):
    """Deciding on top of reading; only here the ledger is changed."""

    # Deciding

    async def alike(self, number: int) -> Counted:
        """How many other groups have the table, the sources and the differing columns of this."""
        row = await self.database.row(
            "SELECT "
            + ", ".join(
                f"coalesce(sum({STATE[s]}), 0)"
                for s in (Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)
            )
            + f" FROM pv.conflict c WHERE {ALIKE} AND c.id <> :group",
            {"group": number},
        )
        assert row is not None
        return Counted(int(row[0]), int(row[1]), int(row[2]))

    @asynccontextmanager
    async def chosen(self, chosen: Chosen, choice: Choice) -> AsyncIterator[tuple[int, int]]:
        """Collect the groups of a choice for `entries` and `note`; yields how many, and how many
        of the wanted ones cannot be decided so."""
        async with self._one_at_a_time:
            await self.database.execute(
                "CREATE TEMP TABLE IF NOT EXISTS chosen(id INTEGER PRIMARY KEY)"
            )
            await self.database.execute("DELETE FROM temp.chosen")
            await self._collect(chosen)
            wanted = int(await self.database.value("SELECT count(*) FROM temp.chosen"))
            if not isinstance(chosen, int):
                await self._leave_out(choice)
            count = int(await self.database.value("SELECT count(*) FROM temp.chosen"))
            yield count, wanted - count

    async def _collect(self, chosen: Chosen) -> None:
        if isinstance(chosen, int):
            await self._row(chosen)
            await self.database.execute("INSERT INTO temp.chosen VALUES (?)", (chosen,))
        elif isinstance(chosen, Alike):
            state = "c.hand IS NULL" if chosen.by_rule else STATE[Decided.OPEN]
            await self.database.execute(
                f"INSERT INTO temp.chosen SELECT c.id FROM pv.conflict c WHERE {ALIKE} AND {state}",
                {"group": chosen.number},
            )
        else:
            relation, where, parameters = await self._found(chosen.query)
            sign = "-" if relation == pairs.TABLE else ""
            await self.database.execute(
                f"INSERT INTO temp.chosen SELECT {sign}c.id FROM {relation} c WHERE {where} "
                f"ORDER BY c.id LIMIT {chosen.last - chosen.first + 1} OFFSET {chosen.first}",
                parameters,
            )

    async def _leave_out(self, choice: Choice) -> None:
        """Drop the groups that cannot be decided like that, each without a look at it."""
        if not choice.keep:
            await self.database.execute(
                "DELETE FROM temp.chosen WHERE id > 0 AND id IN "
                "(SELECT id FROM pv.conflict WHERE hand IS NULL)"
            )
            return
        index = {source.path: source.index for source in self.plan.sources}
        for path in {choice.keep, *choice.fields.values()} - {BOTH, SAME}:
            await self.database.execute(
                "DELETE FROM temp.chosen WHERE id < 0 OR NOT EXISTS (SELECT 1 FROM pv.conflict c "
                f"WHERE c.id = chosen.id AND instr(c.sources, ',{index[path]},'))"
            )
        if choice.keep == BOTH:
            for work in self._works.values():
                if target_keys(work):
                    # Which of them share a UNIQUE value must be looked at one by one.
                    await self.database.execute(
                        "DELETE FROM temp.chosen WHERE EXISTS (SELECT 1 FROM pv.conflict c WHERE "
                        f"c.id = chosen.id AND c.number = {work.table.number})"
                    )

    async def entries(self, choice: Choice) -> AsyncIterator[Sequence[Entry]]:
        """The decisions to store for the collected groups."""
        body = body_of(choice.keep, choice.values, choice.fields) if choice.keep else ""
        names = {number: work.table.name for number, work in self._works.items()}
        for relation, sign in await self._relations():
            if sign and not await self.database.value(
                "SELECT EXISTS (SELECT 1 FROM temp.chosen WHERE id < 0)"
            ):
                continue
            if sign:
                await pairs.name_chosen(self.database, self._translator, self._works)
            async for rows in self.database.batches(
                f"SELECT c.number, c.columns, c.entity FROM temp.chosen x "
                f"CROSS JOIN {relation} c ON c.id = {sign}x.id",
                size=BATCH,
            ):
                yield [Entry(fold(names[n]), columns, entity, body) for n, columns, entity in rows]

    async def note(self, choice: Choice, step: int) -> None:
        """Mark the collected groups as decided (or as open again) by a step."""
        body = body_of(choice.keep, choice.values, choice.fields) if choice.keep else None
        given = None if body is None else bindable(body)
        await self.database.execute(_STEPS)
        await self.database.execute("BEGIN")
        # What was undone can no longer be done again, and its number is free.
        await self.database.execute("DELETE FROM pv.step WHERE step >= ?", (step,))
        for relation, sign in await self._relations():
            await self.database.execute(
                f"INSERT INTO pv.step SELECT :step, x.id, c.hand, {TEXT.format(':given')} "
                f"FROM temp.chosen x CROSS JOIN {relation} c ON c.id = {sign}x.id",
                {"step": step, "given": given},
            )
        for relation, sign in await self._relations():
            await self.database.execute(
                f"UPDATE {relation} SET hand = {TEXT.format(':given')} "
                f"WHERE {sign}id IN (SELECT id FROM temp.chosen)",
                {"given": given},
            )
        await self.database.execute("COMMIT")
        await self._open_again()
        self._changed()

    async def _relations(self) -> list[tuple[str, str]]:
        """The lists of groups that there are, and the sign of their numbers."""
        lists = [("pv.conflict", "")]
        if await pairs.there(self.database):
            lists.append((pairs.TABLE, "-"))
        if await apart.there(self.database):
            lists.append((apart.TABLE, ""))
        return lists

    async def turn(self, step: int, *, back: bool) -> int | None:
        """Note that a step was undone or done again; the number of its first group.

        None when it was made before the last merge: `take` then finds its groups by key.
        """
        async with self._one_at_a_time:
            await self.database.execute(_STEPS)
            first = await self.database.value(
                "SELECT id FROM pv.step WHERE step = ? ORDER BY id LIMIT 1", (step,)
            )
            if first is None:
                return None
            side = "before" if back else "after"
            await self.database.execute("BEGIN")
            for relation, sign in await self._relations():
                name = relation.partition(".")[2]
                await self.database.execute(
                    f"UPDATE {relation} SET hand = s.{side} FROM pv.step s "
                    f"WHERE s.step = ? AND s.id = {sign}{name}.id",
                    (step,),
                )
            await self.database.execute("COMMIT")
            await self._open_again()
            self._changed()
        return int(first)

    async def take(self, batches: AsyncIterator[Sequence[Entry]]) -> int:
        """Note what now holds for entities after an undo; the number of the first group of them,
        0 when none of them is on the list."""
        async with self._one_at_a_time:
            await self.database.script(
                [
                    "DROP TABLE IF EXISTS temp.touched",
                    "CREATE TEMP TABLE touched(number INTEGER, columns TEXT, entity TEXT, "
                    "body TEXT)",
                ]
            )
            numbers = {fold(work.table.name): n for n, work in self._works.items()}
            names = ("columns", "entity", "body")
            marks = ", ".join(TEXT.format(f":{name}") for name in names)
            async for batch in batches:
                await self.database.many(
                    f"INSERT INTO temp.touched VALUES (:number, {marks})",
                    [
                        {
                            "number": numbers.get(fold(e.table)),
                            **{name: bindable(getattr(e, name)) for name in names},
                        }
                        for e in batch
                    ],
                )
            await self.database.execute("BEGIN")
            await self.database.execute("CREATE INDEX temp.touched_key ON touched(number, entity)")
            for relation, _ in await self._relations():
                name = relation.partition(".")[2]
                await self.database.execute(
                    f"UPDATE {relation} SET hand = nullif(t.body, '') FROM temp.touched t "
                    f"WHERE t.number = {name}.number AND t.entity = {name}.entity "
                    f"AND t.columns = {name}.columns"
                )
            await self.database.execute("COMMIT")
            await self._open_again()
            self._changed()
            first = await self.database.value(
                "SELECT min(c.id) FROM temp.touched t CROSS JOIN pv.conflict c "
                "ON c.number = t.number AND c.entity = t.entity AND c.columns = t.columns"
            )
        return int(first or 0)

    async def _open_again(self) -> None:
        """Where a decision of the last merge was taken back, the rules get their turn."""
        tables = await self.database.rows(
            "SELECT DISTINCT number FROM pv.conflict WHERE hand IS NULL AND decided_by = 'decision'"
        )
        for (number,) in tables:
            work = self._works[number]
            back = (
                f"SELECT canon FROM pv.conflict WHERE number = {number} AND hand IS NULL "
                "AND decided_by = 'decision'"
            )
            await self.database.execute("BEGIN")
            await self.database.execute(
                f"UPDATE pv.version SET alive = 1 WHERE number = {number} AND canon IN ({back})"
            )
            await self.database.execute(
                "UPDATE pv.conflict SET decided_by = NULL, winner = NULL "
                f"WHERE number = {number} AND hand IS NULL AND decided_by = 'decision'"
            )
            await apply_rules(self.database, self._translator, work)
            await self.database.execute("COMMIT")

    # Rules

    def rules_of(self, table: str) -> tuple[TableRules, tuple[str, ...]]:
        """The rules of a table, and its columns."""
        found = self.plan.table(fold(table))
        columns = tuple(c.name for c in found.columns if c.name != found.surrogate)
        return TableRules(found.rules, found.newest, found.fill_nulls), columns

    async def times_in(self, table: str) -> tuple[str, ...]:
        """The columns of a table that hold times, or NULL, in its conflicts."""
        work = self._works[self.plan.table(fold(table)).number]
        async with self._one_at_a_time:
            return await trial.times_in(self.database, work)

    async def preview(self, table: str, rules: TableRules) -> RulePreview:
        """What these rules would decide, counted by applying them to a copy of the conflicts."""
        work = self._works[self.plan.table(fold(table)).number]
        async with self._one_at_a_time:
            return await trial.preview(self.database, self._translator, work, rules)


_STEPS = (
    "CREATE TABLE IF NOT EXISTS pv.step(step INTEGER, id INTEGER, before TEXT, after TEXT, "
    "PRIMARY KEY(step, id)) WITHOUT ROWID"
)
"""What each step of deciding changed since the last merge, by the number of the group."""


@asynccontextmanager
async def open_review(plan: MergePlan, ledger: Path) -> AsyncIterator[Review]:
    """Open the conflicts of the last merge. Raises sqlite3.Error."""
    async with open_workspace(
        plan.sources, plan.pooled, pool=Path(plan.pool), ledger=ledger
    ) as workspace:
        review = Review(plan, workspace)
        await review.restore()
        yield review
