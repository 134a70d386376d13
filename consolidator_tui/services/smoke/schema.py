"""Comparing what two databases declare by meaning, not by text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from consolidator_tui.domain.catalog import (
    MIGRATION_TABLES,
    Column,
    Schema,
    SchemaObject,
    Table,
    TableKind,
    fold,
)
from consolidator_tui.domain.smoke import SchemaDifference, Side
from consolidator_tui.services.discover import open_unchanged
from consolidator_tui.services.inspect.ddl import (
    column_texts,
    constraint_word,
    table_constraints,
    tokens,
    unquote,
)
from consolidator_tui.services.inspect.schema import read_schema


async def schema_differences(made: Path, target: Path) -> tuple[SchemaDifference, ...]:
    """How the schema that the application makes differs from the target's.

    Order of columns, spelling of names and keywords, white space and comments do not count.
    Raises sqlite3.Error.
    """
    async with open_unchanged(made) as database:
        new = await read_schema(database)
    async with open_unchanged(target) as database:
        old = await read_schema(database)
    return tuple(compare(new, old))


def compare(made: Schema, target: Schema) -> Iterator[SchemaDifference]:
    """The differences between two schemas."""
    first, second = _tables(made), _tables(target)
    yield from _names("table", first, second)
    for key in sorted(first.keys() & second.keys()):
        yield from _table(first[key], second[key])
        yield from _indexes(made, target, first[key])
    for what, ours, theirs in (
        ("trigger", made.triggers, target.triggers),
        ("view", made.views, target.views),
    ):
        yield from _names(what, ours, theirs)
        for key in sorted(ours.keys() & theirs.keys()):
            if normal(ours[key].sql) != normal(theirs[key].sql):
                yield SchemaDifference(Side.DIFFERENT, what, ours[key].name, "other SQL", "")


def _tables(schema: Schema) -> dict[str, Table]:
    return {
        key: table
        for key, table in schema.tables.items()
        if table.kind is not TableKind.SHADOW and key not in MIGRATION_TABLES
    }


def _names(
    what: str,
    made: Mapping[str, Table] | Mapping[str, SchemaObject],
    target: Mapping[str, Table] | Mapping[str, SchemaObject],
) -> Iterator[SchemaDifference]:
    for key in sorted(made.keys() - target.keys()):
        yield SchemaDifference(Side.TARGET_LACKS, what, made[key].name)
    for key in sorted(target.keys() - made.keys()):
        yield SchemaDifference(Side.TARGET_ONLY, what, target[key].name)


def _table(made: Table, target: Table) -> Iterator[SchemaDifference]:
    if made.kind is TableKind.VIRTUAL or target.kind is TableKind.VIRTUAL:
        if normal(made.sql) != normal(target.sql):
            yield SchemaDifference(Side.DIFFERENT, "table", made.name, "other SQL", "")
        return
    first = {column.key: column for column in made.columns}
    second = {column.key: column for column in target.columns}
    for key in sorted(first.keys() - second.keys()):
        name = f"{made.name}.{first[key].name}"
        yield SchemaDifference(Side.TARGET_LACKS, "column", name)
    for key in sorted(second.keys() - first.keys()):
        name = f"{made.name}.{second[key].name}"
        yield SchemaDifference(Side.TARGET_ONLY, "column", name)
    for key in sorted(first.keys() & second.keys()):
        ours, theirs = _column(first[key]), _column(second[key])
        if ours != theirs:
            name = f"{made.name}.{first[key].name}"
            yield SchemaDifference(Side.DIFFERENT, "column", name, ours, theirs)
    yield from _sets(made.name, "key", _keys(made), _keys(target))
    yield from _sets(made.name, "reference", _references(made), _references(target))
    yield from _sets(made.name, "constraint", _checks(made), _checks(target))
    yield from _sets(made.name, "option", _options(made), _options(target))


def _column(column: Column) -> str:
    parts = [normal(column.declared).upper() or "no type"]
    if column.not_null:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {normal(column.default)}")
    if column.key_position:
        parts.append(f"primary key {column.key_position}")
    if column.generated:
        parts.append("generated")
    return " ".join(parts)


def _keys(table: Table) -> set[str]:
    """UNIQUE keys, whether they are constraints or indexes."""
    return {
        ", ".join(
            f"{fold(name)} {collation}" if collation.upper() != "BINARY" else fold(name)
            for name, collation in zip(key.columns, key.collations, strict=True)
        )
        for key in table.unique_keys
        if key.origin != "pk"
    }


def _references(table: Table) -> set[str]:
    return {
        f"({', '.join(map(fold, key.columns))}) to {fold(key.parent)}"
        f"({', '.join(map(fold, key.parent_columns))})"
        for key in table.foreign_keys
    }


def _checks(table: Table) -> set[str]:
    texts = [text for column in column_texts(table.sql) for text in column.constraints]
    texts += table_constraints(table.sql)
    return {_unnamed(text) for text in texts if constraint_word(text) == "CHECK"}


def _unnamed(text: str) -> str:
    """A constraint without its name."""
    words = normal(text).split(" ")
    return " ".join(words[2:] if words[0] == "constraint" else words)


def _options(table: Table) -> set[str]:
    pairs = (
        ("WITHOUT ROWID", table.without_rowid),
        ("STRICT", table.strict),
        ("AUTOINCREMENT", table.autoincrement),
    )
    return {name for name, there in pairs if there}


def _sets(table: str, what: str, made: set[str], target: set[str]) -> Iterator[SchemaDifference]:
    for text in sorted(made - target):
        yield SchemaDifference(Side.TARGET_LACKS, what, f"{table}: {text}")
    for text in sorted(target - made):
        yield SchemaDifference(Side.TARGET_ONLY, what, f"{table}: {text}")


def _indexes(made: Schema, target: Schema, table: Table) -> Iterator[SchemaDifference]:
    """Indexes that are no keys, by what they are on: their names do not matter."""
    yield from _sets(table.name, "index", _plain(made, table.key), _plain(target, table.key))


def _plain(schema: Schema, table: str) -> set[str]:
    keys = {fold(key.index) for key in schema.tables[table].unique_keys}
    found = set()
    for key, index in schema.indexes.items():
        if fold(index.table) == table and key not in keys:
            words = list(tokens(index.sql))
            on = next(place for place, token in enumerate(words) if token.word == "ON")
            unique = "unique " if words[1].word == "UNIQUE" else ""
            found.add(unique + normal(index.sql[words[on + 1].end :]))
    return found


def normal(sql: str) -> str:
    """SQL with one space between tokens, words and names folded and without quotes."""
    return " ".join(
        fold(unquote(token)) if token.kind in ("word", "name") else token.text
        for token in tokens(sql)
    )
