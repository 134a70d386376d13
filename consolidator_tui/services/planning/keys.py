"""Which key of a table is a surrogate: a number without meaning that may be changed."""

from __future__ import annotations

import sqlite3

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.domain.merge import TargetColumn
from consolidator_tui.services.inspect.checks import check_expressions, columns_named
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.storage.sqlite import quote


async def find_surrogates(planning: Planning) -> None:
    """Set `surrogate` of every draft whose lone integer primary key refers to nothing."""
    for draft in planning.drafts.values():
        draft.surrogate = await _surrogate(planning, draft)


async def _surrogate(planning: Planning, draft: Draft) -> str | None:
    first = min(draft.members)
    primary = draft.members[first].primary_key
    if len(primary) != 1:
        return None
    column = next((c for c in draft.columns if c.sources[first] == primary[0]), None)
    if column is None or column.affinity is not Affinity.INTEGER:
        return None
    if _refers(planning, draft, column.name):
        return None
    identity = planning.table_plan(draft).identity
    if identity == "key" or (
        isinstance(identity, tuple) and [fold(c) for c in identity] == [fold(column.name)]
    ):
        # The plan says that the number means something: nobody else may get it.
        return None
    if await _is_bounded(planning, draft, column):
        return None
    for index, table in draft.members.items():
        own = column.sources[index]
        if own is None:
            # Its rows have no number of their own yet; the address of the row becomes it.
            continue
        alias = table.rowid_alias
        if alias is not None and fold(alias) == fold(own):
            continue
        if not await _is_unique_integer(planning, draft, index, own):
            return None
    return column.name


def _refers(planning: Planning, draft: Draft, column: str) -> bool:
    """Whether the column is known to refer to another table: declared, or confirmed in the plan."""
    declared = any(
        reference.declared and any(fold(c) == fold(column) for c in reference.columns)
        for reference in draft.references
    )
    return declared or any(
        fold(wanted.table) == draft.key
        and not wanted.where
        and any(fold(c) == fold(column) for c in wanted.columns)
        for wanted in planning.document.references
    )


async def _is_unique_integer(planning: Planning, draft: Draft, index: int, own: str) -> bool:
    quoted = quote(own)
    table = planning.workspace.rows(index, draft.members[index].name).sql
    row = await planning.workspace.database.row(
        f"SELECT count(*), count(DISTINCT {quoted}), "
        f"count(*) FILTER (WHERE typeof({quoted}) <> 'integer') FROM {table}"
    )
    assert row is not None
    return bool(row[0] == row[1] and row[2] == 0)


async def _is_bounded(planning: Planning, draft: Draft, column: TargetColumn) -> bool:
    """Whether a CHECK lets the key have few numbers only (`id = 1`), so that rows could not move.

    Asked is the highest number that moving could give. A CHECK that speaks of other columns too
    says nothing here.
    """
    names = {k: own for k, own in enumerate(column.sources) if own is not None}
    tables = {k: draft.members[k] for k in names if k in draft.members}
    checks = [
        (expression, names[k])
        for k, table in tables.items()
        for expression in check_expressions(table.sql)
        if columns_named(expression, table) == {fold(names[k])}
    ]
    if not checks or len(tables) < 2:
        return False
    database, highest = planning.workspace.database, 0
    for k, table in tables.items():
        rows = planning.workspace.rows(k, table.name).sql
        found = await database.value(f"SELECT max({quote(names[k])}) FROM {rows}")
        highest += max(0, found) if isinstance(found, int) else 0
    number = min(highest + 1, 2**63 - 1)
    for expression, own in checks:
        try:
            asked = f"SELECT {expression} FROM (SELECT {number} AS {quote(own)})"
            held = await database.value(asked)
        except sqlite3.OperationalError:
            # It needs a function that is not there.
            continue
        if held == 0:
            return True
    return False


def refers_by_key(draft: Draft) -> str | None:
    """The rowid column of a table that shares its primary key with a parent (one-to-one)."""
    alias = draft.table.rowid_alias
    if alias is None or draft.surrogate is not None:
        return None
    column = draft.column(alias)
    return column.name if column else None
