"""One database into the backup: capture, make a snapshot, sync, read back; check and count."""

from __future__ import annotations

from dataclasses import replace

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.manifest import MAIN, FileRecord, Role
from consolidator_tui.services.backup.capture import Captured, capture
from consolidator_tui.services.backup.places import Place, place_name
from consolidator_tui.services.backup.progress import Reporter
from consolidator_tui.services.backup.salvage import rebuild_indexes
from consolidator_tui.services.backup.snapshot import (
    build_snapshot,
    describe_snapshot,
    inspect_snapshot,
    read_back,
)
from consolidator_tui.services.backup.users import Users
from consolidator_tui.storage.atomic import explain_os, sync_file
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.worker import Stop, for_each, in_thread


async def back_up_file(
    run: RunFolder,
    place: Place,
    role: Role,
    taken_at: str,
    users: Users,
    reporter: Reporter,
) -> FileRecord:
    """Copy one database with its sidecars, read back; only the folders are not synced yet.

    Raises what `back_up` raises.
    """
    captured = await capture(run.backup, place, users, reporter)
    main = next((part for part in captured.parts if part.suffix == MAIN), None)
    if main is None and role is not Role.TARGET:
        raise FileRefused(
            f"{place.path}: it is not there any more.", todo="Scan the project again."
        )
    if main is None:
        record = _record(run, captured, role, taken_at)
    elif captured.plain:
        record = _record(run, captured, role, taken_at)
        record = replace(record, snapshot=main.stored, size=main.size, sha256=main.sha256)
    else:
        captured, size, sha256 = await build_snapshot(run.backup, captured)
        record = _record(run, captured, role, taken_at)
        record = replace(record, snapshot=place.stored, size=size, sha256=sha256)
    await _sync_and_compare(run, record)
    return record


def _record(run: RunFolder, captured: Captured, role: Role, taken_at: str) -> FileRecord:
    place = captured.place
    return FileRecord(
        path=place.path,
        real=place_name(run, place.real),
        role=role,
        existed=any(part.suffix == MAIN for part in captured.parts),
        taken_at=taken_at,
        link=place.link,
        parts=captured.parts,
    )


async def _sync_and_compare(run: RunFolder, record: FileRecord) -> None:
    """Sync and read back at the same time: one waits for the disk, one computes."""
    files = list(record.stored_files())

    async def sync() -> None:
        def work(stop: Stop) -> None:
            for file in files:
                stop.check()
                try:
                    sync_file(run.backup / file.stored)
                except OSError as error:
                    raise explain_os(error, file.stored) from error

        await in_thread(work)

    async def compare() -> None:
        for file in files:
            await read_back(run.backup, file.stored, file.size, file.sha256, file.original)

    await for_each([sync, compare], lambda job: job(), at_once=2)


async def describe_file(run: RunFolder, record: FileRecord) -> FileRecord:
    """The record with what its snapshot says of itself, not checked yet; checked at once where
    that cannot be read. Raises FileRefused when it is damaged."""
    if not record.snapshot:
        return record
    try:
        found = await describe_snapshot(run.backup / record.snapshot, record.path)
    except FileRefused:
        return await check_file(run, record)
    return replace(
        record, schema_hash=found.schema_hash, row_counts=found.row_counts, checked=False
    )


async def check_file(run: RunFolder, record: FileRecord, *, idly: bool = False) -> FileRecord:
    """The record with what its snapshot holds. Raises FileRefused when that is damaged."""
    if not record.snapshot:
        return record
    path = run.backup / record.snapshot
    try:
        found = await inspect_snapshot(path, record.path, idly=idly)
    except FileRefused as refused:
        rebuilt = await _rebuilt(run, record)
        if rebuilt is None:
            raise
        path = run.backup / rebuilt.snapshot
        found = await inspect_snapshot(path, record.path)
        found = replace(found, integrity=(refused.sentence,), index_damage=True)
        record = rebuilt
    return replace(
        record,
        schema_hash=found.schema_hash,
        row_counts=found.row_counts,
        integrity=found.integrity,
        index_damage=found.index_damage,
        checked=True,
    )


async def _rebuilt(run: RunFolder, record: FileRecord) -> FileRecord | None:
    """The record with a snapshot whose indexes were made anew; None if more than they is damaged.

    The raw bytes of the original stay in the backup.
    """
    if not record.plain:
        return None
    stored = f"{record.snapshot}.rebuilt"
    path = run.backup / stored
    if not await rebuild_indexes(run.backup / record.snapshot, path):
        return None

    def work(stop: Stop) -> tuple[int, str] | None:
        sync_file(path)
        return hash_file(path, record.path, stop)

    try:
        hashed = await in_thread(work)
    except OSError as error:
        raise explain_os(error, stored) from error
    if hashed is None:
        return None
    return replace(record, snapshot=stored, size=hashed[0], sha256=hashed[1])
