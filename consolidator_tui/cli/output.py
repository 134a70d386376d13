"""What the command line prints: progress for people on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

from consolidator_tui.domain.cells import printable
from consolidator_tui.domain.discovery import FileFound
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import (
    Event,
    Level,
    Message,
    PhaseTimed,
    Progress,
    StepFailed,
    StepFinished,
    StepStarted,
    TableMerged,
)
from consolidator_tui.domain.run import step_name
from consolidator_tui.domain.smoke import SmokeEnded, SmokeOutput, SmokeStarted, started_in

_PROGRESS_SECONDS = 0.1
"""At most ten updates a second."""
_MARKS = {Level.WARNING: "!", Level.ERROR: "\N{MULTIPLICATION SIGN}"}


class Output:
    """Writes lines; a reader that went away (a closed pipe or terminal) is no error."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None):
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._live = not as_json and self._err.isatty()
        self._line_open = False
        self._last_progress = 0.0
        self._told: set[str] = set()

    def result(self, text: str) -> None:
        """A line of the summary. The text may hold anything: it is made printable."""
        self._write(self._out, printable(text) + "\n")

    def document(self, text: str) -> None:
        """A whole text for another program, as it is."""
        self._write(self._out, text)

    def object(self, plain: object) -> None:
        """One JSON line."""
        self._write(self._out, json.dumps(as_plain(plain), ensure_ascii=True) + "\n")

    def note(self, text: str) -> None:
        """A line for people, beside the result."""
        self._end_line()
        self._write(self._err, printable(text) + "\n")

    def error(self, error: ConsolidatorError) -> None:
        """Title, sentence and what to do next."""
        self.note(f"{error.title}: {error.sentence}")
        if error.todo:
            self.note(f"  {error.todo}")

    def event(self, event: Event) -> None:
        """An event of a service: a JSON line, or progress for people."""
        if self.as_json:
            self.object(event_object(event))
        elif isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, Message):
            self._message(event)
        elif isinstance(event, SmokeStarted):
            what = started_in(event.command, event.folder)
            self.note(f"{what} ({event.number} of {event.total}) …")
        elif isinstance(event, SmokeOutput):
            for line in event.lines:
                self.note(f"  │ {line}")
        elif isinstance(event, SmokeEnded):
            but = f", but {', '.join(event.files)}" if event.files else ""
            self.note(f"{event.command}: {event.verdict}{but} ({event.seconds:.1f} s)")
        elif isinstance(event, StepStarted) and not self._live:
            self.note(f"{step_name(event.step)} …")
        elif isinstance(event, StepFinished):
            self.note(f"{step_name(event.step)}: {event.summary} ({event.seconds:.1f} s)")

    def _message(self, message: Message) -> None:
        mark = _MARKS.get(message.level)
        if mark is None:
            # The summary tells the questions, with what would settle them.
            return
        text = f"{mark} {': '.join((*message.unnamed, message.text))}"
        if text not in self._told:
            self._told.add(text)
            self.note(text)

    def _progress(self, event: Progress) -> None:
        now = time.monotonic()
        if not self._live or now - self._last_progress < _PROGRESS_SECONDS:
            return
        self._last_progress = now
        total = f" of {event.total:,}" if event.total is not None else ""
        text = f"{step_name(event.step)}: {event.part} {event.label} {event.done:,}{total}"
        width = max(20, _columns() - 1)
        self._write(self._err, "\r\x1b[K" + printable(f"{text} {event.unit}")[:width])
        self._line_open = True

    def _end_line(self) -> None:
        if self._line_open:
            self._write(self._err, "\r\x1b[K")
            self._line_open = False

    def _write(self, stream: TextIO, text: str) -> None:
        # A pipe or terminal that was closed: the work goes on, and its receipt is in the run.
        with contextlib.suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()


def event_object(event: Event) -> dict[str, Any]:
    """An event as plain data, with its kind under `event`."""
    kind = {
        FileFound: "file",
        Message: "message",
        PhaseTimed: "phase",
        Progress: "progress",
        SmokeEnded: "smoke_ended",
        SmokeOutput: "application_output",
        SmokeStarted: "smoke_started",
        StepFailed: "step_failed",
        StepFinished: "step_finished",
        StepStarted: "step_started",
        TableMerged: "table",
    }.get(type(event), type(event).__name__)
    return {"event": kind, **as_plain(event)}


def as_plain(value: object) -> Any:
    """Dataclasses, enums, tuples and paths as what JSON knows."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return os.fspath(value) if isinstance(value, Path) else value


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        # Not a terminal, or one without a size.
        return 80
