"""`python -m tests.crash`: stop the real command at every call that changes a file."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter

from tests.crash.bench import Reference, Stop
from tests.crash.scenarios import SCENARIOS, chosen
from tests.crash.shim import Mode, compiler
from tests.crash.sweep import MODES, Job, Sweeper, near, sweeper, whole

_KINDS = ("stops", "harmful", "badly told")
_EVERY = 100
"""Stops between two lines about how far it came."""


def main() -> int:
    """Sweep, print the counts; 1 when a stop was harmful or told badly."""
    options = _options()
    if compiler() is None:
        print("A C compiler (cc) is needed to build the shim.", file=sys.stderr)
        return 2
    modes = [Mode(mode) for mode in options.mode] or list(MODES)
    began = time.monotonic()
    told = _Told()
    with sweeper(options.jobs) as sweep:
        jobs, references = _jobs(sweep, options, modes, told)
        print(f"{len(jobs)} stops to make", flush=True)
        for done, (job, stop) in enumerate(sweep.stops(jobs, references), 1):
            told.take(job, stop)
            if done % _EVERY == 0:
                print(f"{done} of {len(jobs)}, {time.monotonic() - began:.0f} s", flush=True)
                told.total(modes)
    told.all(modes)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if told.wrong else 0


class _Told:
    """Counts and findings."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Mode, str]] = Counter()
        self.wrong = 0

    def impossible(self, name: str, reference: Reference) -> None:
        """A scenario that does not end well by itself."""
        self.wrong += 1
        print(f"{name}: not stopped, because {'; '.join(reference.problems)}", flush=True)

    def take(self, job: Job, stop: Stop) -> None:
        """Count a stop, and print what was found."""
        counts = self.counts
        bad = [finding for finding in stop.findings if finding.harmful]
        counts[job.scenario, job.mode, "stops"] += stop.reached
        counts[job.scenario, job.mode, "harmful"] += bool(bad)
        counts[job.scenario, job.mode, "badly told"] += bool(stop.findings) and not bad
        self.wrong += len(stop.findings)
        for finding in stop.findings:
            print(finding, flush=True)

    def all(self, modes: list[Mode]) -> None:
        """A line for each scenario and mode, and the totals."""
        for name in dict.fromkeys(name for name, _, _ in self.counts):
            for mode in modes:
                self._line(name, mode, [self.counts[name, mode, what] for what in _KINDS])
        self.total(modes)

    def total(self, modes: list[Mode]) -> None:
        """A line for each mode."""
        for mode in modes:
            kinds = [
                sum(n for (_, m, w), n in self.counts.items() if m is mode and w == what)
                for what in _KINDS
            ]
            self._line("all", mode, kinds)

    def _line(self, name: str, mode: Mode, kinds: list[int]) -> None:
        stops, harmful, badly = kinds
        text = f"{stops:5} stops  {harmful:4} harmful  {badly:4} badly told"
        print(f"{name:28} {mode:6} {text}", flush=True)


def _jobs(
    sweep: Sweeper, options: argparse.Namespace, modes: list[Mode], told: _Told
) -> tuple[list[Job], dict[str, Reference]]:
    """The stops to make, shuffled: a sweep that is ended early is a fair sample."""
    scenarios = chosen(options.command)
    references = sweep.references(scenarios)
    jobs: list[Job] = []
    for scenario in scenarios:
        reference = references[scenario.name]
        if reference.problems:
            told.impossible(scenario.name, reference)
            continue
        more = whole(scenario, reference, modes)[:: options.every]
        jobs += more if options.near is None else near(more, reference, options.near)
    random.Random(len(jobs)).shuffle(jobs)
    return jobs, references


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    names = sorted({scenario.command for scenario in SCENARIOS})
    parser.add_argument(
        "--mode", action="append", default=[], choices=[str(mode) for mode in MODES]
    )
    parser.add_argument(
        "--command",
        action="append",
        default=[],
        choices=[*names, *(scenario.name for scenario in SCENARIOS)],
        metavar="COMMAND",
        help=f"one of {', '.join(names)}, or with a project, as in 'run (plain)'; repeatable",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", type=int, default=1, help="only each so many-th stop")
    parser.add_argument(
        "--near",
        type=int,
        metavar="CALLS",
        help="only stops at most so many calls from a change outside the run's own database",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
