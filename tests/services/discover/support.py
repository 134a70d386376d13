"""Databases as programs leave them, and proof that reading changed nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consolidator_tui.domain.discovery import Discovery, FoundFile
from consolidator_tui.domain.event import ignore
from consolidator_tui.services.discover import discover

ROWS = 3


def make(path: Path, *statements: str, rows: int = ROWS) -> Path:
    """A closed database with a table `users`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.execute("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO users(name) VALUES (?)", [(f"n{n}",) for n in range(rows)])
    connection.execute("COMMIT")
    connection.close()
    return path


def left_open(path: Path, *statements: str) -> None:
    """What a program that was killed leaves: statements run, then no close."""
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for s in sys.argv[2:]: c.execute(s)\n"
        "os._exit(0)\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", code, os.fspath(path), *statements], check=True)


@contextmanager
def held(path: Path, *statements: str) -> Iterator[int]:
    """Another process that has run the statements and keeps the database open; its pid."""
    code = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for s in sys.argv[2:]: c.execute(s).fetchall()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, os.fspath(path), *statements],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.kill()


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about a folder that a reader must not change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *folder.rglob("*")]:
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        # As root SQLite sets a sidecar's owner to what it is, which changes nothing but its ctime.
        sidecar = path.name.endswith(("-shm", "-wal", "-journal"))
        changed = 0 if sidecar else stat.st_ctime_ns
        found[os.fspath(path)] = (content, stat.st_size, stat.st_mtime_ns, changed)
    return found


async def unchanged(folder: Path) -> Discovery:
    """Discover, and prove that nothing in the folder changed."""
    before = snapshot(folder)
    found = await discover(folder, ignore)
    assert snapshot(folder) == before
    return found


def entry(found: Discovery, path: str) -> FoundFile:
    return next(file for file in found.files if file.path == path)


def rows_of(file: FoundFile) -> dict[str, int | None]:
    return {table.name: table.rows for table in file.tables}
