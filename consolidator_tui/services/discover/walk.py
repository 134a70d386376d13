"""Walking a project: every regular file's first bytes, in batches, from a thread."""

from __future__ import annotations

import os
import stat as stats
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from consolidator_tui.domain.discovery import SkippedPath
from consolidator_tui.services.discover import header as headers
from consolidator_tui.services.discover import locks
from consolidator_tui.services.discover.skips import reason_by_content, reason_by_name

BATCH_SECONDS = 0.05
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that is a database by its header, or looks like one by its name."""

    path: str
    """Absolute; the name under which SQLite finds its sidecars."""
    stat: os.stat_result | None
    """None when it could not be opened; `error` then says why."""
    head: bytes = b""
    lock: locks.Locks = field(default_factory=locks.Locks)
    own: bool = False
    """This process has it open: never read it but through SQLite."""
    error: str = ""
    special: str = ""
    """What it is instead of a regular file."""

    @property
    def key(self) -> tuple[int, int] | None:
        """Device and inode."""
        return None if self.stat is None else (self.stat.st_dev, self.stat.st_ino)


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link that may lead to a database."""

    path: str
    real: str
    key: tuple[int, int]


@dataclass(slots=True)
class Batch:
    """What a slice of the walk found; the counts are totals so far."""

    folder: str
    files_checked: int
    candidates: list[Candidate] = field(default_factory=list)


class Walk:
    """One walk over some folders; each folder is entered once, no link to a folder is followed.

    The counters and lists may be read between two batches.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = [os.path.abspath(root) for root in roots]  # noqa: PTH100 - not UTF-8
        self.files_checked = 0
        self.skipped: list[SkippedPath] = []
        self.folders_by_reason: Counter[str] = Counter()
        self.links: list[Link] = []
        self._visited: set[tuple[int, int]] = set()
        self._own: dict[tuple[int, int], int] = {}

    def batches(self) -> Iterator[Batch]:
        """Walk; a batch comes about every BATCH_SECONDS. Blocking: run each `next` in a thread."""
        stack = list(reversed(self.roots))
        batch = Batch("", 0)
        self._own = locks.own_descriptors()
        started = time.monotonic()
        while stack:
            folder = stack.pop()
            found = self._folder(folder, stack)
            for candidate in found:
                if candidate is not None:
                    batch.candidates.append(candidate)
                if time.monotonic() - started > BATCH_SECONDS:
                    batch.folder, batch.files_checked = folder, self.files_checked
                    yield batch
                    batch = Batch("", 0)
                    self._own = locks.own_descriptors()
                    started = time.monotonic()
        batch.files_checked = self.files_checked
        yield batch

    def _folder(self, folder: str, stack: list[str]) -> Iterator[Candidate | None]:
        """Look at one folder; yields None now and then so that the caller can look at the clock."""
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
            device, inode = _identity(os.stat(folder))  # noqa: PTH116
        except OSError as error:
            self.skipped.append(SkippedPath(folder, f"This folder cannot be read: {why(error)}."))
            return
        if (device, inode) in self._visited:
            return
        self._visited.add((device, inode))
        names = {entry.name for entry in entries}
        if folder not in self.roots and (reason := reason_by_content(folder, names)):
            self.folders_by_reason[reason] += 1
            return
        files: list[os.DirEntry[str]] = []
        for entry in entries:
            try:
                special = self._sort(entry, files, stack)
            except OSError as error:
                self.skipped.append(SkippedPath(entry.path, f"Cannot be looked at: {why(error)}."))
                continue
            if special is not None:
                yield special
        yield from self._files(files, names, device)

    def _sort(
        self, entry: os.DirEntry[str], files: list[os.DirEntry[str]], stack: list[str]
    ) -> Candidate | None:
        """Put an entry where it belongs; a special file that looks like a database is returned."""
        if entry.is_symlink():
            return self._link(entry)
        if entry.is_file(follow_symlinks=False):
            files.append(entry)
            return None
        if entry.is_dir(follow_symlinks=False):
            if reason := reason_by_name(entry.name):
                self.folders_by_reason[reason] += 1
                return None
            stack.append(entry.path)
        if not headers.looks_like_database(entry.name):
            return None
        stat = entry.stat(follow_symlinks=False)
        return Candidate(entry.path, stat, special=what_it_is(stat.st_mode))

    def _files(
        self, files: Iterable[os.DirEntry[str]], names: AbstractSet[str], device: int
    ) -> Iterator[Candidate | None]:
        """Look at the files of a folder; a `-wal` is a sidecar only beside its database."""
        databases: set[str] = set()
        sidecars: list[tuple[os.DirEntry[str], str]] = []
        for entry in files:
            name = entry.name
            if name.endswith(headers.SIDECAR_SUFFIXES):
                base = name[: name.rindex("-")]
                if base in names:
                    sidecars.append((entry, base))
                    continue
                if headers.looks_like_database(base):
                    self.skipped.append(
                        SkippedPath(entry.path, f"Its database {base} is not there.")
                    )
            candidate = self._file(entry, device, wanted=f"{name}-wal" in names)
            if candidate is not None:
                databases.add(name)
            yield candidate
        for entry, base in sidecars:
            if base in databases:
                self.files_checked += 1
            else:
                yield self._file(entry, device, wanted=False)

    def _file(self, entry: os.DirEntry[str], device: int, *, wanted: bool) -> Candidate | None:
        self.files_checked += 1
        wanted = wanted or headers.looks_like_database(entry.name)
        own = self._own.get((device, entry.inode())) if self._own else None
        if own is not None and not _still(own, (device, entry.inode())):
            own = None
        candidate = examine(entry.path, own=own, wanted=wanted)
        if candidate is not None and candidate.stat is None and not wanted:
            self.skipped.append(SkippedPath(entry.path, candidate.error))
            return None
        return candidate

    def _link(self, entry: os.DirEntry[str]) -> Candidate | None:
        """Remember a link to a file; a link to a folder is not followed."""
        try:
            stat = entry.stat(follow_symlinks=True)
        except OSError as error:
            if not headers.looks_like_database(entry.name):
                return None
            return Candidate(entry.path, None, error=_broken_link(entry.path, error))
        real = os.path.realpath(entry.path)
        if stats.S_ISREG(stat.st_mode):
            self.links.append(Link(entry.path, real, _identity(stat)))
        elif stats.S_ISDIR(stat.st_mode):
            if not any(_inside(real, root) for root in self.roots):
                self.skipped.append(
                    SkippedPath(
                        entry.path,
                        f"A link to the folder {real} outside the project: add it to include it.",
                    )
                )
        elif headers.looks_like_database(entry.name):
            return Candidate(entry.path, stat, special=what_it_is(stat.st_mode))
        return None


def examine(path: str, *, own: int | None = None, wanted: bool) -> Candidate | None:
    """Read a file's first bytes; None when it is nothing that Discover lists.

    `own` is a descriptor that this process already has of this very file. `wanted` says that
    the file is listed even when it has no SQLite header.
    """
    try:
        descriptor = os.open(path, _FLAGS) if own is None else own
    except OSError as error:
        return Candidate(path, None, error=f"It cannot be opened: {why(error)}.")
    try:
        stat = os.fstat(descriptor)
        if not stats.S_ISREG(stat.st_mode):
            return Candidate(path, stat, special=what_it_is(stat.st_mode)) if wanted else None
        head = _read(descriptor, headers.HEADER_BYTES) if stat.st_size else b""
        is_database = head.startswith(headers.MAGIC)
        if not is_database and not wanted:
            return None
        if not is_database and stat.st_size:
            head = _read(descriptor, headers.SNIFF_BYTES)
        return Candidate(path, stat, head, locks.probe(descriptor), own is not None)
    except OSError as error:
        return Candidate(path, None, error=f"It cannot be read: {why(error)}.") if wanted else None
    finally:
        if own is None:
            os.close(descriptor)


def what_it_is(mode: int) -> str:
    """A word for what is no regular file."""
    if stats.S_ISDIR(mode):
        return "folder"
    if stats.S_ISFIFO(mode):
        return "named pipe"
    if stats.S_ISSOCK(mode):
        return "socket"
    return "device"


def why(error: OSError) -> str:
    """The system's words for an error, without the path."""
    return (error.strerror or type(error).__name__).lower()


def _read(descriptor: int, size: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, size)


def _broken_link(path: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"It is a link that cannot be followed: {why(error)}."
    if isinstance(error, FileNotFoundError):
        return f"It is a link to {os.readlink(path)}, which is not there."  # noqa: PTH115
    return f"It is a link that leads nowhere: {why(error)}."


def _still(descriptor: int, key: tuple[int, int]) -> bool:
    """Whether a descriptor is still of that file, and not closed and used again."""
    try:
        return _identity(os.fstat(descriptor)) == key
    except OSError:
        return False


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _inside(path: str, folder: str) -> bool:
    base = os.path.realpath(folder)
    return path == base or path.startswith(base.rstrip(os.sep) + os.sep)
