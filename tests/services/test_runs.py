"""The list of runs and their removal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import FileRefused, GateClosed, LockedError, UsageError
from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.outcome import RunOptions
from consolidator_tui.services.backup import back_up
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.runs import describe_runs, prune, prune_runs
from consolidator_tui.services.undoing import undo
from consolidator_tui.storage.lock import project_lock
from consolidator_tui.storage.run_db import Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs
from tests.services.run_project import make_plain
from tests.services.session_project import write_shop


def clock() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_list_sizes_and_prune(tmp_path: Path) -> None:
    make_plain(tmp_path / "x.db")
    runs = [RunFolder.create(tmp_path, clock) for _ in range(11)]
    assert [run.name for run in runs[:3]] == [
        "20260102T030405Z",
        "20260102T030405Z-2",
        "20260102T030405Z-3",
    ]
    await back_up(runs[0], ["x.db"], target="app.db", emit=ignore)
    assert [run.name for run in list_runs(tmp_path)] == [run.name for run in runs]
    infos = await describe_runs(tmp_path)
    assert infos[0].backup_complete
    assert infos[0].sources == ("x.db",)
    assert infos[0].target == "app.db"
    assert infos[0].files == "x.db -> app.db"
    await back_up(runs[1], ["x.db"], target="x.db", emit=ignore)
    assert (await describe_runs(tmp_path))[1].files == "x.db"
    assert infos[0].backup_size >= (tmp_path / "x.db").stat().st_size
    assert not infos[1].backup_complete
    with pytest.raises(UsageError):
        await prune(runs[0], confirmed=False)
    assert await prune(runs[0], confirmed=True) > 0
    assert not runs[0].path.exists()
    assert [run.name for run in list_runs(tmp_path)] == [run.name for run in runs[1:]]
    assert (tmp_path / "x.db").exists()


async def test_only_what_nothing_needs_goes_unnamed(tmp_path: Path) -> None:
    write_shop(tmp_path)
    for more in ({}, {"dry_run": True}, {}):
        options = RunOptions(target="app.db", yes=True, **more)
        assert (await consolidate(tmp_path, options, ignore)).exit_status == 0
    first, dry, same = (run.name for run in list_runs(tmp_path))
    needed = {info.name: info.needed for info in await describe_runs(tmp_path)}
    assert needed[dry] == needed[same] == ""
    assert "only way back" in needed[first]
    with pytest.raises(UsageError, match=rf"{dry} \([\d,]+ bytes\)"):
        await prune_runs(tmp_path, [], confirmed=False)
    removed = await prune_runs(tmp_path, [], confirmed=True)
    assert [info.name for info in removed] == [dry, same]
    with pytest.raises(UsageError, match="only way back"):
        await prune_runs(tmp_path, [first], confirmed=False)
    with project_lock(tmp_path), pytest.raises(LockedError):
        await prune_runs(tmp_path, [first], confirmed=True)
    await prune_runs(tmp_path, [first], confirmed=True)
    assert list_runs(tmp_path) == []
    assert (tmp_path / "app.db").exists()


async def test_what_roll_back_kept_goes_only_by_name(tmp_path: Path) -> None:
    write_shop(tmp_path)
    options = RunOptions(target="app.db", yes=True)
    await consolidate(tmp_path, options, ignore)
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        connection.execute("INSERT INTO orders VALUES (99, 1, 'since')")
        connection.commit()
    await undo(tmp_path, None, ignore)
    assert await prune_runs(tmp_path, [], confirmed=True) == []
    (info,) = await describe_runs(tmp_path)
    assert "set aside" in info.needed


async def test_an_interrupted_change_is_not_pruned(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path)
    async with open_run_store(run) as store:
        await store.begin_work(Work(WorkKind.ROLLBACK, {}))
    with pytest.raises(GateClosed, match="rollback"):
        await prune(run, confirmed=True)


async def test_a_damaged_run_is_listed_with_its_problem(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path)
    run.run_db.write_bytes(b"not a database" * 100)
    (info,) = await describe_runs(tmp_path)
    assert info.state is None
    assert "database of the run" in info.problem


def test_names_that_are_no_runs_are_refused(tmp_path: Path) -> None:
    RunFolder.create(tmp_path)
    for name in ("..", "../..", "20260102T030405Z/..", "nothing"):
        with pytest.raises(UsageError):
            RunFolder.open(tmp_path, name)


def test_the_tools_folder_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".consolidator").symlink_to("elsewhere")
    with pytest.raises(FileRefused, match="in the way"):
        RunFolder.create(tmp_path)


def test_git_ignores_the_folder(tmp_path: Path) -> None:
    RunFolder.create(tmp_path)
    assert (tmp_path / ".consolidator" / ".gitignore").read_text() == "*\n"
