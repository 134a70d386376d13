"""What Discover finds: files, what they are, what they are for, and who uses them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from consolidator_tui.domain.event import Event


class FileKind(StrEnum):
    """What a file is, by its content."""

    DATABASE = "database"
    EMPTY = "empty"
    """Zero bytes; SQLite would take it for a database without tables."""
    NOT_A_DATABASE = "not_a_database"
    """Looks like a database by its name only."""
    ENCRYPTED_OR_DAMAGED = "encrypted_or_damaged"
    UNREADABLE = "unreadable"
    """No permission, vanished, or a link that leads nowhere."""
    SPECIAL = "special"
    """A folder, named pipe, socket or device with the name of a database; never opened."""


class Role(StrEnum):
    """What a file is for; only application data is preselected."""

    APPLICATION = "application"
    TEST = "test"
    BACKUP_COPY = "backup_copy"
    OTHER_PROGRAM = "other_program"
    EMPTY = "empty"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file that SQLite keeps beside a database: `-wal`, `-shm` or `-journal`."""

    suffix: str
    size: int


@dataclass(frozen=True, slots=True)
class TableSummary:
    """A table and its number of rows; None means not counted (yet), or not countable."""

    name: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a database, or one of its sidecars, open."""

    pid: int
    name: str
    writing: bool | None
    """Whether it opened the file for writing; None when the system does not tell."""


@dataclass(frozen=True, slots=True)
class SkippedPath:
    """A path that was not looked into, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One database, or one file that looks like one; one entry per inode.

    `path` is relative to the project, with `/`; bytes that are not UTF-8 are surrogates
    (os.fsdecode). A file outside the project starts with `../`.
    """

    path: str
    size: int
    mtime_ns: int
    device: int
    inode: int
    kind: FileKind
    role: Role
    reason: str
    """One plain sentence: why it has this role."""
    preselected: bool
    sidecars: tuple[Sidecar, ...] = ()
    wal: bool = False
    """In WAL mode, or with a `-wal` that holds something."""
    hot_journal: bool = False
    """A rollback journal of a program that died; SQLite would undo its transaction first."""
    encoding: str = ""
    page_size: int = 0
    tables: tuple[TableSummary, ...] = ()
    holders: tuple[Holder, ...] = ()
    other_names: tuple[str, ...] = ()
    """Hard links and symbolic links to the same inode, relative to the project."""
    locked: bool = False
    """Locked by another process so that it cannot even be read."""
    real: str = ""
    """Where the file really is (absolute), when `path` is a symbolic link to it."""
    problem: str = ""
    """What is wrong with a database that can be read all the same, in one sentence."""
    same_as: str = ""
    """The first file of the same size and SHA-256, when it is an exact copy."""

    @property
    def rows(self) -> int | None:
        """Rows of all tables; None when one of them was not counted."""
        counts = [table.rows for table in self.tables]
        return None if None in counts else sum(count or 0 for count in counts)


@dataclass(frozen=True, slots=True)
class Discovery:
    """All that one walk through a project found."""

    project: Path
    files: tuple[FoundFile, ...]
    """Sorted by path."""
    skipped: tuple[SkippedPath, ...]
    """Paths that a person may miss: unreadable folders, links out of the project, orphans."""
    files_checked: int
    folders_skipped: int
    folders_by_reason: tuple[tuple[str, int], ...] = ()
    """How many folders were skipped, per reason, most first."""
    processes_unseen: int = 0
    """Processes whose open files the system would not tell: `holders` may be incomplete."""

    @property
    def preselected(self) -> tuple[FoundFile, ...]:
        """The files that a run without `--source` takes."""
        return tuple(file for file in self.files if file.preselected)


@dataclass(frozen=True, slots=True)
class FileFound(Event):
    """A file was found, or more is known about it: a later event replaces an earlier one."""

    file: FoundFile
