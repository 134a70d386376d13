"""The lineage of every table that two files share, with the evidence for people."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from consolidator_tui.domain.catalog import Table, TableKind, fold
from consolidator_tui.domain.event import Emit, Level, Message, Step
from consolidator_tui.domain.inspection import FileInspection, Lineage, LineageEvidence
from consolidator_tui.services.discover.reading import look_around
from consolidator_tui.services.inspect.lineage import compare_by_id
from consolidator_tui.storage.sqlite import Database, explain, open_database, quote

MAX_FILES = 6
"""Of more files only the first ones are compared with each other."""


async def find_lineage(
    project: Path, files: Sequence[FileInspection], emit: Emit
) -> tuple[LineageEvidence, ...]:
    """Compare the rows that two files hold under one id, table by table.

    Files with a log are left out: reading two of them at once would need copies of both. What
    cannot be compared (damage, a writer in between) is told as a Message.
    """
    found: list[LineageEvidence] = []
    for first, second in combinations(files[:MAX_FILES], 2):
        found += await _compare(project, first, second, emit)
    return tuple(found)


async def _compare(
    project: Path, first: FileInspection, second: FileInspection, emit: Emit
) -> list[LineageEvidence]:
    paths = [Path(os.path.join(project, file.path)) for file in (first, second)]  # noqa: PTH118
    tables = _common(first, second)
    if not tables or not await asyncio.to_thread(_both_plain, paths):
        return []
    found: list[LineageEvidence] = []
    try:
        async with open_database(None) as database:
            await database.execute(f"PRAGMA encoding = '{first.schema.encoding}'")
            # Without a log, and immutable: a plain read of a WAL database would leave files.
            await database.attach(paths[0], "one", immutable=True)
            await database.attach(paths[1], "two", immutable=True)
            for one, two in tables:
                found.append(await _evidence(database, first.path, second.path, one, two))
    except sqlite3.Error as error:
        told = explain(error, f"{first.path} and {second.path} cannot be compared")
        emit(Message(Step.INSPECT, Level.WARNING, told.sentence, file=second.path))
    return found


def _both_plain(paths: Sequence[Path]) -> bool:
    around = [look_around(os.fspath(path)) for path in paths]
    return not any(seen.size("-wal") or seen.journal for seen in around)


def _common(first: FileInspection, second: FileInspection) -> list[tuple[Table, Table]]:
    """Ordinary tables of both files whose rows have an id."""
    if first.schema.encoding != second.schema.encoding:
        return []
    pairs = [
        (table, second.schema.tables[key])
        for key, table in first.schema.tables.items()
        if key in second.schema.tables
    ]
    return [
        (one, two)
        for one, two in pairs
        if one.kind is two.kind is TableKind.ORDINARY
        and one.rowid_alias is not None
        and two.rowid_alias is not None
    ]


async def _evidence(
    database: Database, first: str, second: str, one: Table, two: Table
) -> LineageEvidence:
    ids = (one.rowid_alias or "rowid", two.rowid_alias or "rowid")
    columns = [
        (quote(column.name), quote(two.column(column.name).name))
        for column in one.stored
        if two.has_column(column.name)
        and fold(column.name) != fold(ids[0])
        and not two.column(column.name).generated
    ]
    seen = await compare_by_id(
        database,
        table=one.name,
        first=(0, f"one.{quote(one.name)}", quote(ids[0])),
        second=(1, f"two.{quote(two.name)}", quote(ids[1])),
        columns=columns,
    )
    return LineageEvidence(
        table=one.name,
        first=first,
        second=second,
        lineage=Lineage(seen.verdict.value),
        shared=seen.shared,
        agreeing=seen.agreeing,
    )
