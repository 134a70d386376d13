"""Facts about the values of reference columns, read by sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consolidator_tui.domain.plan import Value
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.sqltext import sql_value
from consolidator_tui.services.workspace import schema_of
from consolidator_tui.storage.sqlite import Database, quote
from consolidator_tui.storage.worker import for_each

LARGE = 20_000
"""Rows from which on a second connection pays, and asking indexes instead of reading rows."""
EXTREME = 1 << 53
"""Values beyond are no ids that anybody counted up to."""


@dataclass(frozen=True, slots=True)
class Span:
    """The addresses of one table in one source."""

    count: int
    low: int
    high: int

    @property
    def dense(self) -> bool:
        """Whether every number between low and high is taken."""
        return self.count == self.high - self.low + 1


@dataclass(frozen=True, slots=True)
class Containment:
    """How the values of a column lie in a parent's key, in one source."""

    values: int
    """Rows with a value that is not NULL."""
    missing: int
    """Of them, rows whose value is no key of the parent."""
    none_marks: int
    """Of the missing, those that are 0, -1 or empty text."""
    low: int | None
    """Smallest missing integer that is no such mark, of those that somebody may count up to."""
    high: int | None
    far_low: int | None
    """The same over all 64-bit integers."""
    far_high: int | None
    text: int
    """Rows whose value is text."""


class Measurements:
    """Measures once what several modules ask about."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning
        self._spans: dict[tuple[int, str], Span | None] = {}
        self._ranges: dict[tuple[int, str], dict[str, tuple[int, object, object, int]]] = {}
        self._contained: dict[tuple[int, str, str, str, str], Containment] = {}

    async def span(self, draft: Draft, source: int) -> Span | None:
        """The addresses of a table in a source; None without rows."""
        key = (source, draft.key)
        if key not in self._spans:
            rows = self._planning.workspace.rows(source, draft.members[source].name)
            address = self.address(draft, source)
            # Each alone is looked up at an end of the tree; together they are a scan.
            low, high = await self._planning.workspace.database.values(
                f"SELECT {end}({address}) FROM {rows.sql}" for end in ("min", "max")
            )
            count = self._planning.sources[source].row_counts.get(draft.members[source].key, 0)
            self._spans[key] = None if low is None else Span(count, int(low), int(high))
        return self._spans[key]

    def address(self, draft: Draft, source: int) -> str:
        """The quoted column that addresses rows: the surrogate key, or the rowid."""
        own = None if draft.surrogate is None else draft.there(source, draft.surrogate)
        rows = self._planning.workspace.rows(source, draft.members[source].name)
        return own or rows.address

    async def prepare_references(self, second: Database) -> None:
        """Scan the reference columns of all large tables, on this and a second connection.

        `second` sees the same sources. What is small, or turns up later, is scanned when asked for.
        """
        planning = self._planning
        jobs = [
            (rows, draft, source, [c for r in draft.references for c in r.columns])
            for draft in planning.drafts.values()
            if draft.references
            for source, table in draft.members.items()
            if (rows := planning.sources[source].row_counts.get(table.key, 0)) >= LARGE
        ]
        jobs.sort(key=lambda job: job[0])

        async def drain(database: Database) -> None:
            while jobs:
                _, draft, source, columns = jobs.pop()
                await self.prepare(draft, source, columns, database)

        await for_each([planning.workspace.database, second], drain, at_once=2)

    async def prepare(
        self,
        draft: Draft,
        source: int,
        columns: Sequence[str],
        database: Database | None = None,
    ) -> None:
        """Read counts and ranges of several columns, in one scan but for what indexes tell."""
        known = self._ranges.setdefault((source, draft.key), {})
        wanted = [c for c in dict.fromkeys(columns) if c not in known and draft.there(source, c)]
        database = database or self._planning.workspace.database
        for name in await self._indexed(draft, source, wanted, database):
            told = await self._told_by_index(draft, source, name, database)
            if told is not None:
                known[name] = told
                wanted.remove(name)
        if not wanted:
            return
        parts = []
        for name in wanted:
            c = f"s.{draft.there(source, name)}"
            parts += [
                f"count({c})",
                f"min({c})",
                f"max({c})",
                f"count(*) FILTER (WHERE typeof({c}) = 'text')",
            ]
        row = await database.row(
            f"SELECT {', '.join(parts)} FROM {self._planning.read(draft, source)}"
        )
        assert row is not None
        for place, name in enumerate(wanted):
            known[name] = tuple(row[place * 4 : place * 4 + 4])

    async def lowest(self, draft: Draft, source: int, column: str) -> object:
        """The smallest value of a column in a source; None where it has none."""
        await self.prepare(draft, source, [column])
        return self._ranges[(source, draft.key)][column][1]

    async def _indexed(
        self, draft: Draft, source: int, columns: Sequence[str], database: Database
    ) -> list[str]:
        """The columns of a large table that an index gives in order.

        Where checks find that an index is damaged, all is planned anew without it.
        """
        table, planning = draft.members[source], self._planning
        rows = planning.workspace.rows(source, table.name)
        large = planning.sources[source].row_counts.get(table.key, 0) >= LARGE
        if not large or rows.pooled or planning.sources[source].index_damage:
            return []
        schema = schema_of(source)
        found = await database.rows(
            # `temp.`: a table may be called like the function.
            "SELECT i.name FROM temp.pragma_index_list(?, ?) l, "
            "temp.pragma_index_xinfo(l.name, ?) i "
            "WHERE NOT l.partial AND i.seqno = 0 AND i.cid >= 0 AND i.coll = 'BINARY'",
            (table.name, schema, schema),
        )
        first = {quote(name) for (name,) in found}
        return [name for name in columns if draft.there(source, name) in first]

    async def _told_by_index(
        self, draft: Draft, source: int, name: str, database: Database
    ) -> tuple[int, object, object, int] | None:
        """Count and range of a column whose values are numbers, looked up in its index.

        None where they are not: texts come after all numbers.
        """
        c, table = f"s.{draft.there(source, name)}", draft.members[source]
        rows = f"FROM {self._planning.workspace.rows(source, table.name).sql} AS s"
        low, high, nulls = await database.values(
            f"SELECT {what}"
            for what in (
                f"min({c}) {rows}",
                f"max({c}) {rows}",
                f"count(*) {rows} WHERE {c} IS NULL",
            )
        )
        if high is not None and not isinstance(high, int | float):
            return None
        count = self._planning.sources[source].row_counts[table.key] - int(nulls)
        return count, low, high, 0

    async def containment(
        self,
        draft: Draft,
        source: int,
        column: str,
        parent: Draft,
        where: Mapping[str, Value] | None = None,
    ) -> Containment:
        """How a column's values lie in the surrogate key of `parent`, in one source."""
        key = (source, draft.key, column, parent.key, repr(where))
        if key not in self._contained:
            self._contained[key] = await self._contain(draft, source, column, parent, where or {})
        return self._contained[key]

    async def _contain(
        self, draft: Draft, source: int, column: str, parent: Draft, where: Mapping[str, Value]
    ) -> Containment:
        await self.prepare(draft, source, [column])
        values, low, high, text = self._ranges[(source, draft.key)][column]
        if not where and source in parent.members:
            span = await self.span(parent, source)
            within = (
                span is not None
                and isinstance(low, int)
                and isinstance(high, int)
                and span.low <= low
                and high <= span.high
            )
            # All values are integers when the smallest and the largest are: reals and text may
            # lie between only if there are any, and text sorts after every number.
            if not values or (
                span is not None
                and span.dense
                and within
                and not text
                and await self._only_integers(draft, source, column)
            ):
                return Containment(values, 0, 0, None, None, None, None, 0)
        return await self._look(draft, source, column, parent, where)

    async def _only_integers(self, draft: Draft, source: int, column: str) -> bool:
        """INTEGER affinity stores whole numbers as integers, so fractions cannot be keys."""
        declared = draft.members[source].column(
            str(draft.column(column).sources[source])  # type: ignore[union-attr]
        )
        if declared.affinity.value == "INTEGER":
            return True
        c = f"s.{draft.there(source, column)}"
        found = await self._planning.workspace.database.value(
            f"SELECT 1 FROM {self._planning.read(draft, source)} "
            f"WHERE typeof({c}) NOT IN ('integer', 'null') LIMIT 1"
        )
        return found is None

    async def _look(
        self, draft: Draft, source: int, column: str, parent: Draft, where: Mapping[str, Value]
    ) -> Containment:
        database = self._planning.workspace.database
        c = f"s.{draft.there(source, column)}"
        only = "".join(
            f" AND s.{draft.there(source, name)} IS {sql_value(value)}"
            for name, value in where.items()
            if draft.there(source, name)
        )
        values = await database.value(
            f"SELECT count({c}) FROM {self._planning.read(draft, source)} WHERE 1{only}"
        )
        text = await database.value(
            f"SELECT count(*) FROM {self._planning.read(draft, source)} "
            f"WHERE typeof({c}) = 'text'{only}"
        )
        absent = f"{c} IS NOT NULL{only}"
        if source in parent.members:
            key = self.address(parent, source)
            there = self._planning.workspace.rows(source, parent.members[source].name).sql
            absent += f" AND NOT EXISTS (SELECT 1 FROM {there} AS p WHERE p.{key} = {c})"
        mark = f"{c} IN (0, -1, '', '0')"
        number = (
            f"CASE WHEN typeof({c}) = 'integer' OR CAST(CAST({c} AS INTEGER) AS TEXT) = {c} "
            f"THEN CAST({c} AS INTEGER) END"
        )
        near = f"NOT {mark} AND {number} BETWEEN {-EXTREME} AND {EXTREME}"
        row = await database.row(
            f"SELECT count(*), count(*) FILTER (WHERE {mark}), "
            f"min({number}) FILTER (WHERE {near}), max({number}) FILTER (WHERE {near}), "
            f"min({number}) FILTER (WHERE NOT {mark}), max({number}) FILTER (WHERE NOT {mark}) "
            f"FROM {self._planning.read(draft, source)} WHERE {absent}"
        )
        assert row is not None
        missing, marks, low, high, far_low, far_high = row
        return Containment(
            int(values), int(missing), int(marks), low, high, far_low, far_high, int(text)
        )


def quoted(names: Sequence[str]) -> str:
    """Quoted names, separated by commas."""
    return ", ".join(quote(name) for name in names)
