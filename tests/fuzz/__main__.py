"""`python -m tests.fuzz`: random byte changes to source files, each through a whole run."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.worker import Worker

_EVERY = 200


def main() -> int:
    """Make the changes, print the counts; 1 when something was found."""
    options = _options()
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=base)).resolve()
    os.environ["TMPDIR"] = str(scratch)
    try:
        return _sweep(options, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sweep(options: argparse.Namespace, scratch: Path) -> int:
    began = time.monotonic()
    counts: Counter[str] = Counter()
    failures: dict[str, int] = {}
    number, changes, found, slowest = options.first, 0, 0, 0.0
    worker = Worker(options.seed, scratch)
    while changes < options.changes:
        trial = worker.attempt(number)
        if trial is None:
            found += 1
            print(f"trial {number}: it hung or ended the process", flush=True)
            worker = Worker(options.seed, scratch)
        else:
            changes += len(trial.changes)
            counts[f"{trial.outcome} ({trial.status})"] += 1
            slowest = max(slowest, trial.seconds)
            found += bool(trial.findings)
            if trial.status == 1:
                failures[trial.words] = trial.number
            if trial.findings:
                print(trial, flush=True)
        number += 1
        if number % _EVERY == 0:
            print(
                f"{changes} changes, {number} trials, {time.monotonic() - began:.0f} s", flush=True
            )
    worker.close()
    for what, how_many in counts.most_common():
        print(f"{how_many:6} {what}")
    for words, last in failures.items():
        print(f"failed, as in trial {last}: {words}")
    print(
        f"{changes} changes in {number - options.first} trials, {found} findings, slowest "
        f"{slowest:.1f} s, {time.monotonic() - began:.0f} s in all"
    )
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000, help="bytes to change in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="TRIAL", help="begin at this one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
