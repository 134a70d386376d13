"""What a decision does to other rows, in words, before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from consolidator_tui.domain.conflict import ConflictDetail, ConflictKind
from consolidator_tui.tui.text import safe
from consolidator_tui.tui.theme import Inks


def counted(counts: Mapping[str, int]) -> str:
    """`2 orders, 1 logins`: rows by the name of their table."""
    return ", ".join(f"{number:,} {safe(table, 30)}" for table, number in sorted(counts.items()))


def follow_text(
    detail: ConflictDetail, follows: Sequence[Mapping[str, int]] | None, ink: Inks
) -> Text:
    """One or two lines: what the group is, and which rows follow which choice."""
    muted = str(ink.muted)
    text = Text(end="")
    text.append(_kind(detail), muted)
    if follows is None:
        text.append("\ncounting the rows that refer to it …", muted)
        return text
    parts = [
        f"{counted(counts)} of {safe(version.source.rpartition('/')[2], 24)}"
        for version, counts in zip(detail.versions, follows, strict=False)
        if counts
    ]
    if not parts:
        text.append("\nNo other row refers to it.", muted)
        return text
    text.append(f"\n{' + '.join(parts)} follow it · ")
    text.append("b", str(ink.accent))
    text.append(": each its own")
    return text


def _kind(detail: ConflictDetail) -> str:
    group = detail.group
    if group.kind is ConflictKind.UNIQUE:
        shared = ", ".join(safe(name, 24) for name in group.differs)
        return f"Two entities share one UNIQUE {shared}. 1-9: the same after all, b: different."
    if group.kind is ConflictKind.DOUBT:
        return "Rows of two copies share an id. 1-9: one entity, b: different ones."
    if group.kind is ConflictKind.DUPLICATE:
        return "Matched, and equal. Not the same after all: b keeps both rows."
    return f"One entity that {len(detail.versions)} rows tell differently."
