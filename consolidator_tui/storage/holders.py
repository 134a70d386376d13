"""Who uses a database: the locks on it and the processes that have it open."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import sys
import time
from collections.abc import Iterable, Iterator
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

    def __init__(self, by_inode: dict[tuple[int, int], set[int]]) -> None:
        self._by_inode = by_inode

    def holders(self, path: Path) -> tuple[Holder, ...]:
        """The processes that have this database or one of its sidecars open."""
        found: set[int] = set()
        for suffix in (MAIN, *SIDECARS):
            try:
                status = sidecar(path, suffix).stat()
            except OSError:
                continue  # No such sidecar: nobody has it open by this name.
            found |= self._by_inode.get((status.st_dev, status.st_ino), set())
        return tuple(Holder(pid, process_name(pid)) for pid in sorted(found))


def sidecar(path: Path, suffix: str) -> Path:
    """The path of a database's sidecar; SQLite appends to the whole name."""
    return path.with_name(path.name + suffix)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file that some process has open."""

    path: str
    device: int
    inode: int
    writing: bool | None
    """Whether it was opened for writing; None when the system does not tell."""


def each_process() -> Iterator[tuple[int, tuple[OpenFile, ...] | None]]:
    """Every other process with its open files, None where this user may not look. Blocking."""
    own = os.getpid()
    if not Path("/proc/self/fd").is_dir():
        yield from _each_by_psutil(own)
        return
    # Only what is asked for: psutil reads some files more for each process.
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit() and int(name) != own:
            try:
                yield int(name), tuple(_files_of(f"/proc/{name}"))
            except PermissionError:
                yield int(name), None
            except OSError:
                continue  # It ended.


def _files_of(process: str) -> Iterator[OpenFile]:
    for descriptor in os.listdir(f"{process}/fd"):  # noqa: PTH208
        try:
            path = os.readlink(f"{process}/fd/{descriptor}")  # noqa: PTH115 - thousands of them
            if not path.startswith("/"):
                continue  # A socket or a pipe.
            # Not by the path: it may have gone, or mean another file here than in a container.
            status = os.stat(f"{process}/fd/{descriptor}")  # noqa: PTH116
            if stat.S_ISREG(status.st_mode):
                with open(f"{process}/fdinfo/{descriptor}", "rb") as info:  # noqa: PTH123
                    flags = int(info.read().split(b"flags:", 1)[1].split(None, 1)[0], 8)
                writing = flags & os.O_ACCMODE != os.O_RDONLY
                yield OpenFile(path, status.st_dev, status.st_ino, writing)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError, PermissionError):
            continue  # Closed or deleted meanwhile, or out of reach for this user.


def _each_by_psutil(own: int) -> Iterator[tuple[int, tuple[OpenFile, ...] | None]]:
    for process in psutil.process_iter():
        if process.pid == own:
            continue
        try:
            files = process.open_files()
        except psutil.AccessDenied:
            yield process.pid, None
            continue
        except (psutil.Error, OSError):
            continue  # It ended.
        found = []
        for file in files:
            try:
                status = Path(file.path).stat()
            except OSError:
                continue  # Deleted meanwhile.
            mode = getattr(file, "mode", None)
            writing = None if mode is None else mode != "r"
            found.append(OpenFile(file.path, status.st_dev, status.st_ino, writing))
        yield process.pid, tuple(found)


def scan_open_files() -> OpenFiles:
    """Look at all processes once (processes of other users may be hidden). Blocking."""
    found: dict[tuple[int, int], set[int]] = {}
    for pid, files in each_process():
        for file in files or ():
            found.setdefault((file.device, file.inode), set()).add(pid)
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
            return Holder(pid, process_name(pid))
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


def process_name(pid: int) -> str:
    """The name of a process, empty when it has ended."""
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return ""
