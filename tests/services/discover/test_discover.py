from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from consolidator_tui.domain.discovery import FileFound, FileKind, Role
from consolidator_tui.domain.errors import UsageError
from consolidator_tui.domain.event import Event, Progress, ignore
from consolidator_tui.services.discover import count_rows, discover
from tests.services.discover.support import (
    ROWS,
    entry,
    left_open,
    make,
    rows_of,
    unchanged,
)


async def test_a_database_is_known_by_its_header_whatever_its_name(tmp_path: Path) -> None:
    for name in ("app.db", "data.dat", "noextension", "deep/er/x.sqlite3"):
        make(tmp_path / name)
    (tmp_path / "notes.txt").write_text("hello")
    found = await unchanged(tmp_path)
    assert [file.path for file in found.files] == [
        "app.db",
        "data.dat",
        "deep/er/x.sqlite3",
        "noextension",
    ]
    assert found.files_checked == 5
    file = entry(found, "app.db")
    assert (file.kind, file.role, file.preselected) == (
        FileKind.DATABASE,
        Role.APPLICATION,
        True,
    )
    assert rows_of(file) == {"users": ROWS}
    assert (file.encoding, file.page_size, file.wal) == ("UTF-8", 4096, False)
    assert (file.size, file.inode) == (8192, (tmp_path / "app.db").stat().st_ino)
    assert entry(found, "data.dat").same_as == "app.db"


async def test_files_that_only_look_like_one_are_listed_with_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("not a database\n" * 100)
    (tmp_path / "random.db").write_bytes(os.urandom(8192))
    (tmp_path / "Thumbs.db").write_bytes(os.urandom(100))
    sqlite3.connect(tmp_path / "bare.db").execute("PRAGMA user_version = 7").connection.close()
    found = await unchanged(tmp_path)
    kinds = {file.path: (file.kind, file.role) for file in found.files}
    assert kinds == {
        "empty.db": (FileKind.EMPTY, Role.EMPTY),
        "text.db": (FileKind.NOT_A_DATABASE, Role.UNREADABLE),
        "random.db": (FileKind.ENCRYPTED_OR_DAMAGED, Role.UNREADABLE),
        "bare.db": (FileKind.DATABASE, Role.EMPTY),
    }
    assert found.preselected == ()


async def test_damaged_files_are_told_apart(tmp_path: Path) -> None:
    big = make(tmp_path / "cut.db", rows=5000)
    os.truncate(big, big.stat().st_size // 2)
    encrypted = make(tmp_path / "secret.db")
    content = encrypted.read_bytes()
    encrypted.write_bytes(content[:32] + os.urandom(len(content) - 32))
    schema = make(tmp_path / "schema.db")
    schema.write_bytes(schema.read_bytes().replace(b"CREATE TABLE users", b"CRAZYE TABLE users"))
    (tmp_path / "short.db").write_bytes(b"SQLite format 3\0")
    found = await unchanged(tmp_path)
    assert {file.kind for file in found.files} == {FileKind.ENCRYPTED_OR_DAMAGED}
    assert "cut off" in entry(found, "cut.db").reason
    assert found.preselected == ()
    assert all(file.reason.endswith(".") for file in found.files)


async def test_one_damaged_table_leaves_the_others_counted(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE other(x)", "INSERT INTO other VALUES (1)")
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'users'"
        ).fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    found = await unchanged(tmp_path)
    assert rows_of(entry(found, "app.db")) == {"other": 1, "users": None}
    assert entry(found, "app.db").rows is None


async def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.db")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder.db").mkdir()
    make(tmp_path / "folder.db" / "inner.db")
    (tmp_path / "zero.db").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket.db"))
        found = await asyncio.wait_for(discover(tmp_path, ignore), 5)
    told = {file.path: file.reason for file in found.files if file.kind is FileKind.SPECIAL}
    assert told == {
        "pipe.db": "It is a named pipe, not a file.",
        "folder.db": "It is a folder, not a file.",
        "zero.db": "It is a device, not a file.",
        "socket.db": "It is a socket, not a file.",
    }
    assert [file.path for file in found.preselected] == ["folder.db/inner.db"]


async def test_one_inode_is_one_entry(tmp_path: Path) -> None:
    project = tmp_path / "project"
    real = make(project / "data/app.db")
    os.link(real, project / "z_hard.db")
    (project / "link.db").symlink_to("data/app.db")
    (project / "current").symlink_to("data/app.db")
    found = await unchanged(tmp_path / "project")
    (file,) = found.files
    assert file.path == "z_hard.db"
    assert file.other_names == ("data/app.db", "current", "link.db")


async def test_of_two_hard_links_the_one_with_the_wal_is_the_entry(tmp_path: Path) -> None:
    left_open(
        tmp_path / "deep/down/app.db",
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE t(a)",
        "INSERT INTO t VALUES (1)",
    )
    os.link(tmp_path / "deep/down/app.db", tmp_path / "app.db")
    (file,) = (await unchanged(tmp_path)).files
    assert (file.path, file.other_names) == ("deep/down/app.db", ("app.db",))
    assert rows_of(file) == {"t": 1}


async def test_links_out_of_the_project_in_circles_and_into_nowhere(tmp_path: Path) -> None:
    project = tmp_path / "project"
    make(project / "app.db")
    outside = make(tmp_path / "elsewhere/shared.db", rows=9)
    (project / "shared.db").symlink_to(outside)
    (project / "elsewhere").symlink_to(outside.parent)
    (project / "loop.db").symlink_to("loop.db")
    (project / "gone.db").symlink_to("gone")
    (project / "again").symlink_to(".")
    (project / "up").symlink_to("..")
    found = await unchanged(project)
    assert [file.path for file in found.files] == ["app.db", "gone.db", "loop.db", "shared.db"]
    shared = entry(found, "shared.db")
    assert (shared.real, rows_of(shared)) == (os.fspath(outside), {"users": 9})
    assert os.fspath(outside) in shared.reason
    assert entry(found, "gone.db").kind is FileKind.UNREADABLE
    assert entry(found, "loop.db").kind is FileKind.UNREADABLE
    assert [skipped.path for skipped in found.skipped] == ["elsewhere", "up"]


async def test_folders_that_hold_no_application_data_are_skipped_and_counted(
    tmp_path: Path,
) -> None:
    make(tmp_path / "app.db")
    for folder in (".git", "node_modules", "src/__pycache__", ".consolidator/runs/1", "env", "t"):
        make(tmp_path / folder / "x.db")
    (tmp_path / "env/pyvenv.cfg").touch()
    (tmp_path / "t/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    found = await unchanged(tmp_path)
    assert [file.path for file in found.files] == ["app.db"]
    assert found.folders_skipped == 6
    assert dict(found.folders_by_reason) == {
        "version control": 1,
        "installed packages": 1,
        "cache": 2,
        "virtual environment": 1,
        "this tool's own folder": 1,
    }


async def test_an_extra_folder_is_walked_even_outside(tmp_path: Path) -> None:
    make(tmp_path / "project/app.db")
    make(tmp_path / "elsewhere/data.db")
    make(tmp_path / "project/.cache/kept.db")
    found = await discover(
        tmp_path / "project",
        ignore,
        extra_folders=[tmp_path / "elsewhere", tmp_path / "project/.cache", tmp_path / "project"],
    )
    assert [file.path for file in found.files] == [
        "../elsewhere/data.db",
        ".cache/kept.db",
        "app.db",
    ]
    with pytest.raises(UsageError):
        await discover(tmp_path / "missing", ignore)


HOSTILE = ["a b.db", "q?x#y%41.db", "new\nline.db", 'it\'s "q".db', "[red]x.db", "ü😀.db", "-.db"]


async def test_hostile_names(tmp_path: Path) -> None:
    for name in HOSTILE:
        make(tmp_path / name)
        left_open(
            tmp_path / "wal" / name,
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE users(a)",
            "INSERT INTO users VALUES (1), (2), (3)",
        )
    raw = os.fsdecode(b"caf\xe9.db")
    make(tmp_path / raw)
    found = await unchanged(tmp_path)
    wanted = [*HOSTILE, raw, *(f"wal/{name}" for name in HOSTILE)]
    assert [file.path for file in found.files] == sorted(wanted)
    assert all(rows_of(file) == {"users": ROWS} for file in found.files)


async def test_tables_with_odd_names_virtual_ones_and_shadows(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        'CREATE TABLE "a""b c"(x)',
        'CREATE TABLE ""(x)',
        "CREATE TABLE k(a TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE VIRTUAL TABLE docs USING fts5(body)",
        "INSERT INTO docs VALUES ('one'), ('two')",
        "CREATE TABLE seq(id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE VIEW v AS SELECT 1",
    )
    file = entry(await unchanged(tmp_path), "app.db")
    assert rows_of(file) == {'a"b c': 0, "": 0, "k": 0, "docs": 2, "seq": 0, "users": ROWS}
    assert await count_rows(path, ["docs", "users"]) == tuple(
        table for table in file.tables if table.name in ("docs", "users")
    )


async def test_a_thousand_tables(tmp_path: Path) -> None:
    make(tmp_path / "app.db", *(f"CREATE TABLE t{n}(a)" for n in range(1000)))
    assert len(entry(await unchanged(tmp_path), "app.db").tables) == 1001


async def test_a_missing_module_is_no_obstacle(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "INSERT INTO sqlite_schema VALUES"
            " ('table', 'geo', 'geo', 0, 'CREATE VIRTUAL TABLE geo USING nothere(a)')"
        )
    connection.close()
    file = entry(await unchanged(tmp_path), "app.db")
    assert rows_of(file) == {"users": ROWS, "geo": None}


async def test_large_files_are_listed_first_and_counted_on_demand(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db", "CREATE TABLE b(x)", "INSERT INTO b VALUES (zeroblob(9000000))"
    )
    file = entry(await discover(tmp_path, ignore), "app.db")
    assert rows_of(file) == {"b": None, "users": None}
    assert "tables b, users" in file.reason
    counted = await count_rows(path)
    assert {table.name: table.rows for table in counted} == {"b": 1, "users": ROWS}


async def test_a_schema_that_is_not_utf_8_is_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db")
    path.write_bytes(
        path.read_bytes().replace(b"CREATE TABLE users", b"CREATE TAB\xff\xff\xffsers")
    )
    (file,) = (await unchanged(tmp_path)).files
    assert file.kind is FileKind.ENCRYPTED_OR_DAMAGED


async def test_a_wal_without_its_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone.db-wal").write_bytes(b"7\x7f\x06\x82" + bytes(100))
    found = await unchanged(tmp_path)
    assert found.files == ()
    assert [(s.path, "gone.db" in s.reason) for s in found.skipped] == [("gone.db-wal", True)]


async def test_a_file_that_vanishes_while_it_is_looked_at(tmp_path: Path) -> None:
    for number in range(40):
        make(tmp_path / f"{number:02}.db")

    def remove_the_rest(event: Event) -> None:
        if isinstance(event, Progress):
            for path in tmp_path.glob("*.db"):
                path.unlink()

    found = await discover(tmp_path, remove_the_rest)
    assert len(found.files) == 40
    assert {file.kind for file in found.files} == {FileKind.UNREADABLE}
    assert "vanished" in found.files[0].reason


async def test_files_are_told_while_the_walk_goes_on(tmp_path: Path) -> None:
    for number in range(5):
        make(tmp_path / f"{number}.db")
    events: list[Event] = []
    found = await discover(tmp_path, events.append)
    last = {e.file.path: e.file for e in events if isinstance(e, FileFound)}
    assert tuple(last[file.path] for file in found.files) == found.files


async def test_300_files_take_about_a_second_and_never_block_the_loop(tmp_path: Path) -> None:
    make(tmp_path / "0.db")
    for number in range(1, 300):
        shutil.copy(tmp_path / "0.db", tmp_path / f"{number}.db")
    longest, previous = 0.0, time.monotonic()
    done = False

    async def watch() -> None:
        nonlocal longest, previous
        while not done:
            await asyncio.sleep(0.002)
            now = time.monotonic()
            longest, previous = max(longest, now - previous), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    started = previous = time.monotonic()
    found = await discover(tmp_path, ignore)
    seconds = time.monotonic() - started
    done = True
    await watching
    assert len(found.files) == 300
    # Room for a slow machine that runs other tests; tests/bench measures the real numbers.
    assert seconds < 5
    assert longest < 0.25
    print(f"300 files: {seconds:.2f} s, the loop waited {longest * 1000:.0f} ms at most")
