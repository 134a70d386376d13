"""Runs that an earlier start left unfinished: found, taken up again, or left aside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.errors import FileRefused, GateClosed
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.domain.selection import Chosen
from consolidator_tui.services.lazy import load
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.session.stepping import Stepping
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs
from consolidator_tui.storage.run_marks import (
    ASIDE,
    CHOSEN,
    CONFLICTS,
    DRY,
    LEFT,
    PLAN,
    UNCHANGED,
)
from consolidator_tui.storage.worker import in_thread

if TYPE_CHECKING:
    from consolidator_tui.domain.run import RunInfo

_BEHIND = (Step.CONFIGURE, Step.CLEANUP)
_STOPPED = {machine.StepStatus.RUNNING, machine.StepStatus.FAILED}
"""A step that ended like this may have left temporary files beside files of the project."""


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that can be taken up again."""

    name: str
    started: str
    """As in the run's name: UTC."""
    step: Step | None
    """Where it stopped."""
    decided: int
    """Conflicts decided by hand."""
    total: int
    """Conflicts in all; 0 when it is not known."""
    promoted: bool = False
    """The target is in place; only what follows it is left."""
    left: tuple[Step, ...] = ()
    """Of the steps behind that, those that were not done."""


class _Sort(Enum):
    """What a run means for the question which one is offered."""

    OPEN = auto()
    """It has something left to do."""
    IDLE = auto()
    """It found the target as it had to be: an earlier run that made it so comes first."""
    PASSED = auto()
    """It hides no run before it: rolled back, or a dry run."""
    OVER = auto()
    """Nothing is left of it, or of what was before it."""


class Resuming(Stepping):
    """The part of a session that deals with earlier runs."""

    async def unfinished(self) -> UnfinishedRun | None:
        """The newest run that has something left to do, or None. Nothing is changed."""
        idle: UnfinishedRun | None = None
        for folder in reversed(await asyncio.to_thread(list_runs, self.project)):
            if not await asyncio.to_thread(folder.run_db.is_file):
                continue
            try:
                sort, found = await self._look_at(folder)
            except FileRefused:
                continue  # Its database is damaged; `recover` says so.
            if sort is _Sort.OPEN:
                return found
            if sort is _Sort.OVER:
                return None
            if sort is _Sort.IDLE:
                idle = idle or found
        return idle

    async def in_force(self) -> UnfinishedRun | None:
        """The newest run that changed files and was not rolled back, or None. Only looks."""
        for folder in reversed(await asyncio.to_thread(list_runs, self.project)):
            if not await asyncio.to_thread(folder.run_db.is_file):
                continue
            try:
                async with open_run_store(folder, self._clock) as store:
                    state = await store.load_state()
                    unchanged = await store.get(UNCHANGED) is not None
            except FileRefused:
                continue  # Its database is damaged; the list of runs says so.
            if not state.rolled_back and (state.cleaned or (state.promoted and not unchanged)):
                name = folder.name
                return UnfinishedRun(name, _readable(name), None, 0, 0, promoted=state.promoted)
        return None

    async def go_back_to(self, name: str) -> None:
        """Take an earlier run up only to roll it back; the run at hand is left as it is.

        Raises as `resume`.
        """
        await self.flush()
        self.reset()
        await self.resume(name, undo=True)

    async def _look_at(self, folder: RunFolder) -> tuple[_Sort, UnfinishedRun]:
        async with open_run_store(folder, self._clock) as store:
            state = machine.after_crash(await store.load_state())
            left = await store.get(LEFT) is not None
            unchanged = await store.get(UNCHANGED) is not None
            decided = await store.decisions.count()
            total = int(await store.get(CONFLICTS) or 0)
        step = state.interrupted or state.current
        found = UnfinishedRun(
            folder.name,
            _readable(folder.name),
            step,
            decided,
            total,
            promoted=state.promoted,
            left=tuple(s for s in _BEHIND if state.steps[s] is not machine.StepStatus.DONE),
        )
        if state.rolled_back or (left and not state.promoted):
            return _Sort.PASSED, found
        if left or (state.finished and state.current is None):
            return _Sort.OVER, found
        return _Sort.IDLE if unchanged and not state.cleaned else _Sort.OPEN, found

    async def recover(self) -> None:
        """Finish or undo what the last process was doing to files when it died or failed.

        A run whose database cannot be read is told and left aside. Raises LockedError when that
        process still runs.
        """
        runs = await asyncio.to_thread(list_runs, self.project)
        if not runs or not await asyncio.to_thread(runs[-1].run_db.is_file):
            return
        try:
            async with open_run_store(runs[-1], self._clock) as store:
                work, state = await store.work(), await store.load_state()
        except FileRefused as error:
            self.log.say(Step.DISCOVER, Level.WARNING, f"Run {runs[-1].name}: {error.sentence}")
            return
        if work is not None or _STOPPED & set(state.steps.values()):
            from consolidator_tui.services.rollback.recover import recover

            self.lock()
            with self.explained("Recovering the last run"):
                await recover(runs[-1], self.emit)

    async def resume(self, name: str, *, undo: bool = False) -> None:
        """Take a run up again: what was backed up and decided is kept, what was staged is not.

        With `undo`, only to roll it back: then the originals may be what they like.

        Raises LockedError when another process works on the project, UsageError for an unknown
        name, BackupDamaged.
        """
        await load("backup", "rollback.recover")
        from consolidator_tui.services.backup import load_manifest
        from consolidator_tui.services.rollback.recover import recover
        from consolidator_tui.storage.manifest_file import has_manifest

        folder = await asyncio.to_thread(RunFolder.open, self.project, name)
        self.lock()
        with self.explained("Opening the run"):
            state = (await recover(folder, self.emit)).state
        await self.use_run(folder)
        assert self.store is not None
        plan = await self.store.get(PLAN)
        chosen = await self.store.get(CHOSEN)
        if plan is not None:
            self._document = plan_file.loads(plan)
        if chosen is not None:
            self.chosen = _chosen(chosen)
        if await asyncio.to_thread(has_manifest, folder):
            self.manifest = await load_manifest(folder)
        self.unchanged = await self.store.get(UNCHANGED) is not None
        if not state.promoted and not undo:
            # The staged target is built again: that is quick, and it then is what is verified.
            state = machine.invalidate_after(state, await self._last_that_holds())
        self.state = state
        await self.save()

    async def _last_that_holds(self) -> Step:
        """The last step whose result can be built upon: the backup, if it still is the originals.

        What was decided is kept either way.
        """
        if self.manifest is None:
            return Step.BACKUP
        if not self.manifest.checked:
            # It was stopped before the copies were checked: copying them again takes no longer.
            self.manifest = None
            return Step.INSPECT
        from consolidator_tui.services.backup.changed import changed_since

        manifest = self.manifest
        run = self.need_run()
        changed = await in_thread(lambda stop: changed_since(run, manifest, stop))
        if not changed:
            return Step.BACKUP
        self.manifest = None
        for path in changed:
            text = f"{path}: it was changed since its backup, so it is backed up and planned anew."
            self.log.say(Step.BACKUP, Level.WARNING, text, file=path)
        return Step.INSPECT

    async def start_over(self) -> None:
        """Begin anew: the newest run stays as it is, and is not offered again."""
        found = await self.unfinished()
        if found is not None:
            folder = await asyncio.to_thread(RunFolder.open, self.project, found.name)
            async with open_run_store(folder, self._clock) as store:
                await store.put(LEFT, ASIDE)
        await self.flush()
        self.reset()

    async def earlier_runs(self) -> list[RunInfo]:
        """All runs of the project, oldest first, the present one too."""
        from consolidator_tui.services.runs import describe_runs

        with self.explained("The list of runs"):
            return await describe_runs(self.project)

    async def remove_runs(self, names: Sequence[str]) -> list[RunInfo]:
        """Delete runs with their backups, as the person confirmed; returns them as they were.

        Raises GateClosed for the run that is worked on and for one that was interrupted while it
        changed files, UsageError for an unknown name, LockedError.
        """
        from consolidator_tui.services.runs import prune_runs

        if self.run is not None and self.run.name in names:
            raise GateClosed(
                f"Run {self.run.name} is the one that is worked on.",
                todo="Remove it at a later start.",
            )
        with self.explained("Removing runs"):
            return await prune_runs(
                self.project, names, confirmed=True, clock=self._clock, locked=self._locked
            )

    async def receipt(self, name: str) -> str:
        """The receipt of a run, as Markdown. Raises UsageError when it has none."""
        from consolidator_tui.services.checking import read_report

        with self.explained("The receipt"):
            return (await read_report(self.project, name))[1]

    async def leave(self) -> None:
        """Do not offer this run again: it was only to see what would happen."""
        await self.save(**{LEFT: DRY})

    async def save_chosen(self) -> None:
        """Keep the selection and the plan for a later start."""
        text = json.dumps(asdict(self.need_chosen()))
        await self.save(chosen=text, plan=plan_file.dumps(self._document))


def _chosen(text: str) -> Chosen:
    plain = json.loads(text)
    return replace(Chosen(**plain), sources=tuple(plain["sources"]))


def _readable(name: str) -> str:
    """`20260112T094103Z` as `2026-01-12 09:41 UTC`."""
    return f"{name[:4]}-{name[4:6]}-{name[6:8]} {name[9:11]}:{name[11:13]} UTC"
