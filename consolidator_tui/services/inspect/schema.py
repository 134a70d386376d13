"""Reads what a database declares, with one statement per kind of fact."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import replace

from consolidator_tui.domain.catalog import (
    Column,
    ForeignKey,
    Schema,
    SchemaObject,
    Table,
    TableKind,
    UniqueKey,
    affinity_of,
    fold,
)
from consolidator_tui.services.inspect.ddl import has_word, tokens, unquote
from consolidator_tui.storage.sqlite import Database, Row, literal, quote

_TABLES = """
SELECT l.name, l.type, l.wr, l.strict, coalesce(m.sql, '')
FROM temp.pragma_table_list l JOIN sqlite_schema m ON m.name = l.name AND m.type = 'table'
WHERE l.schema = 'main' AND l.type IN ('table', 'virtual', 'shadow')
  AND l.name NOT LIKE 'sqlite@_%' ESCAPE '@'
ORDER BY m.rowid
"""
_COLUMNS = """
SELECT l.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
FROM temp.pragma_table_list l JOIN temp.pragma_table_xinfo(l.name) x
WHERE l.schema = 'main' AND l.type IN ('table', 'shadow')
"""
_INDEXES = """
SELECT l.name, i.name, i."unique", i.origin, i.partial, x.cid, x.name, x.coll
FROM temp.pragma_table_list l JOIN temp.pragma_index_list(l.name) i
JOIN temp.pragma_index_xinfo(i.name) x
WHERE l.schema = 'main' AND l.type = 'table' AND x.key = 1 AND i."unique" = 1
ORDER BY l.name, i.seq DESC, x.seqno
"""
_FOREIGN_KEYS = """
SELECT l.name, f.id, f."table", f."from", f."to"
FROM temp.pragma_table_list l JOIN temp.pragma_foreign_key_list(l.name) f
WHERE l.schema = 'main' AND l.type = 'table'
ORDER BY l.name, f.id DESC, f.seq
"""


async def read_schema(database: Database) -> Schema:
    """Everything that the main database of this connection declares.

    Raises sqlite3.DatabaseError for a file that SQLite cannot read. A virtual table whose
    module is missing here is listed with `error` set.
    """
    headers = await database.rows(_TABLES)
    columns = _group(await database.rows(_COLUMNS))
    uniques = _unique_keys(await database.rows(_INDEXES))
    foreign = _foreign_keys(await database.rows(_FOREIGN_KEYS))
    tables: dict[str, Table] = {}
    virtual = [fold(row[0]) for row in headers if row[1] == "virtual"]
    for name, kind, without_rowid, strict, sql in headers:
        error = ""
        own = columns.get(name, [])
        if kind == "virtual":
            try:
                own = await database.rows(
                    f'SELECT name, type, "notnull", dflt_value, pk, hidden '
                    f"FROM temp.pragma_table_xinfo({literal(name)})"
                )
            except sqlite3.DatabaseError as problem:
                error = str(problem)
        tables[fold(name)] = Table(
            name=name,
            kind=TableKind(kind),
            columns=tuple(_column(row, strict=bool(strict)) for row in own),
            sql=sql,
            without_rowid=bool(without_rowid),
            strict=bool(strict),
            autoincrement="AUTOINCREMENT" in sql.upper() and has_word(sql, "AUTOINCREMENT"),
            module=_module(sql) if kind == "virtual" else "",
            unique_keys=tuple(uniques.get(name, ())),
            foreign_keys=tuple(foreign.get(name, ())),
            owner=_owner(name, virtual) if kind == "shadow" else "",
            error=error,
        )
    return await _with_objects(database, _resolve_parents(_orphan_shadows(tables)))


async def _with_objects(database: Database, tables: dict[str, Table]) -> Schema:
    objects: dict[str, dict[str, SchemaObject]] = {"index": {}, "trigger": {}, "view": {}}
    for kind, name, table, sql in await database.rows(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema "
        "WHERE sql IS NOT NULL AND type <> 'table' ORDER BY rowid"
    ):
        if kind not in objects:
            # SQLite does not look at it, but every statement that asks for tables does.
            error = sqlite3.DatabaseError(f"its schema holds a {kind!r}")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        objects[kind][fold(name)] = SchemaObject(kind, name, table, sql)
    sequences: dict[str, int] = {}
    if await database.value("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"):
        # Programs may write to it; SQLite takes what is no integer as one, too.
        for name, number in await database.rows(
            "SELECT name, CAST(seq AS INTEGER) FROM sqlite_sequence"
        ):
            if isinstance(name, str) and isinstance(number, int):
                sequences[fold(name)] = max(number, sequences.get(fold(name), number))
    return Schema(
        tables=tables,
        indexes=objects["index"],
        triggers=objects["trigger"],
        views=objects["view"],
        encoding=str(await database.value("PRAGMA encoding")),
        page_size=int(await database.value("PRAGMA page_size")),
        user_version=int(await database.value("PRAGMA user_version")),
        application_id=int(await database.value("PRAGMA application_id")),
        auto_vacuum=int(await database.value("PRAGMA auto_vacuum")),
        sequences=sequences,
    )


def _group(rows: list[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row[1:])
    return grouped


def _column(row: Row, *, strict: bool) -> Column:
    name, declared, not_null, default, key_position, hidden = row
    return Column(
        name=name,
        declared=declared or "",
        affinity=affinity_of(declared or "", strict=strict),
        not_null=bool(not_null),
        default=default,
        key_position=key_position,
        generated=hidden in (2, 3),
        hidden=hidden == 1,
    )


def _unique_keys(rows: list[Row]) -> dict[str, list[UniqueKey]]:
    """UNIQUE keys over plain columns; partial and expression indexes are no keys."""
    parts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        parts[(row[0], row[1])].append(row)
    keys: dict[str, list[UniqueKey]] = defaultdict(list)
    for (table, index), own in parts.items():
        if any(row[4] for row in own) or any(row[5] < 0 or row[6] is None for row in own):
            continue
        keys[table].append(
            UniqueKey(
                columns=tuple(row[6] for row in own),
                collations=tuple(row[7] for row in own),
                index=index,
                origin=own[0][3],
            )
        )
    return keys


def _foreign_keys(rows: list[Row]) -> dict[str, list[ForeignKey]]:
    parts: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        parts[(row[0], row[1])].append(row)
    keys: dict[str, list[ForeignKey]] = defaultdict(list)
    for (table, _), own in parts.items():
        implicit = any(row[4] is None for row in own)
        keys[table].append(
            ForeignKey(
                columns=tuple(row[3] for row in own),
                parent=own[0][2],
                parent_columns=() if implicit else tuple(row[4] for row in own),
            )
        )
    return keys


def _resolve_parents(tables: dict[str, Table]) -> dict[str, Table]:
    """Fill in the parent's primary key where REFERENCES names no columns."""
    resolved = {}
    for key, table in tables.items():
        keys = []
        for foreign in table.foreign_keys:
            parent = tables.get(fold(foreign.parent))
            columns = foreign.parent_columns or (parent.primary_key if parent else ())
            keys.append(ForeignKey(foreign.columns, foreign.parent, columns))
        resolved[key] = replace(table, foreign_keys=tuple(keys))
    return resolved


def _orphan_shadows(tables: dict[str, Table]) -> dict[str, Table]:
    """A table that SQLite calls a shadow without its virtual table is an ordinary one."""
    return {
        key: replace(table, kind=TableKind.ORDINARY)
        if table.kind is TableKind.SHADOW and not table.owner
        else table
        for key, table in tables.items()
    }


def _owner(name: str, virtual: list[str]) -> str:
    folded = fold(name)
    owners = [owner for owner in virtual if folded.startswith(owner + "_")]
    return max(owners, key=len, default="")


def _module(sql: str) -> str:
    words = list(tokens(sql))
    for place, token in enumerate(words):
        if token.word == "USING" and place + 1 < len(words):
            return fold(unquote(words[place + 1]))
    return ""


async def count_rows(database: Database, schema: Schema) -> dict[str, int]:
    """Rows per folded table name, counted by reading the table and not an index of it."""
    counts = {}
    for key, table in schema.tables.items():
        if table.error or table.kind is not TableKind.ORDINARY:
            continue
        hint = "" if table.without_rowid else " NOT INDEXED"
        counts[key] = int(
            await database.value(f"SELECT count(*) FROM main.{quote(table.name)}{hint}")
        )
    return counts
