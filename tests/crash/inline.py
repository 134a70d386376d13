"""A command without threads of its own: twice as fast on a tiny project.

Much of its time there is spent on handing calls of microseconds from thread to thread. The
command that is stopped keeps its threads; those that follow, to see what can be made of what it
left, do the same calls without them (but at every eighth stop).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiosqlite import core


class _Direct:
    """Stands where aiosqlite has the queue to its thread."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, function = item
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - belongs to whoever awaits it
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class _NoThread:
    def start(self) -> None:
        """Nothing to start."""

    def join(self, timeout: float | None = None) -> None:
        """Nothing to wait for."""


async def _here(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
    return function(*arguments, **named)


def without_threads() -> None:
    """From now on this process calls SQLite, and what else blocks, where it is."""
    make = core.Connection.__init__

    def initialise(self: core.Connection, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.__dict__.update(_tx=_Direct(), _thread=_NoThread())

    core.Connection.__init__ = initialise  # type: ignore[method-assign]
    asyncio.to_thread = _here
