"""`python -m tests.cases [--only NAME]… [--jobs N]`: run the cases and print a table."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from .registry import all_cases
from .runner import Verdict, judge


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="part of a case's name")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--kind", choices=("subprocess", "inprocess", "naive", "reference"), default=None
    )
    parser.add_argument("--failures", action="store_true", help="print only what fails")
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed cases")
    parser.add_argument("--list", action="store_true", help="list the cases with their reasoning")
    return parser.parse_args()


def _line(verdict: Verdict) -> str:
    mark = "ok  " if verdict.passed else "FAIL"
    head = f"{mark} {verdict.name:<52} {verdict.seconds:5.2f} s  {verdict.outcome}"
    return head if verdict.passed else f"{head}\n     {verdict.reason}"


def main() -> int:
    """Run the chosen cases; the exit status is 1 if one failed."""
    options = _arguments()
    chosen = [
        case
        for case in all_cases()
        if not options.only or any(part in case.name for part in options.only)
    ]
    if options.list:
        for case in chosen:
            print(f"{case.name}\n    {case.phrase}\n    {' '.join(case.why.split())}")
        return 0
    started = time.perf_counter()
    failed = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(judge, case.name, options.kind, options.keep) for case in chosen]
        for job in jobs:
            verdict = job.result()
            failed += not verdict.passed
            if not (options.failures and verdict.passed):
                print(_line(verdict), flush=True)
    seconds = time.perf_counter() - started
    print(f"{len(chosen) - failed} of {len(chosen)} cases pass, {seconds:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
