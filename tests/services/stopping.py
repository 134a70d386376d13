"""Killing an action at its n-th change of a file, in a forked process."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

KILLED = 137
_EVENTS = {
    "os.rename",
    "os.remove",
    "os.link",
    "os.symlink",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "sqlite3.connect",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SAMPLE = int(os.environ.get("CONSOLIDATOR_SWEEP_STEP", "9"))
"""Every how many-th point is tried; 1 tries all."""

Action = Callable[[Path], Awaitable[object]]


def kill_at(project: Path, action: Action, point: int) -> bool:
    """Run the action on the project and kill it before its point-th change.

    Returns False when the action ended before that point. Raises when it failed otherwise.
    """
    child = os.fork()
    if child == 0:
        _run_and_die(project, action, point)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, KILLED):
        raise AssertionError(f"the action ended with {status} before point {point}")
    return status == KILLED


def sweep(template: Path, scratch: Path, action: Action) -> Iterator[tuple[int, Path]]:
    """Kill the action at every (sampled) point, each time on a fresh copy of the template."""
    point = 1
    while True:
        project = scratch / f"at{point}"
        shutil.copytree(template, project, symlinks=True)
        killed = kill_at(project, action, point)
        yield point, project
        shutil.rmtree(project)
        if not killed:
            return
        point += SAMPLE


def _run_and_die(project: Path, action: Action, point: int) -> None:
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == point:
            os._exit(KILLED)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if isinstance(flags, int) and flags & _WRITING:
                step()
        elif event in _EVENTS:
            step()

    status = 1
    try:
        for name in ("write", "fsync"):
            setattr(os, name, _counted(getattr(os, name), step))
        sys.addaudithook(audit)
        asyncio.run(_await(action(project)))
        status = 0
    except BaseException as error:  # noqa: BLE001 - the child must never return into pytest
        sys.stderr.write(f"{error!r}\n")
    finally:
        os._exit(status)


async def _await(work: Awaitable[object]) -> None:
    await work


def _counted(call: Callable[..., Any], step: Callable[[], None]) -> Callable[..., Any]:
    def counted(*arguments: Any) -> Any:
        step()
        return call(*arguments)

    return counted
