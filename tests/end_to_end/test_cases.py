"""Every merge case of `tests/cases`, through the command line's entry, two at a time.

`CONSOLIDATOR_CASES_RUN=subprocess` runs them as a user does, with an interpreter each: the same
answers in three times the time (see `tests/cases/engines.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import cast

import pytest

from tests.cases.engines import KIND_VARIABLE
from tests.cases.registry import Case, all_cases
from tests.cases.runner import Verdict, judge

CASES = all_cases()
WORKERS = min(2, os.cpu_count() or 1)


@pytest.fixture(scope="module")
def verdict(request: pytest.FixtureRequest) -> Iterator[Callable[[Case], Verdict]]:
    """Judges a case; all selected cases have been started in the background, in order."""
    kind = os.environ.get(KIND_VARIABLE, "inprocess")
    chosen: list[Case] = [
        cast("Case", item.callspec.params["case"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.function is test_case
    ]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        jobs: dict[str, Future[Verdict]] = {
            case.name: pool.submit(judge, case.name, kind) for case in chosen
        }
        yield lambda case: jobs[case.name].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case, verdict: Callable[[Case], Verdict]) -> None:
    """The command does on this case what its contract says."""
    outcome = verdict(case)
    if not outcome.passed:
        pytest.fail(f"{case.phrase}\n{case.why}\n{outcome.reason}", pytrace=False)


def test_names_are_told_apart() -> None:
    """Every case says what must be right and why."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.why and case.phrase for case in CASES)


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("naive", 5, 35), ("reference", 120, 230)], ids=str
)
def test_the_judgement_is_sharp(kind: str, least: int, most: int) -> None:
    """Naive merges fail nearly everywhere; a right slow merge passes where it applies."""
    quick = [case for case in CASES if case.name.split(".")[0] not in ("files", "files_damaged")]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        passed = sum(pool.map(_passes, [case.name for case in quick], [kind] * len(quick)))
    assert least <= passed <= most


def _passes(name: str, kind: str) -> bool:
    return judge(name, kind).passed
