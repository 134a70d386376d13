"""The conflicts of a merge, read from its ledger a page at a time, and decided by sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.conflict import (
    Alike,
    Choice,
    Chosen,
    ConflictDetail,
    ConflictGroup,
    ConflictKind,
    ConflictPage,
    ConflictQuery,
    Counted,
    Decided,
    RulePreview,
    TableRules,
    Version,
)
from consolidator_tui.domain.decided import BOTH, SAME, Entry, body_of, entity_of, unspell
from consolidator_tui.domain.instant import to_microseconds
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import Value
from consolidator_tui.services.merge import pairs, trial
from consolidator_tui.services.merge.classify import note_mapped
from consolidator_tui.services.merge.decisions import bindable, unspelled
from consolidator_tui.services.merge.sharing import shared_keys
from consolidator_tui.services.merge.survivorship import apply_rules
from consolidator_tui.services.merge.uniqueness import target_keys
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.sqlite import Row

_STATE = {
    Decided.ALL: "1",
    Decided.OPEN: "c.winner IS NULL AND c.hand IS NULL",
    Decided.BY_RULE: "c.winner IS NOT NULL AND c.hand IS NULL",
    Decided.BY_HAND: "c.hand IS NOT NULL",
    Decided.DUPLICATES: "1",
}
_TEXT = "CASE typeof({0}) WHEN 'blob' THEN CAST({0} AS TEXT) ELSE {0} END"
BATCH = 1_000


class Review:
    """The conflicts of one merge, open for reading and deciding.

    What is decided is noted in the ledger, so that lists and counts follow at once; the run's
    database is what keeps it (`services/deciding.py`).
    """

    def __init__(self, plan: MergePlan, workspace: Workspace) -> None:
        self.plan = plan
        self.database = workspace.database
        self._works = {t.number: Work(t, plan, workspace) for t in plan.tables}
        self._translator = Translator({work.key: work for work in self._works.values()})
        self._sums: dict[str, tuple[int, int, int]] = {}
        self._totals: dict[tuple[str, Decided, str], int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def restore(self) -> None:
        """Read from the ledger what the merge found out about the tables. Raises sqlite3.Error."""
        # The merge writes it without a journal; here a statement may be cancelled.
        await self.database.execute("PRAGMA pv.journal_mode = MEMORY")
        await self.database.execute("PRAGMA pv.synchronous = OFF")
        await self.database.function("instant", 1, to_microseconds)
        await self.database.function("unspelled", 1, unspelled)
        await self.database.function("real_text", 1, repr)
        for work in self._works.values():
            await note_mapped(self.database, work)
            work.overridden = bool(
                await self.database.value(
                    f"SELECT EXISTS (SELECT 1 FROM pv.override WHERE number = {work.table.number})"
                )
            )
        for number, source, delta in await self.database.rows(
            "SELECT number, src, delta FROM pv.delta"
        ):
            self._works[number].deltas[source] = delta

    # Reading

    async def page(self, query: ConflictQuery) -> ConflictPage:
        """The groups that a query finds, in the order of tables and entities."""
        relation, where, parameters = await self._found(query)
        open_, by_rule, by_hand = await self._counts(query.table)
        rows = await self.database.rows(
            "SELECT c.id, c.number, c.kind, c.columns, c.entity, c.sources, c.differs, "
            "c.decided_by, c.winner, c.hand, c.canon "
            f"FROM {relation} c WHERE {where} ORDER BY c.id LIMIT ? OFFSET ?",
            (*parameters, query.limit, query.offset),
        )
        if relation == pairs.TABLE:
            rows = await pairs.named(self.database, self._translator, self._works, rows)
        total = await self._total(query, relation, where, parameters)
        groups = tuple([await self._group(row) for row in rows])
        return ConflictPage(groups, total, open_, by_rule, by_hand)

    async def _found(self, query: ConflictQuery) -> tuple[str, str, tuple[object, ...]]:
        """Relation, condition and parameters of a query."""
        relation = "pv.conflict"
        if query.decided is Decided.DUPLICATES:
            relation = pairs.TABLE
            await pairs.fill(self.database, self._works.values())
        where = [_STATE[query.decided]]
        parameters: tuple[object, ...] = ()
        if query.table:
            where.append(f"c.number = {self.plan.table(fold(query.table)).number}")
        if query.text:
            wanted = json.dumps(query.text, ensure_ascii=False)[1:-1]
            where.append(f"instr(lower(c.entity), lower({_TEXT.format('?1')})) > 0")
            parameters = (bindable(wanted),)
        return relation, " AND ".join(where), parameters

    async def _counts(self, table: str) -> tuple[int, int, int]:
        if table not in self._sums:
            scope = f"c.number = {self.plan.table(fold(table)).number}" if table else "1"
            states = (Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)
            sums = ", ".join(f"coalesce(sum({_STATE[state]}), 0)" for state in states)
            row = await self.database.row(f"SELECT {sums} FROM pv.conflict c WHERE {scope}")
            assert row is not None
            self._sums[table] = (int(row[0]), int(row[1]), int(row[2]))
        return self._sums[table]

    async def _total(
        self, query: ConflictQuery, relation: str, where: str, parameters: tuple[object, ...]
    ) -> int:
        key = (query.table, query.decided, query.text)
        if key not in self._totals:
            self._totals[key] = int(
                await self.database.value(
                    f"SELECT count(*) FROM {relation} c WHERE {where}", parameters
                )
            )
        return self._totals[key]

    def _changed(self) -> None:
        self._sums.clear()
        self._totals.clear()

    async def place(self, query: ConflictQuery, number: int) -> int:
        """How many groups of the query's list come before that group."""
        relation, where, parameters = await self._found(query)
        return int(
            await self.database.value(
                f"SELECT count(*) FROM {relation} c WHERE {where} AND c.id < {abs(number)}",
                parameters,
            )
        )

    async def next_open(
        self, query: ConflictQuery, number: int, *, forward: bool = True
    ) -> tuple[int, int] | None:
        """The next undecided group after `number` and its place in the query's list.

        Behind the last comes the first. None when nothing in the scope is undecided.
        """
        scope = replace(query, decided=Decided.OPEN)
        relation, where, parameters = await self._found(scope)
        order, beyond = ("ASC", ">") if forward else ("DESC", "<")
        select = f"SELECT c.id FROM {relation} c WHERE {where}"
        found = await self.database.value(
            f"{select} AND c.id {beyond} {int(number)} ORDER BY c.id {order} LIMIT 1", parameters
        )
        if found is None:
            found = await self.database.value(f"{select} ORDER BY c.id {order} LIMIT 1", parameters)
        if found is None:
            return None
        if query.decided in (Decided.OPEN, Decided.ALL):
            return int(found), await self.place(query, int(found))
        return int(found), await self.place(scope, int(found))

    async def detail(self, number: int) -> ConflictDetail:
        """One group with its versions. Raises KeyError when there is no such group."""
        row = await self._row(number)
        work = self._works[row[1]]
        versions = []
        for g, source in await self._members(row):
            values = await self._values(work, source, g)
            path = self.plan.sources[source].path
            versions.append(Version(path, values, key=await self._new_key(work, source, g)))
        body = json.loads(row[9]) if row[9] else {}
        found = {name: unspell(plain) for name, plain in body.get("values", {}).items()}
        return ConflictDetail(
            await self._group(row),
            tuple(column.name for column in work.table.columns),
            tuple(versions),
            shared_keys(target_keys(work), versions),
            work.table.surrogate or "",
            found,
            body.get("fields", {}),
        )

    async def _row(self, number: int) -> Row:
        relation = pairs.TABLE if number < 0 else "pv.conflict"
        rows = await self.database.rows(
            "SELECT c.id, c.number, c.kind, c.columns, c.entity, c.sources, c.differs, "
            f"c.decided_by, c.winner, c.hand, c.canon FROM {relation} c WHERE c.id = ?",
            (abs(number),),
        )
        if not rows:
            raise KeyError(number)
        if number < 0:
            rows = await pairs.named(self.database, self._translator, self._works, rows)
        return rows[0]

    async def _group(self, row: Row) -> ConflictGroup:
        number, table, kind, columns, entity, sources, differs, by, winner, hand, _ = row
        work = self._works[table]
        won = ""
        if winner is not None:
            source = await self.database.value(f"SELECT {work.source_of(str(int(winner)))}")
            won = self.plan.sources[source].path
        body = json.loads(hand) if hand else {}
        return ConflictGroup(
            number=-int(number) if kind == ConflictKind.DUPLICATE else int(number),
            table=work.table.name,
            kind=ConflictKind(kind),
            entity=entity_of(columns, entity),
            sources=tuple(self.plan.sources[int(s)].path for s in sources.split(",") if s),
            differs=tuple(work.table.columns[int(p)].name for p in differs.split(",") if p),
            decided_by=by or "",
            winner=won,
            keep=body.get("keep", ""),
            edited=len(body) > 1,
        )

    async def _members(self, row: Row) -> list[tuple[int, int]]:
        if row[2] == ConflictKind.DUPLICATE:
            work = self._works[row[1]]
            found = await self.database.rows(
                f"SELECT m.g, {work.source_of('m.g')} AS src FROM {work.map} m "
                "WHERE m.canon = ? ORDER BY src, m.g",
                (row[10],),
            )
        else:
            found = await self.database.rows(
                "SELECT g, src FROM pv.version WHERE number = ? AND canon = ? AND kind = ? "
                "ORDER BY src, g",
                (row[1], row[10], row[2]),
            )
        return [(int(g), int(source)) for g, source in found]

    async def _values(self, work: Work, source: int, g: int) -> dict[str, Value]:
        columns = [c for c in work.table.columns if c.sources[source] is not None]
        chosen = ", ".join(str(work.own(source, c.name)) for c in columns)
        row = await self.database.row(
            f"SELECT {chosen} FROM {work.seek(source)} "
            f"WHERE s.{work.address(source)} = {work.raw(source, str(g))}"
        )
        assert row is not None
        return {column.name: value for column, value in zip(columns, row, strict=True)}

    async def _new_key(self, work: Work, source: int, g: int) -> Value:
        if work.table.surrogate is None:
            return None
        key: Value = await self.database.value(f"SELECT {work.place_of(str(g))}")
        if source == 0 or 0 not in work.members:
            return key
        taken = await self.database.value(
            f"SELECT EXISTS (SELECT 1 FROM {work.seek(0)} WHERE s.{work.address(0)} = ?)", (key,)
        )
        # The next merge finds room for it, then all its source's new rows may move.
        return None if taken else key

    async def taken(self, table: str, columns: Sequence[str], values: Sequence[Value]) -> bool:
        """Whether some source has a row with these values in these columns already."""
        work = self._works[self.plan.table(fold(table)).number]
        for source in work.members:
            owned = [work.own(source, column) for column in columns]
            if None in owned:
                continue
            terms = " AND ".join(f"{own} = ?" for own in owned)
            if await self.database.value(
                f"SELECT EXISTS (SELECT 1 FROM {work.seek(source)} WHERE {terms})", values
            ):
                return True
        return False

    # Deciding

    async def alike(self, number: int) -> Counted:
        """How many other groups have the table, the sources and the differing columns of this."""
        row = await self.database.row(
            "SELECT "
            + ", ".join(
                f"coalesce(sum({_STATE[s]}), 0)"
                for s in (Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)
            )
            + f" FROM pv.conflict c WHERE {_ALIKE} AND c.id <> ?1",
            (number,),
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
            state = "c.hand IS NULL" if chosen.by_rule else _STATE[Decided.OPEN]
            await self.database.execute(
                f"INSERT INTO temp.chosen SELECT c.id FROM pv.conflict c WHERE {_ALIKE} "
                f"AND {state}",
                (chosen.number,),
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
        for relation, sign in (("pv.conflict", ""), (pairs.TABLE, "-")):
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
                f"INSERT INTO pv.step SELECT ?1, x.id, c.hand, {_TEXT.format('?2')} "
                f"FROM temp.chosen x CROSS JOIN {relation} c ON c.id = {sign}x.id",
                (step, given),
            )
        for relation, sign in await self._relations():
            await self.database.execute(
                f"UPDATE {relation} SET hand = {_TEXT.format('?1')} "
                f"WHERE {sign}id IN (SELECT id FROM temp.chosen)",
                (given,),
            )
        await self.database.execute("COMMIT")
        await self._open_again()
        self._changed()

    async def _relations(self) -> list[tuple[str, str]]:
        """The lists of groups that there are, and the sign of their numbers."""
        lists = [("pv.conflict", "")]
        if await pairs.there(self.database):
            lists.append((pairs.TABLE, "-"))
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
            marks = ", ".join(_TEXT.format(f"?{n}") for n in range(2, 5))
            async for batch in batches:
                await self.database.many(
                    f"INSERT INTO temp.touched VALUES (?1, {marks})",
                    [
                        (
                            numbers.get(fold(e.table)),
                            *map(bindable, (e.columns, e.entity, e.body)),
                        )
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
_ALIKE = (
    "(c.number, c.sources, c.differs, c.kind) = "
    "(SELECT o.number, o.sources, o.differs, o.kind FROM pv.conflict o WHERE o.id = ?1)"
)


@asynccontextmanager
async def open_review(plan: MergePlan, ledger: Path) -> AsyncIterator[Review]:
    """Open the conflicts of the last merge. Raises sqlite3.Error."""
    async with open_workspace(
        plan.sources, plan.pooled, pool=Path(plan.pool), ledger=ledger
    ) as workspace:
        review = Review(plan, workspace)
        await review.restore()
        yield review
