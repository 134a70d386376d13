"""Reading a database without changing one byte of it, or of the folder it is in.

Measured with SQLite 3.40: `mode=ro` on a database in WAL mode creates `-wal` and `-shm` (and
leaves them), or writes into the `-shm` that is there; on a hot journal it fails. So:

- no `-wal`, or an empty one, in WAL mode: `immutable=1`, the file's stat compared afterwards;
- a `-wal` with a `-shm`: `mode=ro` with `readonly_shm=1`, which also reads a live one right (but
  waits 10 s, then fails, when the header of the `-wal` is damaged: so that is looked at first);
- a `-wal` without a `-shm` or with a damaged header, a hot journal, and whatever is refused
  above: a copy in scratch;
- everything else: `mode=ro`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.discovery import Sidecar
from consolidator_tui.domain.errors import Cancelled, DiskFull, LockedError
from consolidator_tui.services.discover import header as headers
from consolidator_tui.services.discover import locks
from consolidator_tui.storage.atomic import open_private
from consolidator_tui.storage.settle import is_swollen
from consolidator_tui.storage.sqlite import Database, open_database

BUSY_SECONDS = 0.25
COPY_ATTEMPTS = 5
COPY_CHUNK = 4 * 2**20
SCRATCH_RESERVE = 64 * 2**20
"""Bytes that a scratch copy must leave free on the disk of the scratch folder."""
_COPY_INSTEAD = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL)
_READONLY_SHM = "ro&readonly_shm=1"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A database's sidecars and what they mean for reading it."""

    sidecars: tuple[Sidecar, ...]
    journal: bool
    """The `-journal` holds a transaction: hot, unless its program still runs."""

    def size(self, suffix: str) -> int | None:
        """A sidecar's size in bytes, None when it is not there."""
        return next((s.size for s in self.sidecars if s.suffix == suffix), None)


def look_around(path: str) -> Surroundings:
    """The sidecars beside a database. Blocking; reads at most 8 bytes of a journal."""
    found: list[Sidecar] = []
    for suffix in headers.SIDECAR_SUFFIXES:
        try:
            found.append(Sidecar(suffix, os.lstat(path + suffix).st_size))
        except FileNotFoundError:
            continue
    begins = b""
    if any(sidecar.suffix == "-journal" and sidecar.size for sidecar in found):
        try:
            begins = _head(path + "-journal")
        except FileNotFoundError:
            # Its transaction ended between the two looks.
            found = [sidecar for sidecar in found if sidecar.suffix != "-journal"]
    return Surroundings(tuple(found), begins == headers.JOURNAL_MAGIC)


@asynccontextmanager
async def open_unchanged(path: Path, *, scratch: Path | None = None) -> AsyncIterator[Database]:
    """Open a database for reading so that neither it nor its folder changes.

    `scratch` is an existing private folder for copies; without it one is made where the system
    keeps temporary files. The rows of an uncheckpointed `-wal` are read, a hot journal's
    transaction is undone (in the copy).
    Raises sqlite3.Error, OSError, DiskFull (no room for a copy), LockedError (it changes faster
    than it can be copied).
    """
    async with AsyncExitStack() as stack:
        database = await _open_in_place(path, stack)
        if database is None and await asyncio.to_thread(_is_ours, path):
            # Its sidecars are there already, and a plain read would drop our own locks.
            database = await stack.enter_async_context(open_database(path))
        if database is None:
            folder = await asyncio.to_thread(_make_scratch, scratch)
            stack.push_async_callback(asyncio.to_thread, shutil.rmtree, folder)
            copy = await _copied(path, folder)
            database = await stack.enter_async_context(open_database(copy, mode="rw"))
        await _refuse_swollen(path, database)
        yield database


async def _refuse_swollen(path: Path, database: Database) -> None:
    pages = int(await database.value("PRAGMA page_count") or 0)
    size = pages * int(await database.value("PRAGMA page_size") or 0)
    around, _wal, (_inode, known, _time) = await asyncio.to_thread(_state, path)
    known += sum(sidecar.size for sidecar in around.sidecars)
    if is_swollen(size, known):
        error = sqlite3.DatabaseError(f"its log would make it {size:,} bytes, from {known:,}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


async def _open_in_place(path: Path, stack: AsyncExitStack) -> Database | None:
    """Open the original itself, or None when only a copy can be read."""
    around, wal, before = await asyncio.to_thread(_state, path)
    if around.size("-wal"):
        if around.size("-shm") is None or not await asyncio.to_thread(is_whole_wal, path):
            return None
        mode, immutable = _READONLY_SHM, False
    elif around.journal or not wal:
        mode, immutable = "ro", False
    else:
        mode, immutable = "ro", True
    attempt = AsyncExitStack()
    try:
        database = await attempt.enter_async_context(
            open_database(path, mode=mode, immutable=immutable, timeout=BUSY_SECONDS)
        )
        await database.rows("SELECT count(*) FROM sqlite_schema")
    except sqlite3.OperationalError as error:
        await attempt.aclose()
        if primary_code(error) in _COPY_INSTEAD:
            return None
        raise
    except BaseException:
        await attempt.aclose()
        raise
    if immutable:
        now, _wal, after = await asyncio.to_thread(_state, path)
        if now.size("-wal") or after != before:
            # Somebody began to write between the look and the open: immutable may read nonsense.
            await attempt.aclose()
            return None
    stack.push_async_exit(attempt)
    return database


async def _copied(path: Path, folder: Path) -> Path:
    stop = threading.Event()
    copying = asyncio.ensure_future(asyncio.to_thread(copy_with_sidecars, path, folder, stop))
    try:
        return await asyncio.shield(copying)
    except asyncio.CancelledError:
        # The thread must be done with the folder before it is removed.
        stop.set()
        await asyncio.wait([copying])
        if not copying.cancelled():
            copying.exception()
        raise


def copy_with_sidecars(path: Path, folder: Path, stop: threading.Event) -> Path:
    """Copy a database with its `-wal` and `-journal` into an empty folder. Blocking.

    The copy is taken again until the database itself did not change meanwhile: then what the
    `-wal` gained is a later transaction, which its checksums include or leave out as a whole.
    `stop` ends it between two chunks. Raises OSError, DiskFull, LockedError, Cancelled.
    """
    real = Path(os.path.realpath(path))
    target = folder / "copy.db"
    for _attempt in range(COPY_ATTEMPTS):
        before = _fingerprint(real)
        _check_room(real, folder)
        _copy(real, target, stop)
        for suffix in ("-wal", "-journal"):
            beside = Path(os.fspath(real) + suffix)
            copy = folder / f"copy.db{suffix}"
            copy.unlink(missing_ok=True)
            try:
                _copy(beside, copy, stop)
            except FileNotFoundError:
                continue
        if _fingerprint(real) == before:
            return target
    raise LockedError(
        "It is being written to all the time, so no consistent copy could be read.",
        todo="Stop the program that uses it and try again.",
    )


def primary_code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code (https://sqlite.org/rescode.html), None when not from it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _state(path: Path) -> tuple[Surroundings, bool, tuple[int, int, int]]:
    """Sidecars, whether the header says WAL, and a fingerprint. Blocking."""
    real = os.path.realpath(path)
    header = headers.parse(_head(real, headers.HEADER_BYTES))
    return look_around(real), header is not None and header.wal, _fingerprint(Path(real))


def is_whole_wal(path: Path) -> bool:
    """Whether the `-wal` of a database has a whole header, so that SQLite does not ignore it.

    One that went away since it was seen hides nothing.
    """
    try:
        head = _head(os.path.realpath(path) + "-wal", headers.WAL_HEADER_BYTES)
    except FileNotFoundError:
        return True
    return headers.is_wal_header(head)


def _fingerprint(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _head(path: str, size: int = 8) -> bytes:
    """The first bytes of a file, through this process's own descriptor where it has one."""
    stat = os.stat(path)  # noqa: PTH116
    own = locks.own_descriptors().get((stat.st_dev, stat.st_ino))
    if own is not None:
        return os.pread(own, size, 0)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _make_scratch(parent: Path | None) -> Path:
    return Path(tempfile.mkdtemp(prefix="consolidator-", dir=parent))


def _check_room(path: Path, folder: Path) -> None:
    sidecars = look_around(os.fspath(path)).sidecars
    needed = path.stat().st_size + sum(sidecar.size for sidecar in sidecars)
    free = shutil.disk_usage(folder).free
    if free < needed + SCRATCH_RESERVE:
        raise DiskFull(
            f"Reading it needs a copy of {needed:,} bytes and {free:,} are free in {folder}.",
            todo="Free some space, or set TMPDIR to a folder with more.",
        )


def _copy(source: Path, target: Path, stop: threading.Event) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with source.open("rb") as reader, os.fdopen(open_private(target, flags), "wb") as writer:
        while chunk := reader.read(COPY_CHUNK):
            if stop.is_set():
                raise Cancelled("Copying was stopped.")
            writer.write(chunk)


def _is_ours(path: Path) -> bool:
    """Whether this process has the file open."""
    stat = path.stat()
    return (stat.st_dev, stat.st_ino) in locks.own_descriptors()
