"""Staging becomes the target, in steps of which each leaves a whole database.

The change is announced in `run.db` before its first step (`Work`) and recorded after its last,
so that the next process can finish or undo it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from consolidator_tui.domain.errors import (
    BackupDamaged,
    ConsolidatorError,
    DiskFull,
    Failed,
    FileRefused,
    GateClosed,
    LockedError,
)
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Step
from consolidator_tui.domain.manifest import FileRecord, Role
from consolidator_tui.domain.run import Fact
from consolidator_tui.domain.verification import Seal
from consolidator_tui.services.backup import load_manifest
from consolidator_tui.services.backup.places import named_path
from consolidator_tui.services.backup.snapshot import count_rows
from consolidator_tui.services.restore import restore_file
from consolidator_tui.storage.atomic import explain_os, sync_file, sync_folder
from consolidator_tui.storage.family import (
    LOGS,
    Held,
    expected,
    has_logs,
    put,
    remove_sidecars,
    same_content,
    same_mount,
)
from consolidator_tui.storage.files import dress
from consolidator_tui.storage.hashing import (
    copy_hashed,
    file_stat,
    free_space,
    hash_file,
    open_regular,
)
from consolidator_tui.storage.holders import describe, scan_open_files, sidecar
from consolidator_tui.storage.journal_mode import in_wal, set_wal
from consolidator_tui.storage.run_db import RunStore, Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.sqlite import explain, open_database
from consolidator_tui.storage.worker import Stop, in_thread, to_the_end
from consolidator_tui.storage.workshop import Workshop

LOCK_SECONDS = 5.0
_AGAIN = "Stop what writes to the run's folder, and migrate again."
PROMOTION = "promotion"
"""Document of `run.db`: what was put in place."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What the run put in the target's place."""

    target: str
    """As the manifest names it."""
    sha256: str
    size: int
    row_counts: Mapping[str, int]


async def promote(
    run: RunFolder,
    staging: Path,
    target: Path,
    emit: Emit,
    *,
    row_counts: Mapping[str, int] | None = None,
    seal: Seal | None = None,
) -> None:
    """Put a verified staging database in the target's place, durably, and record it.

    `target` is absolute or relative to the project and must be the target of the run's backup.
    `row_counts` (rows per table of staging) are counted when not given. With the `seal` that
    verification gave, staging must hold the same bytes, and is hashed again only if its file was
    touched since; it gets WAL mode where the seal says so. A target that existed
    keeps its permission bits and owner; a new one gets 0644 less the umask. Afterwards staging
    is gone. Raises GateClosed (no backup, target changed since), LockedError, FileRefused,
    DiskFull, BackupDamaged, Failed; then the target is the old one.
    """
    started = time.perf_counter()
    manifest = await load_manifest(run)
    name = named_path(run, str(target))
    record = manifest.files.get(name)
    if record is None or record.role is not Role.TARGET:
        raise GateClosed(f"{name}: this run has no backup of it as its target.")
    if row_counts is None:
        row_counts = await _count(staging)
    size, sha256 = await in_thread(lambda stop: _examine(staging, seal, stop))
    promotion = Promotion(name, sha256, size, dict(row_counts))
    async with open_run_store(run) as store:
        await to_the_end(_promote(run, store, record, staging, promotion, emit))
    emit(PhaseTimed(Step.VERIFY, "promote", time.perf_counter() - started))


async def load_promotion(store: RunStore) -> Promotion | None:
    """What the run put in place, or None."""
    text = await store.get(PROMOTION)
    return None if text is None else Promotion(**json.loads(text))


async def recover_promotion(run: RunFolder, store: RunStore, work: Work) -> bool:
    """Finish (True) or undo (False) a promotion that was interrupted.

    Raises what `restore_file` raises; then it can be tried again.
    """
    manifest = await load_manifest(run)
    promotion = Promotion(**work.body["promotion"])
    record = manifest.files[promotion.target]
    real = run.resolve(record.real)

    if await in_thread(lambda stop: _has_arrived(run, record, work, stop)):
        await in_thread(lambda _stop: sync_folder(real.parent))
        await store.end_work(Fact.PROMOTED, documents={PROMOTION: _document(promotion)})
        finished = True
    else:
        await restore_file(run, record, leave_foreign=True)
        await store.end_work()
        finished = False
    await in_thread(lambda _stop: Workshop(run, real).clear())
    return finished


async def _promote(
    run: RunFolder,
    store: RunStore,
    record: FileRecord,
    staging: Path,
    promotion: Promotion,
    emit: Emit,
) -> None:
    real = run.resolve(record.real)
    try:
        with Held(real, record.path) as held:
            await in_thread(lambda stop: _check_target(run, record, held, promotion, stop))
            ready = await in_thread(lambda stop: _prepare(run, record, staging, promotion, stop))
            body = {"promotion": asdict(promotion), "incoming": ready.inode}
            work = Work(WorkKind.PROMOTE, body)
            await store.begin_work(work)
            try:
                await in_thread(lambda _stop: _swap(held, record, ready))
            except (OSError, ConsolidatorError):
                held.close()
                if not await _after_failure(run, store, record, work, emit):
                    raise
            else:
                await _record(store, promotion, emit)
        await in_thread(lambda _stop: _tidy(run, real, staging))
    except OSError as error:
        raise explain_os(error, record.path) from error
    if not ready.owned:
        text = f"{record.path}: the new file belongs to you; the owner could not be kept."
        emit(Message(Step.VERIFY, Level.WARNING, text, file=record.path))


async def _record(store: RunStore, promotion: Promotion, emit: Emit) -> None:
    """Keep that the target is in place, which it is even where that cannot be written down."""
    try:
        await store.end_work(Fact.PROMOTED, documents={PROMOTION: _document(promotion)})
    except ConsolidatorError as error:
        _tell_unrecorded(promotion.target, error, emit)


async def _after_failure(
    run: RunFolder, store: RunStore, record: FileRecord, work: Work, emit: Emit
) -> bool:
    """Finish (True) or undo (False) a promotion during which a call failed.

    Raises what `recover_promotion` raises where the target is not the new one.
    """
    try:
        return await recover_promotion(run, store, work)
    except (OSError, ConsolidatorError) as error:
        if not await in_thread(lambda stop: _has_arrived(run, record, work, stop)):
            raise
        _tell_unrecorded(record.path, error, emit)
        return True


def _tell_unrecorded(target: str, error: OSError | ConsolidatorError, emit: Emit) -> None:
    # It stays announced: whoever opens the run next finishes it.
    told = error if isinstance(error, ConsolidatorError) else explain_os(error, target)
    text = f"{target}: the new database is in place; recording that failed: {told.sentence}"
    emit(Message(Step.VERIFY, Level.WARNING, text, file=target))


def _has_arrived(run: RunFolder, record: FileRecord, work: Work, stop: Stop) -> bool:
    """The target is the new database."""
    promotion = Promotion(**work.body["promotion"])
    real = run.resolve(record.real)
    try:
        status = real.stat()
    except FileNotFoundError:
        return False
    # By inode: the application may have written into the new file already.
    if [status.st_dev, status.st_ino] == list(work.body["incoming"]):
        return True
    return hash_file(real, record.path, stop) == (promotion.size, promotion.sha256)


@dataclass(frozen=True, slots=True)
class _Ready:
    """Synced files that wait for their rename."""

    incoming: Path
    inode: tuple[int, int]
    settled: Path | None
    owned: bool


def _check_target(
    run: RunFolder, record: FileRecord, held: Held, promotion: Promotion, stop: Stop
) -> None:
    """The target is what was backed up, nobody uses it, and there is room and permission."""
    folder = held.path.parent
    if not folder.is_dir():
        raise FileRefused(f"{record.path}: the folder does not exist.", todo="Create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileRefused(f"{record.path}: the folder cannot be written.")
    holders = scan_open_files().holders(held.path)
    if holders:
        raise LockedError(
            f"{record.path}: in use by {describe(holders)}, which would go on with the old file.",
            todo="Stop that program and try again.",
        )
    held.open(seconds=LOCK_SECONDS, writable=True)
    if not same_content(held.read(stop), expected(record.parts)):
        raise GateClosed(
            f"{record.path}: it was changed since its backup, and that change is not in the"
            " consolidated database.",
            todo="Start again from the backup step.",
        )
    if not same_mount(run.path, folder):
        needed = promotion.size + record.size
        if free_space(folder) < needed:
            raise DiskFull(
                f"{record.path}: {needed:,} bytes are needed in {folder}.",
                todo="Free some space and try again.",
            )


def _prepare(
    run: RunFolder, record: FileRecord, staging: Path, promotion: Promotion, stop: Stop
) -> _Ready:
    workshop = Workshop(run, run.resolve(record.real))
    incoming = staging
    if workshop.beside:
        incoming = workshop.path("incoming")
        _copy(staging, (promotion.size, promotion.sha256), incoming, stop)
    old = record.main
    owned = True
    if old is not None:
        owned = dress(incoming, old.stat)
    else:
        incoming.chmod(0o644 & ~_umask())
    sync_file(incoming)
    sync_folder(incoming.parent)
    settled = None
    if old is not None and has_logs(expected(record.parts)):
        settled = workshop.path("settled")
        _copy(run.backup / record.snapshot, (record.size, record.sha256), settled, stop)
        dress(settled, old.stat)
        sync_file(settled)
    status = incoming.stat()
    return _Ready(incoming, (status.st_dev, status.st_ino), settled, owned)


def _swap(held: Held, record: FileRecord, ready: _Ready) -> None:
    """See `storage/family.py` for the order."""
    if not held.still_there():
        raise Failed(f"{record.path}: another program replaced it meanwhile.")
    if ready.settled is not None:
        put(ready.settled, held.path)
    remove_sidecars(held.path)
    put(ready.incoming, held.path)


def _tidy(run: RunFolder, real: Path, staging: Path) -> None:
    Workshop(run, real).clear()
    staging.unlink(missing_ok=True)


def _copy(source: Path, expect: tuple[int, str], path: Path, stop: Stop) -> None:
    descriptor = open_regular(source, str(source))
    try:
        if copy_hashed(descriptor, path, stop) != expect:
            raise BackupDamaged(f"{source}: this file is not what it was when it was checked.")
    finally:
        os.close(descriptor)


def _examine(staging: Path, seal: Seal | None, stop: Stop) -> tuple[int, str]:
    """Size and hash of the staged database as it is put in place, which it then is ready for."""
    for suffix in LOGS:
        log = sidecar(staging, suffix)
        if log.exists() and log.stat().st_size:
            raise Failed(f"{staging.name}: staging is not complete, {log.name} still exists.")
    if seal is not None and staging.exists() and file_stat(staging.lstat()) == seal.stat:
        found: tuple[int, str] | None = (seal.size, seal.sha256)
    else:
        head = in_wal if seal is not None and seal.wal else None
        found = hash_file(staging, str(staging), stop, head=head)
    if found is None:
        raise Failed(f"{staging}: there is no staging database.", todo="Migrate again.")
    if seal is not None and found != (seal.size, seal.sha256):
        raise Failed(f"{staging.name}: it was changed after it was verified.", todo=_AGAIN)
    if seal is not None and seal.wal:
        set_wal(staging, wal=True)
    return found


async def _count(staging: Path) -> dict[str, int]:
    try:
        async with open_database(staging, immutable=True) as database:
            # They were just compared with their tables, and the file is the same (its seal).
            return await count_rows(database, believe_indexes=True)
    except sqlite3.Error as error:
        raise explain(error, staging.name) from error


def _document(promotion: Promotion) -> str:
    return json.dumps(asdict(promotion))


def _umask() -> int:
    # There is no way to read it without setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
