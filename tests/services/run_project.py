"""Projects with databases in every state that a stopped program can leave behind."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.run import RunState, StepStatus

_CRASH_WAL = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA journal_mode = WAL")
c.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
c.executemany("INSERT INTO t VALUES (?, ?)", [(i, "old%d" % i) for i in range(1, 401)])
c.execute("PRAGMA wal_checkpoint")
c.execute("BEGIN")
c.execute("UPDATE t SET v = 'new' || id WHERE id % 2")
c.execute("INSERT INTO t VALUES (1000, 'last')")
c.execute("COMMIT")
os._exit(0)
"""

_CRASH_JOURNAL = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 5")
c.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
c.executemany("INSERT INTO t VALUES (?, ?)", [(i, "old%d" % i) for i in range(1, 401)])
c.execute("BEGIN")
c.execute("UPDATE t SET v = 'half' || hex(zeroblob(200))")
os._exit(0)
"""


def make_plain(path: Path, rows: int = 50, table: str = "t") -> Path:
    """A database with rows (id, 'v<id>') in rollback mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, v TEXT)")
    connection.executemany(
        f"INSERT INTO {table} VALUES (?, ?)", [(i, f"v{i}") for i in range(1, rows + 1)]
    )
    connection.commit()
    connection.close()
    return path


def make_wal_left_over(path: Path, *, index: bool = True) -> Path:
    """401 rows, the last transaction only in the -wal of a process that was killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", _CRASH_WAL, str(path)], check=True)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    if not index:
        path.with_name(path.name + "-shm").unlink()
    return path


def make_hot_journal(path: Path) -> Path:
    """400 rows 'old<id>' with a half-done update on disk and its hot journal beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", _CRASH_JOURNAL, str(path)], check=True)
    assert path.with_name(path.name + "-journal").stat().st_size > 0
    return path


def make_wal_clean(path: Path) -> Path:
    """A database in WAL mode whose log was removed by a clean close."""
    make_plain(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert not path.with_name(path.name + "-wal").exists()
    return path


def dump(path: Path, table: str = "t") -> list[tuple[object, ...]]:
    """All rows; opens the file as an application does (may change it)."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    finally:
        connection.close()


def dump_immutable(path: Path, table: str = "t") -> list[tuple[object, ...]]:
    """All rows of the file alone."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    finally:
        connection.close()


@contextmanager
def other_program(code: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that runs `code` with the path as argument, once it printed a line."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()


Tree = dict[str, tuple[str, int, int]]


def tree(project: Path) -> Tree:
    """Every file outside the tool's folder: SHA-256, mtime in ns, mode."""
    found: Tree = {}
    for folder, folders, files in os.walk(project):
        if ".consolidator" in folders:
            folders.remove(".consolidator")
        for name in files:
            path = Path(folder, name)
            status = path.lstat()
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found[str(path.relative_to(project))] = (digest, status.st_mtime_ns, status.st_mode)
    return found


def contents(project: Path) -> dict[str, str]:
    """Every file outside the tool's folder: SHA-256."""
    return {path: entry[0] for path, entry in tree(project).items()}


def verified(state: RunState) -> RunState:
    """The state as it is after Verify, whatever was done before."""
    done = (Step.DISCOVER, Step.INSPECT, Step.BACKUP, Step.MIGRATE, Step.VERIFY)
    return replace(
        state,
        steps={**state.steps, **dict.fromkeys(done, StepStatus.DONE)},
        backed_up=True,
    )
