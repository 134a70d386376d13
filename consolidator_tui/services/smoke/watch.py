"""Which databases a start of a command left, opened or changed, and what that means."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consolidator_tui.domain.discovery import FileKind, Role
from consolidator_tui.domain.reference import Anchor, Reference
from consolidator_tui.domain.smoke import CommandKind, Finding, FindingKind, Opening
from consolidator_tui.services.discover.header import SIDECAR_SUFFIXES, looks_like_database
from consolidator_tui.services.discover.roles import classify
from consolidator_tui.services.smoke.copying import Copy, Scratch

_MAGIC = b"SQLite format 3\0"
_MOST_OPENINGS = 5_000
ELSEWHERE = "(another folder)"
"""How the folder beside the copy is written for people."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One file as it was."""

    size: int
    mtime_ns: int
    inode: int
    database: bool


Snapshot = Mapping[Path, Seen]


def look(scratch: Scratch, copy: Copy, before: Snapshot | None = None) -> dict[Path, Seen]:
    """All files of the copy and of the folder beside it; links are not followed. Blocking.

    Headers are read only of files that are not as they were in `before`.
    """
    known = before or {}
    found: dict[Path, Seen] = {}
    stack = [copy.folder, scratch.outside]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            continue  # A folder that the application removed meanwhile, or keeps to itself.
        for entry in entries:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                stack.append(Path(entry.path))
            elif entry.is_file():
                path = Path(entry.path)
                found[path] = _seen(path, entry.stat(), known.get(path))
    return found


def _seen(path: Path, status: os.stat_result, before: Seen | None) -> Seen:
    now = (status.st_size, status.st_mtime_ns, status.st_ino)
    if before is not None and (before.size, before.mtime_ns, before.inode) == now:
        return before
    database = False
    if status.st_size >= len(_MAGIC) and stat.S_ISREG(status.st_mode):
        try:
            with path.open("rb") as file:
                database = file.read(len(_MAGIC)) == _MAGIC
        except OSError:
            database = False  # Gone again, or unreadable: then it is no database to report.
    return Seen(*now, database)


def read_openings(scratch: Scratch, copy: Copy, offset: int) -> tuple[list[Opening], int]:
    """What the audit hook wrote from `offset` on, each once, and the new offset. Blocking."""
    try:
        with scratch.log.open("rb") as log:
            log.seek(offset)
            data = log.read()
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    found: dict[Opening, None] = {}
    for line in whole.splitlines():
        entry = json.loads(line)
        frame: list[Any] = entry["stack"][0] if entry["stack"] else ["", 0, ""]
        opening = Opening(
            shown(Path(entry["path"]), copy, scratch),
            shown(Path(frame[0]), copy, scratch) if frame[0] else "",
            int(frame[1]),
            str(frame[2]),
            bool(entry["blocked"]),
        )
        found[opening] = None
        if len(found) >= _MOST_OPENINGS:
            break
    return list(found), offset + len(whole)


def shown(path: Path, copy: Copy, scratch: Scratch) -> str:
    """A path as people know it: relative to the project where it is inside."""
    for folder in (copy.folder, copy.project):
        if path == folder or folder in path.parents:
            return path.relative_to(folder).as_posix()
    if scratch.outside in path.parents:
        return f"{ELSEWHERE}/{path.relative_to(scratch.outside).as_posix()}"
    return os.fspath(path)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of the project's databases before anything runs."""

    references: tuple[Reference, ...] = ()
    test_databases: frozenset[str] = frozenset()
    """Relative to the project."""


@dataclass(slots=True)
class Judge:
    """Says what the databases of the copy mean after one start."""

    scratch: Scratch
    copy: Copy
    knowledge: Knowledge
    new: list[Path] = field(default_factory=list)
    """The databases that were not there before; known after `judge`."""

    def judge(
        self,
        kind: CommandKind,
        folder: Path,
        before: Snapshot,
        after: Snapshot,
        openings: Sequence[Opening],
    ) -> list[Finding]:
        """What is wrong; `folder` is the working directory (absolute)."""
        opened = {opening.database for opening in openings}
        target = self.copy.folder / self.copy.target
        findings: list[Finding] = []
        self.new = []
        for path, seen in sorted(after.items()):
            if path in before or path == target or path.name.endswith(SIDECAR_SUFFIXES):
                continue
            name = self._shown(path)
            empty = seen.size == 0 and (looks_like_database(path.name) or name in opened)
            if not seen.database and not empty:
                continue
            self.new.append(path)
            if not self.is_tests_own(kind, path, folder):
                findings.append(self._new(path, empty, folder, openings))
        gone = (path for path in (target,) if path in before and path not in after)
        findings += [self._target_gone(openings) for _ in gone]
        return [*findings, *self._opened(kind, folder, openings, after)]

    def is_tests_own(self, kind: CommandKind, path: Path, folder: Path) -> bool:
        """Whether a database belongs to the tests that were run, by the source or by its name."""
        if kind is not CommandKind.TESTS:
            return False
        inside = self._inside(path)
        if inside is not None and inside in (*self.copy.left_out, self.copy.target):
            return False
        if inside is not None and inside in self.knowledge.test_databases:
            return True
        if any(r.in_tests for r in self._references(path, folder)):
            return True
        role, _ = classify(inside or path.name, FileKind.DATABASE, None)
        return role is Role.TEST

    def _new(self, path: Path, empty: bool, folder: Path, openings: Sequence[Opening]) -> Finding:
        name = self._shown(path)
        by = tuple(o for o in openings if o.database == name and not o.blocked)
        where = _place(by)
        if self._inside(path) in self.copy.left_out:
            kind, text = FindingKind.REAPPEARED, f"{name} came back{where}."
        elif empty:
            kind, text = FindingKind.NEW_EMPTY, f"{name} was made and is empty{where}."
        else:
            kind, text = FindingKind.NEW_DATABASE, f"{name} is a new database{where}."
        return Finding(kind, name, text, by, self._places(path, folder))

    def _target_gone(self, openings: Sequence[Opening]) -> Finding:
        by = tuple(o for o in openings if o.database == self.copy.target)
        text = f"{self.copy.target} was there and is not any more."
        return Finding(FindingKind.TARGET_GONE, self.copy.target, text, by)

    def _opened(
        self,
        kind: CommandKind,
        folder: Path,
        openings: Sequence[Opening],
        after: Snapshot,
    ) -> list[Finding]:
        """Databases that were asked for though they are not there, or are the real ones."""
        found: dict[str, Finding] = {}
        for opening in openings:
            name = opening.database
            path = self.copy.folder / name
            by = tuple(o for o in openings if o.database == name)
            if opening.blocked:
                text = (
                    f"{name} of the project itself was opened, not the copy's{_place(by)}; that"
                    " was refused."
                )
                found.setdefault(name, Finding(FindingKind.REAL_OPENED, name, text, by))
            elif (
                name in self.copy.left_out
                and path not in after
                and not self.is_tests_own(kind, path, folder)
            ):
                text = f"{name} was looked for{_place(by)}."
                places = self._places(path, folder)
                found.setdefault(name, Finding(FindingKind.TRIED, name, text, by, places))
        return list(found.values())

    def _references(self, path: Path, folder: Path) -> list[Reference]:
        """The references that can mean a path of the copy when started in `folder`."""
        inside = self._inside(path)
        real = None if inside is None else self.copy.project / inside
        tail = os.path.relpath(path, folder)
        found = []
        for reference in self.knowledge.references:
            here = real is not None and real in reference.resolves_to
            moved = reference.anchor is Anchor.WORKING_DIRECTORY and any(
                os.path.relpath(to, base) == tail
                for to in reference.resolves_to
                for base in reference.working_directories
            )
            if here or moved:
                found.append(reference)
        return found

    def _places(self, path: Path, folder: Path) -> tuple[str, ...]:
        places = (f"{r.file}:{r.line}" for r in self._references(path, folder) if not r.in_tests)
        return tuple(dict.fromkeys(places))

    def _inside(self, path: Path) -> str | None:
        if self.copy.folder not in path.parents:
            return None
        return path.relative_to(self.copy.folder).as_posix()

    def _shown(self, path: Path) -> str:
        return shown(path, self.copy, self.scratch)


def _place(openings: Sequence[Opening]) -> str:
    """` (opened by app/x.py, line 3)`, or nothing when no line is known."""
    known = [opening for opening in openings if opening.file]
    return f" (opened by {known[0].file}, line {known[0].line})" if known else ""
