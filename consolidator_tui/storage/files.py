"""Whole files: copied without blocking the event loop, dressed like others."""

from __future__ import annotations

import os
from pathlib import Path

from consolidator_tui.domain.manifest import FileStat
from consolidator_tui.storage.worker import Stop, in_thread

_BLOCK = 8 * 1024 * 1024


async def copy_file(source: Path, target: Path, *, mode: int) -> None:
    """Copy the bytes of a file to a new one, in the kernel where it can; replaces `target`.

    Raises OSError. Not synced: for files that are synced later or thrown away. When cancelled it
    has ended before that is raised, and what it wrote may be removed.
    """
    await in_thread(lambda stop: _copy(source, target, mode, stop))


def _copy(source: Path, target: Path, mode: int, stop: Stop) -> None:
    target.unlink(missing_ok=True)
    with source.open("rb") as reader:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as writer:
            os.fchmod(descriptor, mode)
            left = os.fstat(reader.fileno()).st_size
            while left > 0:
                stop.check()
                try:
                    sent = os.sendfile(writer.fileno(), reader.fileno(), None, min(left, _BLOCK))
                except (AttributeError, OSError):
                    break
                if not sent:
                    break
                left -= sent
            if left > 0:
                reader.seek(os.fstat(reader.fileno()).st_size - left)
                while block := reader.read(_BLOCK):
                    stop.check()
                    writer.write(block)


def dress(path: Path, like: FileStat) -> bool:
    """Give a new file owner and permissions of an old one; False when the owner stays ours."""
    owned = True
    status = path.stat()
    if (status.st_uid, status.st_gid) != (like.uid, like.gid):
        try:
            os.chown(path, like.uid, like.gid)
        except PermissionError:
            owned = False
    path.chmod(like.mode)  # After chown, which clears set-id bits.
    return owned
