"""Spread work over threads or processes without holding the event loop up."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr
from multiprocessing import resource_tracker
from typing import TypeVar

from consolidator_tui.domain.errors import Failed

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 24
FEW = 60
"""Up to so many files, all small, a thread is done before a pool has started."""
LARGE = 24_000
"""Bytes; parsing a larger file holds the interpreter for more than 50 ms."""


def _quiet() -> None:
    # A syntax tree is many objects that live as long as one file: looking for cycles in between
    # took a third of the time. Each batch collects once.
    gc.freeze()
    gc.disable()


def _collected(
    work: Callable[[Sequence[Item]], list[Result]], batch: Sequence[Item]
) -> list[Result]:
    found = work(batch)
    gc.collect()
    return found


def _start_tracker() -> None:
    # It is given sys.stderr, and what Textual puts in its place is no file: nothing would start.
    with redirect_stderr(sys.__stderr__):
        resource_tracker.ensure_running()


async def spread(
    work: Callable[[Sequence[Item]], list[Result]],
    items: Sequence[Item],
    *,
    heavy: bool,
    processes: int | None = None,
    done: Callable[[int], None] = lambda _count: None,
) -> list[Result]:
    """`work` on all items, in order, in batches; `done` hears how many items are finished.

    `heavy`: worth worker processes (then `work` and the items are pickled). Cancelling the task
    stops it within one batch. Raises Failed when a worker process is killed.
    """
    count = processes if processes is not None else (os.cpu_count() or 1)
    batches = [items[i : i + BATCH] for i in range(0, len(items), BATCH)]
    found: list[Result] = []
    finished = 0
    if not heavy or count < 2:
        for batch in batches:
            found += await asyncio.to_thread(work, batch)
            finished += len(batch)
            done(finished)
        return found
    _start_tracker()
    # spawn: forking a process that runs threads (aiosqlite's, for one) can deadlock.
    pool = ProcessPoolExecutor(
        max_workers=min(count, len(batches)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_quiet,
    )
    try:
        loop = asyncio.get_running_loop()
        tasks = [loop.run_in_executor(pool, _collected, work, batch) for batch in batches]
        for task, batch in zip(tasks, batches, strict=True):
            found += await task
            finished += len(batch)
            done(finished)
    except BrokenProcessPool as error:
        raise Failed(
            "A process that does a part of the work ended before it was done; the system may be "
            "short of memory.",
            todo="Free some memory and try again. Nothing was changed.",
        ) from error
    finally:
        await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
    return found
