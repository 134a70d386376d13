"""Rows that may be the same entity although no key says so; they are only ever offered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from consolidator_tui.domain.plan import Decision, NotSame, Value

SAME = "same"


@dataclass(frozen=True, slots=True)
class PickedRow:
    """One row of a source, as a person picks it."""

    table: str
    source: str
    naming: Mapping[str, Value]
    """Columns and values that name the row in a decision."""
    values: Mapping[str, Value]
    """What is shown of it, long texts cut."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two rows of different files that may be one entity."""

    first: PickedRow
    second: PickedRow
    score: int
    """0 to 100; only for the order."""
    evidence: tuple[str, ...]

    @property
    def table(self) -> str:
        """The table of both."""
        return self.first.table

    @property
    def key(self) -> str:
        """A name that is the same after every merge."""
        return f"{self.table}: {dict(self.first.naming)!r} {dict(self.second.naming)!r}"


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What was found, best first, and what was not looked at."""

    found: tuple[Suggestion, ...] = ()
    cut: tuple[str, ...] = ()
    """Sentences."""
    compared: int = 0
    """Pairs that were compared."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Pairs of each table that has some, those that are not in `found` too."""


def same(first: PickedRow, second: PickedRow) -> Decision:
    """The decision that two rows are one entity; rules decide which version wins."""
    return Decision(first.table, dict(first.naming), SAME, also=(dict(second.naming),))


def not_same(first: PickedRow, second: PickedRow) -> NotSame:
    """The word that two rows are different, however alike they look."""
    return NotSame(first.table, dict(first.naming), dict(second.naming))
