"""The tables of a file and how many rows they hold, counted by reading them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from consolidator_tui.domain.discovery import TableSummary
from consolidator_tui.services.discover.reading import open_unchanged, primary_code
from consolidator_tui.storage.sqlite import Database, quote

COUNT_LIMIT = 8 * 2**20
"""Files up to this size, with their `-wal`, in bytes, are counted while discovering."""
_PER_STATEMENT = 100

_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+[\"'`\[]?(\w+)", re.I | re.S)
_SHADOWS = {
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "fts4": ("content", "segments", "segdir", "docsize", "stat"),
    "fts3": ("content", "segments", "segdir", "docsize", "stat"),
    "rtree": ("node", "rowid", "parent"),
    "rtree_i32": ("node", "rowid", "parent"),
    "geopoly": ("node", "rowid", "parent"),
}


async def read_tables(database: Database, *, count: bool) -> tuple[TableSummary, ...]:
    """The tables in the order of their creation, without SQLite's own and shadow tables.

    With `count` their rows are counted. Raises sqlite3.Error when the schema cannot be read.
    """
    rows = await database.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
    plain, virtual = _sort(rows)
    names = [str(name) for name, _sql in rows if name in plain or name in virtual]
    counts: dict[str, int | None] = {}
    if count:
        counts = await _count(database, [n for n in names if n in plain])
        for name in virtual:
            counts[name] = await _count_one(database, name, "")
    return tuple(TableSummary(name, counts.get(name)) for name in names)


async def count_rows(
    path: Path, tables: Sequence[str] | None = None, *, scratch: Path | None = None
) -> tuple[TableSummary, ...]:
    """Count the rows of a file's tables (all, or these), however long that takes.

    Rows of an uncheckpointed `-wal` count; a table that cannot be read whole has None. Nothing
    beside the file changes; `scratch` is as for `open_unchanged`, and so are the errors.
    """
    async with open_unchanged(path, scratch=scratch) as database:
        found = await read_tables(database, count=tables is None)
        if tables is None:
            return found
        wanted = frozenset(tables)
        return tuple(
            [
                TableSummary(table.name, await _count_any(database, table.name))
                for table in found
                if table.name in wanted
            ]
        )


def _sort(rows: Sequence[tuple[str, str | None]]) -> tuple[set[str], set[str]]:
    """Names of the ordinary tables and of the virtual ones."""
    virtual: set[str] = set()
    shadows: set[str] = set()
    for name, sql in rows:
        if match := _VIRTUAL.match(sql or ""):
            virtual.add(name)
            shadows.update(f"{name}_{end}" for end in _SHADOWS.get(match[1].lower(), ()))
    names = {name for name, _sql in rows if not name.lower().startswith("sqlite_")}
    return names - virtual - shadows, virtual


async def _count(database: Database, names: Sequence[str]) -> dict[str, int | None]:
    counts: dict[str, int | None] = {}
    for start in range(0, len(names), _PER_STATEMENT):
        part = names[start : start + _PER_STATEMENT]
        # NOT INDEXED: an index of a damaged file may have another number of entries.
        sql = " UNION ALL ".join(
            f"SELECT {at}, count(*) FROM main.{quote(name)} NOT INDEXED"
            for at, name in enumerate(part)
        )
        try:
            counts |= {part[at]: int(count) for at, count in await database.rows(sql)}
        except (sqlite3.Error, ValueError) as error:
            if is_locked(error):
                raise
            # One table is damaged, or its name (NUL, not UTF-8) cannot be written in SQL.
            for name in part:
                counts[name] = await _count_one(database, name, "NOT INDEXED")
    return counts


async def _count_any(database: Database, name: str) -> int | None:
    counted = await _count_one(database, name, "NOT INDEXED")
    return await _count_one(database, name, "") if counted is None else counted


async def _count_one(database: Database, name: str, how: str) -> int | None:
    try:
        return int(await database.value(f"SELECT count(*) FROM main.{quote(name)} {how}"))
    except (sqlite3.Error, ValueError) as error:
        if is_locked(error):
            raise
        # None says that it could not be counted; Inspect tells why.
        return None


def is_locked(error: BaseException) -> bool:
    """Whether SQLite gave up because somebody else holds the file."""
    return isinstance(error, sqlite3.Error) and primary_code(error) in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )
