"""The keys of this screen in one line of at most 80 cells, the screen's own first."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
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
LEAST = 80
"""Cells of the smallest terminal."""


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
        """The bindings that are shown, in order; the screen's last ones only where they fit."""
        found: dict[str, Binding] = {}
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if binding.show and enabled and binding.description:
                found.setdefault(binding.action, binding)
        bindings = list(found.values())
        own = [binding for binding in bindings if binding.action not in LAST]
        rest = sorted((b for b in bindings if b.action in LAST), key=lambda b: LAST.index(b.action))
        while own and self._length(own + rest) > max(self.size.width, LEAST):
            own.pop()
        return own + rest

    def _length(self, bindings: list[Binding]) -> int:
        words = (f"{self.app.get_key_display(b)} {b.description}" for b in bindings)
        return 1 + cell_len(GAP.join(words))

    def on_resize(self) -> None:
        """More keys fit, or fewer."""
        self._draw()

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
