"""Tables of plan.toml that are continued further down, as pasted lines leave them.

TOML forbids a second `[tables.users]` (https://toml.io/en/v1.0.0#table). In a plan it is read as
the continuation of the first: keys are added; a key that stands in both must say the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.services.plan_document.lines import Path, Section, sections

CONTINUED = ("tables", "mapping")
"""Only tables of these are united; arrays of tables may stand anywhere by themselves."""


def united_tables(text: str, name: str) -> dict[str, Any]:
    """The data of a TOML text in which tables may be continued.

    Raises tomllib.TOMLDecodeError with lines of `text`, PlanError for a key that two parts of
    one table set differently; `name` is the file's name for that.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        parts = _continuations(text)
        if not parts:
            raise
    rest = text
    for part in parts:
        blank = "\n" * text.count("\n", part.start, part.end)
        rest = rest[: part.start] + blank.rjust(part.end - part.start) + rest[part.end :]
    data = tomllib.loads(rest)
    for part in parts:
        # The lines before it are kept empty, so that an error names the right one.
        above = "\n" * text.count("\n", 0, part.start)
        added = tomllib.loads(above + text[part.start : part.end])
        _unite(data, added, (), part, name)
    return data


def _continuations(text: str) -> list[Section]:
    """The sections whose table was declared before; none where the text cannot be walked."""
    seen: set[Path] = set()
    found = []
    try:
        listed = sections(text)
    except ValueError:
        return []
    for section in listed:
        if section.path[:1] and section.path[0] in CONTINUED:
            if section.path in seen:
                found.append(section)
            seen.add(section.path)
    return found


def _unite(
    data: dict[str, Any], added: Mapping[str, Any], at: Path, part: Section, name: str
) -> None:
    for key, value in added.items():
        if key not in data:
            data[key] = value
            continue
        there = data[key]
        if isinstance(there, dict) and isinstance(value, dict) and len(at) < len(part.path):
            _unite(there, value, (*at, key), part, name)
        elif there != value or type(there) is not type(value):
            title = ".".join(map(str, part.path))
            raise PlanError(
                f"{name}, line {part.line}: [{title}] stands here again, and its `{key}` differs "
                "from the first one's.",
                todo=f"Keep one of the two: `{key}` is {there!r} above and {value!r} here.",
            )
