"""Walk a project and read every file that mentions a database."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from consolidator_tui.domain.event import Emit, PhaseTimed, Progress, Step
from consolidator_tui.domain.reference import FileScan, ReferenceReport, UnreadableFile
from consolidator_tui.services.discover.skips import reason_by_content, reason_by_name
from consolidator_tui.services.references.paths import Mentions
from consolidator_tui.services.references.python_scan import scan_python
from consolidator_tui.services.references.resolve import resolve
from consolidator_tui.services.references.text_files import worth_reading
from consolidator_tui.services.references.text_scan import MOST_BYTES, form_of, scan_other
from consolidator_tui.services.workers import FEW, LARGE, spread

_LOOK = 400
"""Files looked at between two reports of progress."""

_MANY = 2_000
"""From so many files on, worker processes look at all of them."""

_INSTALLED = frozenset({"site-packages", ".next", ".nuxt", ".venv", "venv"})
_MORE_SKIPPED = _INSTALLED | {".idea", ".vscode"}
_PYTHON = (".py", ".pyi", ".pyw")

Fingerprint = tuple[tuple[str, int, int, int, int], ...]


def worth_a_look(path: str) -> bool:
    """Whether a file of this name is searched for references."""
    return path.endswith(_PYTHON) or form_of(path) is not None


def walk(project: Path, wanted: Callable[[str], bool] = worth_a_look) -> list[str]:
    """The wanted files, POSIX paths relative to the project, sorted; links are not followed.

    The folders that Discover skips are skipped here too.
    """
    return _walk(project, wanted, _MORE_SKIPPED, [])


def walk_all(project: Path, wanted: Callable[[str], bool], unread: list[str]) -> list[str]:
    """As `walk`, with the folders of editors; `unread` gets the folders that cannot be read."""
    return _walk(project, wanted, _INSTALLED, unread)


def _walk(
    project: Path, wanted: Callable[[str], bool], skipped: frozenset[str], unread: list[str]
) -> list[str]:
    found: list[str] = []
    stack = [""]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(project / folder) as listing:
                entries = list(listing)
        except FileNotFoundError:
            continue  # It went in the meantime.
        except OSError:
            # It holds no source that could be edited, but it may hold some that is run.
            unread.append(folder or ".")
            continue
        if folder and reason_by_content(
            os.fspath(project / folder), {entry.name for entry in entries}
        ):
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if reason_by_name(entry.name) is None and entry.name not in skipped:
                    stack.append(path)
            elif entry.is_file(follow_symlinks=False) and wanted(path):
                found.append(path)
    return sorted(found)


def fingerprint(project: Path) -> Fingerprint:
    """What changes when a file that may name a database is written, comes or goes. Blocking."""
    found = []
    for file in walk_all(project, lambda path: worth_a_look(path) or worth_reading(path), []):
        try:
            stat = os.lstat(project / file)
        except OSError:
            continue  # Gone again: it is missing in the next one too, or it is another file.
        found.append((file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(found)


def read_file(project: Path, file: str, mentions: Mentions) -> bytes | None:
    """The bytes of a file that mentions a database, else None."""
    path = project / file
    python = file.endswith(_PYTHON)
    try:
        if not python and path.stat().st_size > MOST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return data if mentions(data, python=python) else None


def scan_bytes(file: str, data: bytes, known: frozenset[str]) -> FileScan | None:
    """Scan one file by its kind."""
    digest = hashlib.sha256(data).hexdigest()
    if file.endswith(_PYTHON):
        return scan_python(file, data, digest, known)
    return scan_other(file, data, digest, known)


def scan_batch(
    project: str, known: frozenset[str], files: Sequence[str]
) -> list[tuple[str, FileScan | None, str]]:
    """Scan some files; also run in worker processes. (file, scan, why it failed)."""
    root = Path(project)
    mentions = Mentions(known)
    found: list[tuple[str, FileScan | None, str]] = []
    for file in files:
        data = read_file(root, file, mentions)
        if data is None:
            continue
        try:
            found.append((file, scan_bytes(file, data, known), ""))
        except (ValueError, TypeError, LookupError, RecursionError, AttributeError) as error:
            # Nobody's source may stop the search: the file is reported instead.
            found.append((file, None, f"{type(error).__name__}: {error}"))
    return found


def known_names(databases: Sequence[Path]) -> frozenset[str]:
    """Names that count as databases whatever their suffix; names without one are common words."""
    return frozenset(path.name for path in databases if path.suffix)


async def find_references(
    project: Path,
    emit: Emit,
    *,
    databases: Sequence[Path] = (),
    processes: int | None = None,
) -> ReferenceReport:
    """Everything in the project's text that names an SQLite file.

    `databases`: the database files that exist (absolute), which say what a relative path means.
    `processes`: how many to use for large projects (default: one per core, 1: none).
    Cancelling the task stops it within one batch. Emits Progress in files.
    """
    began = time.perf_counter()
    project = project.absolute()
    known = known_names(databases)
    files, unread = await asyncio.to_thread(_look_around, project)
    found = await _scan_all(project, files, known, emit, processes)
    scans = tuple(scan for _, scan, _ in found if scan is not None)
    broken = tuple(
        UnreadableFile(file, 1, why) for file, scan, why in found if scan is None and why
    )
    report = await asyncio.to_thread(
        resolve,
        project,
        scans,
        tuple(path.absolute() for path in databases),
        frozenset(file for file in files if file.endswith(_PYTHON)),
        files_seen=len(files),
        files_read=len(found),
        unreadable=(*broken, *unread),
    )
    emit(PhaseTimed(Step.CONFIGURE, "references", time.perf_counter() - began))
    return report


def _look_around(project: Path) -> tuple[list[str], list[UnreadableFile]]:
    """The files to look at, and what cannot be read."""
    folders: list[str] = []
    files = _walk(project, worth_a_look, _MORE_SKIPPED, folders)
    lost = [file for file in files if not os.access(project / file, os.R_OK)]
    return files, [
        *(UnreadableFile(name, 0, "the folder cannot be read") for name in sorted(folders)),
        *(UnreadableFile(name, 0, "the file cannot be read") for name in lost),
    ]


async def _scan_all(
    project: Path, files: list[str], known: frozenset[str], emit: Emit, processes: int | None
) -> list[tuple[str, FileScan | None, str]]:
    def told(done: int, total: int | None, part: str) -> None:
        emit(Progress(Step.CONFIGURE, "references", done, total, "files", part))

    count = processes if processes is not None else (os.cpu_count() or 1)
    if len(files) > _MANY and count > 1:
        # Even the quick look at so many files is worth sharing.
        return await spread(
            partial(scan_batch, str(project), known),
            files,
            heavy=True,
            processes=processes,
            done=lambda done: told(done, len(files), "reading"),
        )
    mentions = Mentions(known)
    wanted: list[str] = []
    heavy = False
    for start in range(0, len(files), _LOOK):
        part = files[start : start + _LOOK]
        mentioning, large = await asyncio.to_thread(_mentioning, project, part, mentions)
        wanted += mentioning
        heavy = heavy or large
        told(start + len(part), len(files), "looking")
    return await spread(
        partial(scan_batch, str(project), known),
        wanted,
        heavy=heavy or len(wanted) > FEW,
        processes=processes,
        done=lambda done: told(done, len(wanted), "reading"),
    )


def _mentioning(project: Path, files: Sequence[str], mentions: Mentions) -> tuple[list[str], bool]:
    """The files that mention a database, and whether one of them takes long to parse."""
    found = []
    large = False
    for file in files:
        data = read_file(project, file, mentions)
        if data is not None:
            found.append(file)
            large = large or len(data) > LARGE
    return found, large
