"""What a database is for, by its place, its name and its tables; each role with its reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from consolidator_tui.domain.discovery import FileKind, FoundFile, Role, TableSummary
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.discover.programs import program_of

_BACKUP_WORDS = frozenset(
    {"backup", "backups", "bak", "bkp", "bck", "old", "orig", "copy", "snapshot", "snapshots"}
)
_TEST_NAME_WORDS = frozenset({"test", "tests", "testing", "pytest", "unittest"})
_TEST_FOLDERS = frozenset(
    {"test", "tests", "testing", "__tests__", "testdata", "fixtures", "spec", "specs", "e2e"}
)
_BROWSER_FOLDERS = frozenset(
    {".mozilla", "firefox", "google-chrome", "chromium", "chrome-profile", "user data", ".jupyter"}
)
_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")
_NUMBERED_COPY = re.compile(r"\(\d+\)$")
_DATE = re.compile(
    r"[._ -]*(?<!\d)(19|20)\d\d[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])"
    r"([-_T. ]?\d{2}[-_.:]?\d{2}([-_.:]?\d{2})?Z?)?(?!\d)"
)
_SUFFIXES = re.compile(r"\.(db|db3|sqlite|sqlite2|sqlite3|sqlitedb|s3db|sl3)\b", re.IGNORECASE)


def classify(path: str, kind: FileKind, tables: Sequence[TableSummary] | None) -> tuple[Role, str]:
    """The role of a file and one sentence that says why.

    `path` is relative to the project, posix. `tables` None means that they could not be read
    (the file is locked): then only the path is evidence. What needs to know the other files
    (a date in the name) is done by `settle`.
    """
    if kind is FileKind.EMPTY:
        return Role.EMPTY, "It has 0 bytes."
    if kind is not FileKind.DATABASE:
        return Role.UNREADABLE, "It cannot be read as a database."
    if tables is not None and not tables:
        return Role.EMPTY, "It is a database without tables."
    parts = [part for part in PurePosixPath(path).parts if part != ".."]
    names = frozenset(table.name for table in tables or ())
    if found := program_of(parts[-1], names):
        return Role.OTHER_PROGRAM, f"It belongs to {found[0]}: {found[1]}."
    if found_role := _by_folder(parts[:-1]) or _by_name(parts[-1]):
        return found_role
    if tables is None:
        return Role.APPLICATION, "Nothing in its path says that it is anything else."
    return Role.APPLICATION, _what_is_in_it(tables)


def preselected(role: Role) -> bool:
    """Whether files of this role are sources unless the person says otherwise."""
    return role is Role.APPLICATION


def set_aside(path: str, others: Sequence[str] = ()) -> str:
    """Why a path alone says that its file is a copy, a test's or another program's; else empty.

    `others` are names of the same content: one that differs only by a missing date counts.
    """
    parts = PurePosixPath(path).parts
    if found := program_of(parts[-1], frozenset()):
        return f"It belongs to {found[0]}: {found[1]}."
    folders = [part for part in parts[:-1] if part != ".."]
    if found_role := _by_folder(folders) or _by_name(parts[-1]):
        return found_role[1]
    twin = next((other for other in others if _dated_copy(path, other)), None)
    return _dated_reason(path, twin) if twin is not None else ""


def settle(files: Sequence[FoundFile]) -> list[FoundFile]:
    """Find the dated copies: files that differ from another one only by a date in their path.

    A date alone proves nothing (`sales_2024-01-15.db` may be all there is), so there must be an
    application database without the date that has a table in common. Files without change are
    the same objects.
    """
    applications = [file for file in files if file.role is Role.APPLICATION]
    return [
        _settle_one(file, applications) if file.role is Role.APPLICATION else file for file in files
    ]


def _settle_one(file: FoundFile, applications: Sequence[FoundFile]) -> FoundFile:
    tables = {table.name for table in file.tables}
    for other in applications:
        if other is file or not _dated_copy(file.path, other.path):
            continue
        if tables & {table.name for table in other.tables}:
            reason = _dated_reason(file.path, other.path)
            return replace(file, role=Role.BACKUP_COPY, reason=reason, preselected=False)
    return file


def _dated_copy(path: str, other: str) -> bool:
    """Whether a path has a date, and the other one the same name and none."""
    one, two = PurePosixPath(path), PurePosixPath(other)
    bare = _without_date(one.name)
    if bare is None and not _in_dated_folder(one):
        return False
    if _without_date(two.name) is not None or _in_dated_folder(two):
        return False
    return two.name == (one.name if bare is None else bare)


def _in_dated_folder(path: PurePosixPath) -> bool:
    return any(_DATE.search(part) for part in path.parts[:-1])


def _dated_reason(path: str, other: str) -> str:
    what = "folder" if _without_date(PurePosixPath(path).name) is None else "name"
    return f"Its {what} has a date and {other} has the same name without it."


def _by_folder(folders: Sequence[str]) -> tuple[Role, str] | None:
    for folder in folders:
        low = folder.lower()
        if low in _TEST_FOLDERS or low.startswith("pytest-"):
            return Role.TEST, f"It is in the folder {folder}, which holds tests."
    for folder in folders:
        words = _words(folder)
        if words & _BACKUP_WORDS:
            return Role.BACKUP_COPY, f"It is in the folder {folder}, by its name a backup."
        if folder.lower() in _BROWSER_FOLDERS:
            return Role.OTHER_PROGRAM, f"It is in the folder {folder}, another program's own."
    return None


def _by_name(name: str) -> tuple[Role, str] | None:
    words = _words(name)
    stem = _SUFFIXES.sub("", name)
    if name.endswith("~") or words & _BACKUP_WORDS:
        return Role.BACKUP_COPY, f"Its name {name} says that it is a backup copy."
    if _NUMBERED_COPY.search(stem):
        return Role.BACKUP_COPY, f"Its name {name} is that of a second copy."
    if words & _TEST_NAME_WORDS:
        return Role.TEST, f"Its name {name} says that it is a test database."
    return None


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.split(name) if word)


def _without_date(name: str) -> str | None:
    """A file name without the date in it; None when it has none."""
    bare = _DATE.sub("", name)
    return None if bare == name else bare


def _what_is_in_it(tables: Sequence[TableSummary]) -> str:
    shown = ", ".join(table.name for table in tables[:3])
    more = f" and {len(tables) - 3} more" if len(tables) > 3 else ""
    noun = verb(len(tables), "table", "tables")
    counts = [table.rows for table in tables]
    if None in counts:
        return f"It holds the {noun} {shown}{more}."
    rows = sum(count or 0 for count in counts)
    return f"It holds {plural(rows, 'row')} in the {noun} {shown}{more}."
