"""Reading originals by descriptor, copying and hashing them in big blocks. All block."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.manifest import FileStat
from consolidator_tui.storage.atomic import PRIVATE_FILE, explain_os
from consolidator_tui.storage.worker import Stop

BLOCK = 1 << 20
Tick = Callable[[int], None]
"""Takes the number of bytes just done; called from the working thread."""
Head = Callable[[bytes], bytes]
"""Takes the first block of a file and gives one of the same length."""


def no_tick(_done: int) -> None:
    """A `Tick` that drops everything."""


def open_regular(path: Path, name: str, *, write: bool = False) -> int:
    """A descriptor of a regular file, never of a symlink put in its place, FIFO or device.

    Raises FileRefused naming `name`, or OSError (the caller knows what ENOENT means).
    """
    access = os.O_RDWR if write else os.O_RDONLY
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileRefused(f"{name}: not a regular file.", todo="Leave this file out.")
    return descriptor


def file_stat(status: os.stat_result) -> FileStat:
    """What the manifest keeps of a stat."""
    return FileStat(
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        inode=status.st_ino,
        device=status.st_dev,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )


def copy_hashed(
    source: int,
    destination: Path,
    stop: Stop,
    tick: Tick = no_tick,
    *,
    mode: int = PRIVATE_FILE,
    limit: int | None = None,
) -> tuple[int, str]:
    """Copy a descriptor's whole content into a new file; return size in bytes and SHA-256.

    At most `limit` bytes: a file that is appended to meanwhile would never end. The copy is not
    synced. Raises OSError; FileExistsError when the destination exists.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    target = os.open(destination, flags, mode)
    try:
        os.fchmod(target, mode)
        digest = hashlib.sha256()
        offset = 0
        end = sys.maxsize if limit is None else limit
        while block := os.pread(source, min(BLOCK, end - offset), offset):
            stop.check()
            digest.update(block)
            _write_all(target, block)
            offset += len(block)
            tick(len(block))
    finally:
        os.close(target)
    return offset, digest.hexdigest()


def hash_descriptor(
    descriptor: int, stop: Stop, tick: Tick = no_tick, *, head: Head | None = None
) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a descriptor's content, from the beginning.

    With `head`, which gets the first block, as if the content began with what it returns.
    """
    digest = hashlib.sha256()
    offset = 0
    while block := os.pread(descriptor, BLOCK, offset):
        stop.check()
        digest.update(block if offset or head is None else head(block))
        offset += len(block)
        tick(len(block))
    return offset, digest.hexdigest()


def hash_file(
    path: Path, name: str, stop: Stop, tick: Tick = no_tick, *, head: Head | None = None
) -> tuple[int, str] | None:
    """Size and SHA-256 of a regular file, None when there is none; `head` as above.

    Raises FileRefused when it is something else or cannot be read.
    """
    try:
        descriptor = open_regular(path, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explain_os(error, name) from error
    try:
        return hash_descriptor(descriptor, stop, tick, head=head)
    except OSError as error:
        raise explain_os(error, name) from error
    finally:
        os.close(descriptor)


def free_space(folder: Path) -> int:
    """Bytes that this user can still write in the file system of a folder."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        written = os.write(descriptor, view)
        view = view[written:]
