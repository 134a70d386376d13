"""What speaks for a reference: some of its values, and the rows that they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.domain.cells import printable
from consolidator_tui.domain.merge import MergePlan, MergeTable, Reference
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.words import plural
from consolidator_tui.services.planning.names import words
from consolidator_tui.services.sqltext import sql_value
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.sqlite import quote

COUNTED = 200_000
"""Rows of a source up to which found values are counted here; more take too long for a look."""
_TELLING = ("email", "name", "title", "username", "login", "label", "code", "slug", "key")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a reference holds in one source."""

    source: str
    values: int | None
    """Rows with a value; None where there are too many to count at once."""
    found: int | None
    """Of them, rows whose value leads to a row of the parent in the same source."""
    examples: tuple[tuple[str, str | None], ...]
    """A value, and what its parent's row says of itself; None where there is no such row."""


async def samples(plan: MergePlan, reference: Reference, limit: int) -> tuple[Sample, ...]:
    """Some different values per source of a reference of one column. Raises sqlite3.Error."""
    if len(reference.columns) != 1:
        return ()
    child, parent = plan.table(fold(reference.table)), plan.table(fold(reference.parent))
    async with open_workspace(plan.sources, plan.pooled, pool=Path(plan.pool)) as workspace:
        found = []
        for source, name in enumerate(child.sources):
            own = None if name is None else _own(child, source, reference.columns[0])
            if own is not None:
                found.append(await _sample(workspace, child, parent, reference, source, limit))
        return tuple(found)


def _own(table: MergeTable, source: int, column: str) -> str | None:
    for target in table.columns:
        if fold(target.name) == fold(column):
            name = target.sources[source]
            return None if name is None else quote(name)
    return None


def _label(table: MergeTable, source: int, key: str) -> str | None:
    """The column by which people know the parent's rows."""
    texts = [c for c in table.columns if c.affinity is Affinity.TEXT and c.sources[source]]
    ranked = sorted(
        texts,
        key=lambda c: next(
            (n for n, word in enumerate(_TELLING) if word in words(c.name)), len(_TELLING)
        ),
    )
    return next((quote(str(c.sources[source])) for c in ranked if fold(c.name) != fold(key)), None)


async def _sample(
    workspace: Workspace,
    child: MergeTable,
    parent: MergeTable,
    reference: Reference,
    source: int,
    limit: int,
) -> Sample:
    database = workspace.database
    own = f"s.{_own(child, source, reference.columns[0])}"
    rows = workspace.rows(source, str(child.sources[source]))
    only = "".join(
        f" AND {f's.{name}' if (name := _own(child, source, column)) else 'NULL'} "
        f"IS {sql_value(value)}"
        for column, value in reference.terms(source).items()
    )
    there = _parent(workspace, parent, source, reference.parent_columns[0])
    label = _label(parent, source, reference.parent_columns[0]) if there else None
    seen = "NULL"
    if there is not None:
        table, key = there
        shown = f"coalesce(substr(CAST(p.{label} AS TEXT), 1, 60), '')" if label else "''"
        seen = f"(SELECT {shown} FROM {table} p WHERE p.{key} = v LIMIT 1)"
    examples = await database.rows(
        f"SELECT v, {seen} FROM (SELECT DISTINCT {own} AS v FROM {rows.sql} AS s "
        f"WHERE {own} IS NOT NULL{only} LIMIT {limit})"
    )
    path = workspace.sources[source].path
    shown_examples = tuple((_text(v), None if p is None else _text(p)) for v, p in examples)
    count = workspace.sources[source].row_counts.get(fold(str(child.sources[source])), 0)
    if count > COUNTED:
        return Sample(path, None, None, shown_examples)
    values = await database.value(
        f"SELECT count(*) FROM {rows.sql} AS s WHERE {own} IS NOT NULL{only}"
    )
    found = 0
    if there is not None:
        table, key = there
        found = await database.value(
            f"SELECT count(*) FROM {rows.sql} AS s WHERE {own} IS NOT NULL{only} "
            f"AND EXISTS (SELECT 1 FROM {table} p WHERE p.{key} = {own})"
        )
    return Sample(path, int(values), int(found), shown_examples)


def _parent(
    workspace: Workspace, parent: MergeTable, source: int, column: str
) -> tuple[str, str] | None:
    name = parent.sources[source]
    key = _own(parent, source, column)
    if name is None or key is None:
        return None
    return workspace.rows(source, name).sql, key


def _text(value: Value) -> str:
    return (
        f"blob of {plural(len(value), 'byte')}"
        if isinstance(value, bytes)
        else printable(str(value))[:60]
    )


def share(parts: Sequence[Sample]) -> str:
    """The values found, over all sources: `54 of 54 values found`."""
    known = [p for p in parts if p.values is not None and p.found is not None]
    if not known:
        return ""
    values, found = sum(p.values or 0 for p in known), sum(p.found or 0 for p in known)
    return f"{found:,} of {plural(values, 'value')} found"
