"""An application on a session in memory, and pictures that are compared as text."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.app import ConsolidatorApp
from consolidator_tui.tui.widgets.key_bar import KeyBar
from tests.tui.drive import keys_fit, press, settle
from tests.tui.fake import FakeSession
from tests.tui.pictures import same_ids

PROJECT = Path("/srv/shop")
SNAPSHOTS = Path(__file__).parent / "snapshots"
NARROW, WIDE = (80, 24), (160, 45)
Start = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    """The session that `start` opens."""
    return FakeSession(PROJECT, tmp_path)


@pytest.fixture
def start(session: FakeSession) -> Start:
    """Opens the wizard on `session` at a size, at its first screen or resumed `at` a step."""

    @asynccontextmanager
    async def run(
        size: tuple[int, int] = NARROW, *, at: Step | None = None
    ) -> AsyncIterator[Pilot[Any]]:
        app = ConsolidatorApp(
            PROJECT,
            opener=session.opener(),
            now=lambda: datetime(2026, 1, 12, 9, 41, 3),
            monotonic=lambda: 0.0,
        )
        if at is not None:
            await session.prepare(at)
            session.calls.clear()
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            if at is not None:
                await press(pilot, "enter")
            yield pilot

    return run


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[Pilot[Any], str], None]:
    """Compares the screen with `snapshots/NAME.svg`; UPDATE_SNAPSHOTS=1 takes it as right."""

    def compare(pilot: Pilot[Any], name: str) -> None:
        for widget in pilot.app.screen.query("Input, TextArea"):
            widget.cursor_blink = False  # type: ignore[attr-defined]
        if pilot.app.screen.query(KeyBar):
            keys_fit(pilot)
        actual = same_ids(pilot.app.export_screenshot(title=name))
        path = SNAPSHOTS / f"{name}.svg"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(actual, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != actual:
            seen = path.with_suffix(".actual.svg")
            seen.write_text(actual, encoding="utf-8")
            pytest.fail(f"{request.node.name}: the screen differs, compare {path} and {seen}")

    return compare
