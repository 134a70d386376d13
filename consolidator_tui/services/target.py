"""Reading the target after its promotion, when an application may be using it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.manifest import MAIN
from consolidator_tui.services.backup.snapshot import count_rows
from consolidator_tui.storage.family import LOGS
from consolidator_tui.storage.hashing import copy_hashed, open_regular
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.settle import settle
from consolidator_tui.storage.sqlite import Database, connect, explain, file_uri, open_database
from consolidator_tui.storage.worker import Stop, in_thread
from consolidator_tui.storage.workshop import Workshop

_WAL_VERSION = 2


@dataclass(frozen=True, slots=True)
class TargetRows:
    """What is in the target now."""

    row_counts: Mapping[str, int]
    problem: str = ""
    """Why it cannot be read, as a sentence."""


async def count_target(run: RunFolder, path: Path, name: str) -> TargetRows:
    """Rows per table, without creating or changing anything beside the file.

    Does not raise for a missing, locked or damaged file: `problem` says what is wrong.
    Raises OSError when a copy that is needed cannot be made.
    """
    if not path.exists():
        return TargetRows({}, f"{name}: it is not there any more.")
    try:
        async with _open_quietly(run, path) as database:
            return TargetRows(await count_rows(database))
    except sqlite3.Error as error:
        return TargetRows({}, explain(error, name).sentence)


def changed_rows(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Per table the rows that came (positive) or went (negative); unchanged ones are left out."""
    tables = sorted({*before, *now})
    return {t: n for t in tables if (n := now.get(t, 0) - before.get(t, 0)) != 0}


@asynccontextmanager
async def _open_quietly(run: RunFolder, path: Path) -> AsyncIterator[Database]:
    log, index, journal = (sidecar(path, s).exists() for s in ("-wal", "-shm", "-journal"))
    if log and index:
        uri = file_uri(path) + "&readonly_shm=1"
        async with connect(uri, timeout=5.0) as connection:
            yield Database(connection, path)
    elif not log and not journal:
        header = await in_thread(lambda _stop: _header(path))
        # WAL mode without a log: nobody uses it, and opening it would create one.
        async with open_database(path, immutable=_WAL_VERSION in header[18:20]) as database:
            yield database
    else:
        workshop = await in_thread(lambda _stop: Workshop(run, path))
        try:
            copy = workshop.path("counted")
            await in_thread(lambda stop: _copy(path, copy, stop))
            await settle(copy)
            async with open_database(copy, immutable=True) as database:
                yield database
        finally:
            await in_thread(lambda _stop: workshop.clear())


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)


def _copy(path: Path, copy: Path, stop: Stop) -> None:
    for suffix in (MAIN, *LOGS):
        member = sidecar(path, suffix)
        if member.exists():
            descriptor = open_regular(member, member.name)
            try:
                copy_hashed(descriptor, sidecar(copy, suffix), stop)
            finally:
                os.close(descriptor)
