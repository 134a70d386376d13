"""Which parent a row must have in the target, by what the ledger claims of the parents."""

from __future__ import annotations

from consolidator_tui.domain.merge import Link, MergeTable
from consolidator_tui.services.verify.claims import Claims
from consolidator_tui.services.verify.kept_keys import KeptKeys, members_of
from consolidator_tui.services.verify.places import size_of
from consolidator_tui.storage.sqlite import quote

MOST_JOINED = 16
"""Maps that are joined to a row at once; SQLite joins 64 tables."""


class ParentProof(KeptKeys):
    """Terms for references, as cheap as they can be without proving less."""

    _avoiding: tuple[Link, ...] = ()
    """Links of the table at hand that refer to no vacated place."""

    async def _find_avoiding(self, table: MergeTable) -> tuple[Link, ...]:
        """The links of a table that refer to no vacated place, where an index tells that.

        A row that became one with another vacates the place that its source's constant would have
        given it. A reference that is the source's plus that constant, and refers to no vacated
        place, is right: its parent did not become one with another, or stands there all the same.
        The map need not be asked for it. Only places in the source's own range are taken for
        vacated; for references that lead outside of it the map is asked.
        """
        found = []
        rows = size_of(self._plan, table)
        for link in table.links:
            root = self._claims[link.root]
            # Looking up more places than there are rows would cost more than it saves.
            worth = self._may_avoid(link, root) and root.merged_away <= rows
            index = await self._index(table, link.column) if worth else None
            if index is not None and not await self._database.value(
                f"SELECT EXISTS (SELECT 1 FROM ({self._vacated(root)}) v "
                f"CROSS JOIN main.{quote(table.name)} t INDEXED BY {quote(index)} "
                # The index's collation, not the column's: else all of it is read each time.
                f"ON t.{quote(link.column)} COLLATE BINARY = v.place)"
            ):
                found.append(link)
        return tuple(found)

    def _may_avoid(self, link: Link, root: Claims) -> bool:
        plain = not link.as_text and not link.dangling and not link.reference.where
        return plain and root.mapped and not root.table.dense and not root.dropped

    async def _index(self, table: MergeTable, column: str) -> str | None:
        """An index of the target that gives all values of the column in order."""
        rows = await self._database.rows(
            "SELECT l.name FROM temp.pragma_index_list(?, 'main') l, "
            "temp.pragma_index_xinfo(l.name, 'main') i WHERE NOT l.partial AND i.seqno = 0 "
            "AND i.coll = 'BINARY' AND lower(i.name) = lower(?)",
            (table.name, column),
        )
        return str(rows[0][0]) if rows else None

    def _vacated(self, root: Claims) -> str:
        """SELECT: where rows would stand that became one with another."""
        arms = []
        for source in members_of(root.table):
            low, high = root.table.lows[source], root.table.highs[source]
            place, first, last = f"m.g + {root.deltas.get(source, 0)}", *root.ranges[source]
            arms.append(
                f"SELECT {place} AS place FROM {root.map} m WHERE m.g BETWEEN {low} AND {high} "
                f"AND {place} BETWEEN {first} AND {last} AND m.canon <> {place}"
            )
        return " UNION ALL ".join(arms)

    def _wrong_parent(
        self,
        link: Link,
        source: int,
        values: tuple[str, str],
        joins: list[str],
        *,
        avoids_vacated: bool,
    ) -> str:
        """SQL: of the `values` of the source and the target, the second is not what follows.

        What that needs beside the row is added to `joins`.
        """
        mine, theirs = values
        root = self._claims[link.root]
        expected = self._expected(link, source, mine)
        if avoids_vacated:
            place, (first, last) = self._place(root, source, mine), root.ranges[source]
            outside = f"{theirs} NOT BETWEEN {first} AND {last}"
            return f"({theirs} IS NOT {place} OR {outside}) AND {theirs} IS NOT {expected}"
        if not link.as_text and root.mapped and len(joins) < MOST_JOINED:
            # A join costs less for each row than a subquery.
            claim, g = f"q{len(joins)}", self._g(root.table, source, mine)
            joins.append(f" LEFT JOIN {root.map} {claim} ON {claim}.g = {g}")
            expected = f"coalesce({claim}.canon, {self._place(root, source, mine)})"
        return f"{theirs} IS NOT {expected}"
