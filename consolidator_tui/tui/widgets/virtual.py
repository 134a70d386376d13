"""What virtual lists share: texts cut to cells, and lines of a fixed width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from consolidator_tui.tui.text import safe

Part = tuple[str, int, Style]
"""Text, width in cells, style."""


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells; what does not fit is cut with an ellipsis.

    The text is data: control characters become visible first.
    """
    shown = safe(text, max(width * 2, 2))
    if cell_len(shown) <= width:
        return set_cell_size(shown, width)
    return set_cell_size(shown, max(width - 1, 0)) + ("…" if width else "")


def line(parts: Sequence[Part], width: int, base: Style) -> Strip:
    """Parts side by side, with `base` behind and beyond them."""
    segments = [Segment(fit(text, cells), base + style) for text, cells, style in parts if cells]
    return Strip(segments).adjust_cell_length(width, base)
