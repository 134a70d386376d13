"""Discover: walk a project and list its databases while they are being found."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from consolidator_tui.domain.discovery import (
    Discovery,
    FileFound,
    FileKind,
    FoundFile,
    SkippedPath,
)
from consolidator_tui.domain.errors import UsageError
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.services.discover.copies import mark_copies
from consolidator_tui.services.discover.describe import describe
from consolidator_tui.services.discover.holders import OpenFiles, holders_of, merged, open_files
from consolidator_tui.services.discover.names import Named, join_hard_links, resolve_links
from consolidator_tui.services.discover.roles import settle
from consolidator_tui.services.discover.walk import Batch, Candidate, Walk

_AT_ONCE = 4
"""Databases that are read at the same time."""


async def discover(project: Path, emit: Emit, *, extra_folders: Sequence[Path] = ()) -> Discovery:
    """Find every SQLite file of a project, with its role, without changing anything.

    `extra_folders` are walked as well, wherever they are. Emits Progress (files checked),
    FileFound for each file as soon as it is described and again when more is known (who has it
    open, that it is a copy), Message for what a person should know, PhaseTimed at the end.
    A problem of one file is told in its entry. Raises UsageError when a folder is not there.
    """
    started = time.monotonic()
    root = os.path.abspath(project)  # noqa: PTH100 - keeps bytes that are not UTF-8
    for folder in (project, *extra_folders):
        if not await asyncio.to_thread(Path(folder).is_dir):
            raise UsageError(
                f"There is no folder {os.fspath(folder)}.", todo="Name a folder that exists."
            )
    search = _Search(root, Walk([Path(root), *extra_folders]), emit)
    with tempfile.TemporaryDirectory(prefix="consolidator-discover-") as scratch:
        opened = await search.run(Path(scratch))
    await search.complete(opened)
    emit(PhaseTimed(Step.DISCOVER, "discover", time.monotonic() - started))
    walk = search.walk
    return Discovery(
        project=Path(root),
        files=tuple(sorted(search.files.values(), key=lambda file: file.path)),
        skipped=tuple(
            SkippedPath(search.relative(skipped.path), skipped.reason)
            for skipped in sorted(walk.skipped, key=lambda skipped: skipped.path)
        ),
        files_checked=walk.files_checked,
        folders_skipped=walk.folders_by_reason.total(),
        folders_by_reason=tuple(walk.folders_by_reason.most_common()),
        processes_unseen=opened.unseen,
    )


@dataclass(slots=True)
class _Search:
    """One discovery under way."""

    root: str
    walk: Walk
    emit: Emit
    files: dict[str, FoundFile] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def relative(self, path: str) -> str:
        """A path relative to the project, posix."""
        return os.path.relpath(path, self.root).replace(os.sep, "/")

    async def run(self, scratch: Path) -> OpenFiles:
        """Walk and describe at the same time; returns what other processes have open."""
        later: list[Candidate] = []
        known: set[tuple[int, int]] = set()
        batches = self.walk.batches()
        async with asyncio.TaskGroup() as group:
            opened = group.create_task(asyncio.to_thread(open_files))
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                self._report(batch)
                for candidate in batch.candidates:
                    if candidate.key is not None and not candidate.special:
                        known.add(candidate.key)
                    if candidate.stat is not None and _has_other_names(candidate):
                        later.append(candidate)
                    else:
                        named = Named(candidate, candidate.path)
                        group.create_task(self._describe(named, scratch))
            # Only now are all names of a file known. Links come after their files, which are
            # being read by now and must not be opened a second time.
            joined = await asyncio.to_thread(join_hard_links, later, self.root)
            for named in joined:
                group.create_task(self._describe(named, scratch))
        names, outside = await asyncio.to_thread(resolve_links, self.walk.links, known)
        async with asyncio.TaskGroup() as group:
            for named in outside:
                group.create_task(self._describe(named, scratch))
        self._add_names(names)
        return opened.result()

    async def complete(self, opened: OpenFiles) -> None:
        """Add what needs all files: holders, dated copies, exact copies."""
        files = await asyncio.to_thread(self._completed, opened)
        for file in files:
            if file is not self.files[file.path]:
                self._found(file)
        for file in files:
            self._tell(file)

    def _completed(self, opened: OpenFiles) -> list[FoundFile]:
        files = []
        for file in settle(list(self.files.values())):
            paths = (file.path, *file.other_names)
            absolute = [os.path.join(self.root, path) for path in paths]  # noqa: PTH118
            holders = merged(file, holders_of(absolute, opened))
            files.append(file if holders == file.holders else replace(file, holders=holders))
        return mark_copies(files, self.root)

    async def _describe(self, named: Named, scratch: Path) -> None:
        async with self._slots:
            file = await describe(named.candidate, self.relative(named.path), scratch)
        if named.other_names or named.real or named.problem:
            reason = file.reason
            if named.real:
                reason = f"{reason} It is a link to {named.real}."
            file = replace(
                file,
                other_names=tuple(self.relative(name) for name in named.other_names),
                real=named.real,
                reason=reason,
                problem=file.problem or named.problem,
            )
        self._found(file)

    def _add_names(self, names: dict[tuple[int, int], tuple[str, ...]]) -> None:
        for file in list(self.files.values()):
            if more := names.get((file.device, file.inode)):
                links = tuple(self.relative(path) for path in more)
                self._found(replace(file, other_names=file.other_names + links))

    def _found(self, file: FoundFile) -> None:
        self.files[file.path] = file
        self.emit(FileFound(Step.DISCOVER, file))

    def _report(self, batch: Batch) -> None:
        label = self.relative(batch.folder) if batch.folder else ""
        self.emit(Progress(Step.DISCOVER, label, batch.files_checked, unit="files", part="looking"))

    def _tell(self, file: FoundFile) -> None:
        """Say what is wrong with a file in the log."""
        bad = file.kind in (FileKind.ENCRYPTED_OR_DAMAGED, FileKind.UNREADABLE)
        text = file.problem or (file.reason if bad else "")
        if text:
            held = ", ".join(f"{holder.name} ({holder.pid})" for holder in file.holders)
            if file.locked and held:
                text += f" Open in {held}."
            self.emit(Message(Step.DISCOVER, Level.WARNING, text, file=file.path))


def _has_other_names(candidate: Candidate) -> bool:
    return candidate.stat is not None and not candidate.special and candidate.stat.st_nlink > 1
