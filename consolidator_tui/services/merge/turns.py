"""The ledger has one writer at a time, also where two connections compare rows."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from types import TracebackType
from typing import Self

from consolidator_tui.storage.sqlite import Database


class Turn:
    """A connection's turn at the ledger: from `begin`, or never, to the end of the `with` block.

    What it changed is committed there, or taken back where an error leaves the block.
    """

    def __init__(self, database: Database, lock: asyncio.Lock) -> None:
        self._database = database
        self._lock = lock
        self._mine = False

    async def __aenter__(self) -> Self:
        return self

    async def begin(self) -> None:
        """Wait until no other connection writes, and begin a transaction; once is enough."""
        if not self._mine:
            await self._lock.acquire()
            self._mine = True
            await self._database.execute("BEGIN")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._mine:
            return
        try:
            if error is None:
                await self._commit()
            else:
                await self._take_back()
        finally:
            self._lock.release()

    async def _commit(self) -> None:
        try:
            await self._database.execute("COMMIT")
        except sqlite3.Error:
            await self._take_back()
            raise

    async def _take_back(self) -> None:
        """End the transaction: the other connection goes on until it hears of the error."""
        # SQLite may have ended it by itself, and the error before this one says more.
        with suppress(sqlite3.Error):
            await self._database.execute("ROLLBACK")
