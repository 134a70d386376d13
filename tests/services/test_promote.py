"""Promotion: the old target or the new one, whole, with nothing of the old beside the new."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import Failed, FileRefused, GateClosed, LockedError
from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.verification import Seal
from consolidator_tui.services.backup import back_up
from consolidator_tui.services.checking import check_run
from consolidator_tui.services.promote import load_promotion, promote
from consolidator_tui.services.rollback.recover import recover
from consolidator_tui.storage import family
from consolidator_tui.storage.hashing import file_stat
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder
from tests.services.run_project import (
    contents,
    dump,
    make_hot_journal,
    make_plain,
    make_wal_left_over,
    other_program,
)
from tests.support.staged import stage

NEW_ROWS = [(i, f"v{i}") for i in range(1, 8)]


async def prepared(project: Path, target: str) -> tuple[RunFolder, Path]:
    """A run with a backup and a staging database of 7 rows."""
    make_plain(project / "source.db", rows=3)
    run = RunFolder.create(project)
    await back_up(run, ["source.db"], target=target, emit=ignore)
    return run, make_plain(run.staging / "staging.db", rows=7)


async def test_new_target(tmp_path: Path) -> None:
    run, staging = await prepared(tmp_path, "app.db")
    await promote(run, staging, tmp_path / "app.db", ignore)
    assert dump(tmp_path / "app.db") == NEW_ROWS
    assert (tmp_path / "app.db").stat().st_mode & 0o777 == 0o644
    assert not staging.exists()
    async with open_run_store(run) as store:
        assert (await store.load_state()).promoted
        assert await store.work() is None
        promotion = await load_promotion(store)
    assert promotion is not None
    assert promotion.row_counts == {"t": 7}
    assert set(contents(tmp_path)) == {"source.db", "app.db"}


@pytest.mark.parametrize("make", [make_plain, make_wal_left_over, make_hot_journal])
async def test_old_target_is_replaced_with_its_sidecars(tmp_path: Path, make: object) -> None:
    assert callable(make)
    target = make(tmp_path / "app.db")
    target.chmod(0o640)
    run, staging = await prepared(tmp_path, "app.db")
    await promote(run, staging, Path("app.db"), ignore)
    assert set(contents(tmp_path)) == {"source.db", "app.db"}
    assert target.stat().st_mode & 0o777 == 0o640
    assert dump(target) == NEW_ROWS


async def test_orphaned_log_of_a_missing_target_is_not_combined(tmp_path: Path) -> None:
    make_wal_left_over(tmp_path / "app.db").unlink()
    run, staging = await prepared(tmp_path, "app.db")
    await promote(run, staging, tmp_path / "app.db", ignore)
    assert set(contents(tmp_path)) == {"source.db", "app.db"}
    assert dump(tmp_path / "app.db") == NEW_ROWS


async def test_only_what_was_verified_is_promoted(tmp_path: Path) -> None:
    run, staging = await prepared(tmp_path, "app.db")
    sha256 = hashlib.sha256(staging.read_bytes()).hexdigest()
    seal = Seal(staging.stat().st_size, sha256, file_stat(staging.stat()))
    kept = staging.read_bytes()
    connection = sqlite3.connect(staging)
    connection.execute("DELETE FROM t WHERE id = 1")
    connection.commit()
    connection.close()
    with pytest.raises(Failed, match="changed after it was verified"):
        await promote(run, staging, tmp_path / "app.db", ignore, seal=seal)
    assert not (tmp_path / "app.db").exists()
    # The same bytes in another file are the same database.
    staging.unlink()
    staging.write_bytes(kept)
    await promote(run, staging, tmp_path / "app.db", ignore, seal=seal)
    assert dump(tmp_path / "app.db") == NEW_ROWS


async def test_target_in_wal_mode_stays_in_it(tmp_path: Path) -> None:
    """Also when it was refused first, and its staged file is verified once more."""
    target = make_wal_left_over(tmp_path / "app.db")
    run, _ = await prepared(tmp_path, "app.db")
    kept = target.read_bytes()
    script = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'v1');"
    staged = await stage(run.staging, {"one.db": script, "two.db": script})
    base = replace(staged.plan.sources[0], wal=True)
    staged = replace(staged, plan=replace(staged.plan, sources=(base, *staged.plan.sources[1:])))
    first = await staged.verify()
    target.write_bytes(kept + bytes(4096))
    with pytest.raises(GateClosed):
        await promote(run, staged.staging, target, ignore, seal=first.seal)
    target.write_bytes(kept)
    second = await staged.verify()
    assert second.ok
    assert first.seal is not None
    assert second.seal is not None
    assert second.seal.sha256 == first.seal.sha256
    assert {path.name for path in run.staging.glob("staging.db*")} == {"staging.db"}
    # The time of the file is another one now, so its bytes are looked at once more.
    await promote(run, staged.staging, target, ignore, seal=first.seal)
    assert set(contents(tmp_path)) == {"source.db", "app.db"}
    assert hashlib.sha256(target.read_bytes()).hexdigest() == first.seal.sha256
    with closing(sqlite3.connect(target)) as con:
        assert con.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert con.execute("SELECT * FROM t").fetchall() == [(1, "v1")]
        con.execute("INSERT INTO t VALUES (2, 'late')")
        con.commit()
        # What the application writes waits beside the file, whose bytes are what they were.
        checks = (await check_run(tmp_path, None, ignore)).checks
        assert "written to since" in next(c.detail for c in checks if c.name == "target")


async def test_changed_target_is_refused(tmp_path: Path) -> None:
    target = make_plain(tmp_path / "app.db")
    run, staging = await prepared(tmp_path, "app.db")
    connection = sqlite3.connect(target)
    connection.execute("INSERT INTO t VALUES (777, 'after the backup')")
    connection.commit()
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(GateClosed, match=r"app\.db.*changed since its backup"):
        await promote(run, staging, target, ignore)
    assert contents(tmp_path) == before
    assert staging.exists()


async def test_target_that_appeared_is_refused(tmp_path: Path) -> None:
    run, staging = await prepared(tmp_path, "app.db")
    make_plain(tmp_path / "app.db")
    with pytest.raises(GateClosed):
        await promote(run, staging, tmp_path / "app.db", ignore)


async def test_target_in_use_is_refused(tmp_path: Path) -> None:
    target = make_plain(tmp_path / "app.db")
    run, staging = await prepared(tmp_path, "app.db")
    code = (
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT * FROM t').fetchall(); print(1,flush=True); sys.stdin.read()"
    )
    with (
        other_program(code, target) as process,
        pytest.raises(LockedError, match=rf"app\.db.*{process.pid}"),
    ):
        await promote(run, staging, target, ignore)
    await promote(run, staging, target, ignore)
    assert dump(target) == NEW_ROWS


async def test_incomplete_staging_and_missing_folder_are_refused(tmp_path: Path) -> None:
    run, staging = await prepared(tmp_path, "missing/app.db")
    with pytest.raises(FileRefused, match="folder does not exist"):
        await promote(run, staging, tmp_path / "missing" / "app.db", ignore)
    staging.with_name("staging.db-journal").write_bytes(b"x")
    with pytest.raises(Failed, match="not complete"):
        await promote(run, staging, tmp_path / "missing" / "app.db", ignore)


async def test_symlinked_target_stays_a_link(tmp_path: Path) -> None:
    make_plain(tmp_path / "data" / "real.db")
    (tmp_path / "app.db").symlink_to("data/real.db")
    run, staging = await prepared(tmp_path, "app.db")
    await promote(run, staging, tmp_path / "app.db", ignore)
    assert (tmp_path / "app.db").is_symlink()
    assert dump(tmp_path / "data" / "real.db") == NEW_ROWS


async def test_another_file_system_is_reached_by_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consolidator_tui.storage.workshop.same_mount", lambda *_: False)
    target = make_wal_left_over(tmp_path / "app.db")
    run, staging = await prepared(tmp_path, "app.db")
    await promote(run, staging, target, ignore)
    assert dump(target) == NEW_ROWS
    assert set(contents(tmp_path)) == {"source.db", "app.db"}
    assert not staging.exists()


@pytest.mark.parametrize("make", [make_plain, make_wal_left_over, make_hot_journal])
async def test_an_error_in_the_middle_puts_the_old_target_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object
) -> None:
    assert callable(make)
    target = make(tmp_path / "app.db")
    run, staging = await prepared(tmp_path, "app.db")
    before = contents(tmp_path)

    def put(new: Path, path: Path) -> None:
        if new == staging:
            raise OSError(5, "Input/output error")
        family.put(new, path)

    monkeypatch.setattr("consolidator_tui.services.promote.put", put)
    with pytest.raises(Failed, match="input/output"):
        await promote(run, staging, target, ignore)
    assert contents(tmp_path) == before
    monkeypatch.undo()
    await promote(run, staging, target, ignore)
    assert dump(target) == NEW_ROWS


async def test_recover_without_anything_to_do_changes_nothing(tmp_path: Path) -> None:
    make_plain(tmp_path / "app.db")
    run, _ = await prepared(tmp_path, "app.db")
    before = contents(tmp_path)
    recovery = await recover(run, ignore)
    assert not recovery.state.promoted
    assert contents(tmp_path) == before


@pytest.mark.parametrize("make", [make_wal_left_over, make_hot_journal])
async def test_every_state_of_the_exchange_is_whole(tmp_path: Path, make: object) -> None:
    """The settled copy with the old sidecars, and alone, reads as the old database."""
    assert callable(make)
    project = tmp_path / "project"
    target = make(project / "app.db")
    run, _ = await prepared(project, "app.db")
    snapshot = run.backup / "app.db"
    shutil.copytree(project, tmp_path / "old", ignore=shutil.ignore_patterns(".c*"))
    expected = dump(tmp_path / "old" / "app.db")
    combined = tmp_path / "combined"
    combined.mkdir()
    for member in project.glob("app.db-*"):
        shutil.copy(member, combined)
    shutil.copy(snapshot, combined / "app.db")
    assert dump(combined / "app.db") == expected
    alone = shutil.copy(snapshot, tmp_path / "alone.db")
    assert dump(Path(os.fspath(alone))) == expected
    assert target.exists()
