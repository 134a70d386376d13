"""Walks through the wizard as a person does, and waits as long as a person would."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.pilot import Pilot

from consolidator_tui.tui.app import ConsolidatorApp
from consolidator_tui.tui.widgets.key_bar import KeyBar


def app_of(pilot: Pilot[Any]) -> ConsolidatorApp:
    """The application under the pilot."""
    app = pilot.app
    assert isinstance(app, ConsolidatorApp)
    return app


async def settle(pilot: Pilot[Any], seconds: float = 60) -> None:
    """Wait until the session is open, no job runs and every question has its answer."""
    app = app_of(pilot)
    async with asyncio.timeout(seconds):
        await pilot.pause()
        while _waits(app):
            await pilot.pause(0.01)
        await pilot.pause()
        # A finished job may begin the next one (select, then inspect).
        while _waits(app):
            await pilot.pause(0.01)
    # The screen follows within a tenth of a second.
    await pilot.pause(0.12)


def _waits(app: ConsolidatorApp) -> bool:
    opening = app.wizard.session is None and not app.wizard.failures
    return opening or app.job is not None or app.asking


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one by one, each after the work of the one before is done."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


def keys_fit(pilot: Pilot[Any]) -> str:
    """The line of keys, which must fit 80 columns on every screen."""
    bar = pilot.app.screen.query_one(KeyBar)
    line = str(bar.render()).rstrip()
    assert len(line) <= min(80, bar.size.width), line
    return line
