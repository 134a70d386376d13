"""What application source says about SQLite files, and the edits that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Form(StrEnum):
    """How a reference is written."""

    SQLITE3 = "sqlite3.connect"
    AIOSQLITE = "aiosqlite.connect"
    SQLALCHEMY = "SQLAlchemy URL"
    PEEWEE = "peewee"
    DATASET = "dataset"
    DATABASES = "databases"
    TORTOISE = "Tortoise ORM"
    PONY = "Pony ORM"
    FLASK = "Flask configuration"
    DJANGO = "Django DATABASES"
    OPENED = "opened by a call"
    NAME = "named value"
    FUNCTION_DEFAULT = "function default"
    ARGUMENT_DEFAULT = "command-line default"
    ENV_DEFAULT = "environment default"
    ENV_SET = "environment set in code"
    SETTINGS_FIELD = "settings field"
    CANDIDATES = "list of candidates"
    FILE_TEST = "existence test"
    FILE_OPERATION = "file operation"
    SQL_ATTACH = "ATTACH in SQL"
    DOTENV = ".env"
    ALEMBIC_INI = "alembic.ini"
    INI = "INI"
    TOML = "TOML"
    YAML = "YAML"
    JSON = "JSON"
    COMPOSE = "docker compose"
    DOCKERFILE = "Dockerfile"
    CI = "CI"
    SHELL = "shell"
    JAVASCRIPT = "JavaScript"
    PRISMA = "Prisma"
    TEXT = "documentation"
    MENTION = "mention"
    UNREADABLE = "source that cannot be read"


class Anchor(StrEnum):
    """What a path is resolved against."""

    WORKING_DIRECTORY = "working directory"
    FILE_FOLDER = "folder of the file"
    INSTANCE_FOLDER = "instance folder"
    ABSOLUTE = "absolute path"
    HOME = "home folder"
    TEMPORARY = "temporary folder"
    ENVIRONMENT = "environment variable"
    UNKNOWN = "not decidable"


class PieceKind(StrEnum):
    """What one piece of a path expression stands for."""

    TEXT = "text"
    FILE = "file"
    """`__file__` of `Piece.file`, `Piece.up` folders up (0: the file itself)."""
    WORKING = "working directory"
    HOME = "home"
    TEMPORARY = "temporary"
    ENVIRONMENT = "environment"
    IMPORTED = "imported"
    """`Piece.text` is the dotted name, `Piece.up` the number of leading dots."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a path expression, in source order; the whole path is their concatenation."""

    kind: PieceKind
    text: str = ""
    file: str = ""
    """The file it is written in, POSIX, relative to the project."""
    start: int = -1
    """Byte offset in that file; -1 for a piece that stands nowhere (a separator)."""
    end: int = -1
    up: int = 0
    exact: bool = True
    """False where only a part of the literal is meant, so that it cannot be edited."""


Pieces = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A place that opens, or otherwise uses, the file that a reference names."""

    form: Form
    file: str
    line: int
    pieces: Pieces
    """The whole expression that is used there; the reference's own text is one of the pieces."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in the project's text that names an SQLite file."""

    file: str
    """POSIX path relative to the project."""
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    form: Form
    text: str
    """What is written there, without quotes."""
    anchor: Anchor
    working_directories: tuple[Path, ...] = ()
    """From where it may be started, most likely first, when the anchor is the working directory."""
    resolves_to: tuple[Path, ...] = ()
    """Databases that exist and that it can mean; if none exists, the first path that it would
    create. Empty when that is not decidable."""
    exists: bool = False
    """Whether the paths of `resolves_to` exist."""
    may_be: tuple[Path, ...] = ()
    """Known databases among which the program looks for what it opens, by a pattern, or whose
    names fit what is known of the path."""
    by_name: bool = False
    """Whether `may_be` is what fits the known part of its path."""
    in_tests: bool = False
    env_key: str | None = None
    editable: bool = False
    """Whether the form may be edited at all; `propose` decides whether it needs to be."""
    why_not: str = ""
    start: int = -1
    """Byte offsets of the literal (quotes included), or of the value in configuration files."""
    end: int = -1
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that mentions SQLite but could not be read as what it is."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that names a database, or the undecidable place of one."""

    start: int
    end: int
    line: int
    column: int
    form: Form
    text: str
    allowed: str
    """`yes`, `if_opened` or `no`."""
    why_not: str = ""
    env_key: str | None = None
    values: tuple[Pieces, ...] = ()
    """What the whole expression around it can be, where it is known without its uses."""
    name: str = ""
    """The name that carries it."""
    patterns: tuple[Pieces, ...] = ()
    """Paths with wildcards: it is whatever one of them matches."""


@dataclass(frozen=True, slots=True)
class FoundUse:
    """A place that opens, tests, moves or deletes a file, and what it can be given."""

    form: Form
    line: int
    column: int
    start: int
    end: int
    text: str
    values: tuple[Pieces, ...]
    endangers: bool = False
    two_slashes: bool = False
    patterns: tuple[Pieces, ...] = ()
    """Paths with wildcards, where a program looks for what it opens."""


@dataclass(frozen=True, slots=True)
class FileScan:
    """One file."""

    file: str
    sha256: str
    literals: tuple[Literal, ...] = ()
    uses: tuple[FoundUse, ...] = ()
    unreadable: UnreadableFile | None = None
    env_keys: tuple[str, ...] = ()
    """Environment keys that the file reads a database from."""
    joined: tuple[str, ...] = ()
    """Names that are appended to a folder somewhere, and so are no whole paths."""
    moves: bool = False
    """Whether the file changes the working directory."""


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """Everything that was found in one project."""

    project: Path
    references: tuple[Reference, ...]
    unreadable: tuple[UnreadableFile, ...]
    files_seen: int
    files_read: int
    """Files that mention a database and were read closely."""
    hashes: dict[str, str] = field(default_factory=dict)
    """SHA-256 (hex) of each file with references, as it was when it was read."""
    environment_keys: tuple[str, ...] = ()
    """Keys that the application reads its database from; empty: paths are hard-coded."""
    databases: tuple[Path, ...] = ()
    """The databases that were known when the references were resolved."""
    scans: tuple[FileScan, ...] = field(default=(), repr=False)
    """The evidence, by file; `propose` checks its edits by resolving it again."""
    python_files: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes `old` at `start`…`end` of the file as it was read by `new`."""

    file: str
    start: int
    end: int
    old: bytes
    new: bytes
    reason: str
    line: int = 0
    needs: tuple[int, ...] = ()
    """Starts of other edits of the same file that this one needs (an import)."""
    optional: bool = False
    """Not accepted by default."""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """The edits of one file, in ascending order, and the file that they were made for."""

    file: str
    sha256: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class ManualNote:
    """Something that a person has to look at."""

    file: str
    line: int
    what: str
    """What is there and what to do."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would make the application use only the target."""

    project: Path
    target: Path
    test_database: Path
    files: tuple[FileEdit, ...]
    notes: tuple[ManualNote, ...]
    environment_keys: tuple[str, ...] = ()
