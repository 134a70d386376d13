"""What Inspect tells of the chosen files, each alone and side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from consolidator_tui.domain.catalog import Schema
from consolidator_tui.domain.cells import Cell


class TableState(StrEnum):
    """How a table of one file compares with the tables of that name in the others."""

    ABSENT = "absent"
    ONLY_HERE = "only here"
    IDENTICAL = "identical"
    """The same columns with the same types and constraints everywhere."""
    DRIFTED = "drifted"
    """Most columns are shared, some differ."""
    UNRELATED = "unrelated"
    """The name is the same, the columns are not."""


class ColumnChange(StrEnum):
    """How a column differs between two files."""

    MISSING = "missing"
    TYPE = "type"
    NOT_NULL = "not null"
    DEFAULT = "default"
    KEY = "primary key"
    GENERATED = "generated"
    UNIQUE = "unique"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class ColumnDiff:
    """One difference of one column between the reference file of a table and another file."""

    column: str
    change: ColumnChange
    file: str
    there: str
    """What it is in `file`."""
    reference: str
    """The file that it is compared with."""
    here: str
    """What it is in `reference`."""


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A unique key that every file with the table declares."""

    columns: tuple[str, ...]
    primary: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One table over all files."""

    table: str
    states: Mapping[str, TableState]
    """Path -> state."""
    rows: Mapping[str, int]
    """Path -> row count, where the table is there and readable."""
    diffs: tuple[ColumnDiff, ...] = ()
    shared_keys: tuple[SharedKey, ...] = ()

    @property
    def state(self) -> TableState:
        """The state that matters most over all files."""
        found = set(self.states.values()) - {TableState.ABSENT}
        order = (TableState.UNRELATED, TableState.DRIFTED, TableState.IDENTICAL)
        return next((state for state in order if state in found), TableState.ONLY_HERE)


class Lineage(StrEnum):
    """How the rows of one table in two files came about."""

    COPY = "copy"
    DIVERGED = "diverged copy"
    INDEPENDENT = "independent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LineageEvidence:
    """What speaks for the lineage of one table in two files."""

    table: str
    first: str
    second: str
    lineage: Lineage
    shared: int
    """Ids that both have."""
    agreeing: int
    """Of these, the ids whose rows agree."""


@dataclass(frozen=True, slots=True)
class FileInspection:
    """One file by itself."""

    path: str
    schema: Schema
    rows: Mapping[str, int]
    """By folded table name; tables that cannot be read are missing."""
    integrity: tuple[str, ...] = ()
    """What integrity_check found, at most 100 lines; empty when the file is sound."""
    violations: tuple[tuple[str, str, int], ...] = ()
    """Table, parent and number of rows whose declared reference leads nowhere."""
    problems: tuple[str, ...] = ()
    """Tables and checks that could not be read, each as a sentence."""
    checked: bool = False
    """Whether integrity and references were checked at all."""

    @property
    def total_rows(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that is known before anything is copied."""

    files: tuple[FileInspection, ...]
    """In order of priority."""
    matrix: tuple[MatrixRow, ...]
    lineage: tuple[LineageEvidence, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a table, ready to be shown."""

    file: str
    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    """Rows of the table."""
