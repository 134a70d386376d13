"""Which rows refer to the versions of a conflict, and so follow what is decided about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import MergePlan, Reference
from consolidator_tui.domain.plan import Value
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.sqltext import sql_value
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.sqlite import quote

FEW = 20_000
"""Rows up to which a table without a fitting index is read through for each question."""


class Follows:
    """Counts referring rows, on a connection of its own: a large table takes its time."""

    def __init__(self, plan: MergePlan, workspace: Workspace) -> None:
        self._database = workspace.database
        self._works = {fold(t.name): Work(t, plan, workspace) for t in plan.tables}
        self._counted: set[str] = set()

    async def count(
        self, table: str, rows: Sequence[tuple[str, Mapping[str, Value]]]
    ) -> list[dict[str, int]]:
        """For each row (its source's path and its values by target column): table -> number of
        rows of the same source that refer to it."""
        work = self._works[fold(table)]
        index = {source.path: source.index for source in work.plan.sources}
        found: list[dict[str, int]] = []
        for path, values in rows:
            counts: dict[str, int] = {}
            for child in self._works.values():
                for place, reference in enumerate(child.table.references):
                    if fold(reference.parent) != work.key or index[path] not in child.members:
                        continue
                    number = await self._referring(child, place, reference, index[path], values)
                    if number:
                        name = child.table.name
                        counts[name] = counts.get(name, 0) + number
            found.append(counts)
        return found

    async def _referring(
        self, child: Work, place: int, reference: Reference, source: int, row: Mapping[str, Value]
    ) -> int:
        owned = [child.own(source, column) for column in reference.columns]
        values = [row.get(column) for column in reference.parent_columns]
        if None in owned or None in values:
            return 0
        names = [str(own) for own in owned]
        conditions = [
            f"{child.own(source, name) or 'NULL'} IS {sql_value(value)}"
            for name, value in reference.terms(source).items()
        ]
        rows = child.plan.sources[source].row_counts.get(fold(str(child.table.sources[source])), 0)
        if rows > FEW and not _is_indexed(child, source, reference):
            return await self._from_counts(child, place, source, names, conditions, values)
        terms = " AND ".join([*(f"{name} = ?" for name in names), *conditions])
        return int(
            await self._database.value(
                f"SELECT count(*) FROM {child.seek(source)} WHERE {terms}", values
            )
        )

    async def _from_counts(
        self,
        child: Work,
        place: int,
        source: int,
        names: list[str],
        conditions: list[str],
        values: list[Value],
    ) -> int:
        """One pass over a large table answers for all its parents."""
        counts = f"temp.{quote(f'{child.table.number}:{place}:{source}')}"
        columns = [f"k{n}" for n in range(len(names))]
        if counts not in self._counted:
            chosen = ", ".join(f"{n} AS {k}" for n, k in zip(names, columns, strict=True))
            known = " AND ".join([f"{names[0]} IS NOT NULL", *conditions])
            await self._database.execute(
                f"CREATE TABLE {counts} AS SELECT {chosen}, count(*) AS n "
                f"FROM {child.read(source)} WHERE {known} GROUP BY {', '.join(names)}"
            )
            index = f"temp.{quote(f'{child.table.number}:{place}:{source} key')}"
            table = counts.partition(".")[2]
            await self._database.execute(f"CREATE INDEX {index} ON {table}({', '.join(columns)})")
            self._counted.add(counts)
        terms = " AND ".join(f"{k} = ?" for k in columns)
        found = await self._database.value(
            f"SELECT coalesce(sum(n), 0) FROM {counts} WHERE {terms}", values
        )
        return int(found)


def _is_indexed(child: Work, source: int, reference: Reference) -> bool:
    name = fold(str(child.table.sources[source]))
    if child.rows(source).pooled:
        return False
    first = fold(str(child.table.column(reference.columns[0]).sources[source]))
    keys = child.plan.sources[source].schema.tables[name].unique_keys
    return any(fold(key.columns[0]) == first for key in keys if key.columns)


@asynccontextmanager
async def open_follows(plan: MergePlan) -> AsyncIterator[Follows]:
    """Open the sources for counting. Raises sqlite3.Error."""
    async with open_workspace(plan.sources, plan.pooled, pool=Path(plan.pool)) as workspace:
        yield Follows(plan, workspace)
