"""Which processes have a file open."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import psutil

from consolidator_tui.domain.discovery import FoundFile, Holder
from consolidator_tui.services.discover.header import SIDECAR_SUFFIXES


@dataclass(slots=True)
class OpenFiles:
    """The files that other processes have open, by real path."""

    by_path: dict[str, list[Holder]] = field(default_factory=dict)
    unseen: int = 0
    """Processes that this user may not look into."""


def open_files() -> OpenFiles:
    """Ask every other process for its open files. Blocking (about 1 ms per process).

    Permission errors are normal: those processes are counted in `unseen`.
    """
    found = OpenFiles()
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            files = process.open_files()
            if not files:
                continue
            name = process.name()
        except psutil.AccessDenied:
            found.unseen += 1
            continue
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            # It ended while being looked at.
            continue
        for file in files:
            mode = getattr(file, "mode", None)
            writing = None if mode is None else mode != "r"
            found.by_path.setdefault(file.path, []).append(Holder(process.pid, name, writing))
    return found


def holders_of(paths: Iterable[str], found: OpenFiles) -> tuple[Holder, ...]:
    """The processes that have a database (any of its absolute paths) or a sidecar open."""
    by_pid: dict[int, Holder] = {}
    for path in paths:
        real = os.path.realpath(path)
        for name in (real, *(real + suffix for suffix in SIDECAR_SUFFIXES)):
            for holder in found.by_path.get(name, ()):
                before = by_pid.get(holder.pid)
                if before is None or holder.writing:
                    by_pid[holder.pid] = holder
    return tuple(by_pid[pid] for pid in sorted(by_pid))


def holder_of_lock(pid: int) -> tuple[Holder, ...]:
    """The holder behind a lock whose process id is known; empty when it is not."""
    if pid <= 0:
        return ()
    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        name = "unknown"
    return (Holder(pid, name, True),)


def merged(file: FoundFile, more: tuple[Holder, ...]) -> tuple[Holder, ...]:
    """A file's holders together with more of them, one per process."""
    by_pid = {holder.pid: holder for holder in file.holders}
    for holder in more:
        by_pid.setdefault(holder.pid, holder)
    return tuple(by_pid[pid] for pid in sorted(by_pid))
