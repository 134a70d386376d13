"""Values in full, one below the other, to be scrolled through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from consolidator_tui.domain.cells import CellKind, cell
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.modals.dialog import LEAVING
from consolidator_tui.tui.text import lines, plain
from consolidator_tui.tui.widgets.bars import TooSmall

MOST = 100_000
"""Characters of one value; more is counted."""


class Viewer(ModalScreen[None]):
    """Each value under its source; a blob as hexadecimal digits, a `Group` as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *LEAVING,
        Binding("escape,o,q,enter", "dismiss(None)", "back", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, title: str, values: Sequence[tuple[str, Value | Group]]) -> None:
        super().__init__()
        self._title, self._values = title, values

    def compose(self) -> ComposeResult:
        """Title, values, keys."""
        with Vertical(id="dialog", classes="tall"):
            yield Static(plain(self._title, "bold"), id="dialog-title", markup=False)
            with VerticalScroll(id="viewer"):
                for source, value in self._values:
                    yield Static(plain(source, "bold"), markup=False)
                    shown = value if isinstance(value, Group) else full_text(value)
                    yield Static(shown, markup=False, classes="value")
            yield Static("arrows scroll   esc back", classes="keys", markup=False)
        yield TooSmall()

    def on_mount(self) -> None:
        """Scroll at once."""
        self.query_one(VerticalScroll).focus()

    def action_scroll(self, by: int) -> None:
        """`j` and `k`."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


def full_text(value: Value) -> Text:
    """A value with its line ends, and what it is where that does not show."""
    shown = cell(value, limit=60)
    if isinstance(value, bytes):
        digits = value[: MOST // 4].hex(" ", 4)
        return Text(f"{shown.text}\n{digits}")
    if isinstance(value, str) and value:
        text = lines(value[:MOST], MOST)
        more = f"\n… {len(value):,} characters in all" if len(value) > MOST else ""
        return Text(f"text, {plural(len(value), 'character')}\n{text}{more}")
    kind = "" if shown.kind is CellKind.NULL else f"{shown.kind}\n"
    return Text(f"{kind}{shown.text}")
