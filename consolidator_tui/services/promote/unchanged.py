"""Whether a staged target is what the target already was: a repeated run writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from consolidator_tui.domain.merge import TableCounts
from consolidator_tui.storage.sqlite import Database, open_database
from consolidator_tui.storage.worker import Stop, in_thread

_BLOCK = 1 << 20
_COUNTERS = ((18, 20), (24, 28), (40, 44), (92, 100))
"""Header fields that any write moves: change counter, schema cookie, version-valid-for and the
number of the library that wrote; and the journal mode, which the target keeps (https://sqlite.org/fileformat2.html#the_database_header)."""
_PRAGMAS = ("encoding", "user_version", "application_id", "auto_vacuum", "page_size")


async def is_unchanged(staging: Path, base: Path, counts: Sequence[TableCounts]) -> bool:
    """Whether `staging` holds exactly what the snapshot `base` of the target holds.

    `counts` are those of a merge that was verified: with no new row and no row of a conflict,
    every row of the target is a row of the base, and only the schema is left to compare. Rows
    of decided conflicts may have changed a value, so then the pages themselves are compared.
    """
    if any(count.new or count.deleted for count in counts):
        return False
    if any(count.settled for count in counts):
        return await in_thread(lambda stop: _same_pages(staging, base, stop))
    async with open_database(staging) as one, open_database(base, immutable=True) as other:
        return await _schema(one) == await _schema(other)


async def _schema(database: Database) -> list[object]:
    """Everything that is declared. The order of declarations does not matter."""
    found: list[object] = [await database.value(f"PRAGMA main.{pragma}") for pragma in _PRAGMAS]
    objects = await database.rows("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")
    found.append(sorted(objects, key=repr))
    if any(row[1] == "sqlite_sequence" for row in objects):
        sequences = await database.rows("SELECT name, seq FROM main.sqlite_sequence")
        found.append(sorted(sequences, key=repr))
    return found


def _same_pages(one: Path, other: Path, stop: Stop) -> bool:
    """Whether two database files are equal but for the counters in their headers. Blocking."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        here, there = first.read(_BLOCK), second.read(_BLOCK)
        if _masked(here) != _masked(there):
            return False
        while here or there:
            stop.check()
            here, there = first.read(_BLOCK), second.read(_BLOCK)
            if here != there:
                return False
    return True


def _masked(block: bytes) -> bytes:
    masked = bytearray(block)
    for start, end in _COUNTERS:
        masked[start:end] = bytes(end - start)
    return bytes(masked)
