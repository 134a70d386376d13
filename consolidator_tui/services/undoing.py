"""Rolling back a run by its name, or what was done last."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError, FileRefused
from consolidator_tui.domain.event import Emit, Level, Message, Step
from consolidator_tui.domain.run import Fact, RunState
from consolidator_tui.services.checking import find_run
from consolidator_tui.services.rollback import RollbackReport
from consolidator_tui.services.rollback.recover import CRASHED
from consolidator_tui.services.session import Session
from consolidator_tui.storage.atomic import explain_os
from consolidator_tui.storage.family import LOGS
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.manifest_file import has_manifest
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs, run_order
from consolidator_tui.storage.run_marks import UNCHANGED


@dataclass(frozen=True, slots=True)
class Undone:
    """What was rolled back, and what was not."""

    runs: tuple[tuple[str, RollbackReport], ...]
    """Name and report of each run, in the order in which it was done: the newest first."""
    earlier: tuple[str, ...] = ()
    """Runs before these that changed files too and are still in force, the newest first."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A run whose changes are in force."""

    run: RunFolder
    crashed: bool
    """Its process died, so the person may never have seen it as a run of its own."""


async def undo(project: Path, name: str | None, emit: Emit) -> Undone:
    """Put everything back as it was before a run.

    With a name, the later runs that are in force are rolled back before it. Without one it is the
    newest run that changed files and was not rolled back, and with it those right before it whose
    process died: they were begun again, and the last backup holds what they had done already.
    When none is in force, the one that was rolled back last is once more: it holds the oldest
    state. Raises UsageError when there is no such run, LockedError, GateClosed, BackupDamaged.
    """
    async with Session.open(project) as session:
        session.add_listener(emit)
        run = await asyncio.to_thread(find_run, session.project, name)
        session.lock()
        if name is not None:
            await _mend(run, emit)
        changes = await _changes(session.project, emit)
        if name is not None:
            later = [change.run for change in changes]
            wanted = [*_later(later, run), run]
        elif changes:
            wanted = [changes[0].run]
            for change in changes[1:]:
                if not change.crashed:
                    break
                wanted.append(change.run)
        else:
            wanted = [await _last_rolled_back(session.project) or run]
        done = []
        for each in wanted:
            await session.resume(each.name, undo=True)
            done.append((each.name, await session.roll_back()))
            await session.flush()
            session.reset()
        oldest = wanted[-1].name
        names = [change.run.name for change in changes]
        earlier = names[names.index(oldest) + 1 :] if oldest in names else []
        return Undone(tuple(done), tuple(earlier))


def _later(runs: list[RunFolder], run: RunFolder) -> list[RunFolder]:
    """The runs that began after another; `runs` has the newest first."""
    names = [each.name for each in runs]
    if run.name in names:
        return runs[: names.index(run.name)]
    return [each for each in runs if run_order(each.name) > run_order(run.name)]


async def _last_rolled_back(project: Path) -> RunFolder | None:
    """The run that was rolled back last."""
    found: tuple[str, RunFolder] | None = None
    # The newest first: of two at one moment it is the older one.
    for run in reversed(await asyncio.to_thread(list_runs, project)):
        if not await asyncio.to_thread(run.run_db.is_file):
            continue
        try:
            async with open_run_store(run) as store:
                time = await store.fact_time(Fact.ROLLED_BACK)
        except FileRefused:
            continue  # `_changes` has told it.
        if time and (found is None or time >= found[0]):
            found = (time, run)
    return None if found is None else found[1]


async def _changes(project: Path, emit: Emit) -> list[_Change]:
    """The runs whose changes are in force, the newest first; unreadable ones are told."""
    found = []
    for run in reversed(await asyncio.to_thread(list_runs, project)):
        if not await asyncio.to_thread(run.run_db.is_file):
            continue
        try:
            async with open_run_store(run) as store:
                state = await store.load_state()
                unchanged = await store.get(UNCHANGED) is not None
                crashed = await store.get(CRASHED) is not None
        except FileRefused as error:
            if await asyncio.to_thread(has_manifest, run):
                text = f"Run {run.name} is passed over: {error.sentence} Name it to roll it back."
                emit(Message(Step.ROLLBACK, Level.WARNING, text))
            continue
        changed = state.cleaned or (state.promoted and not unchanged)
        if changed and not state.rolled_back:
            found.append(_Change(run, crashed))
    return found


async def _mend(run: RunFolder, emit: Emit) -> None:
    """Set a damaged run.db aside: the manifest alone knows what the files were."""
    if not await asyncio.to_thread(has_manifest, run):
        return
    try:
        async with open_run_store(run) as store:
            await store.load_state()
            return
    except FileRefused as error:
        told: ConsolidatorError = error
    await asyncio.to_thread(_set_aside, run)
    async with open_run_store(run) as store:
        await store.save_state(RunState(backed_up=True))
    text = f"{told.sentence} It is kept as run.db.damaged; the backup says what the files were."
    emit(Message(Step.ROLLBACK, Level.WARNING, text))


def _set_aside(run: RunFolder) -> None:
    damaged = run.damaged_db
    try:
        for suffix in ("", *LOGS):
            with suppress(FileNotFoundError):
                sidecar(run.run_db, suffix).replace(sidecar(damaged, suffix))
        sidecar(run.run_db, "-shm").unlink(missing_ok=True)
    except OSError as error:
        raise explain_os(error, str(run.run_db)) from error
