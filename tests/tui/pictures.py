"""Makes `screenshots/` from the real application on the sample project.

    python -m tests.tui.pictures [FOLDER]

Needs the fonts Fira Code (Debian: fonts-firacode) and DejaVu Sans Mono (fonts-dejavu-core).
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import resvg_py
from textual.pilot import Pilot

from consolidator_tui.sample.writer import write_sample
from consolidator_tui.services.session import Session
from consolidator_tui.tui.app import ConsolidatorApp
from consolidator_tui.tui.screens.clean_up import CleanUpScreen
from tests.tui.drive import app_of, press, settle

SIZES = ((80, 24), (160, 45))
FONTS = (
    "/usr/share/fonts/truetype/firacode/FiraCode-Regular.ttf",
    "/usr/share/fonts/truetype/firacode/FiraCode-Bold.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
)
NOW = datetime(2026, 1, 12, 9, 41, 3, tzinfo=UTC)
TITLE = "consolidator-tui"


def to_png(svg: str) -> bytes:
    """An SVG picture of a screen as PNG, drawn with exactly the fonts above."""
    missing = [font for font in FONTS if not Path(font).is_file()]
    if missing:
        raise FileNotFoundError(f"fonts are missing: {', '.join(missing)}")
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            font_files=list(FONTS),
            skip_system_fonts=True,
            monospace_family="Fira Code",
        )
    )


def same_ids(svg: str) -> str:
    """The picture with class names that do not change from run to run."""
    return re.sub(r"terminal-\d+", "terminal", svg)


async def walk(pilot: Pilot[Any], shoot: Callable[[str], None]) -> None:
    """The whole way, with a picture of each step."""
    await settle(pilot)
    shoot("01-discover")
    await press(pilot, "enter")
    shoot("02-inspect")
    await press(pilot, "p")
    shoot("03-inspect-rows")
    await press(pilot, "enter")
    shoot("04-back-up")
    await press(pilot, "enter")
    shoot("05-back-up-done")
    await press(pilot, "enter")
    shoot("06-migrate-plan")
    for key, name in (("t", "table"), ("f", "references"), ("s", "look-alikes")):
        await press(pilot, key)
        shoot(f"06-plan-{name}")
        await press(pilot, "escape")
    await press(pilot, "enter")
    if app_of(pilot).wizard.conflicts:
        shoot("07-migrate-undecided")
        await press(pilot, "enter")
        shoot("08-conflicts")
        await _decide_all(pilot, shoot)
        shoot("09-conflicts-decided")
        await press(pilot, "enter")
    shoot("10-migrate-done")
    await press(pilot, "enter")
    shoot("11-verify")
    await press(pilot, "enter")
    shoot("12-verify-done")
    await press(pilot, "enter")
    shoot("13-configure")
    await press(pilot, "enter")
    shoot("14-configure-done")
    await press(pilot, "enter")
    shoot("15-trial")
    await press(pilot, "enter")
    shoot("16-trial-done")
    await press(pilot, "enter")
    assert isinstance(app_of(pilot).screen, CleanUpScreen)
    shoot("17-clean-up")
    await press(pilot, "enter")
    await press(pilot, "shift+tab")
    await press(pilot, *(key.replace(" ", "space") for key in app_of(pilot).wizard.phrase))
    shoot("18-clean-up-confirm")
    await press(pilot, "enter", "enter")
    shoot("19-clean-up-done")
    await press(pilot, "ctrl+r")
    shoot("20-roll-back-asked")
    await press(pilot, "right", "enter")
    shoot("21-rolled-back")
    await press(pilot, "L")
    shoot("22-event-log")
    await press(pilot, "escape", "question_mark")
    shoot("23-help")
    await press(pilot, "escape", "ctrl+p")
    shoot("24-all-keys")


async def _decide_all(pilot: Pilot[Any], shoot: Callable[[str], None]) -> None:
    wizard = app_of(pilot).wizard
    for number in range(wizard.undecided):
        if number == 1:
            await press(pilot, "m")
            shoot("08-conflicts-fields")
            await press(pilot, "escape", "A")
            shoot("08-conflicts-alike")
            await press(pilot, "escape")
        await press(pilot, "2" if number % 2 else "1")
    assert not wizard.undecided


async def take(size: tuple[int, int], folder: Path) -> list[str]:
    """All pictures at one size; returns their names."""
    names: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "prompt-library"
        write_sample(project, clock=lambda: NOW)

        def opener(path: Path) -> AbstractAsyncContextManager[Session]:
            return Session.open(path, clock=lambda: NOW)

        app = ConsolidatorApp(project, opener=opener, now=lambda: NOW, monotonic=lambda: 0.0)

        def shoot(name: str) -> None:
            svg = same_ids(app.export_screenshot(title=TITLE)).replace(scratch, "/home/ann")
            path = folder / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(svg, encoding="utf-8")
            path.with_suffix(".png").write_bytes(to_png(svg))
            names.append(path.name)

        async with app.run_test(size=size) as pilot:
            await walk(pilot, shoot)
    return names


def main() -> None:
    """Make all pictures."""
    default = Path(__file__).parents[2] / "screenshots"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(exist_ok=True)
    for size in SIZES:
        for name in asyncio.run(take(size, folder)):
            print(name)


if __name__ == "__main__":
    main()
