"""Back up: original bytes at one moment, proven snapshots, originals untouched."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import BackupDamaged, DiskFull, FileRefused, LockedError
from consolidator_tui.domain.event import Event, Message, ignore
from consolidator_tui.domain.manifest import Role
from consolidator_tui.services import backup as backup_module
from consolidator_tui.services.backup import back_up, load_manifest, verify_backup
from consolidator_tui.services.rollback import roll_back
from consolidator_tui.storage.manifest_file import has_manifest
from consolidator_tui.storage.run_folder import RunFolder
from tests.services.run_project import (
    dump_immutable,
    make_hot_journal,
    make_plain,
    make_wal_clean,
    make_wal_left_over,
    other_program,
    tree,
)

EXPECTED_WAL = 401
EXPECTED_JOURNAL = 400


async def test_every_kind_of_source_is_copied_and_left_alone(tmp_path: Path) -> None:
    make_plain(tmp_path / "plain.db")
    make_wal_left_over(tmp_path / "sub" / "wal.db")
    make_wal_left_over(tmp_path / "noindex.db", index=False)
    make_hot_journal(tmp_path / "hot.db")
    make_wal_clean(tmp_path / "clean.db")
    (tmp_path / "empty.db").touch()
    names = ["plain.db", "sub/wal.db", "noindex.db", "hot.db", "clean.db"]
    before = tree(tmp_path)
    run = RunFolder.create(tmp_path)

    manifest = await back_up(run, names, target="empty.db", emit=ignore)

    assert tree(tmp_path) == before
    assert list(manifest.files) == [*names, "empty.db"]
    for name in names:
        record = manifest.files[name]
        assert record.existed
        assert record.integrity == ()
        for part in record.parts:
            stored = run.backup / part.stored
            assert stored.read_bytes() == (tmp_path / (name + part.suffix)).read_bytes()
            assert stored.stat().st_mode & 0o777 == 0o600
        rows = dump_immutable(run.backup / record.snapshot)
        assert record.row_counts == {"t": len(rows)}
    assert manifest.files["sub/wal.db"].row_counts == {"t": EXPECTED_WAL}
    assert {p.suffix for p in manifest.files["sub/wal.db"].parts} == {"", "-wal", "-shm"}
    assert manifest.files["noindex.db"].row_counts == {"t": EXPECTED_WAL}
    assert {p.suffix for p in manifest.files["noindex.db"].parts} == {"", "-wal"}
    hot = manifest.files["hot.db"]
    assert hot.row_counts == {"t": EXPECTED_JOURNAL}
    assert not hot.plain
    assert all(v == f"old{i}" for i, v in dump_immutable(run.backup / hot.snapshot))
    assert manifest.files["clean.db"].plain
    assert manifest.files["empty.db"].role is Role.TARGET
    assert manifest.files["empty.db"].existed
    assert await load_manifest(run) == manifest
    await verify_backup(run, ignore)
    assert tree(tmp_path) == before


async def test_folders_and_files_are_private(tmp_path: Path) -> None:
    make_plain(tmp_path / "a" / "b" / "x.db")
    run = RunFolder.create(tmp_path)
    await back_up(run, ["a/b/x.db"], target=None, emit=ignore)
    for folder, _, files in os.walk(tmp_path / ".consolidator"):
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        for name in files:
            assert Path(folder, name).stat().st_mode & 0o777 == 0o600


async def test_missing_target_is_recorded_as_absent(tmp_path: Path) -> None:
    make_plain(tmp_path / "x.db")
    run = RunFolder.create(tmp_path)
    manifest = await back_up(run, ["x.db"], target="new.db", emit=ignore)
    assert manifest.target is not None
    assert not manifest.target.existed
    assert manifest.target.parts == ()


async def test_missing_source_is_refused_without_a_manifest(tmp_path: Path) -> None:
    make_plain(tmp_path / "x.db")
    run = RunFolder.create(tmp_path)
    with pytest.raises(FileRefused, match=r"gone\.db"):
        await back_up(run, ["x.db", "gone.db"], target=None, emit=ignore)
    assert not has_manifest(run)
    assert list(run.backup.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["a?b.db", "a#b%20.db", "new\nline.db", 'it\'s "q".db', "[red]x.db", "caf\udce9.db", "-x.db"],
)
async def test_any_name(tmp_path: Path, name: str) -> None:
    make_plain(tmp_path / "x.db").rename(tmp_path / name)
    run = RunFolder.create(tmp_path)
    manifest = await back_up(run, [name], target=None, emit=ignore)
    assert manifest.files[name].row_counts == {"t": 50}
    assert (await load_manifest(run)).files[name].path == name


async def test_reserved_names_and_files_outside_do_not_collide(tmp_path: Path) -> None:
    project = tmp_path / "project"
    make_plain(project / "manifest.json", rows=1)
    make_plain(project / "originals" / "w.db", rows=2)
    make_wal_left_over(project / "w.db")
    make_plain(tmp_path / "outside.db", rows=3)
    run = RunFolder.create(project)
    names = ["manifest.json", "originals/w.db", "w.db", "../outside.db"]
    manifest = await back_up(run, names, target=None, emit=ignore)
    counts = {path: record.row_counts["t"] for path, record in manifest.files.items()}
    outside = str(tmp_path / "outside.db")
    assert counts == {"manifest.json": 1, "originals/w.db": 2, "w.db": EXPECTED_WAL, outside: 3}
    await verify_backup(run, ignore)


async def test_exclusive_lock_names_file_and_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consolidator_tui.services.backup.capture.LOCK_SECONDS", 0.3)
    make_plain(tmp_path / "x.db")
    code = (
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None);"
        "c.execute('BEGIN EXCLUSIVE'); print(1,flush=True); sys.stdin.read()"
    )
    with other_program(code, tmp_path / "x.db") as process:
        run = RunFolder.create(tmp_path)
        with pytest.raises(LockedError, match=rf"x\.db: .* \(process {process.pid}\)"):
            await back_up(run, ["x.db"], target=None, emit=ignore)


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_a_writer_during_the_copy_gives_one_moment(tmp_path: Path, mode: str) -> None:
    """Every transaction moves money between two accounts: the sum never changes."""
    path = tmp_path / "bank.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("CREATE TABLE a(id INTEGER PRIMARY KEY, v INTEGER, pad TEXT)")
    connection.executemany(
        "INSERT INTO a VALUES (?, 100, ?)", [(i, "x" * 3000) for i in range(300)]
    )
    connection.close()
    code = (
        "import sqlite3,sys,random\n"
        "c=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=30)\n"
        "c.execute('PRAGMA synchronous=OFF'); c.execute('PRAGMA wal_autocheckpoint=50')\n"
        "print(1,flush=True)\n"
        "while True:\n"
        "  a,b=random.sample(range(300),2)\n"
        "  c.execute('BEGIN IMMEDIATE')\n"
        "  c.execute('UPDATE a SET v=v-1 WHERE id=?',(a,))\n"
        "  c.execute('UPDATE a SET v=v+1 WHERE id=?',(b,))\n"
        "  c.execute('COMMIT')\n"
    )
    with other_program(code, path):
        for _ in range(15):
            run = RunFolder.create(tmp_path)
            manifest = await back_up(run, ["bank.db"], target=None, emit=ignore)
            snapshot = run.backup / manifest.files["bank.db"].snapshot
            copy = sqlite3.connect(f"file:{snapshot}?immutable=1", uri=True)
            assert copy.execute("SELECT count(*), sum(v) FROM a").fetchone() == (300, 30000)
            copy.close()


async def test_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"hello" * 500)
    run = RunFolder.create(tmp_path)
    with pytest.raises(FileRefused, match=r"x\.db"):
        await back_up(run, ["x.db"], target=None, emit=ignore)


async def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.db")
    run = RunFolder.create(tmp_path)
    with pytest.raises(FileRefused, match="regular"):
        await back_up(run, ["x.db"], target=None, emit=ignore)


def damage_table(path: Path) -> None:
    connection = sqlite3.connect(make_plain(path, rows=2000))
    page = connection.execute("SELECT rootpage FROM sqlite_schema").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 200)


def damage_index(path: Path) -> None:
    """An index that lacks the last of 2001 rows."""
    make_plain(path, rows=2000)
    index = "('index', 'i', 't', {}, 'CREATE INDEX i ON t(v)')"
    page = 0
    for statements in (
        ["CREATE INDEX i ON t(v)"],
        ["PRAGMA writable_schema = ON", "DELETE FROM sqlite_schema WHERE name = 'i'"],
        ["INSERT INTO t VALUES (9999, 'unindexed')"],
        ["PRAGMA writable_schema = ON", f"INSERT INTO sqlite_schema VALUES {index}"],
    ):
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement.format(page))
        found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'i'")
        page = (found.fetchone() or [page])[0]
        connection.close()


async def test_damaged_table_is_refused_and_damaged_index_is_told(tmp_path: Path) -> None:
    damage_table(tmp_path / "table.db")
    damage_index(tmp_path / "index.db")
    run = RunFolder.create(tmp_path)
    with pytest.raises(FileRefused, match=r"table\.db: .*damaged"):
        await back_up(run, ["table.db"], target=None, emit=ignore)
    events: list[Event] = []
    manifest = await back_up(run, ["index.db"], target=None, emit=events.append)
    assert manifest.files["index.db"].index_damage
    assert manifest.files["index.db"].row_counts == {"t": 2001}
    assert any(isinstance(e, Message) and e.file == "index.db" for e in events)


async def test_missing_collation_does_not_refuse(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.create_collation("title_sort", lambda a, b: (a > b) - (a < b))
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT COLLATE title_sort UNIQUE)")
    connection.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    connection.commit()
    connection.close()
    run = RunFolder.create(tmp_path)
    manifest = await back_up(run, ["x.db"], target=None, emit=ignore)
    assert manifest.files["x.db"].row_counts == {"t": 2}
    assert "not checked" in manifest.files["x.db"].integrity[0]


async def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    make_plain(tmp_path / "x.db", rows=3)
    make_wal_left_over(tmp_path / "w.db")
    run = RunFolder.create(tmp_path)
    manifest = await back_up(run, ["x.db", "w.db"], target=None, emit=ignore)
    before = tree(tmp_path)
    text = run.manifest.read_bytes()
    for position in range(0, len(text), 7):
        damaged = bytearray(text)
        damaged[position] ^= 1 << (position % 8)
        run.manifest.write_bytes(damaged)
        with pytest.raises(BackupDamaged, match=r"manifest\.json"):
            await load_manifest(run)
        if position % 49 == 0:
            with pytest.raises(BackupDamaged, match=r"manifest\.json"):
                await roll_back(run, ignore)
    run.manifest.write_bytes(text)
    for stored in manifest.stored_files():
        path = run.backup / stored.stored
        content = path.read_bytes()
        # Of every page, a byte somewhere; the first and the last byte.
        for position in sorted({0, len(content) - 1, *range(1021, len(content), 4099)}):
            damaged = bytearray(content)
            damaged[position] ^= 0x10
            path.write_bytes(damaged)
            with pytest.raises(BackupDamaged) as caught:
                await verify_backup(run, ignore)
            assert str(path) in caught.value.sentence
            with pytest.raises(BackupDamaged) as caught:
                await roll_back(run, ignore)
            assert str(path) in caught.value.sentence
        path.write_bytes(content)
    await verify_backup(run, ignore)
    assert tree(tmp_path) == before


async def test_full_disk_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_plain(tmp_path / "x.db")
    run = RunFolder.create(tmp_path)
    monkeypatch.setattr(backup_module, "free_space", lambda _folder: 1000)
    with pytest.raises(DiskFull, match="MiB"):
        await back_up(run, ["x.db"], target=None, emit=ignore)
    assert list(run.backup.iterdir()) == []


async def test_symlink_and_hard_link(tmp_path: Path) -> None:
    make_plain(tmp_path / "real" / "x.db")
    (tmp_path / "link.db").symlink_to("real/x.db")
    (tmp_path / "hard.db").hardlink_to(tmp_path / "real" / "x.db")
    run = RunFolder.create(tmp_path)
    manifest = await back_up(run, ["link.db", "hard.db"], target=None, emit=ignore)
    assert manifest.files["link.db"].real == "real/x.db"
    assert manifest.files["link.db"].link == "real/x.db"
    assert manifest.files["hard.db"].row_counts == {"t": 50}


async def test_a_second_run_leaves_the_first_backup(tmp_path: Path) -> None:
    make_plain(tmp_path / "x.db", rows=5)
    first = RunFolder.create(tmp_path)
    await back_up(first, ["x.db"], target=None, emit=ignore)
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("DELETE FROM t")
    connection.commit()
    connection.close()
    second = RunFolder.create(tmp_path)
    assert second.name != first.name
    await back_up(second, ["x.db"], target=None, emit=ignore)
    await verify_backup(first, ignore)
    assert len(dump_immutable(first.backup / "x.db")) == 5
