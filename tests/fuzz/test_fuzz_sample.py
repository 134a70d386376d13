"""A few of the changes; `python -m tests.fuzz` makes ten thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.projects import templates
from tests.fuzz.trial import attempt


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return templates(tmp_path_factory.mktemp("fuzz"))


def test_damage_is_told_in_a_sentence_and_touches_nothing(
    made: dict[str, Path], tmp_path: Path
) -> None:
    trials = [attempt(number, 8, made, tmp_path) for number in range(10)]
    assert [str(trial) for trial in trials if trial.findings] == []
    assert {trial.project for trial in trials} == set(made)
    assert any(trial.status for trial in trials)
