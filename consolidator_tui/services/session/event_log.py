"""Where events go: to everybody who listens, and in batches into the run's database."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.discovery import FileFound
from consolidator_tui.domain.event import (
    Emit,
    Event,
    Level,
    Message,
    PhaseTimed,
    Progress,
    Step,
)
from consolidator_tui.domain.smoke import SmokeOutput
from consolidator_tui.storage.run_db import RunStore

_NOT_KEPT = (Progress, FileFound, SmokeOutput)
"""Events that only matter while they happen, or that may hold values of rows."""


class EventLog:
    """Hands every event to the listeners at once, and keeps it until it can be stored."""

    def __init__(self) -> None:
        self._listeners: list[Emit] = []
        self._waiting: list[Event] = []
        self.messages: list[Message] = []
        """What people should know so far, each once."""
        self._told: set[Message] = set()
        self.timings: dict[str, float] = {}
        """Seconds per phase so far."""

    def add_listener(self, emit: Emit) -> None:
        """Hand later events to `emit` as well, and first what people should know so far.

        Nobody can listen yet while a session is opened and puts right what a dead process left.
        """
        for message in self.messages:
            emit(message)
        self._listeners.append(emit)

    def emit(self, event: Event) -> None:
        """Take an event; call it on the event loop's thread."""
        if isinstance(event, Message) and event.level is not Level.DEBUG:
            if event in self._told:
                return
            self._told.add(event)
            self.messages.append(event)
        if isinstance(event, PhaseTimed):
            self.timings[event.phase] = self.timings.get(event.phase, 0.0) + event.seconds
        if not isinstance(event, _NOT_KEPT):
            self._waiting.append(event)
        for listener in self._listeners:
            listener(event)

    def say(self, step: Step, level: Level, text: str, line: int = 0, **place: str) -> None:
        """Emit a message; `place` are its table, column, file and fix, `line` one of the file."""
        self.emit(Message(step, level, text, line=line, **place))

    def withdraw(self, messages: Sequence[Message]) -> None:
        """What these said holds no longer; the events that told it stay."""
        gone = set(messages)
        self.messages[:] = [message for message in self.messages if message not in gone]
        self._told -= gone

    async def store(self, store: RunStore) -> None:
        """Write what waits into the run's database. Raises DiskFull, LockedError or Failed."""
        waiting: Sequence[Event] = self._waiting
        self._waiting = []
        await store.append_events(waiting)
