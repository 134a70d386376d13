"""Running work: a line per table or file, a total, and how long it may still take."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from consolidator_tui.tui.event_store import EventStore, Track
from consolidator_tui.tui.text import count, duration, plain, sign, size
from consolidator_tui.tui.theme import Inks

PATIENCE = 2.0
"""Seconds before a remaining time is shown: earlier ones jump about."""
_BYTES = frozenset({"bytes", "B"})


def bar(done: int, total: int | None, width: int, ink: Inks, tick: int = 0) -> Text:
    """A progress bar; while nothing is counted a short piece wanders along it."""
    text = Text(end="")
    if total is None:
        piece = max(width // 5, 2)
        at = tick % max(width - piece + 1, 1)
        text.append("─" * at, str(ink.muted))
        text.append("━" * piece, str(ink.accent))
        text.append("─" * (width - piece - at), str(ink.muted))
        return text
    full = width if total == 0 else min(width * done // total, width)
    text.append("━" * full, str(ink.good if done >= total else ink.accent))
    text.append("─" * (width - full), str(ink.muted))
    return text


def amount(number: int, unit: str) -> str:
    """A number of rows (or whatever) or bytes."""
    return size(number) if unit in _BYTES else count(number)


def track_line(track: Track, width: int, ink: Inks, tick: int) -> Text:
    """One table or file in one line of `width` cells."""
    name_width = min(max(width // 4, 14), 36)
    part = plain(track.part or ("done" if track.complete else ""), str(ink.muted))
    name = plain(track.label)
    name.truncate(name_width, overflow="ellipsis", pad=True)
    numbers = amount(track.done, track.unit)
    if track.total is not None:
        numbers += f" / {amount(track.total, track.unit)}"
    rate = track.rate
    speed = "" if rate is None or track.complete else f"{amount(round(rate), track.unit)}/s"
    state = sign("✓", ink.good) if track.complete else sign("◐", ink.accent)
    bar_width = min(max(width - name_width - 2 - 22 - 12 - 14, 8), 40)
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    text.append_text(state)
    text.append_text(name)
    text.append(" ")
    text.append_text(bar(track.done, track.total, bar_width, ink, tick))
    text.append(f" {numbers:>21}")
    text.append(f" {speed:>11} ", str(ink.muted))
    text.append_text(part)
    text.truncate(width, overflow="ellipsis")
    return text


def remaining(tracks: list[Track], elapsed: float) -> float | None:
    """Seconds that the rest will take; None before it can be said."""
    if elapsed < PATIENCE or not tracks or any(track.total is None for track in tracks):
        return None
    done = sum(track.done for track in tracks)
    total = sum(track.total or 0 for track in tracks)
    rate = sum(track.rate or 0.0 for track in tracks if not track.complete)
    if done >= total or rate <= 0:
        return None
    return (total - done) / rate


class Working(Vertical):
    """The panel of the job that runs."""

    _tick = 0

    def compose(self) -> ComposeResult:
        """What is done, the lines, the total."""
        yield Static(id="working-title", markup=False)
        with VerticalScroll(id="working-lines", can_focus=False):
            yield Static(id="working-tracks", markup=False)
        yield Static(id="working-total", markup=False)

    @property
    def complete(self) -> bool:
        """Whether all parts are mounted."""
        return bool(self.query("#working-tracks")) and bool(self.query("#working-total"))

    def show(self, title: str, store: EventStore, stopping: bool, ink: Inks) -> None:
        """Draw how far the work is; called at most ten times a second."""
        self._tick += 1
        width = max(self.size.width - 2, 40)
        tracks = list(store.tracks.values())
        heading = sign("◐", ink.accent)
        heading.append_text(plain(title, "bold"))
        if stopping:
            heading.append("  Stopping …", str(ink.warn))
        self.query_one("#working-title", Static).update(heading)
        body = Text("\n").join(track_line(track, width, ink, self._tick) for track in tracks)
        self.query_one("#working-tracks", Static).update(body)
        self._scroll_to_work(tracks)
        self.query_one("#working-total", Static).update(self._total(tracks, store, width, ink))

    def _scroll_to_work(self, tracks: list[Track]) -> None:
        last = max((n for n, track in enumerate(tracks) if track.done), default=0)
        lines = self.query_one("#working-lines", VerticalScroll)
        lines.scroll_to(y=max(last - lines.size.height + 2, 0), animate=False)

    def _total(self, tracks: list[Track], store: EventStore, width: int, ink: Inks) -> Text:
        unit = tracks[-1].unit if tracks else "rows"
        alike = [track for track in tracks if track.unit == unit]
        done = sum(track.done for track in alike)
        counted = bool(alike) and all(track.total is not None for track in alike)
        total = sum(track.total or 0 for track in alike) if counted else None
        whole = Track("Total", unit, done=done, total=total)
        text = Text(no_wrap=True, end="")
        bar_width = min(max(width - 50, 16), 60)
        text.append_text(bar(whole.done, whole.total, bar_width, ink, self._tick))
        numbers = amount(done, unit)
        if total is not None:
            numbers += f" / {amount(total, unit)}"
        text.append(f"  {numbers}", "bold")
        text.append(f"  {duration(store.elapsed)}", str(ink.muted))
        left = remaining(alike, store.elapsed)
        if left is not None:
            text.append(f"  about {duration(left)} left", str(ink.muted))
        return text
