"""Brings the staged base into an order that holds with the stand-ins for what is missing here."""

from __future__ import annotations

import sqlite3

from consolidator_tui.domain.catalog import Table
from consolidator_tui.domain.errors import Refused
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.services.planning.missing import uses
from consolidator_tui.services.stand_ins import find_absent
from consolidator_tui.storage.sqlite import Database, open_database, quote


async def settle_base(database: Database, plan: MergePlan) -> None:
    """Drop the indexes that are left out, and sort by the stand-ins what the base has sorted.

    Raises Refused when a stand-in takes two values for one that the application tells apart.
    """
    base = plan.sources[0].schema
    for index in base.indexes.values():
        if f"index {index.name}" in plan.left_out:
            await database.execute(f"DROP INDEX IF EXISTS main.{quote(index.name)}")
    async with open_database(None) as fresh:
        absent = await find_absent(fresh, [base])
    for table in base.tables.values():
        used = [c for c in sorted(absent.collations) if uses(base, table, c, plan.left_out)]
        if not used or table.error:
            continue
        try:
            await _sort(database, table)
        except sqlite3.IntegrityError as error:
            raise Refused(
                f"{table.name} cannot be sorted without the collation {', '.join(used)}, which is "
                "missing here.",
                todo="Leave the table out with a mapping, or the file.",
            ) from error


async def _sort(database: Database, table: Table) -> None:
    name = quote(table.name)
    if table.without_rowid:
        # Its rows lie in the order of the key, which REINDEX does not touch.
        columns = ", ".join(quote(column.name) for column in table.stored)
        await database.execute(f"DELETE FROM main.{name}")
        await database.execute(
            f"INSERT INTO main.{name}({columns}) SELECT {columns} FROM s0.{name}"
        )
    await database.execute(f"REINDEX main.{name}")
