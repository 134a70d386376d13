"""Rows that were matched and say the same, listed when a person wants to see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from consolidator_tui.domain.decided import columns_key
from consolidator_tui.services.merge.conflicts import index_entities
from consolidator_tui.services.merge.groups import entity_sql, identity_columns
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database, Row

TABLE = "pv.pair"
NAMED_AT_ONCE = 500


async def there(database: Database) -> bool:
    """Whether the list was made."""
    return bool(
        await database.value("SELECT EXISTS (SELECT 1 FROM pv.sqlite_master WHERE name = 'pair')")
    )


async def fill(database: Database, works: Iterable[Work]) -> None:
    """Make the list, in the order of tables and entities, unless it is there. Keys come later."""
    if await there(database):
        return
    await database.execute("BEGIN")
    await database.execute(
        f"CREATE TABLE {TABLE}(id INTEGER PRIMARY KEY, number INTEGER NOT NULL, "
        "canon INTEGER NOT NULL, kind TEXT NOT NULL DEFAULT 'duplicate', columns TEXT, "
        "entity TEXT, sources TEXT, differs TEXT NOT NULL DEFAULT '', "
        "decided_by TEXT DEFAULT 'same', winner INTEGER, hand TEXT)"
    )
    for work in sorted(works, key=lambda w: w.table.number):
        if not work.mapped:
            continue
        await index_entities(database, work)
        number = work.table.number
        await database.execute(
            f"INSERT INTO {TABLE}(number, canon) SELECT DISTINCT {number}, m.canon "
            f"FROM {work.map} m WHERE m.keep = 0 AND NOT EXISTS (SELECT 1 FROM pv.conflict c "
            f"WHERE c.number = {number} AND c.canon = m.canon AND c.kind <> 'unique') "
            "ORDER BY m.canon"
        )
    await database.execute("COMMIT")
    await database.execute("CREATE INDEX pv.pair_entity ON pair(number, entity)")


async def named(
    database: Database, translator: Translator, works: Mapping[int, Work], rows: Sequence[Row]
) -> list[Row]:
    """The same rows with their keys and sources, which are worked out for what is looked at."""
    missing = [(row[0], row[1]) for row in rows if row[4] is None]
    for number in {table for _, table in missing}:
        ids = [str(int(id_)) for id_, table in missing if table == number]
        await _name(database, translator, works[number], f"p.id IN ({', '.join(ids)})")
    chosen = ", ".join(str(int(row[0])) for row in rows)
    return await database.rows(
        "SELECT id, number, kind, columns, entity, sources, differs, decided_by, winner, hand, "
        f"canon FROM {TABLE} WHERE id IN ({chosen}) ORDER BY id"
    )


async def name_chosen(
    database: Database, translator: Translator, works: Mapping[int, Work]
) -> None:
    """Work out the keys of all pairs in temp.chosen."""
    for (number,) in await database.rows(
        f"SELECT DISTINCT number FROM {TABLE} WHERE -id IN (SELECT id FROM temp.chosen)"
    ):
        await _name(database, translator, works[number], "-p.id IN (SELECT id FROM temp.chosen)")


async def _name(database: Database, translator: Translator, work: Work, condition: str) -> None:
    names = identity_columns(work)
    marks = combined(
        "||",
        [f"CASE WHEN max({work.within(k, 'm.g')}) THEN '{k},' ELSE '' END" for k in work.members],
        "''",
    )
    chosen = f"p.number = {work.table.number} AND p.entity IS NULL AND {condition}"
    await database.execute("BEGIN")
    await database.execute(
        f"UPDATE {TABLE} SET sources = ',' || x.marks, columns = ? FROM (SELECT p.id AS id, "
        f"{marks} AS marks FROM {TABLE} p CROSS JOIN {work.map} m ON m.canon = p.canon "
        f"WHERE {chosen} GROUP BY p.id) x WHERE x.id = pair.id",
        (columns_key(names),),
    )
    for source in work.members:
        entity = entity_sql(translator, work, source, names, "f.canon")
        await database.execute(
            f"UPDATE {TABLE} SET entity = x.entity FROM (SELECT f.id AS id, {entity} AS entity "
            f"FROM (SELECT p.id AS id, p.canon AS canon, m.g AS g FROM {TABLE} p "
            f"CROSS JOIN {work.map} m ON m.canon = p.canon "
            f"WHERE {chosen} AND {work.within(source, 'm.g')}) f CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'f.g')}) x WHERE x.id = pair.id"
        )
    await database.execute("COMMIT")
