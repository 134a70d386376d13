"""Blocking work beside the event loop, that can be stopped and is never left running."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from consolidator_tui.domain.errors import Cancelled

T = TypeVar("T")
R = TypeVar("R")


class Stop:
    """Tells blocking work that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask the work to end."""
        self._event.set()

    def check(self) -> None:
        """Raise Cancelled when the work should end; call it between blocks."""
        if self._event.is_set():
            raise Cancelled("Stopped.")


async def in_thread(call: Callable[[Stop], T]) -> T:
    """Run `call(stop)` in a thread; when cancelled, stop it and wait until it has ended.

    Descriptors and files that the work uses may therefore be closed right afterwards.
    """
    stop = Stop()
    task = asyncio.ensure_future(asyncio.to_thread(call, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()  # Seen: what happened after the stop is of no interest.
        raise


async def for_each(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], *, at_once: int
) -> list[R]:
    """Do `work` for all items, at most `at_once` at a time; results in the order of the items.

    The first error cancels the others, waits for their end, and is raised.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def to_the_end(work: Awaitable[T]) -> T:
    """Await work that must not be left half done: a cancellation waits until it has ended."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.result()  # Its own error says more than that it was cancelled.
        raise
