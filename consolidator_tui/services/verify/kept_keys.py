"""The keys by which rows are found in a target that nothing else addresses."""

from __future__ import annotations

from collections.abc import Iterator

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import MergeTable
from consolidator_tui.services.verify.claims import Claims
from consolidator_tui.services.verify.deleted import DeletionProof
from consolidator_tui.storage.sqlite import quote


class KeptKeys(DeletionProof):
    """Which key a row must have there, by what the ledger claims."""

    def _is_keyed(self, claims: Claims) -> bool:
        """Whether rows of the target are found by a key that merging may have changed."""
        table = claims.table
        by_key = self._target_address(table) is None and bool(table.table.primary_key)
        return by_key and (claims.mapped or claims.overrides)

    async def _keep_keys(self, claims: Claims) -> None:
        """Make temp.kept_key: the key under which an entity stands, by the row that is kept."""
        table, number = claims.table, claims.table.number
        names = [c.name for c in table.columns]
        width = len(table.table.primary_key)
        listed = ", ".join(f"k{n}" for n in range(width))
        await self._database.execute("DROP TABLE IF EXISTS temp.kept_key")
        await self._database.execute(
            f"CREATE TEMP TABLE kept_key(canon INTEGER PRIMARY KEY, {listed})"
        )
        for source in members_of(table):
            keys = list(self._key_terms(claims, source))
            own = self._place(claims, source, f"s.{self._address(table, source)}")
            entity, claim, only = own, "", "1"
            if claims.mapped:
                g = self._g(table, source, f"s.{self._address(table, source)}")
                claim = f" LEFT JOIN {claims.map} m ON m.g = {g}"
                entity, only = f"coalesce(m.canon, {own})", "m.keep IS NOT 0"
            changed = f"EXISTS (SELECT 1 FROM pv.override o WHERE o.number = {number} AND o.g = e)"
            values = ", ".join(f"{value} AS v{n}" for n, (_, value) in enumerate(keys))
            chosen = ", ".join(f"v{n}" for n in range(width))
            await self._database.execute(
                f"INSERT INTO temp.kept_key SELECT e, {chosen} FROM (SELECT {entity} AS e, "
                f"{'m.g IS NOT NULL' if claims.mapped else '0'} AS kept, {values} "
                f"FROM {self._read(table, source)}{claim} WHERE {only}) "
                f"WHERE kept OR {changed} ON CONFLICT DO NOTHING"
            )
        for n, name in enumerate(c for c, _ in self._key_terms(claims, members_of(table)[0])):
            place = [quote(c) for c in names].index(name)
            await self._database.execute(
                f"UPDATE temp.kept_key SET k{n} = o.value FROM pv.override o WHERE o.g = canon "
                f"AND o.number = {number} AND o.place = {place} AND o.from_g IS NULL"
            )

    def _key_terms(self, claims: Claims, source: int) -> Iterator[tuple[str, str]]:
        """Key columns of a target without rowid, and the value that a row must have there."""
        table = claims.table
        for name in table.table.primary_key:
            column = next(
                c for c in table.columns
                if fold(c.name) == fold(name) or c.sources[members_of(table)[0]] == name
            )  # fmt: skip
            own = column.sources[source]
            place = table.columns.index(column)
            expression = "NULL" if own is None else f"s.{quote(own)}"
            if own is not None:
                expression = self._aliased(claims, source, place, expression)
            for link in table.links:
                if link.column == column.name and own is not None:
                    expression = self._expected(link, source, expression)
            yield quote(column.name), expression

    def _aliased(self, claims: Claims, source: int, place: int, mine: str) -> str:
        """A value that names a parent, by the parent's new name where that changed."""
        if place not in claims.aliases:
            return mine
        return (
            f"coalesce((SELECT a.new FROM pv.alias a WHERE a.number = {claims.table.number} "
            f"AND a.place = {place} AND a.src = {source} AND a.old = {mine}), {mine})"
        )


def members_of(table: MergeTable) -> list[int]:
    """The sources that have the table."""
    return [index for index, name in enumerate(table.sources) if name is not None]
