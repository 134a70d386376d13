"""Configure by keyboard: hunks, the commands that try the application, what Clean up says."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.widgets import Input, RichLog

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.smoke import CommandKind
from consolidator_tui.services.cleanup import Gate
from consolidator_tui.tui.modals.command_form import CommandForm, KindField
from consolidator_tui.tui.screens.configure_trial import TrialPage
from consolidator_tui.tui.widgets.fit_table import FitTable
from consolidator_tui.tui.widgets.key_bar import KeyBar
from tests.tui.conftest import WIDE, Start
from tests.tui.drive import app_of, keys_fit, press, primary, said, settle, shown, step_of
from tests.tui.fake import FakeSession


def keys(pilot: object) -> str:
    """The line of keys."""
    return str(pilot.app.screen.query_one(KeyBar).render())  # type: ignore[attr-defined]


async def test_hunks_are_accepted_or_left(start: Start, session: FakeSession) -> None:
    async with start(WIDE, at=Step.CONFIGURE) as pilot:
        wizard = app_of(pilot).wizard
        assert primary(pilot).label.plain == "↩ Apply 1 change"
        await press(pilot, "space")
        assert wizard.accepted == set()
        await press(pilot, "f")
        assert len(wizard.accepted) == 1
        await press(pilot, "a", "a", "d")
        assert "all changes" in shown(pilot)
        assert "+DATABASE_URL=sqlite:////srv/shop/backend/app.db" in shown(pilot)
        await press(pilot, "i")
        # .env is no code: there is nothing that could read a variable first.
        assert session.introduced == [None]


async def test_a_file_that_changed_is_shown_again(start: Start, session: FakeSession) -> None:
    session.failing["configure"] = FileRefused("backend/.env changed since the diff was made.")
    async with start(at=Step.CONFIGURE) as pilot:
        wizard = app_of(pilot).wizard
        await press(pilot, "enter")
        assert "changed since the diff was made" in shown(pilot)
        assert wizard.proposal is None
        await press(pilot, "enter")
        assert session.introduced == [None, None]
        assert "Nothing was written" in shown(pilot)
        assert primary(pilot).label.plain == "↩ Apply 1 change"
        await press(pilot, "enter")
        assert wizard.configured is not None
        assert "1 of 1 change made, 1 by hand" in shown(pilot)
        assert "r look again" in keys(pilot)
        await press(pilot, "r")
        assert session.introduced == [None, None, None]
        assert primary(pilot).label.plain == "↩ Apply 1 change"


async def test_what_was_left_alone_stays_so_after_a_new_look(
    start: Start, session: FakeSession
) -> None:
    async with start(at=Step.CONFIGURE) as pilot:
        wizard = app_of(pilot).wizard
        await press(pilot, "space")
        wizard.propose("DATABASE_PATH")
        await settle(pilot)
        assert session.introduced == [None, "DATABASE_PATH"]
        assert wizard.accepted == set()


async def test_commands_are_chosen_edited_added_and_removed(
    start: Start, session: FakeSession
) -> None:
    async with start(at=Step.CONFIGURE) as pilot:
        app = app_of(pilot)
        await press(pilot, "t")
        table = app.screen.query_one("#commands", FitTable)
        assert table.has_focus
        await press(pilot, "down", "space")
        assert [t.chosen for t in app.wizard.trials or ()] == [True, False, True, False]
        await press(pilot, "down", "e")
        assert isinstance(app.screen, CommandForm)
        app.screen.query_one("#field-timeout", Input).value = "soon"
        await press(pilot, "enter")
        assert "soon is not a number" in shown(pilot)
        app.screen.query_one("#field-timeout", Input).value = "12"
        app.screen.query_one("#field-environment", Input).value = "A=1 B='x y'"
        for name, value in (("username", "ann"), ("password", "s3cret")):
            app.screen.query_one(f"#field-login-{name.encode().hex()}", Input).value = value
        await press(pilot, "enter")
        await press(pilot, "n")
        app.screen.query_one("#field-command", Input).value = "make check"
        app.screen.query_one(KindField).focus()
        await press(pilot, "left", "enter")
        await press(pilot, "up", "x")
        keys_fit(pilot)
        await press(pilot, "enter")
        tests, server, new = session.tried
        assert [start.folder for start in tests.starts] == ["backend"]
        assert (server.timeout, server.starts[0].environment) == (12, {"A": "1", "B": "x y"})
        assert server.login is not None
        assert server.login.complete
        assert (new.name, new.kind, new.starts[0].folder) == ("make check", CommandKind.TESTS, "")
        assert "s3cret" not in shown(pilot)
        assert "the application works" in shown(pilot)
        assert primary(pilot).label.plain == "↩ Continue to Clean up"
        await press(pilot, "enter")
        assert step_of(pilot) is Step.CLEANUP
        assert "The application works" in shown(pilot)


async def test_output_is_live_and_the_run_can_be_stopped(
    start: Start, session: FakeSession
) -> None:
    session.blocking["smoke"] = asyncio.Event()
    async with start(at=Step.CONFIGURE) as pilot:
        app = app_of(pilot)
        await press(pilot, "t")
        await pilot.press("enter")
        await pilot.pause(0.25)
        assert "[red]14 passed" in shown(pilot)
        assert "\\e[2Jend" in shown(pilot)
        assert "running" in shown(pilot)
        await pilot.press("x", "e", "t")
        assert isinstance(app.focused, FitTable | RichLog)
        assert len(app.wizard.trials or ()) == 4
        await pilot.press("c", "right", "enter")
        await settle(pilot)
        assert "was stopped" in shown(pilot)
        await press(pilot, "escape")
        assert app.screen.query_one(TrialPage).display
        assert "not run" in shown(pilot)


async def test_a_failure_names_the_line_and_offers_roll_back(
    start: Start, session: FakeSession
) -> None:
    session.broken = True
    session.closed_gates = (Gate("application", False, "backend/prompts.db came back."),)
    async with start(WIDE, at=Step.CONFIGURE) as pilot:
        await press(pilot, "t")
        assert "roll back" not in keys(pilot)
        await press(pilot, "enter")
        text = shown(pilot)
        assert "Not yet: pytest in backend: backend/prompts.db came back" in text
        assert "prompt_agent.py, line 32 in connect" in text
        assert "prompt_agent.py:9" in text
        assert "roll back" in keys(pilot)
        await press(pilot, "G")
        assert "agent_runs: only the unified database has it" in shown(pilot)
        await press(pilot, "s")
        assert "backend/prompts.db came back." in shown(pilot)
        await press(pilot, "left_square_bracket", "ctrl+r", "right", "enter")
        assert step_of(pilot) is Step.ROLLBACK
        assert session.calls[-1] == "roll_back"


async def test_a_name_that_is_no_variable_is_refused(start: Start, session: FakeSession) -> None:
    async with start(at=Step.CONFIGURE) as pilot:
        page = app_of(pilot).screen.query_one("#changes-page")
        page._introduced("no name")  # type: ignore[attr-defined]
        assert "cannot be the name of a variable" in said(pilot)
        assert session.introduced == [None]
        assert Path(session.project).name == "shop"
