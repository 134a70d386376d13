"""The one step that deletes: everything is listed, and a phrase has to be typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from consolidator_tui.domain.words import plural
from consolidator_tui.tui.modals.dialog import LEAVING
from consolidator_tui.tui.modals.phrase import (
    PhraseField,
    go_to_button,
    open_on_phrase,
    take_typed,
)
from consolidator_tui.tui.signs import WARN
from consolidator_tui.tui.text import lines, safe
from consolidator_tui.tui.widgets.bars import TooSmall


class ConfirmDelete(ModalScreen[bool]):
    """True only after exactly `phrase` was typed and Delete was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *LEAVING,
        Binding("escape", "dismiss(False)", "keep everything", show=False),
        Binding("up", "step(-1)", "Up", show=False),
        Binding("down", "step(1)", "Down", show=False),
        Binding("pageup", "turn(-1)", "Page up", show=False),
        Binding("pagedown", "turn(1)", "Page down", show=False),
    ]

    def __init__(
        self,
        files: Sequence[tuple[str, str]],
        phrase: str,
        restore: str,
        warnings: Sequence[str] = (),
        staying: Sequence[str] = (),
    ) -> None:
        """`files`: path and what is known of its backup; `restore`: the command that undoes it;
        `warnings`: what speaks against it; `staying`: other names of the files that are kept."""
        super().__init__()
        self._files, self._phrase, self._restore = files, phrase, restore
        self._warnings, self._staying = warnings, staying
        self._keys = "tab next field   esc keep everything"

    def compose(self) -> ComposeResult:
        """Files, how to get them back, phrase, buttons."""
        with Vertical(id="dialog", classes="danger"):
            yield Static(Text(f"Delete {safe(self._phrase.removeprefix('delete '))}?", "bold"))
            with VerticalScroll(id="doomed", can_focus=False):
                yield Static(self._list(), markup=False)
            yield Static(id="doomed-more", markup=False)
            yield Static(
                Text(f"They can be restored with:\n  {lines(self._restore)}"),
                id="dialog-text",
                markup=False,
            )
            yield Static(Text(f"To go on, type:  {safe(self._phrase)}"), markup=False)
            yield PhraseField()
            with Horizontal(id="dialog-buttons"):
                yield Button("Keep", compact=True, id="keep", variant="default")
                yield Button("Delete", compact=True, id="delete", variant="error", disabled=True)
            yield Static(self._keys, classes="keys", markup=False)
        yield TooSmall()

    def _list(self) -> Text:
        width = max((len(safe(path)) for path, _ in self._files), default=0)
        text = Text(end="")
        for path, known in self._files:
            text.append(f"  {safe(path):<{min(width, 44)}}  {safe(known)}\n")
        if self._warnings:
            text.append(f"\n{WARN} The application still names them:\n", "bold")
            for warning in self._warnings:
                text.append(f"  {lines(warning)}\n")
        for name in self._staying:
            text.append(f"\n  {lines(name)}")
        text.rstrip()
        return text

    def action_turn(self, by: int) -> None:
        """`pageup` and `pagedown`; the list has no focus of its own."""
        listed = self.query_one("#doomed", VerticalScroll)
        listed.scroll_relative(y=by * max(1, listed.size.height - 1), animate=False)

    def action_step(self, by: int) -> None:
        """`up` and `down`: along the list where it is longer than its place, else the fields."""
        listed = self.query_one("#doomed", VerticalScroll)
        if listed.max_scroll_y:
            listed.scroll_relative(y=by, animate=False)
        elif by < 0:
            self.app.action_focus_previous()
        else:
            self.app.action_focus_next()

    def on_mount(self) -> None:
        """Doing nothing keeps everything."""
        self.query_one("#keep", Button).focus()
        listed = self.query_one("#doomed", VerticalScroll)
        self.watch(listed, "scroll_y", self._tell_more, init=False)
        self.watch(listed, "virtual_size", self._tell_more, init=False)
        self.call_after_refresh(self._tell_more)

    def on_resize(self) -> None:
        """Another height shows more or less of the list."""
        self.call_after_refresh(self._tell_more)

    def _tell_more(self) -> None:
        """How much of the list is out of sight."""
        listed = self.query_one("#doomed", VerticalScroll)
        above = round(listed.scroll_y)
        below = max(round(listed.max_scroll_y - listed.scroll_y), 0)
        parts = [f"↑ {plural(above, 'more line')}"] if above else []
        parts += [f"↓ {plural(below, 'more line')}"] if below else []
        self.query_one("#doomed-more", Static).update(f"  {'   '.join(parts)}")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Delete opens on the exact phrase only."""
        event.stop()
        open_on_phrase(self, self._phrase, "#delete", self._keys)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in the field goes to Delete; it deletes nothing by itself."""
        event.stop()
        go_to_button(self, "#delete")

    def on_key(self, event: Key) -> None:
        """Whoever begins to type means the phrase."""
        take_typed(self, event)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Keep or delete."""
        event.stop()
        typed = self.query_one("#phrase", Input).value
        self.dismiss(event.button.id == "delete" and typed == self._phrase)
