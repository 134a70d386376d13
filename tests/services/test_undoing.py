"""Several runs on one project, rolled back in every order."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.outcome import Result, RunOptions
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.undoing import undo
from consolidator_tui.storage.run_folder import list_runs
from tests.services.session_project import hashes, write_shop

OPTIONS = RunOptions(sources=("a.db", "b.db"), target="a.db", yes=True)


async def _runs(folder: Path, count: int) -> list[dict[str, str]]:
    """So many runs, each after another order was written into b.db; the hashes before each."""
    write_shop(folder)
    before = []
    for number in range(count):
        with closing(sqlite3.connect(folder / "b.db")) as connection:
            connection.execute("INSERT INTO orders(user_id, what) VALUES (1, ?)", (f"n{number}",))
            connection.commit()
        before.append(hashes(folder))
        outcome = await consolidate(folder, OPTIONS, ignore)
        assert outcome.result is Result.CONSOLIDATED
        assert outcome.changed
    return before


async def test_repeating_it_never_brings_a_merge_back(tmp_path: Path) -> None:
    before = await _runs(tmp_path, 2)
    for expected in (1, 0, 0, 0):
        await undo(tmp_path, None, ignore)
        assert hashes(tmp_path)["a.db"] == before[expected]["a.db"]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_named_run_takes_the_later_ones_with_it(tmp_path: Path, first: int) -> None:
    before = await _runs(tmp_path, 3)
    names = [run.name for run in list_runs(tmp_path)]
    done = await undo(tmp_path, names[first], ignore)
    assert [name for name, _ in done.runs] == names[first:][::-1]
    assert done.earlier == tuple(names[:first][::-1])
    assert hashes(tmp_path)["a.db"] == before[first]["a.db"]
    # What was written into the other file meanwhile is nobody's to take back.
    assert hashes(tmp_path)["b.db"] == before[2]["b.db"]
