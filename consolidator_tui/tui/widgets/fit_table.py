"""A table whose columns always fill the width that there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from consolidator_tui.tui.text import plain

MOST_ROWS = 1_000
"""More freeze the event loop: 100,000 rows were measured at 10 s."""


@dataclass(frozen=True, slots=True)
class Col:
    """A column: as wide as its cells between `least` and `most`; flexible ones share the rest."""

    label: str
    least: int = 0
    most: int = 40
    right: bool = False
    flex: int = 0
    """Share of the width that is left over."""
    from_width: int = 0
    """Shown only where the table is at least so wide."""
    path: bool = False
    """Cut at its start: the end of a path says more."""


Cell = str | Text
Row = tuple[str, Sequence[Cell]]
"""Key and cells."""


class FitTable(DataTable[Text], inherit_bindings=False):
    """Rows of unparsed text; `enter` is left to the screen's primary action."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False),
        Binding("down,j", "cursor_down", "Down", show=False),
        Binding("right,l", "cursor_right", "Right", show=False),
        Binding("left,h", "cursor_left", "Left", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_top", "Top", show=False),
        Binding("end,G", "scroll_bottom", "Bottom", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row (or, with a cell cursor, another cell)."""

        def __init__(self, table: FitTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> FitTable:
            """The table."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Col],
        *,
        cursor: Literal["row", "cell"] = "row",
        fixed: int = 0,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(
            cursor_type=cursor, cell_padding=1, fixed_columns=fixed, id=id, classes=classes
        )
        self._cols = tuple(columns)
        self._rows: tuple[tuple[str, tuple[Text, ...]], ...] = ()
        self._shown_cols: tuple[int, ...] = ()
        self._laid_out = 0

    def set_columns(self, columns: Sequence[Col]) -> None:
        """Take other columns; `set_rows` must follow."""
        self._cols = tuple(columns)
        self._rows = ()

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Show these rows (at most `MOST_ROWS`); the cursor stays on its key where it can."""
        shown = []
        for key, cells in rows:
            texts = tuple(cell if isinstance(cell, Text) else plain(cell) for cell in cells)
            shown.append((key, texts))
            if len(shown) == MOST_ROWS:
                break
        self._rows = tuple(shown)
        self._lay_out()

    @property
    def is_drawn(self) -> bool:
        """Whether what was given is on the screen, at the width that there is now."""
        keys = tuple(name for name, _ in self._rows)
        return self._laid_out == self.size.width and self._drawn_keys == keys

    @property
    def current_key(self) -> str | None:
        """The key of the row under the cursor."""
        if 0 <= self.cursor_row < len(self._rows):
            return self._rows[self.cursor_row][0]
        return None

    @property
    def current_column(self) -> int:
        """Which of the columns given the cursor is in."""
        if 0 <= self.cursor_column < len(self._shown_cols):
            return self._shown_cols[self.cursor_column]
        return 0

    def move_to(self, key: str) -> None:
        """Put the cursor on the row of that key, at the next layout when there is none yet."""
        if key in self._drawn_keys:
            self.move_cursor(row=self._drawn_keys.index(key), animate=False)
        else:
            self._wanted = key

    def on_resize(self, event: events.Resize) -> None:
        """Columns follow the width."""
        if event.size.width != self._laid_out:
            self._lay_out()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Tell the screen, with our own message that knows keys."""
        event.stop()
        self.post_message(self.Moved(self))

    def on_data_table_cell_highlighted(self, event: DataTable.CellHighlighted) -> None:
        """The same for a cell cursor."""
        event.stop()
        self.post_message(self.Moved(self))

    def _lay_out(self) -> None:
        width = self.size.width - self.styles.scrollbar_size_vertical
        if self.size.width == 0:
            # Not on the screen now: what is to be shown is drawn when it comes back.
            self._laid_out = 0
            return
        self._laid_out = self.size.width
        key, column = self._wanted or self.current_key_drawn, self.cursor_column
        scroll = self.scroll_offset
        self._shown_cols = tuple(n for n, c in enumerate(self._cols) if width >= c.from_width)
        self.clear(columns=True)
        widths = self._widths(width)
        for number in self._shown_cols:
            col = self._cols[number]
            label = Text(col.label, justify="right" if col.right else "left", end="")
            self.add_column(label, width=widths[number])
        for name, cells in self._rows:
            row = (self._cell(cells, number, widths[number]) for number in self._shown_cols)
            self.add_row(*row, key=name)
        self._drawn_keys = tuple(name for name, _ in self._rows)
        if key in self._drawn_keys:
            self.move_cursor(
                row=self._drawn_keys.index(key),
                column=column,
                animate=False,
                scroll=bool(self._wanted),
            )
            self._wanted = ""
        self.scroll_to(scroll.x, scroll.y, animate=False)

    _drawn_keys: tuple[str, ...] = ()
    _wanted = ""

    @property
    def current_key_drawn(self) -> str:
        """The key under the cursor among the rows that are drawn now."""
        if 0 <= self.cursor_row < len(self._drawn_keys):
            return self._drawn_keys[self.cursor_row]
        return ""

    def _cell(self, cells: tuple[Text, ...], number: int, width: int) -> Text:
        if number >= len(cells):
            return Text("", end="")
        cell = cells[number].copy()
        if self._cols[number].path and cell.cell_len > width:
            cell = Text("…" + cell.plain[len(cell.plain) - width + 1 :], cell.style)
        cell.no_wrap, cell.overflow, cell.end = True, "ellipsis", ""
        cell.justify = "right" if self._cols[number].right else "left"
        return cell

    def _widths(self, width: int) -> dict[int, int]:
        widths: dict[int, int] = {}
        for number in self._shown_cols:
            col = self._cols[number]
            content = [cell_len(col.label), col.least]
            content += [cells[number].cell_len for _, cells in self._rows if number < len(cells)]
            widths[number] = max(col.least, min(max(content), col.most))
        room = width - sum(w + 2 for w in widths.values())
        flexible = [n for n in self._shown_cols if self._cols[n].flex]
        if flexible and room > 0:
            shares = sum(self._cols[n].flex for n in flexible)
            for number in flexible:
                col = self._cols[number]
                grown = widths[number] + room * col.flex // shares
                # Far apart, the cells of a row are hard to read together.
                widths[number] = max(widths[number], min(grown, col.most))
        for number in sorted(flexible, key=lambda n: -widths[n]):
            if room >= 0:
                break
            cut = min(-room, widths[number] - max(self._cols[number].least, 6))
            widths[number] -= max(cut, 0)
            room += max(cut, 0)
        while room < 0 and max(widths.values()) > 6:
            # Nothing flexible is left to give: the widest column does.
            widest = max(widths, key=lambda n: widths[n])
            widths[widest] -= 1
            room += 1
        return widths
