"""Decisions about single entities in the one spelling by which they are stored and matched.

The key of an entity is two JSON arrays: the names of columns, sorted, and their values. What JSON
does not have is spelled `{"blob": "00ff"}` and `{"real": "0.1"}` (the digits of Python's `repr`).
SQLite's `json_quote` and Python's `json.dumps` spell texts alike, so both may make a key.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.plan import Decision, Value

BOTH = "both"
SAME = "same"


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored decision; an empty body takes the decision back."""

    table: str
    """The table's name."""
    columns: str
    entity: str
    body: str
    """As `body_of` spells it."""


Batches = Callable[[], AsyncIterator[Sequence[Entry]]]
"""Gives stored decisions in the order in which they were made, some at a time."""


def spell(value: Value) -> Any:
    """A value as plain data for JSON."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return {"real": repr(value)}
    if isinstance(value, bytes):
        return {"blob": value.hex()}
    return value


def unspell(plain: Any) -> Value:
    """The value that `spell` (or its like in SQL) made plain."""
    if isinstance(plain, dict):
        if "real" in plain:
            return float(plain["real"])
        return bytes.fromhex(plain["blob"])
    value: Value = plain
    return value


def columns_key(names: Iterable[str]) -> str:
    """The first half of a key."""
    return _dumps(sorted(names, key=fold))


def key_of(entity: Mapping[str, Value]) -> tuple[str, str]:
    """The key of an entity: columns and values."""
    names = sorted(entity, key=fold)
    return _dumps(names), _dumps([spell(entity[name]) for name in names])


def entity_of(columns: str, entity: str) -> dict[str, Value]:
    """The entity that a key names."""
    return dict(zip(json.loads(columns), map(unspell, json.loads(entity)), strict=True))


def body_of(
    keep: str,
    values: Mapping[str, Value] | None = None,
    fields: Mapping[str, str] | None = None,
    also: Sequence[Mapping[str, Value]] = (),
) -> str:
    """What was decided, as JSON; the entities in `also` are named by their keys."""
    body: dict[str, Any] = {"keep": keep}
    if values:
        body["values"] = {name: spell(value) for name, value in values.items()}
    if fields:
        body["fields"] = dict(fields)
    if also:
        body["also"] = [key_of(entity) for entity in also]
    return _dumps(body)


def entry_of(decision: Decision) -> Entry:
    """A decision as it is stored."""
    columns, entity = key_of(decision.entity)
    body = body_of(decision.keep, decision.values, decision.fields, decision.also)
    return Entry(decision.table, columns, entity, body)


def decision_of(entry: Entry) -> Decision:
    """The reverse of `entry_of`."""
    body = json.loads(entry.body)
    return Decision(
        entry.table,
        entity_of(entry.columns, entry.entity),
        body["keep"],
        {name: unspell(value) for name, value in body.get("values", {}).items()},
        body.get("fields", {}),
        tuple(entity_of(columns, entity) for columns, entity in body.get("also", ())),
    )


def _dumps(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
