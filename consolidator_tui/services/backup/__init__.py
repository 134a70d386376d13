"""Back up: the original bytes of every file of a run, verified by reading them back.

`backup/<path>` is a database that can be opened with immutable=1. Where rows waited in a -wal or
a hot journal it is a recovered copy, and the original bytes are in `backup/originals/`.
A backup without `manifest.json` is no backup: it is written last.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.errors import DiskFull, GateClosed
from consolidator_tui.domain.event import Emit, Level, Message, Step
from consolidator_tui.domain.manifest import (
    MAIN,
    SIDECARS,
    FileRecord,
    Manifest,
    Role,
)
from consolidator_tui.services.backup.one_file import back_up_file, check_file, describe_file
from consolidator_tui.services.backup.places import Place, hard_links, locate
from consolidator_tui.services.backup.progress import Reporter
from consolidator_tui.services.backup.snapshot import read_back
from consolidator_tui.services.backup.users import Users
from consolidator_tui.services.space import RESERVE, mebibytes
from consolidator_tui.storage.atomic import explain_os, sync_folder
from consolidator_tui.storage.hashing import free_space
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.manifest_file import has_manifest, read_manifest, write_manifest
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import Clock, RunFolder, utc_now
from consolidator_tui.storage.worker import Stop, for_each, in_thread

__all__ = ["back_up", "check_backup", "forget_backup", "load_manifest", "verify_backup"]

AT_ONCE = 2
"""Files that are copied or checked at the same time: two keep disk and processor busy."""


async def back_up(
    run: RunFolder,
    sources: Sequence[str],
    *,
    target: str | None,
    emit: Emit,
    clock: Clock = utc_now,
    check: bool = True,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Manifest:
    """Copy sources and an existing target into the run, verify the copies, write the manifest.

    Paths are relative to the project (or absolute). A target that does not exist is recorded as
    absent, so that roll back removes it. A backup that this run made before is replaced as long
    as the run has changed no file outside its folder. Without `check` the snapshots are only read
    back and compared: `check_backup` is to follow. `names`: other names that the files are known
    by; hard links among them are recorded, and the file is copied once.
    Raises FileRefused, LockedError, GateClosed, DiskFull, BackupDamaged, Failed; then there is no
    manifest and nothing outside the run's folder was changed.
    """
    started = time.perf_counter()
    reporter = Reporter(emit, Step.BACKUP)
    await _start_over(run)
    places = await in_thread(lambda _stop: _places(run, sources, target))
    await in_thread(lambda _stop: _need_space(run, places))
    users = Users()
    taken_at = clock().isoformat(timespec="seconds")

    async def one(group: list[tuple[Place, Role]]) -> list[FileRecord]:
        # One inode under two names: one after the other, or closing one drops the other's lock.
        return [
            await back_up_file(run, place, role, taken_at, users, reporter) for place, role in group
        ]

    try:
        groups = await in_thread(lambda _stop: _by_inode(places))
        records = [r for group in await for_each(groups, one, at_once=AT_ONCE) for r in group]
        await in_thread(lambda stop: _sync_folders(run, stop))
        reporter.phase("copy", started)
        # The largest first, so that none is left for one processor at the end.
        records = await for_each(
            sorted(records, key=lambda record: -record.size),
            lambda record: (check_file if check else describe_file)(run, record),
            at_once=AT_ONCE,
        )
        links = await in_thread(lambda _stop: _links(run, places, names or {}))
        records = [replace(record, names=links[record.path]) for record in records]
    except BaseException:
        await forget_backup(run)
        raise
    order = {place.path: number for number, (place, _) in enumerate(places)}
    records.sort(key=lambda record: order[record.path])
    created = clock().isoformat(timespec="seconds")
    manifest = Manifest(run.name, created, {record.path: record for record in records})
    await in_thread(lambda _stop: write_manifest(run, manifest))
    _tell_findings(records, emit)
    reporter.phase("backup", started)
    return manifest


async def check_backup(run: RunFolder, manifest: Manifest, emit: Emit) -> Manifest:
    """Check the snapshots of a backup that was made without, beside other work.

    Returns the manifest with what was found, which is written then. Raises FileRefused where a
    snapshot is damaged: the backup then is no base for a merge (`forget_backup`).
    """
    started = time.perf_counter()
    records = await for_each(
        sorted(manifest.files.values(), key=lambda record: -record.size),
        lambda record: _checked(run, record),
        # There is one processor to spare, not two.
        at_once=1,
    )
    found = {record.path: record for record in records}
    manifest = replace(manifest, files={path: found[path] for path in manifest.files})
    await in_thread(lambda _stop: write_manifest(run, manifest))
    _tell_findings(tuple(manifest.files.values()), emit)
    Reporter(emit, Step.BACKUP).phase("snapshots", started)
    return manifest


async def _checked(run: RunFolder, record: FileRecord) -> FileRecord:
    return record if record.checked else await check_file(run, record, idly=True)


async def forget_backup(run: RunFolder) -> None:
    """Drop what was copied, before the run has changed anything."""

    def work(_stop: Stop) -> None:
        try:
            if has_manifest(run):
                run.manifest.unlink()
                sync_folder(run.backup)
            _clear(run.backup)
        except OSError as error:
            raise explain_os(error, str(run.backup)) from error

    await in_thread(work)


async def verify_backup(run: RunFolder, emit: Emit, step: Step = Step.BACKUP) -> None:
    """Hash every file of the backup again.

    Raises GateClosed when there is no complete backup, BackupDamaged naming the first file that
    is missing or not what the manifest says.
    """
    manifest = await load_manifest(run)
    reporter = Reporter(emit, step)
    started = time.perf_counter()
    files = list(manifest.stored_files())
    await for_each(
        files,
        lambda file: read_back(run.backup, file.stored, file.size, file.sha256, file.original),
        at_once=AT_ONCE,
    )
    reporter.phase("backup check", started)


async def load_manifest(run: RunFolder) -> Manifest:
    """The manifest of the run's backup. Raises GateClosed, BackupDamaged."""
    return await in_thread(lambda _stop: read_manifest(run))


async def _start_over(run: RunFolder) -> None:
    """Forget what an earlier attempt of this run copied, if the run changed nothing since."""
    async with open_run_store(run) as store:
        state = await store.load_state()
        if state.facts or await store.work() is not None:
            raise GateClosed(
                f"Run {run.name} has already changed files, so its backup stays as it is.",
                todo="Start a new run.",
            )
    await forget_backup(run)


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _places(run: RunFolder, sources: Sequence[str], target: str | None) -> list[tuple[Place, Role]]:
    found: dict[str, tuple[Place, Role]] = {}
    for path in sources:
        place = locate(run, path)
        found[place.path] = (place, Role.SOURCE)
    if target is not None:
        place = locate(run, target)
        found[place.path] = (place, Role.TARGET)
    return list(found.values())


def _links(
    run: RunFolder, places: list[tuple[Place, Role]], names: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    return {place.path: hard_links(run, place, names.get(place.path, ())) for place, _ in places}


def _by_inode(places: list[tuple[Place, Role]]) -> list[list[tuple[Place, Role]]]:
    groups: dict[object, list[tuple[Place, Role]]] = {}
    for place, role in places:
        try:
            status = place.real.stat()
        except OSError:
            groups[place.path] = [(place, role)]  # Missing: said when it is captured.
        else:
            groups.setdefault((status.st_dev, status.st_ino), []).append((place, role))
    return list(groups.values())


def _need_space(run: RunFolder, places: list[tuple[Place, Role]]) -> None:
    """Raise DiskFull when the copies will not fit. A log means a second copy."""
    needed = RESERVE
    for place, _ in places:
        sizes = {suffix: _size(sidecar(place.real, suffix)) for suffix in (MAIN, *SIDECARS)}
        waiting = sizes["-wal"] + sizes["-journal"]
        needed += sum(sizes.values()) + (sizes[MAIN] + 2 * waiting if waiting else 0)
    free = free_space(run.backup)
    if free < needed:
        raise DiskFull(
            f"The backup needs {mebibytes(needed)} and only {mebibytes(free)} are free in"
            f" {run.backup}.",
            todo="Free some space and try again.",
        )


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # Missing or unreadable: said when it is captured.


def _sync_folders(run: RunFolder, stop: Stop) -> None:
    for folder, _, _ in os.walk(run.backup):
        stop.check()
        sync_folder(Path(folder))
    sync_folder(run.path)


def _tell_findings(records: Sequence[FileRecord], emit: Emit) -> None:
    for record in records:
        if record.integrity:
            what = _damaged_indexes(record) if record.index_damage else record.integrity[0]
            text = f"{record.path}: {what}; its rows are whole and are read without indexes."
            emit(Message(Step.BACKUP, Level.WARNING, text, file=record.path))


def _damaged_indexes(record: FileRecord) -> str:
    found = (finding.partition(" index ")[2] for finding in record.integrity)
    names = ", ".join(sorted({name for name in found if name}))
    return f"its indexes are damaged ({names})" if names else "its indexes are damaged"
