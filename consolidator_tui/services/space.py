"""How much room a run needs, before anything is copied."""

from __future__ import annotations

import os
from pathlib import Path

from consolidator_tui.domain.errors import DiskFull
from consolidator_tui.domain.manifest import MAIN, SIDECARS, Manifest
from consolidator_tui.domain.selection import Chosen, SpaceEstimate
from consolidator_tui.storage.hashing import free_space
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_folder import RunFolder

RESERVE = 1 << 20
"""Bytes for the run's own database and folders."""
_LEDGER = 1.0
_SORTING = 0.5
"""Of the largest source: keys of its tables, while indexes are made and rows are grouped."""
_GROWTH = 1.1
"""A merged database is not larger than its sources together; its indexes may be less full."""


def estimate(project: Path, chosen: Chosen) -> SpaceEstimate:
    """What backup and staging will take. Blocking. Files that are missing count as nothing."""
    backup, staging = RESERVE, 0
    for path in {*chosen.sources, chosen.target}:
        real = Path(os.path.join(project, path))  # noqa: PTH118 - keeps `..` as it is written
        sizes = {suffix: _size(sidecar(real, suffix)) for suffix in (MAIN, *SIDECARS)}
        waiting = sizes["-wal"] + sizes["-journal"]
        # With a log, the original bytes are kept beside a copy that stands alone.
        backup += sum(sizes.values()) + (sizes[MAIN] + 2 * waiting if waiting else 0)
        staging += sizes[MAIN] + waiting
    return SpaceEstimate(backup, int(staging * _GROWTH), free_space(project))


def refuse_to_migrate(run: RunFolder, manifest: Manifest) -> None:
    """Raise DiskFull when the staged target and the ledger, or SQLite's sorting, will not fit.

    Blocking. The ledger with its log was measured at one to two times the size of the sources.
    """
    sizes = [record.size for record in manifest.files.values() if record.snapshot]
    needed = RESERVE + int(sum(sizes) * (_GROWTH + _LEDGER))
    sorting = int(max(sizes, default=0) * _SORTING)
    temporary = temporary_folder()
    if _device(temporary) == _device(run.staging):
        needed += sorting
    elif temporary is not None:
        _refuse(sorting, temporary, "Sorting", "Free some space, or set SQLITE_TMPDIR.")
    _refuse(needed, run.staging, "The merge", "Free some space and try again.")


def temporary_folder() -> Path | None:
    """Where SQLite sorts: https://sqlite.org/tempfiles.html#temporary_file_storage_locations"""
    named = [os.environ.get(name, "") for name in ("SQLITE_TMPDIR", "TMPDIR")]
    for folder in (*named, "/var/tmp", "/usr/tmp", "/tmp", "."):
        if folder and Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Path(folder)
    return None


def _refuse(needed: int, folder: Path, what: str, todo: str) -> None:
    free = free_space(folder)
    if free < needed:
        raise DiskFull(
            f"{what} needs about {mebibytes(needed)} and only {mebibytes(free)} are free in"
            f" {folder}.",
            todo=todo,
        )


def mebibytes(size: int) -> str:
    """A number of bytes for a sentence."""
    return f"{size / (1 << 20):,.1f} MiB"


def _device(folder: Path | None) -> int | None:
    return None if folder is None else folder.stat().st_dev


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # Missing or unreadable: said when it is copied.
        return 0
