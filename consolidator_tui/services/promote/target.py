"""Reading the target after its promotion, when an application may be using it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.errors import DiskFull, LockedError
from consolidator_tui.services.backup.snapshot import count_rows
from consolidator_tui.services.discover.reading import open_unchanged
from consolidator_tui.storage.atomic import make_private_folder
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.sqlite import explain
from consolidator_tui.storage.worker import in_thread


@dataclass(frozen=True, slots=True)
class TargetRows:
    """What is in the target now."""

    row_counts: Mapping[str, int]
    problem: str = ""
    """Why it cannot be read, as a sentence."""


async def count_target(run: RunFolder, path: Path, name: str) -> TargetRows:
    """Rows per table, without creating or changing anything beside the file.

    Does not raise for a missing, locked or damaged file: `problem` says what is wrong.
    Raises OSError when a copy that is needed cannot be made.
    """
    if not path.exists():
        return TargetRows({}, f"{name}: it is not there any more.")
    scratch = run.path / "workshop"
    await in_thread(lambda _stop: make_private_folder(scratch))
    try:
        async with open_unchanged(path, scratch=scratch) as database:
            return TargetRows(await count_rows(database))
    except sqlite3.Error as error:
        return TargetRows({}, explain(error, name).sentence)
    except (LockedError, DiskFull) as error:
        return TargetRows({}, f"{name}: {error.sentence}")


def changed_rows(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Per table the rows that came (positive) or went (negative); unchanged ones are left out."""
    tables = sorted({*before, *now})
    return {t: n for t in tables if (n := now.get(t, 0) - before.get(t, 0)) != 0}
