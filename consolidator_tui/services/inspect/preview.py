"""The first rows of a table as cells, whatever they hold."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from consolidator_tui.domain.catalog import Table
from consolidator_tui.domain.cells import Cell, CellKind, blob_cell, cell, text_cell
from consolidator_tui.domain.inspection import Preview
from consolidator_tui.storage.sqlite import Database, Row, quote

TEXT_LIMIT = 200
"""Characters of a text that a preview shows."""
BLOB_LIMIT = 1_000_000
"""Bytes up to which a blob is read for its hash; larger ones show their size only."""
COLUMN_LIMIT = 600
"""Columns that are shown; each takes three of the 2,000 columns of a result."""


async def read_preview(database: Database, file: str, table: Table, *, limit: int = 50) -> Preview:
    """The first `limit` rows of a table in an open database, which is called `file`.

    Long values are cut by SQLite itself, so that a row of gigabytes is shown like any other.
    Raises sqlite3.Error where the table cannot be read.
    """
    total = await database.value(f"SELECT count(*) FROM {quote(table.name)}")
    columns = tuple(column.name for column in table.columns if not column.hidden)[:COLUMN_LIMIT]
    rows = await _rows(database, table.name, columns, limit)
    shown = await asyncio.to_thread(_cells, rows)
    return Preview(file, table.name, columns, shown, int(total or 0))


async def _rows(database: Database, table: str, columns: Sequence[str], limit: int) -> list[Row]:
    """Per column three values: storage class, size, and (the start of) the value."""
    chosen = ", ".join(
        f"typeof({c}), CASE typeof({c}) WHEN 'blob' THEN length({c})"
        f" WHEN 'text' THEN length({c}) END,"
        f" CASE typeof({c}) WHEN 'text' THEN substr({c}, 1, {TEXT_LIMIT + 1})"
        f" WHEN 'blob' THEN CASE WHEN length({c}) <= {BLOB_LIMIT} THEN {c} END ELSE {c} END"
        for c in map(quote, columns)
    )
    return await database.rows(f"SELECT {chosen} FROM {quote(table)} LIMIT ?", (limit,))


def _cells(rows: Sequence[Row]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        tuple(_cell(*row[place : place + 3]) for place in range(0, len(row), 3)) for row in rows
    )


def _cell(kind: str, size: int | None, value: str | int | float | bytes | None) -> Cell:
    if kind == CellKind.BLOB:
        digest = hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else ""
        return blob_cell(size or 0, digest)
    if isinstance(value, str):
        # length() counts up to the first NUL, substr() may give more.
        return text_cell(value, max(size or 0, len(value)), TEXT_LIMIT)
    return cell(value)
