"""What the wizard knows: results of the steps, what was chosen, and what is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.run import RunState, StepStatus
from consolidator_tui.tui.steps import ORDER, State


@dataclass(frozen=True, slots=True)
class Safety:
    """What has happened to the files that matter, in a few words each."""

    target: str
    originals: str
    backup: str
    undo: str

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Label and value, in the order in which people ask."""
        return (
            ("Originals", self.originals),
            ("Target", self.target),
            ("Backup", self.backup),
        )

    @property
    def brief(self) -> str:
        """The most important of it in at most 34 cells."""
        if self is EARLIER:
            return "an unfinished run is there"
        if self.originals != "untouched":
            undo = "" if self.undo == "done" else " · ctrl+r undoes"
            return f"originals {self.originals}{undo}"
        if self.target != "unchanged":
            return f"target {self.target} · ctrl+r undoes"
        return "originals untouched"

    @property
    def sentence(self) -> str:
        """The same as one line."""
        return f"Target: {self.target}. Originals: {self.originals}. Backup: {self.backup}."


EARLIER = Safety("as that run left it", "as that run left them", "of that run", "ctrl+r, later")
"""While it is asked what becomes of an unfinished run, nothing is known of its files."""


def safety(
    state: RunState | None, *, earlier: bool = False, unchanged: bool = False, new: bool = False
) -> Safety:
    """What is safe in this state of the run; None is before a run.

    `earlier`: there is an unfinished run that was not taken up yet. `unchanged`: the target held
    everything, and was left as it is. `new`: there was no target before.
    """
    if earlier:
        return EARLIER
    if state is None or not state.backed_up:
        return Safety("unchanged", "untouched", "none yet", "nothing to undo")
    if state.rolled_back:
        return Safety("restored", "restored", "kept", "done")
    target = "unchanged"
    if state.promoted and not unchanged:
        target = "in place" if new else "replaced"
    originals = "deleted" if state.cleaned else "untouched"
    return Safety(target, originals, "complete, verified", "ctrl+r")


UNDONE = (Step.VERIFY, Step.CONFIGURE, Step.CLEANUP)
"""The steps that change files of the project."""


def rail_states(state: RunState, here: Step, running: Step | None) -> Mapping[Step, State]:
    """What the rail shows: the run's state, the step on the screen, and running work."""
    meaning = {
        StepStatus.TODO: State.TODO,
        StepStatus.RUNNING: State.RUNNING,
        StepStatus.DONE: State.DONE,
        StepStatus.STALE: State.ATTENTION,
        StepStatus.FAILED: State.FAILED,
    }
    states = {step: meaning[state.steps[step]] for step in (*ORDER, Step.ROLLBACK)}
    if state.rolled_back:
        # What these did is undone; the backup and the merge are still there.
        states |= dict.fromkeys(UNDONE, State.TODO)
    if states[here] in (State.TODO, State.DONE):
        states[here] = State.CURRENT
    if running is not None:
        states[running] = State.RUNNING
    return states


def reachable(state: RunState) -> tuple[Step, ...]:
    """The steps that `[` and `]` may go to: all finished ones and the first that is not."""
    found: list[Step] = []
    for step in ORDER:
        found.append(step)
        if state.steps[step] is not StepStatus.DONE:
            break
    return tuple(found)
