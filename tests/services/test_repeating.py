"""A run that was done already changes nothing, also where rows cannot be known again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.outcome import Outcome, Result, RunOptions
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.undoing import undo
from tests.services.session_project import hashes

ORDERS = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);" + (
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), what);"
)
DANGLING = (
    ORDERS + "INSERT INTO users VALUES (1, 'a'), (5, 'b'); INSERT INTO orders VALUES (1, 1, 'x');",
    ORDERS + "INSERT INTO users VALUES (1, 'c'), (2, 'd'); INSERT INTO orders VALUES (1, 5, 'y');",
    "",
)
NUMBERS = (
    "CREATE TABLE n(id INTEGER PRIMARY KEY); INSERT INTO n VALUES (1), (2);",
    "CREATE TABLE n(id INTEGER PRIMARY KEY); INSERT INTO n VALUES (1), (7);",
    "",
)
KEPT = (
    "CREATE TABLE u(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name);"
    "INSERT INTO u VALUES (1, 'ann@x', 'Ann');",
    "CREATE TABLE u(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name);"
    "INSERT INTO u VALUES (1, 'ann@x', 'Other Ann');",
    '[[decisions]]\ntable = "u"\nentity = { email = "ann@x" }\nkeep = "both"\n'
    'values = { email = "ann2@x" }\n',
)
WORLDS = pytest.mark.parametrize(
    "world", [DANGLING, NUMBERS, KEPT], ids=["dangling", "numbers", "kept"]
)


def _write(folder: Path, world: tuple[str, str, str]) -> RunOptions:
    for name, script in zip(("a.db", "b.db"), world, strict=False):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.executescript(script)
    (folder / "plan.toml").write_text(world[2])
    plan = folder / "plan.toml"
    return RunOptions(sources=("a.db", "b.db"), target="app.db", plan=plan, yes=True)


async def _run(folder: Path, options: RunOptions) -> Outcome:
    outcome = await consolidate(folder, options, ignore)
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    return outcome


@WORLDS
async def test_the_same_run_again_and_again(tmp_path: Path, world: tuple[str, str, str]) -> None:
    options = _write(tmp_path, world)
    before = hashes(tmp_path)
    first = await _run(tmp_path, options)
    assert first.changed
    made = hashes(tmp_path)
    for _ in range(2):
        again = await _run(tmp_path, options)
        assert not again.changed
        assert hashes(tmp_path) == made
        for table in again.tables:
            assert table.new == table.lost == table.conflict == 0
            assert table.source == table.base + table.duplicate
            assert table.base == sum(
                (t.base + t.new) for t in first.tables if t.table == table.table
            )
    assert "made of these files" not in (tmp_path / "plan.toml").read_text()
    assert await undo(tmp_path, None, ignore)
    assert hashes(tmp_path) == before


async def test_a_changed_source_or_plan_is_merged(tmp_path: Path) -> None:
    options = _write(tmp_path, NUMBERS)
    await _run(tmp_path, options)
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection:
        connection.execute("INSERT INTO n VALUES (99)")
        connection.commit()
    assert (await _run(tmp_path, options)).changed
    (tmp_path / "plan.toml").write_text('[tables.n]\nidentity = "none"\n')
    assert (await _run(tmp_path, options)).changed


async def test_a_target_that_was_written_to_is_merged(tmp_path: Path) -> None:
    options = _write(tmp_path, DANGLING)
    await _run(tmp_path, options)
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        connection.execute("DELETE FROM orders WHERE what = 'x'")
        connection.commit()
    assert (await _run(tmp_path, options)).changed
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        assert connection.execute("SELECT count(*) FROM orders WHERE what = 'x'").fetchone() == (1,)


async def test_clean_up_may_follow(tmp_path: Path) -> None:
    options = _write(tmp_path, NUMBERS)
    await _run(tmp_path, options)
    (tmp_path / "plan.toml").unlink()
    await _run(tmp_path, replace(options, plan=None, cleanup=True))
    assert sorted(hashes(tmp_path)) == ["app.db"]
