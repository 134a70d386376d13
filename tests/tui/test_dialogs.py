"""Failures, conflicts, and everything that asks before it does something."""

from __future__ import annotations

import asyncio

import pytest
from textual.events import Key
from textual.widgets import Button, Input, TextArea

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.errors import Failed, FileRefused, GateClosed, LockedError, UsageError
from consolidator_tui.domain.event import Progress, Step
from consolidator_tui.domain.run import StepStatus
from consolidator_tui.services.cleanup import Gate
from tests.tui.conftest import Start
from tests.tui.drive import app_of, keys_fit, press, primary, said, settle, shown, step_of
from tests.tui.fake import MAIN, OLD, THIRD, FakeSession, LeftOver


async def test_a_failure_says_four_things_and_can_be_tried_again(
    start: Start, session: FakeSession
) -> None:
    session.failing["migrate"] = LockedError(
        "backend/app.db is locked by uvicorn (4711).", todo="Stop it and try again."
    )
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "enter")
        text = shown(pilot)
        assert "Locked by another process" in text
        assert "backend/app.db is locked by uvicorn (4711)." in text
        for fact in ("Originals: untouched", "unchanged", "complete, verified"):
            assert fact in text
        assert "Stop it and try again." in text
        assert "ctrl+r roll back" in text
        assert ".consolidator/runs/" in text
        assert "×Migrate" in text  # noqa: RUF001 - the sign is meant
        await press(pilot, "enter")
        assert "0 lost" in shown(pilot)


async def test_an_unexpected_error_does_not_end_the_wizard(
    start: Start, session: FakeSession
) -> None:
    session.failing["select"] = ZeroDivisionError("[/oops]")
    async with start() as pilot:
        await press(pilot, "enter")
        assert "ZeroDivisionError" in shown(pilot)
        await press(pilot, "escape")
        assert MAIN in shown(pilot)


async def test_a_project_that_cannot_be_opened(start: Start, session: FakeSession) -> None:
    session.failing["open"] = UsageError("There is no folder /srv/shop.", todo="Name another.")
    async with start() as pilot:
        assert "There is no folder /srv/shop." in shown(pilot)


async def test_c_asks_and_stops(start: Start, session: FakeSession) -> None:
    session.blocking["migrate"] = asyncio.Event()
    async with start(at=Step.MIGRATE) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        session.emit(Progress(Step.MIGRATE, "users", 20, 82, "rows", "writing"))
        await pilot.pause(0.15)
        text = shown(pilot)
        assert "◐ Merging" in text
        assert "20 / 82" in text
        assert primary(pilot).disabled
        await pilot.press("c")
        await pilot.pause()
        assert "Keep going" in shown(pilot)
        assert "nothing has changed yet" in shown(pilot)
        await pilot.press("enter")
        assert app_of(pilot).job is not None
        await pilot.press("c", "right", "enter")
        await settle(pilot)
        assert "Stopped" in shown(pilot)
        assert session.state.steps[Step.MIGRATE] is StepStatus.FAILED
        del session.blocking["migrate"]
        await press(pilot, "enter")
        assert "0 lost" in shown(pilot)


async def test_quitting_is_guarded_and_waits_for_the_work(
    start: Start, session: FakeSession
) -> None:
    session.blocking["back_up"] = asyncio.Event()
    async with start(at=Step.BACKUP) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert "is still running" in shown(pilot)
        await pilot.press("escape", "ctrl+q", "right", "enter")
        await pilot.pause(0.2)
        assert session.calls[-1] == "closed"
        assert session.state.steps[Step.BACKUP] is StepStatus.FAILED
        assert pilot.app.return_value == 0


@pytest.mark.parametrize("key", ["ctrl+q", "c"])
async def test_a_question_about_work_goes_with_it(
    start: Start, session: FakeSession, key: str
) -> None:
    """Its words would be untrue of what is done by then."""
    session.blocking["back_up"] = asyncio.Event()
    async with start(at=Step.BACKUP) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app.screen.is_modal
        session.blocking["back_up"].set()
        await settle(pilot)
        assert not pilot.app.screen.is_modal
        assert session.state.steps[Step.BACKUP] is StepStatus.DONE
        assert pilot.app.is_running


async def test_ctrl_c_says_how_one_leaves(start: Start) -> None:
    async with start(at=Step.CLEANUP) as pilot:
        await press(pilot, "ctrl+c")
        assert said(pilot) == "ctrl+q leaves the wizard."
        for key in ("enter", "ctrl+r"):
            await press(pilot, key, "ctrl+c")
            assert pilot.app.screen.is_modal
            assert said(pilot) == "esc closes this; ctrl+q leaves the wizard."
            await press(pilot, "escape", "ctrl+c")
            assert said(pilot) == "ctrl+q leaves the wizard."


async def test_quitting_closes_the_session(start: Start, session: FakeSession) -> None:
    async with start() as pilot:
        await pilot.press("ctrl+q")
        await pilot.pause(0.1)
    assert session.calls[-1] == "closed"


async def test_delete_needs_the_exact_phrase(start: Start, session: FakeSession) -> None:
    async with start(at=Step.CLEANUP) as pilot:
        await press(pilot, "enter")
        screen = pilot.app.screen
        delete, keep = screen.query_one("#delete", Button), screen.query_one("#keep", Button)
        assert pilot.app.focused is keep
        text = shown(pilot)
        assert OLD in text
        assert THIRD in text
        assert "consolidator-tui rollback /srv/shop" in text
        screen.query_one(Input).focus()
        await pilot.pause()
        screen.query_one(Input).value = "delete 2 file"
        screen.query_one(Input).action_end()
        await pilot.pause()
        assert delete.disabled
        await pilot.press("enter")
        assert not session.state.cleaned
        await pilot.press("s")
        assert not delete.disabled
        assert "enter goes to the button" in shown(pilot)
        await pilot.press("x")
        assert delete.disabled
        await pilot.press("backspace", "enter")
        assert pilot.app.focused is delete
        assert "enter does it" in shown(pilot)
        await press(pilot, "enter")
        assert session.state.cleaned
        assert "is the one database left" in shown(pilot)


async def test_keep_is_the_answer_of_enter_and_escape(start: Start, session: FakeSession) -> None:
    async with start(at=Step.CLEANUP) as pilot:
        for keys in (("enter", "enter"), ("enter", "escape")):
            await press(pilot, *keys)
            assert step_of(pilot) is Step.CLEANUP
            assert not session.state.cleaned


async def test_a_closed_gate_keeps_delete_away(start: Start, session: FakeSession) -> None:
    session.closed_gates = (Gate("unchanged", False, "It changed since its backup.", OLD),)
    async with start(at=Step.CLEANUP) as pilot:
        assert "It changed since its backup." in shown(pilot)
        assert primary(pilot).disabled
        await press(pilot, "enter")
        assert step_of(pilot) is Step.CLEANUP


async def test_places_that_still_name_the_files_are_told_where_it_is_decided(
    start: Start, session: FakeSession
) -> None:
    place = "job.py:2 still names it: “old.db”, when started in the project."
    session.closed_gates = (Gate("references", False, place, OLD, waivable=True),)
    async with start(at=Step.CLEANUP) as pilot:
        assert "1 place of the application still names these files" in shown(pilot)
        await press(pilot, "enter")
        screen = pilot.app.screen
        assert "delete 2 files anyway" in shown(pilot)
        text = shown(pilot)
        assert "↓ 1 more line" in text
        assert place[:50] not in text
        await press(pilot, "down")
        text = shown(pilot)
        assert "↑ 1 more line" in text
        assert place[:50] in text
        await press(pilot, *"del", "enter")
        assert screen.query_one(Input).value == "del", "typed while Keep had the focus"
        assert "That is not the phrase" in shown(pilot)
        screen.query_one(Input).value = "delete 2 files"
        await pilot.pause()
        assert screen.query_one("#delete", Button).disabled
        screen.query_one(Input).value = "delete 2 files anyway"
        await pilot.pause()
        screen.query_one("#delete", Button).press()
        await pilot.pause()
        assert session.state.cleaned


async def test_names_that_stay_are_told_where_it_is_decided(
    start: Start, session: FakeSession
) -> None:
    stays = "backups/old.db is another name of old.db and stays."
    session.closed_gates = (Gate("other names", True, stays, "backups/old.db"),)
    async with start(at=Step.CLEANUP) as pilot:
        assert stays in shown(pilot)
        await press(pilot, "enter")
        await press(pilot, "down", "down")
        assert stays in shown(pilot)
        assert "delete 2 files anyway" not in shown(pilot)


async def test_a_phrase_that_comes_all_at_once_is_whole(start: Start) -> None:
    """As a paste, or a fast hand: the field has the focus only after the first characters."""
    phrase = "delete 2 files"
    async with start(at=Step.CLEANUP) as pilot:
        await press(pilot, "enter")
        for character in phrase:
            pilot.app.post_message(Key("space" if character == " " else character, character))
        await settle(pilot)
        assert pilot.app.screen.query_one(Input).value == phrase
        assert not pilot.app.screen.query_one("#delete", Button).disabled


async def test_what_comes_up_at_the_last_look_is_listed_before_it_is_overruled(
    start: Start, session: FakeSession
) -> None:
    place = "late.py:1 still names it: “old.db”, when started in the project."
    async with start(at=Step.CLEANUP) as pilot:
        session.failing["clean_up"] = GateClosed("late.py:1 names old.db.")
        await press(pilot, "enter")
        screen = pilot.app.screen
        screen.query_one(Input).value = "delete 2 files"
        await pilot.pause()
        screen.query_one("#delete", Button).press()
        await settle(pilot)
        assert "late.py:1 names old.db." in shown(pilot)
        session.closed_gates = (Gate("references", False, place, OLD, waivable=True),)
        await press(pilot, "enter", "enter")
        assert "delete 2 files anyway" in shown(pilot)
        # At 24 lines the list is longer than its place.
        await press(pilot, "pagedown")
        assert "late.py:1 still names it" in shown(pilot)


async def test_roll_back_with_nothing_to_undo(start: Start) -> None:
    async with start() as pilot:
        await press(pilot, "ctrl+r")
        assert "nothing to roll back" in said(pilot)


async def test_roll_back_of_a_run_that_an_earlier_start_finished(
    start: Start, session: FakeSession
) -> None:
    session.finished = LeftOver(Step.CLEANUP, name="20260112T094103Z")
    async with start() as pilot:
        await press(pilot, "ctrl+r")
        assert "Roll back run 20260112T094103Z?" in shown(pilot)
        await press(pilot, "enter")
        assert "roll_back" not in session.calls
        await press(pilot, "ctrl+r", "right", "enter")
        assert session.calls[-2:] == ["go back to 20260112T094103Z", "roll_back"]
        assert step_of(pilot) is Step.ROLLBACK
        assert "Everything is as it was" in shown(pilot)


async def test_roll_back_asks_and_a_new_run_begins(start: Start, session: FakeSession) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "ctrl+r", "enter")
        assert step_of(pilot) is Step.MIGRATE
        await press(pilot, "ctrl+r", "right", "enter")
        assert step_of(pilot) is Step.ROLLBACK
        text = shown(pilot)
        assert "Everything is as it was" in text
        assert "2 rows came into the target since then" in text
        await press(pilot, "enter")
        assert step_of(pilot) is Step.DISCOVER
        assert session.calls.count("closed") == 1
        assert "discover" in session.calls


@pytest.mark.parametrize(
    ("keys", "call"),
    [
        (("enter",), "resume r1"),
        (("right", "enter"), "resume r1"),
        (("right", "right", "enter"), "start_over"),
    ],
)
async def test_an_unfinished_run_is_asked_about_first(
    start: Start, session: FakeSession, keys: tuple[str, ...], call: str
) -> None:
    session.left_over = LeftOver(Step.MIGRATE)
    async with start() as pilot:
        text = shown(pilot)
        assert "Unfinished run of 2026-01-12 09:41 UTC" in text
        assert "174 of 212 conflicts decided" in text
        assert "originals untouched" not in text, "that is not known of the other run"
        assert "discover" not in session.calls
        await press(pilot, *keys)
        assert call in session.calls
        if len(keys) == 2:
            assert "roll_back" in session.calls


async def test_an_interrupted_clean_up_is_taken_up_where_it_was(
    start: Start, session: FakeSession
) -> None:
    """Also when Configure was passed over: all that is left is named; what stopped opens."""
    await session.prepare(Step.CONFIGURE)
    session.state = machine.after_crash(machine.started(session.state, Step.CLEANUP))
    left = (Step.CONFIGURE, Step.CLEANUP)
    session.left_over = LeftOver(Step.CLEANUP, promoted=True, left=left)
    async with start() as pilot:
        assert "Left to do: Configure, Clean up." in shown(pilot)
        await press(pilot, "enter")
        assert step_of(pilot) is Step.CLEANUP


@pytest.mark.parametrize(("decided", "stopped"), [(1, "Migrate, 1 of 3"), (3, "Verify, 3 of 3")])
async def test_an_unfinished_run_says_where_it_goes_on(
    start: Start, session: FakeSession, decided: int, stopped: str
) -> None:
    session.left_over = LeftOver(Step.VERIFY, decided=decided, total=3)
    async with start() as pilot:
        assert f"It stopped at {stopped} conflicts decided." in shown(pilot)
        assert "go on at Migrate, which is done again" in shown(pilot)


async def test_the_plan_is_edited_as_text(start: Start, session: FakeSession) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "e")
        area = pilot.app.screen.query_one(TextArea)
        area.text = "target = ["
        await press(pilot, "ctrl+s")
        assert "not valid TOML" in shown(pilot)
        area.text = 'on_drift = "unite"'
        before = session.calls.count("make_plan")
        await press(pilot, "ctrl+s")
        assert session.calls.count("make_plan") == before + 1
        assert "take_edited whole=True" in session.calls
        session.left_out = 100_000
        await press(pilot, "e")
        assert "100,000 decisions are kept" in shown(pilot)
        await press(pilot, "tab", "ctrl+s")
        assert "take_edited whole=False" in session.calls
        await press(pilot, "e", "x", "escape")
        assert step_of(pilot) is Step.MIGRATE


async def test_the_plan_is_exported_and_imported(start: Start, session: FakeSession) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        assert "w export" in keys_fit(pilot)
        await press(pilot, "w", "enter")
        assert "export plan.toml False" in session.calls
        await press(pilot, "w")
        pilot.app.screen.query_one(Input).value = "there.toml"
        await press(pilot, "enter")
        assert "there.toml exists" in shown(pilot)
        await press(pilot, "right", "enter")
        assert session.calls[-1] == "export there.toml True"
        before = session.calls.count("make_plan")
        await press(pilot, "i", "enter")
        assert "import plan.toml" in session.calls
        assert session.calls.count("make_plan") == before + 1
        assert "It names other files" in said(pilot)


async def test_the_review_is_open_after_a_failed_merge(start: Start, session: FakeSession) -> None:
    session.undecided = 1
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "enter")
        session.failing["migrate"] = Failed("A row would break a rule of its table.")
        await press(pilot, "enter", "1", "enter")
        assert "r review   enter try again" in shown(pilot)
        await press(pilot, "r", "u", "1")
        assert session.conflicts.kept()[0]
        await press(pilot, "enter")
        assert "0 lost" in shown(pilot)


async def test_a_wrong_choice_is_refused_in_words(start: Start, session: FakeSession) -> None:
    session.failing["select"] = FileRefused("There is no file x.db.", todo="Leave it out.")
    async with start() as pilot:
        await press(pilot, "enter")
        assert "There is no file x.db." in shown(pilot)
        assert "Leave it out." in shown(pilot)
        await press(pilot, "enter")
        assert step_of(pilot) is Step.INSPECT
