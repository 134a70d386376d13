"""Tables side by side: which files have them, and how their declarations differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consolidator_tui.domain.catalog import Column, Table, TableKind, fold
from consolidator_tui.domain.inspection import (
    ColumnChange,
    ColumnDiff,
    FileInspection,
    MatrixRow,
    SharedKey,
    TableState,
)

RELATED_SHARE = 0.5
"""Two tables are related when they share this part of the columns of the smaller one."""


def build_matrix(files: Sequence[FileInspection]) -> tuple[MatrixRow, ...]:
    """One row per table name, in the order in which the files declare them.

    Shadow tables are left out: they belong to their virtual table.
    """
    names: dict[str, str] = {}
    for file in files:
        for table in file.schema.tables.values():
            if table.kind is not TableKind.SHADOW:
                names.setdefault(table.key, table.name)
    return tuple(_row(key, name, files) for key, name in names.items())


def _row(key: str, name: str, files: Sequence[FileInspection]) -> MatrixRow:
    having = [(file, file.schema.tables[key]) for file in files if key in file.schema.tables]
    reference, first = having[0]
    states = {file.path: TableState.ABSENT for file in files}
    diffs: list[ColumnDiff] = []
    if len(having) == 1:
        states[reference.path] = TableState.ONLY_HERE
    for file, table in having[1:]:
        found = tuple(_compare(reference.path, first, file.path, table))
        diffs.extend(found)
        states[file.path] = _state(first, table, found)
    if len(having) > 1:
        states[reference.path] = _worst([states[file.path] for file, _ in having[1:]])
    return MatrixRow(
        table=name,
        states=states,
        rows={file.path: file.rows[key] for file, _ in having if key in file.rows},
        diffs=tuple(diffs),
        shared_keys=_shared_keys([table for _, table in having]),
    )


def _worst(states: Sequence[TableState]) -> TableState:
    order = (TableState.UNRELATED, TableState.DRIFTED)
    return next((state for state in order if state in states), TableState.IDENTICAL)


def _state(first: Table, second: Table, diffs: Sequence[ColumnDiff]) -> TableState:
    if not diffs:
        return TableState.IDENTICAL
    here, there = ({column.key for column in table.columns} for table in (first, second))
    smaller = min(len(here), len(there))
    related = smaller > 0 and len(here & there) / smaller >= RELATED_SHARE
    return TableState.DRIFTED if related else TableState.UNRELATED


def _compare(here: str, first: Table, there: str, second: Table) -> Iterator[ColumnDiff]:
    """All differences between two declarations, column by column."""

    def diff(column: str, change: ColumnChange, of_first: str, of_second: str) -> ColumnDiff:
        return ColumnDiff(column, change, there, of_second, here, of_first)

    for column in first.columns:
        if not second.has_column(column.name):
            yield diff(column.name, ColumnChange.MISSING, _declaration(column), "")
            continue
        other = second.column(column.name)
        for change, of_first, of_second in _facts(column, other):
            if of_first != of_second:
                yield diff(column.name, change, of_first, of_second)
    for column in second.columns:
        if not first.has_column(column.name):
            yield diff(column.name, ColumnChange.MISSING, "", _declaration(column))
    for change, facts_here, facts_there in (
        (ColumnChange.UNIQUE, _unique(first), _unique(second)),
        (ColumnChange.REFERENCE, _references(first), _references(second)),
    ):
        for columns in sorted({*facts_here, *facts_there}):
            of_first, of_second = facts_here.get(columns, ""), facts_there.get(columns, "")
            if of_first != of_second:
                yield diff(", ".join(columns), change, of_first, of_second)


def _facts(first: Column, second: Column) -> Iterator[tuple[ColumnChange, str, str]]:
    yield ColumnChange.TYPE, first.declared.upper(), second.declared.upper()
    yield ColumnChange.NOT_NULL, _yes(first.not_null), _yes(second.not_null)
    yield ColumnChange.DEFAULT, first.default or "", second.default or ""
    yield ColumnChange.KEY, str(first.key_position or ""), str(second.key_position or "")
    yield ColumnChange.GENERATED, _yes(first.generated), _yes(second.generated)


def _yes(fact: bool) -> str:
    return "yes" if fact else ""


def _declaration(column: Column) -> str:
    parts = [column.declared, "NOT NULL" if column.not_null else ""]
    parts.append(f"DEFAULT {column.default}" if column.default is not None else "")
    return " ".join(part for part in parts if part) or "no type"


def _unique(table: Table) -> dict[tuple[str, ...], str]:
    """Folded columns -> collations of every UNIQUE key that is not the primary key."""
    return {
        tuple(fold(column) for column in key.columns): "unique " + " ".join(key.collations)
        for key in table.unique_keys
        if key.origin != "pk"
    }


def _references(table: Table) -> dict[tuple[str, ...], str]:
    return {
        tuple(fold(column) for column in key.columns): (
            f"{fold(key.parent)}({', '.join(fold(column) for column in key.parent_columns)})"
        )
        for key in table.foreign_keys
    }


def _shared_keys(tables: Sequence[Table]) -> tuple[SharedKey, ...]:
    """The primary key and the UNIQUE keys that all declarations of a table have."""
    found: list[SharedKey] = []
    first, others = tables[0], tables[1:]
    if first.primary_key and all(
        _folded(other.primary_key) == _folded(first.primary_key) for other in others
    ):
        found.append(SharedKey(first.primary_key, primary=True))
    for key in first.unique_keys:
        folded = tuple(_folded(key.columns))
        if key.origin != "pk" and all(folded in _unique(other) for other in others):
            found.append(SharedKey(key.columns, primary=False))
    return tuple(found)


def _folded(names: Sequence[str]) -> list[str]:
    return [fold(name) for name in names]
