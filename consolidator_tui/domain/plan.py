"""The plan document: every choice of a run, as data (the file plan.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consolidator_tui.domain.rule import Rule

GIT_PREFIX = "git:"
"""Begins the name of an ancestor that is a revision in git history."""

Value = str | int | float | bool | bytes | None


@dataclass(frozen=True, slots=True)
class RowNamed:
    """What a column refers to: the row of the parent that has these values."""

    values: tuple[tuple[str, Value], ...]

    def __str__(self) -> str:
        return " ".join(str(value) for _, value in self.values)


Condition = Value | RowNamed
"""What a `where` asks of a column: a value, or the row that it refers to."""


class Deletions(StrEnum):
    """What becomes of rows that the ancestor had and one of the sources no longer has."""

    KEEP = "keep"
    HONOUR = "honour"


class OnDrift(StrEnum):
    """What to do where schemas differ in more than added columns."""

    STOP = "stop"
    UNITE = "unite"


@dataclass(frozen=True, slots=True)
class TablePlan:
    """Choices for one table."""

    identity: tuple[str, ...] | str | None = None
    """Columns, or `key`, `rows`, `none`, `lineage`; None chooses by itself."""
    newest: str | None = None
    fill_nulls: bool = False
    on_conflict: tuple[Rule, ...] | None = None
    defaults: Mapping[str, Value] = field(default_factory=dict)
    on_drift: OnDrift | None = None
    """For this table; None is what the plan says for all."""


@dataclass(frozen=True, slots=True)
class FileMapping:
    """Names in one source -> names in the target."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """An undeclared foreign key to follow (or, among `not_references`, one to leave alone)."""

    table: str
    columns: tuple[str, ...]
    parent: str = ""
    parent_columns: tuple[str, ...] = ()
    where: Mapping[str, Condition] = field(default_factory=dict)
    absent: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """A conflict decided by hand.

    `keep` is a source's path (its row wins, the versions are one entity), `both` (different
    entities; `values` then change the row that is not the first source's), or `same` (one
    entity; rules decide which version wins). Rows that no key brings together are called one
    entity by naming each: the first in `entity`, the others in `also`.
    """

    table: str
    entity: Mapping[str, Value]
    keep: str
    values: Mapping[str, Value] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """Column -> source whose value is taken."""
    also: tuple[Mapping[str, Value], ...] = ()
    """Columns and values of further rows that are this entity."""


@dataclass(frozen=True, slots=True)
class NotSame:
    """Two rows that look alike and are different all the same; they are not suggested again."""

    table: str
    entity: Mapping[str, Value]
    other: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """All of plan.toml; every part is optional."""

    target: str | None = None
    base: str | None = None
    sources: tuple[str, ...] = ()
    on_conflict: tuple[Rule, ...] = (Rule.NEWEST,)
    on_drift: OnDrift = OnDrift.STOP
    ancestor: str | None = None
    """The state from which sources diverged: a file, or `git:<revision>:<path>`."""
    descendants: tuple[str, ...] = ()
    """Sources that come from the ancestor; empty: those whose rows say so."""
    deletions: Deletions = Deletions.KEEP
    tables: Mapping[str, TablePlan] = field(default_factory=dict)
    mapping: Mapping[str, FileMapping] = field(default_factory=dict)
    references: tuple[ReferencePlan, ...] = ()
    not_references: tuple[ReferencePlan, ...] = ()
    decisions: tuple[Decision, ...] = ()
    not_same: tuple[NotSame, ...] = ()
