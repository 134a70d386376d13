"""The event loop is never blocked for 50 ms: in any step on 200 MB of data, and by a large plan.

Run by hand: `python -m pytest tests/bench/test_event_loop.py` (about a minute).
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from consolidator_tui.domain.event import Event, StepStarted
from consolidator_tui.domain.outcome import Result, RunOptions
from consolidator_tui.services.consolidate import consolidate
from tests.bench import generate
from tests.services.deciding_project import merged, project

ROWS = 1_000_000
"""About 200 MB in four files."""
DECISIONS = 100_000
LIMIT = 0.050
BEAT = 0.002


class Pulse:
    """Measures how late a short sleep ends, per step of the run."""

    def __init__(self) -> None:
        self.step = "start"
        self.worst: dict[str, float] = {}

    def hear(self, event: Event) -> None:
        """Note which step the run is in."""
        if isinstance(event, StepStarted):
            self.step = event.step.value

    async def beat(self) -> None:
        """Sleep again and again until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT)
            late = time.perf_counter() - before - BEAT
            self.worst[self.step] = max(late, self.worst.get(self.step, 0.0))


async def test_no_step_blocks_the_loop(tmp_path: Path) -> None:
    """Discover to promotion, then clean up and configure, with a heart beat beside it."""
    project = tmp_path / "project"
    await asyncio.to_thread(generate.write, project, ROWS)
    sources = sorted(path.name for path in project.glob("s*.db"))
    assert sum((project / name).stat().st_size for name in sources) > 190_000_000
    pulse = Pulse()
    heart = asyncio.create_task(pulse.beat())
    options = RunOptions(
        sources=tuple(sources), target="app.db", yes=True, configure=True, cleanup=True
    )
    outcome = await consolidate(project, options, pulse.hear)
    heart.cancel()
    for step, late in pulse.worst.items():
        print(f"{step:10} {late * 1000:6.1f} ms")
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    assert max(pulse.worst.values()) < LIMIT, pulse.worst


async def test_importing_a_large_plan_does_not_block_the_loop(tmp_path: Path) -> None:
    """100,000 decisions in a plan, taken into a run that was merged."""
    folder = project(tmp_path / "p")
    row = '[[decisions]]\ntable = "people"\nentity = {{ email = "u{0}@x" }}\nkeep = "b.db"\n'
    values = 'values = {{ phone = "{0}", name = "N {0}" }}\n'
    text = "\n".join((row + values).format(number) for number in range(DECISIONS))
    await asyncio.to_thread((folder / "large.toml").write_text, text)
    pulse = Pulse()
    async with merged(folder) as session:
        heart = asyncio.create_task(pulse.beat())
        assert await session.import_plan("large.toml") == (DECISIONS, False)
        await asyncio.sleep(0.1)  # What is let go of at the end counts, too.
        heart.cancel()
    print(f"import     {pulse.worst['start'] * 1000:6.1f} ms")
    assert pulse.worst["start"] < LIMIT
