"""What a disk may hold after a power cut.

The model is that of POSIX at its strictest, on inodes: a file's content is certain as of its last
fsync, a folder's list of names as of the folder's own last fsync; everything that was there before
the command is certain. What came later may be there or not, each file and each name by itself, in
four variants:

- `lost`: nothing that was not synced is there. A file whose name is certain and whose content
  never was is empty.
- `names`: all names are as they were last (a journaled file system with delayed allocation),
  contents as of their last fsync.
- `contents`: all contents are as they were last, names as of the last fsync of their folder.
- `mixed`: for every file and every name one of both, by a seeded coin.

Not covered: files torn inside (a part of the unsynced writes to one file), except as SQLite's own
checksums and journals are built for them; permission bits and times of their own; hardware that
loses what it said to have synced.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.shim import Call

VARIANTS = ("lost", "names", "contents", "mixed")
_SYNCS = frozenset({"fsync", "fdatasync"})
_NAMES = frozenset(
    {"open", "creat", "rename", "unlink", "rmdir", "mkdir", "link", "symlink", "chmod", "chown"}
)
_ONLY_NAMES = _NAMES - {"open", "creat"}
"""Opening may also empty a file."""
_BY_CHANCE = re.compile(r"\b[0-9a-f]{12}\b|\b\d{8}T\d{6}Z")
"""Names that are others in each run: temporary files and the run itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    inode: int
    mode: int
    """Type and permission bits."""
    link: str = ""


Names = dict[str, Entry]


@dataclass(slots=True)
class Disk:
    """Folders and files by inode."""

    root: int
    folders: dict[int, Names] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)


def look(project: Path) -> Disk:
    """The present state of a folder."""
    disk = Disk(project.stat().st_ino)
    _look(project, disk)
    return disk


def _look(folder: Path, disk: Disk) -> None:
    names: Names = {}
    for entry in os.scandir(folder):
        status = entry.stat(follow_symlinks=False)
        link = str(Path(entry.path).readlink()) if entry.is_symlink() else ""
        names[entry.name] = Entry(status.st_ino, status.st_mode, link)
        if stat.S_ISDIR(status.st_mode):
            _look(Path(entry.path), disk)
        elif stat.S_ISREG(status.st_mode):
            disk.files[status.st_ino] = Path(entry.path).read_bytes()
    disk.folders[folder.stat().st_ino] = names


def synced(before: Disk, journal: Path) -> Disk:
    """What is certain: the state before the command, and every fsync that the shim kept."""
    disk = Disk(before.root, dict(before.folders), dict(before.files))
    log = journal / "journal"
    for line in log.read_text().splitlines() if log.exists() else ():
        kind, inode, number, _mode = line.split(" ")
        kept = (journal / f"{kind}{inode}.{number}").read_bytes()
        if kind == "F":
            disk.files[int(inode)] = kept
        else:
            disk.folders[int(inode)] = _names(kept)
    return disk


def _names(kept: bytes) -> Names:
    fields = kept.split(b"\0")[:-1]
    names: Names = {}
    for head, name, link in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        inode, mode = head.split(b" ")
        names[os.fsdecode(name)] = Entry(int(inode), int(mode, 8), os.fsdecode(link))
    return names


def origin(variant: str, calls: Sequence[Call]) -> str | None:
    """What a variant's state comes from: the calls up to the last one that it depends on.

    Two stops with the same origin leave the same state but for times and chance numbers in it.
    None for a state that is a stop's own.
    """
    made = {
        "lost": lambda name: name in _SYNCS,
        "names": lambda name: name in _SYNCS or name in _NAMES,
        "contents": lambda name: name not in _ONLY_NAMES,
    }.get(variant)
    if made is None:
        return None
    last = max((place for place, call in enumerate(calls, 1) if made(call.name)), default=0)
    names: dict[str, str] = {}
    told = _BY_CHANCE.sub(
        lambda found: names.setdefault(found[0], f"<{len(names)}>"),
        "\n".join(f"{call.name} {call.path}" for call in calls[:last]),
    )
    return f"{variant} {hashlib.sha256(told.encode('utf-8', 'backslashreplace')).hexdigest()}"


def states(certain: Disk, last: Disk, seed: int) -> Iterator[tuple[list[str], Disk]]:
    """The different states that the variants give, with the names of those that give it."""
    found: dict[str, tuple[list[str], Disk]] = {}
    for variant in VARIANTS:
        disk = after_cut(certain, last, variant, seed)
        names, _ = found.setdefault(repr(_content(disk, disk.root)), ([], disk))
        names.append(variant)
    for names, disk in found.values():
        yield names, disk


def _content(disk: Disk, inode: int) -> dict[str, object]:
    return {
        name: _content(disk, entry.inode)
        if stat.S_ISDIR(entry.mode)
        else (entry, disk.files.get(entry.inode))
        for name, entry in sorted(disk.folders.get(inode, {}).items())
    }


def after_cut(certain: Disk, last: Disk, variant: str, seed: int) -> Disk:
    """One state of the disk that the model allows."""
    coin = random.Random(seed)
    newest: Callable[[str], bool] = {
        "lost": lambda _what: False,
        "names": lambda what: what == "name",
        "contents": lambda what: what == "content",
        "mixed": lambda _what: coin.random() < 0.5,
    }[variant]
    disk = Disk(certain.root)
    for inode in sorted({*certain.files, *last.files}):
        old, new = certain.files.get(inode, b""), last.files.get(inode)
        disk.files[inode] = new if new is not None and newest("content") else old
    for inode in sorted({*certain.folders, *last.folders}):
        before, now = certain.folders.get(inode, {}), last.folders.get(inode)
        names: Names = {}
        for name in sorted({*before, *(now or {})}):
            entry = before.get(name)
            if now is not None and newest("name"):
                entry = now.get(name)
            if entry is not None:
                names[name] = entry
        disk.folders[inode] = names
    return disk


def write(disk: Disk, project: Path) -> None:
    """Make a folder hold this state; nothing may be there yet."""
    places: dict[int, Path] = {}
    _write(disk, disk.root, project, places)


def _write(disk: Disk, inode: int, folder: Path, places: dict[int, Path]) -> None:
    folder.mkdir()
    for name, entry in disk.folders.get(inode, {}).items():
        path = folder / name
        if stat.S_ISDIR(entry.mode):
            _write(disk, entry.inode, path, places)
            path.chmod(stat.S_IMODE(entry.mode))
        elif stat.S_ISLNK(entry.mode):
            path.symlink_to(entry.link)
        elif entry.inode in places:
            path.hardlink_to(places[entry.inode])
        else:
            path.write_bytes(disk.files.get(entry.inode, b""))
            path.chmod(stat.S_IMODE(entry.mode))
            places[entry.inode] = path
