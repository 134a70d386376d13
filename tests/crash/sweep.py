"""Many stops, on as many processors as there are."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.bench import Bench, Reference, Stop
from tests.crash.scenarios import Scenario, chosen
from tests.crash.shim import Call, Mode, build
from tests.crash.state import OWN

MODES = (Mode.KILL, Mode.POWER, Mode.FULL, Mode.DEAD)
_MARGIN = 3
"""Calls beyond the count of the undisturbed run: threads do not always take the same way."""

SEEN = "seen"
"""The folder with a file for each state that was checked."""

_bench: list[Bench] = []


@dataclass(frozen=True, slots=True)
class Job:
    """One stop to make."""

    scenario: str
    mode: Mode
    number: int


class Sweeper:
    """Makes stops in other processes."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def references(self, scenarios: Iterable[Scenario]) -> dict[str, Reference]:
        """What the scenarios come to when nothing stops them."""
        waiting = {s.name: self._pool.submit(_reference, s.name) for s in scenarios}
        return {name: future.result() for name, future in waiting.items()}

    def stops(
        self, jobs: Iterable[Job], references: dict[str, Reference]
    ) -> Iterator[tuple[Job, Stop]]:
        """Every stop as soon as it was made and checked."""
        waiting = {self._pool.submit(_stop, job, references[job.scenario]): job for job in jobs}
        for future in as_completed(waiting):
            yield waiting[future], future.result()


@contextmanager
def sweeper(jobs: int) -> Iterator[Sweeper]:
    """A sweeper with its scratch folders in memory where there is room for them."""
    base = Path("/dev/shm")
    memory = base.is_dir() and os.access(base, os.W_OK)
    scratch = Path(tempfile.mkdtemp(prefix="crash-", dir=base if memory else None)).resolve()
    try:
        library = build(scratch)
        (scratch / SEEN).mkdir()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, context, _start, (library, scratch)) as pool:
            yield Sweeper(pool)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def whole(scenario: Scenario, reference: Reference, modes: Iterable[Mode]) -> list[Job]:
    """Every call in every mode."""
    last = len(reference.calls)
    return [
        Job(scenario.name, mode, number)
        for mode in modes
        for number in range(1, last + (_MARGIN if mode is Mode.POWER else 0) + 1)
    ]


def near(jobs: Iterable[Job], reference: Reference, calls: int) -> list[Job]:
    """The jobs that stop at most so many calls from a change outside the run's database, or
    after the end."""
    where = {call.number for call in reference.calls if _matters(call)} | {len(reference.calls)}
    around = {number + step for number in where for step in range(-calls, calls + 1)}
    return [job for job in jobs if job.number in around or job.number > len(reference.calls)]


def sample(jobs: list[Job], count: int) -> list[Job]:
    """So many of the jobs, from evenly over all."""
    step = max(1, len(jobs) // max(1, count))
    return jobs[step // 2 :: step][:count]


def _matters(call: Call) -> bool:
    if call.path.startswith(f"/{OWN}/"):
        return "run.db" not in call.path and call.name in {"rename", "unlink", "rmdir", "link"}
    return True


def _start(library: Path, scratch: Path) -> None:
    _stay_on_one_processor(scratch)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch))
    _bench.append(Bench(library, folder, scratch / SEEN))
    atexit.register(_bench[0].close)


def _stay_on_one_processor(scratch: Path) -> None:
    """A command's threads take turns: waking each other on one processor is much cheaper."""
    allowed = sorted(os.sched_getaffinity(0))
    ordinal = 0
    while True:
        try:
            (scratch / f"{ordinal}.bench").touch(exist_ok=False)
        except FileExistsError:
            ordinal += 1
        else:
            os.sched_setaffinity(0, {allowed[ordinal % len(allowed)]})
            return


def _reference(name: str) -> Reference:
    return _bench[0].reference(_named(name))


def _stop(job: Job, reference: Reference) -> Stop:
    return _bench[0].stop(_named(job.scenario), reference, job.mode, job.number)


def _named(name: str) -> Scenario:
    return chosen([name])[0]
