"""The state machine of a run."""

from __future__ import annotations

import pytest

from consolidator_tui.domain.errors import GateClosed
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.run import (
    STEPS,
    Fact,
    RunState,
    StepStatus,
    after_crash,
    failed,
    finished,
    invalidate_after,
    may,
    started,
    with_fact,
)

BEFORE_PROMOTION = STEPS[: STEPS.index(Step.CONFIGURE)]


def done_until(last: Step) -> RunState:
    state = RunState()
    for step in STEPS[: STEPS.index(last) + 1]:
        state = started(state, step)
        if step is Step.VERIFY:
            state = with_fact(state, Fact.PROMOTED)
        state = finished(state, step)
    return state


def test_steps_come_in_order() -> None:
    state = RunState()
    for number, step in enumerate(STEPS):
        for later in STEPS[number + 1 :]:
            if not (state.promoted and later is Step.CLEANUP):
                allowed, reason = may(state, later)
                assert not allowed
                assert reason.endswith(".")
        assert may(state, step) == (True, "")
        state = started(state, step)
        assert state.running is step
        assert not may(state, step)[0]
        if step is Step.VERIFY:
            state = with_fact(state, Fact.PROMOTED)
        state = finished(state, step)
    assert state.current is None
    assert state.finished


def test_only_one_step_runs() -> None:
    state = started(done_until(Step.DISCOVER), Step.INSPECT)
    assert may(state, Step.DISCOVER) == (False, "Inspect is still running.")
    with pytest.raises(GateClosed, match="still running"):
        started(state, Step.DISCOVER)


def test_going_back_makes_later_steps_stale() -> None:
    state = started(done_until(Step.MIGRATE), Step.INSPECT)
    assert state.steps[Step.DISCOVER] is StepStatus.DONE
    assert state.steps[Step.BACKUP] is StepStatus.STALE
    assert state.steps[Step.MIGRATE] is StepStatus.STALE
    assert state.steps[Step.VERIFY] is StepStatus.TODO
    state = finished(state, Step.INSPECT)
    assert "out of date" in may(state, Step.MIGRATE)[1]
    assert may(state, Step.BACKUP)[0]


def test_changed_input() -> None:
    state = invalidate_after(done_until(Step.BACKUP), Step.DISCOVER)
    assert state.current is Step.INSPECT
    assert state.steps[Step.INSPECT] is StepStatus.STALE


def test_nothing_is_merged_again_after_promotion() -> None:
    state = done_until(Step.VERIFY)
    for step in BEFORE_PROMOTION:
        assert "already in place" in may(state, step)[1]
    assert may(state, Step.CONFIGURE)[0]
    assert may(state, Step.CLEANUP)[0]
    again = finished(started(state, Step.CONFIGURE), Step.CONFIGURE)
    assert may(again, Step.CONFIGURE)[0]


def test_clean_up_needs_promotion() -> None:
    state = finished(started(done_until(Step.MIGRATE), Step.VERIFY), Step.VERIFY)
    assert "not in place" in may(state, Step.CLEANUP)[1]


def test_roll_back_from_anywhere_once_there_is_a_backup() -> None:
    assert not may(RunState(), Step.ROLLBACK)[0]
    assert not may(done_until(Step.INSPECT), Step.ROLLBACK)[0]
    for step in STEPS[2:]:
        assert may(done_until(step), Step.ROLLBACK)[0]
    state = started(done_until(Step.MIGRATE), Step.ROLLBACK)
    state = finished(with_fact(state, Fact.ROLLED_BACK), Step.ROLLBACK)
    assert may(state, Step.ROLLBACK)[0]
    for step in STEPS:
        assert "rolled back" in may(state, step)[1]
    assert state.current is None


def test_crash() -> None:
    state = after_crash(started(done_until(Step.BACKUP), Step.MIGRATE))
    assert state.interrupted is Step.MIGRATE
    assert state.steps[Step.MIGRATE] is StepStatus.FAILED
    assert not state.finished
    assert may(state, Step.MIGRATE)[0]
    assert started(state, Step.MIGRATE).interrupted is None
    assert after_crash(RunState()) == RunState()


def test_crash_after_the_promotion_itself() -> None:
    state = with_fact(started(done_until(Step.MIGRATE), Step.VERIFY), Fact.PROMOTED)
    assert after_crash(state).steps[Step.VERIFY] is StepStatus.DONE
    assert may(after_crash(state), Step.CLEANUP)[0]


def test_failure() -> None:
    state = failed(started(RunState(), Step.DISCOVER), Step.DISCOVER, "No such folder.")
    assert state.failure == "No such folder."
    assert may(state, Step.DISCOVER)[0]
    with pytest.raises(ValueError, match="not running"):
        finished(state, Step.DISCOVER)
