"""One start of one command: run, watch, judge, and put back what it spoiled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from consolidator_tui.domain.event import Emit, Step
from consolidator_tui.domain.smoke import (
    CommandKind,
    Finding,
    FindingKind,
    Opening,
    SmokeCommand,
    SmokeOutput,
    Start,
    StartResult,
    Verdict,
)
from consolidator_tui.services.smoke import contents, http, process, watch
from consolidator_tui.services.smoke.surroundings import World
from consolidator_tui.services.smoke.watch import Judge, Snapshot
from consolidator_tui.storage.worker import in_thread


@dataclass(slots=True)
class Starter:
    """Starts commands one after the other in the same copy."""

    world: World
    judge: Judge
    emit: Emit
    _offset: int = 0
    _seen: Snapshot | None = None

    async def start(self, command: SmokeCommand, start: Start) -> StartResult:
        """Run one start and say what came of it. What it left is removed, so that the next start
        is judged by itself; the unified database stays as scripts and servers made it."""
        world, copy = self.world, self.world.copy
        target, kept = copy.folder / copy.target, world.scratch.root / "before.db"
        await in_thread(lambda _stop: contents.keep(target, kept))
        before = await self._look()
        result = await self._run(command, start)
        after = await self._look(before)
        openings, self._offset = await in_thread(
            lambda _stop: watch.read_openings(world.scratch, copy, self._offset)
        )
        folder = world.folder(start)
        found = await in_thread(
            lambda _stop: self.judge.judge(command.kind, folder, before, after, openings)
        )
        spoiled = target in before and target not in after
        if command.kind is CommandKind.TESTS and not spoiled and target in before:
            changed = await contents.changed_tables(kept, target)
            found += self._changed(changed, openings)
            spoiled = bool(changed)
        for path in self.judge.new:
            await in_thread(lambda _stop, path=path: contents.remove(path))  # type: ignore[misc]
        if spoiled:
            await in_thread(lambda _stop: contents.put_back(kept, target))
        return replace(result, findings=tuple(found), openings=tuple(openings))

    async def _look(self, before: Snapshot | None = None) -> Snapshot:
        known = before or self._seen
        self._seen = await in_thread(
            lambda _stop: watch.look(self.world.scratch, self.world.copy, known)
        )
        return self._seen

    def _changed(self, tables: tuple[str, ...], openings: list[Opening]) -> list[Finding]:
        if not tables:
            return []
        target = self.world.copy.target
        by = tuple(opening for opening in openings if opening.database == target)
        text = f"Tests changed {target}: {', '.join(tables[:5])}"
        text += f" and {len(tables) - 5} more" if len(tables) > 5 else ""
        known = [opening for opening in by if opening.file]
        text += f" (opened by {known[0].file}, line {known[0].line})." if known else "."
        return [Finding(FindingKind.CHANGED_BY_TESTS, target, text, by)]

    async def _run(self, command: SmokeCommand, start: Start) -> StartResult:
        began = time.monotonic()
        server = command.kind is CommandKind.SERVER
        port = (command.port or http.free_port()) if server else None
        if command.port and await asyncio.to_thread(http.is_taken, command.port):
            reason = f"Port {command.port} is used by another program."
            return StartResult(command.name, start, Verdict.NOT_STARTED, None, 0.0, reason)
        folder = self.world.folder(start)
        if not await asyncio.to_thread(folder.is_dir):
            reason = f"There is no folder {start.folder}."
            return StartResult(command.name, start, Verdict.NOT_STARTED, None, 0.0, reason)
        try:
            async with process.started(
                self.world.command(start, port),
                folder,
                self.world.environment(start, port),
                self._teller(command.name),
            ) as running:
                if port is not None:
                    verdict, status, reason = await _serve(command, running, port)
                else:
                    verdict, status, reason = await _wait(command, running)
        except OSError as error:
            verdict, status = Verdict.NOT_STARTED, None
            reason = f"It cannot be started: {error.strerror}."
            return StartResult(command.name, start, verdict, status, 0.0, reason)
        seconds = time.monotonic() - began
        tail = tuple(running.tail)
        return StartResult(command.name, start, verdict, status, seconds, reason, tail=tail)

    def _teller(self, name: str) -> Callable[[tuple[str, ...]], None]:
        return lambda lines: self.emit(SmokeOutput(Step.CONFIGURE, name, lines))


async def _wait(command: SmokeCommand, running: process.Running) -> tuple[Verdict, int | None, str]:
    status = await process.finished(running, command.timeout)
    if status is None:
        return Verdict.TIMED_OUT, None, f"It took longer than {command.timeout:g} s."
    if status != command.expected_exit:
        wanted = command.expected_exit
        return Verdict.WRONG_EXIT, status, f"It ended with status {status}, not {wanted}."
    return Verdict.PASSED, status, ""


async def _serve(
    command: SmokeCommand, running: process.Running, port: int
) -> tuple[Verdict, int | None, str]:
    ended = asyncio.ensure_future(running.process.wait())
    try:
        wrong = await http.answers(port, command.health, command.timeout, ended)
        if wrong:
            return Verdict.NOT_HEALTHY, running.exit_status, f"No answer: {wrong}."
        if command.login is not None and command.login.complete:
            wrong = await http.log_in(port, command.login)
            if wrong:
                return Verdict.NO_LOGIN, running.exit_status, f"No login: {wrong}."
    finally:
        ended.cancel()
    return Verdict.PASSED, running.exit_status, ""
