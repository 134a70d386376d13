"""What to do with a run that an earlier start left unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consolidator_tui.tui.modals.question import Choice, Question
from consolidator_tui.tui.steps import NAMES
from consolidator_tui.tui.text import safe

if TYPE_CHECKING:
    from consolidator_tui.services.resuming import UnfinishedRun


def unfinished_question(found: UnfinishedRun) -> Question:
    """`resume`, `roll` or `over`; escape resumes, because that changes nothing."""
    decided = f", {found.decided:,} of {found.total:,} decided" if found.total else ""
    step = NAMES[found.step] if found.step is not None else "the end"
    return Question(
        f"Unfinished run of {safe(found.started)}",
        f"It stopped at {step}{decided}. Nothing is lost.\n\n"
        "Resume      go on where it stopped\n"
        "Roll back   put everything back as it was before it\n"
        "Start over  leave it aside and begin a new run",
        [
            Choice("resume", "Resume"),
            Choice("roll", "Roll back", danger=True),
            Choice("over", "Start over"),
        ],
    )
