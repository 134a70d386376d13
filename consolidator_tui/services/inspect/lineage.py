"""Are two files copies, diverged copies or independent: per table, with the evidence.

Rows that both files hold under one id are compared as they are. Ids are handed out in ascending
order, so in diverged copies of one file the rows born before the split stand at the low ids and
mostly agree; rows that both sides appended afterwards do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database

SAMPLE = 256


class Lineage(StrEnum):
    """How two files came to be."""

    COPY = "copy"
    DIVERGED = "diverged copy"
    INDEPENDENT = "independent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LineageEvidence:
    """How the rows of one table in two files relate by id."""

    table: str
    first: int
    second: int
    shared: int
    """Ids that both files have."""
    agreeing: int
    """Of them, those whose rows are equal in the common columns."""
    watermark: int | None
    """The highest id whose rows agree: everything up to it was born before the split."""
    below: int
    """Shared ids up to the watermark."""
    alike: int
    """Of the shared ids, those whose rows agree in at least half of the columns."""

    @property
    def verdict(self) -> Lineage:
        """The most likely history."""
        if not self.shared:
            return Lineage.UNKNOWN
        if self.agreeing == self.shared:
            return Lineage.COPY
        if self.agreeing and self.agreeing * 2 >= self.below:
            return Lineage.DIVERGED
        return Lineage.INDEPENDENT


async def compare_by_id(
    database: Database,
    *,
    table: str,
    first: tuple[int, str, str],
    second: tuple[int, str, str],
    columns: Sequence[tuple[str, str]],
) -> LineageEvidence:
    """Compare the rows of two files that share an id.

    `first` and `second` are (source index, qualified table, quoted id column); `columns` are the
    quoted names of common columns, apart from the id, in both.
    """
    a, b = first, second
    join = f"FROM {a[1]} AS a JOIN {b[1]} AS b ON b.{b[2]} = a.{a[2]}"
    same = combined("AND", [f"a.{x} IS b.{y} COLLATE BINARY" for x, y in columns], "0")
    probe = await database.row(
        f"SELECT count(*), coalesce(sum(same), 0) FROM (SELECT ({same}) AS same FROM ("
        f"SELECT a.{a[2]} AS i {join} ORDER BY a.{a[2]} LIMIT {SAMPLE}) AS oldest "
        f"JOIN {a[1]} AS a ON a.{a[2]} = oldest.i "
        f"JOIN {b[1]} AS b ON b.{b[2]} = oldest.i LIMIT -1)"
    )
    assert probe is not None
    if not probe[1]:
        # The oldest shared rows would agree in copies of one file: none of them does.
        return LineageEvidence(table, a[0], b[0], int(probe[0]), 0, None, 0, 0)
    half = combined("+", [f"(a.{x} IS b.{y})" for x, y in columns], "0")
    # With LIMIT the rows are compared one by one: SQLite takes 2,000 columns in aggregates.
    row = await database.row(
        "SELECT count(*), sum(same), max(CASE WHEN same THEN i END), sum(half) FROM ("
        f"SELECT a.{a[2]} AS i, ({same}) AS same, ({half}) * 2 >= {max(1, len(columns))} AS half "
        f"{join} LIMIT -1)"
    )
    assert row is not None
    below = await database.value(f"SELECT count(*) {join} WHERE a.{a[2]} <= ?", (row[2],))
    return LineageEvidence(
        table, a[0], b[0], int(row[0]), int(row[1]), int(row[2]), int(below), int(row[3])
    )
