"""Indexes that are cheaper to build once all rows are there than to keep up row by row."""

from __future__ import annotations

from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database, quote

LEAST_ROWS = 20_000
"""New rows from which on it matters."""


async def drop_plain_indexes(database: Database, work: Work) -> list[str]:
    """Take away the indexes that a large part of the table's rows is still to come for.

    Returns the SQL that makes them again. Those that enforce something stay, and so do those on
    expressions or conditions, and all of a file that ANALYZE was run on: the statistics of an
    index go with it.
    """
    if 0 not in work.members or not _mostly_new(work):
        return []
    if await database.value("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_stat1'"):
        return []
    found = []
    for _, name, unique, origin, partial in await database.rows(
        f"PRAGMA main.index_list({quote(work.table.name)})"
    ):
        if origin == "c" and not unique and not partial and await _is_plain(database, name):
            found.append(name)
    statements = [await _sql(database, name) for name in found]
    for name in found:
        await database.execute(f"DROP INDEX main.{quote(name)}")
    # The list has the newest first.
    return statements[::-1]


async def _is_plain(database: Database, index: str) -> bool:
    """Whether the index is on columns alone; -2 is an expression."""
    rows = await database.rows(f"PRAGMA main.index_info({quote(index)})")
    return all(column != -2 for _, column, _ in rows)


async def _sql(database: Database, index: str) -> str:
    return str(
        await database.value(
            "SELECT sql FROM main.sqlite_schema WHERE type = 'index' AND name = ?", (index,)
        )
    )


def _mostly_new(work: Work) -> bool:
    """Building costs a sort of all rows: less than keeping up for about half of them."""
    rows = {source: work.count(source) for source in work.members}
    base = rows.pop(0)
    return sum(rows.values()) > max(LEAST_ROWS, base)
