from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from consolidator_tui.domain.discovery import FileFound, FileKind
from consolidator_tui.domain.event import Event, Message, ignore
from consolidator_tui.services.discover import discover, open_unchanged
from consolidator_tui.storage.holders import scan_open_files
from tests.services.discover.support import (
    ROWS,
    entry,
    held,
    left_open,
    make,
    rows_of,
    unchanged,
)


async def test_rows_of_an_uncheckpointed_wal_count_and_nothing_is_left(tmp_path: Path) -> None:
    wal = ("PRAGMA journal_mode = WAL", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)")
    left_open(tmp_path / "with_shm/app.db", *wal)
    left_open(tmp_path / "without_shm/app.db", *wal)
    (tmp_path / "without_shm/app.db-shm").unlink()
    make(tmp_path / "closed/app.db", "PRAGMA journal_mode = WAL")
    left_open(tmp_path / "empty_wal/app.db", *wal, "PRAGMA wal_checkpoint(TRUNCATE)")
    utf16 = ("PRAGMA encoding = 'UTF-16le'", *wal)
    left_open(tmp_path / "utf16/app.db", *utf16)
    found = await unchanged(tmp_path)
    for name in ("with_shm", "without_shm", "empty_wal", "utf16"):
        assert rows_of(entry(found, f"{name}/app.db")) == {"t": 2}, name
    assert rows_of(entry(found, "closed/app.db")) == {"users": ROWS}
    assert all(file.wal for file in found.files)
    assert len(found.files) == 5
    assert [s.suffix for s in entry(found, "with_shm/app.db").sidecars] == ["-wal", "-shm"]
    assert entry(found, "utf16/app.db").encoding == "UTF-16le"


async def test_a_database_that_another_process_writes_to(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "PRAGMA journal_mode = WAL")
    with held(path, "INSERT INTO users(name) VALUES ('new')") as pid:
        found = await unchanged(tmp_path)
    file = entry(found, "app.db")
    assert rows_of(file) == {"users": ROWS + 1}
    assert not file.locked
    assert [(holder.pid, holder.writing) for holder in file.holders] == [(pid, True)]
    assert "python" in file.holders[0].name


async def test_a_file_locked_exclusively_is_listed_with_who_locks_it(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db")
    events: list[Event] = []
    with held(path, "BEGIN EXCLUSIVE") as pid:
        started = time.monotonic()
        found = await discover(tmp_path, events.append)
        assert time.monotonic() - started < 5
    file = entry(found, "app.db")
    assert (file.locked, file.kind, file.preselected) == (True, FileKind.DATABASE, True)
    assert [holder.pid for holder in file.holders] == [pid]
    told = [event for event in events if isinstance(event, Message)]
    assert [event.file for event in told] == ["app.db"]
    assert str(pid) in told[0].text


async def test_wal_in_exclusive_locking_mode_is_read_from_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    statements = (
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE t(a)",
        "INSERT INTO t VALUES (1)",
    )
    with held(path, *statements) as pid:
        file = entry(await discover(tmp_path, ignore), "app.db")
    assert rows_of(file) == {"t": 1}
    assert file.locked
    assert [holder.pid for holder in file.holders] == [pid]


async def test_a_hot_journal_is_undone_in_a_copy_only(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", rows=3000)
    left_open(path, "PRAGMA cache_size = 5", "BEGIN", "UPDATE users SET name = 'half' || id")
    assert path.with_name("app.db-journal").stat().st_size > 0
    found = await unchanged(tmp_path)
    file = entry(found, "app.db")
    assert file.hot_journal
    assert rows_of(file) == {"users": 3000}
    async with open_unchanged(path) as database:
        assert await database.value("SELECT count(*) FROM users WHERE name LIKE 'half%'") == 0


async def test_a_journal_that_a_living_process_uses_is_not_hot(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db")
    with held(path, "BEGIN IMMEDIATE", "INSERT INTO users(name) VALUES ('x')") as pid:
        file = entry(await unchanged(tmp_path), "app.db")
    assert not file.hot_journal
    assert not file.locked
    assert rows_of(file) == {"users": ROWS}
    assert [holder.pid for holder in file.holders] == [pid]


def test_a_process_is_found_by_the_file_and_not_by_its_path(tmp_path: Path) -> None:
    """The path under which it was opened may be gone, or be one of a container."""
    path, moved = make(tmp_path / "app.db"), tmp_path / "moved.db"
    with held(path) as pid:
        moved.hardlink_to(path)
        path.unlink()
        assert [holder.pid for holder in scan_open_files().holders(moved)] == [pid]


async def test_a_damaged_wal_is_no_reason_to_wait(tmp_path: Path) -> None:
    wal = ("PRAGMA journal_mode = WAL", "CREATE TABLE t(a)", "PRAGMA wal_checkpoint(TRUNCATE)")
    left_open(tmp_path / "app.db", *wal, "INSERT INTO t VALUES (1)")
    with (tmp_path / "app.db-wal").open("r+b") as stream:
        stream.seek(16)
        stream.write(b"salt")
    started = time.monotonic()
    file = entry(await unchanged(tmp_path), "app.db")
    assert time.monotonic() - started < 2
    assert rows_of(file) == {"t": 0}
    assert "damaged" in file.problem


async def test_locks_of_this_very_process_survive_discovering(tmp_path: Path) -> None:
    """Closing a second descriptor of a file would drop SQLite's lock on it (POSIX)."""
    path = make(tmp_path / "app.db")
    wal = make(tmp_path / "wal.db", "PRAGMA journal_mode = WAL")
    writer = sqlite3.connect(path, isolation_level=None)
    other = sqlite3.connect(wal, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
        found = await discover(tmp_path, ignore)
        assert rows_of(entry(found, "app.db")) == {"users": ROWS}
        assert rows_of(entry(found, "wal.db")) == {"users": ROWS}
        for name in ("app.db", "wal.db"):
            assert await asyncio.to_thread(locked_for_others, tmp_path / name), name
    finally:
        writer.close()
        other.close()


def locked_for_others(path: Path) -> bool:
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    tried = subprocess.run(
        [sys.executable, "-c", code, os.fspath(path)], capture_output=True, check=False
    )
    return b"database is locked" in tried.stderr


AS_NOBODY = """
import asyncio, json, os, sys
from pathlib import Path
from consolidator_tui.domain.event import ignore
from consolidator_tui.services.discover import discover
if os.getuid() == 0:
    # The interpreter's own folder may be root's alone: import what is imported late.
    asyncio.run(discover(Path(sys.argv[2]), ignore))
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
found = asyncio.run(discover(Path(sys.argv[1]), ignore))
print(json.dumps({"files": {f.path: [f.kind, f.rows] for f in found.files},
                  "skipped": [s.path for s in found.skipped]}))
"""


def test_without_permission(tmp_path: Path) -> None:
    """Read-only folders are read (also WAL and hot journals); what is forbidden is listed."""
    if os.getuid() == 0:
        # pytest's folders are 0700 for root, and root may read everything.
        project = Path("/tmp") / f"consolidator-test-{os.getpid()}"
    else:
        project = tmp_path / "p"
    warm = make(tmp_path / "warm/app.db").parent
    wal = ("PRAGMA journal_mode = WAL", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)")
    try:
        left_open(project / "ro/wal.db", *wal)
        (project / "ro/wal.db-shm").unlink()
        left_open(project / "ro/shm.db", *wal)
        make(project / "ro/hot.db", rows=3000)
        left_open(project / "ro/hot.db", "PRAGMA cache_size=5", "BEGIN", "UPDATE users SET name=id")
        make(project / "ro/plain.db")
        make(project / "secret.db").chmod(0)
        make(project / "closed/x.db")
        for path in (project / "ro").iterdir():
            path.chmod(0o444)
        (project / "ro").chmod(0o555)
        (project / "closed").chmod(0)
        before = {p.name: p.stat().st_mtime_ns for p in (project / "ro").iterdir()}
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, os.fspath(project), os.fspath(warm)],
            capture_output=True,
            check=False,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parents[3])},
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["files"] == {
            "ro/wal.db": ["database", 2],
            "ro/shm.db": ["database", 2],
            "ro/hot.db": ["database", 3000],
            "ro/plain.db": ["database", ROWS],
            "secret.db": ["unreadable", 0],
        }
        assert found["skipped"] == ["closed"]
        assert {p.name: p.stat().st_mtime_ns for p in (project / "ro").iterdir()} == before
    finally:
        (project / "ro").chmod(0o755)
        (project / "closed").chmod(0o755)
        shutil.rmtree(project)


async def test_cancelling_leaves_no_scratch_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", os.fspath(scratch))
    for number in range(30):
        left_open(
            tmp_path / f"p/{number}.db",
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE t(a)",
            "INSERT INTO t VALUES (zeroblob(2000000))",
        ) if number < 3 else make(tmp_path / f"p/{number}.db")
    for shm in (tmp_path / "p").glob("*-shm"):
        shm.unlink()
    first = asyncio.Event()

    def stop(event: Event) -> None:
        if isinstance(event, FileFound):
            first.set()

    task = asyncio.create_task(discover(tmp_path / "p", stop))
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(scratch.iterdir()) == []
