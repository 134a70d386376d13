"""Rolling back a run by its name, or the last one that changed something."""

from __future__ import annotations

import asyncio
from pathlib import Path

from consolidator_tui.domain.event import Emit
from consolidator_tui.services.checking import find_run
from consolidator_tui.services.resuming import UNCHANGED
from consolidator_tui.services.rollback import RollbackReport
from consolidator_tui.services.session import Session
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs


async def undo(project: Path, name: str | None, emit: Emit) -> tuple[str, RollbackReport]:
    """Put everything back as it was before a run; returns its name and what was done.

    Without a name it is the newest run that changed files and was not rolled back, else the
    newest. Raises UsageError when there is no such run, LockedError, GateClosed, BackupDamaged.
    """
    async with Session.open(project) as session:
        session.add_listener(emit)
        run = await asyncio.to_thread(find_run, session.project, name)
        if name is None:
            run = await _last_with_changes(session.project) or run
        await session.resume(run.name)
        return run.name, await session.roll_back()


async def _last_with_changes(project: Path) -> RunFolder | None:
    for run in reversed(await asyncio.to_thread(list_runs, project)):
        if not await asyncio.to_thread(run.run_db.is_file):
            continue
        async with open_run_store(run) as store:
            state = await store.load_state()
            unchanged = await store.get(UNCHANGED) is not None
        if (state.promoted or state.cleaned) and not state.rolled_back:
            if unchanged and not state.cleaned:
                continue
            return run
    return None
