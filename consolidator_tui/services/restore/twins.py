"""A file that comes back as one file with another of its names, where that one still has it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.manifest import MAIN, Part
from consolidator_tui.storage.family import LOGS, Found, Held
from consolidator_tui.storage.hashing import hash_descriptor
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.worker import Stop


def link_twin(
    twins: Sequence[Path], part: Part, path: Path, held: Held, found: Found, stop: Stop
) -> bool:
    """Make `path` a new name of the first of `twins` with the recorded bytes; False where none is.

    `held` is what the name is to be put in the place of, and `found` what was read from it.
    A twin that a program writes, or that has a log of its own, is none. Blocking.
    """
    return any(_link(twin, part, path, held, found, stop) for twin in twins)


def _link(twin: Path, part: Part, path: Path, held: Held, found: Found, stop: Stop) -> bool:
    wanted = (part.size, part.sha256)
    try:
        status = twin.lstat()
        if not stat.S_ISREG(status.st_mode) or _has_log(twin):
            return False
        if held.descriptor is not None and os.path.samestat(status, os.fstat(held.descriptor)):
            # Not opened again: closing another descriptor of it would drop the lock.
            same = found.get(MAIN) == wanted
            if same:
                os.link(twin, path)
            return same
        with Held(twin, str(twin)) as other:
            if not other.open(seconds=0) or other.descriptor is None:
                return False
            if hash_descriptor(other.descriptor, stop) != wanted:
                return False
            os.fsync(other.descriptor)
            os.link(twin, path)
            if os.path.samestat(path.lstat(), os.fstat(other.descriptor)):
                return True
            path.unlink()  # Another file took the twin's place meanwhile.
            return False
    except (OSError, ConsolidatorError):
        # Gone, in use, another file system, or one without hard links: the backup has the bytes.
        return False


def _has_log(path: Path) -> bool:
    return any(os.path.lexists(sidecar(path, suffix)) for suffix in LOGS)
