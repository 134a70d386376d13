"""Merges with a known common ancestor, against a slow three-way merge in plain Python."""

from __future__ import annotations

import os
import random
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
from consolidator_tui.domain.outcome import Outcome, Result, RunOptions
from consolidator_tui.services.consolidate import consolidate

SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, mark TEXT,
  a TEXT, b);
CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER REFERENCES users(id),
  mark TEXT, a TEXT, b);
CREATE TABLE tags(name TEXT PRIMARY KEY, a TEXT, b) WITHOUT ROWID;
CREATE TABLE links(user_id INTEGER REFERENCES users(id), tag TEXT REFERENCES tags(name), a TEXT, b,
  PRIMARY KEY(user_id, tag));
"""
Rows = dict[Any, dict[str, Any]]
State = dict[str, Rows]
"""Table -> entity -> columns. Users and notes are named by their marks, references too."""
SEEDS = int(os.environ.get("CONSOLIDATOR_EXAMPLES", "100")) // 6


class Side:
    """One copy of the ancestor and what happens in it."""

    def __init__(self, name: str, chance: random.Random, path: Path) -> None:
        self.name, self.chance = name, chance
        self.con = sqlite3.connect(path, isolation_level=None)
        self.made = 0

    def ids(self, table: str) -> list[Any]:
        return [row[0] for row in self.con.execute(f"SELECT rowid FROM {table} ORDER BY 1")]

    def value(self) -> Any:
        return self.chance.choice(["x", "y", None, 1, 1.5, "1", b"\xff", f"{self.name}"])

    def insert(self, *, mark: str | None = None) -> None:
        """A new user with notes, tags and links; marks of new rows differ by side."""
        self.made += 1
        mark = mark or f"{self.name}{self.made}"
        c = self.con
        user = c.execute(
            "INSERT INTO users(email, mark, a, b) VALUES (?,?,?,?)",
            (f"{mark}@x", mark, self.value(), self.value()),
        ).lastrowid
        for n in range(self.chance.randrange(3)):
            owner = self.chance.choice([user, *self.ids("users")])
            c.execute(
                "INSERT INTO notes(user_id, mark, a, b) VALUES (?,?,?,?)",
                (owner, f"{mark}.{n}", self.value(), self.value()),
            )
        tag = self.chance.choice("pqrst")
        c.execute("INSERT OR IGNORE INTO tags VALUES (?,?,?)", (tag, self.value(), self.value()))
        c.execute("INSERT OR IGNORE INTO links VALUES (?,?,?,?)", (user, tag, "w", self.value()))

    def change(self) -> None:
        table = self.chance.choice(["users", "notes", "tags", "links"])
        key = {"users": "id", "notes": "id", "tags": "name", "links": "rowid"}[table]
        keys = [row[0] for row in self.con.execute(f"SELECT {key} FROM {table} ORDER BY 1")]
        if not keys:
            return
        where = f"WHERE {key} = ?"
        chosen = self.chance.choice(keys)
        kind = self.chance.random()
        if kind < 0.55:
            column = self.chance.choice("ab")
            self.con.execute(f"UPDATE {table} SET {column} = ? {where}", (self.value(), chosen))
        elif kind < 0.65 and table == "users":
            renamed = f"{self.name}-{self.chance.randrange(1000)}-{chosen}@x"
            self.con.execute(f"UPDATE users SET email = ? {where}", (renamed, chosen))
        elif kind < 0.7 and table == "notes":
            owner = self.chance.choice([*self.ids("users"), None])
            self.con.execute(f"UPDATE notes SET user_id = ? {where}", (owner, chosen))
        elif table == "tags":
            self.con.execute("DELETE FROM links WHERE tag = ?", (chosen,))
            self.con.execute(f"DELETE FROM tags {where}", (chosen,))
        elif table == "users":
            self.con.execute("DELETE FROM notes WHERE user_id = ?", (chosen,))
            self.con.execute("DELETE FROM links WHERE user_id = ?", (chosen,))
            self.con.execute(f"DELETE FROM users {where}", (chosen,))
        else:
            self.con.execute(f"DELETE FROM {table} {where}", (chosen,))


def read(path: Path) -> State:
    """The entities of a file; references are the marks of the parents."""
    with closing(sqlite3.connect(path)) as con:
        marks = dict(con.execute("SELECT id, mark FROM users"))
        assert len(set(marks.values())) == len(marks)
        state: State = {"users": {}, "notes": {}, "tags": {}, "links": {}}
        for _, email, mark, a, b in con.execute("SELECT * FROM users"):
            state["users"][mark] = {"email": email, "a": a, "b": b}
        for _, user, mark, a, b in con.execute("SELECT * FROM notes"):
            assert mark not in state["notes"]
            state["notes"][mark] = {"user": user and marks[user], "a": a, "b": b}
        for name, a, b in con.execute("SELECT * FROM tags"):
            state["tags"][name] = {"a": a, "b": b}
        for user, tag, a, b in con.execute("SELECT * FROM links"):
            state["links"][marks[user], tag] = {"a": a, "b": b}
    return state


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def expected(before: State, first: State, second: State, *, honour: bool) -> State:
    """Column by column; where both sides changed, the first one wins."""
    merged: State = {}
    dead: set[tuple[str, Any]] = set()
    for table in before:
        merged[table] = {}
        for key in {*first[table], *second[table]}:
            old = before[table].get(key)
            one, two = first[table].get(key), second[table].get(key)
            if one is None or two is None:
                left = one or two
                assert left is not None
                merged[table][key] = left
                if old is not None and all(same(left[c], old[c]) for c in left):
                    dead.add((table, key))
                continue
            merged[table][key] = {
                c: two[c] if old is not None and same(one[c], old[c]) else one[c] for c in one
            }
    while honour:
        needed = {("users", row["user"]) for k, row in merged["notes"].items()
                  if ("notes", k) not in dead}  # fmt: skip
        # A version that lost still held on to its parents in its own file.
        for state in (first, second):
            needed |= {("users", row["user"]) for k, row in state["notes"].items()
                       if ("notes", k) not in dead}  # fmt: skip
        for user, tag in merged["links"]:
            if ("links", (user, tag)) not in dead:
                needed |= {("users", user), ("tags", tag)}
        if not dead & needed:
            break
        dead -= needed
    if honour:
        for table, key in dead:
            del merged[table][key]
    return merged


def make_world(seed: int, folder: Path) -> tuple[State, State, State]:
    """An ancestor and two files that diverged from it."""
    chance = random.Random(seed)
    past = folder / "old" / "app.db"
    past.parent.mkdir(parents=True)
    with closing(sqlite3.connect(past)) as con:
        con.executescript(SCHEMA)
    origin = Side("o", chance, past)
    for _ in range(chance.randrange(2, 9)):
        origin.insert()
    origin.con.close()
    states = [read(past)]
    for name, path in (("A", folder / "app.db"), ("B", folder / "backend" / "app.db")):
        path.parent.mkdir(exist_ok=True)
        shutil.copy(past, path)
        side = Side(name, chance, path)
        for _ in range(chance.randrange(12)):
            side.change() if chance.random() < 0.75 else side.insert()
        side.con.close()
        states.append(read(path))
    return states[0], states[1], states[2]


async def run(folder: Path, plan: str, *sources: str) -> Outcome:
    (folder / "plan.toml").write_text(plan)
    options = RunOptions(
        yes=True,
        plan=folder / "plan.toml",
        target="app.db",
        sources=sources or ("app.db", "backend/app.db"),
    )
    return await consolidate(folder, options, lambda event: None)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_random_histories(seed: int, tmp_path: Path) -> None:
    states = make_world(seed, tmp_path)
    honour = seed % 2 == 0
    deletions = "honour" if honour else "keep"
    outcome = await run(
        tmp_path,
        'ancestor = "old/app.db"\ndescendants = ["app.db", "backend/app.db"]\n'
        f'deletions = "{deletions}"\non_conflict = ["base"]\n',
    )
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    assert read(tmp_path / "app.db") == expected(*states, honour=honour)
    for table in outcome.tables:
        parts = (table.base, table.new, table.duplicate, table.conflict, table.deleted)
        assert table.source == sum(parts)
        assert table.lost == 0
        assert honour or not table.deleted


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
    before = await run(tmp_path, "")
    assert before.result is Result.NEEDS_DECISIONS
    line = offered(before)
    assert line == 'ancestor = "archive/app.db.bak"'
    assert (await run(tmp_path, line)).result is Result.CONSOLIDATED
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
    line = offered(await run(tmp_path, ""))
    assert line.startswith('ancestor = "git:')
    assert line.endswith(':app.db"')
    assert (await run(tmp_path, line)).result is Result.CONSOLIDATED
    assert users(tmp_path) == MERGED
    assert not (tmp_path / "ran").exists()


async def test_the_backup_of_an_old_run_is_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        # A run of that time, of which only the backup is left to tell.
        with closing(sqlite3.connect(tmp_path / "other.db")) as con:
            con.executescript("CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        first = await run(tmp_path, "", "app.db", "other.db")
        assert first.result is Result.CONSOLIDATED
        with closing(sqlite3.connect(tmp_path / "app.db")) as con:
            con.execute("DROP TABLE t")
        (tmp_path / "other.db").unlink()
    line = offered(await run(tmp_path, ""))
    assert ".consolidator/runs/" in line
    assert (await run(tmp_path, line)).result is Result.CONSOLIDATED
    assert users(tmp_path) == MERGED


async def test_a_later_copy_of_one_side_is_not_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        pass
    shutil.copy(tmp_path / "backend" / "app.db", tmp_path / "later.bak")
    outcome = await run(tmp_path, "")
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
    outcome = await run(tmp_path, f'ancestor = "{name}"\n')
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
    assert (await run(tmp_path, "")).result is Result.NEEDS_DECISIONS
    outcome = await run(tmp_path, "")
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
    outcome = await run(tmp_path, 'ancestor = "old.bak"\n')
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
    outcome = await run(tmp_path, plan)
    assert outcome.result is Result.NEEDS_DECISIONS
    [asked] = [m for m in outcome.messages if m.column == "owner"]
    outcome = await run(tmp_path, plan + asked.fix)
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
    began = time.monotonic()
    outcome = await run(tmp_path, plan)
    assert outcome.result is Result.CONSOLIDATED
    assert time.monotonic() - began < 20  # A square of them took minutes.
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        merged = con.execute("SELECT count(*) FROM t WHERE a = b").fetchone()[0]
    assert merged == count


def copies(folder: Path, before: str, first: str, second: str) -> None:
    """A state, and two copies of it in which something happened."""
    (folder / "backend").mkdir()
    for path, script in (("old.bak", ""), ("app.db", first), ("backend/app.db", second)):
        with closing(sqlite3.connect(folder / path)) as con:
            con.executescript(before + script)


KNOWN = 'ancestor = "old.bak"\ndescendants = ["app.db", "backend/app.db"]\n'


@pytest.mark.parametrize("first", ["", "UPDATE users SET phone = '9' WHERE id = 1;"])
async def test_names_that_two_rows_exchanged_are_asked(first: str, tmp_path: Path) -> None:
    """The name tells who is who, the past tells otherwise: not to be settled in silence."""
    swap = (
        "UPDATE users SET email = '' WHERE id = 1; UPDATE users SET email = 'ann' WHERE id = 2;"
        "UPDATE users SET email = 'bob' WHERE id = 1;"
    )
    copies(tmp_path, BEFORE, first, swap)
    outcome = await run(tmp_path, KNOWN)
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
    began = time.monotonic()
    outcome = await run(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED
    assert time.monotonic() - began < 20  # One reading of the table for each link took minutes.
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        assert con.execute("SELECT count(*) FROM m").fetchone()[0] == count


async def test_tables_whose_deletions_are_not_seen_are_named(tmp_path: Path) -> None:
    log = "CREATE TABLE log(t TEXT); INSERT INTO log VALUES ('a'), ('b'), ('c');"
    copies(tmp_path, log, "", "DELETE FROM log WHERE t = 'b'")
    outcome = await run(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED
    assert any(m.table == "log" and "cannot be followed" in m.text for m in outcome.messages)


async def test_a_commit_of_files_that_had_diverged_is_not_offered(tmp_path: Path) -> None:
    for _ in diverge(tmp_path, tmp_path / "app.db"):
        pass
    commit(tmp_path, "app.db", "backend/app.db")
    outcome = await run(tmp_path, "")
    assert not [m for m in outcome.messages if m.fix.startswith("ancestor")]
