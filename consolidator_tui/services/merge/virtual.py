"""Virtual tables in the staged target: search indexes that are made from other tables' rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.domain.merge import (
    MergePlan,
    Note,
    TableCounts,
    VirtualKind,
    VirtualTable,
)
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.planning.virtual_sql import create_sql
from consolidator_tui.services.workspace import schema_of
from consolidator_tui.storage.sqlite import Database, quote


async def follow_owner(database: Database, translator: Translator, work: Work) -> None:
    """Of an entry's versions the one wins that came with the version of its owner that won."""
    if work.table.table.kind is not TableKind.VIRTUAL or work.table.surrogate is not None:
        return
    key = work.table.table.primary_key[0]
    links = work.links_of(key)
    if not links or not work.mapped:
        return
    root = translator.works[links[0].root]
    number = work.table.number
    versions = (
        f"SELECT v.g FROM pv.version v LEFT JOIN {root.map} o ON o.g = v.g "
        f"WHERE v.number = {number} AND v.kind = 'values' AND v.canon = conflict.canon "
        "ORDER BY o.keep DESC, v.src LIMIT 1"
    )
    await database.execute(
        f"UPDATE pv.conflict SET decided_by = 'owner', winner = ({versions}) "
        f"WHERE number = {number} AND kind = 'values' AND decided_by IS NULL"
    )


async def write_virtual_tables(
    database: Database, plan: MergePlan, works: Mapping[str, Work], counts: list[TableCounts]
) -> tuple[list[TableCounts], list[Note]]:
    """Make and fill what is made from other rows; all rows and views must be there.

    Returns the counts of the indexes with entries of their own, and notes.
    """
    found: list[TableCounts] = []
    notes: list[Note] = []
    changed = {fold(c.table) for c in counts if c.new or c.conflict or c.deleted or not c.base}
    for table in plan.virtuals:
        in_base = table.sources[0] is not None
        if not in_base:
            await database.execute(table.sql)
        owner = works.get(fold(table.owner))
        if table.kind is VirtualKind.EXTERNAL:
            touched = owner is None or owner.key in changed or bool(owner.table.widened)
            if touched or not in_base:
                notes += await _rebuild(database, table)
        elif table.kind is VirtualKind.DERIVED and owner is not None:
            found.append(await _refill(database, table, owner, owner.key in changed))
    for work in works.values():
        if work.table.table.kind is TableKind.VIRTUAL and work.table.table.module == "fts5":
            notes += await _check(database, work.table.name)
    return found, notes


async def _rebuild(database: Database, table: VirtualTable) -> list[Note]:
    name = quote(table.name)
    try:
        await database.execute(f"INSERT INTO main.{name}({name}) VALUES ('rebuild')")
    except sqlite3.OperationalError as error:
        text = f"{table.name} could not be rebuilt from {table.owner}: {error}"
        return [Note(text, table=table.name)]
    return []


async def _check(database: Database, table: str) -> list[Note]:
    """A damaged index of the base is rebuilt from its own texts."""
    name = quote(table)
    try:
        await database.execute(f"INSERT INTO main.{name}({name}) VALUES ('integrity-check')")
    except sqlite3.DatabaseError:
        await database.execute(f"INSERT INTO main.{name}({name}) VALUES ('rebuild')")
        return [Note(f"{table}: the index did not fit its texts and was rebuilt", table=table)]
    return []


async def _refill(
    database: Database, table: VirtualTable, owner: Work, changed: bool
) -> TableCounts:
    """Fill an index anew from its owner's rows, and count what became of the entries."""
    await database.execute("DROP TABLE IF EXISTS temp.entry")
    await database.execute("CREATE TEMP TABLE entry(id INTEGER PRIMARY KEY)")
    for source, name in enumerate(table.sources):
        if name is not None and table.entries[source]:
            await database.execute(
                f"INSERT OR IGNORE INTO temp.entry {placed_entries(table, owner, source, name)}"
            )
    entries = int(await database.value("SELECT count(*) FROM temp.entry"))
    if changed or table.sources[0] is None or entries != table.entries[0]:
        await _fill(database, table, owner)
    lost = int(
        await database.value(
            f"SELECT count(*) FROM temp.entry WHERE id NOT IN ({target_ids(table)})"
        )
    )
    await database.execute("DROP TABLE temp.entry")
    gone = [await _gone(database, table, owner, k) for k in range(len(table.sources))]
    total, base, deleted = sum(table.entries), table.entries[0] - gone[0], sum(gone)
    new = max(0, entries - base)
    sources = owner.plan.sources
    copies = sum(table.entries[s.same_as] for s in sources if s.same_as is not None)
    return TableCounts(
        table=table.name,
        source=total + copies,
        base=base,
        new=new,
        duplicate=total - base - new - deleted + copies,
        conflict=0,
        rekeyed=0,
        lost=lost,
        deleted=deleted,
        identity=f"the rows of {table.owner}",
    )


async def _fill(database: Database, table: VirtualTable, owner: Work) -> None:
    name = quote(table.name)
    settings = []
    if table.sources[0] is not None:
        if table.module == "fts5":
            settings = await database.rows(
                f"SELECT k, v FROM main.{quote(table.name + '_config')} WHERE k <> 'version'"
            )
        await database.execute(f"DROP TABLE main.{name}")
        await database.execute(table.sql)
    for key, value in settings:
        await database.execute(
            f"INSERT OR REPLACE INTO main.{quote(table.name + '_config')}(k, v) VALUES (?, ?)",
            (key, value),
        )
    columns = ", ".join(map(quote, (table.key, *table.columns)))
    only = "" if table.complete else f" WHERE {table.fill[0]} IN (SELECT id FROM temp.entry)"
    await database.execute(
        f"INSERT INTO main.{name}({columns}) SELECT {', '.join(table.fill)} "
        f"FROM main.{quote(owner.table.name)} AS new{only}"
    )


def source_ids(table: VirtualTable, schema: str, name: str) -> str:
    """A SELECT of the rowids of the index in a schema, named `id`."""
    if table.contentless and table.module != "fts5":
        return f"SELECT docid AS id FROM {schema}.{quote(name + '_docsize')}"
    return f"SELECT {quote(table.key)} AS id FROM {schema}.{quote(name)}"


def target_ids(table: VirtualTable) -> str:
    """A SELECT of the rowids of the index in the target."""
    return source_ids(table, "main", table.name)


def placed_entries(table: VirtualTable, owner: Work, source: int, name: str) -> str:
    """A SELECT of the ids that a source's entries have in the target, if their owner's row has."""
    own, rows = _entries(table, owner, source, name)
    place, moved = owner.placed(source, own), owner.moved(source, own)
    if owner.mapped:
        place = f"coalesce((SELECT m.canon FROM {owner.map} m WHERE m.g = {moved}), {place})"
    return f"SELECT {place} FROM {rows} WHERE {moved} NOT IN ({_dropped(owner)})"


async def _gone(database: Database, table: VirtualTable, owner: Work, source: int) -> int:
    """How many of a source's entries go because another file deleted their owner's row."""
    name = table.sources[source]
    if name is None or owner.plan.ancestor is None:
        return 0
    own, rows = _entries(table, owner, source, name)
    gone = f"{owner.moved(source, own)} IN ({_dropped(owner)})"
    count = int(await database.value(f"SELECT count(*) FROM {rows} WHERE {gone}"))
    return min(count, table.entries[source])


def _dropped(owner: Work) -> str:
    return f"SELECT d.g FROM pv.dropped d WHERE d.number = {owner.table.number}"


def _entries(table: VirtualTable, owner: Work, source: int, name: str) -> tuple[str, str]:
    """The id of an entry in its source, and a FROM item that gives them all."""
    if source in owner.workspace.attached:
        return "e.id", f"({source_ids(table, schema_of(source), name)}) AS e"
    # A file in another encoding cannot be attached: its owner's rows stand for its entries.
    return f"s.{owner.address(source)}", owner.read(source)


def create_sql_of(work: Work) -> str:
    """CREATE VIRTUAL TABLE for a table whose rows are merged, under the target's name."""
    return create_sql(work.table.table.sql, f"main.{quote(work.table.name)}")
