"""How a whole run is asked for, and what came of it: the closing object of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from consolidator_tui.domain.event import Message
from consolidator_tui.domain.merge import TableCounts
from consolidator_tui.domain.rule import Rule


class Result(StrEnum):
    """The four ways in which a run ends."""

    CONSOLIDATED = "consolidated"
    NEEDS_DECISIONS = "needs_decisions"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a whole run is asked to do; what is absent comes from the plan or is chosen."""

    plan: Path | None = None
    target: str | None = None
    base: str | None = None
    sources: tuple[str, ...] = ()
    on_conflict: tuple[Rule, ...] | None = None
    dry_run: bool = False
    """Everything but the last rename, and nothing after it."""
    configure: bool = False
    smoke: tuple[str, ...] = ()
    introduce_key: str | None = None
    """An environment variable that edited paths in the code shall read first."""
    cleanup: bool = False
    ignore_references: bool = False
    """Delete files that the application's source still names, too."""
    allow_outside: bool = False
    """Sources of the plan may lie outside the project."""
    yes: bool = False
    """The person agreed to the target being written (and, with `cleanup`, to deletions)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    result: Result
    exit_status: int
    target: str = ""
    run: str = ""
    """The run's name, empty when none was started."""
    tables: tuple[TableCounts, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Path -> why the file does not take part."""
    sources: tuple[str, ...] = ()
    """The files that were read, the base first; empty when it did not come so far."""
    messages: tuple[Message, ...] = ()
    """Warnings, questions and errors, each with the place it is about."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per phase."""
    changed: bool = False
    """Whether the target was written; a repeated run writes nothing."""
    edited: tuple[str, ...] = ()
    """The application's files that `configure` wrote."""
    report: str = ""
    """Path of the receipt, empty when there is none."""
    still_named: int = 0
    """Places of the application that name files which were to be deleted."""

    def as_object(self) -> dict[str, Any]:
        """The closing object of `--json`."""
        return {
            "outcome": str(self.result),
            "target": self.target,
            "run": self.run,
            "tables": {counts.table: _counts(counts) for counts in self.tables},
            "skipped": dict(self.skipped),
            "messages": [message_object(message) for message in self.messages],
            "timings": {phase: round(seconds, 6) for phase, seconds in self.timings.items()},
            "changed": self.changed,
            "edited": list(self.edited),
            "report": self.report,
            "still_named": self.still_named,
        }


def message_object(message: Message) -> dict[str, str | int]:
    """A message as plain data."""
    return {
        "level": str(message.level),
        "text": message.text,
        "table": message.table,
        "column": message.column,
        "file": message.file,
        "line": message.line,
        "fix": message.fix,
    }


def _counts(counts: TableCounts) -> dict[str, Any]:
    plain = asdict(counts)
    del plain["table"]
    return plain


@dataclass(frozen=True, slots=True)
class Repeated:
    """An earlier run that did all that this one would do."""

    run: str
    counts: tuple[TableCounts, ...]
    """Of the repetition: every row is in the target."""
    receipt: str
    """The document from which that run's receipt was written."""
