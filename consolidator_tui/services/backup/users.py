"""The processes that have files open: one look at the process list for many files."""

from __future__ import annotations

import asyncio
import time

from consolidator_tui.storage.holders import OpenFiles, scan_open_files
from consolidator_tui.storage.worker import in_thread

FRESH_SECONDS = 1.0


class Users:
    """Asks for the open files of all processes when first needed, and again after a second."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._seen: OpenFiles | None = None
        self._at = 0.0

    async def now(self) -> OpenFiles:
        """What is open in other processes, at most a second old."""
        async with self._lock:
            if self._seen is None or time.monotonic() - self._at > FRESH_SECONDS:
                self._seen = await in_thread(lambda _stop: scan_open_files())
                self._at = time.monotonic()
            return self._seen
