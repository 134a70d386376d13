"""What the services told so far: lines for the log, and the progress of each table or file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from consolidator_tui.domain.discovery import FileFound
from consolidator_tui.domain.event import (
    Event,
    Level,
    Message,
    PhaseTimed,
    Progress,
    Step,
    StepFailed,
    StepFinished,
    StepStarted,
    TableMerged,
)
from consolidator_tui.tui.text import count, duration, safe

MOST_LINES = 5_000
WINDOW = 5.0
"""Seconds over which a rate is taken: long enough to be calm, short enough to follow."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log; `number` grows by one from line to line."""

    number: int
    time: datetime
    step: Step
    level: Level
    text: str


@dataclass(slots=True)
class Track:
    """How far the work on one table or file is."""

    label: str
    unit: str = "rows"
    part: str = ""
    done: int = 0
    total: int | None = None
    samples: deque[tuple[float, int]] = field(default_factory=deque)

    def take(self, event: Progress, now: float) -> None:
        """Note a progress event at `now` (seconds of a monotonic clock)."""
        if event.part != self.part or event.unit != self.unit or event.done < self.done:
            self.samples.clear()
        self.part, self.unit = event.part, event.unit
        self.done, self.total = event.done, event.total
        self.samples.append((now, event.done))
        while len(self.samples) > 2 and now - self.samples[0][0] > WINDOW:
            self.samples.popleft()

    @property
    def complete(self) -> bool:
        """Whether all of it is done."""
        return self.total is not None and self.done >= self.total

    @property
    def rate(self) -> float | None:
        """Units a second over the last seconds; None while that is not known."""
        if len(self.samples) < 2:
            return None
        (first, before), (last, after) = self.samples[0], self.samples[-1]
        return (after - before) / (last - first) if last - first > 0.2 else None


class EventStore:
    """Collects events; screens read it and never the services' stream itself."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self._lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._number = 0
        self.tracks: dict[str, Track] = {}
        self.started = 0.0

    def begin(self) -> None:
        """Forget the progress of the job before; the log stays."""
        self.tracks.clear()
        self.started = self._monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since `begin`."""
        return self._monotonic() - self.started

    @property
    def newest(self) -> int:
        """The number of the last line, 0 for none."""
        return self._number

    def lines(self, after: int = 0) -> Iterator[LogLine]:
        """The lines with a number above `after`, oldest first."""
        return (line for line in self._lines if line.number > after)

    def last(self) -> LogLine | None:
        """The newest line that is worth a person's look."""
        shown = (line for line in reversed(self._lines) if line.level is not Level.DEBUG)
        return next(shown, None)

    def take(self, event: Event) -> None:
        """Note one event."""
        if isinstance(event, Progress):
            track = self.tracks.setdefault(event.label, Track(event.label))
            track.take(event, self._monotonic())
            return
        line = described(event)
        if line is not None:
            self.add(event.step, *line)

    def add(self, step: Step, level: Level, text: str) -> None:
        """Add a line of the wizard's own."""
        self._number += 1
        self._lines.append(LogLine(self._number, self._now(), step, level, safe(text)))


def described(event: Event) -> tuple[Level, str] | None:
    """Level and text of an event's log line; None for events that are no lines."""
    match event:
        case StepStarted():
            return Level.DEBUG, "started"
        case StepFinished():
            return Level.INFO, f"✓ {event.summary or 'done'} ({duration(event.seconds)})"
        case StepFailed():
            return Level.ERROR, f"{event.title}: {event.sentence}"
        case PhaseTimed():
            return Level.DEBUG, f"{event.phase} took {duration(event.seconds)}"
        case TableMerged():
            return Level.INFO, (
                f"{event.table}: {count(event.source)} read, {count(event.new)} new, "
                f"{count(event.duplicate)} duplicate, {count(event.conflict)} in conflict, "
                f"{count(event.rekeyed)} re-keyed"
            )
        case FileFound():
            return Level.DEBUG, f"found {event.file.path} ({event.file.kind.replace('_', ' ')})"
        case Message():
            place = " · ".join(event.unnamed)
            return event.level, f"{event.text} ({place})" if place else event.text
        case _:
            return None
