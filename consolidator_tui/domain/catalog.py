"""What a database file contains: tables, columns, keys, references, other objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

MIGRATION_TABLES = frozenset(
    {
        "alembic_version", "django_migrations", "aerich", "migrate_version", "migratehistory",
        "schema_migrations", "_prisma_migrations", "_sqlite_migrations", "_yoyo_migration",
        "_yoyo_version",
    }
)  # fmt: skip
"""Bookkeeping of migration tools, folded: two histories put together describe no database."""


def fold(name: str) -> str:
    """A name as SQLite compares names: ASCII letters lowered, nothing else."""
    return name.translate(_ASCII_LOWER)


class Affinity(StrEnum):
    """Column affinity, https://sqlite.org/datatype3.html section 3.1."""

    INTEGER = "INTEGER"
    TEXT = "TEXT"
    BLOB = "BLOB"
    REAL = "REAL"
    NUMERIC = "NUMERIC"
    ANY = "ANY"
    """STRICT tables only: no conversion at all."""


def affinity_of(declared: str, *, strict: bool = False) -> Affinity:
    """The affinity that a declared type gives (rules in order, datatype3.html 3.1)."""
    name = declared.upper()
    if strict and name == "ANY":
        return Affinity.ANY
    if "INT" in name:
        return Affinity.INTEGER
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return Affinity.TEXT
    if not name or "BLOB" in name:
        return Affinity.BLOB
    if any(part in name for part in ("REAL", "FLOA", "DOUB")):
        return Affinity.REAL
    return Affinity.NUMERIC


class TableKind(StrEnum):
    """What PRAGMA table_list says of a table."""

    ORDINARY = "table"
    VIRTUAL = "virtual"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Column:
    """One column as declared."""

    name: str
    declared: str
    affinity: Affinity
    not_null: bool
    default: str | None
    """SQL text of the DEFAULT clause."""
    key_position: int
    """Position in the primary key from 1, 0 outside."""
    generated: bool
    hidden: bool = False

    @property
    def key(self) -> str:
        """The name as SQLite compares names."""
        return fold(self.name)


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A UNIQUE constraint or index over plain columns."""

    columns: tuple[str, ...]
    collations: tuple[str, ...]
    index: str
    origin: str
    """pk, u (constraint) or c (CREATE INDEX), as PRAGMA index_list says."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A declared reference; `parent_columns` is filled in also where the SQL leaves it out."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one file."""

    name: str
    kind: TableKind
    columns: tuple[Column, ...]
    sql: str
    without_rowid: bool = False
    strict: bool = False
    autoincrement: bool = False
    module: str = ""
    """Of a virtual table."""
    unique_keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    owner: str = ""
    """Of a shadow table: the virtual table that it belongs to."""
    error: str = ""
    """Why the table cannot be read here (a module that is missing)."""
    by_key: Mapping[str, Column] = field(init=False, repr=False, compare=False)
    """Columns by folded name: tables may have 2,000, and every statement looks them up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {c.key: c for c in reversed(self.columns)})

    @property
    def key(self) -> str:
        """The name as SQLite compares names."""
        return fold(self.name)

    @property
    def has_rows(self) -> bool:
        """Whether rows are merged: an ordinary table, or a virtual one with rows of its own.

        Planning gives the latter a key column under which SQLite knows its rowid.
        """
        return self.kind is TableKind.ORDINARY or (
            self.kind is TableKind.VIRTUAL and bool(self.primary_key)
        )

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the primary key's columns in key order."""
        keyed = sorted((c for c in self.columns if c.key_position), key=lambda c: c.key_position)
        return tuple(column.name for column in keyed)

    @property
    def rowid_alias(self) -> str | None:
        """The column that is the rowid: a lone INTEGER PRIMARY KEY (exactly that type name)."""
        if self.without_rowid or len(self.primary_key) != 1:
            return None
        column = self.column(self.primary_key[0])
        # `INTEGER PRIMARY KEY DESC` is no alias: it alone has an automatic index of its own.
        has_index = any(unique.origin == "pk" for unique in self.unique_keys)
        is_alias = column.declared.upper() == "INTEGER" and not has_index
        return column.name if is_alias else None

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that hold values of their own (not generated, not hidden)."""
        return tuple(c for c in self.columns if not c.generated and not c.hidden)

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        return self.by_key[fold(name)]

    def has_column(self, name: str) -> bool:
        """Whether there is a column of that name."""
        return fold(name) in self.by_key


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """An index, trigger or view as sqlite_schema has it."""

    kind: str
    name: str
    table: str
    sql: str

    @property
    def key(self) -> str:
        """The name as SQLite compares names."""
        return fold(self.name)


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that a file declares."""

    tables: Mapping[str, Table]
    """By folded name."""
    indexes: Mapping[str, SchemaObject]
    triggers: Mapping[str, SchemaObject]
    views: Mapping[str, SchemaObject]
    encoding: str
    page_size: int
    user_version: int
    application_id: int
    auto_vacuum: int = 0
    sequences: Mapping[str, int] = field(default_factory=dict)
    """sqlite_sequence by folded table name."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file that takes part: its name in the project and the snapshot that is read."""

    index: int
    """Place in the order of priority; 0 is the base."""
    path: str
    """Relative to the project."""
    snapshot: str
    """Absolute path of the file that is read."""
    schema: Schema
    row_counts: Mapping[str, int]
    """Rows per folded table name."""
    same_as: int | None = None
    """Index of an earlier source with the same bytes."""
    index_damage: bool = False
    """Some index does not agree with its table; rows are read without indexes."""
    wal: bool = False
    """The original is in WAL mode."""
