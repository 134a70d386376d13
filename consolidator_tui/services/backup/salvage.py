"""A database whose index pages are destroyed, with its indexes made anew from whole tables.

Only a copy is touched, and the raw bytes stay in the backup beside it. What is rebuilt is used only
when nothing but unused pages is left to find fault with before, and nothing afterwards.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

from consolidator_tui.storage.atomic import PRIVATE_FILE
from consolidator_tui.storage.sqlite import Database, open_database, quote
from consolidator_tui.storage.worker import in_thread

_STAND_IN = "consolidator stand-in"
_UNUSED = re.compile(r"(\*\*\* in database main \*\*\*|Page \d+(:| is) never used)\Z")


async def rebuild_indexes(damaged: Path, rebuilt: Path) -> bool:
    """Write `rebuilt`: the rows of `damaged` with new indexes; False where that is not sure.

    Then there is no such file. Both are private to the run.
    """
    work = rebuilt.with_name(rebuilt.name + ".work")
    try:
        await in_thread(lambda _stop: shutil.copyfile(damaged, work))
        work.chmod(PRIVATE_FILE)
        await _without_indexes(work)
        sure = await _is_whole(work)
        if sure:
            await _with_indexes(damaged, work, rebuilt)
            rebuilt.chmod(PRIVATE_FILE)
    except (sqlite3.Error, OSError):
        sure = False  # The caller refuses the file for the damage that it found before.
    finally:
        work.unlink(missing_ok=True)
    if not sure:
        rebuilt.unlink(missing_ok=True)
    return sure


async def _indexes(database: Database) -> list[tuple[str, str, str | None]]:
    return [
        (str(name), str(table), sql)
        for name, table, sql in await database.rows(
            "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index'"
        )
    ]


async def _without_indexes(path: Path) -> None:
    """Forget the indexes; those of constraints, which cannot go, get a new and empty place."""
    async with open_database(path, mode="rw") as database:
        found = await _indexes(database)
        await database.execute("PRAGMA writable_schema = ON")
        await database.execute("BEGIN")
        for name, table, sql in found:
            if sql is None:
                await _move(database, name, table)
            else:
                await _forget(database, name)
        await database.execute("COMMIT")


async def _move(database: Database, name: str, table: str) -> None:
    column = await database.value("SELECT name FROM temp.pragma_table_info(?)", (table,))
    await database.execute(f"CREATE INDEX {quote(_STAND_IN)} ON {quote(table)}({quote(column)})")
    await database.execute(
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = ?) "
        "WHERE type = 'index' AND name = ?",
        (_STAND_IN, name),
    )
    await _forget(database, _STAND_IN)


async def _forget(database: Database, name: str) -> None:
    await database.execute("DELETE FROM sqlite_schema WHERE type = 'index' AND name = ?", (name,))


async def _is_whole(path: Path) -> bool:
    """Whether nothing but pages that nobody uses any more is left to find."""
    async with open_database(path, mode="rw") as database:
        await database.execute("REINDEX")
        rows = await database.rows("PRAGMA integrity_check")
        lines = [line for row in rows for line in str(row[0]).splitlines()]
        return all(line == "ok" or _UNUSED.match(line) for line in lines)


async def _with_indexes(damaged: Path, work: Path, rebuilt: Path) -> None:
    async with open_database(damaged, immutable=True) as database:
        wanted = await _indexes(database)
    async with open_database(work, mode="rw") as database:
        for _, _, sql in wanted:
            if sql is not None:
                await database.execute(sql)
        # Into another file: a plain VACUUM would number the rows of some tables anew.
        await database.copy_into(rebuilt)
