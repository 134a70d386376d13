"""Reads CREATE VIRTUAL TABLE and the triggers that keep a search index, as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from consolidator_tui.domain.catalog import SchemaObject, Table, fold
from consolidator_tui.services.inspect.ddl import Token, table_parts, tokens, unquote
from consolidator_tui.storage.sqlite import quote

_ROWID_NAMES = {"rowid", "_rowid_", "oid"}
_FULL_TEXT = {"fts3", "fts4", "fts5"}
_TREES = {"rtree", "rtree_i32"}
_VIEWS = {"fts5vocab", "fts4aux"}


class Storage(StrEnum):
    """Where a virtual table keeps its rows."""

    OWN = "own"
    EXTERNAL = "external"
    CONTENTLESS = "contentless"
    VIEW = "view"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the declaration of a virtual table says."""

    module: str
    storage: Storage
    columns: tuple[str, ...]
    key: str
    """The column that is the rowid."""
    content: str = ""
    """The table or view that an external index reads."""

    @property
    def is_text_index(self) -> bool:
        """Whether it is a full-text index."""
        return self.module in _FULL_TEXT


@dataclass(frozen=True, slots=True)
class Filling:
    """How a trigger fills an index from a new row of its table."""

    table: str
    key: str
    """The column of the table that is the entry's rowid."""
    values: tuple[tuple[str, str], ...]
    """Column of the index -> SQL over a row called `new`."""
    on_insert: bool


def shape_of(table: Table) -> Shape:
    """The module, columns and storage of a virtual table."""
    visible = tuple(c.name for c in table.columns if not c.hidden)
    if table.module in _TREES:
        return Shape(table.module, Storage.OWN, visible[1:], visible[0])
    if table.module in _VIEWS:
        return Shape(table.module, Storage.VIEW, visible, "rowid")
    if table.module not in _FULL_TEXT:
        return Shape(table.module, Storage.UNKNOWN, visible, "rowid")
    options = dict(_options(table.sql))
    key = "rowid" if table.module == "fts5" else "docid"
    language = options.get("languageid")
    if language and table.has_column(language):
        visible = (*visible, table.column(language).name)
    content = options.get("content") if table.module != "fts3" else None
    if content is None:
        return Shape(table.module, Storage.OWN, visible, key)
    storage = Storage.EXTERNAL if content else Storage.CONTENTLESS
    return Shape(table.module, storage, visible, key, content)


def _options(sql: str) -> Iterator[tuple[str, str]]:
    """The `name = value` arguments of a module."""
    for part in table_parts(sql):
        if len(part) >= 2 and part[1].text == "=":
            value = "".join(unquote(token) for token in part[2:])
            yield fold(unquote(part[0])), value


def create_sql(sql: str, name: str, content: tuple[str, str] | None = None) -> str:
    """CREATE VIRTUAL TABLE under another qualified name.

    `content` renames the table that an external index reads: its old and its new name.
    """
    words = list(tokens(sql))
    place = next(i for i, token in enumerate(words) if token.word == "USING")
    pieces = [f"CREATE VIRTUAL TABLE {name} "]
    at = words[place].start
    for part in table_parts(sql) if content and content[0] != content[1] else ():
        if len(part) == 3 and part[1].text == "=" and fold(unquote(part[0])) == "content":
            assert content is not None
            escaped = content[1].replace("'", "''")
            pieces += [sql[at : part[2].start], f"'{escaped}'"]
            at = part[2].end
    return "".join(pieces) + sql[at:]


def fillings(trigger: SchemaObject, index: str, shape: Shape) -> list[Filling]:
    """The ways in which a trigger inserts `new` rows of its table into an index."""
    words = list(tokens(trigger.sql))
    head = next((i for i, t in enumerate(words) if t.word == "BEGIN"), len(words))
    on_insert = any(token.word == "INSERT" for token in words[:head])
    found = []
    for place in range(head, len(words) - 1):
        if words[place].word != "INTO" or fold(unquote(words[place + 1])) != fold(index):
            continue
        filling = _filling(trigger, words, place + 2, index, shape, on_insert=on_insert)
        if filling is not None:
            found.append(filling)
    return found


def _filling(
    trigger: SchemaObject,
    words: list[Token],
    place: int,
    index: str,
    shape: Shape,
    *,
    on_insert: bool,
) -> Filling | None:
    names = [shape.key, *shape.columns] if shape.module in _TREES else list(shape.columns)
    if place < len(words) and words[place].text == "(":
        groups, place = _groups(words, place)
        names = [unquote(group[0]) for group in groups if group]
    if place >= len(words) or words[place].word != "VALUES":
        return None
    groups, _ = _groups(words, place + 1)
    if len(groups) != len(names) or fold(index) in map(fold, names):
        return None
    keys = {*_ROWID_NAMES, "docid", fold(shape.key)} - set(map(fold, shape.columns))
    key, values = "", []
    for name, group in zip(names, groups, strict=True):
        if not group:
            return None
        if fold(name) in keys:
            texts = [fold(unquote(token)) for token in group]
            if len(texts) != 3 or texts[:2] != ["new", "."]:
                return None
            key = unquote(group[2])
        else:
            values.append((fold(name), trigger.sql[group[0].start : group[-1].end]))
    return Filling(trigger.table, key, tuple(values), on_insert) if key else None


def _groups(words: list[Token], place: int) -> tuple[list[list[Token]], int]:
    """The comma separated parts of a parenthesis, and the place after it."""
    groups: list[list[Token]] = [[]]
    depth = 0
    while place < len(words):
        token = words[place]
        place += 1
        if token.kind == "mark" and token.text == "(":
            depth += 1
            if depth == 1:
                continue
        if token.kind == "mark" and token.text == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and token.text == "," and token.kind == "mark":
            groups.append([])
        else:
            groups[-1].append(token)
    return groups, place


def is_rowid_of(column: str, table: Table) -> bool:
    """Whether a column's name means the rowid of a table."""
    alias = table.rowid_alias
    if alias is not None and fold(column) == fold(alias):
        return True
    return not table.without_rowid and fold(column) in _ROWID_NAMES and not table.has_column(column)


def same_named(shape: Shape, table: Table) -> tuple[tuple[str, str], ...] | None:
    """The index's columns taken from columns of equal names; None where one is missing."""
    if not all(table.has_column(name) for name in shape.columns):
        return None
    return tuple((fold(name), f"new.{quote(name)}") for name in shape.columns)
