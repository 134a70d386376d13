"""The conflicts of a merge, read from its ledger a page at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.conflict import (
    APART_FROM,
    ConflictDetail,
    ConflictGroup,
    ConflictKind,
    ConflictPage,
    ConflictQuery,
    Decided,
    Version,
)
from consolidator_tui.domain.decided import entity_of, unspell
from consolidator_tui.domain.instant import to_microseconds
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import Value
from consolidator_tui.services.merge import apart, pairs
from consolidator_tui.services.merge.decided_rows import bindable, read_keys
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.owners import owners_of
from consolidator_tui.services.merge.sharing import shared_keys
from consolidator_tui.services.merge.uniqueness import target_keys
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.workspace import Workspace
from consolidator_tui.storage.sqlite import Row

STATE = {
    Decided.ALL: "1",
    Decided.OPEN: "c.winner IS NULL AND c.hand IS NULL",
    Decided.BY_RULE: "c.winner IS NOT NULL AND c.hand IS NULL",
    Decided.BY_HAND: "c.hand IS NOT NULL",
    Decided.DUPLICATES: "1",
    Decided.APART: "1",
}
TEXT = "CASE typeof({0}) WHEN 'blob' THEN CAST({0} AS TEXT) ELSE {0} END"
ALIKE = (
    "(c.number, c.sources, c.differs, c.kind) = "
    "(SELECT o.number, o.sources, o.differs, o.kind FROM pv.conflict o WHERE o.id = :group)"
)
"""The groups like `:group`."""


class Reading:
    """The conflicts of one merge, open for reading and deciding.

    What is decided is noted in the ledger, so that lists and counts follow at once; the run's
    database is what keeps it (`services/session/deciding.py`).
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
        await read_keys(self.database)
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
            f"FROM {relation} c WHERE {where} ORDER BY c.id LIMIT :limit OFFSET :offset",
            {**parameters, "limit": query.limit, "offset": query.offset},
        )
        if relation == pairs.TABLE:
            rows = await pairs.named(self.database, self._translator, self._works, rows)
        total = await self._total(query, relation, where, parameters)
        groups = tuple([await self._group(row) for row in rows])
        return ConflictPage(groups, total, open_, by_rule, by_hand)

    async def _found(self, query: ConflictQuery) -> tuple[str, str, dict[str, object]]:
        """Relation, condition and parameters of a query."""
        relation = "pv.conflict"
        if query.decided is Decided.DUPLICATES:
            relation = pairs.TABLE
            await pairs.fill(self.database, self._works.values())
        if query.decided is Decided.APART:
            relation = apart.TABLE
            await apart.fill(self.database, self._works.values())
        where = [STATE[query.decided]]
        parameters: dict[str, object] = {}
        if query.table:
            where.append(f"c.number = {self.plan.table(fold(query.table)).number}")
        if query.text:
            wanted = json.dumps(query.text, ensure_ascii=False)[1:-1]
            where.append(f"instr(lower(c.entity), lower({TEXT.format(':text')})) > 0")
            parameters["text"] = bindable(wanted)
        return relation, " AND ".join(where), parameters

    async def _counts(self, table: str) -> tuple[int, int, int]:
        if table not in self._sums:
            scope = f"c.number = {self.plan.table(fold(table)).number}" if table else "1"
            states = (Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)
            sums = ", ".join(f"coalesce(sum({STATE[state]}), 0)" for state in states)
            row = await self.database.row(f"SELECT {sums} FROM pv.conflict c WHERE {scope}")
            assert row is not None
            self._sums[table] = (int(row[0]), int(row[1]), int(row[2]))
        return self._sums[table]

    async def _total(
        self, query: ConflictQuery, relation: str, where: str, parameters: dict[str, object]
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
            owners = await owners_of(self.database, self._works, work, source, values)
            given = await self._given(work, g)
            key = await self._new_key(work, source, g)
            versions.append(Version(path, values, owners=owners, given=given, key=key))
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
        if number >= APART_FROM:
            relation = apart.TABLE
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
        if row[2] == ConflictKind.APART:
            return await apart.members(self.database, row[10])
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

    async def _given(self, work: Work, g: int) -> dict[str, Value]:
        if not work.overridden:
            return {}
        entity = (
            f"coalesce((SELECT m.canon FROM {work.map} m WHERE m.g = {g}), {work.place_of(str(g))})"
        )
        rows = await self.database.rows(
            "SELECT o.place, o.value FROM pv.override o "
            f"WHERE o.number = ? AND o.g = {entity} AND o.from_g IS NULL",
            (work.table.number,),
        )
        return {work.table.columns[place].name: value for place, value in rows}

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
