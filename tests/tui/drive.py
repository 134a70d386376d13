"""Walks through the wizard as a person does, and waits as long as a person would."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.app import ConsolidatorApp
from consolidator_tui.tui.screens.review import ReviewScreen
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.widgets.fit_table import FitTable
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
        while not all(table.is_drawn for table in _tables(app)) or _is_reading(app):
            await pilot.pause(0.01)
        await pilot.pause(0.02)


def _is_reading(app: ConsolidatorApp) -> bool:
    """Whether the review still reads what it is about to show."""
    screen = app.screen
    if not isinstance(screen, ReviewScreen):
        return False
    return screen.reads or app.asking


def _tables(app: ConsolidatorApp) -> list[FitTable]:
    """The tables that are, or are about to be, on the screen."""
    return [
        table
        for table in app.screen.query(FitTable)
        if all(node.display for node in table.ancestors_with_self if isinstance(node, Widget))
    ]


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


def shown(pilot: Pilot[Any]) -> str:
    """All text of the screen, as a person reads it."""
    app = pilot.app
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def said(pilot: Pilot[Any]) -> str:
    """The newest line of the log, which every notification is kept in."""
    line = app_of(pilot).store.last()
    return line.text if line is not None else ""


def step_of(pilot: Pilot[Any]) -> Step:
    """The step on the screen."""
    screen = pilot.app.screen
    assert isinstance(screen, StepScreen)
    return screen.STEP


def primary(pilot: Pilot[Any]) -> Button:
    """The primary button."""
    return pilot.app.screen.query_one("#primary", Button)
