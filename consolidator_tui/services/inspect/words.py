"""What Inspect found, in plain words: how columns differ, where the rows of two files come from."""

from __future__ import annotations

from consolidator_tui.domain.inspection import (
    ColumnChange,
    ColumnDiff,
    Lineage,
    LineageEvidence,
    TableState,
)
from consolidator_tui.domain.words import plural, verb

STATES = {
    TableState.ABSENT: "not there",
    TableState.ONLY_HERE: "in one file only",
    TableState.IDENTICAL: "the same columns in all files",
    TableState.DRIFTED: "the columns differ",
    TableState.UNRELATED: "the same name, but other columns",
}
"""How a table compares over all files; nothing is said of its rows."""
NO_COLUMN = "no such column"


def difference_words(diff: ColumnDiff) -> tuple[str, str]:
    """What the column is in the file that is compared with, and what it is in the other one."""
    here, there = (_fact(diff.change, value) for value in (diff.here, diff.there))
    return here, there


def _fact(change: ColumnChange, value: str) -> str:
    match change:
        case ColumnChange.MISSING:
            return value or NO_COLUMN
        case ColumnChange.TYPE:
            return f"type {value}" if value else "no type"
        case ColumnChange.NOT_NULL:
            return "NOT NULL" if value else "may be NULL"
        case ColumnChange.DEFAULT:
            return f"default {value}" if value else "no default"
        case ColumnChange.KEY:
            return f"column {value} of the primary key" if value else "not in the primary key"
        case ColumnChange.GENERATED:
            return "computed" if value else "stored"
        case ColumnChange.UNIQUE:
            return f"UNIQUE ({value.removeprefix('unique ')})" if value else "not UNIQUE"
        case ColumnChange.REFERENCE:
            return f"refers to {value}" if value else "no declared reference"


def lineage_words(seen: LineageEvidence) -> str:
    """Whether the rows of one table in two files have a common origin, with the evidence."""
    if seen.lineage is Lineage.UNKNOWN or not seen.shared:
        return "no id is in both, so nothing is known of a common origin"
    ids = plural(seen.shared, "id")
    rows = f"{seen.agreeing:,} {verb(seen.agreeing, 'has', 'have')} equal rows"
    origin = {
        Lineage.COPY: "one is a copy of the other",
        Lineage.DIVERGED: "copies of one file that went apart",
        Lineage.INDEPENDENT: "no copies of each other",
    }[seen.lineage]
    return f"{origin}: of {ids} that {verb(seen.shared, 'is', 'are')} in both, {rows}"
