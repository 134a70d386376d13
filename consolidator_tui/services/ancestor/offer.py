"""Looks for a common ancestor of diverged copies: among the files, in backups of old runs, in git.

What is found is only offered. A state is offered when, in a sample of every table, at least two
sources have its rows mostly unchanged, and also the last row it had: a later copy of one of the
sources would have rows that the other never saw.
"""

from __future__ import annotations

import asyncio
import filecmp
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.catalog import Schema, Source, Table, TableKind
from consolidator_tui.domain.discovery import Discovery, FileKind
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.lineage import Offer
from consolidator_tui.services.ancestor import git
from consolidator_tui.services.ancestor.past_state import copy_state
from consolidator_tui.services.inspect.schema import read_schema
from consolidator_tui.services.sqltext import combined
from consolidator_tui.services.stand_ins import stand_in_for
from consolidator_tui.storage.atomic import make_private_folder
from consolidator_tui.storage.run_folder import FOLDER_NAME, RunFolder, list_runs
from consolidator_tui.storage.settle import settle
from consolidator_tui.storage.sqlite import Database, open_database, quote

CANDIDATES = 24
"""States that are looked at, the latest first."""
LARGEST = 1 << 30
"""Bytes of a state that is copied only to be looked at."""
_SAMPLE = 100
"""Rows at each end of a table that are compared."""


@dataclass(frozen=True, slots=True)
class _State:
    """A candidate: its name in the plan, its age, where it is."""

    name: str
    at: float
    file: Path
    blob: str = ""


async def find_ancestor(
    run: RunFolder, discovery: Discovery, sources: Sequence[Source]
) -> Offer | None:
    """The latest state that at least two of the sources come from; None without one.

    Reads copies only. What cannot be read is no ancestor. Raises OSError.
    """
    chosen = [source for source in sources if source.same_as is None]
    if len(chosen) < 2:
        return None
    scratch = run.staging / "candidate.db"
    await asyncio.to_thread(make_private_folder, run.staging, sync=False)
    states = [state async for state in _states(run, discovery, chosen)]
    try:
        for state in sorted(states, key=lambda s: -s.at)[:CANDIDATES]:
            if await _copy(state, scratch):
                offer = await _judge(state.name, scratch, chosen)
                if offer is not None:
                    return offer
    finally:
        await asyncio.to_thread(scratch.unlink, missing_ok=True)
    return None


async def _states(
    run: RunFolder, discovery: Discovery, chosen: Sequence[Source]
) -> AsyncIterator[_State]:
    paths = {source.path for source in chosen}
    for file in discovery.files:
        usable = file.kind is FileKind.DATABASE and file.path not in paths and not file.locked
        if usable and not file.path.startswith("../") and file.size <= LARGEST:
            yield _State(file.path, file.mtime_ns / 1e9, run.project / file.path)
    for old in await asyncio.to_thread(list_runs, run.project):
        if old.name != run.name:
            for state in await asyncio.to_thread(_backed_up, old, paths):
                yield state
    for source in chosen:
        others = [run.project / other.path for other in chosen if other is not source]
        for revision in await git.revisions(run.project / source.path, CANDIDATES):
            # Sources that differed by then had diverged already.
            blobs = [await git.blob_at(other, revision.commit) for other in others]
            if revision.size <= LARGEST and not {*blobs} - {revision.blob, None}:
                name = git.name_of(revision.commit, source.path)
                yield _State(name, revision.at, run.project / source.path, revision.blob)


def _backed_up(run: RunFolder, paths: set[str]) -> list[_State]:
    """The files in a run's backup; none where it has two of the sources, and they differ.

    They had diverged by then, so that none of its states is from before.
    """
    there = [path for name in paths if (path := run.backup / name).is_file()]
    if any(not filecmp.cmp(there[0], path, shallow=False) for path in there[1:]):
        return []
    found = []
    for path in sorted(run.backup.rglob("*")) if run.backup.is_dir() else ():
        inside = path.relative_to(run.backup)
        if path.is_symlink() or not path.is_file() or inside.parts[0] == "originals":
            continue
        status = path.stat()
        if status.st_size <= LARGEST and inside.name != "manifest.json":
            name = f"{FOLDER_NAME}/runs/{run.name}/{run.backup.name}/{inside.as_posix()}"
            found.append(_State(name, status.st_mtime, path))
    return found


async def _copy(state: _State, scratch: Path) -> bool:
    """Make a copy of a state that can be opened; whether it is a database."""
    try:
        if state.blob:
            await asyncio.to_thread(scratch.unlink, missing_ok=True)
            if not await git.extract(state.file, state.blob, scratch):
                return False
        else:
            await copy_state(state.file, scratch, state.name)
        return await settle(scratch)
    except (sqlite3.Error, ConsolidatorError):
        return False  # No database, or being written: then it is no candidate.


async def _judge(name: str, state: Path, chosen: Sequence[Source]) -> Offer | None:
    async with open_database(state, immutable=True) as database:
        schema = await read_schema(database)
        await stand_in_for(database, [schema, *(source.schema for source in chosen)])
        kin: list[tuple[str, int, int]] = []
        identical = 0
        for source in chosen:
            if source.schema.encoding != schema.encoding:
                continue
            await database.attach(Path(source.snapshot), "source", immutable=True)
            found = await _compare(database, schema, source)
            await database.detach("source")
            if found is not None:
                kin.append((source.path, *found))
                identical += found[0] == found[1]
    if len(kin) < 2 or identical == len(kin):
        return None
    changed = min(kin, key=lambda found: found[2] / found[1])
    return Offer(name, tuple(path for path, _, _ in kin), changed[1], changed[2])


async def _compare(database: Database, before: Schema, source: Source) -> tuple[int, int] | None:
    """Rows of the state that were looked up in a source, and how many are unchanged there.

    None when the source does not come from the state.
    """
    total = equal = 0
    for key, table in before.tables.items():
        after = source.schema.tables.get(key)
        if after is None or not _comparable(table) or not _comparable(after):
            continue
        if table.rowid_alias is not None:
            counted = await _by_id(database, table, after)
        elif table.primary_key:
            counted = await _by_key(database, table, after)
        else:
            continue
        if counted is None:
            return None
        total, equal = total + counted[0], equal + counted[1]
    return (total, equal) if equal * 2 > total else None


def _comparable(table: Table) -> bool:
    return table.kind is TableKind.ORDINARY and not table.error


def _same(table: Table, after: Table) -> str:
    terms = [
        f"(a.{quote(c.name)} IS b.{quote(c.name)} COLLATE BINARY)"
        for c in table.stored
        if after.has_column(c.name)
    ]
    return combined("AND", terms, "1")


async def _by_id(database: Database, table: Table, after: Table) -> tuple[int, int] | None:
    """Compared and equal rows at both ends; None when the last row is not there as it was."""
    key = table.rowid_alias
    if key is None or not after.has_column(key):
        return (0, 0)
    own, there = f"main.{quote(table.name)}", f"source.{quote(after.name)}"
    last = await database.value(f"SELECT max({quote(key)}) FROM {own}")
    if last is None:
        return (0, 0)
    terms = [
        f"(a.{quote(c.name)} IS b.{quote(c.name)})"
        for c in table.stored
        if after.has_column(c.name) and c.name != key
    ]
    alike = await database.value(
        f"SELECT ({combined('+', terms, '1')}) * 2 >= {max(1, len(terms))} FROM {own} a "
        f"JOIN {there} b ON b.{quote(key)} = a.{quote(key)} WHERE a.{quote(key)} = ?",
        (last,),
    )
    if not alike:
        return None
    ends = " UNION ".join(
        f"SELECT * FROM (SELECT {quote(key)} AS id FROM {own} ORDER BY 1 {order} LIMIT {_SAMPLE})"
        for order in ("ASC", "DESC")
    )
    row = await database.row(
        f"SELECT count(*), coalesce(sum({_same(table, after)}), 0) FROM ({ends}) e "
        f"CROSS JOIN {own} a ON a.{quote(key)} = e.id "
        f"LEFT JOIN {there} b ON b.{quote(key)} = e.id"
    )
    assert row is not None
    return int(row[0]), int(row[1])


async def _by_key(database: Database, table: Table, after: Table) -> tuple[int, int]:
    keys = table.primary_key
    if not all(after.has_column(name) for name in keys):
        return (0, 0)
    on = " AND ".join(f"b.{quote(name)} = a.{quote(name)}" for name in keys)
    row = await database.row(
        f"SELECT count(*), coalesce(sum({_same(table, after)}), 0) FROM "
        f"(SELECT * FROM main.{quote(table.name)} LIMIT {_SAMPLE}) a "
        f"LEFT JOIN source.{quote(after.name)} b ON {on}"
    )
    assert row is not None
    return int(row[0]), int(row[1])
