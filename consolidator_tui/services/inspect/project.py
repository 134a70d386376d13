"""Inspect: the chosen files one by one and side by side, without changing them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from consolidator_tui.domain.catalog import Schema, TableKind
from consolidator_tui.domain.cells import printable
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.inspection import FileInspection, Inspection, Preview
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.discover.reading import open_unchanged
from consolidator_tui.services.failure import translate
from consolidator_tui.services.inspect.kinship import find_lineage
from consolidator_tui.services.inspect.matrix import build_matrix
from consolidator_tui.services.inspect.preview import read_preview
from consolidator_tui.services.inspect.schema import read_schema
from consolidator_tui.storage.sqlite import Database, explain, quote

AT_ONCE = 2
"""Files that are read at the same time."""
MAX_FINDINGS = 100

_VIOLATIONS = """
SELECT "table", parent, count(*) FROM temp.pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2
"""


async def inspect(
    project: Path, paths: Sequence[str], emit: Emit, *, checks: bool = True
) -> Inspection:
    """Read what the files declare and hold; `paths` are relative to `project`, in priority.

    `checks` adds integrity_check, foreign_key_check and row counts, which read every page.
    Emits Progress (files), Message for what was found, PhaseTimed.
    Raises FileRefused, LockedError, DiskFull for a file that cannot be read.
    """
    started = time.monotonic()
    slots = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(path: str) -> FileInspection:
        nonlocal done
        async with slots:
            found = await inspect_file(project, path, checks=checks)
        done += 1
        emit(Progress(Step.INSPECT, path, done, len(paths), unit="files", part="reading"))
        return found

    tasks = [asyncio.ensure_future(one(path)) for path in paths]
    try:
        files = tuple(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    for file in files:
        tell_findings(file, emit)
    lineage = await find_lineage(project, files, emit) if checks else ()
    seconds = time.monotonic() - started
    emit(PhaseTimed(Step.INSPECT, "inspect", seconds))
    return Inspection(files, build_matrix(files), lineage, seconds)


async def inspect_file(project: Path, path: str, *, checks: bool) -> FileInspection:
    """One file by itself. Raises FileRefused, LockedError, DiskFull, Failed, naming it."""
    try:
        async with open_unchanged(_absolute(project, path)) as database:
            schema = await read_schema(database)
            if not checks:
                return FileInspection(path, schema, {})
            problems: list[str] = []
            rows = await _count(database, schema, problems)
            integrity = await _integrity(database)
            violations = await _violations(database, problems)
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error
    except ConsolidatorError as error:
        if path in error.sentence:
            raise
        raise type(error)(f"{path}: {error.sentence}", todo=error.todo) from error
    return FileInspection(path, schema, rows, integrity, violations, tuple(problems), checked=True)


async def preview(project: Path, path: str, schema: Schema, table: str, limit: int) -> Preview:
    """The first rows of one table of a file. Raises KeyError for an unknown folded table name."""
    try:
        async with open_unchanged(_absolute(project, path)) as database:
            return await read_preview(database, path, schema.tables[table], limit=limit)
    except (sqlite3.Error, OSError) as error:
        raise translate(error, f"{path}, {table}") from error


def _absolute(project: Path, path: str) -> Path:
    return Path(os.path.join(project, path))  # noqa: PTH118 - keeps `..` as it is written


async def _count(database: Database, schema: Schema, problems: list[str]) -> dict[str, int]:
    """Rows per folded table name, counted by reading rows and not from an index."""
    rows: dict[str, int] = {}
    for key, table in schema.tables.items():
        if table.kind is TableKind.SHADOW:
            continue
        if table.error:
            problems.append(f"{table.name}: {table.error}")
            continue
        hint = " NOT INDEXED" if table.kind is TableKind.ORDINARY else ""
        try:
            value = await database.value(f"SELECT count(*) FROM {quote(table.name)}{hint}")
        except sqlite3.Error as error:
            problems.append(explain(error, table.name).sentence)
            continue
        rows[key] = int(value or 0)
    return rows


async def _integrity(database: Database) -> tuple[str, ...]:
    try:
        rows = await database.rows(f"PRAGMA integrity_check({MAX_FINDINGS})")
    except sqlite3.Error as error:
        return (explain(error, "integrity_check").sentence,)
    lines = tuple(str(row[0]) for row in rows)
    return () if lines == ("ok",) else lines


async def _violations(database: Database, problems: list[str]) -> tuple[tuple[str, str, int], ...]:
    try:
        rows = await database.rows(_VIOLATIONS)
    except sqlite3.Error as error:
        # A reference to columns that are no key makes the whole check fail.
        problems.append(explain(error, "foreign_key_check").sentence)
        return ()
    return tuple((str(table), str(parent), int(count)) for table, parent, count in rows)


def tell_findings(file: FileInspection, emit: Emit) -> None:
    """Say what is wrong with a file; names only, no values."""

    def warn(text: str, table: str = "") -> None:
        emit(Message(Step.INSPECT, Level.WARNING, printable(text), file=file.path, table=table))

    if file.integrity:
        more = len(file.integrity) - 1
        rest = f" (and {plural(more, 'more finding')})" if more else ""
        warn(f"integrity_check says: {file.integrity[0]}{rest}")
    for table, parent, count in file.violations:
        warn(
            f"{plural(count, 'row')} of {table} {verb(count, 'refers', 'refer')} to rows of "
            f"{parent} "
            "that are not there.",
            table,
        )
    for problem in file.problems:
        warn(problem)
