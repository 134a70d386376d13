"""The disposable copy of a project: without its old databases, repository and environments."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from consolidator_tui.domain.errors import DiskFull, FileRefused
from consolidator_tui.services.discover.header import SIDECAR_SUFFIXES, looks_like_database
from consolidator_tui.services.discover.skips import (
    CACHES,
    OWN,
    PACKAGES,
    VERSION_CONTROL,
    reason_by_content,
)
from consolidator_tui.services.smoke.relocate import Relocate, relocation, spellings_of
from consolidator_tui.storage.worker import Stop

MOST_TEXT = 4 * 2**20
"""Bytes up to which a file is searched for absolute paths of the project."""
RESERVE = 128 * 2**20
"""Bytes that the copy must leave free on its disk."""
_LEFT_OUT = VERSION_CONTROL | CACHES | {OWN}
_Entry = tuple[str, os.stat_result]


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folders of one smoke run; all are removed with `root`."""

    root: Path

    @property
    def outside(self) -> Path:
        """An empty folder beside the copy."""
        return self.root / "elsewhere"

    @property
    def temporary(self) -> Path:
        """TMPDIR of the commands."""
        return self.root / "tmp"

    @property
    def hook(self) -> Path:
        """Holds the audit hook."""
        return self.root / "hook"

    @property
    def tools(self) -> Path:
        """Holds `python`."""
        return self.root / "bin"

    @property
    def log(self) -> Path:
        """The openings of databases, a JSON object a line."""
        return self.root / "openings.jsonl"

    @property
    def pristine(self) -> Path:
        """The unified database as the commands find it."""
        return self.root / "unified.db"


@dataclass(slots=True)
class Copy:
    """A copy that was made, and what it was made of."""

    project: Path
    folder: Path
    target: str
    """Relative to both."""
    left_out: tuple[str, ...]
    """The databases that must not come back, relative."""
    relocate: Relocate
    free: list[Path] = field(default_factory=list)
    """Real folders that the copy links to."""
    unreadable: list[str] = field(default_factory=list)


def make_copy(
    project: Path, folder: Path, *, target: str, left_out: Sequence[str], stop: Stop
) -> Copy:
    """Copy a project into `folder`, which is made; the target itself is not copied. Blocking.

    Databases in `left_out` and empty files that look like one are left out, with their sidecars
    and under each of their names (hard links). Environments and packages become links.
    Raises DiskFull, FileRefused.
    """
    spellings = spellings_of(project)
    made = Copy(
        spellings[0], folder, target, tuple(left_out), relocation(spellings, folder), [], []
    )
    gone = _inodes(project, [*left_out, target])
    _check_room(project, folder.parent)
    folder.mkdir()
    stack = [""]
    while stack:
        inside = stack.pop()
        stop.check()
        stack += _copy_folder(made, inside, gone, stop)
    os.makedirs((folder / target).parent, exist_ok=True)  # noqa: PTH103
    return made


def _copy_folder(made: Copy, inside: str, gone: set[tuple[int, int]], stop: Stop) -> list[str]:
    """Copy the files of one folder; returns the folders in it that are to follow."""
    follow: list[str] = []
    source = made.project / inside
    try:
        with os.scandir(source) as listing:
            entries = list(listing)
    except OSError:
        made.unreadable.append(inside)
        return []
    names = {entry.name for entry in entries}
    for entry in entries:
        path = f"{inside}/{entry.name}" if inside else entry.name
        new = made.folder / path
        if entry.is_symlink():
            _copy_link(made, source / entry.name, new)
        elif entry.is_dir():
            if _is_used_in_place(entry):
                new.symlink_to(Path(entry.path), target_is_directory=True)
                made.free.append(Path(os.path.realpath(entry.path)))
            elif entry.name not in _LEFT_OUT:
                new.mkdir()
                follow.append(path)
        elif entry.is_file() and not _is_gone(entry, names, source, gone):
            stop.check()
            try:
                _copy_file(made.relocate, Path(entry.path), new)
            except PermissionError:
                made.unreadable.append(path)
    return follow


def _is_used_in_place(entry: os.DirEntry[str]) -> bool:
    if entry.name in PACKAGES:
        return True
    try:
        return reason_by_content(entry.path, set(os.listdir(entry.path))) == "virtual environment"  # noqa: PTH208
    except OSError:
        return False


def _is_gone(
    entry: os.DirEntry[str], names: set[str], folder: Path, gone: set[tuple[int, int]]
) -> bool:
    status = entry.stat(follow_symlinks=False)
    if (status.st_dev, status.st_ino) in gone:
        return True
    if status.st_size == 0 and looks_like_database(entry.name):
        return True
    for suffix in SIDECAR_SUFFIXES:
        main = entry.name.removesuffix(suffix)
        if main != entry.name and main in names:
            owner = (folder / main).stat()
            return suffix == "-shm" or (owner.st_dev, owner.st_ino) in gone
    return False


def _copy_link(made: Copy, link: Path, new: Path) -> None:
    """A link into the project stays inside the copy; one that leads out leads where it did."""
    to = link.readlink()
    real = os.path.realpath(link)
    base = os.path.realpath(made.project)
    if any(real == os.path.realpath(made.project / path) for path in (*made.left_out, made.target)):
        return
    if real == base or real.startswith(base + os.sep):
        where = made.folder / os.path.relpath(real, base)
        new.symlink_to(os.path.relpath(where, new.parent))
    else:
        new.symlink_to(to if to.is_absolute() else os.path.normpath(link.parent / to))


def _copy_file(relocate: Relocate, source: Path, new: Path) -> None:
    status = source.stat()
    if status.st_size <= MOST_TEXT:
        data = source.read_bytes()
        # Bytes that are no text may hold a length or an offset that a longer path would break.
        new.write_bytes(data if b"\0" in data else relocate(data))
    else:
        shutil.copyfile(source, new)
    mode = stat.S_IMODE(status.st_mode)
    new.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))


def _inodes(project: Path, paths: Sequence[str]) -> set[tuple[int, int]]:
    found = set()
    for path in paths:
        try:
            status = (project / path).stat()
        except OSError:
            continue  # It is not there any more, so nothing has to be left out.
        found.add((status.st_dev, status.st_ino))
    return found


def _files(project: Path) -> Iterator[_Entry]:
    stack = [os.fspath(project)]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            continue
        for entry in entries:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                if entry.name not in _LEFT_OUT and not _is_used_in_place(entry):
                    stack.append(entry.path)
            elif entry.is_file():
                yield entry.path, entry.stat()


def copy_size(project: Path) -> int:
    """Bytes that the copy will take. Blocking."""
    return sum(status.st_size for _, status in _files(project))


def _check_room(project: Path, place: Path) -> None:
    needed = copy_size(project)
    free = shutil.disk_usage(place).free
    if needed + RESERVE > free:
        raise DiskFull(
            f"There is no room for a disposable copy of the project: {needed:,} bytes are needed,"
            f" {free:,} are free in {place}.",
            todo="Free some space, or set TMPDIR to a larger disk.",
        )


def find_python(project: Path, folders: Sequence[str]) -> Path | None:
    """The interpreter of an environment in the project, nearest to `folders` first. Blocking."""
    looked: list[Path] = []
    for folder in folders:
        place = project / folder
        while place not in looked and (place == project or project in place.parents):
            looked.append(place)
            place = place.parent
    if project not in looked:
        looked.append(project)
    for place in looked:
        try:
            names = sorted(os.listdir(place))  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            python = place / name / "bin" / "python"
            if (place / name / "pyvenv.cfg").is_file() and os.access(python, os.X_OK):
                return python
    return None


def make_scratch(parent: Path) -> Scratch:
    """The folders of a smoke run, made new below `parent`. Blocking. Raises FileRefused."""
    import tempfile

    try:
        # Without links: what the application sees as its folder is what is compared.
        root = Path(os.path.realpath(tempfile.mkdtemp(prefix="consolidator-smoke-", dir=parent)))
        scratch = Scratch(root)
        for folder in (scratch.outside, scratch.temporary, scratch.hook, scratch.tools):
            folder.mkdir(mode=0o700)
    except OSError as error:
        raise FileRefused(
            f"No disposable copy can be made in {parent}: {error.strerror}.",
            todo="Set TMPDIR to a folder that can be written.",
        ) from error
    return scratch
