"""Virtual tables with rows of their own, as the common ancestor has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from consolidator_tui.domain.catalog import Source, Table, TableKind, fold
from consolidator_tui.domain.merge import Ancestor


def with_keys(ancestor: Ancestor | None, sources: Sequence[Source]) -> Ancestor | None:
    """The ancestor, its virtual tables declared as those of the sources are that planning keyed.

    One that was another table then stays without a key, and nothing is followed from it.
    """
    if ancestor is None:
        return None
    tables = dict(ancestor.schema.tables)
    for source in sources:
        for table in source.schema.tables.values():
            before = tables.get(table.key)
            if before is not None and _same_shape(table, before):
                tables[table.key] = replace(
                    before, columns=table.columns, foreign_keys=table.foreign_keys
                )
    return replace(ancestor, schema=replace(ancestor.schema, tables=tables))


def _same_shape(table: Table, before: Table) -> bool:
    """Whether a keyed virtual table is what the ancestor has under its name."""
    if table.kind is not TableKind.VIRTUAL or not table.has_rows or before.has_rows:
        return False
    if before.kind is not TableKind.VIRTUAL or before.error:
        return False
    if fold(before.module) != fold(table.module):
        return False
    key = {fold(name) for name in table.primary_key}
    own = {column.key for column in table.columns} - key
    shown = {column.key for column in before.columns if not column.hidden} - key
    return shown <= own <= {column.key for column in before.columns}
