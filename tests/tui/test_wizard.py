"""The wizard by keyboard alone, at 80 by 24, on a session in memory."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from consolidator_tui.domain.errors import Failed
from consolidator_tui.domain.event import Level, Message, Step
from consolidator_tui.services.session import Session
from consolidator_tui.tui.app import ConsolidatorApp
from consolidator_tui.tui.commands import ActionProvider
from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.fit_table import FitTable
from tests.tui import fake
from tests.tui.conftest import NARROW, WIDE, Start
from tests.tui.drive import app_of, keys_fit, press, primary, said, settle, shown, step_of
from tests.tui.fake import MAIN, OLD, THIRD, FakeSession


async def test_the_fake_is_called_as_the_session_is() -> None:
    helpers = {"opener", "emit", "add_listener", "prepare"}
    for name, method in inspect.getmembers(FakeSession, inspect.isfunction):
        if name.startswith("_") or name in helpers:
            continue
        real = inspect.signature(getattr(Session, name)).parameters
        wanted = [p for p in inspect.signature(method).parameters if p != "self"]
        assert wanted == [p for p in real if p in wanted], name
        missing = [p for n, p in real.items() if n not in wanted and n != "self"]
        assert all(p.default is not inspect.Parameter.empty for p in missing), name


async def test_files_are_chosen_with_space_and_target_with_t(
    start: Start, session: FakeSession
) -> None:
    async with start() as pilot:
        app = app_of(pilot)
        table = app.screen.query_one(FitTable)
        assert table.current_key == MAIN
        assert app.wizard.target == MAIN
        table.move_to(THIRD)
        await press(pilot, "space")
        assert app.wizard.picks.sources == [MAIN, OLD]
        await press(pilot, "t")
        assert app.wizard.picks.target == THIRD
        assert THIRD in app.wizard.picks.sources
        table.move_to("app.db")
        await press(pilot, "space")
        assert "app.db" not in app.wizard.picks.sources
        table.move_to(OLD)
        await press(pilot, "b")
        assert "so it is the base:" in said(pilot)
        table.move_to(THIRD)
        await press(pilot, "b")
        assert "so it is the base already:" in said(pilot)
        table.move_to(OLD)
        await press(pilot, "n")
        app.screen.query_one(Input).value = "new.db"
        await press(pilot, "enter")
        assert app.wizard.target == "new.db"
        await press(pilot, "b", "p")
        assert app.wizard.base == OLD
        assert app.wizard.picks.sources[0] == OLD
        await press(pilot, "enter")
        assert session.chosen is not None
        assert session.chosen.target == "new.db"


async def test_the_detail_says_why_a_file_exists(start: Start) -> None:
    async with start() as pilot:
        app_of(pilot).screen.query_one(FitTable).move_to(OLD)
        await settle(pilot)
        assert "backend/app/agents/prompt_agent.py:9" in shown(pilot)


async def test_another_folder_is_looked_through(start: Start, session: FakeSession) -> None:
    async with start() as pilot:
        await press(pilot, "a")
        pilot.app.screen.query_one(Input).value = "../data"
        await press(pilot, "enter")
        assert app_of(pilot).wizard.extra_folders == [Path("/srv/shop/../data")]
        assert session.calls.count("discover") == 2


async def test_nothing_found_says_what_to_do(start: Start, session: FakeSession) -> None:
    session.files = ()
    async with start() as pilot:
        text = shown(pilot)
        assert "No SQLite files under /srv/shop (412 files checked)." in text
        assert "a: add a folder" in text
        assert primary(pilot).disabled


async def test_c_is_among_the_keys_while_something_runs(start: Start) -> None:
    async with start() as pilot:
        app = app_of(pilot)
        app.job = fake.job()
        app.screen.refresh_bindings()
        await pilot.pause()
        assert "c stop" in keys_fit(pilot)
        app.job = None


async def test_too_small_says_so_and_recovers(start: Start) -> None:
    async with start((79, 24)) as pilot:
        assert "enlarge the terminal" in shown(pilot)
        assert pilot.app.screen.query_one(TooSmall).display
        await pilot.resize_terminal(80, 23)
        await settle(pilot)
        assert "enlarge the terminal" in shown(pilot)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "enlarge the terminal" not in shown(pilot)
        assert MAIN in shown(pilot)
        await press(pilot, "enter")
        assert step_of(pilot) is Step.INSPECT


async def test_rail_and_log_follow_the_size(start: Start) -> None:
    async with start((109, 31)) as pilot:
        strip, rail = pilot.app.screen.query_one("#strip"), pilot.app.screen.query_one("#rail")
        assert (strip.display, rail.display) == (True, False)
        assert pilot.app.screen.query_one("#log").size.height == 1
        await pilot.resize_terminal(110, 32)
        await settle(pilot)
        assert (strip.display, rail.display) == (False, True)
        assert pilot.app.screen.query_one("#log").size.height == 7


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_hostile_names_are_shown_as_they_are(
    start: Start, session: FakeSession, size: tuple[int, int]
) -> None:
    fake.hostile(session)
    async with start(size) as pilot:
        table = pilot.app.screen.query_one(FitTable)
        for name in fake.HOSTILE:
            table.move_to(name)
            await pilot.pause()
        text = shown(pilot)
        assert "[red]x" in text
        assert "[/tmp]" in text
        assert "a\\e[31m\\nb.db" in text
        assert "caf\\xe9.db" in text
        app = app_of(pilot)
        session.emit(Message(Step.DISCOVER, Level.WARNING, "[/red] [nope\x1b]", "[/x]"))
        for name in fake.HOSTILE:
            app.tell(f"{name} [/b]")
        await press(pilot, "enter")
        table.move_to(fake.HOSTILE[1])
        await press(pilot, "L", "escape")
        session.failing["back_up"] = Failed("[/tmp] failed\x1b[2J", todo="[red]", title="[/]")
        await press(pilot, "enter", "enter")
        assert "[/tmp] failed\\e[2J" in shown(pilot)


async def test_brackets_go_back_and_forward_and_changes_make_stale(
    start: Start, session: FakeSession
) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "right_square_bracket")
        assert step_of(pilot) is Step.MIGRATE
        await press(pilot, *["left_square_bracket"] * 5)
        assert step_of(pilot) is Step.DISCOVER
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert step_of(pilot) is Step.BACKUP
        assert "read back and equal" in shown(pilot)
        await press(pilot, "left_square_bracket", "left_square_bracket", "enter")
        assert "!Back up" in shown(pilot)
        await press(pilot, "enter")
        assert "Back up 3 files" in str(primary(pilot).label)


async def test_the_palette_holds_every_action(start: Start) -> None:
    async with start() as pilot:
        provider = ActionProvider(pilot.app.screen)
        names = [name for name, _key, _action in provider._actions()]
        for name in (
            "Inspect 3 files",
            "Make this file the target",
            "Look into another folder as well",
            "Roll back everything",
            "Show the whole event log",
            "Help for this screen",
            "Step back",
        ):
            assert name in names
        await press(pilot, "ctrl+p", *"whole", "enter")
        await press(pilot, "enter")
        assert "Event log" in shown(pilot)


async def test_log_filters(start: Start) -> None:
    async with start() as pilot:
        await press(pilot, "enter", "L")
        assert "files found" in shown(pilot)
        await press(pilot, "v", "v")
        text = shown(pilot)
        assert "uvicorn (4711) has it open" in text
        assert "files found" not in text
        await press(pilot, "v", "v", "v", "s", "s")
        text = shown(pilot)
        assert "4 tables in 3 files" in text
        assert "files found" not in text
        await press(pilot, "escape")
        assert step_of(pilot) is Step.INSPECT


async def test_every_screen_has_a_page_of_help(start: Start) -> None:
    from consolidator_tui.tui.screens.help import page

    for name in (*(step.value for step in Step), "review", "overview", "plan", "look-alikes"):
        assert page(name).startswith("# ")
    async with start() as pilot:
        await press(pilot, "question_mark", "i", "escape")
        assert step_of(pilot) is Step.DISCOVER


@pytest.mark.parametrize("theme", ["consolidator-light", "ansi-dark", "ansi-light"])
async def test_themes(start: Start, theme: str) -> None:
    async with start() as pilot:
        pilot.app.theme = theme
        await press(pilot, "enter", "enter", "enter")
        assert "✓ equal" in shown(pilot)


async def test_without_colour(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with start() as pilot:
        text = shown(pilot)
        assert "▶Discover" in text
        assert "☑" in text
        assert "☐" in text


def test_the_first_screen_does_not_wait_for_the_services() -> None:
    """Loading them takes longer than the half second that a person waits."""
    import subprocess
    import sys

    code = (
        "import sys; import consolidator_tui.cli.main, consolidator_tui.cli.wizard; "
        "import consolidator_tui.tui.app, consolidator_tui.tui.screens.discover; "
        "print([m for m in sys.modules if m.startswith(('consolidator_tui.services',"
        " 'consolidator_tui.storage', 'consolidator_tui.domain.plan',"
        " 'consolidator_tui.domain.merge', 'consolidator_tui.cli.output'))"
        " or m in ('libcst', 'sqlalchemy', 'aiosqlite', 'tomlkit')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


async def test_a_key_of_migrate_that_does_nothing_says_why(start: Start) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "p")
        assert "No earlier state of these files was found" in said(pilot)
        await press(pilot, "a")
        assert "no open questions" in said(pilot)


async def test_texts_are_not_parsed(start: Start) -> None:
    async with start() as pilot:
        for widget in pilot.app.screen.query(Static):
            assert not widget._render_markup, widget


def test_the_application_names_its_project() -> None:
    assert ConsolidatorApp(Path("/srv/shop")).project == Path("/srv/shop")


async def test_one_database_alone_is_left_as_it_is(start: Start, session: FakeSession) -> None:
    async with start(at=Step.VERIFY) as pilot:
        assert session.chosen is not None
        session.chosen = replace(session.chosen, sources=(MAIN,))
        app_of(pilot).changed()
        await settle(pilot)
        assert "is the only file, so nothing is merged" in " ".join(shown(pilot).split())
        await press(pilot, "enter")
        text = shown(pilot)
        assert f"{MAIN} is the only file and was left as it is." in text
        assert "originals untouched" in text
        assert "ctrl+r" not in text


async def test_a_new_target_is_removed_by_rolling_back(start: Start, session: FakeSession) -> None:
    async with start(at=Step.VERIFY) as pilot:
        assert session.chosen is not None
        session.chosen = replace(session.chosen, target="new.db", target_exists=False)
        await press(pilot, "enter")
        text = shown(pilot)
        assert "new.db is now the one database. ctrl+r removes it." in text
        assert "target in place · ctrl+r undoes" in text
