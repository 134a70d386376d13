"""The Back up step of a session, and the checks of its copies that may go on beside the merge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Level, PhaseTimed, Step
from consolidator_tui.domain.manifest import Manifest
from consolidator_tui.domain.selection import SpaceEstimate
from consolidator_tui.domain.words import plural
from consolidator_tui.services.lazy import load
from consolidator_tui.services.session.resuming import Resuming
from consolidator_tui.services.space import estimate
from consolidator_tui.storage.worker import in_thread, to_the_end

T = TypeVar("T")
_AHEAD = ("planning", "merge", "verify", "promote", "promote.unchanged")


class BackingUp(Resuming):
    """Copies of everything that a run may change."""

    async def space_needed(self) -> SpaceEstimate:
        """How much room backup and staging will take, and how much there is."""
        chosen = self.need_chosen()
        with self.explained("The free space"):
            return await in_thread(lambda _stop: estimate(self.project, chosen))

    async def back_up(self, *, check: bool = True) -> Manifest:
        """Start the run (folder, lock, database) and copy every file that it may change.

        Without `check` the copies are read back and compared, and `beside_checks` must follow.
        """
        await load("backup")
        from consolidator_tui.services.backup import back_up

        chosen = self.need_chosen()
        run = await self.start_run()
        # Before the copying: a run that dies in it can be taken up with the same choice.
        await self.save_chosen()
        # Copying leaves the interpreter idle: what comes next is imported meanwhile.
        ahead = asyncio.ensure_future(load(*_AHEAD))
        try:
            async with self.step(Step.BACKUP) as say:
                self.manifest = await back_up(
                    run,
                    chosen.sources,
                    target=chosen.target,
                    emit=self.emit,
                    clock=self._clock,
                    check=check,
                    names=self._other_names(),
                )
                size = sum(record.size for record in self.manifest.files.values())
                files = plural(len(self.manifest.files), "file")
                say(f"{files}, {plural(size, 'byte')}, read back and equal")
        finally:
            await to_the_end(ahead)
        return self.manifest

    def _other_names(self) -> dict[str, tuple[str, ...]]:
        """The names under which Discover lists each file of the run, too."""
        files = self.discovery.files if self.discovery else ()
        groups = [(file.path, *file.other_names) for file in files if file.other_names]
        return {name: group for group in groups for name in group}

    async def beside_checks(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work` on the copies, which SQLite checks beside it where a processor is free.

        The work must change nothing outside the run. Where a copy is damaged, that is raised
        whatever `work` came to, and the backup is dropped. Where its rows are whole but not what
        was taken for granted, the work is done again.
        """
        manifest = self.need_manifest()
        if manifest.checked:
            return await work()
        self._spare.clear()
        worked = 0.0

        def note_end(_task: asyncio.Task[T]) -> None:
            nonlocal worked
            worked = time.monotonic()
            # Work that failed may have done so for damage.
            self._spare.set()

        working = asyncio.create_task(_coroutine(work))
        working.add_done_callback(note_end)
        try:
            # Comparing keeps the processors busy but for the last table.
            await self._spare.wait()
            checked = await self._checked(manifest)
        except BaseException as error:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            if isinstance(error, ConsolidatorError):
                await self._drop_backup(error)
            raise
        self.manifest = checked
        if worked:
            self.emit(PhaseTimed(Step.BACKUP, "waited", time.monotonic() - worked))
        if _as_taken(manifest) == _as_taken(checked):
            return await _awaited(working)
        with suppress(ConsolidatorError):
            # What it came to does not matter: it read what the checks found to be otherwise.
            await _awaited(working)
        text = "The checks found more than the copies say of themselves: it is merged once more."
        self.log.say(Step.BACKUP, Level.INFO, text)
        self.plan = None
        return await work()

    async def _checked(self, manifest: Manifest) -> Manifest:
        from consolidator_tui.services.backup import check_backup

        with self.explained("The check of the copies"):
            return await check_backup(self.need_run(), manifest, self.emit)

    async def _drop_backup(self, error: ConsolidatorError) -> None:
        """Tell a damaged copy as the failure of the Back up step that it is."""
        from consolidator_tui.services.backup import forget_backup

        self.manifest = None
        if not machine.may(self.state, Step.BACKUP)[0]:
            # On a full disk it could not even be kept that the other step failed.
            await forget_backup(self.need_run())
            raise error
        async with self.step(Step.BACKUP):
            await forget_backup(self.need_run())
            raise error


async def _coroutine(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


async def _awaited(working: asyncio.Task[T]) -> T:
    """The result of a task that ends when the wait for it is cancelled."""
    try:
        return await working
    except asyncio.CancelledError:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        raise


def _as_taken(manifest: Manifest) -> list[tuple[str, str, bool, object]]:
    """What a merge builds on, of each file."""
    return [
        (record.path, record.snapshot, record.index_damage, dict(record.row_counts))
        for record in manifest.files.values()
    ]
