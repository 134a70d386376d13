"""Earlier runs in the wizard, on a real session: listed with what depends on them, and removed."""

from __future__ import annotations

import re
from pathlib import Path

from textual.widgets import Button, Input

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.outcome import RunOptions
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.storage.lock import project_lock
from consolidator_tui.storage.run_folder import list_runs
from consolidator_tui.tui.app import ConsolidatorApp
from tests.services.session_project import write_shop
from tests.tui.drive import keys_fit, press, said, settle, shown


async def test_runs_are_listed_read_and_removed(tmp_path: Path) -> None:
    write_shop(tmp_path)
    for more in ({}, {"dry_run": True}, {"dry_run": True}):
        options = RunOptions(target="app.db", yes=True, **more)
        assert (await consolidate(tmp_path, options, ignore)).exit_status == 0
    first, dry, last = (run.name for run in list_runs(tmp_path))
    async with ConsolidatorApp(tmp_path).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        # The first run is in place and can be taken up; that question comes first.
        await press(pilot, "right", "right", "enter", "ctrl+e")
        keys_fit(pilot)
        text = shown(pilot)
        assert "3 runs" in text
        assert all(name in text for name in (first, dry, last))
        assert "dry run" in text
        assert "Nothing would be lost with it." in text
        await press(pilot, "G")
        assert "only way back" in shown(pilot)
        await press(pilot, "o")
        text = shown(pilot)
        assert f"Receipt of run {first}" in text
        assert "Rows lost: 0." in text
        assert not re.search(r"^\W*(#|\| ---)", text, re.MULTILINE), "no Markdown"
        await press(pilot, "escape")

        await press(pilot, "P")
        assert "Remove 2 runs?" in shown(pilot)
        await press(pilot, "enter")
        assert len(list_runs(tmp_path)) == 3, "enter keeps them"
        with project_lock(tmp_path):
            await press(pilot, "P", "right", "enter")
        assert "being worked on by process" in said(pilot)
        await press(pilot, "P", "right", "enter")
        assert [run.name for run in list_runs(tmp_path)] == [first]
        assert "2 runs removed" in said(pilot)

        await press(pilot, "d")
        remove = pilot.app.screen.query_one("#remove", Button)
        field = pilot.app.screen.query_one(Input)
        field.focus()
        field.value = f"remove {first}x"
        await pilot.pause()
        assert remove.disabled
        await press(pilot, "end", "backspace", "enter", "enter")
        assert list_runs(tmp_path) == []
        assert "none yet" in shown(pilot)
    assert (tmp_path / "app.db").exists()


async def test_a_run_in_force_is_rolled_back_by_a_later_start(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.db")}
    for more in ({}, {"dry_run": True}):
        options = RunOptions(target="app.db", yes=True, **more)
        assert (await consolidate(tmp_path, options, ignore)).exit_status == 0
    first, dry = (run.name for run in list_runs(tmp_path))
    assert "app.db" not in before
    async with ConsolidatorApp(tmp_path).run_test(size=(110, 32)) as pilot:
        await settle(pilot)
        await press(pilot, "right", "right", "enter", "ctrl+e", "r")
        assert f"Roll back {first} first, if {dry} is in force." in said(pilot)
        await press(pilot, "ctrl+e", "G")
        assert f"{first} --yes" in shown(pilot)
        await press(pilot, "r")
        assert f"Roll back run {first}?" in shown(pilot)
        await press(pilot, "right", "enter")
        assert "Everything is as it was" in shown(pilot)
        assert {path.name: path.read_bytes() for path in tmp_path.glob("*.db")} == before


async def test_the_present_run_is_not_removed(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with ConsolidatorApp(tmp_path).run_test(size=(110, 32)) as pilot:
        await settle(pilot)
        await press(pilot, "enter", "enter", "enter")
        (run,) = list_runs(tmp_path)
        await press(pilot, "ctrl+e")
        await press(pilot, "d")
        pilot.app.screen.query_one(Input).focus()
        pilot.app.screen.query_one(Input).value = f"remove {run.name}"
        await press(pilot, "enter", "enter")
        assert "worked on" in said(pilot)
        assert list_runs(tmp_path) == [run]
        await press(pilot, "escape")
