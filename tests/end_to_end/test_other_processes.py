"""The real command beside other real processes: one that locks, one that writes, a second run."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.end_to_end.test_cli import ROOT, call
from tests.services.session_project import hashes, write_shop

MONEY = 30_000
LOCK = (
    "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None);"
    "c.execute('BEGIN EXCLUSIVE'); print(1,flush=True); sys.stdin.read()"
)
WRITE = """
import random, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
c.execute("PRAGMA synchronous = OFF")
print(1, flush=True)
while True:
    a, b = random.sample(range(1001, 1301), 2)
    c.execute("BEGIN IMMEDIATE")
    c.execute("UPDATE accounts SET money = money - 1 WHERE id = ?", (a,))
    c.execute("UPDATE accounts SET money = money + 1 WHERE id = ?", (b,))
    c.execute("COMMIT")
"""
WAIT = """
import pathlib, sys, time
# A command of a run that was killed goes on; this one not for ever.
until = time.monotonic() + 60
while time.monotonic() < until and not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
"""


@contextmanager
def beside(code: str, path: Path) -> Iterator[int]:
    """A process that has begun what `code` does to `path`."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def write_accounts(folder: Path) -> None:
    for name, first in (("app.db", 1), ("a.db", 1001)):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute(
                "CREATE TABLE accounts(id INTEGER PRIMARY KEY, name TEXT UNIQUE, money, pad)"
            )
            connection.executemany(
                "INSERT INTO accounts VALUES (?, ?, 100, ?)",
                [(n, f"account {n}", "x" * 800) for n in range(first, first + 300)],
            )
            connection.commit()


def money(path: Path, least: int) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT count(*), sum(money) FROM accounts WHERE id > ?"
        found: tuple[int, int] = connection.execute(query, (least,)).fetchone()
        return found


def test_a_locked_file_is_said_with_who_locks_it(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    arguments = ["run", str(tmp_path), "--target", "app.db", "--yes"]
    with beside(LOCK, tmp_path / "b.db") as pid:
        # Named, or taken because it is the application's: it is not left out unseen.
        for files in ([], ["--source", "a.db", "--source", "b.db"]):
            began = time.monotonic()
            done = call(*arguments, *files)
            assert time.monotonic() - began < 10
            assert done.returncode == 4
            assert "Locked by another process: b.db" in done.stderr
            assert f"(process {pid})" in done.stderr
    assert hashes(tmp_path) == before
    assert call(*arguments).returncode == 0


def test_a_program_that_writes_meanwhile(tmp_path: Path) -> None:
    """One moment of it is merged; nothing that it wrote is deleted or replaced under it."""
    write_accounts(tmp_path)
    with beside(WRITE, tmp_path / "a.db") as pid:
        options = ["--target", "app.db", "--source", "a.db", "--cleanup", "--yes"]
        done = call("run", str(tmp_path), *options)
        assert done.returncode == 4, done.stderr
        assert "a.db: in use by" in done.stderr
        assert f"(process {pid})" in done.stderr
        assert "Undo: consolidator-tui rollback" in done.stderr
        assert money(tmp_path / "app.db", 1000) == (300, MONEY)
        assert money(tmp_path / "a.db", 1000) == (300, MONEY)
        back = call("rollback", str(tmp_path), "--yes")
        assert back.returncode == 0, back.stderr
        assert "a.db: it was written since its backup" in back.stderr
        assert money(tmp_path / "app.db", 0) == (300, MONEY)
        assert money(tmp_path / "a.db", 1000) == (300, MONEY)
    done = call(
        "run", str(tmp_path), "--target", "app.db", "--source", "a.db", "--cleanup", "--yes"
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "a.db").exists()
    assert call("rollback", str(tmp_path), "--yes").returncode == 0
    assert money(tmp_path / "app.db", 0) == (300, MONEY)
    assert money(tmp_path / "a.db", 1000) == (300, MONEY)


def test_a_second_run_and_the_lock_of_a_dead_one(tmp_path: Path) -> None:
    write_shop(tmp_path)
    arguments = [str(tmp_path), "--target", "app.db", "--yes"]
    go = tmp_path / "go"
    wait = f"{sys.executable} -c '{WAIT}' {go}"
    first = subprocess.Popen(
        [sys.executable, "-m", "consolidator_tui", "run", *arguments, "--smoke", wait],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with first:
        try:
            assert first.stderr is not None
            assert any("(1 of 1) …" in line for line in first.stderr)
            for command in (["run", *arguments], ["rollback", str(tmp_path), "--yes"]):
                second = call(*command)
                assert second.returncode == 4, second.stderr
                assert f"is being worked on by process {first.pid} since" in second.stderr
        finally:
            first.kill()
            go.touch()
    again = call("run", *arguments)
    assert again.returncode == 0, again.stderr
