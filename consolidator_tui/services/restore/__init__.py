"""One file back to its original bytes, and what is in its place now is never lost.

Used by roll back, and to undo a promotion that was interrupted.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from consolidator_tui.domain.errors import BackupDamaged, DiskFull, Failed, LockedError
from consolidator_tui.domain.manifest import MAIN, SIDECARS, FileRecord, FileStat, Part, Role
from consolidator_tui.services.restore.twins import link_twin
from consolidator_tui.storage.atomic import (
    PRIVATE_FILE,
    explain_os,
    make_private_folder,
    sync_file,
    sync_folder,
)
from consolidator_tui.storage.family import (
    LOGS,
    Found,
    Held,
    expected,
    has_logs,
    put,
    read_members,
    remove_sidecars,
    same_content,
)
from consolidator_tui.storage.files import dress
from consolidator_tui.storage.hashing import copy_hashed, free_space, hash_descriptor, open_regular
from consolidator_tui.storage.holders import Holder, describe, scan_open_files, sidecar
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.settle import settle
from consolidator_tui.storage.worker import Stop, in_thread, to_the_end
from consolidator_tui.storage.workshop import Workshop

LOCK_SECONDS = 5.0
_SHM = "-shm"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done to one file."""

    path: str
    changed: bool
    """False: it already was what it has to be."""
    kept: tuple[str, ...] = ()
    """What was in its place, relative to the run's folder."""
    foreign: bool = False
    """It holds what somebody else wrote, and was left so."""
    apart: bool = False
    """It was one file with another name, and now each is a file of its own."""


@dataclass(slots=True)
class _New:
    """Synced files that wait for their rename."""

    members: dict[str, Path] = field(default_factory=dict)
    whole: Path | None = None
    """The recorded content as one self-contained file."""
    settled: Path | None = None
    """The present content as one self-contained file."""


async def restore_file(
    run: RunFolder,
    record: FileRecord,
    own: frozenset[str] = frozenset(),
    *,
    leave_foreign: bool = False,
    twins: Sequence[Path] | None = None,
) -> Restored:
    """Bring one file of the run back to the bytes of the backup, sidecars included.

    Where one of `twins` (the file's other names, unless given) still has these bytes, it becomes
    one file with it again.

    `own` are SHA-256 of contents that the run itself put there; anything else is set aside in
    `kept/` first, or with `leave_foreign` left where it is. Idempotent; at every moment the place
    holds a whole file (or none).
    Raises LockedError when somebody uses it, BackupDamaged, DiskFull, Failed.
    """
    real = run.resolve(record.real)
    try:
        # Without a lock first: a program may go on using a file that nobody changed.
        now = await in_thread(lambda stop: _look(real, record, stop))
        if same_content(now, expected(record.parts)):
            await in_thread(lambda _stop: _restore_link(run, record))
            return Restored(record.path, changed=False)
        if leave_foreign and _is_foreign(now, record, own):
            return Restored(record.path, changed=False, foreign=True)
        with Held(real, record.path) as held:
            if twins is None:
                twins = [run.resolve(other.real) for other in record.others]
            return await _restore(run, record, own, held, twins, leave_foreign=leave_foreign)
    except OSError as error:
        raise explain_os(error, record.path) from error


async def refuse_users(run: RunFolder, records: Iterable[FileRecord]) -> None:
    """Raise LockedError when a program uses one of the files that would be exchanged."""

    def look(stop: Stop) -> None:
        users = scan_open_files()
        for record in records:
            real = run.resolve(record.real)
            holders = users.holders(real)
            if holders and not same_content(_look(real, record, stop), expected(record.parts)):
                raise _in_use(record.path, holders)

    await in_thread(look)


async def _restore(
    run: RunFolder,
    record: FileRecord,
    own: frozenset[str],
    held: Held,
    twins: Sequence[Path],
    *,
    leave_foreign: bool,
) -> Restored:
    def look(stop: Stop) -> Found:
        _refuse_users(held)
        held.open(seconds=LOCK_SECONDS)
        found = dict(_look(held.path, record, stop, main=False))
        if held.descriptor is not None:
            found[MAIN] = hash_descriptor(held.descriptor, stop)
        return found

    found = await in_thread(look)
    foreign = _is_foreign(found, record, own)
    if foreign and leave_foreign:
        return Restored(record.path, changed=False, foreign=True)
    workshop = await in_thread(lambda _stop: _open_workshop(run, record, held))
    try:
        kept: tuple[str, ...] = ()
        if foreign:
            kept = await in_thread(lambda stop: _keep_aside(run, record, held, found, stop))

        def link(part: Part, path: Path, stop: Stop) -> bool:
            return not part.suffix and link_twin(twins, part, path, held, found, stop)

        new = await in_thread(lambda stop: _prepare(run, record, found, workshop, link, stop))
        if MAIN in found and not _logs_fit(found, record):
            new.settled = await _settle_present(workshop, held, found, record)
        await to_the_end(in_thread(lambda _stop: _exchange(held, found, record, new)))
        await in_thread(lambda stop: _check(held.path, record, stop))
    finally:
        await in_thread(lambda _stop: workshop.clear())
    await in_thread(lambda _stop: _finish(run, record, kept))
    return Restored(record.path, changed=True, kept=kept)


def _look(path: Path, record: FileRecord, stop: Stop, *, main: bool = True) -> Found:
    """What is in the place; only databases have sidecars."""
    sidecars = () if record.role is Role.CONFIG else SIDECARS
    suffixes = (MAIN, *sidecars) if main else sidecars
    return read_members(path, record.path, stop, suffixes=suffixes)


def _refuse_users(held: Held) -> None:
    holders = scan_open_files().holders(held.path)
    if holders:
        raise _in_use(held.name, holders)


def _in_use(name: str, holders: Iterable[Holder]) -> LockedError:
    return LockedError(
        f"{name}: in use by {describe(holders)}, which would go on writing into a file"
        " that is no longer there.",
        todo="Stop that program and try again.",
    )


def _open_workshop(run: RunFolder, record: FileRecord, held: Held) -> Workshop:
    # A folder that was removed with its last file comes back with the file.
    held.path.parent.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(run, held.path)
    needed = sum(part.size for part in record.parts) * 2
    free = free_space(workshop.folder)
    if free < needed:
        raise DiskFull(
            f"{record.path}: putting it back needs {needed:,} bytes and {free:,} are free.",
            todo="Free some space and try again.",
        )
    return workshop


def _is_foreign(found: Found, record: FileRecord, own: frozenset[str]) -> bool:
    """Something is there that neither the backup nor the run made."""
    known = own | {part.sha256 for part in record.parts} | {record.sha256}
    there = [found[suffix] for suffix in (MAIN, *LOGS) if suffix in found]
    return any(sha256 not in known and size > 0 for size, sha256 in there)


def _keep_aside(
    run: RunFolder, record: FileRecord, held: Held, found: Found, stop: Stop
) -> tuple[str, ...]:
    """Give what is in the place a second name in `kept/`."""
    base = _kept_name(run, record, held)
    make_private_folder(base.parent)
    kept = []
    for suffix in (suffix for suffix in (MAIN, *LOGS) if suffix in found):
        copy = sidecar(base, suffix)
        original = sidecar(held.path, suffix)
        if not copy.exists():
            try:
                os.link(original, copy)
            except OSError:
                # Another file system, or one without hard links.
                _copy_member(original, record.path, held if suffix == MAIN else None, copy, stop)
        if suffix == MAIN and held.descriptor is not None:
            # Not by name: closing another descriptor of this very file drops the lock on it.
            os.fsync(held.descriptor)
            held_copy = os.path.samestat(copy.stat(), os.fstat(held.descriptor))
            if not held_copy:
                sync_file(copy)
        else:
            sync_file(copy)
        kept.append(str(copy.relative_to(run.path)))
    sync_folder(base.parent)
    return tuple(kept)


def _copy_member(original: Path, name: str, held: Held | None, copy: Path, stop: Stop) -> None:
    descriptor = held.descriptor if held is not None else None
    if descriptor is not None:
        copy_hashed(descriptor, copy, stop)
        return
    descriptor = open_regular(original, name)
    try:
        copy_hashed(descriptor, copy, stop)
    finally:
        os.close(descriptor)


def _kept_name(run: RunFolder, record: FileRecord, held: Held) -> Path:
    """A free name in `kept/`, or the one that an interrupted attempt gave to this very file."""
    name = record.path.lstrip("/").replace("../", "")
    number = 1
    while True:
        base = run.kept / (name if number == 1 else f"{name}.{number}")
        if not base.exists():
            if not any(sidecar(base, suffix).exists() for suffix in LOGS):
                return base
        elif held.descriptor is not None and os.path.samestat(
            base.stat(), os.fstat(held.descriptor)
        ):
            return base
        number += 1


async def _settle_present(
    workshop: Workshop, held: Held, found: Found, record: FileRecord
) -> Path | None:
    """A self-contained copy of what is in the place, or None when nothing waits or it is broken
    (then there is nothing whole to preserve; its pieces are kept aside)."""
    if not has_logs(found):
        return None
    path = workshop.path("settled")

    def copy(stop: Stop) -> None:
        for suffix in (MAIN, *LOGS):
            if suffix in found:
                original = sidecar(held.path, suffix)
                target = sidecar(path, suffix)
                _copy_member(original, record.path, held if not suffix else None, target, stop)

    await in_thread(copy)
    try:
        if not await settle(path):
            return None
    except sqlite3.Error:
        return None

    def finish(_stop: Stop) -> None:
        status = os.fstat(held.descriptor) if held.descriptor is not None else path.stat()
        path.chmod(status.st_mode & 0o7777)
        sync_file(path)

    await in_thread(finish)
    return path


def _prepare(
    run: RunFolder,
    record: FileRecord,
    found: Found,
    workshop: Workshop,
    link: Callable[[Part, Path, Stop], bool],
    stop: Stop,
) -> _New:
    """Copy the recorded files out of the backup, compared and synced, but for what is a `link`."""
    new = _New()
    base = workshop.path("restored")
    for part in record.parts:
        path = sidecar(base, part.suffix)
        if not link(part, path, stop):
            _take_out(run, record, (part.stored, part.size, part.sha256), path, part.stat, stop)
        new.members[part.suffix] = path
    main = record.main
    if main is not None and MAIN in found and has_logs(expected(record.parts)):
        new.whole = workshop.path("whole")
        stored = (record.snapshot, record.size, record.sha256)
        _take_out(run, record, stored, new.whole, main.stat, stop)
    return new


def _take_out(
    run: RunFolder,
    record: FileRecord,
    stored: tuple[str, int, str],
    path: Path,
    like: FileStat,
    stop: Stop,
) -> None:
    name, size, sha256 = stored
    source = run.backup / name
    descriptor = open_regular(source, str(source))
    try:
        if copy_hashed(descriptor, path, stop) != (size, sha256):
            raise BackupDamaged(f"{source}: this file of the backup of {record.path} is damaged.")
    finally:
        os.close(descriptor)
    dress(path, like)
    os.utime(path, ns=(like.mtime_ns, like.mtime_ns))
    sync_file(path)


def _logs_fit(found: Found, record: FileRecord) -> bool:
    wanted = expected(record.parts)
    return all(found.get(suffix) == wanted.get(suffix) for suffix in LOGS)


def _exchange(held: Held, found: Found, record: FileRecord, new: _New) -> None:
    """Put the new files in place; see `storage/family.py` for the order."""
    path = held.path
    if not held.still_there():
        raise Failed(f"{record.path}: another program replaced it meanwhile.")
    logs = {suffix: new.members[suffix] for suffix in LOGS if suffix in new.members}
    main = new.members.get(MAIN)
    fit = _logs_fit(found, record)
    if main is None:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    elif new.settled is not None:
        put(new.settled, path)
    if not fit:
        remove_sidecars(path)
    if new.whole is not None:
        put(new.whole, path)
    if not fit:
        for suffix, log in logs.items():
            put(log, sidecar(path, suffix))
    # The main file comes last: only when it is right is nothing left to do. An index that does
    # not fit its log is made anew by whoever opens the database.
    index = sidecar(path, _SHM)
    if _SHM in new.members:
        put(new.members[_SHM], index)
    elif _SHM in found and index.exists():
        index.unlink()
        sync_folder(path.parent)
    if main is not None:
        put(main, path)


def _check(path: Path, record: FileRecord, stop: Stop) -> None:
    found = _look(path, record, stop)
    if not same_content(found, expected(record.parts)):
        raise Failed(
            f"{record.path}: after it was put back it is not what the backup holds.",
            todo="Stop the program that writes it, check the disk, and roll back again.",
        )


def _finish(run: RunFolder, record: FileRecord, kept: tuple[str, ...]) -> None:
    for name in kept:
        (run.path / name).chmod(PRIVATE_FILE)
    _restore_link(run, record)


def _restore_link(run: RunFolder, record: FileRecord) -> None:
    named = run.resolve(record.path)
    if record.link and not os.path.lexists(named):
        named.parent.mkdir(parents=True, exist_ok=True)
        named.symlink_to(record.link)
        sync_folder(named.parent)
