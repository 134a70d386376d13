"""What services tell while they work. Events never carry values of rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps of a run, in order; roll back is possible from all of them."""

    DISCOVER = "discover"
    INSPECT = "inspect"
    BACKUP = "backup"
    MIGRATE = "migrate"
    VERIFY = "verify"
    CONFIGURE = "configure"
    CLEANUP = "cleanup"
    ROLLBACK = "rollback"


class Level(StrEnum):
    """How much a message matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    QUESTION = "question"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    step: Step


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step began."""


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    """A step ended well."""

    seconds: float
    summary: str


@dataclass(frozen=True, slots=True)
class StepFailed(Event):
    """A step ended with an error; `title` and `sentence` are the error's."""

    title: str
    sentence: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class PhaseTimed(Event):
    """A named phase of a step took so many seconds."""

    phase: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Work on `label` (a table or a file) has come so far; total None means not counted yet."""

    label: str
    done: int
    total: int | None = None
    unit: str = "rows"
    part: str = ""
    """What is being done with it: copying, hashing, planning, writing, checking."""


@dataclass(frozen=True, slots=True)
class Message(Event):
    """A sentence for people, with the place that it is about."""

    level: Level
    text: str
    file: str = ""
    table: str = ""
    column: str = ""
    fix: str = ""
    """Plan lines (TOML) that would settle a question."""
    line: int = 0
    """Line of `file` from 1; 0 where it is about no line."""

    @property
    def place(self) -> str:
        """The file, with the line where there is one."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def _told(self, part: str) -> str:
        """What a text says that names a part: of a file with a line, both."""
        return self.place if part == self.file else part

    @property
    def unnamed(self) -> tuple[str, ...]:
        """The file, table and column that the text itself does not name, in this order."""
        return tuple(
            self.place if part == self.file else part
            for part in dict.fromkeys((self.file, self.table, self.column))
            if part and not re.search(rf"(?<!\w){re.escape(self._told(part))}(?!\w)", self.text)
        )


@dataclass(frozen=True, slots=True)
class TableMerged(Event):
    """The counts of one table after the merge (rows)."""

    table: str
    source: int
    base: int
    new: int
    duplicate: int
    conflict: int
    rekeyed: int
    lost: int
    seconds: float = 0.0


Emit = Callable[[Event], None]
"""Takes events; always called on the event loop's thread."""


def ignore(_event: Event) -> None:
    """An `Emit` that drops everything."""
