"""Runs that an earlier start left unfinished: found, taken up again, or left aside."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, replace

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.selection import Chosen
from consolidator_tui.services import plan_file
from consolidator_tui.services.lazy import load
from consolidator_tui.services.stepping import Stepping
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs

CHOSEN = "chosen"
"""Name of the selection in the run's database."""
UNCHANGED = "unchanged"
"""Name of the mark that the target was found as it has to be, and not replaced."""
CONFLICTS = "conflicts"
"""Name of the number of conflicts that the last merge left to be decided by hand, or had so."""
LEFT = "left"
"""Name of the mark that a person began anew beside this run."""
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


class Resuming(Stepping):
    """The part of a session that deals with earlier runs."""

    async def unfinished(self) -> UnfinishedRun | None:
        """The newest run, when it is neither finished nor left aside. Nothing is changed."""
        runs = await asyncio.to_thread(list_runs, self.project)
        if not runs or not await asyncio.to_thread(runs[-1].run_db.is_file):
            return None
        async with open_run_store(runs[-1], self._clock) as store:
            state = machine.after_crash(await store.load_state())
            if state.finished or await store.get(LEFT) is not None:
                return None
            decided = await store.decisions.count()
            total = int(await store.get(CONFLICTS) or 0)
        step = state.interrupted or state.current
        return UnfinishedRun(runs[-1].name, _readable(runs[-1].name), step, decided, total)

    async def recover(self) -> None:
        """Finish or undo what the last process was doing to files when it died or failed.

        Raises LockedError when that process still runs.
        """
        runs = await asyncio.to_thread(list_runs, self.project)
        if not runs or not await asyncio.to_thread(runs[-1].run_db.is_file):
            return
        async with open_run_store(runs[-1], self._clock) as store:
            work, state = await store.work(), await store.load_state()
        if work is not None or _STOPPED & set(state.steps.values()):
            from consolidator_tui.services.recover import recover

            self.lock()
            with self.explained("Recovering the last run"):
                await recover(runs[-1], self.emit)

    async def resume(self, name: str) -> None:
        """Take a run up again: what was backed up and decided is kept, what was staged is not.

        Raises LockedError when another process works on the project, UsageError for an unknown
        name, BackupDamaged.
        """
        await load("backup", "recover")
        from consolidator_tui.services.backup import load_manifest
        from consolidator_tui.services.recover import recover
        from consolidator_tui.storage.manifest_file import has_manifest

        folder = await asyncio.to_thread(RunFolder.open, self.project, name)
        self.lock()
        with self.explained("Opening the run"):
            state = (await recover(folder, self.emit)).state
        await self.use_run(folder)
        assert self.store is not None
        plan = await self.store.get("plan")
        chosen = await self.store.get(CHOSEN)
        if plan is not None:
            self._document = plan_file.loads(plan)
        if chosen is not None:
            self.chosen = _chosen(chosen)
        if await asyncio.to_thread(has_manifest, folder):
            self.manifest = await load_manifest(folder)
        if not state.promoted:
            # The staged target is built again: that is quick, and it then is what is verified.
            state = machine.invalidate_after(state, Step.BACKUP)
        self.state = state
        await self.save()

    async def start_over(self) -> None:
        """Begin anew: the newest run stays as it is, and is not offered again."""
        found = await self.unfinished()
        if found is not None:
            folder = await asyncio.to_thread(RunFolder.open, self.project, found.name)
            async with open_run_store(folder, self._clock) as store:
                await store.put(LEFT, "yes")
        await self.flush()
        self.reset()

    async def leave(self) -> None:
        """Do not offer this run again: it was only to see what would happen."""
        await self.save(**{LEFT: "yes"})

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
