"""`run.db`: the state, events, documents and decisions of one run.

State and work in progress are durable when their call returns (synchronous=FULL). Events are
written in batches and may lose their last seconds in a power cut. Texts are stored as bytes, so
that paths which are not UTF-8 survive.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from consolidator_tui.domain.errors import Failed
from consolidator_tui.domain.event import Event, Level, Message, Progress, Step, StepFailed
from consolidator_tui.domain.run import Fact, RunState, StepStatus
from consolidator_tui.storage.atomic import explain_os, open_private
from consolidator_tui.storage.decision_db import SCHEMA as DECISIONS
from consolidator_tui.storage.decision_db import DecisionStore
from consolidator_tui.storage.run_folder import Clock, RunFolder, utc_now
from consolidator_tui.storage.sqlite import Database, explain, open_database

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, time TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, time TEXT NOT NULL,"
    " step TEXT NOT NULL, level INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL)",
    *DECISIONS,
)
_LEVELS = (Level.DEBUG, Level.INFO, Level.WARNING, Level.QUESTION, Level.ERROR)
_STATE = "state"
_WORK = "work"


class WorkKind(StrEnum):
    """Changes of files outside the run that must be finished or undone after a crash."""

    PROMOTE = "promote"
    CLEANUP = "cleanup"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Work:
    """A change of files that was announced before its first step."""

    kind: WorkKind
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was kept."""

    id: int
    time: str
    """UTC, ISO 8601."""
    event: Event


class RunStore:
    """The run's database. All methods raise DiskFull, LockedError or Failed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self.decisions = DecisionStore(database, self._transaction)

    async def save_state(self, state: RunState) -> None:
        """Keep the steps of a state; its facts are added, never taken away."""
        body = {
            "steps": {step.value: status.value for step, status in state.steps.items()},
            "backed_up": state.backed_up,
            "interrupted": state.interrupted.value if state.interrupted else None,
            "failure": state.failure,
        }
        async with self._transaction(durable=True):
            await self._put(_STATE, json.dumps(body))
            for fact in sorted(state.facts):
                await self._add_fact(fact)

    async def load_state(self) -> RunState:
        """The state as it was kept (a new run: everything to do).

        A step that was running is still running here: `domain.run.after_crash` says what that
        means when no other process holds the project.
        """
        with _explained():
            text = await self._get(_STATE)
            rows = await self._database.rows("SELECT name FROM facts")
        facts = frozenset(Fact(row[0]) for row in rows)
        if text is None:
            return RunState(facts=facts)
        body = json.loads(text)
        steps = {Step(step): StepStatus(status) for step, status in body["steps"].items()}
        interrupted = body["interrupted"]
        return RunState(
            steps={**RunState().steps, **steps},
            backed_up=body["backed_up"],
            interrupted=Step(interrupted) if interrupted else None,
            failure=body["failure"],
            facts=facts,
        )

    async def add_fact(self, fact: Fact) -> None:
        """Record durably that something happened outside the run's folder."""
        async with self._transaction(durable=True):
            await self._add_fact(fact)

    async def put(self, name: str, text: str) -> None:
        """Keep a document (plan, catalog, …) under a name, durably."""
        async with self._transaction(durable=True):
            await self._put(name, text)

    async def get(self, name: str) -> str | None:
        """A document, or None."""
        with _explained():
            return await self._get(name)

    async def work(self) -> Work | None:
        """The change of files that was begun and not ended, or None."""
        text = await self.get(_WORK)
        if text is None:
            return None
        body = json.loads(text)
        return Work(WorkKind(body["kind"]), body["body"])

    async def begin_work(self, work: Work) -> None:
        """Announce a change of files durably, or replace the announcement with its progress.

        Raises Failed when another kind of work was begun and not ended.
        """
        async with self._transaction(durable=True):
            text = await self._get(_WORK)
            if text is not None and json.loads(text)["kind"] != work.kind.value:
                raise Failed(
                    f"An interrupted {json.loads(text)['kind']} must be finished first.",
                    todo="Open the run again.",
                )
            await self._put(_WORK, json.dumps({"kind": work.kind.value, "body": work.body}))

    async def end_work(self, *facts: Fact, documents: dict[str, str] | None = None) -> None:
        """Record durably, at once, that the work is done, what is true now, and its papers."""
        async with self._transaction(durable=True):
            await self._database.execute("DELETE FROM documents WHERE name = ?", (_WORK,))
            for fact in facts:
                await self._add_fact(fact)
                await self._database.execute(
                    "UPDATE facts SET time = ? WHERE name = ?",
                    (self._clock().isoformat(timespec="milliseconds"), fact.value),
                )
            for name, text in (documents or {}).items():
                await self._put(name, text)

    async def append_events(self, events: Sequence[Event]) -> None:
        """Keep events in one batch."""
        if not events:
            return
        time = self._clock().isoformat(timespec="milliseconds")
        rows = [
            (time, e.step.value, _LEVELS.index(level_of(e)), type(e).__name__, event_json(e))
            for e in events
        ]
        async with self._transaction(durable=False):
            await self._database.many(
                "INSERT INTO events(time, step, level, kind, body) VALUES (?, ?, ?, ?, ?)", rows
            )

    async def events(
        self, level: Level = Level.DEBUG, step: Step | None = None, limit: int = 1000
    ) -> list[StoredEvent]:
        """The last `limit` events of at least `level`, oldest first."""
        with _explained():
            rows = await self._database.rows(
                "SELECT id, time, kind, body FROM events WHERE level >= :level"
                " AND (:step IS NULL OR step = :step) ORDER BY id DESC LIMIT :limit",
                {
                    "level": _LEVELS.index(level),
                    "step": step.value if step else None,
                    "limit": limit,
                },
            )
        return [StoredEvent(row[0], row[1], event_from_json(row[2], row[3])) for row in rows[::-1]]

    async def fact_time(self, fact: Fact) -> str:
        """When it last became true (UTC, ISO 8601); empty when it is not."""
        found = await self._database.value("SELECT time FROM facts WHERE name = ?", (fact.value,))
        return "" if found is None else str(found)

    async def _put(self, name: str, text: str) -> None:
        await self._database.execute(
            "INSERT INTO documents(name, body) VALUES (?, ?)"
            " ON CONFLICT(name) DO UPDATE SET body = excluded.body",
            (name, _encode(text)),
        )

    async def _get(self, name: str) -> str | None:
        body = await self._database.value("SELECT body FROM documents WHERE name = ?", (name,))
        return None if body is None else _decode(body)

    async def _add_fact(self, fact: Fact) -> None:
        await self._database.execute(
            "INSERT INTO facts(name, time) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (fact.value, self._clock().isoformat(timespec="seconds")),
        )

    @asynccontextmanager
    async def _transaction(self, *, durable: bool) -> AsyncIterator[None]:
        async with self._one_at_a_time:
            with _explained():
                level = "FULL" if durable else "NORMAL"
                await self._database.execute(f"PRAGMA synchronous = {level}")
                try:
                    # Cancelled while it waits, it may have begun all the same.
                    await self._database.execute("BEGIN IMMEDIATE")
                    yield
                    await self._database.execute("COMMIT")
                except BaseException:
                    await self._roll_back()
                    raise

    async def _roll_back(self) -> None:
        try:
            await self._database.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            # SQLite ends the transaction itself on a full disk, an I/O error or an interrupt.
            if "no transaction is active" not in str(error):
                raise


@asynccontextmanager
async def open_run_store(run: RunFolder, clock: Clock = utc_now) -> AsyncIterator[RunStore]:
    """Open (or make) the run's database for the length of a `with` block.

    Raises DiskFull, FileRefused (not readable, damaged), LockedError, Failed.
    """
    with _explained():
        _create_private(run.run_db)
        async with open_database(run.run_db, mode="rw", timeout=10) as database:
            await database.execute("PRAGMA journal_mode = WAL")
            await database.execute("BEGIN IMMEDIATE")
            await database.script(_SCHEMA)
            await database.execute("COMMIT")
            yield RunStore(database, clock)


def _create_private(path: Path) -> None:
    # SQLite would use the umask; its sidecars take the mode of the file. O_EXCL: an existing file
    # must not be opened and closed here, that would drop this process's locks on it (POSIX).
    try:
        os.close(open_private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    except OSError as error:
        raise explain_os(error, str(path)) from error


def level_of(event: Event) -> Level:
    """How much an event matters in the log."""
    if isinstance(event, Message):
        return event.level
    if isinstance(event, StepFailed):
        return Level.ERROR
    return Level.DEBUG if isinstance(event, Progress) else Level.INFO


def event_json(event: Event) -> str:
    """An event's fields as JSON."""
    return json.dumps({f.name: getattr(event, f.name) for f in fields(event)}, default=str)


def event_from_json(kind: str, text: str) -> Event:
    """The event of `event_json`. A kind that is unknown here becomes a message that says so."""
    body = json.loads(text)
    body["step"] = Step(body["step"])
    for known in _subclasses(Event):
        # With slots a dataclass is made twice, and the first is no longer the module's.
        current: object = getattr(sys.modules[known.__module__], kind, None)
        if known.__name__ == kind and current == known:
            if "level" in body:
                body["level"] = Level(body["level"])
            return known(**body)
    return Message(step=body["step"], level=Level.DEBUG, text=kind)


def _subclasses(parent: type[Event]) -> Iterator[type[Event]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, "The database of the run") from error


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")
