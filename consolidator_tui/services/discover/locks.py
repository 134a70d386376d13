"""Locks and descriptors of database files, looked at without taking or dropping a lock.

POSIX drops all locks that a process has on a file as soon as it closes any descriptor of it.
So a file that this process has open (through SQLite, say) must not be opened and closed a
second time: `own_descriptors` tells which these are.
Lock bytes: https://sqlite.org/src/file/src/os.h (PENDING_BYTE and following).
"""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass

if sys.platform != "win32":
    import fcntl

PENDING_BYTE = 0x40000000
RESERVED_BYTE = PENDING_BYTE + 1
SHARED_FIRST = PENDING_BYTE + 2
SHARED_SIZE = 510


@dataclass(frozen=True, slots=True)
class Locks:
    """Locks of other processes on a database file; pids are 0 when there is no such lock."""

    exclusive: int = 0
    """The process that keeps everybody from reading (-1: some process without a pid)."""
    reserved: int = 0
    """The process that is in a write transaction."""


def probe(descriptor: int) -> Locks:
    """The locks on an open database file, asked with F_GETLK, which takes none.

    Where the system cannot tell (Windows, some network file systems) no lock is reported.
    """
    return Locks(
        exclusive=_holder(descriptor, SHARED_FIRST, SHARED_SIZE, reading=True),
        reserved=_holder(descriptor, RESERVED_BYTE, 1, reading=False),
    )


def own_descriptors() -> dict[tuple[int, int], int]:
    """(device, inode) of every regular file that this process has open, with a descriptor."""
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    found: dict[tuple[int, int], int] = {}
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only, thousands of times
    except OSError:
        # No such listing here (Windows): its locks are not lost by closing, either.
        return found
    for name in names:
        try:
            stat = os.fstat(int(name))
        except (OSError, ValueError):
            # The descriptor of the listing itself is closed by now.
            continue
        found[stat.st_dev, stat.st_ino] = int(name)
    return found


def _holder(descriptor: int, start: int, length: int, *, reading: bool) -> int:
    if sys.platform == "win32":
        return 0
    kind = fcntl.F_RDLCK if reading else fcntl.F_WRLCK
    try:
        if sys.platform == "darwin":
            asked = struct.pack("@qqihh", start, length, 0, kind, os.SEEK_SET)
            answer = struct.unpack("@qqihh", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
            pid, held = answer[2], answer[3]
        else:
            asked = struct.pack("@hhqqi4x", kind, os.SEEK_SET, start, length, 0)
            answer = struct.unpack("@hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
            held, pid = answer[0], answer[4]
    except (OSError, struct.error):
        # The file system knows no such locks.
        return 0
    return 0 if held == fcntl.F_UNLCK else int(pid) or -1
