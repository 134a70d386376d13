"""A small shop in two files whose ids collide: what the file cases merge and check."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from .lib import Project, Row

SCHEMA = (
    "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id),"
    " what TEXT);"
    "CREATE INDEX orders_by_user ON orders(user_id);"
)
A: dict[str, Iterable[Row]] = {
    "users": [(1, "ann"), (2, "bob")],
    "orders": [(1, 1, "pen"), (2, 2, "ink")],
}
B: dict[str, Iterable[Row]] = {
    "users": [(1, "cyd"), (2, "ann")],
    "orders": [(1, 1, "cup"), (2, 2, "jar")],
}
OWNED_A = [("ann", "pen"), ("bob", "ink")]
OWNED_B = [("cyd", "cup"), ("ann", "jar")]
OWNERS = "SELECT u.email, o.what FROM users u LEFT JOIN orders o ON u.id = o.user_id"


def write(p: Project, a: str | Path = "a.db", b: str | Path = "b.db") -> None:
    """Write both files under the given names."""
    p.db(a, SCHEMA, A)
    p.db(b, SCHEMA, B)


def check(p: Project, *more: tuple[str, str | None], only_a: bool = False) -> None:
    """Every person and order of both files is in the target, with its owner."""
    rows = OWNED_A if only_a else OWNED_A + OWNED_B
    p.expect(OWNERS, [*rows, *more])


def write_wal(p: Project, name: str, script: str, last: str, checkpoint: bool = True) -> None:
    """Write a database in WAL mode whose transaction `last` is only in the `-wal`.

    Without `checkpoint` the whole database is in the `-wal`.
    """
    work = p.scratch / "wal.db"
    with p.open(work) as con:
        con.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;")
        con.executescript(script)
        if checkpoint:
            con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        con.executescript(f"BEGIN; {last} COMMIT;")
        for suffix in ("", "-wal"):
            shutil.copy(f"{work}{suffix}", p.root / f"{name}{suffix}")
