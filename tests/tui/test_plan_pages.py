"""The plan screen and its pages: every key, at both sizes, with hostile names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.lineage import Offer
from consolidator_tui.domain.plan import Deletions, PlanDocument, ReferencePlan
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.tui.screens.migrate import MigrateScreen
from consolidator_tui.tui.screens.plan_questions import QuestionsPage
from consolidator_tui.tui.screens.plan_rows import RowsPage
from consolidator_tui.tui.screens.plan_suggestions import SuggestionsPage
from consolidator_tui.tui.widgets.fit_table import FitTable
from tests.tui.conftest import NARROW, WIDE, Start
from tests.tui.drive import keys_fit, press, primary, said, shown
from tests.tui.fake import MAIN, OLD, FakeSession

Snapshot = Callable[[Pilot[Any], str], None]
both_sizes = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])


def move_to(pilot: Pilot[Any], key: str) -> None:
    """Put the cursor of the list on that row."""
    pilot.app.screen.query_one("#list", FitTable).move_to(key)


async def typed(pilot: Pilot[Any], text: str) -> None:
    """Type into the field of a dialog in place of what stands there, and accept."""
    pilot.app.screen.query_one(Input).value = text
    await press(pilot, "enter")


@both_sizes
async def test_pictures(
    start: Start, session: FakeSession, snapshot: Snapshot, size: tuple[int, int]
) -> None:
    where = f"{size[0]}x{size[1]}"
    session.undecided = 2
    session.weak = True
    async with start(size, at=Step.MIGRATE) as pilot:
        snapshot(pilot, f"plan-questions-open-{where}")
        assert str(primary(pilot).label) == "↩ Answer 3 questions"
        await press(pilot, "enter")
        snapshot(pilot, f"plan-questions-{where}")
        await press(pilot, "escape", "f")
        snapshot(pilot, f"plan-references-{where}")
        session.weak = False
        await press(pilot, "escape")
        pilot.app.wizard.planned_anew()  # type: ignore[attr-defined]
        await press(pilot, "t")
        snapshot(pilot, f"plan-table-{where}")
        if size == NARROW:
            await press(pilot, "i")
            snapshot(pilot, f"plan-identity-{where}")
            await press(pilot, "escape", "w")
            snapshot(pilot, f"plan-rules-{where}")
            await press(pilot, "escape")
        await press(pilot, "escape", "o")
        snapshot(pilot, f"plan-names-{where}")
        await press(pilot, "escape", "s")
        snapshot(pilot, f"plan-look-alikes-{where}")
        await press(pilot, "slash", "enter")
        snapshot(pilot, f"plan-pick-rows-{where}")


async def test_questions_are_answered_with_one_key_each(start: Start, session: FakeSession) -> None:
    session.weak = True
    async with start(at=Step.MIGRATE) as pilot:
        assert "3 questions must be answered" in shown(pilot)
        await press(pilot, "s")
        assert "must be answered first" in said(pilot)
        await press(pilot, "a")
        assert isinstance(pilot.app.screen, QuestionsPage)
        await press(pilot, "9", "2")
        assert [r.columns for r in session.document.not_references] == [("batch_id",)]
        move_to(pilot, "1")
        await pilot.pause()
        assert "[red]x" in shown(pilot)
        await press(pilot, "1")
        assert session.document.mapping[OLD].tables == {"[red]x": "[b]y"}
        await press(pilot, "1", "escape")
        assert "phone" not in str(session.document.tables)
        await press(pilot, "1")
        await typed(pilot, "[b]0")
        assert session.document.tables["users"].defaults == {"phone": "[b]0"}
        # Nothing is open: the plan is shown, planned and counted again.
        assert isinstance(pilot.app.screen, MigrateScreen)
        assert "the same in several files" in shown(pilot)
        assert session.calls.count("migrate") == 0


async def test_the_sentence_is_counted_and_the_shifts_are_those_of_the_merge(
    start: Start, session: FakeSession
) -> None:
    session.undecided = 1
    async with start(WIDE, at=Step.MIGRATE) as pilot:
        text = shown(pilot)
        assert "183 rows are the same in several files, 3 disagree (3 users), 69 ids" in text
        assert "0 rows lost. 1 needs a person to decide." in text
        assert "+1,200, +2,400" in text
        await press(pilot, "enter")
        assert session.calls.count("migrate") == 1


async def test_a_count_that_failed_is_done_again_and_nothing_is_merged(
    start: Start, session: FakeSession
) -> None:
    session.failing["dry_run"] = PlanError("a decision speaks of [red]nothing.")
    async with start(at=Step.MIGRATE) as pilot:
        assert "[red]nothing" in shown(pilot)
        await press(pilot, "enter")
        assert "the same in several files" in shown(pilot)
        assert "migrate" not in session.calls


async def test_every_key_of_a_table(start: Start, session: FakeSession) -> None:
    async with start(WIDE, at=Step.MIGRATE) as pilot:

        def plan() -> Any:
            return session.document.tables.get("users")

        await press(pilot, "t", "i", "4")
        assert plan().identity == "rows"
        await press(pilot, "i", "1")
        assert plan() is None
        await press(pilot, "i", "3", "space", "enter")
        assert plan() is None, "a key needs a column"
        await press(pilot, "escape", "w", "down", "space", "plus", "enter")
        assert plan().on_conflict == (Rule.BASE, Rule.NEWEST)
        await press(pilot, "w", "end", "space", "enter")
        assert plan().on_conflict[-1] is Rule.STOP
        move_to(pilot, "rules")
        await press(pilot, "x")
        assert plan() is None
        await press(pilot, "n", "2")
        assert plan().newest == "id"
        await press(pilot, "n", "1", "z")
        assert (plan().newest, plan().fill_nulls) == (None, True)
        await press(pilot, "z", "W", "end", "space", "enter")
        assert session.document.on_conflict == (Rule.NEWEST, Rule.STOP)
        move_to(pilot, "identity")
        await press(pilot, "enter", "6")
        assert plan().identity == "none"
        await press(pilot, "question_mark", "escape")
        planned = session.calls.count("make_plan")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MigrateScreen)
        assert session.calls.count("make_plan") == planned + 1, "counted after leaving"


async def test_every_key_of_the_references(start: Start, session: FakeSession) -> None:
    session.weak = True
    async with start(WIDE, at=Step.MIGRATE) as pilot:
        await press(pilot, "f")
        text = shown(pilot)
        assert "prompts.batch_id" in text
        assert "3 → ann@ex.com, 7 → [red]bob\\e[2J, 12 → no row" in text
        await press(pilot, "y")
        follow = ReferencePlan("prompts", ("batch_id",), "uploads", ("id",))
        assert session.document.references == (follow,)
        await press(pilot, "c")
        assert session.document.references == ()
        await press(pilot, "p", "2")
        assert session.document.references[0].parent == "users"
        await press(pilot, "c", "a")
        await typed(pilot, "0, -1, ''")
        assert session.document.references[0].absent == ("0", "-1", "")
        await press(pilot, "c", "a")
        await typed(pilot, "-")
        assert session.document.references[0].absent == ()
        await press(pilot, "c", "x")
        assert session.document.not_references == (ReferencePlan("prompts", ("batch_id",)),)
        move_to(pilot, repr(("prompts", ("batch_id",), "", {})))
        await press(pilot, "y", "1")
        assert session.document.not_references == ()
        await press(pilot, "c")
        move_to(pilot, repr(("prompts", ("user_id",), "users", {})))
        await press(pilot, "x")
        assert "always followed" in said(pilot)
        await press(pilot, "y", "p", "a", "n", "1")
        assert "No column of users is left" in said(pilot)


async def test_every_key_of_the_names(start: Start, session: FakeSession) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "o")
        tables = pilot.app.screen.query_one("#list", FitTable)
        assert tables.current_key == repr((MAIN, "table", "", "users"))
        await press(pilot, "r")
        await typed(pilot, "[red]people")
        assert session.document.mapping[MAIN].tables == {"users": "[red]people"}
        assert "[red]people" in shown(pilot)
        await press(pilot, "x")
        assert session.document.mapping[MAIN].tables == {"users": ""}
        assert "left out" in shown(pilot)
        await press(pilot, "c")
        assert session.document == PlanDocument()
        await press(pilot, "enter")
        assert "Columns of users" in shown(pilot)
        await press(pilot, "x")
        assert "cannot be left out" in said(pilot)
        await press(pilot, "r")
        await typed(pilot, "nr")
        assert session.document.mapping[MAIN].columns == {"users": {"id": "nr"}}
        await press(pilot, "enter", "escape")
        assert "Names" in shown(pilot)


async def test_every_key_of_the_look_alikes(start: Start, session: FakeSession) -> None:
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "s")
        text = shown(pilot)
        assert "2 open of 2 pairs" in text
        assert "≠ email" in text
        assert "share were not looked into" not in text.splitlines()[3]
        await press(pilot, "y")
        (decision,) = session.document.decisions
        assert (decision.keep, decision.entity) == ("same", {"email": "Ann@ex.com"})
        assert decision.also == ({"email": "ann@ex.com"},)
        # The cursor went on to the next open one.
        assert "a\\e[31m" in shown(pilot)
        await press(pilot, "x")
        assert session.document.not_same[0].entity == {"email": "[red]x"}
        assert "0 open of 2 pairs" in shown(pilot)
        await press(pilot, "c")
        assert session.document.not_same == ()
        await press(pilot, "d", "1")
        assert session.document.decisions == ()
        assert plan_file.loads(plan_file.dumps(session.document)) == session.document
        await press(pilot, "d")
        assert "Nothing was called" in said(pilot)
        await press(pilot, "slash", "enter")
        assert isinstance(pilot.app.screen, RowsPage)
        await press(pilot, "escape", "y")
        assert "Mark two rows" in said(pilot)
        await press(pilot, "slash", *"ann", "enter", "space", "down", "space", "down", "space")
        assert keys_fit(pilot)
        await press(pilot, "y")
        assert isinstance(pilot.app.screen, SuggestionsPage)
        assert session.document.decisions[0].also == ({"email": "ann@ex.com"},)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MigrateScreen)


async def test_a_plan_that_cannot_be_made_is_refused_and_the_one_before_stays(
    start: Start, session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = session.make_plan

    async def refuse() -> Any:
        if session.document != PlanDocument():
            raise PlanError("users has no [b]primary key.")
        return await make()

    monkeypatch.setattr(session, "make_plan", refuse)
    async with start(at=Step.MIGRATE) as pilot:
        await press(pilot, "t", "z")
        assert "[b]primary key" in said(pilot)
        assert session.document == PlanDocument()
        assert "NULLs of the winner" in shown(pilot)


async def test_an_answered_plan_makes_later_steps_stale(start: Start, session: FakeSession) -> None:
    async with start(at=Step.VERIFY) as pilot:
        await press(pilot, "left_square_bracket")
        await press(pilot, "v")
        assert "Plan" not in shown(pilot).splitlines()[0]
        await press(pilot, "f", "x", "escape")
        assert "!Migrate" in shown(pilot)


async def test_a_common_ancestor_is_offered_and_taken(start: Start, session: FakeSession) -> None:
    session.offer = Offer("old/[red]app.db", (MAIN, OLD), 40, 31)
    async with start(NARROW, at=Step.MIGRATE) as pilot:
        assert "p past" in keys_fit(pilot)
        await press(pilot, "p")
        assert "old/[red]app.db" in shown(pilot)
        await press(pilot, "2")
        assert session.document.ancestor == "old/[red]app.db"
        assert session.document.deletions is Deletions.HONOUR
        await press(pilot, "p", "3")
        assert session.document.ancestor is None
        assert session.document.deletions is Deletions.KEEP
