"""The writer works beside the matcher: what is handed over, what is dropped, what is left."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from consolidator_tui.domain.event import Emit, Event, Progress, TableMerged, ignore
from consolidator_tui.domain.merge import MergeResult
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.merge import matching, merge
from consolidator_tui.services.merge.turns import Turn
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.planning import make_plan
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.sqlite import Database, open_database

ROWS = 22_000
"""More new rows than those from which on plain indexes are built afterwards."""
SHOP = """
CREATE TABLE events(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), what TEXT);
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT);
CREATE TABLE colors(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE INDEX events_by_user ON events(user_id DESC);
CREATE INDEX events_some ON events(what) WHERE what > 'e5';
CREATE INDEX events_upper ON events(upper(what));
CREATE UNIQUE INDEX events_once ON events(user_id, what);
INSERT INTO users VALUES (1, 'ann@x', 'Ann'), (2, '{name}@x', '{name}');
INSERT INTO colors VALUES (1, 'red'), (2, '{name}');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO events SELECT i, 1 + i % 2, '{name} ' || i FROM n;
"""


async def build(folder: Path, first: str, second: str, emit: Emit) -> MergeResult:
    """Plan and merge two files; the first is the base."""
    sources = []
    for index, script in enumerate((first, second)):
        path = folder / f"s{index}.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as con:
            con.executescript(f"BEGIN; {script} COMMIT;")
        counts = {}
        with closing(sqlite3.connect(path)) as con:
            for (name,) in con.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
                counts[name] = con.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        sources.append(await load_source(index, path.name, path, counts))
    plan, questions = await make_plan(
        sources, plan_file.loads('on_conflict = ["stop"]'), ignore, scratch=folder
    )
    assert not questions
    return await merge(plan, folder / "staging.db", folder / "ledger.db", emit)


def read(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of a file that may not be changed."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as con:
        return con.execute(sql).fetchall()


def shop(name: str, rows: int) -> str:
    return SHOP.format(name=name, rows=rows)


async def test_small_tables_first_and_indexes_again(tmp_path: Path) -> None:
    """The large table is written last; its indexes are all there and fit."""
    heard: list[Event] = []
    result = await build(tmp_path, shop("bob", 10), shop("cyd", ROWS), heard.append)
    assert not result.questions
    written = [event.table for event in heard if isinstance(event, TableMerged)]
    assert written[-1] == "events"
    assert {counts.table: counts.lost for counts in result.counts} == dict.fromkeys(written, 0)
    staging = tmp_path / "staging.db"
    sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql <> '' ORDER BY name"
    assert read(staging, sql) == read(tmp_path / "s0.db", sql)
    assert read(staging, "PRAGMA integrity_check") == [("ok",)]
    assert read(staging, "SELECT count(*) FROM events") == [(ROWS + 10,)]
    owners = "SELECT DISTINCT u.email FROM events e JOIN users u ON u.id = e.user_id ORDER BY 1"
    assert read(staging, owners) == [("ann@x",), ("bob@x",), ("cyd@x",)]


async def test_statistics_stay(tmp_path: Path) -> None:
    """Taking an index away would take its statistics too."""
    await build(tmp_path, shop("bob", 10) + "ANALYZE;", shop("cyd", ROWS), ignore)
    sql = "SELECT * FROM sqlite_stat1 ORDER BY 1, 2"
    before = read(tmp_path / "s0.db", sql)
    assert any(row[1] == "events_by_user" for row in before)
    assert read(tmp_path / "staging.db", sql) == before
    assert read(tmp_path / "staging.db", "PRAGMA integrity_check") == [("ok",)]


async def test_question_leaves_nothing_staged(tmp_path: Path) -> None:
    """An undecided conflict ends the writing; nothing was heard of it, the ledger can be read."""
    heard: list[Event] = []
    other = shop("cyd", 10) + "UPDATE users SET name = 'Anna' WHERE id = 1;"
    result = await build(tmp_path, shop("bob", 10), other, heard.append)
    assert [question.table for question in result.questions] == ["users"]
    assert not any(isinstance(event, TableMerged) for event in heard)
    assert not [*tmp_path.glob("staging*"), *tmp_path.glob("ledger.db-*")]
    assert read(tmp_path / "ledger.db", "SELECT count(*) FROM conflict") == [(1,)]


async def test_a_large_table_is_compared_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a connection of its own, with the result of one after the other."""
    opened: list[object] = []

    def counted(*arguments: object, **named: object) -> object:
        opened.append(named["ledger"])
        return open_workspace(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("consolidator_tui.services.merge.matching.open_workspace", counted)
    found = []
    for limit in (matching.LARGE, ROWS):
        monkeypatch.setattr(matching, "LARGE", limit)
        folder = tmp_path / str(limit)
        folder.mkdir()
        result = await build(folder, shop("bob", 10), shop("bob", ROWS), ignore)
        tables = ("users", "colors", "events")
        rows = [read(folder / "staging.db", f"SELECT * FROM {name} ORDER BY 1") for name in tables]
        found.append((rows, result.counts, read(folder / "ledger.db", "SELECT * FROM map_2")))
    assert opened == [tmp_path / str(ROWS) / "ledger.db"]
    assert found[0] == found[1]


@pytest.mark.parametrize("bad", ["INSERT INTO t VALUES (1, 2, 3)", "INSERT INTO t(up) VALUES (9)"])
async def test_a_turn_that_fails_leaves_nothing_locked(tmp_path: Path, bad: str) -> None:
    """In a statement or at its end: what the next one writes is not refused, and hides no error."""
    path, lock = tmp_path / "ledger.db", asyncio.Lock()
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.execute(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, up REFERENCES t DEFERRABLE INITIALLY DEFERRED)"
        )
    async with open_database(path, mode="rw") as first, open_database(path, mode="rw") as second:
        await first.execute("PRAGMA foreign_keys = ON")

        async def take_a_turn(database: Database, *statements: str) -> None:
            async with Turn(database, lock) as turn:
                await turn.begin()
                await database.script(statements)

        with pytest.raises(sqlite3.Error, match=r"FOREIGN KEY|3 values"):
            await take_a_turn(first, "INSERT INTO t(id) VALUES (5)", bad)
        await take_a_turn(second, "SELECT * FROM t", "INSERT INTO t(id) VALUES (7)")
        assert await first.rows("SELECT * FROM t") == [(7, None)]


async def test_an_error_at_the_end_of_comparing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the writer and drops what was staged, and it is told, not what follows from it."""

    @asynccontextmanager
    async def broken(*arguments: object, **named: object) -> AsyncIterator[Workspace]:
        async with open_workspace(*arguments, **named) as workspace:  # type: ignore[arg-type]
            yield workspace
        raise sqlite3.OperationalError("disk I/O error")

    async def locked(_ledger: Path) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("consolidator_tui.services.merge.open_workspace", broken)
    monkeypatch.setattr("consolidator_tui.services.merge.close_ledger", locked)
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        await build(tmp_path, shop("bob", 10), shop("cyd", 10), ignore)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not (tmp_path / "staging.db").exists()


def is_comparing(event: Event) -> bool:
    return isinstance(event, Progress) and event.label == "events"


def is_written(event: Event) -> bool:
    return isinstance(event, TableMerged)


@pytest.mark.parametrize("large", [matching.LARGE, ROWS], ids=["in turn", "beside"])
@pytest.mark.parametrize("moment", [is_comparing, is_written])
async def test_cancelled(
    tmp_path: Path, moment: Callable[[Event], bool], large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections end, and their threads."""
    monkeypatch.setattr(matching, "LARGE", large)
    before = set(threading.enumerate())

    def hear(event: Event) -> None:
        if moment(event):
            task.cancel()

    task = asyncio.ensure_future(build(tmp_path, shop("bob", 10), shop("cyd", ROWS), hear))
    with pytest.raises(asyncio.CancelledError):
        await task
    left = [t for t in set(threading.enumerate()) - before if "asyncio" not in t.name]
    for thread in left:
        await asyncio.to_thread(thread.join, 5)
    assert not any(thread.is_alive() for thread in left)
