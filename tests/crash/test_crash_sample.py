"""A sample of the stops; `python -m tests.crash` makes all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.crash.bench import Reference
from tests.crash.scenarios import Scenario, chosen
from tests.crash.shim import Mode, compiler
from tests.crash.sweep import MODES, Sweeper, near, sample, sweeper, whole

SAMPLED = {"run (plain)": 2, "run (logged)": 3, "rollback (logged)": 2, "run-cleanup (plain)": 1}
"""Stops per mode where files of the project change; one more is anywhere."""


@pytest.fixture(scope="module")
def sweep() -> Iterator[Sweeper]:
    """Two benches; without a compiler the tests are skipped, but not where CI is set."""
    if compiler() is None:
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told("A C compiler (cc) is needed to stop the command at every call.")
    with sweeper(2) as made:
        yield made


@pytest.fixture(scope="module")
def scenarios() -> tuple[Scenario, ...]:
    return chosen(list(SAMPLED))


@pytest.fixture(scope="module")
def references(sweep: Sweeper, scenarios: tuple[Scenario, ...]) -> dict[str, Reference]:
    return sweep.references(scenarios)


def test_commands_end_well_without_a_stop(references: dict[str, Reference]) -> None:
    assert {name: found.problems for name, found in references.items() if found.problems} == {}
    assert all(len(found.calls) > 50 for found in references.values())


@pytest.mark.parametrize("mode", MODES)
def test_no_stop_is_harmful(
    sweep: Sweeper,
    scenarios: tuple[Scenario, ...],
    references: dict[str, Reference],
    mode: Mode,
) -> None:
    jobs = []
    for scenario in scenarios:
        reference = references[scenario.name]
        every = whole(scenario, reference, [mode])
        count = SAMPLED[scenario.name]
        jobs += sample(near(every, reference, 0), count)
        # A power cut has several outcomes, so it takes several times as long.
        jobs += sample(every, 1) if mode is not Mode.POWER else []
    stops = list(sweep.stops(jobs, references))
    assert [str(finding) for _, stop in stops for finding in stop.findings] == []
    assert sum(stop.reached for _, stop in stops) >= len(jobs) - len(scenarios)
