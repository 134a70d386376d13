"""Conflicts as the review shows them: one group is one entity with a version per source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consolidator_tui.domain.plan import Value


class ConflictKind(StrEnum):
    """What is in question."""

    VALUES = "values"
    """The versions of one entity disagree."""
    DOUBT = "doubt"
    """Rows of diverged copies share an id; they may or may not be one entity."""
    UNIQUE = "unique"
    """Different entities have the same UNIQUE key."""


class Decided(StrEnum):
    """Which groups to show."""

    ALL = "all"
    OPEN = "open"
    BY_RULE = "by rule"
    BY_HAND = "decided"


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """A page of groups."""

    table: str = ""
    """Only this table; empty for all."""
    decided: Decided = Decided.OPEN
    offset: int = 0
    limit: int = 200


@dataclass(frozen=True, slots=True)
class ConflictGroup:
    """One line of the review."""

    number: int
    """Of the group in the ledger; changes when the merge runs again."""
    table: str
    kind: ConflictKind
    entity: Mapping[str, Value]
    """Columns and values that name the entity, as a decision wants them."""
    sources: tuple[str, ...]
    differs: tuple[str, ...]
    decided_by: str = ""
    """A rule, `decision`, or empty while it is open."""
    winner: str = ""
    """The source whose row wins."""


@dataclass(frozen=True, slots=True)
class Version:
    """One row of a group."""

    source: str
    values: Mapping[str, Value]
    """By target column; a column that the source lacks is not there."""
    follows: Mapping[str, int] = field(default_factory=dict)
    """Table -> rows of this source that refer to the row."""


@dataclass(frozen=True, slots=True)
class ConflictDetail:
    """A group with its versions side by side."""

    group: ConflictGroup
    columns: tuple[str, ...]
    """All columns of the table; those that differ are in `group.differs`."""
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Some groups, and how many there are in all."""

    groups: tuple[ConflictGroup, ...]
    total: int
    """Groups that the query finds."""
    open: int
    by_rule: int
    by_hand: int
    """Of the table (or of all tables), whatever `decided` asks for."""
