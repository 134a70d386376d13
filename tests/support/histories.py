"""Random histories: an ancestor, two files that diverged from it, and what a right merge holds."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from consolidator_tui.domain.outcome import Outcome, RunOptions
from consolidator_tui.services.consolidate import consolidate

SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, mark TEXT,
  a TEXT, b);
CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER REFERENCES users(id),
  mark TEXT, a TEXT, b);
CREATE TABLE tags(name TEXT PRIMARY KEY, a TEXT, b) WITHOUT ROWID;
CREATE TABLE links(user_id INTEGER REFERENCES users(id), tag TEXT REFERENCES tags(name), a TEXT, b,
  PRIMARY KEY(user_id, tag));
CREATE TABLE log(t TEXT, b);
"""
Rows = dict[Any, dict[str, Any]]
State = dict[str, Rows]
"""Table -> entity -> columns. Users and notes are named by their marks, references too; rows of log
by their content, with their number as the only column."""


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
        for _ in range(self.chance.randrange(3)):
            c.execute("INSERT INTO log VALUES (?,?)", (self.chance.choice("uv"), self.value()))

    def change(self) -> None:
        table = self.chance.choice(["users", "notes", "tags", "links", "log"])
        key = {"users": "id", "notes": "id", "tags": "name"}.get(table, "rowid")
        keys = [row[0] for row in self.con.execute(f"SELECT {key} FROM {table} ORDER BY 1")]
        if not keys:
            return
        where = f"WHERE {key} = ?"
        chosen = self.chance.choice(keys)
        kind = self.chance.random()
        if kind < 0.55:
            column = "b" if table == "log" else self.chance.choice("ab")
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
        state: State = {"users": {}, "notes": {}, "tags": {}, "links": {}, "log": {}}
        for _, email, mark, a, b in con.execute("SELECT * FROM users"):
            state["users"][mark] = {"email": email, "a": a, "b": b}
        for _, user, mark, a, b in con.execute("SELECT * FROM notes"):
            assert mark not in state["notes"]
            state["notes"][mark] = {"user": user and marks[user], "a": a, "b": b}
        for name, a, b in con.execute("SELECT * FROM tags"):
            state["tags"][name] = {"a": a, "b": b}
        for user, tag, a, b in con.execute("SELECT * FROM links"):
            state["links"][marks[user], tag] = {"a": a, "b": b}
        for t, b, n in con.execute("SELECT t, b, count(*) FROM log GROUP BY t, b, typeof(b)"):
            state["log"][t, type(b), b] = {"n": n}
    return state


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def expected(before: State, first: State, second: State, *, honour: bool) -> State:
    """Column by column; where both sides changed, the first one wins."""
    merged: State = {}
    dead: set[tuple[str, Any]] = set()
    for table in before:
        merged[table] = {}
        if table == "log":
            continue
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
    for content in {*first["log"], *second["log"]}:
        counts = [state["log"].get(content, {"n": 0})["n"] for state in (before, first, second)]
        # Of each content the k-th row here is the k-th row there.
        number = max(counts[1:])
        if honour:
            number = min(counts) + max(0, number - counts[0])
        if number:
            merged["log"][content] = {"n": number}
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


async def run_with(folder: Path, plan: str, *sources: str) -> Outcome:
    """Merge two files of a folder into app.db under a plan."""
    (folder / "plan.toml").write_text(plan)
    options = RunOptions(
        yes=True,
        plan=folder / "plan.toml",
        target="app.db",
        sources=sources or ("app.db", "backend/app.db"),
    )
    return await consolidate(folder, options, lambda event: None)


def copies(folder: Path, before: str, first: str, second: str) -> None:
    """A state, and two copies of it in which something happened."""
    (folder / "backend").mkdir()
    for path, script in (("old.bak", ""), ("app.db", first), ("backend/app.db", second)):
        with closing(sqlite3.connect(folder / path)) as con:
            con.executescript(before + script)


KNOWN = 'ancestor = "old.bak"\ndescendants = ["app.db", "backend/app.db"]\n'
