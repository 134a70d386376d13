"""Making a copy of a database self-contained: its log applied, its journal played back."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.manifest import SIDECARS
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.sqlite import open_database

SWELLING = 64 << 20
"""Bytes that a log may add to a database beyond what is in it: pages that were free again."""


def is_swollen(size: int, known: int) -> bool:
    """Whether a database of `known` bytes, its logs included, cannot really be of that size.

    A damaged log can say that it has any size; terabytes of nothing would be read for hours.
    """
    return size > 2 * known + SWELLING


async def settle(path: Path) -> bool:
    """Apply what waits in the sidecars of a copy, so that the file alone is the database.

    Never call it for an original: it writes. Returns False when something still waits.
    Raises sqlite3.Error when the files do not make a database.
    """
    async with open_database(path, mode="rw") as database:
        await database.execute("PRAGMA schema_version")  # Plays back a hot journal.
        await database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        mode = await database.value("PRAGMA journal_mode = DELETE")
    return mode == "delete" and not any(sidecar(path, suffix).exists() for suffix in SIDECARS)
