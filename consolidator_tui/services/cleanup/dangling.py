"""Symbolic links of a project that lead to files which are to be deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.manifest import FileRecord
from consolidator_tui.services.discover.skips import reason_by_name
from consolidator_tui.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class DanglingLink:
    """A link that stays, and leads nowhere once its file is deleted."""

    path: str
    """Relative to the project."""
    file: str
    """The file that it leads to, as the run names it."""

    @property
    def sentence(self) -> str:
        """What an application would make of it."""
        return (
            f"{self.path} is a link to {self.file} and stays; a program that opens it afterwards "
            f"makes {self.file} anew, without its rows."
        )


def dangling_links(run: RunFolder, records: Sequence[FileRecord]) -> tuple[DanglingLink, ...]:
    """The links in the project to files that are to be deleted, but for those that go with them.

    Folders that Discover skips are not looked into. Blocking.
    """
    doomed = {os.path.realpath(run.resolve(record.real)): record.path for record in records}
    but = {record.path for record in records if record.link}
    found = []
    for path in _links(run.project):
        file = doomed.get(os.path.realpath(path))
        shown = os.path.relpath(path, run.project)
        if file is not None and shown not in but:
            found.append(DanglingLink(shown, file))
    return tuple(sorted(found, key=lambda link: link.path))


def _links(project: Path) -> Iterator[str]:
    stack = [os.fspath(project)]
    while stack:
        try:
            with os.scandir(stack.pop()) as listing:
                entries = list(listing)
        except OSError:
            continue  # A folder that cannot be read was none of Discover's either.
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir() and reason_by_name(entry.name) is None:
                stack.append(entry.path)
