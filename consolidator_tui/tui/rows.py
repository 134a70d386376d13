"""Rows of data as aligned text: what differs in SQLite looks different."""

from __future__ import annotations

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


def preview_text(preview: Preview, ink: Inks) -> Text:
    """The first rows of a table as columns, one line per row."""
    if not preview.rows:
        return Text("no rows", str(ink.muted))
    widths = [
        min(max(len(safe(name)), *(len(safe(row[n].text, 60)) for row in preview.rows)), WIDEST)
        for n, name in enumerate(preview.columns)
    ]
    text = Text(end="", no_wrap=True)
    for name, width in zip(preview.columns, widths, strict=True):
        heading = Text(safe(name), str(ink.muted), no_wrap=True, end="")
        heading.truncate(width, overflow="ellipsis", pad=True)
        text.append_text(heading)
        text.append("  ")
    for row in preview.rows:
        text.append("\n")
        for value, width in zip(row, widths, strict=True):
            text.append_text(cell_text(value, ink, width))
            text.append("  ")
    return text
