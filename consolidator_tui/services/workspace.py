"""One connection that sees all sources at once.

SQLite attaches at most ten databases, needs one text encoding for all of them, and addresses
rows of WITHOUT ROWID tables only by their key. What does not fit is copied by sets into a pool
database first; the rest of the engine sees no difference.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from consolidator_tui.domain.catalog import Affinity, Source, Table, fold
from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.merge import Ancestor
from consolidator_tui.services.stand_ins import stand_in, stand_in_for
from consolidator_tui.storage.atomic import open_private
from consolidator_tui.storage.sqlite import Database, open_database, quote

MAX_ATTACHED_SOURCES = 7
"""Of the ten that SQLite allows, three are for the pool, the ledger and the ancestor."""
SOURCE_CACHE_KIB = 512
"""Sources are read from one end to the other; the pages of a walk down a tree are enough."""
PAST = "past"
"""The schema name under which the ancestor is attached."""
ADDRESS = "consolidator address"
"""Name of the column that numbers the rows of a pooled table."""
_ROWID_NAMES = ("rowid", "_rowid_", "oid")
MOST_COLUMNS = 2_000
"""Columns that SQLite takes in a table and in a result."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the rows of one table of one source are read, and the integer that addresses them."""

    sql: str
    """Qualified and quoted, with NOT INDEXED left to the reader."""
    address: str
    """Quoted."""
    pooled: bool = False


@dataclass(slots=True)
class Workspace:
    """An open connection with the sources attached."""

    database: Database
    sources: Sequence[Source]
    pooled: Mapping[tuple[int, str], str] = field(default_factory=dict)
    """(source index, folded table name) -> name of the table in the pool."""
    attached: frozenset[int] = frozenset()

    def rows(self, source: int, table: str) -> Rows:
        """Where to read the rows of that table. Raises KeyError for an unknown table."""
        declared = self.sources[source].schema.tables[fold(table)]
        pooled = self.pooled.get((source, declared.key))
        if pooled is not None:
            return Rows(f"pool.{quote(pooled)}", quote(ADDRESS), pooled=True)
        return Rows(
            f"{schema_of(source)}.{quote(declared.name)}", row_address(declared) or quote("rowid")
        )


def schema_of(source: int) -> str:
    """The schema name under which a source is attached."""
    return f"s{source}"


def row_address(table: Table) -> str | None:
    """The quoted name under which a row's integer is read; None if there is none."""
    if table.rowid_alias is not None:
        return quote(table.rowid_alias)
    if table.without_rowid:
        return None
    taken = {column.key for column in table.columns}
    free = [name for name in _ROWID_NAMES if name not in taken]
    return free[0] if free else None


def written_address(table: Table) -> str | None:
    """The column that a row's integer is written to; None if there is none.

    SQLite writes 2,000 columns at once, so beside that many the rowid cannot be given.
    """
    if table.rowid_alias is None and len(table.columns) >= MOST_COLUMNS:
        return None
    return row_address(table)


def _needs_pool(source: Source, table: Table, direct: frozenset[int]) -> bool:
    return source.index not in direct or row_address(table) is None


def direct_sources(sources: Sequence[Source]) -> frozenset[int]:
    """The sources that are attached as they are: the base and the largest of its encoding."""
    encoding = sources[0].schema.encoding
    fitting = [s for s in sources if s.schema.encoding == encoding and s.same_as is None]
    if len(fitting) > MAX_ATTACHED_SOURCES:
        by_size = sorted(fitting[1:], key=lambda s: -Path(s.snapshot).stat().st_size)
        fitting = [fitting[0], *by_size[: MAX_ATTACHED_SOURCES - 1]]
    return frozenset(source.index for source in fitting)


async def build_pool(sources: Sequence[Source], pool: Path) -> dict[tuple[int, str], str]:
    """Copy into `pool` what cannot be read in place; returns the names given there.

    Raises FileRefused for a table that cannot be read.
    """
    pool.unlink(missing_ok=True)
    direct = direct_sources(sources)
    names: dict[tuple[int, str], str] = {}
    os.close(open_private(pool, os.O_WRONLY | os.O_CREAT))
    async with open_database(pool, mode="rw") as database:
        encoding = sources[0].schema.encoding
        await database.execute(f"PRAGMA encoding = '{encoding}'")
        await database.execute("PRAGMA journal_mode = OFF")
        await database.execute("PRAGMA synchronous = OFF")
        await stand_in(database, sources)
        for source in sources:
            if source.same_as is not None:
                continue
            wanted = [
                table
                for table in source.schema.tables.values()
                if table.has_rows and _needs_pool(source, table, direct)
            ]
            if not wanted:
                continue
            if source.schema.encoding == encoding:
                await _copy_attached(database, source, wanted, names)
            else:
                await _copy_recoded(database, source, wanted, names)
    return names


def _pool_table(source: Source, table: Table, names: dict[tuple[int, str], str]) -> tuple[str, str]:
    """The CREATE TABLE of a pooled table and the SELECT list that fills it."""
    name = f"{source.index}:{len(names)}"
    names[(source.index, table.key)] = name
    address = row_address(table)
    # ANY means no conversion in a STRICT table only; elsewhere it would be a number type.
    columns = ", ".join(
        f"{quote(c.name)} {'' if c.affinity is Affinity.ANY else c.affinity.value}"
        for c in table.columns
    )
    chosen = ", ".join(
        [
            address if address is not None else "NULL",
            *(quote(column.name) for column in table.columns),
        ]
    )
    return (
        f"CREATE TABLE main.{quote(name)}({quote(ADDRESS)} INTEGER PRIMARY KEY, {columns})",
        chosen,
    )


async def _copy_attached(
    database: Database, source: Source, tables: list[Table], names: dict[tuple[int, str], str]
) -> None:
    await database.attach(Path(source.snapshot), "source", immutable=True)
    await database.execute("BEGIN")
    for table in tables:
        create, chosen = _pool_table(source, table, names)
        target = quote(names[(source.index, table.key)])
        await database.execute(create)
        await database.execute(
            f"INSERT INTO main.{target} SELECT {chosen} FROM source.{quote(table.name)}"
        )
        await _index_keys(database, table, target)
    await database.execute("COMMIT")
    await database.detach("source")


async def _copy_recoded(
    database: Database, source: Source, tables: list[Table], names: dict[tuple[int, str], str]
) -> None:
    """Copy tables of a file in another text encoding, a bounded batch at a time.

    SQLite refuses to attach it, so this is the one place where rows pass through Python.
    """
    async with open_database(Path(source.snapshot), immutable=True) as reader:
        await stand_in(reader, [source])
        await database.execute("BEGIN")
        for table in tables:
            create, chosen = _pool_table(source, table, names)
            target = quote(names[(source.index, table.key)])
            await database.execute(create)
            marks = ", ".join("?" for _ in range(len(table.columns) + 1))
            sql = f"SELECT {chosen} FROM main.{quote(table.name)}"
            async with aclosing(reader.batches(sql, size=2_000)) as batches:
                async for batch in batches:
                    try:
                        await database.many(f"INSERT INTO main.{target} VALUES ({marks})", batch)
                    except UnicodeEncodeError as error:
                        raise _unwritable(source, table, batch) from error
            await _index_keys(database, table, target)
        await database.execute("COMMIT")


def _unwritable(source: Source, table: Table, batch: Sequence[Sequence[object]]) -> FileRefused:
    """The error about the first text that another encoding cannot hold byte for byte."""
    column = next(
        column.name
        for row in batch
        for column, value in zip(table.columns, row[1:], strict=True)
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value)
    )
    return FileRefused(
        f"{source.path}: a text in {table.name}.{column} is broken {source.schema.encoding}, and "
        "the target has another encoding, which cannot hold its bytes.",
        todo="Correct that text, or make a file of this encoding the base.",
    )


async def _index_keys(database: Database, table: Table, target: str) -> None:
    """Give the pooled copy the look-ups that the original's keys gave."""
    for number, key in enumerate(table.unique_keys):
        columns = ", ".join(quote(name) for name in key.columns)
        index = quote(f"{target.strip(chr(34))} {number}")
        await database.execute(f"CREATE INDEX main.{index} ON {target}({columns})")


@asynccontextmanager
async def open_workspace(
    sources: Sequence[Source],
    pooled: Mapping[tuple[int, str], str],
    *,
    pool: Path,
    ledger: Path | None = None,
    main: Path | None = None,
    read_only: bool = False,
    ancestor: Ancestor | None = None,
) -> AsyncIterator[Workspace]:
    """Open `main` (None: in memory) with the sources, the pool and the ledger attached.

    The ledger's schema name is `pv`, the ancestor's `past`.
    Raises FileRefused when a snapshot cannot be attached.
    """
    mode = "rw" if main is not None and not read_only else "ro"
    async with open_database(main, mode=mode, cache_kib=4_096) as database:
        if main is None:
            await database.execute(f"PRAGMA encoding = '{sources[0].schema.encoding}'")
        await database.execute("PRAGMA temp_store = FILE")
        await database.execute("PRAGMA threads = 1")
        schemas = [source.schema for source in sources if source.same_as is None]
        if ancestor is not None:
            schemas.append(ancestor.schema)
        await stand_in_for(database, schemas, functions=main is not None)
        direct = direct_sources(sources)
        for index in sorted(direct):
            await database.attach(Path(sources[index].snapshot), schema_of(index), immutable=True)
            await database.execute(f"PRAGMA {schema_of(index)}.cache_size = -{SOURCE_CACHE_KIB}")
        if pooled:
            await database.attach(pool, "pool")
        if ancestor is not None:
            await database.attach(Path(ancestor.snapshot), PAST, immutable=True)
        if ledger is not None:
            await database.attach(ledger, "pv", mode="ro" if read_only else "rwc")
        for source in sources:
            if source.same_as is None and not source.snapshot:
                raise FileRefused(f"{source.path}: there is no snapshot to read.")
        yield Workspace(database, sources, pooled, direct)
