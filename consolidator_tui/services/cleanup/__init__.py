"""Clean up: originals are deleted, each behind gates that are checked again at that moment."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
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
from consolidator_tui.domain.manifest import SIDECARS, FileRecord, Manifest
from consolidator_tui.domain.run import Fact, RunState, StepStatus
from consolidator_tui.domain.smoke import STORED
from consolidator_tui.domain.words import plural
from consolidator_tui.services.backup import load_manifest, verify_backup
from consolidator_tui.services.backup.places import named_path
from consolidator_tui.services.cleanup.dangling import dangling_links
from consolidator_tui.services.cleanup.originals import originals, staying_now
from consolidator_tui.services.promote import load_promotion
from consolidator_tui.services.promote.target import count_target
from consolidator_tui.storage.atomic import explain_os
from consolidator_tui.storage.family import Held, expected, same_content
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.holders import OpenFiles, describe, scan_open_files, sidecar
from consolidator_tui.storage.run_db import RunStore, Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder
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
    waivable: bool = False
    """Whether a person who knows better may go on although it is closed."""
    place: str = ""
    """The line of the application that closes it; one may name several files."""


def confirmation_phrase(count: int) -> str:
    """What must be typed to delete so many database files (sidecars go with them)."""
    return f"delete {plural(count, 'file')}"


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
    records = await in_thread(lambda _stop: _records(run, manifest, files))
    async with open_run_store(run) as store:
        found = [*_state_gates(await store.load_state())]
        found.append(await _backup_gate(run, emit))
        found.append(await _target_gate(run, store, manifest))
        found.append(await _smoke_gate(store))

    def look(stop: Stop) -> list[Gate]:
        users = scan_open_files()
        found = [gate for record in records for gate in _file_gates(run, record, users, stop)]
        links = [Gate("links", True, x.sentence, x.path) for x in dangling_links(run, records)]
        return [*found, *_name_gates(run, manifest, records), *links]

    return (*found, *await in_thread(look))


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
    records = await in_thread(lambda _stop: _records(run, manifest, files))
    wanted = confirmation_phrase(len(records))
    if phrase != wanted:
        raise UsageError(f"Nothing was deleted: the confirmation is {wanted!r}.")
    closed = [gate for gate in await gates(run, files, emit) if not gate.open]
    if closed:
        raise GateClosed(closed[0].reason, todo="Nothing was deleted.")
    links = await in_thread(lambda _stop: dangling_links(run, records))
    async with open_run_store(run) as store:
        await to_the_end(_delete_all(run, store, records, emit))
    staying = await in_thread(lambda _stop: staying_now(run, manifest))
    kept = [(name.path, name.sentence) for name in staying]
    for path, sentence in (*kept, *((link.path, link.sentence) for link in links)):
        emit(Message(Step.CLEANUP, Level.WARNING, sentence, file=path))
    left = await in_thread(lambda _stop: _remaining(run, manifest))
    emit(PhaseTimed(Step.CLEANUP, "cleanup", time.perf_counter() - started))
    return tuple(left)


async def recover_cleanup(run: RunFolder, store: RunStore, work: Work) -> None:
    """Finish a deletion that was interrupted between a database and its sidecars.

    A file whose database is still there is left; clean up can be started again.
    """
    manifest = await load_manifest(run)
    record = manifest.named(work.body["path"])
    if record is None:
        raise BackupDamaged(f"{work.body['path']}: the manifest of run {run.name} lacks this file.")
    await in_thread(lambda stop: _finish_deletion(run, record, stop))
    left = await in_thread(lambda _stop: _remaining(run, manifest))
    everything = [r for record in manifest.files.values() for r in originals(record)]
    facts = (Fact.CLEANED,) if len(left) < len(everything) else ()
    await store.end_work(*facts)


async def _delete_all(
    run: RunFolder, store: RunStore, records: Sequence[FileRecord], emit: Emit
) -> None:
    for number, record in enumerate(records):
        work = Work(WorkKind.CLEANUP, {"path": record.path})
        await store.begin_work(work)
        try:
            await _delete_one(run, record)
        except ConsolidatorError:
            await recover_cleanup(run, store, work)
            raise
        emit(Progress(Step.CLEANUP, record.path, number + 1, len(records), "files", "deleting"))
        text = f"{record.path}: deleted; roll back restores it."
        emit(Message(Step.CLEANUP, Level.INFO, text, file=record.path))
    await store.end_work(Fact.CLEANED)


async def _delete_one(run: RunFolder, record: FileRecord) -> None:
    await in_thread(lambda stop: _delete(run, record, stop))


def _delete(run: RunFolder, record: FileRecord, stop: Stop) -> None:
    """Delete what was compared, by descriptor: the database first, then what belongs to it.

    An orphaned -wal or journal is harmless: SQLite discards it with the next file of that name.
    """
    real = run.resolve(record.real)
    try:
        with Held(real, record.path) as held:
            if held.open(seconds=LOCK_SECONDS):
                if not same_content(held.read(stop), expected(record.parts)):
                    raise GateClosed(_changed(record), todo="It was not deleted.")
                _unlink_held(held)
        _finish_deletion(run, record, stop)
    except OSError as error:
        raise explain_os(error, record.path) from error


def _unlink_held(held: Held) -> None:
    folder = os.open(held.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        assert held.descriptor is not None
        now = os.stat(held.path.name, dir_fd=folder, follow_symlinks=False)
        if not os.path.samestat(now, os.fstat(held.descriptor)):
            raise GateClosed(f"{held.name}: another file took its place.", todo="It was kept.")
        os.unlink(held.path.name, dir_fd=folder)
        os.fsync(folder)
    finally:
        os.close(folder)


def _finish_deletion(run: RunFolder, record: FileRecord, stop: Stop) -> None:
    real = run.resolve(record.real)
    if os.path.lexists(real):
        return
    known = expected(record.parts)
    for suffix in SIDECARS:
        member = sidecar(real, suffix)
        found = hash_file(member, record.path + suffix, stop)
        if found is not None and (suffix == "-shm" or found[0] == 0 or found == known.get(suffix)):
            member.unlink()
    folder = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    named = run.resolve(record.path)
    if record.link and named.is_symlink():
        with suppress(FileNotFoundError):
            named.unlink()


def _records(run: RunFolder, manifest: Manifest, files: Sequence[str]) -> list[FileRecord]:
    """What goes with `files`: each by all names that are there. Blocking."""
    there = {record.path for record in _originals_there(run, manifest)}
    records: dict[str, FileRecord] = {}
    for path in files:
        name = named_path(run, path)
        family = _family(manifest, name)
        if not family:
            raise UsageError(f"{path}: this is not a source of run {run.name}.")
        records |= {r.path: r for r in family if r.path == name or r.path in there}
    return list(records.values())


def _family(manifest: Manifest, name: str) -> tuple[FileRecord, ...]:
    """The originals that are one file, one of which has the name."""
    families = (originals(record) for record in manifest.files.values())
    return next((f for f in families if any(record.path == name for record in f)), ())


def _remaining(run: RunFolder, manifest: Manifest) -> list[str]:
    return [record.path for record in _originals_there(run, manifest)]


def _originals_there(run: RunFolder, manifest: Manifest) -> list[FileRecord]:
    """The originals that are still there; another name of the target as it is now is none."""
    target = manifest.target
    found = []
    for record in (r for each in manifest.files.values() for r in originals(each)):
        real = run.resolve(record.real)
        if os.path.lexists(real) and not (target and _same_file(real, run.resolve(target.real))):
            found.append(record)
    return found


def _same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except OSError:
        return False


def _state_gates(state: RunState) -> list[Gate]:
    verified = state.steps[Step.VERIFY] is StepStatus.DONE
    return [
        Gate("verified", verified, "" if verified else "The merge is not verified."),
        Gate(
            "promoted",
            state.promoted,
            "" if state.promoted else "The consolidated database is not in place.",
        ),
        Gate(
            "not rolled back",
            not state.rolled_back,
            "This run was rolled back." if state.rolled_back else "",
        ),
    ]


async def _backup_gate(run: RunFolder, emit: Emit) -> Gate:
    try:
        await verify_backup(run, emit, Step.CLEANUP)
    except BackupDamaged as error:
        return Gate("backup", False, error.sentence)
    return Gate("backup", True)


async def _target_gate(run: RunFolder, store: RunStore, manifest: Manifest) -> Gate:
    promotion = await load_promotion(store)
    if promotion is None:
        return Gate("target", False, "The consolidated database is not in place.")
    record = manifest.files[promotion.target]
    real = run.resolve(record.real)
    now = await count_target(run, real, record.path)
    if now.problem:
        return Gate("target", False, now.problem, record.path)
    missing = sorted(set(promotion.row_counts) - set(now.row_counts))
    if missing:
        text = f"{record.path}: table {missing[0]} is not in it any more."
        return Gate("target", False, text, record.path)
    return Gate("target", True, file=record.path)


async def _smoke_gate(store: RunStore) -> Gate:
    """A failed smoke run closes the gate; none leaves it open, and says so."""
    text = await store.get(STORED)
    if not text:
        return Gate("application", True, "The application was not tried with it.")
    body = json.loads(text)
    if not body["ok"]:
        return Gate("application", False, f"The application does not work yet: {body['reason']}")
    return Gate("application", True)


def _file_gates(
    run: RunFolder, record: FileRecord, users: OpenFiles, stop: Stop
) -> tuple[Gate, ...]:
    path = record.path
    real = run.resolve(record.real)
    inside = not record.link or real.is_relative_to(run.project)
    found = [
        Gate(
            "inside",
            inside,
            "" if inside else f"{path}: a link to {real}, outside the project; name that file.",
            path,
        )
    ]
    locked = [place for place in _folders(run, record) if not may_delete_in(place, real)]
    reason = (
        f"{path}: its folder {locked[0]} is read-only for you, so the file cannot be deleted. "
        "Make the folder writable, or keep the file."
        if locked
        else ""
    )
    found.append(Gate("deletable", not locked, reason, path))
    if locked:
        # Often the file cannot be opened for its lock then either: that would say nothing more.
        return tuple(found)
    holders = users.holders(real)
    if holders:
        text = f"{path}: in use by {describe(holders)}."
        return (*found, Gate("not in use", False, text, path))
    try:
        with Held(real, path) as held:
            there = held.open(seconds=0)
            same = there and same_content(held.read(stop), expected(record.parts))
    except LockedError as error:
        return (*found, Gate("not in use", False, error.sentence, path))
    except ConsolidatorError as error:
        return (*found, Gate("unchanged", False, error.sentence, path))
    reason = "" if same else _changed(record)
    if not there:
        reason = f"{path}: it is not there any more."
    return (*found, Gate("not in use", True, "", path), Gate("unchanged", same, reason, path))


def _name_gates(run: RunFolder, manifest: Manifest, records: Sequence[FileRecord]) -> list[Gate]:
    """Other names of the files, by which their bytes stay: they stand against nothing."""
    staying = staying_now(run, manifest)
    found = [Gate("other names", True, name.sentence, name.path) for name in staying]
    groups: dict[tuple[int, int], list[str]] = {}
    links: dict[tuple[int, int], int] = {}
    for path, real in (
        *((record.path, run.resolve(record.real)) for record in records),
        *((name.path, run.resolve(name.path)) for name in staying),
    ):
        try:
            status = real.lstat()
        except OSError:
            continue  # Its own gate says that it is not there.
        groups.setdefault((status.st_dev, status.st_ino), []).append(path)
        links[status.st_dev, status.st_ino] = status.st_nlink
    doomed = {record.path for record in records}
    for key, group in groups.items():
        more = links[key] - len(group)
        if more > 0 and group[0] in doomed:
            text = (
                f"{group[0]}: the same file has {plural(more, 'more name')} outside "
                "of what was looked at, and stays there."
            )
            found.append(Gate("other names", True, text, group[0]))
    return found


def _folders(run: RunFolder, record: FileRecord) -> list[Path]:
    """Where something is deleted with a file: its own folder, and that of the link to it."""
    named = run.resolve(record.path)
    folders = [run.resolve(record.real).parent]
    return [*folders, named.parent] if record.link and named.is_symlink() else folders


def may_delete_in(folder: Path, file: Path) -> bool:
    """Whether this user may delete a file there, as far as permissions tell. Blocking."""
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        return False
    try:
        place, own = folder.stat(), file.stat()
    except OSError:
        return True  # What cannot be looked at is told by another gate.
    user = os.geteuid()
    return not place.st_mode & stat.S_ISVTX or user in (0, place.st_uid, own.st_uid)


def _changed(record: FileRecord) -> str:
    return (
        f"{record.path}: it was changed since its backup of {record.taken_at}, and that change is"
        " not in the consolidated database."
    )
