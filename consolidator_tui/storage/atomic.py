"""Files that are either the old ones or the new ones, also after a power cut."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


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
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        replace_durably(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
