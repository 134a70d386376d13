"""Hostile names and values on every screen of the real application, and terminals too small."""

from __future__ import annotations

import inspect
import os
import pkgutil
import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from consolidator_tui.domain.event import Step
from consolidator_tui.storage.sqlite import quote
from consolidator_tui.tui import modals, screens
from consolidator_tui.tui.app import ConsolidatorApp
from consolidator_tui.tui.screens.review import ReviewScreen
from consolidator_tui.tui.screens.step_screen import StepScreen
from tests.services.session_project import hashes
from tests.tui.drive import press, settle, shown

ESCAPE = "\x1b[31m\x1b]0;owned\x07"
FILES = (
    b"[red]a[bold.db",
    b"b\x1b[31m\x1b]0;owned\x07.db",
    b"c\nd\r\xff\xfe [@click=quit].db",
    b"%s?#'\"\\" + b"x" * 200 + b".db",
)
TABLE = f"[bold]t[/] {ESCAPE}\n'\"%"
COLUMN = f"[link=x]c {ESCAPE}\t\r"
VALUES = (f"[red]{ESCAPE}", "x" * 10_000, "line\nline\r\x00", "\u202eright to left\u200b")


def _make(project: Path) -> None:
    for number, name in enumerate(FILES):
        path = os.fsencode(project) + b"/" + name
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(
                f"CREATE TABLE {quote(TABLE)}(key TEXT PRIMARY KEY, {quote(COLUMN)} TEXT)"
            )
            for value in VALUES:
                # The same key everywhere and another value: a conflict for every row.
                connection.execute(
                    f"INSERT INTO {quote(TABLE)} VALUES (?, ?)",
                    (value.rstrip("\0"), f"{number}{value}"),
                )
    (project / f"app{ESCAPE}.py").write_text(
        f"import sqlite3\nsqlite3.connect({os.fsdecode(FILES[0])!r})  # [/red] {ESCAPE}\n"
    )


def _is_clean(pilot: Pilot[Any]) -> None:
    """Nothing was interpreted: no control character is in what is painted."""
    painted = shown(pilot).replace("\n", "")
    found = {character for character in painted if ord(character) < 32 or ord(character) == 127}
    assert found == set(), repr(painted)
    assert "\u202e" not in painted
    _ = pilot.app.export_screenshot()


@pytest.mark.parametrize("size", [(80, 24)])
async def test_hostile_names_and_values_on_every_screen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    _make(tmp_path)
    before = hashes(tmp_path)
    app = ConsolidatorApp(tmp_path)
    seen: set[Step] = set()
    reviewed = False
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for _ in range(20):
            _is_clean(pilot)
            screen = pilot.app.screen
            if isinstance(screen, ReviewScreen):
                for _ in () if reviewed else VALUES:
                    await press(pilot, "1", "n")
                    _is_clean(pilot)
                reviewed = True
            elif isinstance(screen, StepScreen):
                seen.add(screen.STEP)
                if screen.STEP is Step.CLEANUP:
                    break
            await press(pilot, "enter")
        assert reviewed
        await press(pilot, "L")
        _is_clean(pilot)
        await press(pilot, "escape", "ctrl+r")
        _is_clean(pilot)
        await press(pilot, "right", "enter")
        _is_clean(pilot)
        assert pilot.app.screen.STEP is Step.ROLLBACK  # type: ignore[attr-defined]
    assert {Step.DISCOVER, Step.INSPECT, Step.BACKUP, Step.MIGRATE, Step.VERIFY} <= seen
    assert hashes(tmp_path) == before


def _screens() -> list[type[Screen[Any]]]:
    for package in (screens, modals):
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    found: list[type[Screen[Any]]] = []
    waiting: list[type[Screen[Any]]] = [Screen]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.startswith("consolidator_tui."):
                found.append(child)
    return found


@pytest.mark.parametrize("kind", _screens(), ids=lambda kind: kind.__name__)
def test_every_screen_and_dialog_covers_itself_when_it_is_too_small(
    kind: type[Screen[Any]],
) -> None:
    own = [c for c in kind.__mro__ if c.__module__.startswith("consolidator_tui.")]
    composes = [c for c in own if "compose" in c.__dict__]
    assert "TooSmall()" in inspect.getsource(composes[0])


@pytest.mark.parametrize("size", [(40, 10), (80, 23)])
async def test_a_small_terminal_is_told_and_breaks_nothing(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    _make(tmp_path)
    app = ConsolidatorApp(tmp_path)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "enlarge" in shown(pilot)
        await press(pilot, "L")
        assert "enlarge" in shown(pilot)
        await press(pilot, "escape", "question_mark")
        assert "enlarge" in shown(pilot)
        await pilot.resize_terminal(80, 24)
        await press(pilot, "escape")
        assert "enlarge" not in shown(pilot)
        assert "Discover" in shown(pilot)
