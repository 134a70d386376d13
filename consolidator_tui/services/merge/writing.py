"""The writer beside the matcher: it takes each table as soon as its rows' fates are final."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from consolidator_tui.domain.event import Emit, Event
from consolidator_tui.domain.merge import MergePlan, MergeResult
from consolidator_tui.services.merge.staging import write_staging
from consolidator_tui.services.merge.work import Work


class HasWork(Protocol):
    """Hears whether there is a table to be written."""

    def __call__(self, *, some: bool) -> None: ...


class Writing:
    """Builds the staged target in a task of its own while other tables are still compared.

    Nothing of it is heard before `finish`: not its events, and not its errors, since a question
    that comparing still finds goes before both. Without `at_once` it begins with `finish`.
    """

    def __init__(
        self,
        plan: MergePlan,
        staging: Path,
        ledger: Path,
        emit: Emit,
        works: list[Work],
        has_work: HasWork,
        *,
        at_once: bool,
    ) -> None:
        self._staging = staging
        self._emit = emit
        self._held: list[Event] | None = []
        self._has_work = has_work
        self._ready: asyncio.Queue[Work] = asyncio.Queue()
        self._may_begin = asyncio.Event()
        if at_once:
            self._may_begin.set()
        self._task = asyncio.ensure_future(self._write(plan, ledger, works))

    async def _write(self, plan: MergePlan, ledger: Path, works: list[Work]) -> MergeResult:
        await self._may_begin.wait()
        return await write_staging(plan, self._staging, ledger, self._hear, works, self._next)

    async def _next(self) -> Work:
        if self._ready.empty():
            self._has_work(some=False)
        work = await self._ready.get()
        self._has_work(some=True)
        return work

    def hand_over(self, work: Work) -> None:
        """The table's map, its decisions, and the maps of all its parents are committed."""
        self._ready.put_nowait(work)

    async def finish(self) -> MergeResult:
        """Wait for the staged target; all tables have been handed over.

        Raises what `write_staging` raises; a cancellation ends the writing too.
        """
        self._may_begin.set()
        held, self._held = self._held or [], None
        for event in held:
            self._emit(event)
        return await self._task

    async def abandon(self) -> None:
        """End the writing and drop what was staged."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._staging.unlink, missing_ok=True)

    def _hear(self, event: Event) -> None:
        if self._held is None:
            self._emit(event)
        else:
            self._held.append(event)
