"""Which key of a table is a surrogate: a number without meaning that may be changed."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Affinity, fold
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


def refers_by_key(draft: Draft) -> str | None:
    """The rowid column of a table that shares its primary key with a parent (one-to-one)."""
    alias = draft.table.rowid_alias
    if alias is None or draft.surrogate is not None:
        return None
    column = draft.column(alias)
    return column.name if column else None
