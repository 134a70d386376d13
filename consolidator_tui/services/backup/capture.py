"""The original bytes of one database at one moment, without changing anything beside it.

A read transaction of SQLite holds the moment while the bytes are copied from descriptors that
were opened before it and are closed after it: closing any descriptor of a file drops this
process's locks on it (POSIX), SQLite's included. In WAL mode writers go on appending to the
-wal meanwhile, which is harmless: a checkpoint cannot pass the open transaction.

Opening through SQLite would create or change files beside the original when a -wal has no -shm,
and is refused when a journal is hot. Nobody can be writing then except a process that has the
file open, so it is copied under SQLite's SHARED lock when no process has it open, and copied
again when its stat changed meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError, FileRefused, LockedError
from consolidator_tui.domain.manifest import MAIN, SIDECARS, FileStat, Part
from consolidator_tui.services.backup.places import Place
from consolidator_tui.services.backup.progress import Reporter
from consolidator_tui.services.backup.users import Users
from consolidator_tui.services.discover.header import is_wal_header
from consolidator_tui.storage.atomic import explain_os, make_private_folder
from consolidator_tui.storage.hashing import copy_hashed, file_stat, open_regular
from consolidator_tui.storage.holders import describe, lock_owner, share, sidecar
from consolidator_tui.storage.sqlite import connect, explain, file_uri
from consolidator_tui.storage.worker import Stop, in_thread

TRIES = 5
LOCK_SECONDS = 7.0
"""How long a writer may keep the file; with the search for its name it stays under 10 s."""
MAGIC = b"SQLite format 3\0"
_WAL_VERSION = 2
_WAL_HEADER = 32
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
}


class _ChangedError(Exception):
    """The file changed while it was copied; try again."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The raw copies of one database, not yet synced."""

    place: Place
    parts: tuple[Part, ...]
    plain: bool
    """The main part alone is the whole database."""


class _Open:
    """Descriptors of a database and its sidecars, with what they were when opened."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.descriptors: dict[str, int] = {}
        self.stats: dict[str, FileStat] = {}

    def open(self) -> None:
        for suffix in (MAIN, *SIDECARS):
            try:
                descriptor = open_regular(sidecar(self.place.real, suffix), self.place.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise explain_os(error, self.place.path) from error
            self.descriptors[suffix] = descriptor
            self.stats[suffix] = file_stat(os.fstat(descriptor))

    def close(self) -> None:
        for descriptor in self.descriptors.values():
            os.close(descriptor)
        self.descriptors.clear()

    def size(self, suffix: str) -> int:
        found = self.stats.get(suffix)
        return found.size if found else 0

    def header(self) -> bytes:
        return os.pread(self.descriptors[MAIN], 100, 0)

    def wal_header(self) -> bytes:
        return os.pread(self.descriptors["-wal"], _WAL_HEADER, 0)

    def same_file(self) -> bool:
        """The name still leads to what was opened."""
        try:
            now = self.place.real.lstat()
        except FileNotFoundError:
            return False
        before = self.stats[MAIN]
        return (now.st_ino, now.st_dev) == (before.inode, before.device)

    def untouched(self, suffixes: tuple[str, ...]) -> bool:
        """These members are the same files with the same stat, none came and none went."""
        for suffix in suffixes:
            try:
                now = file_stat(sidecar(self.place.real, suffix).lstat())
            except FileNotFoundError:
                if suffix in self.stats:
                    return False
                continue
            if now != self.stats.get(suffix):
                return False
        return True


async def capture(backup: Path, place: Place, users: Users, reporter: Reporter) -> Captured:
    """Copy a database and its sidecars as they are at one moment into the backup folder.

    A file that does not exist gives only the parts of its orphaned sidecars (often none).
    Raises FileRefused (no database, vanished, always changing), LockedError, DiskFull, Failed.
    """
    for _ in range(TRIES):
        files = _Open(place)
        try:
            await in_thread(lambda _stop, files=files: files.open())  # type: ignore[misc]
            return await _capture_once(backup, files, users, reporter)
        except _ChangedError:
            await in_thread(lambda _stop: _remove_copies(backup, place))
        except OSError as error:
            raise explain_os(error, place.path) from error
        finally:
            files.close()
    raise FileRefused(
        f"{place.path}: it is being written all the time, so no consistent copy can be made.",
        todo="Stop the program that writes it and try again.",
    )


async def _capture_once(backup: Path, files: _Open, users: Users, reporter: Reporter) -> Captured:
    if MAIN not in files.descriptors:
        return Captured(files.place, await _copy(backup, files, reporter), plain=False)
    header = files.header()
    if header and not header.startswith(MAGIC):
        raise FileRefused(
            f"{files.place.path}: not an SQLite database, or encrypted.", todo="Leave it out."
        )
    parts = None
    if _may_open(files, header):
        parts = await _copy_in_transaction(backup, files, users, reporter)
    hot = parts is None and files.size("-journal") > 0
    if parts is None:
        parts = await _copy_alone(backup, files, users, reporter)
    logged = any(part.suffix == "-wal" and part.size > 0 for part in parts)
    return Captured(files.place, parts, plain=not hot and not logged)


def _may_open(files: _Open, header: bytes) -> bool:
    """Whether SQLite can open the file without creating or changing anything beside it."""
    if not header:
        return False
    if files.size("-wal") and not is_wal_header(files.wal_header()):
        # SQLite tries for ten seconds to make sense of it, and gives up.
        return False
    logged = _WAL_VERSION in header[18:20] or "-wal" in files.stats
    return not logged or ("-wal" in files.stats and "-shm" in files.stats)


async def _copy_in_transaction(
    backup: Path, files: _Open, users: Users, reporter: Reporter
) -> tuple[Part, ...] | None:
    """The parts, copied while a read transaction is held; None when SQLite refuses one."""
    # Without readonly_shm even a reader rewrites the -shm that a crashed process left.
    uri = file_uri(files.place.real) + "&readonly_shm=1"
    try:
        async with connect(uri, timeout=LOCK_SECONDS) as connection:
            await connection.execute("BEGIN")
            # Reads the database (and so takes the lock) without parsing its schema.
            async with connection.execute("PRAGMA schema_version") as cursor:
                await cursor.fetchone()
            parts = await _copy_held(backup, files, reporter)
            await connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _REFUSED:
            return None
        if code in _LOCKED:
            raise await _locked(files, users) from error
        raise explain(error, files.place.path) from error
    return parts


async def _copy_held(backup: Path, files: _Open, reporter: Reporter) -> tuple[Part, ...]:
    if not files.same_file():
        raise _ChangedError
    logged = "-wal" in files.descriptors
    log_header = files.wal_header() if logged else b""
    # Before the lock was taken a writer may have committed. What is appended to the log from now
    # on is left out: no checkpoint moves it into the database while the transaction is open.
    for suffix, descriptor in files.descriptors.items():
        files.stats[suffix] = file_stat(os.fstat(descriptor))
    parts = await _copy(backup, files, reporter)
    if logged:
        # A log that was restarted while it was copied is a mixture of two logs.
        if files.wal_header() != log_header:
            raise _ChangedError
    elif not files.untouched((MAIN, "-wal")):
        raise _ChangedError
    return parts


async def _copy_alone(
    backup: Path, files: _Open, users: Users, reporter: Reporter
) -> tuple[Part, ...]:
    """The parts, copied while nobody has the database open."""
    if not await in_thread(lambda _stop: share(files.descriptors[MAIN], LOCK_SECONDS)):
        raise await _locked(files, users)
    holders = (await users.now()).holders(files.place.real)
    if holders:
        raise LockedError(
            f"{files.place.path}: in use by {describe(holders)}, and it can only be read safely"
            " while nobody uses it.",
            todo="Stop that program and try again.",
        )
    if not files.untouched((MAIN, *SIDECARS)):
        raise _ChangedError
    parts = await _copy(backup, files, reporter)
    if not files.untouched((MAIN, *SIDECARS)):
        raise _ChangedError
    return parts


async def _locked(files: _Open, users: Users) -> ConsolidatorError:
    holders = (await users.now()).holders(files.place.real)
    owner = lock_owner(files.descriptors[MAIN])
    if owner is not None:
        holders = (owner,)
    who = f" by {describe(holders)}" if holders else " by another process"
    return LockedError(
        f"{files.place.path}: the database is locked{who}.",
        todo="Stop that program and try again.",
    )


async def _copy(backup: Path, files: _Open, reporter: Reporter) -> tuple[Part, ...]:
    place = files.place
    total = sum(stat.size for stat in files.stats.values())
    tick = reporter.ticker(place.path, total, "copying")

    def work(stop: Stop) -> tuple[Part, ...]:
        parts = []
        # The database before its log: pages that a checkpoint moves meanwhile are in the log.
        for suffix, descriptor in files.descriptors.items():
            stored = place.raw + suffix if suffix else place.stored
            destination = backup / stored
            make_private_folder(destination.parent, sync=False)
            limit = files.size(suffix)
            size, sha256 = copy_hashed(descriptor, destination, stop, tick, limit=limit)
            parts.append(Part(suffix, stored, size, sha256, files.stats[suffix]))
        return tuple(parts)

    return await in_thread(work)


def _remove_copies(backup: Path, place: Place) -> None:
    for stored in (place.stored, *(place.raw + suffix for suffix in SIDECARS)):
        with suppress(FileNotFoundError):
            (backup / stored).unlink()
