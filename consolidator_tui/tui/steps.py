"""The steps of the wizard in order, and the states that each can be in."""

from __future__ import annotations

from enum import StrEnum

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.signs import BAD

ORDER: tuple[Step, ...] = (
    Step.DISCOVER,
    Step.INSPECT,
    Step.BACKUP,
    Step.MIGRATE,
    Step.VERIFY,
    Step.CONFIGURE,
    Step.CLEANUP,
)

NAMES: dict[Step, str] = {
    Step.DISCOVER: "Discover",
    Step.INSPECT: "Inspect",
    Step.BACKUP: "Back up",
    Step.MIGRATE: "Migrate",
    Step.VERIFY: "Verify",
    Step.CONFIGURE: "Configure",
    Step.CLEANUP: "Clean up",
    Step.ROLLBACK: "Roll back",
}

PURPOSES: dict[Step, str] = {
    Step.DISCOVER: "Which files hold this project's data?",
    Step.INSPECT: "What is in them, and where do they differ?",
    Step.BACKUP: "A verified copy of every file comes first.",
    Step.MIGRATE: "Build the merged file beside the originals.",
    Step.VERIFY: "Prove every row, then put it in place.",
    Step.CONFIGURE: "Make the application use only the target.",
    Step.CLEANUP: "Delete the files that are no longer needed.",
    Step.ROLLBACK: "Put everything back as it was before.",
}


class State(StrEnum):
    """Where a step stands."""

    TODO = "to do"
    CURRENT = "current"
    RUNNING = "running"
    DONE = "done"
    ATTENTION = "needs attention"
    """Done once, but something it rests on was changed since."""
    FAILED = "failed"


ICONS: dict[State, str] = {
    State.TODO: "○",
    State.CURRENT: "▶",
    State.RUNNING: "◐",
    State.DONE: "✓",
    State.ATTENTION: "!",
    State.FAILED: BAD,
}


def after(step: Step) -> tuple[Step, ...]:
    """The steps behind this one."""
    return ORDER[ORDER.index(step) + 1 :] if step in ORDER else ()
