"""Comparing two versions of one database by what they hold, without carrying values out."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from consolidator_tui.domain.words import plural
from consolidator_tui.services.discover import open_unchanged
from consolidator_tui.services.discover.header import SIDECAR_SUFFIXES
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.sqlite import Database, quote
from consolidator_tui.storage.worker import Stop, in_thread

_BATCH = 1_000
_CONTENT = ("", "-wal", "-journal")
"""The files that hold rows."""


async def take(source: Path, copy: Path) -> None:
    """A consistent copy of a database that may be in use, without changing it.

    Raises sqlite3.Error, LockedError, DiskFull.
    """
    async with open_unchanged(source) as database:
        await database.copy_into(copy)


def keep(database: Path, kept: Path) -> None:
    """Keep the bytes of a database that nobody has open, log included. Blocking."""
    remove(kept)
    for suffix in _CONTENT:
        member = database.with_name(database.name + suffix)
        if member.exists():
            shutil.copyfile(member, kept.with_name(kept.name + suffix))


async def changed_tables(before: Path, now: Path) -> tuple[str, ...]:
    """The tables (and `schema`) whose rows differ, as `users (2 rows more)`; empty: none do.

    Files with the same bytes are not opened. Raises sqlite3.Error.
    """
    if await in_thread(lambda stop: _same_bytes(before, now, stop)):
        return ()
    first, second = await _digests(before), await _digests(now)
    names = sorted({*first, *second})
    return tuple(
        _told(name, first.get(name), second.get(name))
        for name in names
        if first.get(name) != second.get(name)
    )


def _same_bytes(first: Path, second: Path, stop: Stop) -> bool:
    return all(
        _content(first.with_name(first.name + suffix), stop)
        == _content(second.with_name(second.name + suffix), stop)
        for suffix in _CONTENT
    )


def _content(path: Path, stop: Stop) -> tuple[int, str] | None:
    found = hash_file(path, path.name, stop)
    return found if found and found[0] else None


def _told(name: str, before: tuple[int, str] | None, now: tuple[int, str] | None) -> str:
    if before is None or now is None:
        return f"{name} ({'new' if before is None else 'gone'})"
    more = now[0] - before[0]
    if name == "schema" or not more:
        return f"{name} (changed)"
    return f"{name} ({plural(abs(more), 'row')} {'more' if more > 0 else 'fewer'})"


async def _digests(path: Path) -> Mapping[str, tuple[int, str]]:
    """Rows and a hash of all values per table, and of the schema."""
    async with open_unchanged(path) as database:
        found: dict[str, tuple[int, str]] = {}
        rows = await database.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema")
        found["schema"] = len(rows), _hash(sorted(map(repr, rows)))
        tables = await database.rows(
            "SELECT name FROM temp.pragma_table_list WHERE schema = 'main' "
            "AND name <> 'sqlite_schema' AND type IN ('table', 'shadow')"
        )
        for (name,) in tables:
            found[name] = await _digest(database, name)
        return found


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogateescape")).hexdigest()


async def _digest(database: Database, table: str) -> tuple[int, str]:
    digest = hashlib.sha256()
    count = 0
    async for batch in database.batches(f"SELECT * FROM main.{quote(table)}", size=_BATCH):
        count += len(batch)
        digest.update(repr(batch).encode("utf-8", "surrogateescape"))
    return count, digest.hexdigest()


def put_back(kept: Path, database: Path) -> None:
    """Make a database what it was when it was kept. Blocking."""
    database.parent.mkdir(parents=True, exist_ok=True)
    keep(kept, database)
    database.chmod(0o600)


def remove(database: Path) -> None:
    """Remove a database with its sidecars. Blocking."""
    for suffix in ("", *SIDECAR_SUFFIXES):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
