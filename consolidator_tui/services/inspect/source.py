"""A snapshot as a source of the merge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from consolidator_tui.domain.catalog import Source, TableKind, fold
from consolidator_tui.services.inspect.schema import read_schema
from consolidator_tui.services.stand_ins import stand_in_for
from consolidator_tui.storage.sqlite import open_database, quote


async def load_source(
    index: int, path: str, snapshot: Path, counts: Mapping[str, int] | None = None
) -> Source:
    """The source called `path` with its schema and row counts, read from its snapshot.

    `counts` are rows per table where they are known already (the backup counts them); ordinary
    tables that are missing there are counted by reading rows. Raises sqlite3.Error.
    """
    known = {fold(name): rows for name, rows in (counts or {}).items()}
    async with open_database(snapshot, immutable=True) as database:
        schema = await read_schema(database)
        await stand_in_for(database, [schema])
        for key, table in schema.tables.items():
            if key not in known and table.kind is TableKind.ORDINARY and not table.error:
                count = await database.value(
                    f"SELECT count(*) FROM {quote(table.name)} NOT INDEXED"
                )
                known[key] = int(count or 0)
    return Source(
        index=index,
        path=path,
        snapshot=str(snapshot),
        schema=schema,
        row_counts={key: rows for key, rows in known.items() if key in schema.tables},
    )
