"""Files that are either the old ones or the new ones, also after a power cut."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from consolidator_tui.domain.errors import (
    ConsolidatorError,
    DiskFull,
    Failed,
    FileRefused,
    LockedError,
)

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}
_BUSY = {errno.ETXTBSY, errno.EBUSY, errno.EAGAIN}


def explain_os(error: OSError, what: str) -> ConsolidatorError:
    """An operating system error about `what` (a file's name or an action) in plain words."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return DiskFull(f"{what}: the disk is full.", todo="Free some space and try again.")
    if error.errno in _FORBIDDEN:
        return FileRefused(f"{what}: not allowed ({reason}).", todo="Check the permissions.")
    if error.errno in _GONE:
        return FileRefused(f"{what}: it is not there any more.", todo="Scan the project again.")
    if error.errno == errno.ELOOP:
        return FileRefused(f"{what}: a symbolic link appeared in its place.")
    if error.errno in _BUSY:
        return LockedError(f"{what}: in use by another program ({reason}).")
    if error.errno == errno.EIO:
        return Failed(
            f"{what}: the disk reported an input/output error.",
            todo="Check the disk, then run again.",
        )
    return Failed(f"{what}: {reason}.")


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path, *, sync: bool = True) -> None:
    """Create a folder and its missing parents with mode 0700; existing ones stay as they are.

    Without `sync` the caller makes the new names durable.
    """
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        with suppress(FileExistsError):
            new_private_folder(new)
        if sync:
            sync_folder(new.parent)


def new_private_folder(folder: Path) -> None:
    """Create one folder with mode 0700, whatever the umask. Raises FileExistsError, OSError."""
    folder.mkdir(mode=PRIVATE_FOLDER)
    folder.chmod(PRIVATE_FOLDER)


def open_private(path: Path, flags: int) -> int:
    """`os.open` for a file of our own: mode 0600, whatever the umask. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, PRIVATE_FILE)
    os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


def temporary_sibling(path: Path) -> Path:
    """A new name in the same folder, for a file that will be renamed to `path`."""
    return path.with_name(f".consolidator-{secrets.token_hex(6)}.tmp")


def replace_durably(source: Path, target: Path) -> None:
    """Rename `source` (already synced) over `target` in the same file system, durably."""
    source.replace(target)
    sync_folder(target.parent)


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace the file's content by write, fsync, rename, fsync of the folder.

    `mode` are permission bits; without it those of an existing file are kept, new files get 0600.
    An existing file keeps its owner where that is allowed.
    Raises OSError; then the old content is still there and no temporary file is left.
    """
    if mode is None:
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o600
    temporary = temporary_sibling(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if path.exists():
                _keep_owner(file.fileno(), path.stat())
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        replace_durably(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _keep_owner(descriptor: int, old: os.stat_result) -> None:
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        # Only root may give files away; for everybody else the file becomes their own.
        with suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
