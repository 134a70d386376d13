"""Configuration files of a run: backed up before their first edit, written atomically."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path

from consolidator_tui.domain.errors import BackupDamaged, FileRefused, GateClosed
from consolidator_tui.domain.manifest import MAIN, FileRecord, Part, Role
from consolidator_tui.services.backup.places import Place, locate, place_name
from consolidator_tui.storage.atomic import (
    explain_os,
    make_private_folder,
    sync_file,
    sync_folder,
    write_atomically,
)
from consolidator_tui.storage.hashing import copy_hashed, file_stat, hash_file, open_regular
from consolidator_tui.storage.manifest_file import read_manifest, write_manifest
from consolidator_tui.storage.run_db import RunStore, open_run_store
from consolidator_tui.storage.run_folder import Clock, RunFolder, utc_now
from consolidator_tui.storage.worker import Stop, in_thread, to_the_end

NEW_FILE_MODE = 0o644
_WRITTEN = "written"
"""Document of `run.db`: path to the SHA-256 of what the run wrote there."""
_TEMPORARY = re.compile(r"\.consolidator-[0-9a-f]{12}\.tmp")


async def add_config_file(run: RunFolder, path: str, clock: Clock = utc_now) -> FileRecord:
    """Back up one configuration file (or that it does not exist) before it is edited.

    A file that the run already has keeps its first backup. Raises GateClosed (no backup to add
    to, or a database of the run), FileRefused, BackupDamaged, DiskFull, Failed.
    """
    taken_at = clock().isoformat(timespec="seconds")
    return await to_the_end(in_thread(lambda stop: _add(run, path, taken_at, stop)))


async def write_config_file(
    run: RunFolder, path: str, before: bytes | None, after: bytes, clock: Clock = utc_now
) -> None:
    """Replace a configuration file's content, backed up first; roll back knows what was written.

    `before` is the content that the edit was made from (None: no file). Permission bits and
    owner stay. Raises GateClosed when the file is not `before` any more, and what
    `add_config_file` raises.
    """
    await add_config_file(run, path, clock)
    async with open_run_store(run) as store:
        await _note_written(store, locate(run, path).path, after)
    await to_the_end(in_thread(lambda _stop: _write(run, path, before, after)))


async def written_contents(store: RunStore) -> frozenset[str]:
    """SHA-256 of everything that the run wrote into configuration files."""
    written: dict[str, list[str]] = json.loads(await store.get(_WRITTEN) or "{}")
    return frozenset(sha256 for hashes in written.values() for sha256 in hashes)


def remove_temporaries(folder: Path) -> None:
    """Remove what an interrupted atomic write left in a folder. Blocking."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for name in names:
        with suppress(FileNotFoundError):
            (folder / name).unlink()


async def _note_written(store: RunStore, path: str, content: bytes) -> None:
    written: dict[str, list[str]] = json.loads(await store.get(_WRITTEN) or "{}")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 not in written.setdefault(path, []):
        written[path].append(sha256)
    await store.put(_WRITTEN, json.dumps(written))


def _add(run: RunFolder, path: str, taken_at: str, stop: Stop) -> FileRecord:
    manifest = read_manifest(run)
    place = locate(run, path)
    known = manifest.files.get(place.path)
    if known is not None:
        if known.role is not Role.CONFIG:
            raise GateClosed(f"{path}: this is a database of the run, not a configuration file.")
        return known
    try:
        parts = _store(run, place, stop)
    except OSError as error:
        raise explain_os(error, path) from error
    record = FileRecord(
        path=place.path,
        real=place_name(run, place.real),
        role=Role.CONFIG,
        existed=bool(parts),
        taken_at=taken_at,
        link=place.link,
        parts=parts,
    )
    write_manifest(run, manifest.with_file(record))
    return record


def _store(run: RunFolder, place: Place, stop: Stop) -> tuple[Part, ...]:
    try:
        descriptor = open_regular(place.real, place.path)
    except FileNotFoundError:
        return ()
    destination = run.backup / place.stored
    try:
        stat = file_stat(os.fstat(descriptor))
        make_private_folder(destination.parent)
        # Left over from an attempt that was interrupted before the manifest knew it.
        destination.unlink(missing_ok=True)
        size, sha256 = copy_hashed(descriptor, destination, stop)
    finally:
        os.close(descriptor)
    sync_file(destination)
    sync_folder(destination.parent)
    if hash_file(destination, str(destination), stop) != (size, sha256):
        raise BackupDamaged(f"{destination}: the copy of {place.path} is not what was written.")
    return (Part(MAIN, place.stored, size, sha256, stat),)


def _write(run: RunFolder, path: str, before: bytes | None, after: bytes) -> None:
    place = locate(run, path)
    try:
        now = place.real.read_bytes()
    except FileNotFoundError:
        now = None
    except OSError as error:
        raise explain_os(error, path) from error
    if now == after:
        return
    if now != before:
        raise GateClosed(
            f"{path}: it was changed since this edit was prepared.", todo="Look at it again."
        )
    if not place.real.parent.is_dir():
        raise FileRefused(f"{path}: the folder does not exist.")
    try:
        write_atomically(place.real, after, mode=NEW_FILE_MODE if now is None else None)
    except OSError as error:
        raise explain_os(error, path) from error
