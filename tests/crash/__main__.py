"""`python -m tests.crash`: stop the real command at every call that changes a file."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.crash.bench import Finding
from tests.crash.scenarios import SCENARIOS, chosen
from tests.crash.shim import Mode, compiler
from tests.crash.sweep import MODES, near, sweeper, whole

_KINDS = ("stops", "harmful", "badly told")


def main() -> int:
    """Sweep, print the counts; 1 when a stop was harmful or told badly."""
    options = _options()
    if compiler() is None:
        print("A C compiler (cc) is needed to build the shim.", file=sys.stderr)
        return 2
    scenarios = chosen(options.command)
    modes = [Mode(mode) for mode in options.mode] or list(MODES)
    began = time.monotonic()
    counts: Counter[tuple[str, Mode, str]] = Counter()
    findings: list[Finding] = []
    impossible = 0
    with sweeper(options.jobs) as sweep:
        references = sweep.references(scenarios)
        for scenario in scenarios:
            reference = references[scenario.name]
            if reference.problems:
                impossible += 1
                print(f"{scenario.name}: not stopped, because {'; '.join(reference.problems)}")
                continue
            jobs = whole(scenario, reference, modes)[:: options.every]
            if options.near is not None:
                jobs = near(jobs, reference, options.near)
            for job, stop in sweep.stops(jobs, references):
                counts[scenario.name, job.mode, "stops"] += stop.reached
                bad = [finding for finding in stop.findings if finding.harmful]
                counts[scenario.name, job.mode, "harmful"] += bool(bad)
                counts[scenario.name, job.mode, "badly told"] += bool(stop.findings) and not bad
                findings += stop.findings
                for finding in stop.findings:
                    print(finding, flush=True)
            for mode in modes:
                print(_line(scenario.name, mode, counts), flush=True)
    _total(modes, counts, time.monotonic() - began)
    return 1 if findings or impossible else 0


def _line(name: str, mode: Mode, counts: Counter[tuple[str, Mode, str]]) -> str:
    stops, harmful, badly = (counts[name, mode, what] for what in _KINDS)
    return f"{name:28} {mode:6} {stops:5} stops  {harmful:4} harmful  {badly:4} badly told"


def _total(modes: list[Mode], counts: Counter[tuple[str, Mode, str]], seconds: float) -> None:
    for mode in modes:
        for what in _KINDS:
            found = [n for (_, m, w), n in counts.items() if m is mode and w == what]
            counts["all", mode, what] = sum(found)
        print(_line("all", mode, counts))
    print(f"{seconds:.0f} s")


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
