"""Dialogs that choose from a list: one of it, or several in an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.signs import CHOSEN, NOT_CHOSEN
from consolidator_tui.tui.text import lines, plain
from consolidator_tui.tui.widgets.fit_table import Col, FitTable


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to choose."""

    key: str
    label: str
    why: str = ""


class PickOne(Dialog[str]):
    """Ends with the key of the item chosen, or None; digits choose at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "choose", show=False),
        *(Binding(str(n), f"number({n})", f"Choose {n}", show=False) for n in range(1, 10)),
    ]

    def __init__(self, title: str, text: str, items: Sequence[Item], current: str = "") -> None:
        super().__init__(title)
        self._text, self._items, self._current = text, tuple(items), current

    def content(self) -> ComposeResult:
        """The text and the list."""
        if self._text:
            yield Static(lines(self._text), id="dialog-text", markup=False)
        yield FitTable(
            [Col("", most=1), Col("", least=10, most=34, flex=1), Col("", most=60, flex=2)],
            id="picks",
        )
        yield Static("enter choose   1-9 choose at once   esc cancel", classes="keys", markup=False)

    def on_mount(self) -> None:
        """The cursor is on what holds now."""
        table = self.query_one(FitTable)
        table.show_header = False
        table.styles.height = min(len(self._items), 12)
        table.set_rows(
            (str(n), (str(n) if n < 10 else "", plain(item.label), plain(item.why)))
            for n, item in enumerate(self._items, 1)
        )
        keys = [item.key for item in self._items]
        if self._current in keys:
            table.move_to(str(keys.index(self._current) + 1))
        table.focus()

    def action_choose(self) -> None:
        """`enter`."""
        key = self.query_one(FitTable).current_key
        if key is not None:
            self.action_number(int(key))

    def action_number(self, number: int) -> None:
        """A digit."""
        if number <= len(self._items):
            self.dismiss(self._items[number - 1].key)


class PickOrder(Dialog[tuple[str, ...]]):
    """Ends with the keys chosen, in their order, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", show=False),
        Binding("space", "mark", "choose", show=False),
        Binding("plus,K,shift+up", "move(-1)", "earlier", show=False),
        Binding("minus,J,shift+down", "move(1)", "later", show=False),
    ]

    def __init__(
        self, title: str, text: str, items: Sequence[Item], chosen: Sequence[str], least: int = 1
    ) -> None:
        """`chosen` come first, in their order; at least `least` must be chosen."""
        super().__init__(title)
        by_key = {item.key: item for item in items}
        first = [by_key[key] for key in chosen if key in by_key]
        self._items = [*first, *(item for item in items if item not in first)]
        self._chosen = {item.key for item in first}
        self._text, self._least = text, least

    def content(self) -> ComposeResult:
        """The text and the list."""
        yield Static(lines(self._text), id="dialog-text", markup=False)
        yield FitTable(
            [Col("", most=1), Col("", least=10, most=34, flex=1), Col("", most=60, flex=2)],
            id="picks",
        )
        keys = "space choose   + earlier   - later   enter accept   esc cancel"
        yield Static(keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Draw."""
        table = self.query_one(FitTable)
        table.show_header = False
        table.styles.height = min(len(self._items), 12)
        self._draw()
        table.focus()

    def _draw(self) -> None:
        self.query_one(FitTable).set_rows(
            (
                item.key,
                (
                    CHOSEN if item.key in self._chosen else NOT_CHOSEN,
                    plain(item.label),
                    plain(item.why),
                ),
            )
            for item in self._items
        )

    def action_mark(self) -> None:
        """`space`."""
        key = self.query_one(FitTable).current_key
        if key is not None:
            self._chosen ^= {key}
            self._draw()

    def action_move(self, by: int) -> None:
        """`+` and `-`."""
        key = self.query_one(FitTable).current_key
        place = next((n for n, item in enumerate(self._items) if item.key == key), None)
        if place is None or not 0 <= place + by < len(self._items):
            return
        items = self._items
        items[place], items[place + by] = items[place + by], items[place]
        self._draw()

    def action_accept(self) -> None:
        """`enter`."""
        chosen = tuple(item.key for item in self._items if item.key in self._chosen)
        if len(chosen) < self._least:
            self.app.bell()
            return
        self.dismiss(chosen)
