"""Conflicts as the review shows them: one group is one entity with a version per source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.rule import Rule

APART_FROM = 1 << 40
"""The numbers of groups that are kept apart begin here, behind those of all conflicts."""


class ConflictKind(StrEnum):
    """What is in question."""

    VALUES = "values"
    """The versions of one entity disagree."""
    DOUBT = "doubt"
    """Rows of diverged copies share an id; they may or may not be one entity."""
    UNIQUE = "unique"
    """Different entities have the same UNIQUE key."""
    DUPLICATE = "duplicate"
    """Rows that were matched and say the same; a person may call them different."""
    APART = "apart"
    """Rows that a person called different."""


class Decided(StrEnum):
    """Which groups to show."""

    ALL = "all"
    OPEN = "open"
    BY_RULE = "by rule"
    BY_HAND = "decided"
    DUPLICATES = "duplicates"
    APART = "kept apart"


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """A page of groups."""

    table: str = ""
    """Only this table; empty for all."""
    decided: Decided = Decided.OPEN
    offset: int = 0
    limit: int = 200
    text: str = ""
    """Only groups whose key contains this (ASCII letters of either case)."""


@dataclass(frozen=True, slots=True)
class ConflictGroup:
    """One line of the review."""

    number: int
    """Of the group in the ledger; changes when the merge runs again. Negative for duplicates,
    from APART_FROM on for those kept apart."""
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
    keep: str = ""
    """What was decided by hand: a source, `both`, `same`; empty when nothing was."""
    edited: bool = False
    """Single values or fields were chosen."""


@dataclass(frozen=True, slots=True)
class Version:
    """One row of a group."""

    source: str
    values: Mapping[str, Value]
    """By target column; a column that the source lacks is not there."""
    follows: Mapping[str, int] = field(default_factory=dict)
    """Table -> rows of this source that refer to the row; counted by `follows` only."""
    owners: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """Column that refers to another row -> what names that row: equal ids of two files may be
    different rows."""
    given: Mapping[str, Value] = field(default_factory=dict)
    """Values that a decision has set for the entity of this row, as the last merge took them in."""
    key: Value = None
    """The id that the row gets when it is kept as an entity of its own, where ids are re-keyed;
    None where only the next merge can tell."""


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A UNIQUE key on which versions agree, so that they cannot be two rows as they are."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConflictDetail:
    """A group with its versions side by side."""

    group: ConflictGroup
    columns: tuple[str, ...]
    """All columns of the table; those that differ are in `group.differs`."""
    versions: tuple[Version, ...]
    unique: tuple[SharedKey, ...] = ()
    """What forbids to keep both rows as they are."""
    key: str = ""
    """The column of ids that are re-keyed; it never counts as a difference."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """Values that were set by hand."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Column -> source whose value was taken by hand."""


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

    @property
    def all(self) -> int:
        """All conflicts of the scope."""
        return self.open + self.by_rule + self.by_hand


@dataclass(frozen=True, slots=True)
class Choice:
    """What to decide about some groups."""

    keep: str
    """A source, `both`, `same`; empty takes decisions back."""
    values: Mapping[str, Value] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alike:
    """All groups with the table, the sources and the differing columns of one."""

    number: int
    by_rule: bool = False
    """Also those that a rule has decided. Those decided by hand are never touched."""


@dataclass(frozen=True, slots=True)
class Range:
    """Groups at places `first` to `last` (from 0, both included) of a query's list."""

    query: ConflictQuery
    first: int
    last: int


Chosen = int | Alike | Range
"""What a decision is about: one group by number, or many."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many groups are alike, by how they stand."""

    open: int
    by_rule: int
    by_hand: int


@dataclass(frozen=True, slots=True)
class Made:
    """What a step of deciding did."""

    count: int
    """Groups that it decided (or took back)."""
    left: int = 0
    """Groups of the choice that it cannot decide: without the source, or with a UNIQUE key that
    forbids two rows."""
    label: str = ""
    rules: bool = False
    """It gave a table other rules (or the ones before): the merge must be done again."""


@dataclass(frozen=True, slots=True)
class TableRules:
    """Survivorship of one table, as the plan has it."""

    rules: tuple[Rule, ...]
    newest: str | None
    fill_nulls: bool


@dataclass(frozen=True, slots=True)
class RulePreview:
    """What rules would decide in one table."""

    decides: int
    leaves: int
    by_rule: Mapping[str, int]
    manual: int
    """Groups decided by hand; rules never overwrite them."""
    settled: int = 0
    """Groups that are none any more, because only NULLs differed."""
