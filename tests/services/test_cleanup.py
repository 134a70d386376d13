"""Clean up: gates with reasons, checked again at the moment of deletion."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import ConsolidatorError, GateClosed, UsageError
from consolidator_tui.domain.event import ignore
from consolidator_tui.services import cleanup
from consolidator_tui.services.backup import back_up
from consolidator_tui.services.cleanup import (
    clean_up,
    confirmation_phrase,
    deletable_files,
    gates,
)
from consolidator_tui.services.promote import promote
from consolidator_tui.services.rollback import roll_back
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder
from tests.services.run_project import (
    contents,
    make_hot_journal,
    make_plain,
    make_wal_left_over,
    other_program,
    tree,
    verified,
)

SOURCES = ["plain.db", "wal.db", "hot.db"]
OPEN_PROGRAM = (
    "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
    "c.execute('SELECT * FROM t').fetchall(); print(1,flush=True); sys.stdin.read()"
)


async def promoted_run(project: Path) -> RunFolder:
    make_plain(project / "plain.db")
    make_wal_left_over(project / "wal.db")
    make_hot_journal(project / "hot.db")
    make_plain(project / "app.db")
    run = RunFolder.create(project)
    await back_up(run, [*SOURCES, "app.db"], target="app.db", emit=ignore)
    await promote(run, make_plain(run.staging / "s.db", rows=7), project / "app.db", ignore)
    async with open_run_store(run) as store:
        await store.save_state(verified(await store.load_state()))
    return run


async def closed(run: RunFolder, files: list[str]) -> dict[str, str]:
    return {g.name: g.reason for g in await gates(run, files, ignore) if not g.open}


async def test_originals_go_with_their_sidecars_and_come_back(tmp_path: Path) -> None:
    run = await promoted_run(tmp_path)
    before = tree(tmp_path)
    assert await deletable_files(run) == SOURCES
    assert await closed(run, SOURCES) == {}
    assert tree(tmp_path) == before
    left = await clean_up(run, SOURCES, "delete 3 files", ignore)
    assert left == ()
    assert set(contents(tmp_path)) == {"app.db"}
    async with open_run_store(run) as store:
        assert (await store.load_state()).cleaned
    await roll_back(run, ignore)
    after = tree(tmp_path)
    for path in (path for path in before if path != "app.db"):
        assert after[path] == before[path]


async def test_part_of_the_files(tmp_path: Path) -> None:
    run = await promoted_run(tmp_path)
    assert await clean_up(run, ["wal.db"], "delete 1 file", ignore) == ("plain.db", "hot.db")
    assert await deletable_files(run) == ["plain.db", "hot.db"]


@pytest.mark.parametrize("phrase", ["", "delete 2 files", "DELETE 3 FILES", "delete 3 files "])
async def test_only_the_exact_phrase(tmp_path: Path, phrase: str) -> None:
    run = await promoted_run(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="delete 3 files"):
        await clean_up(run, SOURCES, phrase, ignore)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("path", ["app.db", "../x.db", "unknown.db"])
async def test_only_sources(tmp_path: Path, path: str) -> None:
    run = await promoted_run(tmp_path)
    with pytest.raises(UsageError, match="not a source"):
        await gates(run, [path], ignore)


async def test_changed_original(tmp_path: Path) -> None:
    run = await promoted_run(tmp_path)
    connection = sqlite3.connect(tmp_path / "plain.db")
    connection.execute("INSERT INTO t VALUES (999, 'late')")
    connection.commit()
    connection.close()
    before = contents(tmp_path)
    assert "plain.db" in (await closed(run, SOURCES))["unchanged"]
    with pytest.raises(GateClosed, match=r"plain\.db.*changed since"):
        await clean_up(run, SOURCES, confirmation_phrase(3), ignore)
    assert contents(tmp_path) == before


async def test_a_row_that_is_only_in_a_new_log_counts_as_a_change(tmp_path: Path) -> None:
    make_plain(tmp_path / "plain.db")
    run = RunFolder.create(tmp_path)
    await back_up(run, ["plain.db"], target="app.db", emit=ignore)
    await promote(run, make_plain(run.staging / "s.db", rows=7), tmp_path / "app.db", ignore)
    (tmp_path / "plain.db-wal").write_bytes(b"something")
    assert "unchanged" in await closed(run, ["plain.db"])


async def test_original_in_use(tmp_path: Path) -> None:
    run = await promoted_run(tmp_path)
    with other_program(OPEN_PROGRAM, tmp_path / "plain.db") as process:
        assert str(process.pid) in (await closed(run, SOURCES))["not in use"]


async def test_damaged_backup(tmp_path: Path) -> None:
    run = await promoted_run(tmp_path)
    with (run.backup / "plain.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    assert "plain.db" in (await closed(run, ["wal.db"]))["backup"]


async def test_target_gone_or_emptied(tmp_path: Path) -> None:
    run = await promoted_run(tmp_path)
    connection = sqlite3.connect(tmp_path / "app.db")
    connection.execute("INSERT INTO t VALUES (999, 'by the application')")
    connection.commit()
    assert await closed(run, SOURCES) == {}
    connection.execute("DROP TABLE t")
    connection.commit()
    connection.close()
    assert "table t" in (await closed(run, SOURCES))["target"]
    (tmp_path / "app.db").unlink()
    assert "not there" in (await closed(run, SOURCES))["target"]


async def test_not_verified_or_rolled_back(tmp_path: Path) -> None:
    make_plain(tmp_path / "plain.db")
    run = RunFolder.create(tmp_path)
    await back_up(run, ["plain.db"], target="app.db", emit=ignore)
    assert {"verified", "promoted", "target"} <= set(await closed(run, ["plain.db"]))
    other = await promoted_run(tmp_path / "other")
    await roll_back(other, ignore)
    assert "not rolled back" in await closed(other, SOURCES)


async def test_checked_again_at_the_moment_of_deletion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await promoted_run(tmp_path)

    async def all_open(*_arguments: object) -> tuple[cleanup.Gate, ...]:
        # Between the gates and the deletion somebody swaps one file and writes another.
        (tmp_path / "plain.db").unlink()
        (tmp_path / "plain.db").symlink_to("app.db")
        return ()

    monkeypatch.setattr(cleanup, "gates", all_open)
    with pytest.raises(ConsolidatorError):
        await clean_up(run, SOURCES, confirmation_phrase(3), ignore)
    assert (tmp_path / "app.db").exists()
    assert (tmp_path / "wal.db").exists()


async def test_link_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    make_plain(tmp_path / "outside.db")
    project.mkdir()
    (project / "link.db").symlink_to("../outside.db")
    run = RunFolder.create(project)
    await back_up(run, ["link.db"], target="app.db", emit=ignore)
    await promote(run, make_plain(run.staging / "s.db", rows=7), project / "app.db", ignore)
    assert "outside the project" in (await closed(run, ["link.db"]))["inside"]
