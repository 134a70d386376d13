"""Typed access to parsed TOML, with errors that name the line."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.plan import Condition, RowNamed, Value
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.plan_document import lines as plan_lines
from consolidator_tui.services.plan_document.lines import Path
from consolidator_tui.services.plan_document.values import Misspelled, read_text, read_value

_T = TypeVar("_T")
TOP = ("target", "base", "sources", "on_conflict", "on_drift")
"""Keys of the whole plan; pasted at its end they would belong to the last table."""
_KINDS = {
    bool: "true or false",
    str: "a text",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "a table",
}


class Origin:
    """The text of a document and its name: what an error points into."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name

    def refuse(self, path: Path, reason: str, todo: str = "") -> NoReturn:
        """Raise PlanError for a place in the document."""
        # Positions are computed only here: a plan with many decisions is read without them.
        lines = plan_lines.find_lines(self.text) if self.text else {}
        line = plan_lines.line_of(lines, path)
        where = self.name if line is None else f"{self.name}, line {line}"
        raise PlanError(f"{where}: {reason}", todo=todo)


class Reader:
    """One table of the document. Every method raises PlanError where the document is wrong."""

    def __init__(self, origin: Origin, data: Mapping[str, Any], path: Path, title: str) -> None:
        self._origin = origin
        self._data = data
        self.path = path
        self._title = title

    def refuse(self, reason: str, *below: str | int, todo: str = "") -> NoReturn:
        """Raise PlanError for this table, or for a key below it."""
        self._origin.refuse((*self.path, *below), reason, todo)

    def only(self, *known: str) -> None:
        """Refuse every key that is not among `known`."""
        for key in self._data:
            if key not in known:
                if self.path and key in TOP:
                    hint = "It belongs at the top of the plan, above the first [table]."
                    self.refuse(f"`{key}` stands in {self._title}.", key, todo=hint)
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(known)}."
                self.refuse(f"unknown key `{key}` in {self._title}.", key, todo=hint)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def text(self, key: str) -> str | None:
        """A text, or None where the key is absent."""
        raw = self._typed(key, str)
        return None if raw is None else self._read(read_text, raw, key)

    def need_text(self, key: str) -> str:
        """A text that must be there."""
        found = self.text(key)
        if found is None:
            self.refuse(f"{self._title} lacks `{key}`.")
        return found

    def flag(self, key: str) -> bool:
        """A truth value, false where the key is absent."""
        return bool(self._typed(key, bool))

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of different texts, empty where the key is absent."""
        raw = self._typed(key, list) or []
        for item in raw:
            if not isinstance(item, str):
                self.refuse(f"`{key}` must hold texts only.", key)
        texts = tuple(self._read(read_text, item, key) for item in raw)
        self._refuse_repeated(key, texts)
        return texts

    def need_texts(self, key: str) -> tuple[str, ...]:
        """An array of texts that must be there and hold something."""
        found = self.texts(key)
        if not found:
            self.refuse(f"{self._title} needs `{key}` with at least one name.", key)
        return found

    def file(self, key: str) -> str | None:
        """A path as people write it, in the one spelling that the tool uses."""
        raw = self.text(key)
        return None if raw is None else self.clean_path(raw, key)

    def files(self, key: str) -> tuple[str, ...]:
        """Paths, each once."""
        paths = tuple(self.clean_path(raw, key) for raw in self.texts(key))
        self._refuse_repeated(key, paths)
        return paths

    def clean_path(self, raw: str, *below: str) -> str:
        """A path without `./` and doubled slashes. Refuses what no path can be."""
        if not raw or "\0" in raw:
            self.refuse(f"{raw!r} is not a path.", *below)
        return os.path.normpath(raw)

    def rules(self, key: str) -> tuple[Rule, ...] | None:
        """Survivorship rules in order, or None where the key is absent."""
        if not self.has(key):
            return None
        rules: list[Rule] = []
        for name in self.texts(key):
            if name not in tuple(Rule):
                known = ", ".join(Rule)
                self.refuse(
                    f"`{key}` holds `{name}`, which is no rule.", key, todo=f"Rules: {known}."
                )
            rules.append(Rule(name))
        if Rule.STOP in rules[:-1]:
            self.refuse(f"in `{key}`, rules after `stop` would never be tried.", key)
        return tuple(rules)

    def values(self, key: str) -> dict[str, Value]:
        """A table of names and values, empty where the key is absent."""
        raw = self._typed(key, dict) or {}
        return {
            self._read(read_text, name, key, name): self._read(read_value, value, key, name)
            for name, value in raw.items()
        }

    def conditions(self, key: str) -> dict[str, Condition]:
        """A table of names and values, or of rows: `{row = {...}}`."""
        found: dict[str, Condition] = {}
        part = self.table(key)
        for name, raw in part._data.items():
            column = self._read(read_text, name, key, name)
            if isinstance(raw, dict) and set(raw) == {"row"}:
                row = part.table(name).table("row").all_values()
                found[column] = RowNamed(tuple(row.items()))
            else:
                found[column] = self._read(read_value, raw, key, name)
        return found

    def value_list(self, key: str) -> tuple[Value, ...]:
        """An array of values."""
        return tuple(self._read(read_value, item, key) for item in self._typed(key, list) or [])

    def values_list(self, key: str) -> tuple[dict[str, Value], ...]:
        """An array of tables of names and values."""
        return tuple(part.all_values() for part in self.array(key))

    def all_values(self) -> dict[str, Value]:
        """This whole table as names and values. Refuses an empty one."""
        if not self._data:
            self.refuse("it needs the columns and values that name a row.")
        return {
            self._read(read_text, name, name): self._read(read_value, value, name)
            for name, value in self._data.items()
        }

    def names(self, key: str) -> dict[str, str]:
        """A table of names and texts."""
        found: dict[str, str] = {}
        for name, value in self.values(key).items():
            if not isinstance(value, str):
                self.refuse(f"`{name}` must be a text.", key, name)
            found[name] = value
        return found

    def table(self, key: str) -> Reader:
        """The table under a key; empty where the key is absent."""
        return self._below(self._typed(key, dict) or {}, key)

    def tables(self, key: str) -> Iterator[tuple[str, Reader]]:
        """The named tables inside the table under a key."""
        outer = self.table(key)
        for name in outer._data:
            yield self._read(read_text, name, key, name), outer.table(name)

    def array(self, key: str) -> Iterator[Reader]:
        """The tables of an array of tables."""
        for place, item in enumerate(self._typed(key, list) or []):
            if not isinstance(item, dict):
                self.refuse(f"`{key}` must be written as [[{key}]].", key)
            yield Reader(self._origin, item, (*self.path, key, place), f"[[{key}]]")

    def raw(self, key: str) -> Any:
        """Whatever stands under the key."""
        return self._data.get(key)

    def _below(self, data: Mapping[str, Any], key: str) -> Reader:
        inside = self._title.strip("[]") if self.path else ""
        return Reader(
            self._origin, data, (*self.path, key), f"[{inside}{'.' if inside else ''}{key}]"
        )

    def _typed(self, key: str, kind: type[_T]) -> _T | None:
        value = self._data.get(key)
        if value is None:
            return None
        if not isinstance(value, kind):
            found = _KINDS.get(type(value), "a date or a time")
            self.refuse(f"`{key}` must be {_KINDS[kind]}, not {found}.", key)
        return value

    def _read(self, read: Callable[[Any], _T], raw: Any, *below: str) -> _T:
        try:
            return read(raw)
        except Misspelled as error:
            self.refuse(f"`{below[-1]}`: {error}.", *below)

    def _refuse_repeated(self, key: str, texts: tuple[str, ...]) -> None:
        seen: set[str] = set()
        for text in texts:
            if text in seen:
                self.refuse(f"`{key}` names `{text}` twice.", key)
            seen.add(text)
