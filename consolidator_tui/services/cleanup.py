"""Clean up: originals are deleted, each behind gates that are checked again at that moment."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.errors import (
    BackupDamaged,
    ConsolidatorError,
    GateClosed,
    LockedError,
    UsageError,
)
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.manifest import MAIN, SIDECARS, FileRecord, Manifest, Role
from consolidator_tui.domain.run import Fact, RunState, StepStatus
from consolidator_tui.services.backup import load_manifest, verify_backup
from consolidator_tui.services.backup.places import named_path
from consolidator_tui.services.promote import load_promotion
from consolidator_tui.services.target import count_target
from consolidator_tui.storage.atomic import explain_os, sync_folder
from consolidator_tui.storage.family import Held, expected, same_content
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.holders import OpenFiles, describe, scan_open_files, sidecar
from consolidator_tui.storage.run_db import RunStore, Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import FOLDER_NAME, RunFolder
from consolidator_tui.storage.worker import Stop, in_thread, to_the_end

LOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Gate:
    """A precondition of deleting files."""

    name: str
    open: bool
    reason: str = ""
    """Why it is closed, as a sentence."""
    file: str = ""
    """The file that it is about; empty when about the run."""


def confirmation_phrase(count: int) -> str:
    """What must be typed to delete so many database files (sidecars go with them)."""
    return f"delete {count} file{'' if count == 1 else 's'}"


async def deletable_files(run: RunFolder) -> list[str]:
    """The sources of the run that clean up may offer: still there, and not the target."""
    manifest = await load_manifest(run)
    return await in_thread(lambda _stop: _remaining(run, manifest))


async def gates(run: RunFolder, files: Sequence[str], emit: Emit) -> tuple[Gate, ...]:
    """Check everything that must hold before `files` may be deleted; hashes the whole backup.

    Nothing is changed. Raises GateClosed when there is no backup, UsageError for a file that is
    not one of the run's sources.
    """
    manifest = await load_manifest(run)
    records = _records(run, manifest, files)
    async with open_run_store(run) as store:
        found = [*_state_gates(await store.load_state())]
        found.append(await _backup_gate(run, emit))
        found.append(await _target_gate(run, store, manifest))
    users = await in_thread(lambda _stop: scan_open_files())
    for record in records:
        found += await in_thread(lambda stop, record=record: _file_gates(run, record, users, stop))  # type: ignore[misc]
    return tuple(found)


async def clean_up(
    run: RunFolder, files: Sequence[str], phrase: str, emit: Emit
) -> tuple[str, ...]:
    """Delete `files` with their sidecars, when every gate is open and the phrase was typed.

    Returns what of the run's sources is still there besides the target (nothing, when all were
    chosen). Raises UsageError (phrase), GateClosed naming the first closed gate, LockedError,
    DiskFull, Failed. What was deleted before an error stays deleted and can be rolled back.
    """
    started = time.perf_counter()
    manifest = await load_manifest(run)
    records = _records(run, manifest, files)
    if phrase != confirmation_phrase(len(records)):
        raise UsageError(f"To delete, type exactly: {confirmation_phrase(len(records))}")
    closed = [gate for gate in await gates(run, files, emit) if not gate.open]
    if closed:
        raise GateClosed(closed[0].reason, todo="Nothing was deleted.")
    async with open_run_store(run) as store:
        await to_the_end(_delete_all(run, store, records, emit))
    left = await in_thread(lambda _stop: _remaining(run, manifest))
    emit(PhaseTimed(Step.CLEANUP, "cleanup", time.perf_counter() - started))
    return tuple(left)


async def recover_cleanup(run: RunFolder, store: RunStore, work: Work) -> None:
    """Finish the deletion that was interrupted between a database and its sidecars.

    Files whose database is still there are left; clean up can be started again.
    """
    manifest = await load_manifest(run)
    record = manifest.files[work.body["path"]]

    def finish(stop: Stop) -> None:
        real = run.resolve(record.real)
        if not real.exists():
            _remove_known_sidecars(record, real, stop)
            _remove_link(run, record)

    await in_thread(finish)
    await store.end_work(Fact.CLEANED)


async def _delete_all(
    run: RunFolder, store: RunStore, records: Sequence[FileRecord], emit: Emit
) -> None:
    for number, record in enumerate(records):
        await store.begin_work(Work(WorkKind.CLEANUP, {"path": record.path}))
        try:
            await in_thread(lambda stop, record=record: _delete(run, record, stop))  # type: ignore[misc]
        except ConsolidatorError:
            await recover_cleanup_or_keep(run, store, record)
            raise
        emit(Progress(Step.CLEANUP, record.path, number + 1, len(records), "files", "deleting"))
        text = f"{record.path}: deleted; roll back restores it."
        emit(Message(Step.CLEANUP, Level.INFO, text, file=record.path))
    await store.end_work(Fact.CLEANED)
