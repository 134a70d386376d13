"""Collations and functions that only the application has, and what stands in for them here.

A stand-in makes statements possible; it never decides what is stored. A collation whose name
speaks of case compares folded text, any other one bytes, so that no two values are taken for one
that the application tells apart. A function gives NULL, which every CHECK lets pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from consolidator_tui.domain.catalog import Schema, Source, Table, TableKind, fold
from consolidator_tui.services.inspect.ddl import (
    column_texts,
    constraint_word,
    table_constraints,
    tokens,
    unquote,
)
from consolidator_tui.storage.sqlite import Database

_BUILT_IN = {"binary", "nocase", "rtrim"}
_CASE_WORDS = ("case", "ci", "icu", "unicode")
_NO_FUNCTIONS = {
    "ALWAYS", "AND", "AS", "BETWEEN", "BY", "CASE", "CHECK", "CAST", "COLLATE", "DEFAULT", "ELSE",
    "END", "ESCAPE", "EXISTS", "FILTER", "FROM", "GENERATED", "IN", "IS", "ISNULL", "KEY", "NOT",
    "NOTNULL", "NULL", "ON", "OR", "OVER", "PRIMARY", "SELECT", "STORED", "THEN", "UNIQUE",
    "VIRTUAL", "WHEN", "WHERE",
}  # fmt: skip
_OPERATORS = {"REGEXP": "regexp", "MATCH": "match"}


@dataclass(frozen=True, slots=True)
class Absent:
    """What the schemas of some files use and this machine lacks; folded names."""

    collations: frozenset[str]
    functions: frozenset[str]


@lru_cache(maxsize=8_192)
def collations_in(sql: str) -> frozenset[str]:
    """The collations that a statement names, folded."""
    if "COLLATE" not in sql.upper():
        return frozenset()
    words = list(tokens(sql))
    return frozenset(
        fold(unquote(words[place + 1]))
        for place, token in enumerate(words[:-1])
        if token.word == "COLLATE"
    )


@lru_cache(maxsize=8_192)
def functions_in(sql: str) -> frozenset[str]:
    """The functions that an expression calls, folded, operators like REGEXP included."""
    words = list(tokens(sql))
    found = {_OPERATORS[token.word] for token in words if token.word in _OPERATORS}
    for token, after in pairwise(words):
        is_call = after.kind == "mark" and after.text == "(" and token.kind in ("word", "name")
        if is_call and token.word not in _NO_FUNCTIONS:
            found.add(fold(unquote(token)))
    return frozenset(found)


@lru_cache(maxsize=8_192)
def _expressions(sql: str) -> tuple[tuple[str, str, str], ...]:
    """The expressions of a table: column (or empty), keyword of the constraint, text."""
    if "(" not in sql.partition("(")[2] and "REGEXP" not in sql.upper():
        return ()
    found = [
        (column.name, constraint_word(text), text)
        for column in column_texts(sql)
        for text in column.constraints
    ]
    found += [("", constraint_word(text), text) for text in table_constraints(sql)]
    return tuple(f for f in found if f[1] in ("CHECK", "GENERATED", "AS", "DEFAULT"))


def table_expressions(table: Table) -> tuple[tuple[str, str, str], ...]:
    """The expressions that are evaluated when a row is written; virtual tables have none."""
    return () if table.kind is TableKind.VIRTUAL else _expressions(table.sql)


def index_body(sql: str) -> str:
    """What stands after ON table in CREATE INDEX: terms and WHERE."""
    words = list(tokens(sql))
    place = next((i for i, token in enumerate(words) if token.word == "ON"), len(words) - 2)
    return sql[words[place + 1].end :]


def _named(schema: Schema) -> tuple[set[str], set[str]]:
    collations: set[str] = set()
    functions: set[str] = set()
    for table in schema.tables.values():
        if table.error or table.kind is TableKind.VIRTUAL:
            continue
        collations |= collations_in(table.sql)
        for _, _, text in table_expressions(table):
            functions |= functions_in(text)
    for index in schema.indexes.values():
        collations |= collations_in(index.sql)
        functions |= functions_in(index_body(index.sql))
    return collations - _BUILT_IN, functions


async def find_absent(database: Database, schemas: Iterable[Schema]) -> Absent:
    """The collations and functions of these schemas that the connection does not know."""
    collations: set[str] = set()
    functions: set[str] = set()
    for schema in schemas:
        own = _named(schema)
        collations |= own[0]
        functions |= own[1]
    if functions:
        rows = await database.rows("SELECT DISTINCT name FROM temp.pragma_function_list")
        functions -= {fold(str(row[0])) for row in rows}
    return Absent(frozenset(collations), frozenset(functions))


async def stand_in(
    database: Database, sources: Iterable[Source], *, functions: bool = False
) -> Absent:
    """Let a connection open tables that need what is missing; returns what that is.

    `functions`: also expressions are evaluated (rows are written or checked).
    """
    schemas = [source.schema for source in sources if source.same_as is None]
    return await stand_in_for(database, schemas, functions=functions)


async def stand_in_for(
    database: Database, schemas: Iterable[Schema], *, functions: bool = False
) -> Absent:
    """The same for schemas that are no sources yet."""
    absent = await find_absent(database, schemas)
    for name in absent.collations:
        await database.collation(name, _folded if speaks_of_case(name) else _plain)
    if functions and absent.functions:
        # Functions registered from here are not known to be harmless, so SQLite refuses them in
        # schemas that are not trusted; these do nothing.
        await database.execute("PRAGMA trusted_schema = ON")
        for name in absent.functions:
            await database.function(name, -1, _nothing)
    return absent


def speaks_of_case(name: str) -> bool:
    """Whether a collation's name says that it compares text without regard to case."""
    return any(word in fold(name) for word in _CASE_WORDS)


def _folded(one: str, other: str) -> int:
    first, second = one.casefold(), other.casefold()
    return (first > second) - (first < second)


def _plain(one: str, other: str) -> int:
    first = one.encode("utf-8", "surrogateescape")
    second = other.encode("utf-8", "surrogateescape")
    return (first > second) - (first < second)


def _nothing(*_: object) -> None:
    return None
