"""Small projects to consolidate, one per way in which a target and its sources can be found."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

TARGET = "app.db"
SOURCES = ("a.db", "b.db")

_SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, updated_at TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), what TEXT);
CREATE INDEX orders_of ON orders(user_id);
"""
_PEOPLE = {
    "app.db": [(1, "ann@x", "Ann", "2024-01-01"), (2, "bob@x", "Bob", "2024-01-01")],
    "a.db": [(1, "ann@x", "Anna", "2024-05-01"), (2, "cy@x", "Cy", "2024-01-01")],
    "b.db": [(1, "dee@x", "Dee", "2024-01-01"), (2, "bob@x", "Bob", "2023-01-01")],
}


def make_plain(project: Path) -> None:
    """A target and two sources in rollback mode, closed."""
    for name in _PEOPLE:
        _fill(project / name).close()
    _make_application(project)


def make_new(project: Path) -> None:
    """Two sources; the target does not exist yet."""
    for name in SOURCES:
        _fill(project / name).close()
    _make_application(project)


def make_logged(project: Path) -> None:
    """As a power cut left them: target with a -wal and its index, one source with a -wal alone,
    one with a hot journal."""
    for name in (TARGET, "a.db"):
        connection = _fill(project / name)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE orders SET what = what || ' logged' WHERE id = 1")
        connection.execute("INSERT INTO orders(user_id, what) VALUES (2, 'only in the log')")
        _freeze(project, name, connection)
    (project / "a.db-shm").unlink()
    connection = _fill(project / "b.db")
    connection.executemany(
        "INSERT INTO orders(user_id, what) VALUES (1, ?)", [("x" * 300,) for _ in range(60)]
    )
    connection.execute("PRAGMA cache_size = 2")
    connection.execute("BEGIN")
    connection.execute("UPDATE orders SET what = 'half done ' || what")
    _freeze(project, "b.db", connection)
    assert (project / "b.db-journal").stat().st_size > 0
    _make_application(project)


def make_linked(project: Path) -> None:
    """As `make_plain`, with hard links: another name of the target and of one source, and a
    backup of the other source."""
    make_plain(project)
    for name in ("same/app.db", "same/a.db", "backups/b.db"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).hardlink_to(project / Path(name).name)


PROJECTS: dict[str, Callable[[Path], None]] = {
    "plain": make_plain,
    "new": make_new,
    "logged": make_logged,
    "linked": make_linked,
}


def _fill(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(_SCHEMA)
    people = _PEOPLE[path.name]
    connection.executemany("INSERT INTO users VALUES (?, ?, ?, ?)", people)
    orders = [(row[0], f"{path.name} {row[1]}") for row in people]
    connection.executemany("INSERT INTO orders(user_id, what) VALUES (?, ?)", orders)
    return connection


def _freeze(project: Path, name: str, connection: sqlite3.Connection) -> None:
    """Keep the files as they are now, as if the machine stopped."""
    kept = {file: file.read_bytes() for file in project.glob(name + "*")}
    connection.close()
    for file in project.glob(name + "*"):
        file.unlink()
    for file, content in kept.items():
        file.write_bytes(content)


def _make_application(project: Path) -> None:
    """A little program with a reference to every file, for Configure."""
    (project / "settings.py").write_text('DATABASE = "a.db"\n')
    (project / ".env").write_text("DATABASE_URL=sqlite:///b.db\n")
    (project / "main.py").write_text(
        "import sqlite3\n\nimport settings\n\nconnection = sqlite3.connect(settings.DATABASE)\n"
    )
    for name in ("settings.py", ".env", "main.py"):
        os.chmod(project / name, 0o640)  # noqa: PTH101 - unlike what a new file would get
