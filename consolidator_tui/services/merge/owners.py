"""Whose number a reference holds: one id of two files may be two rows, and is shown as such."""

from __future__ import annotations

from collections.abc import Mapping

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Reference
from consolidator_tui.domain.plan import Value
from consolidator_tui.services.merge.decided_rows import bindable
from consolidator_tui.services.merge.uniqueness import target_keys
from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database


async def owners_of(
    database: Database,
    works: Mapping[int, Work],
    work: Work,
    source: int,
    values: Mapping[str, Value],
) -> dict[str, tuple[Value, ...]]:
    """For each reference of a row (its values by target column) what names the row it leads to.

    A reference of several columns is told at its last one. What leads nowhere, and rows of which
    nothing but their number could be told, are left out.
    """
    found: dict[str, tuple[Value, ...]] = {}
    for reference in work.table.references:
        parent = next((w for w in works.values() if w.key == fold(reference.parent)), None)
        if (
            parent is None
            or source not in parent.members
            or not _applies(reference, source, values)
        ):
            continue
        told = await _named(database, parent, reference, source, values)
        if told:
            found[reference.columns[-1]] = told
    return found


def _applies(reference: Reference, source: int, values: Mapping[str, Value]) -> bool:
    return all(values.get(name) == value for name, value in reference.terms(source).items())


async def _named(
    database: Database,
    parent: Work,
    reference: Reference,
    source: int,
    values: Mapping[str, Value],
) -> tuple[Value, ...]:
    numbers = [values.get(column) for column in reference.columns]
    owned = [parent.own(source, column) for column in reference.parent_columns]
    names = [
        own
        for name in naming_columns(parent)
        if name not in reference.parent_columns and (own := parent.own(source, name)) is not None
    ]
    if None in numbers or None in owned or not names:
        return ()
    given = [bindable(n) if isinstance(n, str) else n for n in numbers]
    # Bytes that stand for a text are a text again.
    marks = ["?" if a is b else "CAST(? AS TEXT)" for a, b in zip(given, numbers, strict=True)]
    terms = [f"{own} = {mark}" for own, mark in zip(owned, marks, strict=True)]
    row = await database.row(
        f"SELECT {', '.join(names)} FROM {parent.seek(source)} WHERE {' AND '.join(terms)} LIMIT 1",
        given,
    )
    return () if row is None else tuple(row)


def naming_columns(work: Work) -> tuple[str, ...]:
    """The columns by which people know a row of a table: its identity, a UNIQUE key, a text."""
    table = work.table
    ids = {table.surrogate, *(column for r in table.references for column in r.columns)}
    keys = [table.identity.columns, *(key.columns for key in target_keys(work))]
    for key in keys:
        told = tuple(column for column in key if column not in ids)
        if told:
            return told
    return tuple(column.name for column in table.columns if column.name not in ids)[:1]
