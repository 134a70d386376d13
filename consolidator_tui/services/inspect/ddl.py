"""A small reader for the SQL text that sqlite_schema keeps (https://sqlite.org/lang_keywords.html).

It splits text into tokens without understanding expressions: enough to find the parts of a
CREATE TABLE statement byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from consolidator_tui.storage.sqlite import quote

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<text>'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
  | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
  | (?P<number>\d[\w.+]*)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CONSTRAINT_WORDS = {
    "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE",
    "REFERENCES", "GENERATED", "AS",
}  # fmt: skip
_TABLE_WORDS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The upper-case keyword, or an empty string for anything but a bare word."""
        return self.text.upper() if self.kind == "word" else ""


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of a statement without white space and comments."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), match.start(), match.end())


def unquote(token: Token) -> str:
    """The name that a token spells."""
    if token.kind == "name":
        if token.text.startswith("["):
            return token.text[1:-1]
        mark = token.text[0]
        return token.text[1:-1].replace(mark * 2, mark)
    if token.kind == "text":
        return token.text[1:-1].replace("''", "'")
    return token.text


def has_word(sql: str, word: str) -> bool:
    """Whether the keyword stands in the statement outside of quotes and comments."""
    return any(token.word == word for token in tokens(sql))


def table_parts(sql: str) -> list[list[Token]]:
    """The comma separated parts between the outer parentheses of CREATE TABLE."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens(sql):
        if token.text == "(" and token.kind == "mark":
            depth += 1
            if depth == 1:
                continue
        if token.text == ")" and token.kind == "mark":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and token.text == "," and token.kind == "mark":
            parts.append([])
        elif depth >= 1:
            parts[-1].append(token)
    return [part for part in parts if part]


@dataclass(frozen=True, slots=True)
class ColumnText:
    """One column definition as written."""

    name: str
    text: str
    """The whole definition."""
    type_text: str
    constraints: tuple[str, ...]
    """The text of each constraint, with its CONSTRAINT name if it has one."""


def column_texts(sql: str) -> list[ColumnText]:
    """The column definitions of a CREATE TABLE statement, in order."""
    found: list[ColumnText] = []
    for part in table_parts(sql):
        if found and part[0].word in _TABLE_WORDS:
            break
        found.append(_column_text(sql, part))
    return found


def column_definition(text: ColumnText, *, widened: bool = False) -> str:
    """A column definition without keys: those of a table cannot be added later."""
    kept = [c for c in text.constraints if constraint_word(c) not in ("PRIMARY", "UNIQUE")]
    return " ".join([quote(text.name), "" if widened else text.type_text, *kept])


def table_constraints(sql: str) -> list[str]:
    """The text of the table constraints, after the last column definition."""
    parts = table_parts(sql)
    columns = len(column_texts(sql))
    return [sql[part[0].start : part[-1].end] for part in parts[columns:]]


def _column_text(sql: str, part: list[Token]) -> ColumnText:
    starts: list[int] = []
    depth = 0
    named = False
    for place, token in enumerate(part[1:], start=1):
        if token.kind == "mark" and token.text in "()":
            depth += 1 if token.text == "(" else -1
        if depth or not _starts_constraint(part, place):
            continue
        if not named:
            starts.append(place)
        named = token.word == "CONSTRAINT"
    first = starts[0] if starts else len(part)
    type_tokens = part[1:first]
    bounds = [*starts, len(part)]
    return ColumnText(
        name=unquote(part[0]),
        text=sql[part[0].start : part[-1].end],
        type_text=sql[type_tokens[0].start : type_tokens[-1].end] if type_tokens else "",
        constraints=tuple(sql[part[a].start : part[b - 1].end] for a, b in pairwise(bounds)),
    )


def _starts_constraint(part: list[Token], place: int) -> bool:
    word = part[place].word
    if word not in _CONSTRAINT_WORDS:
        return False
    before = [token.word for token in part[max(0, place - 2) : place]]
    if word == "NULL":
        # NOT NULL, DEFAULT NULL and ON DELETE SET NULL go on; a bare NULL is a constraint.
        return not before or before[-1] not in {"NOT", "DEFAULT", "SET"}
    if word == "DEFAULT":
        return before[-1:] != ["SET"]
    if word == "NOT":
        follows = part[place + 1].word if place + 1 < len(part) else ""
        return follows == "NULL"
    if word == "AS":
        return before[-1:] != ["ALWAYS"]
    return True


def constraint_word(text: str) -> str:
    """The keyword of a constraint's text, after its name: PRIMARY, UNIQUE, CHECK, ..."""
    words = list(tokens(text))
    if words and words[0].word == "CONSTRAINT":
        words = words[2:]
    return words[0].word if words else ""
