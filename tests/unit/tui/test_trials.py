"""Rows of commands on the Configure screen, and commands again."""

from __future__ import annotations

import pytest

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.smoke import SmokeOutput, SmokeStarted
from consolidator_tui.tui.trials import (
    MOST_LINES,
    Running,
    added,
    as_commands,
    as_trials,
    edited,
    environment_of,
    environment_text,
    removed,
    result_of,
    toggled,
)
from tests.tui.fake_smoke import smoke_commands, smoke_report


def test_rows_become_the_same_commands() -> None:
    commands = smoke_commands()
    trials = as_trials(commands)
    assert [trial.start.folder for trial in trials] == ["backend", "", "backend", "backend"]
    everything = toggled(trials, {trial.key for trial in trials}, chosen=True)
    assert as_commands(everything) == commands
    assert as_commands(trials) == commands[:2]
    assert as_commands(removed(trials, "t0"))[0].starts == commands[0].starts[1:]


def test_what_is_not_about_the_place_holds_for_all_its_rows() -> None:
    trials = as_trials(smoke_commands())
    other = edited(
        trials, "t0", trials[0].command.__class__("pytest in backend", trials[0].command.kind,
                                                   trials[0].command.starts, timeout=5)
    )  # fmt: skip
    assert [trial.command.timeout for trial in other] == [5, 5, 30, 120]
    assert other[1].start == trials[1].start


def test_a_new_row_has_a_name_and_a_key_of_its_own() -> None:
    trials, key = added(as_trials(smoke_commands()), smoke_commands()[2])
    assert (key, trials[-1].command.name) == ("t4", "app.agents.prompt_agent (2)")


def test_a_result_is_of_the_row_as_it_was() -> None:
    trials = as_trials(smoke_commands())
    report = smoke_report(as_commands(trials), broken=True)
    assert result_of(report, trials[0]) is report.results[0]
    assert result_of(report, trials[3]) is None
    assert result_of(None, trials[0]) is None


def test_environment() -> None:
    assert environment_of("A=1 B='x y' C=") == {"A": "1", "B": "x y", "C": ""}
    assert environment_of(environment_text({"A": "it's", "B": ""})) == {"A": "it's", "B": ""}
    for text in ("A", "1=2", "A='"):
        with pytest.raises(ValueError, match="Environment"):
            environment_of(text)


def test_output_is_bounded_and_followed() -> None:
    running = Running()
    running.take(SmokeStarted(Step.CONFIGURE, "pytest", "", 1, 2))
    assert running.since(0) == ["── pytest ──"]
    running.take(SmokeOutput(Step.CONFIGURE, "pytest", tuple(map(str, range(MOST_LINES + 10)))))
    assert running.written == MOST_LINES + 11
    assert running.since(running.written - 2) == [str(MOST_LINES + 8), str(MOST_LINES + 9)]
    assert len(running.since(0)) == MOST_LINES
