"""What may come next in a run: the one state machine that screens and command line ask.

States are values: every transition returns a new one and the caller stores it
(`storage/run_db.py`). The facts `promoted`, `cleaned` and `rolled_back` are written by the
services that make them true, never by a transition of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from consolidator_tui.domain.errors import GateClosed
from consolidator_tui.domain.event import Step

STEPS: tuple[Step, ...] = (
    Step.DISCOVER,
    Step.INSPECT,
    Step.BACKUP,
    Step.MIGRATE,
    Step.VERIFY,
    Step.CONFIGURE,
    Step.CLEANUP,
)
"""The steps in order; ROLLBACK is beside them."""

_NAMES = {
    Step.DISCOVER: "Discover",
    Step.INSPECT: "Inspect",
    Step.BACKUP: "Back up",
    Step.MIGRATE: "Migrate",
    Step.VERIFY: "Verify",
    Step.CONFIGURE: "Configure",
    Step.CLEANUP: "Clean up",
    Step.ROLLBACK: "Roll back",
}

_NEEDS: dict[Step, tuple[Step, ...]] = {
    Step.DISCOVER: (),
    Step.INSPECT: (Step.DISCOVER,),
    Step.BACKUP: (Step.DISCOVER, Step.INSPECT),
    Step.MIGRATE: (Step.DISCOVER, Step.INSPECT, Step.BACKUP),
    Step.VERIFY: (Step.DISCOVER, Step.INSPECT, Step.BACKUP, Step.MIGRATE),
    Step.CONFIGURE: (Step.VERIFY,),
    Step.CLEANUP: (Step.VERIFY,),
}

_BEFORE_PROMOTION = frozenset({Step.DISCOVER, Step.INSPECT, Step.BACKUP, Step.MIGRATE, Step.VERIFY})


class StepStatus(StrEnum):
    """How far a step is."""

    TODO = "todo"
    RUNNING = "running"
    DONE = "done"
    STALE = "stale"
    FAILED = "failed"


class Fact(StrEnum):
    """What has happened to files outside the run's folder; survives every transition."""

    PROMOTED = "promoted"
    CLEANED = "cleaned"
    ROLLED_BACK = "rolled_back"


def _all_todo() -> Mapping[Step, StepStatus]:
    return dict.fromkeys((*STEPS, Step.ROLLBACK), StepStatus.TODO)


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run is."""

    steps: Mapping[Step, StepStatus] = field(default_factory=_all_todo)
    backed_up: bool = False
    """A backup with a manifest was completed once; roll back is possible."""
    interrupted: Step | None = None
    """The step that was running when the last process died."""
    failure: str = ""
    """The sentence of the last failure."""
    facts: frozenset[Fact] = frozenset()

    @property
    def promoted(self) -> bool:
        """The target is the consolidated database."""
        return Fact.PROMOTED in self.facts

    @property
    def cleaned(self) -> bool:
        """Originals were deleted."""
        return Fact.CLEANED in self.facts

    @property
    def rolled_back(self) -> bool:
        """Everything was put back."""
        return Fact.ROLLED_BACK in self.facts

    @property
    def running(self) -> Step | None:
        """The step that is running, or None."""
        return next((s for s, status in self.steps.items() if status is StepStatus.RUNNING), None)

    @property
    def current(self) -> Step | None:
        """The first step that is not done, or None when all are or the run was rolled back."""
        if self.rolled_back:
            return None
        return next((s for s in STEPS if self.steps[s] is not StepStatus.DONE), None)

    @property
    def finished(self) -> bool:
        """Nothing is left to resume: promoted and verified, or rolled back."""
        if self.rolled_back:
            return True
        return self.promoted and self.running is None and self.interrupted is None


def may(state: RunState, step: Step) -> tuple[bool, str]:
    """Whether `step` may start now, and if not the reason as a sentence."""
    if state.running is not None and state.running is not step:
        return False, f"{_NAMES[state.running]} is still running."
    if state.running is step:
        return False, f"{_NAMES[step]} is already running."
    if step is Step.ROLLBACK:
        if not state.backed_up:
            return False, "Nothing has been changed yet, so there is nothing to roll back."
        return True, ""
    if state.rolled_back:
        return False, "This run was rolled back; start a new one."
    if step in _BEFORE_PROMOTION and state.promoted:
        return False, "The target is already in place; roll back first, or start a new run."
    for needed in _NEEDS[step]:
        status = state.steps[needed]
        if status is StepStatus.STALE:
            return False, f"{_NAMES[needed]} is out of date and must be done again first."
        if status is not StepStatus.DONE:
            return False, f"{_NAMES[needed]} must be done first."
    if step in (Step.CONFIGURE, Step.CLEANUP) and not state.promoted:
        return False, "The consolidated database is not in place yet."
    return True, ""


def started(state: RunState, step: Step) -> RunState:
    """The state with `step` running. Raises GateClosed with the reason when it may not start."""
    allowed, reason = may(state, step)
    if not allowed:
        raise GateClosed(reason)
    state = replace(state, interrupted=None, failure="")
    return _with(invalidate_after(state, step), step, StepStatus.RUNNING)


def finished(state: RunState, step: Step) -> RunState:
    """The state with `step` done."""
    _expect_running(state, step)
    backed_up = state.backed_up or step is Step.BACKUP
    return replace(_with(state, step, StepStatus.DONE), backed_up=backed_up)


def failed(state: RunState, step: Step, sentence: str = "") -> RunState:
    """The state with `step` failed (also: stopped by the person)."""
    _expect_running(state, step)
    return replace(_with(state, step, StepStatus.FAILED), failure=sentence)


def invalidate_after(state: RunState, step: Step) -> RunState:
    """Mark the steps after `step` stale where they were done or failed (an input changed).

    Steps after promotion work on the target and do not make each other stale.
    """
    if step not in _BEFORE_PROMOTION:
        return state
    later = STEPS[STEPS.index(step) + 1 :]
    again = (StepStatus.DONE, StepStatus.FAILED)
    marks = {s: StepStatus.STALE for s in later if state.steps[s] in again}
    return replace(state, steps={**state.steps, **marks})


def after_crash(state: RunState) -> RunState:
    """The state as the next process finds it: what was running was interrupted.

    Call it after an interrupted change of files was finished or undone. A step whose last act is
    such a change counts as done when the change is there.
    """
    step = state.running
    if step is None:
        return state
    promoted = step is Step.VERIFY and state.promoted
    rolled_back = step is Step.ROLLBACK and state.rolled_back
    if promoted or rolled_back:
        return _with(state, step, StepStatus.DONE)
    return replace(
        _with(state, step, StepStatus.FAILED),
        interrupted=step,
        failure=f"{_NAMES[step]} was interrupted.",
    )


def with_fact(state: RunState, fact: Fact) -> RunState:
    """The state with a fact added."""
    return replace(state, facts=state.facts | {fact})


def step_name(step: Step) -> str:
    """The name of a step as people read it."""
    return _NAMES[step]


def _expect_running(state: RunState, step: Step) -> None:
    if state.steps[step] is not StepStatus.RUNNING:
        raise ValueError(f"{step} is not running")


def _with(state: RunState, step: Step, status: StepStatus) -> RunState:
    return replace(state, steps={**state.steps, step: status})


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One line of the list of runs."""

    name: str
    state: RunState | None
    """None when the run's database cannot be read."""
    size: int
    """Bytes on disk of the whole run folder."""
    backup_size: int
    backup_complete: bool
    sources: tuple[str, ...] = ()
    target: str = ""
    only_copy: bool = False
    """Originals were deleted: this backup is their only copy."""
    problem: str = ""
    """Why the run cannot be used, or empty."""
    outcome: str = ""
    """What came of it, in a few words."""
    needed: str = ""
    """What would be lost with it, as a sentence; empty when nothing is."""

    @property
    def files(self) -> str:
        """What was merged into what; empty where it did not come so far."""
        if not self.target:
            return ""
        return f"{', '.join(self.sources)} -> {self.target}" if self.sources else self.target
