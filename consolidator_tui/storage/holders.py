"""Who uses a database: the locks on it and the processes that have it open."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from consolidator_tui.domain.manifest import MAIN, SIDECARS

# Where SQLite's unix VFS puts its locks: https://sqlite.org/src/file/src/os.h
PENDING_BYTE = 0x40000000
SHARED_FIRST = PENDING_BYTE + 2
SHARED_SIZE = 510
ALL_LOCKS_SIZE = SHARED_SIZE + 2

_FLOCK = struct.Struct("@hhqqi4x")  # struct flock of 64 bit Linux


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a file open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})" if self.name else f"process {self.pid}"


class OpenFiles:
    """Which regular files were open in which other processes at one moment."""

    def __init__(self, by_inode: dict[tuple[int, int], set[Holder]]) -> None:
        self._by_inode = by_inode

    def holders(self, path: Path) -> tuple[Holder, ...]:
        """The processes that have this database or one of its sidecars open."""
        found: set[Holder] = set()
        for suffix in (MAIN, *SIDECARS):
            try:
                status = sidecar(path, suffix).stat()
            except OSError:
                continue  # No such sidecar: nobody has it open by this name.
            found |= self._by_inode.get((status.st_dev, status.st_ino), set())
        return tuple(sorted(found, key=lambda holder: holder.pid))


def sidecar(path: Path, suffix: str) -> Path:
    """The path of a database's sidecar; SQLite appends to the whole name."""
    return path.with_name(path.name + suffix)


def scan_open_files() -> OpenFiles:
    """Look at all processes once (processes of other users may be hidden). Blocking."""
    found: dict[tuple[int, int], set[Holder]] = {}
    own = os.getpid()
    for process in psutil.process_iter(["pid", "name"]):
        if process.pid == own:
            continue
        try:
            paths = [file.path for file in process.open_files()]
        except (psutil.Error, OSError):
            continue  # It ended, or belongs to another user: locks still tell about it.
        holder = Holder(process.pid, process.info["name"] or "")
        for path in paths:
            try:
                status = Path(path).stat()
            except OSError:
                continue  # Deleted meanwhile.
            found.setdefault((status.st_dev, status.st_ino), set()).add(holder)
    return OpenFiles(found)


def describe(holders: Iterable[Holder]) -> str:
    """The processes as a list for a sentence."""
    return ", ".join(str(holder) for holder in holders)


def lock_owner(descriptor: int) -> Holder | None:
    """The process that holds a write lock of SQLite on an open file; Linux only, else None."""
    if sys.platform != "linux":
        return None
    for start, length in ((SHARED_FIRST, SHARED_SIZE), (PENDING_BYTE, 2)):
        question = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, question)
        kind, _, _, _, pid = _FLOCK.unpack(answer)
        if kind != fcntl.F_UNLCK and pid > 0:
            return Holder(pid, _process_name(pid))
    return None


def share(descriptor: int, seconds: float) -> bool:
    """Take SQLite's SHARED lock on an open file: nobody changes the database until it closes.

    Waits up to `seconds`; False when a writer keeps it. Blocking.
    """
    return _lock(descriptor, fcntl.LOCK_SH, SHARED_SIZE, SHARED_FIRST, seconds)


def exclude(descriptor: int, seconds: float) -> bool:
    """Take all of SQLite's locks on a file open for writing: nobody reads or writes it.

    Waits up to `seconds`; False when somebody else holds one. Blocking.
    """
    return _lock(descriptor, fcntl.LOCK_EX, ALL_LOCKS_SIZE, PENDING_BYTE, seconds)


def _lock(descriptor: int, kind: int, length: int, start: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, length, start)
        except (BlockingIOError, PermissionError):
            # POSIX allows EAGAIN and EACCES for "somebody else holds it".
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _process_name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return ""
