"""A database file with its sidecars as one thing: comparing, locking and exchanging it.

An old -wal or journal beside another database damages it: neither knows which file it belongs
to. Renames exchange one file at a time, so a family is exchanged in an order in which every
moment is a whole database, also when the machine stops there:

1. A *settled* copy (the same content with nothing waiting in a sidecar) is renamed over the
   database. Its sidecars still fit: replaying a log or a journal whose effect is already there
   changes nothing.
2. The sidecars are removed.
3. The new file is renamed over the settled one.

The way back is the same in reverse. The folder is synced after every step. All functions block.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from consolidator_tui.domain.errors import LockedError
from consolidator_tui.domain.manifest import MAIN, SIDECARS, Part
from consolidator_tui.storage.atomic import explain_os, sync_folder
from consolidator_tui.storage.hashing import Tick, hash_descriptor, hash_file, no_tick, open_regular
from consolidator_tui.storage.holders import exclude, lock_owner, share, sidecar
from consolidator_tui.storage.worker import Stop

LOGS = ("-wal", "-journal")
"""The sidecars that hold data; the -shm is only an index of the -wal."""

Found = Mapping[str, tuple[int, str]]
"""Suffix to (size in bytes, SHA-256) of the members that exist."""


class Held:
    """A file held by descriptor and, being a database, with SQLite's locks.

    While it is held, no other descriptor of the same file may be closed in this process.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.descriptor: int | None = None

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, *, seconds: float, writable: bool = False) -> bool:
        """Open and lock the file; False when there is none.

        Waits `seconds` for locks. With `writable`, a file that may not be written is refused;
        otherwise it gets a shared lock, which still keeps every writer out.
        Raises LockedError, FileRefused.
        """
        try:
            try:
                self.descriptor = open_regular(self.path, self.name, write=True)
                locked = exclude(self.descriptor, seconds)
            except PermissionError:
                if writable:
                    raise
                self.descriptor = open_regular(self.path, self.name)
                locked = share(self.descriptor, seconds)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise explain_os(error, self.name) from error
        if not locked:
            owner = lock_owner(self.descriptor)
            self.close()
            raise LockedError(
                f"{self.name}: in use by {owner or 'another process'}.",
                todo="Stop that program and try again.",
            )
        return True

    def close(self) -> None:
        """Drop the locks."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def still_there(self) -> bool:
        """The name still leads to the file that is held."""
        if self.descriptor is None:
            return not self.path.exists()
        try:
            now = self.path.lstat()
        except FileNotFoundError:
            return False
        then = os.fstat(self.descriptor)
        return (now.st_ino, now.st_dev) == (then.st_ino, then.st_dev)

    def read(self, stop: Stop, tick: Tick = no_tick) -> Found:
        """Size and hash of every member, the database through the held descriptor."""
        found = read_members(self.path, self.name, stop, tick, suffixes=SIDECARS)
        if self.descriptor is not None:
            found[MAIN] = hash_descriptor(self.descriptor, stop, tick)
        return found


def read_members(
    path: Path,
    name: str,
    stop: Stop,
    tick: Tick = no_tick,
    *,
    suffixes: Iterable[str] = (MAIN, *SIDECARS),
) -> dict[str, tuple[int, str]]:
    """Size and hash of the members that exist, by name and without a lock."""
    found = {}
    for suffix in suffixes:
        member = hash_file(sidecar(path, suffix), name + suffix, stop, tick)
        if member is not None:
            found[suffix] = member
    return found


def expected(parts: Iterable[Part]) -> dict[str, tuple[int, str]]:
    """What the members must be according to a manifest."""
    return {part.suffix: (part.size, part.sha256) for part in parts}


def same_content(one: Found, other: Found) -> bool:
    """Both are the same bytes; an empty log is none, and the -shm carries no data."""
    if one.get(MAIN) != other.get(MAIN):
        return False
    return all(_log(one, suffix) == _log(other, suffix) for suffix in LOGS)


def has_logs(found: Found) -> bool:
    """Something may wait in a -wal or a journal."""
    return any(_log(found, suffix) is not None for suffix in LOGS)


def remove_sidecars(path: Path) -> None:
    """Remove the sidecars of a database that holds everything itself (or is gone)."""
    for suffix in SIDECARS:
        with suppress(FileNotFoundError):
            sidecar(path, suffix).unlink()
    sync_folder(path.parent)


def put(new: Path, path: Path) -> None:
    """Rename a synced file into its place, durably in both folders."""
    new.replace(path)
    sync_folder(path.parent)
    if new.parent != path.parent:
        sync_folder(new.parent)


def same_mount(one: Path, other: Path) -> bool:
    """Whether files can be renamed between two folders.

    Bind mounts of one file system share its device number and still refuse, so the mount points
    are compared too where they can be known.
    """
    if one.stat().st_dev != other.stat().st_dev:
        return False
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return True  # Not Linux; the device number is all there is.
    points = {_unescape(line.split(b" ")[4]) for line in lines}
    return _mount_point(one, points) == _mount_point(other, points)


def _mount_point(folder: Path, points: set[str]) -> str:
    folder = folder.resolve()
    return next((str(f) for f in (folder, *folder.parents) if str(f) in points), "/")


def _unescape(field: bytes) -> str:
    # Space, tab, newline and backslash are octal there: proc_pid_mountinfo(5).
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), field))


def _log(found: Found, suffix: str) -> tuple[int, str] | None:
    member = found.get(suffix)
    return member if member and member[0] else None
