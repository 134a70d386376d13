"""What to do with a run that an earlier start left unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.modals.question import Choice, Question
from consolidator_tui.tui.steps import NAMES
from consolidator_tui.tui.text import safe

if TYPE_CHECKING:
    from consolidator_tui.services.session.resuming import UnfinishedRun


def unfinished_question(found: UnfinishedRun) -> Question:
    """`resume`, `roll` or `over`; escape resumes, because that changes nothing."""
    if found.promoted:
        return _in_place(found)
    decided = (
        f", {found.decided:,} of {plural(found.total, 'conflict')} decided" if found.total else ""
    )
    if found.decided and not found.total:
        decided = f", {plural(found.decided, 'conflict')} decided by hand"
    # What was staged is built again, so a run that got as far as Verify goes on at Migrate.
    again = found.step is Step.VERIFY
    waits = again and found.decided < found.total
    step = "the end" if found.step is None else NAMES[Step.MIGRATE if waits else found.step]
    resume = "go on at Migrate, which is done again" if again else "go on where it stopped"
    return Question(
        f"Unfinished run of {safe(found.started)}",
        f"It stopped at {step}{decided}. Nothing is lost.\n\n"
        f"Resume      {resume}\n"
        "Roll back   put everything back as it was before it\n"
        "Start over  leave it aside and begin a new run",
        _choices("Resume", "Start over"),
    )


def _in_place(found: UnfinishedRun) -> Question:
    left = [NAMES[step] for step in found.left]
    return Question(
        f"Run of {safe(found.started)}",
        f"Its target is in place. Left to do: {', '.join(left)}.\n\n"
        "Continue   go on there\n"
        "Roll back  put everything back as it was before that run\n"
        "New run    leave it as it is, and look for files again",
        _choices("Continue", "New run"),
    )


def _choices(resume: str, over: str) -> list[Choice]:
    return [
        Choice("resume", resume),
        Choice("roll", "Roll back", danger=True),
        Choice("over", over),
    ]
