"""Where the files' declarations of one table differ, and what the plan does about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consolidator_tui.domain.catalog import Column, fold
from consolidator_tui.domain.merge import MergePlan, MergeTable, TargetColumn


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference."""

    column: str
    file: str
    what: str
    done: str


def drift(plan: MergePlan, table: MergeTable) -> tuple[Drift, ...]:
    """The differences of a table's columns between the files that have it."""
    members = [n for n, name in enumerate(table.sources) if name is not None]
    return tuple(
        found for column in table.columns for found in _column(plan, table, column, members)
    )


def _column(
    plan: MergePlan, table: MergeTable, column: TargetColumn, members: list[int]
) -> Iterator[Drift]:
    having = [n for n in members if column.sources[n] is not None]
    if not having:
        return
    first = _declared(plan, table, column, having[0])
    for source in members:
        path = plan.sources[source].path
        own = column.sources[source]
        if own is None:
            yield Drift(column.name, path, "not there", _filled(column, first))
            continue
        declared = _declared(plan, table, column, source)
        if fold(own) != fold(column.name):
            yield Drift(column.name, path, f"called {own}", f"becomes {column.name}")
        if declared.declared.upper() != first.declared.upper():
            yield Drift(
                column.name,
                path,
                f"{declared.declared or 'no type'} instead of {first.declared or 'no type'}",
                "declared without a type, values stay"
                if column.name in table.widened
                else f"stays {first.declared or 'without a type'}",
            )
        if declared.not_null and not first.not_null:
            yield Drift(column.name, path, "NOT NULL", "may be NULL, as in the first file")
        elif first.not_null and not declared.not_null:
            done = f"NULL becomes {column.default}" if column.default else "stays NOT NULL"
            yield Drift(column.name, path, "may be NULL", done)


def _declared(plan: MergePlan, table: MergeTable, column: TargetColumn, source: int) -> Column:
    there = plan.sources[source].schema.tables[fold(str(table.sources[source]))]
    return there.column(str(column.sources[source]))


def _filled(column: TargetColumn, declared: Column) -> str:
    how = "added; its rows get" if column.added else "its rows get"
    return f"{how} {column.default or declared.default or 'NULL'}"
