"""Reads the conflicts of a merge from its ledger, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.conflict import (
    ConflictDetail,
    ConflictGroup,
    ConflictKind,
    ConflictPage,
    ConflictQuery,
    Decided,
    Version,
)
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import Value
from consolidator_tui.services.merge.classify import note_mapped
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.sqlite import Row

_STATE = {
    Decided.ALL: "1",
    Decided.OPEN: "c.winner IS NULL",
    Decided.BY_RULE: "c.winner IS NOT NULL AND c.decided_by <> 'decision'",
    Decided.BY_HAND: "c.decided_by = 'decision'",
}


class Review:
    """The conflicts of one merge, open for reading."""

    def __init__(self, plan: MergePlan, workspace: Workspace) -> None:
        self._plan = plan
        self._database = workspace.database
        self._works = {t.number: Work(t, plan, workspace) for t in plan.tables}
        self._translator = Translator({work.key: work for work in self._works.values()})

    async def page(self, query: ConflictQuery) -> ConflictPage:
        """The groups that a query finds, in the order of tables and entities."""
        scope = "1"
        if query.table:
            number = self._plan.table(fold(query.table)).number
            scope = f"c.number = {number}"
        sums = await self._database.row(
            "SELECT "
            + ", ".join(
                f"coalesce(sum({_STATE[state]}), 0)"
                for state in (Decided.ALL, Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)
            )
            + f" FROM pv.conflict c WHERE {scope}"
        )
        assert sums is not None
        totals = dict(
            zip((Decided.ALL, Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND), sums, strict=True)
        )
        rows = await self._database.rows(
            "SELECT c.id, c.number, c.kind, c.differs, c.decided_by, c.winner, c.canon "
            f"FROM pv.conflict c WHERE {scope} AND {_STATE[query.decided]} "
            "ORDER BY c.number, c.id LIMIT ? OFFSET ?",
            (query.limit, query.offset),
        )
        return ConflictPage(
            groups=tuple([await self._group(row) for row in rows]),
            total=int(totals[query.decided]),
            open=int(totals[Decided.OPEN]),
            by_rule=int(totals[Decided.BY_RULE]),
            by_hand=int(totals[Decided.BY_HAND]),
        )

    async def detail(self, number: int) -> ConflictDetail:
        """One group with its versions. Raises KeyError when there is no such group."""
        row = await self._database.row(
            "SELECT id, number, kind, differs, decided_by, winner, canon FROM pv.conflict "
            "WHERE id = ?",
            (number,),
        )
        if row is None:
            raise KeyError(number)
        work = self._works[row[1]]
        versions = []
        for g, source in await self._members(row):
            values = await self._values(work, source, g)
            path = self._plan.sources[source].path
            versions.append(Version(path, values, await self._follows(work, source, g)))
        columns = tuple(column.name for column in work.table.columns)
        return ConflictDetail(await self._group(row), columns, tuple(versions))

    async def _group(self, row: Row) -> ConflictGroup:
        number, table, kind, differs, decided_by, winner, _ = row
        work = self._works[table]
        members = await self._members(row)
        names = [work.table.columns[int(p)].name for p in str(differs).split(",") if p]
        won = next((source for g, source in members if g == winner), None)
        naming = self._naming(work, kind, names)
        entity = await self._named(work, naming, *members[0])
        return ConflictGroup(
            number=int(number),
            table=work.table.name,
            kind=ConflictKind(kind),
            entity=entity,
            sources=tuple(dict.fromkeys(self._plan.sources[s].path for _, s in members)),
            differs=tuple(names),
            decided_by=decided_by or "",
            winner="" if won is None else self._plan.sources[won].path,
        )

    async def _named(
        self, work: Work, columns: Sequence[str], g: int, source: int
    ) -> dict[str, Value]:
        """The values that name an entity, ids of other rows as they are in the target."""
        chosen = ", ".join(self._translator.value(work, source, name) for name in columns)
        row = await self._database.row(
            f"SELECT {chosen} FROM {work.seek(source)} "
            f"WHERE s.{work.address(source)} = {work.raw(source, str(g))}"
        )
        assert row is not None
        return dict(zip(columns, row, strict=True))

    async def restore(self) -> None:
        """Read from the ledger what the merge found out about the tables. Raises sqlite3.Error."""
        for work in self._works.values():
            await note_mapped(self._database, work)
        for number, source, delta in await self._database.rows(
            "SELECT number, src, delta FROM pv.delta"
        ):
            self._works[number].deltas[source] = delta

    def _naming(self, work: Work, kind: str, differs: list[str]) -> tuple[str, ...]:
        if kind == ConflictKind.UNIQUE:
            return tuple(differs)
        return work.table.identity.columns or (str(work.table.surrogate),)

    async def _members(self, row: Row) -> list[tuple[int, int]]:
        found = await self._database.rows(
            "SELECT g, src FROM pv.version WHERE number = ? AND canon = ? AND kind = ? "
            "ORDER BY src, g",
            (row[1], row[6], row[2]),
        )
        return [(int(g), int(source)) for g, source in found]

    async def _values(self, work: Work, source: int, g: int) -> dict[str, Value]:
        columns = [c for c in work.table.columns if c.sources[source] is not None]
        chosen = ", ".join(str(work.own(source, c.name)) for c in columns)
        row = await self._database.row(
            f"SELECT {chosen} FROM {work.seek(source)} "
            f"WHERE s.{work.address(source)} = {work.raw(source, str(g))}"
        )
        assert row is not None
        return {column.name: value for column, value in zip(columns, row, strict=True)}

    async def _follows(self, work: Work, source: int, g: int) -> dict[str, int]:
        """How many rows of the same source refer to a row, per table."""
        counts: dict[str, int] = {}
        for child in self._works.values():
            if source not in child.members:
                continue
            for link in child.table.links:
                own = child.own(source, link.column)
                if link.root != work.key or own is None or link.reference.where:
                    continue
                found = await self._database.value(
                    f"SELECT count(*) FROM {child.seek(source)} "
                    f"WHERE {own} = {work.raw(source, str(g))}"
                )
                if found:
                    counts[child.table.name] = counts.get(child.table.name, 0) + int(found)
        return counts


@asynccontextmanager
async def open_review(plan: MergePlan, ledger: Path) -> AsyncIterator[Review]:
    """Open the conflicts of the last merge for reading. Raises sqlite3.Error."""
    async with open_workspace(
        plan.sources, plan.pooled, pool=Path(plan.pool), ledger=ledger
    ) as workspace:
        review = Review(plan, workspace)
        await review.restore()
        yield review
