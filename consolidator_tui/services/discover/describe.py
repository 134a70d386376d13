"""Turning a candidate of the walk into an entry of the list; every problem becomes a sentence."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from consolidator_tui.domain.discovery import FileKind, FoundFile, Role, TableSummary
from consolidator_tui.domain.errors import DiskFull, LockedError
from consolidator_tui.domain.words import plural
from consolidator_tui.services.discover import header as headers
from consolidator_tui.services.discover.holders import holder_of_lock
from consolidator_tui.services.discover.reading import (
    Surroundings,
    is_whole_wal,
    look_around,
    open_unchanged,
    primary_code,
)
from consolidator_tui.services.discover.roles import classify, preselected
from consolidator_tui.services.discover.tables import COUNT_LIMIT, is_locked, read_tables
from consolidator_tui.services.discover.walk import Candidate, examine, why

_ATTEMPTS = 3
_VANISHED = "It vanished while it was being looked at."
"""Or one of its sidecars did: then the file itself is still there."""


@dataclass(frozen=True, slots=True)
class Content:
    """What reading a database gave; `tables` None when it could not be read."""

    kind: FileKind
    tables: tuple[TableSummary, ...] | None = None
    encoding: str = ""
    sentence: str = ""
    """Why it could not be read."""
    locked: bool = False
    problem: str = ""
    """What is wrong although it could be read."""


async def describe(candidate: Candidate, path: str, scratch: Path) -> FoundFile:
    """The entry of one file. `path` is how it is listed, `scratch` a private existing folder.

    A database that is written to while it is read is looked at again; what stays wrong with the
    file is told in the entry, not raised.
    """
    for _attempt in range(_ATTEMPTS):
        file = await _describe_once(candidate, path, scratch)
        busy = file.kind is FileKind.DATABASE or file.reason == _VANISHED
        if candidate.stat is None or not busy:
            return file
        again = await asyncio.to_thread(_look_again, candidate)
        if again is None:
            return _unreadable(candidate, path, _VANISHED)
        if again is candidate and file.reason != _VANISHED:
            return file
        candidate = again
    return file


def _look_again(candidate: Candidate) -> Candidate | None:
    """The candidate as it is now, the same object when it did not change, None when it is gone."""
    try:
        stat = os.stat(candidate.path)  # noqa: PTH116
    except OSError:
        return None
    if candidate.stat is not None and _fingerprint(stat) == _fingerprint(candidate.stat):
        return candidate
    if candidate.own:
        # Opened by this process: its header is not read a second time from outside.
        return replace(candidate, stat=stat)
    return examine(candidate.path, wanted=True)


def _fingerprint(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


async def _describe_once(candidate: Candidate, path: str, scratch: Path) -> FoundFile:
    if candidate.stat is None:
        return _unreadable(candidate, path, candidate.error)
    if candidate.special:
        reason = f"It is a {candidate.special}, not a file."
        return _entry(candidate, path, FileKind.SPECIAL, Role.UNREADABLE, reason)
    try:
        around = await asyncio.to_thread(look_around, candidate.path)
    except OSError as error:
        return _unreadable(candidate, path, f"Its sidecars cannot be read: {why(error)}.")
    header = headers.parse(candidate.head)
    if header is None:
        return _no_header(candidate, path, around)
    wal_size = around.size("-wal") or 0
    content = await _read(candidate, around, header, scratch)
    cut_off = "" if wal_size or around.journal else headers.cut_off(header, candidate.stat.st_size)
    role, reason = classify(path, content.kind, content.tables)
    if content.kind is not FileKind.DATABASE:
        reason = cut_off or content.sentence
    file = _entry(candidate, path, content.kind, role, reason)
    return replace(
        file,
        sidecars=around.sidecars,
        wal=header.wal or wal_size > 0,
        hot_journal=around.journal and not candidate.own and not _in_use(candidate),
        encoding=content.encoding or header.encoding,
        page_size=header.page_size,
        tables=content.tables or (),
        holders=holder_of_lock(candidate.lock.exclusive or candidate.lock.reserved),
        locked=content.locked,
        problem=_problem(content, cut_off),
    )


async def _read(
    candidate: Candidate, around: Surroundings, header: headers.Header, scratch: Path
) -> Content:
    size = candidate.stat.st_size if candidate.stat is not None else 0
    wal_size = around.size("-wal") or 0
    try:
        async with open_unchanged(Path(candidate.path), scratch=scratch) as database:
            tables = await read_tables(database, count=size + wal_size <= COUNT_LIMIT)
            encoding = await database.value("PRAGMA encoding") if wal_size else header.encoding
        whole = not wal_size or await asyncio.to_thread(is_whole_wal, Path(candidate.path))
    except sqlite3.Error as error:
        return _failed(error)
    except UnicodeDecodeError:
        # Python cannot decode SQLite's message when that quotes a damaged schema.
        sentence = "It is damaged: its schema has text that is not UTF-8."
        return Content(FileKind.ENCRYPTED_OR_DAMAGED, sentence=sentence)
    except LockedError as error:
        return Content(FileKind.DATABASE, locked=True, sentence=error.sentence)
    except DiskFull as error:
        return Content(FileKind.UNREADABLE, sentence=error.sentence)
    except FileNotFoundError:
        return Content(FileKind.UNREADABLE, sentence=_VANISHED)
    except OSError as error:
        return Content(FileKind.UNREADABLE, sentence=f"It cannot be read: {why(error)}.")
    # In WAL mode an exclusive owner does not keep a copy from being read, only SQLite.
    return Content(
        FileKind.DATABASE,
        tables,
        str(encoding),
        locked=header.wal and candidate.lock.exclusive != 0,
        problem="" if whole else "The header of its -wal is damaged: SQLite ignores what is in it.",
    )


def _failed(error: sqlite3.Error) -> Content:
    code = primary_code(error)
    if is_locked(error):
        return Content(
            FileKind.DATABASE, locked=True, sentence="Another process has locked it exclusively."
        )
    if code == sqlite3.SQLITE_NOTADB:
        sentence = "It begins like an SQLite database, but is encrypted or damaged."
        return Content(FileKind.ENCRYPTED_OR_DAMAGED, sentence=sentence)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
        return Content(FileKind.UNREADABLE, sentence=f"SQLite cannot open it: {error}.")
    return Content(FileKind.ENCRYPTED_OR_DAMAGED, sentence=f"It is damaged: {error}.")


def _no_header(candidate: Candidate, path: str, around: Surroundings) -> FoundFile:
    size = candidate.stat.st_size if candidate.stat is not None else 0
    kind, sentence = headers.judge(candidate.head, size)
    role = Role.EMPTY if kind is FileKind.EMPTY else Role.UNREADABLE
    file = _entry(candidate, path, kind, role, sentence)
    problem = ""
    if wal_size := around.size("-wal"):
        problem = (
            f"Its -wal holds {plural(wal_size, 'byte')}, which SQLite drops when it opens the file."
        )
    return replace(file, sidecars=around.sidecars, wal=bool(wal_size), problem=problem)


def _problem(content: Content, cut_off: str) -> str:
    if content.kind is not FileKind.DATABASE:
        return ""
    return (content.sentence if content.locked else "") or content.problem or cut_off


def _in_use(candidate: Candidate) -> bool:
    return bool(candidate.lock.reserved or candidate.lock.exclusive)


def _unreadable(candidate: Candidate, path: str, reason: str) -> FoundFile:
    return _entry(candidate, path, FileKind.UNREADABLE, Role.UNREADABLE, reason)


def _entry(candidate: Candidate, path: str, kind: FileKind, role: Role, reason: str) -> FoundFile:
    stat = candidate.stat
    return FoundFile(
        path=path,
        size=0 if stat is None else stat.st_size,
        mtime_ns=0 if stat is None else stat.st_mtime_ns,
        device=0 if stat is None else stat.st_dev,
        inode=0 if stat is None else stat.st_ino,
        kind=kind,
        role=role,
        reason=reason,
        preselected=preselected(role),
    )
