"""Smoke commands: what is run to see whether the application still works, and what came of it.

Nothing here but `Opening` and the outcome is stored: the application's own output and the fields
of a login may hold anything, so they stay in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from consolidator_tui.domain.event import Event

STORED = "smoke"
"""Name of the last report in the run's database; empty when it counts no more."""
PROJECT = "{project}"
"""In a command or an environment value: the copy's folder."""
PORT = "{port}"
"""In a command or an environment value: the port of the server (the variable PORT has it, too)."""
OUTSIDE = "{outside}"
"""As a folder: an empty folder beside the copy."""


def folder_name(folder: str) -> str:
    """A start's folder for people."""
    return {OUTSIDE: "another folder", "": "the project"}.get(folder, folder)


def started_in(command: str, folder: str) -> str:
    """A command's name with the folder that it is started in, which its name may say already."""
    place = folder_name(folder)
    if command.endswith(f" in {place}"):
        return command
    if " in " in command:
        return f"{command}, started in {place}"
    return f"{command} in {place}" if folder else command


_MOST_STORED = 200
"""Openings of one start that are kept in the run's database."""


class CommandKind(StrEnum):
    """What a command does, which says what it may change."""

    TESTS = "tests"
    """Must leave the unified database as it is."""
    SCRIPT = "script"
    CREATE = "create"
    """Makes the tables; also run without a database, and the schemas are compared."""
    SERVER = "server"
    """Started, asked over HTTP, stopped."""


@dataclass(frozen=True, slots=True)
class Start:
    """One way to start a command."""

    folder: str
    """The working directory: relative to the project, `` for the project, or OUTSIDE."""
    command: str
    """A shell line; PROJECT and PORT are filled in."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables on top of the person's own; PROJECT and PORT are filled in."""
    required: bool = True
    """Whether a failure of the command is one of the application. Where an application is not
    normally started, only what it does to databases counts."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login to try on a running server."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names and values that are sent; a value may be secret."""
    form: bool = False
    """Sent as a form instead of JSON."""

    @property
    def complete(self) -> bool:
        """Whether every field has a value."""
        return bool(self.fields) and all(self.fields.values())


@dataclass(frozen=True, slots=True)
class SmokeCommand:
    """A command with the places that it is started from; every field can be edited."""

    name: str
    """What people call it; unique within a list of commands."""
    kind: CommandKind
    starts: tuple[Start, ...]
    """The first is how the application is normally started."""
    timeout: float = 300.0
    """Seconds; for a server until it answers."""
    expected_exit: int = 0
    health: str = ""
    """Path that must answer with 2xx; empty: any answer will do."""
    login: Login | None = None
    port: int | None = None
    """The port that a server always uses; None: a free one is handed to it."""
    selected: bool = True
    """Whether it is run unless the person says otherwise: only what is known to stay local."""
    reason: str = ""
    """Where the command was found."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A database that the application opened, and the line that did."""

    database: str
    """Relative to the copy, or absolute."""
    file: str
    """The application's innermost file, relative to the copy; empty when it is not known."""
    line: int
    function: str = ""
    blocked: bool = False
    """It was kept from opening it: the real database, not the copy's."""


class FindingKind(StrEnum):
    """What went wrong with databases."""

    REAPPEARED = "an old database came back"
    NEW_DATABASE = "a new database"
    NEW_EMPTY = "a new empty file"
    CHANGED_BY_TESTS = "tests changed the unified database"
    TARGET_GONE = "the unified database was removed"
    REAL_OPENED = "the real database instead of the copy's"
    REAL_CHANGED = "a database of the project itself changed"
    TRIED = "an old database was looked for"


@dataclass(frozen=True, slots=True)
class Finding:
    """One database that is not as it should be."""

    kind: FindingKind
    file: str
    """Relative to the project, or absolute."""
    sentence: str
    opened_by: tuple[Opening, ...] = ()
    references: tuple[str, ...] = ()
    """Places in the source that name it, as `file:line`."""


class Verdict(StrEnum):
    """How a start ended."""

    PASSED = "passed"
    WRONG_EXIT = "wrong exit status"
    TIMED_OUT = "timed out"
    NOT_STARTED = "could not be started"
    NOT_HEALTHY = "did not answer"
    NO_LOGIN = "login failed"


@dataclass(frozen=True, slots=True)
class StartResult:
    """What one start came to."""

    command: str
    """Name of the command."""
    start: Start
    verdict: Verdict
    exit_status: int | None
    """None for a server that was stopped, and when it did not end by itself."""
    seconds: float
    reason: str = ""
    """Why it did not pass, as a sentence."""
    findings: tuple[Finding, ...] = ()
    openings: tuple[Opening, ...] = ()
    tail: tuple[str, ...] = field(default=(), repr=False)
    """The last lines that the application wrote; never stored."""

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against clean up."""
        failed = self.verdict is not Verdict.PASSED and self.start.required
        return not failed and not self.findings


class Side(StrEnum):
    """Where a schema object is missing or different."""

    TARGET_LACKS = "the unified database lacks it"
    TARGET_ONLY = "only the unified database has it"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """One difference between the schema that the application makes and the target's."""

    side: Side
    what: str
    """table, column, key, reference, index, trigger, view, constraint, option."""
    name: str
    """`users` or `users.email`."""
    made: str = ""
    """As the application makes it."""
    target: str = ""

    @property
    def breaks(self) -> bool:
        """Whether the application misses a table or column that it counts on."""
        return self.side is Side.TARGET_LACKS and self.what in ("table", "column")

    def __str__(self) -> str:
        text = f"{self.what} {self.name}: {self.side}"
        if self.side is Side.DIFFERENT:
            text += f" ({self.made or 'none'} in a new database, {self.target or 'none'} here)"
        return text


@dataclass(frozen=True, slots=True)
class InitCheck:
    """Whether the application makes its database where there is none."""

    result: StartResult
    made: bool
    """Whether there was a database at the target's place afterwards."""
    differences: tuple[SchemaDifference, ...] = ()

    @property
    def equal(self) -> bool:
        """The new database has the target's schema."""
        return self.made and not self.differences

    @property
    def ok(self) -> bool:
        """It is made, and the target has all that the application counts on."""
        return self.made and self.result.ok and not any(d.breaks for d in self.differences)


@dataclass(frozen=True, slots=True)
class SmokeReport:
    """What all commands came to."""

    results: tuple[StartResult, ...]
    init: InitCheck | None = None
    """None when no command makes the database."""
    findings: tuple[Finding, ...] = ()
    """About the project as a whole, seen at the end."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the application works with the one database alone."""
        inited = self.init is None or self.init.ok
        return all(result.ok for result in self.results) and inited and not self.findings

    @property
    def reason(self) -> str:
        """The first thing that is wrong, as a sentence; empty when nothing is."""
        for finding in self.findings:
            return finding.sentence
        for result in self.results:
            if result.findings:
                return f"{result.command}: {result.findings[0].sentence}"
            if not result.ok:
                return f"{result.command}: {result.reason}"
        return "" if self.init is None or self.init.ok else _init_reason(self.init)

    def as_object(self) -> dict[str, Any]:
        """Plain data for JSON, without the application's output, environment and login."""
        init = self.init
        return {
            "ok": self.ok,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "results": [_plain(result) for result in self.results],
            "findings": [asdict(finding) for finding in self.findings],
            "init": init
            and {
                "ok": init.ok,
                "equal": init.equal,
                "made": init.made,
                "result": _plain(init.result),
                "differences": [str(difference) for difference in init.differences],
            },
        }


@dataclass(frozen=True, slots=True)
class SmokeStarted(Event):
    """A start of a command began."""

    command: str
    folder: str
    number: int
    """From 1."""
    total: int


@dataclass(frozen=True, slots=True)
class SmokeOutput(Event):
    """Lines that the application wrote: its own text, which may hold anything; never stored."""

    command: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SmokeEnded(Event):
    """A start of a command ended."""

    command: str
    folder: str
    verdict: Verdict
    ok: bool
    seconds: float
    reason: str = ""
    files: tuple[str, ...] = ()
    """Databases that are not as they should be."""


def _init_reason(init: InitCheck) -> str:
    if not init.made:
        return f"{init.result.command} did not make the database where there was none."
    if not init.result.ok:
        found = init.result.findings
        return f"{init.result.command}: {found[0].sentence if found else init.result.reason}"
    lacking = next(d for d in init.differences if d.breaks)
    return f"The application makes the {lacking.what} {lacking.name}, which the target lacks."


def _plain(result: StartResult) -> dict[str, Any]:
    return {
        "command": result.command,
        "folder": result.start.folder,
        "verdict": str(result.verdict),
        "ok": result.ok,
        "exit_status": result.exit_status,
        "seconds": round(result.seconds, 3),
        "reason": result.reason,
        "findings": [asdict(finding) for finding in result.findings],
        "openings": [asdict(opening) for opening in result.openings[:_MOST_STORED]],
    }
