"""Which processes have a file open."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from consolidator_tui.domain.discovery import FoundFile, Holder
from consolidator_tui.services.discover.header import SIDECAR_SUFFIXES
from consolidator_tui.storage.holders import each_process, process_name


@dataclass(slots=True)
class OpenFiles:
    """The files that other processes have open, by real path."""

    by_path: dict[str, list[Holder]] = field(default_factory=dict)
    unseen: int = 0
    """Processes that this user may not look into."""


def open_files() -> OpenFiles:
    """Ask every other process for its open files. Blocking.

    Permission errors are normal: those processes are counted in `unseen`.
    """
    found = OpenFiles()
    for pid, files in each_process():
        if files is None:
            found.unseen += 1
        elif files:
            name = process_name(pid)
            for file in files:
                holder = Holder(pid, name, file.writing)
                found.by_path.setdefault(file.path, []).append(holder)
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
    return (Holder(pid, process_name(pid) or "unknown", True),)


def merged(file: FoundFile, more: tuple[Holder, ...]) -> tuple[Holder, ...]:
    """A file's holders together with more of them, one per process."""
    by_pid = {holder.pid: holder for holder in file.holders}
    for holder in more:
        by_pid.setdefault(holder.pid, holder)
    return tuple(by_pid[pid] for pid in sorted(by_pid))
