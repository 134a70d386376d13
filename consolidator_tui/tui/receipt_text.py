"""A run's receipt as it is read on a screen: headings, sentences and tables, not Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consolidator_tui.domain.words import plural
from consolidator_tui.tui.text import safe

MOST_ROWS = 200
"""Rows of one table; layout time grows with them, and the file has all."""
_CELLS = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\(.)")


def receipt(markdown: str) -> Group:
    """The text of report.md; whatever a name in it holds, it stays text."""
    return Group(*_blocks(markdown.splitlines()))


def _blocks(lines: list[str]) -> Iterator[RenderableType]:
    place = 0
    while place < len(lines):
        line = lines[place]
        if line.startswith("|"):
            end = next(
                (n for n in range(place, len(lines)) if not lines[n].startswith("|")), len(lines)
            )
            yield from _table(lines[place:end])
            place = end
            continue
        if line.startswith("#"):
            yield Text(_plain(line.lstrip("#").strip()), "bold underline")
        else:
            yield Text(_plain(line))
        place += 1


def _table(lines: list[str]) -> Iterator[RenderableType]:
    heads, rows = _cells(lines[0]), [_cells(line) for line in lines[2:]]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(Text(head), overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(Text(cell) for cell in row))
    yield table
    if len(rows) > MOST_ROWS:
        yield Text(f"… and {plural(len(rows) - MOST_ROWS, 'more row')} in report.md")


def _cells(line: str) -> list[str]:
    return [_plain(cell.strip()) for cell in _CELLS.split(line)[1:-1]]


def _plain(text: str) -> str:
    return safe(_ESCAPED.sub(r"\1", text))
