"""The lines around a step's content: its title, its primary action, and "too small"."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.model import Safety
from consolidator_tui.tui.steps import NAMES, PURPOSES
from consolidator_tui.tui.text import plain, safe
from consolidator_tui.tui.theme import Inks


@dataclass(frozen=True, slots=True)
class Primary:
    """What `enter` does on a screen now."""

    label: str
    hint: str = ""
    """Why it is disabled, or what it will do."""
    enabled: bool = True
    danger: bool = False


class TitleBar(Horizontal):
    """The step and what it found so far; on narrow terminals also what is safe."""

    def compose(self) -> ComposeResult:
        """Left and right part."""
        yield Static(id="title-left", markup=False)
        yield Static(id="title-right", markup=False)

    def show(self, step: Step, summary: str, safety: Safety, ink: Inks) -> None:
        """Say where we are."""
        left = Text(no_wrap=True, overflow="ellipsis", end="")
        left.append(NAMES[step], str(ink.strong))
        left.append("  ")
        left.append_text(plain(summary or PURPOSES[step], str(ink.muted)))
        self.query_one("#title-left", Static).update(left)
        right = Text(safety.brief, str(ink.muted), no_wrap=True, end="")
        self.query_one("#title-right", Static).update(right)


class ActionBar(Horizontal):
    """The primary action as a button, and a hint beside it."""

    def compose(self) -> ComposeResult:
        """Button and hint."""
        button = Button("", variant="primary", compact=True, id="primary")
        # `enter` is the same wherever the focus is; a focused button would only be one stop more.
        button.can_focus = False
        yield button
        yield Static(id="hint", markup=False)

    def show(self, primary: Primary, ink: Inks) -> None:
        """Name the action."""
        button = self.query_one(Button)
        label = f"↩ {safe(primary.label)}"
        if str(button.label) != label:
            button.label = Text(label)
            button.refresh(layout=True)
        button.disabled = not primary.enabled
        button.variant = "error" if primary.danger else "primary"
        self.query_one("#hint", Static).update(plain(primary.hint, str(ink.muted)))


class TooSmall(Static):
    """Covers everything below 80x24."""

    def __init__(self) -> None:
        text = "Please enlarge the terminal to 80x24 or more."
        super().__init__(text, markup=False, id="too-small")
