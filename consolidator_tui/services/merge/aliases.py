"""References to a natural key whose value changed, because another version of the parent won.

A child that says 'ann' follows when the surviving version of that person is called 'ann2'.
"""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.catalog import fold
from consolidator_tui.services.merge.fill import ROW
from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database, quote

TABLE = (
    "CREATE TABLE IF NOT EXISTS pv.alias(number INTEGER, place INTEGER, src INTEGER, old, new, "
    "PRIMARY KEY(number, place, src, old))"
)


async def find_aliases(database: Database, works: Sequence[Work]) -> None:
    """Fill pv.alias with the changed key values, per child column and source."""
    by_key = {work.key: work for work in works}
    for child in works:
        child.aliases = set()
        for reference in child.table.references:
            parent = by_key.get(fold(reference.parent))
            if parent is None or len(reference.columns) != 1:
                continue
            if not (parent.mapped or parent.overridden):
                continue
            names = {fold(c.name): c.name for c in parent.table.columns}
            own = {fold(c.name): c.name for c in child.table.columns}
            column = own.get(fold(reference.columns[0]))
            key = names.get(fold(reference.parent_columns[0]))
            if column is None or key is None or child.links_of(column):
                continue
            if await _changes(database, parent, key):
                await _collect(database, child, column, parent, key)
                child.aliases.add(column)


async def _changes(database: Database, parent: Work, key: str) -> bool:
    place = parent.place(key)
    return bool(
        await database.value(
            f"SELECT EXISTS (SELECT 1 FROM pv.conflict WHERE number = {parent.table.number} "
            f"AND kind <> 'unique' AND differs LIKE '%,{place},%') OR EXISTS (SELECT 1 FROM "
            f"pv.override WHERE number = {parent.table.number} AND place = {place})"
        )
    )


async def _collect(database: Database, child: Work, column: str, parent: Work, key: str) -> None:
    await database.execute("CREATE TEMP TABLE kept(canon INTEGER PRIMARY KEY, v)")
    for source in parent.members:
        own = parent.own(source, key)
        if own is not None:
            await database.execute(
                f"INSERT INTO temp.kept SELECT m.canon, {own} FROM {parent.map} m "
                f"CROSS JOIN {parent.seek(source)} "
                f"ON s.{parent.address(source)} = {parent.raw(source, 'm.g')} "
                f"WHERE m.keep = 1 AND {parent.within(source, 'm.g')} ON CONFLICT DO NOTHING"
            )
    await database.execute(
        "INSERT INTO temp.kept SELECT o.g, o.value FROM pv.override o "
        f"WHERE o.number = {parent.table.number} AND o.place = {parent.place(key)} "
        "AND o.from_g IS NULL ON CONFLICT DO UPDATE SET v = excluded.v"
    )
    place = child.place(column)
    for source in parent.members:
        own = parent.own(source, key)
        if own is None:
            continue
        entity = parent.placed(source, f"s.{parent.address(source)}")
        await database.execute(
            f"INSERT INTO pv.alias SELECT {child.table.number}, {place}, {source}, {own}, k.v "
            f"FROM {parent.read(source)} LEFT JOIN {parent.map} m ON m.g = {parent.g(source)} "
            f"CROSS JOIN temp.kept k ON k.canon = coalesce(m.canon, {entity}) "
            f"WHERE {own} IS NOT NULL AND {own} IS NOT k.v COLLATE BINARY ON CONFLICT DO NOTHING"
        )
    await database.execute("DROP TABLE temp.kept")


async def follow_in_base(database: Database, work: Work) -> None:
    """Rows of the base that speak of a changed key follow too."""
    for column in work.aliases:
        name = quote(column)
        old = (
            f"FROM pv.alias a WHERE a.number = {work.table.number} "
            f"AND a.place = {work.place(column)} AND a.src = 0"
        )
        await database.execute(
            f"UPDATE main.{quote(work.table.name)} AS {ROW} SET {name} = (SELECT a.new {old} "
            f"AND a.old = {ROW}.{name}) WHERE {ROW}.{name} IN (SELECT a.old {old})"
        )
