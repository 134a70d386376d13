"""Opening SQLite files without changing them, and talking to them without blocking."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote as percent_encode

import aiosqlite

from consolidator_tui.domain.errors import (
    ConsolidatorError,
    DiskFull,
    Failed,
    FileRefused,
    LockedError,
    UsageError,
)
from consolidator_tui.storage.worker import to_the_end

MINIMUM_SQLITE = (3, 37, 0)
PROGRESS_STEPS = 20_000
"""Virtual machine steps between two calls of the progress handler; costs under 1 %."""

_GIVEN_WAY = 10
"""Added to a thread's niceness: it gets a tenth of what another thread does that wants to run."""

Row = tuple[Any, ...]

_UNSAFE_JSON = "unsafe use of json"
_FORBIDDEN = re.compile(r"not authorized|unsafe use of|may not be used in")
"""What SQLite says of functions that a schema may not call: https://sqlite.org/security.html"""

_MISSING = re.compile(r"(unknown|no such) (function|collation sequence|module)")


def check_sqlite_version() -> None:
    """Raise UsageError when the SQLite library is older than 3.37 (STRICT, table_list)."""
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        raise UsageError(
            f"Python uses SQLite {sqlite3.sqlite_version}, and 3.37 or newer is needed.",
            todo="Use a newer Python build.",
        )


def quote(name: str) -> str:
    """An identifier, quoted so that any name is safe in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal for SQL."""
    return "'" + text.replace("'", "''") + "'"


def fold(name: str) -> str:
    """A name as SQLite compares names: ASCII letters lowered, nothing else."""
    return name.translate(_ASCII_LOWER)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def file_uri(path: Path, *, mode: str = "ro", immutable: bool = False) -> str:
    """A `file:` URI for a path that may hold any bytes (`?`, `#`, `%`, newline, not UTF-8)."""
    encoded = percent_encode(os.fsencode(path.absolute()), safe="/")
    return f"file:{encoded}?mode={mode}" + ("&immutable=1" if immutable else "")


def decode_text(raw: bytes) -> str:
    """Text of a database as str; bytes that are not UTF-8 survive as surrogates."""
    return raw.decode("utf-8", "surrogateescape")


class Database:
    """An open connection: statements run in its own thread, can be cancelled, never autocommit.

    Transactions are explicit (`BEGIN`/`COMMIT` through `execute`).
    """

    def __init__(self, connection: aiosqlite.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> None:
        """Run one statement and drop its rows. Raises sqlite3.Error."""
        await self.rows(sql, parameters)

    async def script(self, statements: Iterable[str]) -> None:
        """Run statements one after the other (no implicit commit)."""
        await self.each(statements)

    async def each(self, statements: Iterable[str]) -> list[list[Row]]:
        """The rows of several statements whose results are small, run in one go.

        Handing a statement to the connection's thread costs more than running a small one.
        """
        wanted = list(statements)
        stopped = threading.Event()

        def work() -> list[list[Row]]:
            found: list[list[Row]] = []
            for statement in wanted:
                if stopped.is_set():
                    raise sqlite3.OperationalError("interrupted")
                found.append(self._connection._conn.execute(statement).fetchall())
            return found

        run: Any = self._connection._execute
        return cast("list[list[Row]]", await self._guard(run(work), stopped))

    async def values(self, statements: Iterable[str]) -> list[Any]:
        """The first column of the first row of each of several statements, or None."""
        return [rows[0][0] if rows else None for rows in await self.each(statements)]

    async def many(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """Run one statement for many small rows of our own (never for rows of a source).

        A row is a sequence for `?`, a mapping for `:name`; so are the parameters of a statement.
        """
        cursor = await self._guard(self._connection.executemany(sql, rows))
        await cursor.close()

    async def rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[Row]:
        """All rows of a statement whose result is known to be small."""
        return list(await self._guard(self._connection.execute_fetchall(sql, parameters)))

    async def row(self, sql: str, parameters: Iterable[Any] = ()) -> Row | None:
        """The first row, or None."""
        rows = await self.rows(sql, parameters)
        return rows[0] if rows else None

    async def value(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(sql, parameters)
        return row[0] if row else None

    async def batches(self, sql: str, *, size: int) -> AsyncGenerator[list[Row], None]:
        """The rows of a statement, `size` at a time."""
        async with self._connection.execute(sql) as cursor:
            while batch := list(await self._guard(cursor.fetchmany(size))):
                yield batch

    async def changes(self, sql: str, parameters: Iterable[Any] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE and return the number of rows it changed."""
        before = self._connection.total_changes
        await self.rows(sql, parameters)
        return self._connection.total_changes - before

    async def attach(
        self,
        path: Path,
        schema: str,
        *,
        mode: str = "ro",
        immutable: bool = False,
    ) -> None:
        """Attach a file under a schema name."""
        uri = file_uri(path, mode=mode, immutable=immutable)
        run: Any = self._connection._execute
        await self._guard(run(_attach, self._connection._conn, uri, schema))

    async def copy_into(self, copy: Path) -> None:
        """Write a consistent copy to a new file. Raises sqlite3.Error."""
        try:
            await self.rows("VACUUM INTO ?", (file_uri(copy, mode="rwc"),))
        except sqlite3.DatabaseError as error:
            # SQLite miscounts the columns of some tables with generated ones (3.40 does); damage
            # may be of an index only, and is told where it is met.
            if error.sqlite_errorcode not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT):
                raise
            copy.unlink(missing_ok=True)
            run: Any = self._connection._execute
            await self._guard(run(_copy_pages, self._connection._conn, copy))

    async def detach(self, schema: str) -> None:
        """Detach a schema; not possible inside a transaction."""
        await self.rows(f"DETACH {quote(schema)}")

    async def function(self, name: str, arguments: int, call: Callable[..., Any]) -> None:
        """Register a deterministic function for this connection."""
        await self._connection.create_function(name, arguments, call, deterministic=True)

    async def collation(self, name: str, compare: Callable[[str, str], int]) -> None:
        """Register a collation for this connection."""
        # aiosqlite has no public create_collation; its thread runs any callable this way.
        run: Any = self._connection._execute
        await run(self._connection._conn.create_collation, name, compare)

    async def on_progress(self, tick: Callable[[], None] | None) -> None:
        """Call `tick` from the connection's thread while long statements run."""
        handler = None if tick is None else (lambda: tick() or 0)
        await self._connection.set_progress_handler(handler, PROGRESS_STEPS)  # type: ignore[arg-type]

    async def give_way(self) -> None:
        """Let the other threads of this process go first, where the system knows that (Linux)."""
        run: Any = self._connection._execute
        await self._guard(run(_lower_priority))

    async def interrupt(self) -> None:
        """Make the running statement end with an error."""
        await self._connection.interrupt()

    async def _guard(self, awaitable: Any, stopped: threading.Event | None = None) -> Any:
        try:
            return await awaitable
        except asyncio.CancelledError:
            # Cancelling the await does not stop the statement in the thread. The event comes
            # first: between two statements there is nothing to interrupt.
            if stopped is not None:
                stopped.set()
            await self._connection.interrupt()
            raise


@asynccontextmanager
async def connect(uri: str, *, timeout: float = 5.0) -> AsyncIterator[aiosqlite.Connection]:
    """A connection whose thread has ended when the `with` block has, whatever happens.

    aiosqlite does not wait for its thread when connecting fails or is cancelled; the thread then
    answers to an event loop that may be closed. Raises sqlite3.Error.
    """
    connection = aiosqlite.connect(
        uri, uri=True, isolation_level=None, timeout=timeout, cached_statements=64
    )
    try:
        await to_the_end(_opened(connection))
    except BaseException:
        await to_the_end(_put_away(connection))
        raise
    try:
        yield connection
    finally:
        await to_the_end(connection.close())


async def _opened(connection: aiosqlite.Connection) -> None:
    await connection


async def _put_away(connection: aiosqlite.Connection) -> None:
    if connection._connection is not None:
        await connection.close()
    await asyncio.to_thread(connection._thread.join)


@asynccontextmanager
async def open_database(
    path: Path | None,
    *,
    mode: str = "ro",
    immutable: bool = False,
    timeout: float = 5.0,
    cache_kib: int | None = None,
) -> AsyncIterator[Database]:
    """Open a file (or, for None, a database in memory) for the length of a `with` block.

    `mode` is SQLite's: ro, rw, rwc. `timeout` is in seconds, for locks. SQL from the file's
    schema is untrusted (https://sqlite.org/security.html).
    Raises sqlite3.Error; `explain` turns that into a sentence.
    """
    name = ":memory:" if path is None else file_uri(path, mode=mode, immutable=immutable)
    async with connect(name, timeout=timeout) as connection:
        connection.text_factory = decode_text
        database = Database(connection, path)
        # In one go: each call into the connection's thread costs more than the statement.
        run: Any = connection._execute
        await database._guard(run(_prepare, connection._conn, mode, cache_kib))
        yield database


def _prepare(connection: sqlite3.Connection, mode: str, cache_kib: int | None) -> None:
    """Settings of a fresh connection.

    What is only read is opened in defensive mode, where Python can set it (3.12). It forbids what
    a target of our own needs: writing the settings of a full-text index. Without it a schema still
    reaches nothing outside: functions that do are not there, or may not be called from a schema,
    and extensions are never loaded.
    """
    connection.execute("PRAGMA trusted_schema = OFF").close()
    connection.execute("PRAGMA cell_size_check = ON").close()
    flag = getattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE", None)
    if flag is not None and mode == "ro":
        connection.setconfig(flag, True)  # type: ignore[attr-defined]
    _trust_json(connection, "main")
    if cache_kib is not None:
        # This one reads the schema.
        connection.execute(f"PRAGMA cache_size = -{cache_kib}").close()


def _lower_priority() -> None:
    # Elsewhere the priority is that of the whole process.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A sandbox may forbid it, and it is only a courtesy.
        with suppress(OSError):
            now = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, now + _GIVEN_WAY)


def _copy_pages(connection: sqlite3.Connection, copy: Path) -> None:
    with closing(sqlite3.connect(file_uri(copy, mode="rwc"), uri=True)) as target:
        connection.backup(target)
        target.execute("PRAGMA journal_mode = DELETE").close()


def _attach(connection: sqlite3.Connection, uri: str, schema: str) -> None:
    statement = f"ATTACH ? AS {quote(schema)}"
    try:
        connection.execute(statement, (uri,)).close()
    except sqlite3.DatabaseError as error:
        if _UNSAFE_JSON not in str(error):
            raise
        connection.execute("PRAGMA trusted_schema = ON").close()
        connection.execute(statement, (uri,)).close()
    _trust_json(connection, schema)


def _trust_json(connection: sqlite3.Connection, schema: str) -> None:
    """Trust a schema that speaks of JSON, where SQLite takes JSON functions for dangerous.

    Some versions do (3.40 is one), and a table with CHECK (json_valid(x)) cannot even be read
    then. What a trusted schema can call besides has no side effects either: extensions cannot be
    loaded, and the functions that are registered here only compute.
    """
    if _knows_json():
        return
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0").close()
    try:
        rows = connection.execute(
            f"SELECT 1 FROM {quote(schema)}.sqlite_schema WHERE sql LIKE '%json%' LIMIT 1"
        )
        speaks = rows.fetchone() is not None
    except sqlite3.Error as error:
        # What else is wrong with the file is told to whoever reads it next.
        speaks = _UNSAFE_JSON in str(error)
    connection.execute(f"PRAGMA busy_timeout = {timeout}").close()
    if speaks:
        connection.execute("PRAGMA trusted_schema = ON").close()


@lru_cache(maxsize=1)
def _knows_json() -> bool:
    """Whether JSON functions work in schemas that are not trusted."""
    with closing(sqlite3.connect(":memory:")) as probe:
        probe.execute("PRAGMA trusted_schema = OFF")
        try:
            probe.execute("CREATE TABLE t(j CHECK (json_valid(j)))")
        except sqlite3.OperationalError:
            return False
    return True


def explain(error: sqlite3.Error, what: str) -> ConsolidatorError:
    """An SQLite error about `what` (a file's name or an action) in plain words."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LockedError(
            f"{what}: the database is locked by another process.",
            todo="Stop the program that uses it and try again.",
        )
    if primary == sqlite3.SQLITE_FULL:
        return DiskFull(f"{what}: the disk is full.", todo="Free some space and try again.")
    if primary == sqlite3.SQLITE_NOTADB:
        return FileRefused(
            f"{what}: not an SQLite database, or encrypted.", todo="Leave this file out."
        )
    if primary == sqlite3.SQLITE_CORRUPT:
        return FileRefused(
            f"{what}: the database is damaged ({error}).",
            todo="Recover it with `sqlite3 FILE .recover` first, or leave it out.",
        )
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
        # Also said when a log beside it cannot be created, on a full or broken disk.
        return FileRefused(
            f"{what}: cannot be opened ({error}).",
            todo="Check that it exists, its permissions, and that the disk works and has room.",
        )
    if primary == sqlite3.SQLITE_AUTH or _FORBIDDEN.search(str(error)):
        return FileRefused(
            f"{what}: SQL in its schema calls a function that is not allowed ({error}).",
            todo="Remove that CHECK, index, trigger or view, or leave the file out.",
        )
    if _MISSING.search(str(error)):
        return FileRefused(
            f"{what}: SQL in a schema needs what only its application has ({error}).",
            todo="Remove that column, or leave the file out.",
        )
    if primary == sqlite3.SQLITE_IOERR:
        return Failed(
            f"{what}: the disk reported an input/output error ({error}).",
            todo="Check the disk, then run again.",
        )
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return Failed(
            f"{what}: a row would break a rule of its table ({error}).",
            todo="If a value of it was set by hand, take that decision back; see also the log.",
        )
    return Failed(f"{what}: {error}.", todo="See the log of the run for the statement.")
