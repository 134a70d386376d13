"""Progress of work in threads, told on the event loop's thread at most ten times a second."""

from __future__ import annotations

import asyncio
import time

from consolidator_tui.domain.event import Emit, PhaseTimed, Progress, Step
from consolidator_tui.storage.hashing import Tick

INTERVAL = 0.1
"""Seconds between two events about one file."""


class Reporter:
    """Turns ticks of worker threads into events."""

    def __init__(self, emit: Emit, step: Step) -> None:
        self._emit = emit
        self._step = step
        self._loop = asyncio.get_running_loop()

    def ticker(self, label: str, total: int, part: str) -> Tick:
        """A `Tick` for one file of `total` bytes."""
        done = 0
        told = time.monotonic()

        def tick(size: int) -> None:
            nonlocal done, told
            done += size
            now = time.monotonic()
            if now - told >= INTERVAL:
                told = now
                event = Progress(self._step, label, done, total, "bytes", part)
                self._loop.call_soon_threadsafe(self._emit, event)

        return tick

    def phase(self, name: str, started: float) -> None:
        """Tell how long a phase took; `started` is a `time.perf_counter()`."""
        self._emit(PhaseTimed(self._step, name, time.perf_counter() - started))
