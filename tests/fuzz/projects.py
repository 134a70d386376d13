"""Small projects whose every page matters: page size 512, many kinds of objects."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tests.crash.projects import make_logged, make_plain

TARGET = "app.db"
SOURCES = ("app.db", "a.db", "b.db")

_RICH = """
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT DEFAULT 'x', age INTEGER CHECK (age IS NULL OR age >= 0), score REAL,
  shout TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL);
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE,
  what TEXT, data BLOB);
CREATE TABLE settings(key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE tags(order_id INTEGER, tag TEXT, PRIMARY KEY (order_id, tag),
  FOREIGN KEY (order_id) REFERENCES orders(id));
CREATE INDEX orders_what ON orders(lower(what)) WHERE what IS NOT NULL;
CREATE VIEW names AS SELECT name FROM users;
CREATE TRIGGER t AFTER INSERT ON orders BEGIN
  UPDATE users SET score = 1 WHERE id = new.user_id; END;
CREATE VIRTUAL TABLE notes USING fts5(title, body);
"""


def make_rich(project: Path) -> None:
    """Most kinds of schema objects in three files."""
    for number, name in enumerate(SOURCES):
        connection = _open(project / name)
        connection.executescript(_RICH)
        for row in range(12):
            mail = f"p{row + number * 4}@x"
            connection.execute(
                "INSERT INTO users(email, name, age, score) VALUES (?, ?, ?, ?)",
                (mail, f"N{row}", row, row / 3),
            )
            connection.execute(
                "INSERT INTO orders(user_id, what, data) VALUES (?, ?, ?)",
                (row + 1, f"{name} {row}", b"\0\xff" * (40 * (row % 4))),
            )
            connection.execute("INSERT INTO settings VALUES (?, ?)", (f"k{row}", row))
            connection.execute("INSERT INTO tags VALUES (?, ?)", (row + 1, f"t{row % 3}"))
            connection.execute("INSERT INTO notes VALUES (?, ?)", (f"note {row}", "some words"))
        connection.close()


def make_wide(project: Path) -> None:
    """Overflow pages, deep trees, a freelist, auto_vacuum's pointer map, UTF-16."""
    for number, name in enumerate(SOURCES):
        connection = _open(project / name, auto_vacuum=2, encoding="UTF-16le")
        connection.execute("CREATE TABLE log(id INTEGER PRIMARY KEY, at TEXT UNIQUE, text TEXT)")
        connection.executemany(
            "INSERT INTO log(at, text) VALUES (?, ?)",
            [(f"2024-01-{n:03}-{number}", "y" * (n * 7 % 900)) for n in range(60)],
        )
        connection.execute("DELETE FROM log WHERE id % 5 = 0")
        connection.close()


def make_log_with_index(project: Path) -> None:
    """Sources with a -wal and its -shm, as a killed process leaves them."""
    for name in SOURCES:
        connection = _open(project / name)
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;")
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
        connection.execute("PRAGMA wal_checkpoint")
        connection.executemany("INSERT INTO t(v) VALUES (?)", [(f"{name}{n}",) for n in range(30)])
        connection.execute("UPDATE t SET v = v || '!' WHERE id % 2")
        kept = {}
        for suffix in ("", "-wal", "-shm"):
            kept[suffix] = Path(f"{project / name}{suffix}").read_bytes()
        connection.close()
        for suffix, content in kept.items():
            Path(f"{project / name}{suffix}").write_bytes(content)


PROJECTS: dict[str, Callable[[Path], None]] = {
    "plain": make_plain,
    "logged": make_logged,
    "rich": make_rich,
    "wide": make_wide,
    "log with index": make_log_with_index,
}


def templates(folder: Path) -> dict[str, Path]:
    """Every project, made once."""
    made = {}
    for name, make in PROJECTS.items():
        made[name] = folder / name
        made[name].mkdir(parents=True)
        make(made[name])
        for path in made[name].iterdir():
            if path.is_file() and not path.name.startswith(SOURCES):
                path.unlink()
            elif path.is_dir():
                shutil.rmtree(path)
    return made


def _open(path: Path, auto_vacuum: int = 0, encoding: str = "UTF-8") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size = 512", f"auto_vacuum = {auto_vacuum}", f"encoding = '{encoding}'"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
