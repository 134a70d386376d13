"""Checks rows that are not in the target because another file deleted them.

Such a row must stand in the ancestor as it stands in its file, and some descendant must have no
row under its key, or one that is a row of its own in the target.
"""

from __future__ import annotations

from consolidator_tui.domain.catalog import Table, fold
from consolidator_tui.domain.merge import MergeTable
from consolidator_tui.domain.verification import Check
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.sqltext import combined
from consolidator_tui.services.verify.places import Places
from consolidator_tui.services.workspace import PAST
from consolidator_tui.storage.sqlite import quote

NAME = "deleted rows were deleted"


class DeletionProof(Places):
    """Proves that rows were left out for a deletion only."""

    async def deletions(self, table: MergeTable) -> list[Check]:
        """One check for a table with such rows, none for others."""
        ancestor = self._plan.ancestor
        if ancestor is None or not self._claims[fold(table.name)].dropped:
            return []
        total = int(
            await self._database.value(
                "SELECT count(*) FROM pv.dropped WHERE number = ?", (table.number,)
            )
        )
        proven = 0
        for source in ancestor.descendants:
            if table.sources[source] is not None:
                before = ancestor.schema.tables[fold(str(table.sources[source]))]
                proven += await self._proven(table, source, before)
        detail = (
            f"{proven:,} of {plural(total, 'row')} {verb(proven, 'stands', 'stand')} unchanged in "
            f"{ancestor.name} and not in all files"
        )
        return [Check(NAME, table.name, proven == total, detail)]

    async def _proven(self, table: MergeTable, source: int, before: Table) -> int:
        """How many dropped rows of one source were the ancestor's and are missing elsewhere."""
        ancestor = self._plan.ancestor
        assert ancestor is not None
        keys = list(table.table.primary_key) if table.surrogate is None else [table.surrogate]
        if not keys:
            return await self._proven_by_content(table, source, before)
        # A source and the ancestor call their columns alike.
        names = [_own_name(table, source, key) for key in keys]
        on = " AND ".join(f"a.{quote(name)} = s.{quote(name)}" for name in names)
        declared = self._plan.sources[source].schema.tables[fold(str(table.sources[source]))]
        same = combined(
            "AND",
            [
                f"(a.{quote(c.name)} IS s.{quote(c.name)} COLLATE BINARY "
                f"AND typeof(a.{quote(c.name)}) = typeof(s.{quote(c.name)}))"
                for c in declared.stored
                if before.has_column(c.name)
            ],
            "1",
        )
        lacking = [
            self._lacks(table, other, keys, names)
            for other in ancestor.descendants
            if other != source and table.sources[other] is not None
        ]
        g = self._g(table, source, f"s.{self._address(table, source)}")
        return int(
            await self._database.value(
                f"SELECT count(*) FROM {self._read(table, source)} "
                f"JOIN pv.dropped d ON d.number = {table.number} AND d.g = {g} "
                f"JOIN {PAST}.{quote(before.name)} a ON {on} "
                f"WHERE {same} AND ({' OR '.join(lacking) or '0'})"
            )
        )

    async def _proven_by_content(self, table: MergeTable, source: int, before: Table) -> int:
        """The same without a key: some descendant has fewer rows of that content than it had."""
        ancestor = self._plan.ancestor
        assert ancestor is not None
        descendants = [k for k in ancestor.descendants if table.sources[k] is not None]
        # Names are those of the source, by which the ancestor calls its columns too.
        # A row found by a UNIQUE key may have columns that came later.
        columns = [
            c
            for c in table.columns
            if (own := c.sources[source]) is not None and before.has_column(own)
        ]
        g = self._g(table, source, f"s.{self._address(table, source)}")
        arms = [
            self._content_arm(
                [f"s.{quote(str(c.sources[source]))}" for c in columns],
                f"{self._read(table, source)} JOIN pv.dropped d ON d.number = {table.number} "
                f"AND d.g = {g}",
                -1,
            ),
            self._content_arm(
                [f"a.{quote(str(c.sources[source]))}" for c in columns],
                f"{PAST}.{quote(before.name)} AS a",
                -2,
            ),
        ]
        for k in descendants:
            values = [
                "NULL" if (own := c.sources[k]) is None else f"s.{quote(own)}" for c in columns
            ]
            arms.append(self._content_arm(values, self._read(table, k), k))
        keys = ", ".join(f"c{n} COLLATE BINARY, t{n}" for n in range(len(columns)))
        least = ", ".join(f"sum(side = {k})" for k in descendants)
        least = f"min({least})" if len(descendants) > 1 else least
        return int(
            await self._database.value(
                "SELECT coalesce(sum(min(gone, was - least)), 0) FROM ("
                f"SELECT sum(side = -1) AS gone, sum(side = -2) AS was, {least} AS least FROM "
                f"({' UNION ALL '.join(arms)}) GROUP BY {keys}) WHERE gone AND was > least"
            )
        )

    def _content_arm(self, values: list[str], rows: str, side: int) -> str:
        chosen = ", ".join(
            f"{value} AS c{n}, typeof({value}) AS t{n}" for n, value in enumerate(values)
        )
        return f"SELECT {chosen}, {side} AS side FROM {rows}"

    def _lacks(self, table: MergeTable, other: int, keys: list[str], names: list[str]) -> str:
        rows = self._workspace.rows(other, str(table.sources[other]))
        g = self._g(table, other, f"o.{self._address(table, other)}")
        equal = " AND ".join(
            f"o.{quote(_own_name(table, other, key))} = a.{quote(name)}"
            for key, name in zip(keys, names, strict=True)
        )
        return (
            f"NOT EXISTS (SELECT 1 FROM {rows.sql} o JOIN pv.dropped x ON "
            f"x.number = {table.number} AND x.g = {g} WHERE {equal})"
        )


def _own_name(table: MergeTable, source: int, name: str) -> str:
    return next(
        str(c.sources[source])
        for c in table.columns
        if fold(c.name) == fold(name) and c.sources[source] is not None
    )
