"""One run at a time per project: a lock that vanishes with its process."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consolidator_tui.domain.errors import LockedError
from consolidator_tui.storage.atomic import explain_os, open_private
from consolidator_tui.storage.run_folder import Clock, prepare_own_folder, utc_now


@contextmanager
def project_lock(project: Path, clock: Clock = utc_now) -> Iterator[None]:
    """Hold the project for the length of a `with` block.

    Raises LockedError naming process and time when another process (or this one) holds it,
    FileRefused when the project cannot be written. The kernel releases the lock of a process
    that died, so nothing stale is left behind.
    """
    path = prepare_own_folder(project) / "lock"
    try:
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    except OSError as error:
        raise explain_os(error, str(path)) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"{project} is being worked on by {_owner(descriptor)}.",
                todo="Wait until it has ended, or end it.",
            ) from None
        except OSError as error:
            raise explain_os(error, str(path)) from error
        note = json.dumps({"pid": os.getpid(), "since": clock().isoformat(timespec="seconds")})
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode("ascii"), 0)
        except OSError as error:
            raise explain_os(error, str(path)) from error
        yield
    finally:
        os.close(descriptor)


def _owner(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, 1000, 0))
        return f"process {int(note['pid'])} since {str(note['since'])[:40]}"
    except (ValueError, KeyError, TypeError):
        # The other process holds the lock but has not written its note yet.
        return "another process"
