"""One command of the application as a process group that is never left running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from consolidator_tui.domain.words import plural
from consolidator_tui.storage.worker import in_thread, to_the_end

MARK = "CONSOLIDATOR_SMOKE"
"""Environment variable whose value tells this run's processes, wherever they moved."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
TAIL = 200
"""Lines that are kept for the report."""
_GUARD = Path(__file__).with_name("guard.py")
_LONGEST_LINE = 2_000
_FLUSH_SECONDS = 0.1
_MOST_LINES = 500
"""Lines told at a time; the rest of a flood is counted."""
_DRAIN_SECONDS = 1.0

Told = Callable[[tuple[str, ...]], None]


@dataclass(slots=True)
class Running:
    """A process that was started."""

    process: asyncio.subprocess.Process
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    _waiting: list[str] = field(default_factory=list)
    _dropped: int = 0

    @property
    def exit_status(self) -> int | None:
        """As a shell tells it; None while it runs."""
        return self.process.returncode

    def take(self, line: str) -> None:
        """A line of output."""
        self.tail.append(line)
        if len(self._waiting) < _MOST_LINES:
            self._waiting.append(line)
        else:
            self._dropped += 1

    def waiting(self) -> tuple[str, ...]:
        """The lines since the last call."""
        lines = tuple(self._waiting)
        if self._dropped:
            lines = (*lines, f"… {plural(self._dropped, 'more line')}")
        self._waiting, self._dropped = [], 0
        return lines


@asynccontextmanager
async def started(
    command: str, folder: Path, environment: Mapping[str, str], told: Told
) -> AsyncIterator[Running]:
    """Run a shell line in its own process group; it and all it started are gone afterwards.

    Output (both streams, in order) goes to `told` at most ten times a second. Raises OSError when
    it cannot be started. Should this process be killed, `guard.py` ends the group.
    """
    async with (
        _guarded(environment.get(MARK, "")) as guard,
        _started(command, folder, environment, told) as running,
    ):
        guard.write(b"%d\n" % running.process.pid)
        yield running


@asynccontextmanager
async def _guarded(mark: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A guard that waits to be told the process group, sent away afterwards."""
    guard = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", os.fspath(_GUARD), f"{MARK}={mark}" if mark else "", str(GRACE)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        start_new_session=True,
    )
    assert guard.stdin is not None
    try:
        yield guard.stdin
    finally:
        await to_the_end(_send_away(guard))


async def _send_away(guard: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await guard.communicate(b"ended\n")


@asynccontextmanager
async def _started(
    command: str, folder: Path, environment: Mapping[str, str], told: Told
) -> AsyncIterator[Running]:
    # A pipe of our own: with asyncio's, the end of the process is only told when the last of its
    # children has closed the output.
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    running = Running(process)
    reader = asyncio.ensure_future(_read(running, reading))
    teller = asyncio.ensure_future(_tell(running, told))
    try:
        yield running
    finally:
        await to_the_end(_end(running, environment.get(MARK, ""), reader, teller))
        if lines := running.waiting():
            told(lines)


async def finished(running: Running, seconds: float) -> int | None:
    """Wait for the end; None when it takes longer than `seconds`."""
    try:
        return await asyncio.wait_for(running.process.wait(), seconds)
    except TimeoutError:
        return None


async def _read(running: Running, descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    rest = b""
    try:
        while block := await stream.read(65_536):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                running.take(_text(line))
            if len(rest) > _LONGEST_LINE:
                running.take(_text(rest))
                rest = b""
    finally:
        transport.close()
        if rest:
            running.take(_text(rest))


def _text(line: bytes) -> str:
    text = line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
    return text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + " …"


async def _tell(running: Running, told: Told) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        if lines := running.waiting():
            told(lines)


async def _end(
    running: Running, mark: str, reader: asyncio.Future[None], teller: asyncio.Future[None]
) -> None:
    """End the group: SIGTERM, after the grace SIGKILL; then what left the group."""
    process = running.process
    _signal(process.pid, signal.SIGTERM)
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
    deadline = time.monotonic() + GRACE
    while _group_lives(process.pid) and time.monotonic() < deadline:  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.05)
    _signal(process.pid, signal.SIGKILL)
    await process.wait()
    await in_thread(lambda _stop: kill_marked(mark))
    # Whoever held the pipe is gone, so the output ends.
    await asyncio.wait([reader], timeout=_DRAIN_SECONDS)
    for task in (reader, teller):
        task.cancel()
    await asyncio.gather(reader, teller, return_exceptions=True)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def kill_marked(mark: str) -> int:
    """Kill the processes that carry the mark (daemons that left the group). Blocking."""
    if not mark:
        return 0
    found: list[psutil.Process] = []
    own = os.getuid()
    for process in psutil.process_iter():
        try:
            if process.uids().real == own and process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # Ended meanwhile, or not ours to look at.
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found, timeout=GRACE)
    return len(found)


def shell_path(folders: Sequence[Path], before: str) -> str:
    """PATH with `folders` first."""
    return os.pathsep.join([*map(os.fspath, folders), *([before] if before else [])])
