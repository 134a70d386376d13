"""Every key of the review, pressed as a person does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from consolidator_tui.domain.conflict import ConflictKind, Decided
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.rule import Rule
from consolidator_tui.tui.modals.keep_both import KeepBoth
from consolidator_tui.tui.screens import review_view
from consolidator_tui.tui.screens.review import ReviewScreen
from tests.tui.conftest import NARROW, WIDE, Start
from tests.tui.drive import app_of, keys_fit, said, settle, shown, step_of
from tests.tui.drive import press as press_and_settle
from tests.tui.fake import HOSTILE, MAIN, OLD, THIRD, FakeSession
from tests.tui.fake_review import FakeGroups, group

Snapshot = Callable[[Pilot[Any], str], None]


@pytest.fixture(autouse=True)
def count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that follow are counted without waiting for the cursor to rest."""
    monkeypatch.setattr(review_view, "FOLLOW_SECONDS", 0.001)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one by one, each after what the one before asked for was read."""
    app = app_of(pilot)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        async with asyncio.timeout(20):
            while (
                app.asking or app.job or (isinstance(app.screen, ReviewScreen) and app.screen.reads)
            ):
                await pilot.pause(0.005)
        await pilot.pause()


async def begin(pilot: Pilot[Any]) -> ReviewScreen:
    """From the plan to the review."""
    await press_and_settle(pilot, "enter", "enter")
    return screen(pilot)


def screen(pilot: Pilot[Any]) -> ReviewScreen:
    """The review, which must be on the screen."""
    found = pilot.app.screen
    assert isinstance(found, ReviewScreen), found
    return found


def number(pilot: Pilot[Any]) -> int:
    """The group under the cursor."""
    group = screen(pilot).current
    assert group is not None
    return group.number


async def test_enter_says_on_the_screen_why_it_does_not_go_on(
    start: Start, session: FakeSession
) -> None:
    session.undecided = 4
    async with start(at=Step.MIGRATE, size=NARROW) as pilot:
        await begin(pilot)
        await press(pilot, "enter")
        assert "4 conflicts still undecided." in shown(pilot)


async def test_a_number_keeps_that_row_and_the_next_undecided_comes(
    start: Start, session: FakeSession
) -> None:
    session.undecided = 4
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        assert number(pilot) == 1
        await press(pilot, "3")
        assert (session.conflicts.kept()[0], number(pilot)) == (THIRD, 2)
        await press(pilot, "9")
        assert "There are 2 versions" in said(pilot)
        await press(pilot, "2", "s")
        assert (session.conflicts.kept()[1], number(pilot)) == (OLD, 4)
        await press(pilot, "enter")
        assert "2 conflicts still undecided" in said(pilot)
        await press(pilot, "1", "1")
        assert "0 undecided of 5" in shown(pilot)
        before = session.calls.count("migrate")
        await press(pilot, "enter")
        assert session.calls.count("migrate") == before + 1
        assert step_of(pilot) is Step.MIGRATE


async def test_roll_back_leaves_the_review_and_what_is_above_it(
    start: Start, session: FakeSession
) -> None:
    session.undecided = 4
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "L", "ctrl+r", "right", "enter")
        await settle(pilot)
        assert step_of(pilot) is Step.ROLLBACK
        assert "Everything is as it was" in shown(pilot)


async def test_moving(start: Start, session: FakeSession) -> None:
    session.undecided = 250
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        for key, expected in [
            *(("j", 2), ("down", 3), ("k", 2), ("up", 1), ("G", 251), ("n", 1), ("N", 250)),
            *(("g", 1), ("end", 251), ("home", 1), ("n", 2), ("N", 1)),
        ]:
            await press(pilot, key)
            assert number(pilot) == expected, key
        await press(pilot, "colon", "1", "7", "7", "enter")
        assert number(pilot) == 177
        await press(pilot, "colon", "x", "enter")
        assert "no number" in said(pilot)


async def test_undo_and_redo_one_step_each(start: Start, session: FakeSession) -> None:
    session.undecided = 6
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "u")
        assert "nothing to undo" in said(pilot)
        await press(pilot, "n", "2", "k", "A", "right", "enter")
        assert session.conflicts.kept()[1:6] == [OLD] * 5
        assert "4 conflicts" in said(pilot)
        await press(pilot, "u")
        assert session.conflicts.kept()[1:6] == [OLD, "", "", "", ""]
        await press(pilot, "u", "U", "U")
        assert session.conflicts.kept()[1:6] == [OLD] * 5
        await press(pilot, "U")
        assert "nothing to do again" in said(pilot)


async def test_all_like_this_counts_first_and_can_be_left(
    start: Start, session: FakeSession
) -> None:
    session.undecided = 4
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "A")
        assert "Decide this one first" in said(pilot)
        await press(pilot, "j", "1", "k", "A")
        assert "2 other conflicts like this undecided" in shown(pilot)
        await press(pilot, "enter")
        assert session.conflicts.kept()[1:4] == [MAIN, "", ""]


async def test_a_range_is_one_step_and_says_what_it_could_not_decide(
    start: Start, session: FakeSession
) -> None:
    session.undecided = 5
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "v", "j", "j")
        assert "range of 3" in shown(pilot)
        await press(pilot, "3")
        # Only the first has a third version; there the cursor is on another group.
        assert "There are 2 versions" in said(pilot)
        await press(pilot, "2")
        assert session.conflicts.kept()[:3] == [OLD] * 3
        await press(pilot, "u")
        assert session.conflicts.kept()[:3] == [""] * 3
        await press(pilot, "g", "v", "j", "b")
        assert "2 cannot be decided like that" in said(pilot)
        await press(pilot, "f", "g", "v", "G", "1")
        assert session.conflicts.kept()[:5] == [MAIN] * 5
        assert "Nothing is undecided. f: other groups, enter: go on." in shown(pilot)
        await press(pilot, "escape", "v", "escape")
        assert "range" not in shown(pilot).replace("v range", "")


async def test_clearing(start: Start, session: FakeSession) -> None:
    session.undecided = 2
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "x")
        assert "not decided by hand" in said(pilot)
        await press(pilot, "1", "k", "x")
        assert session.conflicts.kept() == ["", "", ""]
        assert number(pilot) == 1


async def test_search_and_filter(start: Start, session: FakeSession) -> None:
    session.undecided = 12
    async with start(at=Step.MIGRATE) as pilot:
        review = await begin(pilot)
        await press(pilot, "slash", *"USER1", "enter")
        assert (review.groups.total, number(pilot)) == (3, 10)
        await press(pilot, "escape")
        assert (review.groups.total, number(pilot)) == (13, 10)
        seen = []
        for _ in range(6):
            await press(pilot, "f")
            seen.append((review.reviewing.query.decided, review.groups.total))
        assert seen == [
            (Decided.OPEN, 12),
            (Decided.BY_HAND, 0),
            (Decided.BY_RULE, 1),
            (Decided.DUPLICATES, 0),
            (Decided.APART, 0),
            (Decided.ALL, 13),
        ]
        await press(pilot, "f", "f")
        assert "Nothing was decided by hand yet" in shown(pilot)
        await press(pilot, "escape", "escape")
        assert step_of(pilot) is Step.MIGRATE


async def test_field_by_field(start: Start, session: FakeSession) -> None:
    session.undecided = 2
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "m", "j", "2", "e")
        area = pilot.app.screen.query_one(TextArea)
        area.text = "+44 own"
        await press(pilot, "enter")
        assert "+44 own" in shown(pilot)
        await press(pilot, "j", "3", "escape")
        assert session.conflicts.kept()[0] == ""
        await press(pilot, "m", "2", "j", "e")
        pilot.app.screen.query_one(TextArea).text = "x\ny"
        await press(pilot, "enter", "j", "3", "j", "e", *["ctrl+t"] * 4)
        pilot.app.screen.query_one(TextArea).text = "seven"
        await press(pilot, "enter")
        assert "That is no number" in shown(pilot)
        pilot.app.screen.query_one(TextArea).text = "7"
        await press(pilot, "enter", "enter")
        made = session.conflicts.details[0]
        assert made.group.keep == MAIN
        assert made.values == {"phone": "x\ny", "score": 7}
        assert made.fields == {"name": OLD, "updated_at": THIRD}
        assert number(pilot) == 2


async def test_keep_both_asks_for_the_other_value(start: Start, session: FakeSession) -> None:
    session.undecided = 2
    session.conflicts.taken = {"taken@ex.com"}
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "b")
        field = pilot.app.screen.query_one(Input)
        assert field.value == "ann@ex.com"
        await press(pilot, "enter")
        # An unchanged value cannot be; the dialog stays and says why.
        assert isinstance(pilot.app.screen, KeepBoth)
        assert "type another value" in shown(pilot)
        field.value = "taken@ex.com"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, KeepBoth)
        assert "already" in shown(pilot)
        field.value = "ann2@ex.com"
        await press(pilot, "enter")
        made = session.conflicts.details[0]
        assert (made.group.keep, made.values) == ("both", {"email": "ann2@ex.com"})
        assert "both +values" in shown(pilot)
        await press(pilot, "k")
        assert "ann@ex.com and ann2@ex.com" in shown(pilot)
        await press(pilot, "j")
        await press(pilot, "b", "escape")
        assert session.conflicts.kept()[1] == ""


async def test_duplicates_can_be_called_different(start: Start, session: FakeSession) -> None:
    same = {"name": "Cy", "phone": None, "updated_at": None, "score": 1}
    session.undecided = 1
    session.conflicts.details.append(
        group(-1, "cy@ex.com", [(MAIN, same), (OLD, same)], (), kind=ConflictKind.DUPLICATE)
    )
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "f", "f", "f", "f")
        assert "Matched, and equal" in shown(pilot)
        await press(pilot, "1")
        assert "b says that they are not the same" in said(pilot)
        await press(pilot, "b")
        pilot.app.screen.query_one(Input).value = "cy2@ex.com"
        await press(pilot, "enter")
        assert session.conflicts.details[-1].group.keep == "both"
        await press(pilot, "x")
        assert session.conflicts.details[-1].group.keep == ""


async def test_rules_are_counted_and_merged_with(start: Start, session: FakeSession) -> None:
    session.undecided = 3
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        await press(pilot, "1", "R")
        assert "Decides 1, leaves 2, overwrites 0 manual decisions (1 made)" in shown(pilot)
        await press(pilot, "j", "space")
        assert "Decides 4" in shown(pilot)
        await press(pilot, "K", "k", "space", "enter")
        await settle(pilot)
        assert session.conflicts.rules[0].rules[:2] == (Rule.BASE, Rule.NEWEST)
        assert session.conflicts.rules[0].fill_nulls
        assert "0 undecided of 4" in shown(pilot)
        assert session.conflicts.kept()[0] == MAIN
        await press(pilot, "u")
        await settle(pilot)
        assert "2 undecided of 4" in shown(pilot)
        await press(pilot, "U")
        await settle(pilot)
        assert "0 undecided of 4" in shown(pilot)


async def test_versions_and_values_in_view(start: Start, session: FakeSession) -> None:
    session.undecided = 2
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        text = shown(pilot)
        assert "1 of 3 (h l)" in text
        assert "NULL" in text
        await press(pilot, "l")
        assert "2 of 3 (h l)" in shown(pilot)
        assert "'1'" in shown(pilot)
        await press(pilot, "l")
        assert "blob 3 B" in shown(pilot)
        assert "''" in shown(pilot)
        await press(pilot, "l", "h")
        assert "3 of 3 (h l)" in shown(pilot)
        await press(pilot, "d")
        assert "≡" not in shown(pilot)
        await press(pilot, "d", "o")
        assert "text, 3 characters" in shown(pilot)
        await press(pilot, "j", "escape", "question_mark")
        assert "One line is one entity" in shown(pilot)
        await press(pilot, "escape", "L", "escape")
        follows = "backend/app.db 1 row of logins, 2 orders follow · b: each its own"
        assert follows in shown(pilot)


async def test_hostile_values_are_only_text(start: Start, session: FakeSession) -> None:
    session.conflicts = FakeGroups(
        [
            group(
                n,
                bad,
                [(MAIN, {"name": bad, "phone": 1}), (OLD, {"name": "[b]x", "phone": "\n\x1b[2J"})],
                ("name", "phone"),
            )
            for n, bad in enumerate((*HOSTILE, None, b"\xff", "", 7), 1)
        ]
    )
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        for key in ("o", "b", "m"):
            await press(pilot, key, "escape", "j")
        await press(pilot, "m", "e", "escape", "escape", *["j"] * 6)
        await press(pilot, "g", "1", "k", "A", "escape", "R", "escape")
        assert "[red]x" in shown(pilot)
        assert "\x1b" not in shown(pilot)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_pictures(
    start: Start, session: FakeSession, snapshot: Snapshot, size: tuple[int, int]
) -> None:
    session.undecided = 12
    where = f"{size[0]}x{size[1]}"
    async with start(size, at=Step.MIGRATE) as pilot:
        await begin(pilot)
        assert len(keys_fit(pilot)) <= 80
        snapshot(pilot, f"review-three-{where}")
        await press(pilot, "3", "2", "b")
        snapshot(pilot, f"review-both-{where}")
        await press(pilot, "escape", "k", "A")
        snapshot(pilot, f"review-alike-{where}")
        await press(pilot, "escape", "R")
        snapshot(pilot, f"review-rules-{where}")
        await press(pilot, "escape", "g", "m", "j", "2")
        snapshot(pilot, f"review-fields-{where}")


async def test_keys_typed_ahead_decide_one_group_each(start: Start, session: FakeSession) -> None:
    session.undecided = 4
    async with start(at=Step.MIGRATE) as pilot:
        await begin(pilot)
        for key in "1212":
            pilot.app.simulate_key(key)
        await settle(pilot)
        kept = [(await session.conflict_group(n)).group.keep for n in (1, 2, 3, 4)]
        assert kept == [MAIN, OLD, MAIN, OLD]
