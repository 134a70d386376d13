"""Rows of data as aligned text: what differs in SQLite looks different."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from consolidator_tui.domain.cells import Cell, CellKind
from consolidator_tui.domain.inspection import Preview
from consolidator_tui.tui.text import safe
from consolidator_tui.tui.theme import Inks

WIDEST = 28


def cell_style(cell: Cell, ink: Inks) -> Style:
    """NULL and blobs stand back, so that a text that reads the same is not taken for them."""
    return ink.muted if cell.kind in (CellKind.NULL, CellKind.BLOB) else Style()


def cell_text(cell: Cell, ink: Inks, width: int) -> Text:
    """A cell cut or filled to `width`."""
    text = Text(safe(cell.text, 400), cell_style(cell, ink), no_wrap=True, end="")
    text.truncate(width, overflow="ellipsis")
    text.align("right" if cell.right else "left", width)
    return text


def preview_text(preview: Preview, width: int, ink: Inks) -> Text:
    """The first rows of a table as columns; what does not fit the width is left out and said."""
    if not preview.rows:
        return Text("no rows", str(ink.muted))
    widths = [
        min(max(len(safe(name)), *(len(safe(row[n].text, 60)) for row in preview.rows)), WIDEST)
        for n, name in enumerate(preview.columns)
    ]
    shown = fitting(widths, width - 14)
    text = Text(end="", no_wrap=True)
    for n in shown:
        text.append(f"{safe(preview.columns[n])[: widths[n]]:<{widths[n]}}  ", str(ink.muted))
    hidden = len(widths) - len(shown)
    if hidden:
        text.append(f"+{hidden} columns", str(ink.muted))
    for row in preview.rows:
        text.append("\n")
        for n in shown:
            text.append_text(cell_text(row[n], ink, widths[n]))
            text.append("  ")
    return text


def fitting(widths: Sequence[int], room: int) -> list[int]:
    """The first columns that fit into `room`, at least one."""
    shown: list[int] = []
    for number, width in enumerate(widths):
        room -= width + 2
        if room < 0 and shown:
            break
        shown.append(number)
    return shown
