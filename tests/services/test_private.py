"""What must stay private or inside: modes, values, SQL of a source's schema, paths of a plan."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.domain.event import Event, ignore
from consolidator_tui.domain.outcome import Outcome, RunOptions
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.undoing import undo
from consolidator_tui.storage.run_folder import list_runs
from consolidator_tui.storage.sqlite import open_database
from tests.services.session_project import SCHEMA, hashes, write_shop

SECRET = "s3cr3t-v4lue"


@pytest.mark.parametrize("mask", ["000", "277", "777"])
def test_only_the_owner_reads_a_run_whatever_the_umask(tmp_path: Path, mask: str) -> None:
    write_shop(tmp_path)
    command = [sys.executable, "-m", "consolidator_tui", "run", str(tmp_path), "--yes"]
    command += ["--target", "app.db", "--configure"]
    done = subprocess.run(
        ["sh", "-c", f'umask {mask}; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    own = tmp_path / ".consolidator"
    for path in (own, *own.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def _plant(path: Path, row: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        connection.execute(
            "INSERT INTO users VALUES (1, ?, ?, '2024-01-01')",
            (f"{SECRET}@x", f"{SECRET} {row}"),
        )
        connection.execute("INSERT INTO orders VALUES (1, 1, ?)", (f"{SECRET} order {row}",))
        connection.commit()


async def test_no_value_reaches_logs_events_or_receipts(tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    _plant(project / "a.db", 1)
    _plant(project / "b.db", 2)
    events: list[Event] = []
    for rules in ((Rule.STOP,), (Rule.BASE,)):
        options = RunOptions(target="app.db", yes=True, on_conflict=rules)
        outcome = await consolidate(project, options, events.append)
    assert outcome.exit_status == 0
    with closing(sqlite3.connect(project / "app.db")) as connection:
        connection.execute("INSERT INTO orders VALUES (9, 1, ?)", (f"{SECRET} since",))
        connection.commit()
    await undo(project, None, events.append)
    assert SECRET not in repr(events)
    assert SECRET not in json.dumps(outcome.as_object(), default=str)
    runs = list_runs(project)
    assert len(runs) == 2
    for run in runs:
        for name in ("report.md", "report.html"):
            assert SECRET not in (run.path / name).read_text()
        with closing(sqlite3.connect(run.run_db)) as connection:
            bodies = connection.execute("SELECT body FROM events").fetchall()
            receipt = connection.execute("SELECT body FROM documents WHERE name = 'receipt'")
            assert receipt.fetchone() is not None
        assert bodies
        assert SECRET not in repr(bodies)


_CALLS = {
    "load_extension": "load_extension('{trap}')",
    "writefile": "writefile('{trap}', 'x')",
    "fts3_tokenizer": "fts3_tokenizer('simple', x'4141414141414141')",
    "edit": "edit('x', 'touch {trap}')",
    # A schema that speaks of JSON may be trusted by this tool.
    "trusted": "json('1') || load_extension('{trap}')",
}
_PLACES = {
    "view": ("bait", "CREATE VIEW bait AS SELECT {call} AS x"),
    "trigger": (
        "snare",
        "CREATE TRIGGER snare AFTER INSERT ON orders BEGIN SELECT {call}; END",
    ),
    "generated": (
        "users",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,"
        " updated_at TEXT, g AS ({call}))",
    ),
    "check": (
        "users",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,"
        " updated_at TEXT CHECK ({call} IS NOT 5))",
    ),
    "default": (
        "users",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,"
        " updated_at TEXT DEFAULT ({call}))",
    ),
    "index": ("lure", "CREATE INDEX lure ON orders({call})"),
}


def _arm(path: Path, place: str, call: str) -> None:
    """Put SQL into the schema that SQLite itself would refuse to declare."""
    name, sql = _PLACES[place]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE VIEW bait AS SELECT 1 AS x")
        connection.execute("CREATE TRIGGER snare AFTER INSERT ON orders BEGIN SELECT 1; END")
        connection.execute("CREATE INDEX lure ON orders(what)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql.format(call=call), name)
        )


@pytest.mark.parametrize("place", _PLACES)
async def test_sql_of_a_schema_reaches_nothing_outside(tmp_path: Path, place: str) -> None:
    for name, call in _CALLS.items():
        trap = tmp_path / f"{name}.trap"
        project = tmp_path / name
        write_shop(project)
        for file in ("a.db", "b.db"):
            _arm(project / file, place, call.format(trap=trap))
        before = hashes(project)
        options = RunOptions(target="app.db", sources=("a.db", "b.db"), yes=True)
        outcome = await consolidate(project, options, ignore)
        told = [message.text for message in outcome.messages]
        assert not trap.exists()
        assert outcome.exit_status in (0, 3, 4), told
        assert "unexpected" not in repr(told)
        after = hashes(project)
        after.pop("app.db", None)
        assert after == before


async def _with_plan(project: Path, source: str, *, allow: bool = False) -> Outcome:
    plan = project / "plan.toml"
    plan.write_text(f"sources = {json.dumps(['a.db', source])}\n")
    options = RunOptions(plan=plan, target="app.db", yes=True, allow_outside=allow)
    return await consolidate(project, options, ignore)


async def test_a_plan_leaves_the_project_only_with_a_flag(tmp_path: Path) -> None:
    project, other = tmp_path / "p", tmp_path / "other"
    write_shop(project)
    write_shop(other)
    (project / "link.db").symlink_to(other / "b.db")
    for source in ("../other/b.db", str(other / "b.db"), "link.db", "x/../../other/b.db"):
        outcome = await _with_plan(project, source)
        assert outcome.exit_status == 4
        assert "outside the project" in outcome.messages[-1].text
        assert "--allow-outside" in outcome.messages[-1].fix
        assert outcome.run == ""
    assert (await _with_plan(project, "../other/b.db", allow=True)).exit_status == 0


async def test_a_link_that_appears_is_not_followed(tmp_path: Path) -> None:
    """Somebody exchanges a source by a link to a foreign file while the run goes on."""
    project, other = tmp_path / "p", tmp_path / "other"
    write_shop(project)
    write_shop(other)
    before = hashes(other)

    def exchange(event: Event) -> None:
        if "plan" in repr(event) and not (project / "b.db").is_symlink():
            (project / "b.db").rename(project / "was-b")
            (project / "b.db").symlink_to(other / "b.db")

    options = RunOptions(target="app.db", sources=("a.db", "b.db"), cleanup=True, yes=True)
    outcome = await consolidate(project, options, exchange)
    assert (project / "b.db").is_symlink()
    assert outcome.exit_status == 4, outcome.messages
    assert hashes(other) == before
    assert os.path.lexists(project / "b.db")


async def test_only_schemas_that_speak_of_json_may_be_trusted(tmp_path: Path) -> None:
    """Some versions of SQLite refuse JSON functions in schemas that are not trusted."""
    plain, speaking = tmp_path / "plain.db", tmp_path / "json.db"
    with closing(sqlite3.connect(plain)) as connection:
        connection.execute("CREATE TABLE t(v)")
    with closing(sqlite3.connect(speaking)) as connection:
        connection.execute("CREATE TABLE t(v, g AS (json_valid(v)), CHECK (json_valid(v)))")
        connection.execute("INSERT INTO t VALUES ('{}')")
        connection.commit()
    async with open_database(plain) as database:
        assert await database.value("PRAGMA trusted_schema") == 0
        await database.attach(speaking, "other")
        assert await database.value("SELECT g FROM other.t") == 1
    async with open_database(speaking, immutable=True) as database:
        assert await database.value("SELECT g FROM t") == 1
