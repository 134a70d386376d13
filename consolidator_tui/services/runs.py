"""The list of runs, with sizes, and the removal of old ones."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError, FileRefused, GateClosed, UsageError
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.manifest import Manifest, Role
from consolidator_tui.domain.run import STEPS, RunInfo, RunState, StepStatus, step_name
from consolidator_tui.services.plan_document.question_file import QUESTIONS
from consolidator_tui.storage.atomic import explain_os, sync_folder
from consolidator_tui.storage.lock import project_lock
from consolidator_tui.storage.manifest_file import has_manifest, read_manifest
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import (
    FOLDER_NAME,
    REMOVED,
    Clock,
    RunFolder,
    list_runs,
    utc_now,
)
from consolidator_tui.storage.run_marks import DRY, LEFT, PLAN, UNCHANGED
from consolidator_tui.storage.worker import in_thread

_IN_BACKUP = re.compile(rf"{re.escape(FOLDER_NAME)}/runs/([0-9TZ-]+)/backup/")
"""A file of a run's backup, as a plan names it."""


async def describe_runs(project: Path) -> list[RunInfo]:
    """All runs of a project, oldest first. A damaged run is listed with its problem."""
    runs = await in_thread(lambda _stop: list_runs(project))
    found = [await describe_run(run) for run in runs]
    users = await _users_of_backups(runs)
    return [_with_users(info, users) for info in found]


async def _users_of_backups(runs: Sequence[RunFolder]) -> dict[str, str]:
    """Runs whose backup the plan of another run names as the common past, with that run."""
    users: dict[str, str] = {}
    for run in runs:
        if not run.run_db.exists():
            continue
        try:
            async with open_run_store(run) as store:
                plan = await store.get(PLAN) or ""
        except ConsolidatorError:
            continue  # Said of that run itself.
        users |= {name: run.name for name in _IN_BACKUP.findall(plan) if name != run.name}
    return users


def _with_users(info: RunInfo, users: Mapping[str, str]) -> RunInfo:
    if info.name not in users:
        return info
    text = f"The plan of run {users[info.name]} names its backup as the common past."
    return replace(info, needed=f"{info.needed} {text}".lstrip())


async def describe_run(run: RunFolder) -> RunInfo:
    """One run with its state and sizes in bytes on disk."""
    size = await in_thread(lambda _stop: _size(run.path))
    backup_size = await in_thread(lambda _stop: _size(run.backup))
    state: RunState | None = None
    manifest: Manifest | None = None
    marks: dict[str, str | None] = {}
    problem = ""
    try:
        if run.run_db.exists():
            async with open_run_store(run) as store:
                state = await store.load_state()
                marks = {name: await store.get(name) for name in (LEFT, UNCHANGED)}
        if has_manifest(run):
            manifest = await in_thread(lambda _stop: read_manifest(run))
    except ConsolidatorError as error:
        problem = error.sentence
    records = [] if manifest is None else list(manifest.files.values())
    kept = await in_thread(lambda _stop: run.kept.is_dir() and any(run.kept.iterdir()))
    return RunInfo(
        name=run.name,
        state=state,
        size=size,
        backup_size=backup_size,
        backup_complete=manifest is not None,
        sources=tuple(r.path for r in records if r.role is Role.SOURCE),
        target=next((r.path for r in records if r.role is Role.TARGET), ""),
        problem=problem,
        only_copy=_only_copy(state),
        outcome=await in_thread(lambda _stop: _outcome(run, state, marks)),
        needed=_needed(state, marks, kept=kept, backed_up=manifest is not None),
    )


def _needed(
    state: RunState | None, marks: Mapping[str, str | None], *, kept: bool, backed_up: bool
) -> str:
    """Why a run is removed only when it is named, or an empty text."""
    if kept:
        return "It holds what roll back set aside."
    if state is None:
        return "Its database cannot be read, so its backup may be needed." if backed_up else ""
    if state.rolled_back:
        return ""
    if state.cleaned:
        return "It is the only copy of the originals that were deleted."
    if state.promoted and not marks.get(UNCHANGED):
        return "Its backup is the only way back to what was there before."
    if not state.promoted and backed_up and not marks.get(LEFT):
        return "It is not finished."
    return ""


def _outcome(run: RunFolder, state: RunState | None, marks: Mapping[str, str | None]) -> str:
    """What came of a run, in a few words."""
    if state is None:
        return "nothing was done" if not run.run_db.exists() else "its database cannot be read"
    if state.rolled_back:
        return "rolled back"
    if state.cleaned:
        return "consolidated, originals deleted"
    if state.promoted:
        return "nothing to change" if marks.get(UNCHANGED) else "consolidated"
    if marks.get(LEFT) == DRY:
        return "dry run"
    step = state.interrupted or state.running
    if step is not None:
        return f"interrupted at {step_name(step)}"
    failed = [step for step in STEPS if state.steps[step] is StepStatus.FAILED]
    if failed:
        return f"stopped at {step_name(failed[0])}: {state.failure}".rstrip(": ")
    if state.steps[Step.MIGRATE] is StepStatus.DONE and (run.path / QUESTIONS).exists():
        return "decisions needed"
    return f"stopped before {step_name(state.current)}" if state.current else "stopped"


async def choose_runs(project: Path, names: Sequence[str]) -> list[RunInfo]:
    """The runs of these names; without any, those with which nothing would be lost.

    Raises UsageError for a name that is none.
    """
    if names:
        folders = await in_thread(lambda _stop: [RunFolder.open(project, n) for n in names])
        named = {folder.name for folder in folders}
        return [info for info in await describe_runs(project) if info.name in named]
    return [info for info in await describe_runs(project) if not info.needed]


async def prune_runs(
    project: Path,
    names: Sequence[str],
    *,
    confirmed: bool,
    clock: Clock = utc_now,
    locked: bool = False,
) -> list[RunInfo]:
    """Delete runs with their backups (see `choose_runs`); returns them as they were.

    `locked`: the caller holds the project's lock.
    Raises UsageError without confirmation, naming them and their sizes, GateClosed for a run that
    was interrupted while it changed files (nothing is deleted then), LockedError.
    """
    found = await choose_runs(project, names)
    if not found:
        return []
    if not confirmed:
        told = "; ".join(f"{i.name} ({i.size:,} bytes) {i.needed}".rstrip() for i in found)
        raise UsageError(f"Nothing was removed. This would remove: {told}", todo="Add --yes.")
    with nullcontext() if locked else project_lock(project, clock):
        folders = [RunFolder.open(project, info.name) for info in found]
        for folder in folders:
            await _refuse_unfinished(folder)
        for folder in folders:
            await prune(folder, confirmed=True)
    return found


async def prune(run: RunFolder, *, confirmed: bool) -> int:
    """Delete a run's folder with its backup; returns the bytes that became free.

    Nothing outside the run's folder changes, but the run can no longer be rolled back.
    Raises UsageError without confirmation, GateClosed while a change of files is unfinished.
    """
    info = await describe_run(run)
    if not confirmed:
        text = f"Run {run.name} was not removed: that was not confirmed. {info.needed}"
        raise UsageError(text.rstrip())
    await _refuse_unfinished(run)
    await in_thread(lambda _stop: _remove(run))
    return info.size


async def _refuse_unfinished(run: RunFolder) -> None:
    """Raise GateClosed when the run was interrupted while it changed files."""
    try:
        if not run.run_db.exists():
            return
        async with open_run_store(run) as store:
            work = await store.work()
    except FileRefused:
        return  # Damaged: whoever named it has read that.
    if work is not None:
        raise GateClosed(
            f"Run {run.name} was interrupted while it changed files ({work.kind}).",
            todo="Open it, or roll it back, first.",
        )


def _only_copy(state: RunState | None) -> bool:
    return state is not None and state.cleaned and not state.rolled_back


def _remove(run: RunFolder) -> None:
    runs = run.path.parent
    try:
        # Renamed first: a half deleted run must not look like one.
        run.path.rename(runs / (REMOVED + run.name))
        sync_folder(runs)
        for entry in list(os.scandir(runs)):
            if entry.name.startswith(REMOVED) and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
        sync_folder(runs)
    except OSError as error:
        raise explain_os(error, str(run.path)) from error


def _size(folder: Path) -> int:
    total = 0
    for name, _, files in os.walk(folder):
        for file in files:
            try:
                total += Path(name, file).lstat().st_blocks * 512
            except FileNotFoundError:
                continue  # A run that is working makes and removes files.
    return total
