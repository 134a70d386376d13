"""Merges with a known common ancestor: where it is found, what it settles, what is still asked."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from consolidator_tui.domain.errors import FileRefused, UsageError
from consolidator_tui.domain.outcome import Outcome, Result
from tests.support.histories import KNOWN, copies, run_with

BEFORE = """
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT);
INSERT INTO users VALUES (1,'ann','1'), (2,'bob','2'), (3,'eve','3');
"""


def diverge(folder: Path, past: Path) -> Iterator[None]:
    """Two copies of a state: one changed ann's phone, the other bob's and added a row."""
    past.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(past)) as con:
        con.executescript(BEFORE)
    (folder / "backend").mkdir()
    shutil.copy(past, folder / "backend" / "app.db")
    if past != folder / "app.db":
        shutil.copy(past, folder / "app.db")
    yield
    for path, sql in (
        ("app.db", "UPDATE users SET phone = 'A' WHERE id = 1"),
        ("backend/app.db", "UPDATE users SET phone = 'B' WHERE id = 2;"
         "INSERT INTO users VALUES (4,'dan','4')"),
    ):  # fmt: skip
        with closing(sqlite3.connect(folder / path)) as con:
            con.executescript(sql)


def users(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / "app.db")) as con:
        return con.execute("SELECT email, phone FROM users ORDER BY id").fetchall()


MERGED = [("ann", "A"), ("bob", "B"), ("eve", "3"), ("dan", "4")]


def offered(outcome: Outcome) -> str:
    """The plan line that the messages offer."""
    [line] = [m.fix for m in outcome.messages if m.fix.startswith("ancestor = ")]
    return line


async def test_an_old_copy_among_the_files_is_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "archive" / "app.db.bak"):
        pass
    before = await run_with(tmp_path, "")
    assert before.result is Result.NEEDS_DECISIONS
    line = offered(before)
    assert line == 'ancestor = "archive/app.db.bak"'
    assert (await run_with(tmp_path, line)).result is Result.CONSOLIDATED
    assert users(tmp_path) == MERGED


def commit(folder: Path, *files: str) -> None:
    """Put files into a new git repository."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    for words in (("init", "-q"), ("add", "-f", *files), ("commit", "-q", "-m", "data")):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


async def test_git_history_is_offered(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@t")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        git("add", "-f", "app.db")
        git("commit", "-q", "-m", "data")
    # Hostile configuration of the repository is not run.
    git("config", "core.fsmonitor", f"touch {tmp_path}/ran")
    line = offered(await run_with(tmp_path, ""))
    assert line.startswith('ancestor = "git:')
    assert line.endswith(':app.db"')
    assert (await run_with(tmp_path, line)).result is Result.CONSOLIDATED
    assert users(tmp_path) == MERGED
    assert not (tmp_path / "ran").exists()


async def test_the_backup_of_an_old_run_is_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        # A run of that time, of which only the backup is left to tell.
        with closing(sqlite3.connect(tmp_path / "other.db")) as con:
            con.executescript("CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        first = await run_with(tmp_path, "", "app.db", "other.db")
        assert first.result is Result.CONSOLIDATED
        with closing(sqlite3.connect(tmp_path / "app.db")) as con:
            con.execute("DROP TABLE t")
        (tmp_path / "other.db").unlink()
    line = offered(await run_with(tmp_path, ""))
    assert ".consolidator/runs/" in line
    assert (await run_with(tmp_path, line)).result is Result.CONSOLIDATED
    assert users(tmp_path) == MERGED


async def test_a_later_copy_of_one_side_is_not_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        pass
    shutil.copy(tmp_path / "backend" / "app.db", tmp_path / "later.bak")
    outcome = await run_with(tmp_path, "")
    assert not [m for m in outcome.messages if m.fix.startswith("ancestor")]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.db", "There is no file"),
        ("git:HEAD:app.db", "git history"),
        ("git:--output=x:app.db", "git history"),
        ("../app.db", "outside"),
        ("plan.toml", "not an SQLite database"),
    ],
)
async def test_no_such_ancestor(name: str, told: str, tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        pass
    outcome = await run_with(tmp_path, f'ancestor = "{name}"\n')
    assert outcome.exit_status in {UsageError.exit_status, FileRefused.exit_status}
    assert told in outcome.messages[-1].text
    assert not outcome.changed
    assert users(tmp_path)[1] == ("bob", "2")


async def test_the_backup_of_a_run_that_had_both_is_not_offered(tmp_path: Path) -> None:
    """Asked once, run again: the first run's backup of one side is no common past."""
    (tmp_path / "backend").mkdir()
    rows = "".join(f"INSERT INTO t VALUES ({i}, 'n{i}', 'c{i}');" for i in range(1, 21))
    for path, city in (("app.db", "A"), ("backend/app.db", "B")):
        with closing(sqlite3.connect(tmp_path / path)) as con:
            con.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, city TEXT)")
            con.executescript(rows)
            con.executescript(f"UPDATE t SET city = '{city}' WHERE id = 5")
    assert (await run_with(tmp_path, "")).result is Result.NEEDS_DECISIONS
    outcome = await run_with(tmp_path, "")
    assert not [m for m in outcome.messages if m.fix.startswith("ancestor")]


PEOPLE = """
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, born TEXT, created_at TEXT);
CREATE TABLE notes(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), {} INTEGER,
  body TEXT);
"""


def people(path: Path, column: str) -> None:
    """Twenty people with a note each."""
    with closing(sqlite3.connect(path)) as con:
        con.executescript(PEOPLE.format(column))
        for i in range(1, 21):
            con.execute("INSERT INTO users VALUES (?,?,?,?)", (i, f"n{i}", "x", f"2020-01-{i:02}"))
            con.execute("INSERT INTO notes VALUES (?,?,?,?)", (i, i, i, f"b{i}"))
        con.commit()


async def test_an_id_given_again_is_another_parent(tmp_path: Path) -> None:
    """The note says 20 in both files, and means another user in each."""
    (tmp_path / "backend").mkdir()
    people(tmp_path / "old.bak", "n")
    for path in ("app.db", "backend/app.db"):
        shutil.copy(tmp_path / "old.bak", tmp_path / path)
    with closing(sqlite3.connect(tmp_path / "backend" / "app.db")) as con:
        con.executescript(
            "DELETE FROM users WHERE id = 20;"
            "INSERT INTO users VALUES (20, 'zoe', 'y', '2022-05-05')"
        )
    outcome = await run_with(tmp_path, 'ancestor = "old.bak"\n')
    assert outcome.result is Result.NEEDS_DECISIONS
    assert any(m.table == "notes" and m.column == "user_id" for m in outcome.messages)


async def test_a_reference_that_nobody_declared_may_lead_to_a_deleted_row(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    people(tmp_path / "old.bak", "owner")
    for path in ("app.db", "backend/app.db"):
        shutil.copy(tmp_path / "old.bak", tmp_path / path)
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        con.executescript("INSERT INTO notes VALUES (21, NULL, 7, 'of n7')")
    with closing(sqlite3.connect(tmp_path / "backend" / "app.db")) as con:
        con.executescript("DELETE FROM notes WHERE id = 7; DELETE FROM users WHERE id = 7")
    plan = 'ancestor = "old.bak"\ndeletions = "honour"\n'
    outcome = await run_with(tmp_path, plan)
    assert outcome.result is Result.NEEDS_DECISIONS
    [asked] = [m for m in outcome.messages if m.column == "owner"]
    outcome = await run_with(tmp_path, plan + asked.fix)
    assert outcome.result is Result.CONSOLIDATED
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        assert con.execute("SELECT name FROM users WHERE id = 7").fetchall() == [("n7",)]


async def test_many_one_sided_changes_are_settled_in_time(tmp_path: Path) -> None:
    """The time grows with the rows, not with their square."""
    count = 40_000
    (tmp_path / "backend").mkdir()
    with closing(sqlite3.connect(tmp_path / "old.bak")) as con:
        con.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT)")
        con.executemany("INSERT INTO t VALUES (?, 'x', 'y', 'z')", [(i,) for i in range(count)])
        con.commit()
    for path, column in (("app.db", "a"), ("backend/app.db", "b")):
        shutil.copy(tmp_path / "old.bak", tmp_path / path)
        with closing(sqlite3.connect(tmp_path / path)) as con:
            con.executescript(f"UPDATE t SET {column} = id")
    plan = 'ancestor = "old.bak"\ndescendants = ["app.db", "backend/app.db"]\n'
    began = time.process_time()
    outcome = await run_with(tmp_path, plan)
    assert outcome.result is Result.CONSOLIDATED
    assert time.process_time() - began < 20  # A square of them took minutes.
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        merged = con.execute("SELECT count(*) FROM t WHERE a = b").fetchone()[0]
    assert merged == count


@pytest.mark.parametrize("first", ["", "UPDATE users SET phone = '9' WHERE id = 1;"])
async def test_names_that_two_rows_exchanged_are_asked(first: str, tmp_path: Path) -> None:
    """The name tells who is who, the past tells otherwise: not to be settled in silence."""
    swap = (
        "UPDATE users SET email = '' WHERE id = 1; UPDATE users SET email = 'ann' WHERE id = 2;"
        "UPDATE users SET email = 'bob' WHERE id = 1;"
    )
    copies(tmp_path, BEFORE, first, swap)
    outcome = await run_with(tmp_path, KNOWN)
    assert outcome.result is Result.NEEDS_DECISIONS
    assert [m.column for m in outcome.messages if m.table == "users"] == ["phone"]


async def test_a_long_chain_of_deleted_rows_stays_in_time(tmp_path: Path) -> None:
    """All that a row which stays leads to stays; the time grows with the rows."""
    count = 12_000
    chain = (
        "CREATE TABLE m(id INTEGER PRIMARY KEY, prev INTEGER REFERENCES m(id), t TEXT);"
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        "INSERT INTO m SELECT i, nullif(i - 1, 0), 't' || i FROM n;"
    )
    copies(
        tmp_path,
        chain,
        f"INSERT INTO m VALUES ({count + 1}, {count - 1}, 'new')",
        "DELETE FROM m WHERE id > 5",
    )
    began = time.process_time()
    outcome = await run_with(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED
    assert time.process_time() - began < 20  # One reading of the table for each link took minutes.
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        assert con.execute("SELECT count(*) FROM m").fetchone()[0] == count


async def test_tables_whose_deletions_are_not_seen_are_named(tmp_path: Path) -> None:
    before = "CREATE TABLE log(t); INSERT INTO log VALUES ('a'), ('b'), ('c');"
    copies(tmp_path, before, "ALTER TABLE log ADD n", "DELETE FROM log WHERE t = 'b'")
    outcome = await run_with(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED
    assert any(m.table == "log" and "cannot be followed" in m.text for m in outcome.messages)


async def test_a_commit_of_files_that_had_diverged_is_not_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        pass
    commit(tmp_path, "app.db", "backend/app.db")
    outcome = await run_with(tmp_path, "")
    assert not [m for m in outcome.messages if m.fix.startswith("ancestor")]


async def test_a_unique_key_alone_follows_rows(tmp_path: Path) -> None:
    """No primary key: what one file changed and the other deleted stays, as it was changed."""
    before = (
        "CREATE TABLE t(code TEXT UNIQUE, v); INSERT INTO t VALUES ('a', 1), ('b', 1), ('c', 1);"
    )
    first = "UPDATE t SET v = 2 WHERE code <> 'c'; DELETE FROM t WHERE code = 'c';"
    copies(tmp_path, before, first, "DELETE FROM t WHERE code = 'a'")
    outcome = await run_with(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        assert con.execute("SELECT * FROM t ORDER BY 1").fetchall() == [("a", 2), ("b", 2)]


async def test_an_exact_copy_is_named_as_a_descendant(tmp_path: Path) -> None:
    """Who names the copy means the file that it is a copy of."""
    copies(tmp_path, BEFORE, "", "UPDATE users SET phone = 'B' WHERE id = 2")
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        con.executescript(
            "UPDATE users SET phone = 'A' WHERE id = 2; DELETE FROM users WHERE id = 3"
        )
    shutil.copy(tmp_path / "app.db", tmp_path / "copy.db")
    plan = 'ancestor = "old.bak"\ndescendants = ["copy.db", "backend/app.db"]\n'
    plan += 'deletions = "honour"\non_conflict = ["base"]\n'
    outcome = await run_with(tmp_path, plan, "app.db", "copy.db", "backend/app.db")
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    assert users(tmp_path) == [("ann", "1"), ("bob", "A")]


async def test_a_column_that_came_later_hides_no_deletion(tmp_path: Path) -> None:
    """Rows of a UNIQUE key are followed where one file has a column that the ancestor had not."""
    before = (
        "CREATE TABLE t(code TEXT UNIQUE, v); INSERT INTO t VALUES ('a', 1), ('b', 1), ('c', 1);"
    )
    added = "ALTER TABLE t ADD COLUMN note; UPDATE t SET note = 'n' WHERE code = 'b';"
    copies(tmp_path, before, "DELETE FROM t WHERE code = 'c'", added)
    outcome = await run_with(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        found = con.execute("SELECT * FROM t ORDER BY 1").fetchall()
    assert found == [("a", 1, None), ("b", 1, "n")]
