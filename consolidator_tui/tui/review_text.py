"""The lines around list and versions in the review: how things stand, and what a decision does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from consolidator_tui.domain.conflict import ConflictDetail, ConflictKind, ConflictQuery, Decided
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.tui.text import safe
from consolidator_tui.tui.theme import Inks

if TYPE_CHECKING:
    from consolidator_tui.tui.reviewing import Sums
    from consolidator_tui.tui.widgets.group_list import GroupList

BAR_CELLS = 12
NAME_CELLS = 24
BOTH = ": each its own"
"""What referring rows do when all rows are kept."""


def heading(query: ConflictQuery, sums: Sums, ink: Inks) -> Text:
    """How many are left of how many, as numbers and as a bar."""
    text = Text(f" {safe(query.table or 'Conflicts', 24)}", "bold", no_wrap=True, end="")
    if not sums.all:
        return text
    done = (sums.all - sums.open) / sums.all
    full = int(done * BAR_CELLS)
    text.append(f" · {sums.open:,} undecided of {sums.all:,}")
    if sums.by_rule:
        text.append(f" · {sums.by_rule:,} by rule", str(ink.muted))
    text.append(" ")
    text.append("━" * full, str(ink.good))
    text.append("━" * (BAR_CELLS - full), str(ink.muted))
    # Rounded down: 100 % only when nothing is left.
    text.append(f" {int(done * 100)}%")
    return text


def list_heading(query: ConflictQuery, groups: GroupList, ink: Inks) -> Text:
    """Where in the list the cursor is, and what the list shows."""
    place = f"{groups.cursor + 1:,} of {groups.total:,}" if groups.total else "none"
    text = Text(f"   {place}", str(ink.muted), no_wrap=True, end="")
    text.append("  f ", str(ink.accent))
    text.append(query.decided.value, str(ink.muted))
    if query.text:
        text.append("  / ", str(ink.accent))
        text.append(safe(query.text, 30), str(ink.muted))
    marked = groups.marked
    if marked is not None:
        text.append(f"  range of {marked[1] - marked[0] + 1:,}", str(ink.accent))
    return text


def nothing_found(query: ConflictQuery) -> Text:
    """What an empty list means, and the next key."""
    if query.text or query.table:
        return Text("Nothing fits. esc: clear search and filter.")
    words = {
        Decided.OPEN: "Nothing is undecided. f: other groups, enter: go on.",
        Decided.BY_HAND: "Nothing was decided by hand yet. f: other groups.",
        Decided.BY_RULE: "No rule decided anything. R: rules, f: other groups.",
        Decided.DUPLICATES: "No rows were found to be the same. f: other groups.",
        Decided.APART: "No rows were kept apart in the last merge. f: other groups.",
    }
    return Text(words.get(query.decided, "No row disagrees with another. enter: go on."))


def follow_text(
    detail: ConflictDetail,
    follows: Sequence[Mapping[str, int]] | None,
    names: Mapping[str, str],
    ink: Inks,
    width: int,
    height: int,
) -> Text:
    """What the group is, and which rows follow which choice, in `height` lines of `width`."""
    muted = str(ink.muted)
    text = Text(_kind(detail, width), muted, end="", no_wrap=True, overflow="ellipsis")
    if follows is None:
        text.append("\ncounting the rows that refer to it …", muted)
        return text
    having = [
        (safe(names.get(version.source, version.source), NAME_CELLS), counts)
        for version, counts in zip(detail.versions, follows, strict=False)
        if counts
    ]
    if not having:
        text.append("\nNo other row refers to it.", muted)
        return text
    total: dict[str, int] = {}
    for _, counts in having:
        for table, number in counts.items():
            total[table] = total.get(table, 0) + number
    said, keep = "1-9: all of them", "follow the kept row"
    if height > len(having) + 2 and len(having) > 1:
        longest = max(cell_len(name) for name, _ in having)
        for name, counts in having:
            text.append(f"\n  {name:<{longest}}  {counted(counts)}")
    else:
        said, keep = _in_one_line(having, total, width - cell_len(f"  · b{BOTH}"))
    text.append(f"\n{said} {keep} · ")
    text.append("b", str(ink.accent))
    text.append(BOTH)
    return text


def _in_one_line(
    having: Sequence[tuple[str, Mapping[str, int]]], total: Mapping[str, int], room: int
) -> tuple[str, str]:
    """Which rows, told as exactly as fits, and what they do when one row is kept."""
    each = " · ".join(f"{name} {counted(counts)}" for name, counts in having)
    sums = " · ".join(f"{name} {sum(counts.values()):,}" for name, counts in having)
    brief = ", ".join(f"{safe(table, NAME_CELLS)} {total[table]:,}" for table in sorted(total))
    word = verb(sum(total.values()), "follows", "follow")
    for said in (each, f"{counted(total)} ({sums})", counted(total), brief):
        for keep in (f"{word} the kept row", word):
            if cell_len(f"{said} {keep}") <= room:
                return said, keep
    rows = plural(sum(total.values()), "row")
    return f"{rows} of {plural(len(total), 'table')}", f"{word} the kept row"


def counted(counts: Mapping[str, int]) -> str:
    """`2 orders, 1 row of logins`: rows by the name of their table."""
    return ", ".join(
        f"{number:,} {safe(table, NAME_CELLS)}"
        if number != 1
        else f"1 row of {safe(table, NAME_CELLS)}"
        for table, number in sorted(counts.items())
    )


def _kind(detail: ConflictDetail, width: int) -> str:
    """What the group is, and what the choices mean where that is not plain."""
    group = detail.group
    number = len(detail.versions)
    if group.kind is ConflictKind.UNIQUE:
        shared = safe(", ".join(group.differs), max(width - 60, 12))
        count = "Two" if number == 2 else str(number)
        return f"{count} entities, one UNIQUE {shared}. 1-9: the same after all, b: different."
    if group.kind is ConflictKind.DOUBT:
        return "Rows of two copies share an id. 1-9: one entity, b: different ones."
    if group.kind is ConflictKind.DUPLICATE:
        return "Matched, and equal. Not the same after all: b keeps both rows."
    if group.kind is ConflictKind.APART:
        return f"{number} rows that you called different. x: take it back, 1-9: the same after all."
    return f"One entity that {number} rows tell differently."
