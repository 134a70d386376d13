"""Reads a snapshot into the catalog form that planning works on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from consolidator_tui.domain.catalog import Source
from consolidator_tui.services.inspect.schema import count_rows, read_schema
from consolidator_tui.storage.sqlite import open_database


async def load_source(
    index: int,
    path: str,
    snapshot: Path,
    *,
    row_counts: dict[str, int] | None = None,
    same_as: int | None = None,
) -> Source:
    """The source at `path` (relative to the project) as its snapshot has it.

    `row_counts` are taken over where they are known already. Raises sqlite3.DatabaseError for a
    file that SQLite cannot read.
    """
    async with open_database(snapshot, immutable=True) as database:
        schema = await read_schema(database)
        counts = row_counts if row_counts is not None else await count_rows(database, schema)
    return Source(index, path, str(snapshot), schema, counts, same_as)


def schema_hash(source: Source) -> str:
    """A hash of everything that a source declares, in hexadecimal."""
    digest = hashlib.sha256()
    schema = source.schema
    texts = [table.sql for table in schema.tables.values()]
    for objects in (schema.indexes, schema.views, schema.triggers):
        texts += [item.sql for item in objects.values()]
    for text in sorted(texts):
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
