"""How much room a run needs, before anything is copied."""

from __future__ import annotations

import os
from pathlib import Path

from consolidator_tui.domain.manifest import MAIN, SIDECARS
from consolidator_tui.domain.selection import Chosen, SpaceEstimate
from consolidator_tui.storage.hashing import free_space
from consolidator_tui.storage.holders import sidecar

RESERVE = 1 << 20
"""Bytes for the run's own database and folders."""
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


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # Missing or unreadable: said when it is copied.
        return 0
