"""The keys of this screen in one line of at most 80 cells, the screen's own first."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.binding import Binding
from textual.events import Click
from textual.screen import Screen
from textual.widgets import Static

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp

LAST = ("stop", "log", "help", "ask_quit")
"""Actions that are the same everywhere come behind the screen's own."""
GAP = "  "


class KeyBar(Static):
    """Follows the active bindings; a click presses the key."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._places: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._draw()

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._draw()

    def shown(self) -> list[Binding]:
        """The bindings that are shown, in order."""
        found: dict[str, Binding] = {}
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if binding.show and enabled and binding.description:
                found.setdefault(binding.action, binding)
        bindings = list(found.values())
        return sorted(bindings, key=lambda b: LAST.index(b.action) + 1 if b.action in LAST else 0)

    def _draw(self) -> None:
        ink = cast("ConsolidatorApp", self.app).ink
        text = Text(" ", no_wrap=True, end="")
        self._places = []
        for binding in self.shown():
            start = text.cell_len
            text.append(self.app.get_key_display(binding), str(ink.accent + ink.strong))
            text.append(f" {binding.description}", str(ink.muted))
            self._places.append((start, text.cell_len, binding.key))
            text.append(GAP)
        text.rstrip()
        self.update(text)

    def on_click(self, event: Click) -> None:
        """The mouse can press keys too."""
        for start, end, key in self._places:
            if start <= event.x < end:
                self.app.simulate_key(key)
