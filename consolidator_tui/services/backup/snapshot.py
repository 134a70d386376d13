"""A self-contained database out of raw copies, and the proof that it can be read."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consolidator_tui.domain.errors import BackupDamaged, FileRefused
from consolidator_tui.domain.manifest import MAIN, Part
from consolidator_tui.services.backup.capture import Captured
from consolidator_tui.storage.atomic import PRIVATE_FILE, explain_os, make_private_folder
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.settle import is_swollen, settle
from consolidator_tui.storage.sqlite import Database, Row, explain, open_database, quote
from consolidator_tui.storage.worker import Stop, in_thread

MAX_FINDINGS = 100_000
CHECK_CACHE_KIB = 16 * 1024
"""Comparing an index with its table jumps about: twice as fast as with SQLite's 2 MiB."""
_ENCODINGS = (0, 1, 2, 3)
"""Of the header: https://sqlite.org/fileformat2.html#text_encoding; 0 before the first table."""
_RECOVER = "It is damaged: recover it with `sqlite3 FILE .recover` first, or leave it out."
KEPT_FINDINGS = 50
"""Findings that are kept in the manifest."""

_INDEX_FINDING = re.compile(
    r"row \d+ missing from index |wrong # of entries in index |non-unique entry in index "
)
_VALUE_FINDING = re.compile(
    r"(NULL|TEXT|NUMERIC|non-\w+) value in |CHECK constraint failed in |row \d+ values differ from"
)
"""Findings about values that the schema forbids; the rows themselves are whole."""
_MISSING_COLLATION = re.compile(r"no such collation sequence: (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a snapshot holds."""

    row_counts: dict[str, int]
    schema_hash: str
    integrity: tuple[str, ...]
    index_damage: bool


async def build_snapshot(backup: Path, captured: Captured) -> tuple[Captured, int, str]:
    """Apply the -wal or the journal to a second copy; the raw copies stay as they are.

    Returns the capture with the main part at its raw place, and size and SHA-256 of the
    snapshot. Raises FileRefused when the copies do not make a database, DiskFull.
    """
    place = captured.place
    path = backup / place.stored
    parts = await in_thread(lambda _stop: _lay_out(backup, captured))
    try:
        settled = await settle(path)
    except sqlite3.Error as error:
        raise explain(error, place.path) from error
    if not settled:
        raise FileRefused(
            f"{place.path}: what its log holds could not be applied to a copy.",
            todo="Open it once with its own program, so that nothing waits in the log.",
        )
    await in_thread(lambda _stop: _refuse_swollen(path, captured))
    found = await in_thread(lambda stop: hash_file(path, place.path, stop))
    if found is None:
        raise BackupDamaged(f"{place.stored}: the snapshot disappeared while it was made.")
    return Captured(place, parts, plain=False), *found


def _refuse_swollen(path: Path, captured: Captured) -> None:
    size = path.stat().st_size
    known = sum(part.size for part in captured.parts)
    if is_swollen(size, known):
        raise FileRefused(
            f"{captured.place.path}: what its log holds would make it {size:,} bytes, from"
            f" {known:,}; the log is damaged.",
            todo="Open it once with its own program, so that nothing waits in the log.",
        )


def _lay_out(backup: Path, captured: Captured) -> tuple[Part, ...]:
    place = captured.place
    path = backup / place.stored
    raw = backup / place.raw
    parts = []
    try:
        for part in captured.parts:
            stored = part.stored
            if part.suffix == MAIN:
                make_private_folder(raw.parent, sync=False)
                path.rename(raw)
                stored = place.raw
            if part.suffix != "-shm":
                copy = sidecar(path, part.suffix)
                shutil.copyfile(backup / stored, copy)
                copy.chmod(PRIVATE_FILE)
            parts.append(Part(part.suffix, stored, part.size, part.sha256, part.stat))
    except OSError as error:
        raise explain_os(error, place.path) from error
    return tuple(parts)


async def read_back(backup: Path, stored: str, size: int, sha256: str, name: str) -> None:
    """Read a stored file again and compare. Raises BackupDamaged naming it."""
    path = backup / stored

    def work(stop: Stop) -> tuple[int, str] | None:
        return hash_file(path, str(path), stop)

    found = await in_thread(work)
    if found is None:
        raise BackupDamaged(f"{path}: this file of the backup of {name} is missing.")
    if found != (size, sha256):
        raise BackupDamaged(
            f"{path}: this file of the backup of {name} is damaged.",
            todo="Nothing was changed. Check the disk.",
        )


async def describe_snapshot(path: Path, name: str) -> Contents:
    """What a snapshot holds, by what its schema and its indexes say; to be checked later.

    Raises FileRefused naming the original when that cannot be read.
    """
    await in_thread(lambda _stop: _refuse_encoding(path, name))
    try:
        async with open_database(path, immutable=True) as database:
            await _refuse_unspeakable(database, name)
            counts = await count_rows(database, believe_indexes=True)
            return Contents(counts, await schema_hash(database), (), index_damage=False)
    except sqlite3.Error as error:
        raise explain(error, name) from error


async def inspect_snapshot(path: Path, name: str, *, idly: bool = False) -> Contents:
    """Check a snapshot's integrity and count its rows by reading them.

    `idly` leaves the processors to others.
    Raises FileRefused naming the original when rows cannot be believed.
    """
    await in_thread(lambda _stop: _refuse_encoding(path, name))
    try:
        async with open_database(path, immutable=True, cache_kib=CHECK_CACHE_KIB) as database:
            if idly:
                await database.give_way()
            findings = await _integrity(database)
            damage = [f for f in findings if not _harmless(f)]
            if damage or len(findings) >= MAX_FINDINGS:
                raise FileRefused(
                    f"{name}: the database is damaged ({(damage or findings)[0]}).",
                    todo="Recover it with `sqlite3 FILE .recover` first, or leave it out.",
                )
            await _refuse_unspeakable(database, name)
            counts = await count_rows(database, believe_indexes=not findings)
            schema = await schema_hash(database)
    except sqlite3.Error as error:
        raise explain(error, name) from error
    index_damage = any(_INDEX_FINDING.match(finding) for finding in findings)
    return Contents(counts, schema, tuple(findings[:KEPT_FINDINGS]), index_damage)


def _refuse_encoding(path: Path, name: str) -> None:
    with path.open("rb") as file:
        header = file.read(60)
    if len(header) == 60 and int.from_bytes(header[56:60], "big") not in _ENCODINGS:
        raise FileRefused(f"{name}: its header names no known text encoding.", todo=_RECOVER)


async def _refuse_unspeakable(database: Database, name: str) -> None:
    """Names that are no UTF-8 come from damage only, and no SQL statement can hold them."""
    rows = await database.rows(
        "SELECT m.name, x.name FROM sqlite_schema m LEFT JOIN temp.pragma_table_xinfo(m.name) x"
        " WHERE m.type = 'table' AND m.rootpage > 0"
    )
    strange = await database.value(
        "SELECT type FROM sqlite_schema WHERE type NOT IN ('table', 'index', 'view', 'trigger')"
    )
    if strange is not None:
        raise FileRefused(f"{name}: its schema holds a {strange!r}.", todo=_RECOVER)
    for table, column in rows:
        for found in (table, column or ""):
            if any("\ud800" <= character <= "\udfff" for character in found):
                shown = found.encode("utf-8", "surrogateescape")
                raise FileRefused(
                    f"{name}: a table or column is named {shown!r}, which is no UTF-8 text.",
                    todo=_RECOVER,
                )


async def count_rows(database: Database, *, believe_indexes: bool = False) -> dict[str, int]:
    """Rows of every table that has a b-tree of its own.

    An index that lacks rows gives too few, so indexes are read instead of the tables, which
    costs far less, only where an integrity check just found them whole (`believe_indexes`).
    SQLite's own tables (sqlite_sequence, sqlite_stat1 …) are not data and do not count.
    """
    tables = await database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    counts = {}
    for (name,) in tables:
        sql = f"SELECT count(*) FROM {quote(name)}{'' if believe_indexes else ' NOT INDEXED'}"
        counts[name] = int(await _value_without_extras(database, sql))
    return counts


async def _value_without_extras(database: Database, sql: str) -> Any:
    """Run a count; a collation that is missing here does not matter for it."""
    while True:
        try:
            return await database.value(sql)
        except sqlite3.OperationalError as error:
            missing = _MISSING_COLLATION.search(str(error))
            if missing is None:
                raise
            await database.collation(missing[1], _any_order)


def _any_order(one: str, other: str) -> int:
    return (one > other) - (one < other)


async def schema_hash(database: Database) -> str:
    """SHA-256 over all schema objects, independent of their order."""
    rows = await database.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    digest = hashlib.sha256()
    for row in sorted(repr(row) for row in rows):
        digest.update(row.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


async def _integrity(database: Database) -> list[str]:
    try:
        rows = await database.rows(f"PRAGMA integrity_check({MAX_FINDINGS})")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        # A collation or function that is missing here: check what does not need it.
        return await _integrity_by_table(database)
    return _findings(rows)


async def _integrity_by_table(database: Database) -> list[str]:
    findings = []
    tables = await database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
    )
    for (name,) in tables:
        try:
            sql = f"PRAGMA integrity_check({quote(name)})"
            findings += _findings(await database.rows(sql))
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_ERROR:
                raise
            findings.append(f"table {name} not checked: {error}")
    return findings


def _findings(rows: list[Row]) -> list[str]:
    return [str(row[0]) for row in rows if row[0] != "ok"]


def _harmless(finding: str) -> bool:
    if finding.startswith("table ") and " not checked: " in finding:
        return True
    return bool(_INDEX_FINDING.match(finding) or _VALUE_FINDING.match(finding))
