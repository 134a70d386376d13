"""The list of runs and their removal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import FileRefused, GateClosed, UsageError
from consolidator_tui.domain.event import ignore
from consolidator_tui.services.backup import back_up
from consolidator_tui.services.runs import describe_runs, prune
from consolidator_tui.storage.run_db import Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs
from tests.services.run_project import make_plain


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
    assert infos[0].backup_size >= (tmp_path / "x.db").stat().st_size
    assert not infos[1].backup_complete
    with pytest.raises(UsageError):
        await prune(runs[0], confirmed=False)
    assert await prune(runs[0], confirmed=True) > 0
    assert not runs[0].path.exists()
    assert [run.name for run in list_runs(tmp_path)] == [run.name for run in runs[1:]]
    assert (tmp_path / "x.db").exists()


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
