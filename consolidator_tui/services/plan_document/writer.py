"""Writing a plan document as TOML, with comments above what they explain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.plan import (
    Condition,
    Decision,
    FileMapping,
    NotSame,
    PlanDocument,
    ReferencePlan,
    RowNamed,
    TablePlan,
    Value,
)
from consolidator_tui.services.plan_document.lines import Path
from consolidator_tui.services.plan_document.values import Misspelled, spell_text, spell_value

Comments = Mapping[Path, Sequence[str]]
"""Lines to put above a table or key of the document; `()` is its head."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TABLES = ("tables", "mapping")
_ARRAYS = ("references", "not_references", "decisions", "not_same")


def dumps(document: PlanDocument, comments: Comments | None = None) -> str:
    """The document as TOML; `loads` of file.py gives the same document back.

    `comments` are put above the places that they belong to; a place is named by its keys.
    Raises PlanError for a name that no file can hold.
    """
    try:
        lines = list(_document(_plain(document), comments or {}))
    except Misspelled as error:
        raise PlanError(f"The plan cannot be written: {error}.") from error
    return "\n".join(lines).strip("\n") + "\n"


def comment_lines(texts: Sequence[str]) -> Iterator[str]:
    """Any texts as comments: one per line of text, nothing of them can end the comment."""
    for text in texts:
        for line in text.splitlines() or [""]:
            safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)
            yield f"# {safe}".rstrip()


def _document(plain: dict[str, Any], comments: Comments) -> Iterator[str]:
    yield from comment_lines(comments.get((), ()))
    for key, value in plain.items():
        if key not in (*_TABLES, *_ARRAYS):
            yield from _pair((key,), value, comments)
    for key in _TABLES:
        for name, table in plain.get(key, {}).items():
            yield ""
            yield from comment_lines(comments.get((key, name), ()))
            yield from _table((key, name), table, comments)
    for key in _ARRAYS:
        for place, item in enumerate(plain.get(key, ())):
            yield ""
            yield from comment_lines(comments.get((key, place), ()))
            yield f"[[{key}]]"
            for name, value in item.items():
                yield from _pair((key, place, name), value, comments)


def _table(path: Path, table: dict[str, Any], comments: Comments) -> Iterator[str]:
    yield f"[{'.'.join(_key(str(part)) for part in path)}]"
    inner: list[tuple[str, dict[str, Any]]] = []
    for name, value in table.items():
        is_table = name in ("defaults", "tables", "columns") and isinstance(value, dict)
        if is_table:
            inner.append((name, value))
        else:
            yield from _pair((*path, name), value, comments)
    for name, value in inner:
        if name == "columns":
            for below, columns in value.items():
                yield from _leaf((*path, name, below), columns, comments)
        else:
            yield from _leaf((*path, name), value, comments)


def _leaf(path: Path, table: dict[str, Any], comments: Comments) -> Iterator[str]:
    yield from comment_lines(comments.get(path, ()))
    yield f"[{'.'.join(_key(str(part)) for part in path)}]"
    for name, value in table.items():
        yield from _pair((*path, name), value, comments)


def _pair(path: Path, value: Any, comments: Comments) -> Iterator[str]:
    yield from comment_lines(comments.get(path, ()))
    yield f"{_key(str(path[-1]))} = {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(name)} = {_inline(item)}" for name, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    # repr is lossless for float, and its forms (1e+16, inf, nan, -0.0) are TOML's.
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML, but for U+007F, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(document: PlanDocument) -> dict[str, Any]:
    """The document as nested dicts and lists, without what is absent."""
    return _present(
        target=_text(document.target),
        base=_text(document.base),
        sources=_texts(document.sources) or None,
        on_conflict=[str(rule) for rule in document.on_conflict],
        on_drift=str(document.on_drift),
        ancestor=_text(document.ancestor),
        descendants=_texts(document.descendants) or None,
        deletions=str(document.deletions) if document.ancestor is not None else None,
        tables={spell_text(name): _table_plan(table) for name, table in document.tables.items()},
        mapping={spell_text(path): _mapping(part) for path, part in document.mapping.items()},
        references=[_reference(part) for part in document.references],
        not_references=[_reference(part) for part in document.not_references],
        decisions=[_decision(part) for part in document.decisions],
        not_same=[_not_same(part) for part in document.not_same],
    )


def _table_plan(table: TablePlan) -> dict[str, Any]:
    named = table.identity is None or isinstance(table.identity, str)
    rules = table.on_conflict
    return _present(
        identity=_text(table.identity) if named else _texts(table.identity),  # type: ignore[arg-type]
        newest=_text(table.newest),
        fill_nulls=table.fill_nulls or None,
        on_conflict=None if rules is None else [str(rule) for rule in rules],
        on_drift=None if table.on_drift is None else str(table.on_drift),
        defaults=_values(table.defaults) or None,
    )


def _mapping(part: FileMapping) -> dict[str, Any]:
    return _present(
        tables=_names(part.tables) or None,
        columns={spell_text(table): _names(names) for table, names in part.columns.items()} or None,
    )


def _reference(part: ReferencePlan) -> dict[str, Any]:
    return _present(
        table=_text(part.table),
        columns=_texts(part.columns),
        parent=_text(part.parent) if part.parent or part.parent_columns else None,
        parent_columns=_texts(part.parent_columns) or None,
        where=_conditions(part.where) or None,
        absent=[spell_value(value) for value in part.absent] or None,
    )


def _decision(part: Decision) -> dict[str, Any]:
    return _present(
        table=_text(part.table),
        entity=_values(part.entity),
        keep=_text(part.keep),
        values=_values(part.values) or None,
        fields=_names(part.fields) or None,
        also=[_values(row) for row in part.also] or None,
    )


def _not_same(part: NotSame) -> dict[str, Any]:
    return _present(table=_text(part.table), entity=_values(part.entity), other=_values(part.other))


def _present(**plain: Any) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if value is not None}


def _text(text: str | None) -> str | None:
    return None if text is None else spell_text(text)


def _texts(texts: Sequence[str]) -> list[str]:
    return [spell_text(text) for text in texts]


def _names(names: Mapping[str, str]) -> dict[str, str]:
    return {spell_text(name): spell_text(text) for name, text in names.items()}


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {spell_text(name): spell_value(value) for name, value in values.items()}


def _conditions(where: Mapping[str, Condition]) -> dict[str, Any]:
    return {
        spell_text(name): {"row": _values(dict(wanted.values))}
        if isinstance(wanted, RowNamed)
        else spell_value(wanted)
        for name, wanted in where.items()
    }
