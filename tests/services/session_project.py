"""A small project with two databases that share a person, and a hash of everything in it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, updated_at TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), what TEXT);
"""


def write(path: Path, users: list[tuple[Any, ...]], orders: list[tuple[Any, ...]]) -> None:
    """A database of the schema above with these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO users VALUES (?, ?, ?, ?)", users)
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
        connection.commit()


def write_shop(folder: Path, *, first: str = "a.db") -> None:
    """Two files: Ann is in both under other ids, the ids collide."""
    write(
        folder / first,
        [(1, "ann@x", "Ann", "2024-01-01"), (2, "bob@x", "Bob", "2024-01-01")],
        [(1, 1, "pen"), (2, 2, "ink")],
    )
    write(
        folder / "b.db",
        [(1, "cyd@x", "Cyd", "2024-01-01"), (2, "ann@x", "Ann", "2024-01-01")],
        [(1, 1, "cup"), (2, 2, "jar")],
    )


OWNERS = [("ann@x", "jar"), ("ann@x", "pen"), ("bob@x", "ink"), ("cyd@x", "cup")]


def owners(path: Path) -> list[tuple[str, str]]:
    """Who has which order, by meaning."""
    with closing(sqlite3.connect(path)) as connection:
        return sorted(
            connection.execute("SELECT email, what FROM orders JOIN users ON users.id = user_id")
        )


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file outside the tool's own folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".consolidator" not in path.parts
    }
