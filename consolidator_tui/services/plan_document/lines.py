"""On which line of a TOML text a key stands; the parsers of TOML keep no positions."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""A place in a document: names of tables and keys, and places (from 0) in arrays of tables."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")
_KEY_PART = re.compile(r"[ \t]*(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*", re.DOTALL)
_VALUE_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}'
    r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[{]|[\]}]|\n|[^"\'#\[\]{}\n]+',
    re.DOTALL,
)


def find_lines(text: str) -> Mapping[Path, int]:
    """Every header and key of a valid TOML text with its line, counted from 1.

    Values inside arrays and inline tables are not listed: their statement's line is theirs.
    """
    return _Walk(text).lines


@dataclass(frozen=True, slots=True)
class Section:
    """A table's header with the lines below it, up to the next header."""

    path: Path
    line: int
    """Of the header, counted from 1."""
    start: int
    end: int
    """Characters of the text, the end excluded."""


def sections(text: str) -> list[Section]:
    """The sections of a text in order. Raises ValueError where it is no TOML."""
    headers = _Walk(text).headers
    ends = [start for _, _, start in headers[1:]] + [len(text)]
    return [
        Section(path, line, start, end)
        for (path, line, start), end in zip(headers, ends, strict=True)
    ]


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a place, or of the nearest place around it that has one."""
    for length in range(len(path), 0, -1):
        line = lines.get(path[:length])
        if line is not None:
            return line
    return None


class _Walk:
    """One pass over the statements of a text that a TOML parser has accepted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[Path, int] = {}
        self.headers: list[tuple[Path, int, int]] = []
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._sizes: dict[Path, int] = {}
        self._at = 0
        self._table: Path = ()
        while self._skip_blank():
            self._statement()

    def _skip_blank(self) -> bool:
        blank = _BLANK.match(self.text, self._at)
        if blank:
            self._at = blank.end()
        return self._at < len(self.text)

    def _statement(self) -> None:
        start, line = self._at, bisect_right(self._breaks, self._at) + 1
        if self.text.startswith("[[", self._at):
            self._at += 2
            path = self._resolve(self._key())
            place = self._sizes.get(path, 0)
            self._sizes[path] = place + 1
            self._table = (*path, place)
            self._at += 2
        elif self.text[self._at] == "[":
            self._at += 1
            self._table = self._resolve(self._key())
            self._at += 1
        else:
            path = (*self._table, *self._key())
            self._at += 1
            self._skip_value()
            self._note(path, line)
            return
        self.headers.append((self._table, line, start))
        self._note(self._table, line)

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _resolve(self, key: tuple[str, ...]) -> Path:
        """A header's key, with the current place in every array of tables that it goes through."""
        path: Path = ()
        for number, part in enumerate(key, start=1):
            path = (*path, part)
            if number < len(key) and path in self._sizes:
                path = (*path, self._sizes[path] - 1)
        return path

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            match = _KEY_PART.match(self.text, self._at)
            if match is None:
                raise ValueError(f"no key at character {self._at}")
            raw = match[1]
            parts.append(tomllib.loads(f"k = {raw}")["k"] if raw[0] in "\"'" else raw)
            self._at = match.end()
            if self.text[self._at : self._at + 1] != ".":
                return tuple(parts)
            self._at += 1

    def _skip_value(self) -> None:
        depth = 0
        while token := _VALUE_TOKEN.match(self.text, self._at):
            if token[0] == "\n" and depth == 0:
                return
            depth += (token[0] in "[{") - (token[0] in "]}")
            self._at = token.end()
