"""What a source's schema says under the target's names, where the plan maps tables or columns.

SQLite itself renames: the schema is made in memory without rows, and ALTER TABLE changes every
statement that speaks of a table or a column, and nothing else that has the same name
(https://sqlite.org/lang_altertable.html).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from consolidator_tui.domain.catalog import ForeignKey, Source, Table, TableKind, fold
from consolidator_tui.domain.plan import FileMapping, PlanDocument
from consolidator_tui.services.planning.names_in_target import mapped_to
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.storage.sqlite import Database, open_database, quote


@dataclass(frozen=True, slots=True)
class Renaming:
    """How one table is called in a source and in the target."""

    there: str
    here: str
    columns: Mapping[str, str]
    """Only those that change."""


def renamings(document: PlanDocument, source: Source) -> list[Renaming]:
    """The tables of a source that get another name, or other names of columns."""
    found = []
    for table in source.schema.tables.values():
        name = mapped_to(document, source, table.name)
        if name is None or not table.has_rows:
            continue
        columns = {
            column.name: here
            for column in table.columns
            if (here := column_in_target(document, source, table, column.name, name))
            and fold(here) != column.key
        }
        if columns or fold(name) != table.key:
            found.append(Renaming(table.name, name, columns))
    return found


def column_in_target(
    document: PlanDocument, source: Source, table: Table, name: str, target: str
) -> str:
    """The name that a column of a source's table gets in the target."""
    mapping = document.mapping.get(source.path, FileMapping())
    for listed, columns in mapping.columns.items():
        if fold(listed) in (table.key, fold(target)):
            for there, here in columns.items():
                if fold(there) == fold(name):
                    return here
    return name


async def rename(database: Database, wanted: list[Renaming]) -> None:
    """Give tables and columns of `main` their new names. Raises sqlite3.Error."""
    await database.execute("PRAGMA legacy_alter_table = OFF")
    for place, item in enumerate(wanted):
        for number, there in enumerate(item.columns):
            # Two steps, because names may be exchanged.
            await _column(database, item.there, there, f"consolidator column {number}")
        for number, here in enumerate(item.columns.values()):
            await _column(database, item.there, f"consolidator column {number}", here)
        if fold(item.here) != fold(item.there):
            await _table(database, item.there, f"consolidator table {place}")
    for place, item in enumerate(wanted):
        if fold(item.here) != fold(item.there):
            await _table(database, f"consolidator table {place}", item.here)


async def _column(database: Database, table: str, there: str, here: str) -> None:
    await database.execute(
        f"ALTER TABLE main.{quote(table)} RENAME COLUMN {quote(there)} TO {quote(here)}"
    )


async def _table(database: Database, there: str, here: str) -> None:
    await database.execute(f"ALTER TABLE main.{quote(there)} RENAME TO {quote(here)}")


async def leave_out(database: Database, document: PlanDocument, base: Source) -> None:
    """Drop the tables of the base that the plan maps to nothing. Raises sqlite3.Error."""
    for table in base.schema.tables.values():
        if table.has_rows and mapped_to(document, base, table.name) is None:
            await database.execute(f"DROP TABLE main.{quote(table.name)}")


async def renamed_sql(document: PlanDocument, source: Source) -> dict[tuple[str, str], str]:
    """(kind, folded name in the source) -> statement under the target's names.

    Empty where nothing is renamed, or where SQLite cannot rename (a view that is broken).
    """
    wanted = renamings(document, source)
    if not wanted:
        return {}
    async with open_database(None) as database:
        await stand_in(database, [source], functions=True)
        try:
            await _declare(database, source)
            await rename(database, wanted)
        except sqlite3.Error:
            # The statements are then changed word by word.
            return {}
        rows = await database.rows("SELECT type, name, sql FROM sqlite_schema WHERE sql NOTNULL")
    back = {fold(item.here): fold(item.there) for item in wanted}
    return {
        (kind, back.get(fold(name), fold(name)) if kind == "table" else fold(name)): sql
        for kind, name, sql in rows
    }


async def _declare(database: Database, source: Source) -> None:
    for table in source.schema.tables.values():
        if table.kind is TableKind.ORDINARY:
            await database.execute(table.sql)
        elif table.kind is TableKind.VIRTUAL and table.columns:
            # Only its names matter here, and its module may be missing.
            columns = ", ".join(quote(column.name) for column in table.columns)
            await database.execute(f"CREATE TABLE {quote(table.name)}({columns})")
    schema = source.schema
    for item in (*schema.indexes.values(), *schema.views.values(), *schema.triggers.values()):
        await database.execute(item.sql)


def in_target(document: PlanDocument, source: Source, table: Table, name: str, sql: str) -> Table:
    """A table's declaration under the target's names; `sql` is its renamed statement."""

    def column(own: str) -> str:
        return column_in_target(document, source, table, own, name)

    return replace(
        table,
        name=name,
        sql=sql,
        columns=tuple(replace(c, name=column(c.name)) for c in table.columns),
        unique_keys=tuple(
            replace(key, columns=tuple(map(column, key.columns))) for key in table.unique_keys
        ),
        foreign_keys=tuple(
            ForeignKey(tuple(map(column, key.columns)), key.parent, key.parent_columns)
            for key in table.foreign_keys
        ),
    )
