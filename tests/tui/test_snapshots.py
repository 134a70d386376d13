"""The pictures of every step at both sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from consolidator_tui.domain.errors import DiskFull
from consolidator_tui.domain.event import Step
from tests.tui.conftest import NARROW, WIDE, Start
from tests.tui.drive import press
from tests.tui.fake import FakeSession

Snapshot = Callable[[Pilot[Any], str], None]


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_every_step(
    start: Start, session: FakeSession, snapshot: Snapshot, size: tuple[int, int]
) -> None:
    session.undecided = 2
    where = f"{size[0]}x{size[1]}"
    async with start(size) as pilot:
        snapshot(pilot, f"discover-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"inspect-{where}")
        await press(pilot, "p")
        snapshot(pilot, f"inspect-rows-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"back-up-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"back-up-done-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"migrate-plan-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"migrate-undecided-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"review-{where}")
        await press(pilot, "1", "2", "enter")
        snapshot(pilot, f"migrate-done-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"verify-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"verify-done-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"configure-{where}")
        await press(pilot, "enter", "enter")
        snapshot(pilot, f"configure-try-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"configure-tried-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"clean-up-{where}")
        await press(pilot, "enter")
        snapshot(pilot, f"clean-up-confirm-{where}")
        await press(pilot, "escape", "ctrl+r", "right", "enter")
        snapshot(pilot, f"rolled-back-{where}")
        await press(pilot, "L")
        snapshot(pilot, f"log-{where}")
        await press(pilot, "escape", "question_mark")
        snapshot(pilot, f"help-{where}")
    assert session.calls == [
        *("discover", "inspect", "back_up", "make_plan", "migrate", "migrate"),
        *("verify", "configure", "smoke", "roll_back"),
    ]


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_an_application_that_does_not_work(
    start: Start, session: FakeSession, snapshot: Snapshot, size: tuple[int, int]
) -> None:
    session.broken = True
    where = f"{size[0]}x{size[1]}"
    async with start(size, at=Step.CONFIGURE) as pilot:
        await press(pilot, "t", "enter")
        snapshot(pilot, f"configure-broken-{where}")
        await press(pilot, "o")
        snapshot(pilot, f"configure-output-{where}")
        await press(pilot, "o", "e")
        snapshot(pilot, f"configure-edit-{where}")


async def test_a_failure(start: Start, session: FakeSession, snapshot: Snapshot) -> None:
    session.failing["back_up"] = DiskFull(
        "backend/app.db: the disk is full.", todo="Free some space and try again."
    )
    async with start(at=Step.BACKUP) as pilot:
        await press(pilot, "enter")
        snapshot(pilot, "failure-80x24")
