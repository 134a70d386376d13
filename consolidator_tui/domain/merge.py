"""The resolved plan of a merge, table by table, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consolidator_tui.domain.catalog import Affinity, Schema, Source, Table, fold
from consolidator_tui.domain.plan import Condition, PlanDocument, RowNamed, Value
from consolidator_tui.domain.rule import Rule


class IdentityKind(StrEnum):
    """What makes two rows of different files the same entity."""

    COLUMNS = "columns"
    LINEAGE = "lineage"
    ROWS = "rows"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of one table, with the reason for people."""

    kind: IdentityKind
    columns: tuple[str, ...] = ()
    collations: tuple[str, ...] = ()
    reason: str = ""


NOWHERE: Value = b"\0no such row"
"""In a source without the row that a condition names: equal to no reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key that the merge follows, between tables of the target."""

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    declared: bool
    evidence: str = ""
    where: Mapping[str, Condition] = field(default_factory=dict)
    absent: tuple[Value, ...] = ()
    kinds: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """Per column whose condition is a row: the value that refers to it, by source index."""

    def terms(self, source: int) -> dict[str, Value]:
        """`where` as the values that the columns have in a source."""
        return {
            name: self.kinds[name][source] if isinstance(value, RowNamed) else value
            for name, value in self.where.items()
        }


@dataclass(frozen=True, slots=True)
class Link:
    """A column whose values are ids of `root`, directly or through other tables' keys."""

    column: str
    root: str
    """Folded name of the table whose surrogate key the values are."""
    reference: Reference
    dangling: tuple[int, ...] = ()
    """Sources in which some values have no parent row."""
    as_text: bool = False
    """Some values are text that spells a number."""


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column of the target's table and what each source calls it."""

    name: str
    affinity: Affinity
    sources: tuple[str | None, ...]
    """Per source index the column's name there; None where the file lacks it."""
    default: str | None = None
    """SQL for rows of sources without the column; None is the column's own default."""
    added: bool = False
    """The base lacks it."""


@dataclass(frozen=True, slots=True)
class History:
    """A migration history that is not the one the target keeps."""

    source: int
    table: str
    """Its table's name in the source."""
    duplicate: int
    """Rows that the kept history has, too."""
    conflict: int
    """Rows that it lacks: they are in no target."""
    heads: tuple[str, ...] = ()
    """The columns that say what was applied; empty: whole rows were compared."""


@dataclass(frozen=True, slots=True)
class MergeTable:
    """One table of the target and how its rows come together."""

    number: int
    name: str
    table: Table
    """The declaration that the target uses."""
    sources: tuple[str | None, ...]
    """Per source index the table's name there; None where the file lacks it."""
    columns: tuple[TargetColumn, ...]
    surrogate: str | None
    """The column that is re-keyed by shift; None where keys keep their values."""
    identity: Identity
    references: tuple[Reference, ...]
    newest: str | None
    fill_nulls: bool
    rules: tuple[Rule, ...]
    links: tuple[Link, ...] = ()
    shifts: tuple[int, ...] = ()
    """Per source index the constant that is added to its ids."""
    lows: tuple[int, ...] = ()
    highs: tuple[int, ...] = ()
    """Per source index the range of its shifted addresses; ranges of sources are disjoint."""
    dense: tuple[int, ...] = ()
    """Sources whose ids cannot move by a constant (near 2^63) and are numbered one by one."""
    families: tuple[tuple[int, ...], ...] = ()
    """For identity by lineage: the sources that are copies of one another."""
    computed: tuple[str, ...] = ()
    """Definitions of generated columns that the first source lacks."""
    widened: tuple[str, ...] = ()
    """Columns whose declared type is dropped so that every source's values stay as they are."""
    histories: tuple[History, ...] = ()
    """Of a migration tool's table: those of the other files, of which no row is taken."""
    shared_history: int = 0
    """Rows of the kept history that some of `histories` have, too."""
    notes: tuple[str, ...] = ()
    by_name: Mapping[str, TargetColumn] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    def column(self, name: str) -> TargetColumn:
        """The column of that name. Raises KeyError."""
        return self.by_name[name]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the person should know about the plan or the merge."""

    text: str
    table: str = ""
    column: str = ""
    file: str = ""
    fix: str = ""
    """Plan lines after which it is not told any more."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """An index, view or trigger that the base lacks."""

    kind: str
    name: str
    table: str
    sql: str
    source: int


class VirtualKind(StrEnum):
    """How a virtual table without rows of its own comes into the target."""

    EXTERNAL = "external"
    """A search index over a table or view: rebuilt from it."""
    DERIVED = "derived"
    """A search index whose texts are all in its owner's rows: filled from them."""
    VIEW = "view"
    """It only shows another table: made anew."""
    KEPT = "kept"
    """What the base has of it stays as it is."""


@dataclass(frozen=True, slots=True)
class VirtualTable:
    """A virtual table that is not merged row by row, under the target's names."""

    name: str
    module: str
    kind: VirtualKind
    sql: str
    """The statement that makes it."""
    sources: tuple[str | None, ...]
    """Per source index the table's name there; None where the file lacks it."""
    key: str = ""
    """The name under which its rowid is read and written."""
    contentless: bool = False
    owner: str = ""
    """The table whose rows it indexes."""
    columns: tuple[str, ...] = ()
    fill: tuple[str, ...] = ()
    """SQL for each column over a row `new` of the owner; the first one is for the key."""
    complete: bool = False
    """In every source every row of the owner has its entry."""
    entries: tuple[int, ...] = ()
    """Per source index the number of entries."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that matters only if ids of these parents change in these sources."""

    question: Question
    parents: tuple[tuple[str, tuple[int, ...]], ...]
    """(Folded table name, source indexes)."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """The state from which some of the sources diverged."""

    name: str
    """As the plan names it."""
    snapshot: str
    """Absolute path of the file that is read."""
    schema: Schema
    descendants: tuple[int, ...] = ()
    """Indexes of the sources that come from it."""


@dataclass(frozen=True, slots=True)
class ReferenceProposal:
    """A column that may refer to one of several tables; the evidence does not say enough."""

    table: str
    columns: tuple[str, ...]
    candidates: tuple[Reference, ...]
    """Most likely first."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """Everything the merge needs: sources in order of priority, tables in order of identity."""

    document: PlanDocument
    sources: tuple[Source, ...]
    tables: tuple[MergeTable, ...]
    cycles: tuple[tuple[str, ...], ...] = ()
    """Tables (folded names) whose identities refer to each other."""
    objects: tuple[PlannedObject, ...] = ()
    pending: tuple[Pending, ...] = ()
    """Asked after the rows were matched, when it is known which ids change."""
    proposals: tuple[ReferenceProposal, ...] = ()
    """References with weak evidence; they are asked about only where it matters."""
    left_out: tuple[str, ...] = ()
    """Objects (`index name`) that are not made, each for a reason in the notes."""
    virtuals: tuple[VirtualTable, ...] = ()
    notes: tuple[Note, ...] = ()
    ancestor: Ancestor | None = None
    pool: str = ""
    """Path of the database with the tables that cannot be read in place."""
    pooled: Mapping[tuple[int, str], str] = field(default_factory=dict)

    def table(self, key: str) -> MergeTable:
        """The table of that folded name. Raises KeyError."""
        for table in self.tables:
            if fold(table.name) == key:
                return table
        raise KeyError(key)

    def rows_of(self, table: MergeTable) -> tuple[int | None, ...]:
        """Per source the rows that it has of a table, merged or not; None where it lacks it.

        A file of the same bytes as another one has the same rows.
        """
        names = list(table.sources)
        for history in table.histories:
            names[history.source] = history.table
        first = [s.index if s.same_as is None else s.same_as for s in self.sources]
        return tuple(
            None if (name := names[k]) is None else self.sources[k].row_counts.get(fold(name), 0)
            for k in first
        )


@dataclass(frozen=True, slots=True)
class TableCounts:
    """The rows of one table; source = base + new + duplicate + conflict + deleted + lost."""

    table: str
    source: int
    """Rows in all sources, the base included."""
    base: int
    new: int
    duplicate: int
    conflict: int
    """Rows that lost, or were merged, in a conflict group."""
    rekeyed: int
    """New rows whose id changed."""
    lost: int
    deleted: int = 0
    """Rows that another source had deleted since the ancestor, where the plan honours that."""
    undecided: int = 0
    """Conflict groups that no rule and no person decided."""
    identity: str = ""
    shifts: Mapping[str, int] = field(default_factory=dict)
    """Source path -> constant added to its ids."""
    history: int = 0
    """Of `conflict`, rows of migration histories other than the kept one: nobody decides them."""

    @property
    def settled(self) -> int:
        """Rows that lost, or were merged, in conflict groups."""
        return self.conflict - self.history


@dataclass(frozen=True, slots=True)
class Question:
    """Something that must be decided before the merge is safe."""

    text: str
    table: str = ""
    column: str = ""
    file: str = ""
    fix: str = ""
    """Plan lines that would settle it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will become of one table, counted by matching its rows."""

    counts: TableCounts
    same: int
    """Entities of which several files have a row, and all rows agree."""
    disagree: int
    """Entities whose rows differ between files."""
    doubtful: int
    """Rows of copies that share an id and may be one entity or two."""
    clashing: int
    """Different entities that share a UNIQUE key."""
    lost: int
    """Rows of which nothing would stand for them in the target; must be 0."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a merge would come to; nothing was written."""

    tables: tuple[Forecast, ...]
    questions: tuple[Question, ...] = ()
    """What turned out to need an answer: references whose parents are re-keyed in fact."""
    unfollowed: tuple[Note, ...] = ()
    """Columns whose texts seem to hold ids that change."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge into staging came to."""

    counts: tuple[TableCounts, ...]
    questions: tuple[Question, ...]
    notes: tuple[Note, ...] = ()
    templates: str = ""
    """Decisions to fill in, as TOML, one for each open conflict; holds values of rows."""
    left_out: tuple[str, ...] = ()
    """Objects (`index name`) that could not be made; the notes say why."""
    unfollowed: tuple[Note, ...] = ()
    """Columns whose texts seem to hold ids that change."""

    @property
    def needs_decisions(self) -> bool:
        """Whether something is open; staging is then not complete."""
        return bool(self.questions)
