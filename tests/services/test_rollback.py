"""Roll back: the bytes from before, from every state, and nothing lost on the way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import BackupDamaged, GateClosed, LockedError
from consolidator_tui.domain.event import Event, Message, ignore
from consolidator_tui.services.backup import back_up
from consolidator_tui.services.backup.config import write_config_file
from consolidator_tui.services.promote import promote
from consolidator_tui.services.rollback import roll_back
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder
from tests.services.run_project import (
    contents,
    dump,
    make_hot_journal,
    make_plain,
    make_wal_left_over,
    other_program,
    tree,
)


async def whole_run(project: Path, *, target: str = "app.db") -> RunFolder:
    """Back up, promote, configure; the sources are plain, in WAL mode, and with a hot journal."""
    make_plain(project / "plain.db")
    make_wal_left_over(project / "wal.db")
    make_hot_journal(project / "hot.db")
    (project / ".env").write_text("DATABASE_URL=sqlite:///wal.db\n")
    return await continued_run(project, target)


async def continued_run(project: Path, target: str) -> RunFolder:
    run = RunFolder.create(project)
    await back_up(run, ["plain.db", "wal.db", "hot.db"], target=target, emit=ignore)
    staging = make_plain(run.staging / "staging.db", rows=7)
    await promote(run, staging, project / target, ignore)
    before = (project / ".env").read_bytes()
    await write_config_file(run, ".env", before, b"DATABASE_URL=sqlite:///app.db\n")
    await write_config_file(run, "new.cfg", None, b"x=1\n")
    return run


def delete_originals(project: Path) -> None:
    for name in ("plain.db", "wal.db", "hot.db"):
        for member in project.glob(name + "*"):
            member.unlink()


async def test_new_target_config_and_deleted_originals(tmp_path: Path) -> None:
    run = await whole_run(tmp_path)
    delete_originals(tmp_path)
    report = await roll_back(run, ignore)
    assert set(report.restored) == {"plain.db", "wal.db", "hot.db", ".env"}
    assert set(report.removed) == {"app.db", "new.cfg"}
    assert report.kept == ()
    assert not report.target_changed
    assert (tmp_path / ".env").read_text() == "DATABASE_URL=sqlite:///wal.db\n"
    assert not (tmp_path / "app.db").exists()
    assert len(dump(tmp_path / "wal.db")) == 401
    assert len(dump(tmp_path / "hot.db")) == 400
    async with open_run_store(run) as store:
        assert (await store.load_state()).rolled_back


@pytest.mark.parametrize("make", [make_plain, make_wal_left_over, make_hot_journal])
@pytest.mark.parametrize("deleted", [False, True])
async def test_bytes_times_and_modes_are_as_before(
    tmp_path: Path, make: object, *, deleted: bool
) -> None:
    assert callable(make)
    make(tmp_path / "app.db")
    (tmp_path / "app.db").chmod(0o640)
    make_plain(tmp_path / "plain.db")
    make_wal_left_over(tmp_path / "wal.db")
    make_hot_journal(tmp_path / "hot.db")
    (tmp_path / ".env").write_text("A=1\n")
    before = tree(tmp_path)
    run = await continued_run(tmp_path, "app.db")
    assert tree(tmp_path) != before
    if deleted:
        delete_originals(tmp_path)
    report = await roll_back(run, ignore)
    assert tree(tmp_path) == before
    assert report.kept == ()
    again = await roll_back(run, ignore)
    assert again.restored == ()
    assert again.removed == ()
    assert tree(tmp_path) == before


async def test_rows_written_since_are_counted_and_kept(tmp_path: Path) -> None:
    make_plain(tmp_path / "app.db")
    before_target = (tmp_path / "app.db").read_bytes()
    run = await whole_run(tmp_path)
    connection = sqlite3.connect(tmp_path / "app.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO t VALUES (100, 'a'), (101, 'b')")
    connection.execute("CREATE TABLE fresh(x)")
    connection.execute("INSERT INTO fresh VALUES (1)")
    connection.close()
    events: list[Event] = []
    report = await roll_back(run, events.append)
    assert report.target_changed
    assert dict(report.written) == {"t": 2, "fresh": 1}
    assert any(isinstance(e, Message) and "t +2" in e.text for e in events)
    assert (tmp_path / "app.db").read_bytes() == before_target
    kept = run.path / report.kept[0]
    assert len(dump(kept)) == 9
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_log_of_a_crashed_application_is_counted_and_kept(tmp_path: Path) -> None:
    make_wal_left_over(tmp_path / "app.db")
    run = await whole_run(tmp_path)
    code = (
        "import os,sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None);"
        "c.execute('PRAGMA journal_mode = WAL');"
        "c.execute(\"INSERT INTO t VALUES (100, 'a')\"); print(1,flush=True); os._exit(0)"
    )
    with other_program(code, tmp_path / "app.db") as process:
        process.wait()
    assert (tmp_path / "app.db-wal").stat().st_size > 0
    report = await roll_back(run, ignore)
    assert dict(report.written) == {"t": 1}
    assert set(report.kept) == {"kept/app.db", "kept/app.db-wal"}
    assert len(dump(run.kept / "app.db")) == 8
    assert len(dump(tmp_path / "app.db")) == 401


async def test_what_others_wrote_into_originals_stays_and_config_is_kept_aside(
    tmp_path: Path,
) -> None:
    run = await whole_run(tmp_path)
    connection = sqlite3.connect(tmp_path / "plain.db")
    connection.execute("INSERT INTO t VALUES (900, 'later')")
    connection.commit()
    connection.close()
    (tmp_path / ".env").write_text("mine\n")
    report = await roll_back(run, ignore)
    assert report.kept == ("kept/.env",)
    assert (run.kept / ".env").read_text() == "mine\n"
    assert len(dump(tmp_path / "plain.db")) == 51
    assert (tmp_path / ".env").read_text() == "DATABASE_URL=sqlite:///wal.db\n"


async def test_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    run = await whole_run(tmp_path)
    delete_originals(tmp_path)
    before = contents(tmp_path)
    stored = run.backup / "originals" / "wal.db-wal"
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    with pytest.raises(BackupDamaged, match="wal"):
        await roll_back(run, ignore)
    assert contents(tmp_path) == before


async def test_target_in_use_is_refused_and_unchanged_sources_may_be_used(tmp_path: Path) -> None:
    run = await whole_run(tmp_path)
    code = (
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT * FROM t').fetchall(); print(1,flush=True); sys.stdin.read()"
    )
    with other_program(code, tmp_path / "app.db"), pytest.raises(LockedError, match=r"app\.db"):
        await roll_back(run, ignore)
    with other_program(code, tmp_path / "plain.db"):
        report = await roll_back(run, ignore)
    assert "plain.db" in report.unchanged


async def test_without_a_backup_there_is_nothing_to_roll_back(tmp_path: Path) -> None:
    make_plain(tmp_path / "x.db")
    run = RunFolder.create(tmp_path)
    with pytest.raises(GateClosed, match="no complete backup"):
        await roll_back(run, ignore)


async def test_a_link_and_a_removed_folder_come_back(tmp_path: Path) -> None:
    make_plain(tmp_path / "deep" / "real.db")
    (tmp_path / "link.db").symlink_to("deep/real.db")
    before = tree(tmp_path)
    run = RunFolder.create(tmp_path)
    await back_up(run, ["link.db"], target="app.db", emit=ignore)
    (tmp_path / "link.db").unlink()
    (tmp_path / "deep" / "real.db").unlink()
    (tmp_path / "deep").rmdir()
    await roll_back(run, ignore)
    assert tree(tmp_path).keys() == before.keys()
    assert contents(tmp_path) == {path: entry[0] for path, entry in before.items()}


@pytest.mark.parametrize("existed", [True, False])
async def test_a_target_that_the_run_never_touched_is_the_application_s(
    tmp_path: Path, existed: bool
) -> None:
    """Only backed up, merged or refused: rows that came in since are nobody else's."""
    make_plain(tmp_path / "plain.db")
    if existed:
        make_plain(tmp_path / "app.db", rows=2)
    run = RunFolder.create(tmp_path)
    await back_up(run, ["plain.db"], target="app.db", emit=ignore)
    make_plain(tmp_path / "app.db", rows=5, table="since")
    before = contents(tmp_path)
    events: list[Event] = []
    report = await roll_back(run, events.append)
    assert (report.restored, report.removed, report.kept) == ((), (), ())
    assert contents(tmp_path) == before
    assert any(isinstance(e, Message) and "left as it is" in e.text for e in events)


async def test_after_a_complete_roll_back_the_files_are_the_application_s(tmp_path: Path) -> None:
    run = await whole_run(tmp_path)
    delete_originals(tmp_path)
    await roll_back(run, ignore)
    make_plain(tmp_path / "plain.db", rows=9, table="since")
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///mine.db\n")
    before = contents(tmp_path)
    await roll_back(run, ignore)
    assert contents(tmp_path) == before
