"""All like this: how many there are, before they are decided."""

from __future__ import annotations

from rich.text import Text

from consolidator_tui.domain.conflict import ConflictGroup, Counted
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.modals.question import Choice, Question
from consolidator_tui.tui.text import safe


def alike_question(group: ConflictGroup, counted: Counted, what: str) -> Question:
    """`open`, `rule` or `none`; `what` says the decision in words."""
    text = Text(end="")
    text.append(f"Decision: {safe(what, 60)}\n")
    text.append(f"Table:    {safe(group.table, 60)}\n")
    text.append(f"Sources:  {safe(', '.join(group.sources), 200)}\n")
    text.append(f"Differs:  {safe(', '.join(group.differs), 200)}\n\n")
    text.append(f"{plural(counted.open, 'other conflict')} like this undecided, ", "bold")
    text.append(f"{counted.by_rule:,} decided by rule, {counted.by_hand:,} by hand.\n")
    text.append("Those decided by hand stay as they are. One undo (u) takes all of it back.")
    choices = [Choice("none", "Cancel")]
    if counted.open:
        choices.append(Choice("open", f"Decide {counted.open:,}"))
    if counted.by_rule:
        number = counted.open + counted.by_rule
        choices.append(Choice("rule", f"Decide {number:,}, those by rule too"))
    return Question("The same decision for all like this", text, choices)
