"""From what a person wants to what can be done: sources in order, base and target, all checked."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from consolidator_tui.domain.discovery import Discovery, FileKind, FoundFile, Role
from consolidator_tui.domain.errors import (
    FileRefused,
    GateClosed,
    LockedError,
    Refused,
    UsageError,
)
from consolidator_tui.domain.manifest import SIDECARS
from consolidator_tui.domain.selection import Chosen, Lead, Selection
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.discover.describe import describe
from consolidator_tui.services.discover.walk import examine

_PICK = "Name the files with --source, or look at them with `consolidator-tui scan`."


async def choose(
    discovery: Discovery, selection: Selection, found: Mapping[str, Lead] | None = None
) -> Chosen:
    """Check a selection against the files as they are now.

    `found` says what of the application leads to a path; it helps to choose a target where none
    is named. Raises UsageError for a contradiction, FileRefused for a named
    file that cannot be used, LockedError for one that is locked, Refused for a target that cannot
    be written or when nothing is left.
    """
    choosing = _Choosing(discovery, selection, found or {})
    with tempfile.TemporaryDirectory(prefix="consolidator-select-") as scratch:
        return await choosing.run(Path(scratch))


@dataclass(slots=True)
class _Choosing:
    """One selection on its way to be checked."""

    discovery: Discovery
    selection: Selection
    leads: Mapping[str, Lead]
    skipped: dict[str, str] = field(default_factory=dict)
    warned: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)

    async def run(self, scratch: Path) -> Chosen:
        """Check everything, the target first: it must be refused before any work is done."""
        named_target = await asyncio.to_thread(self._named_target)
        target_file: FoundFile | None = None
        if named_target is not None:
            target_file = await self._existing_target(named_target, scratch)
        sources = await self._sources(scratch)
        if named_target is not None:
            target, reason = named_target, ""
        else:
            target, reason = self._pick_target(sources)
            await asyncio.to_thread(check_writable, self.root, target)
            target_file = next(file for file in sources if file.path == target)
        ordered = self._ordered(sources, target_file)
        paths = tuple(file.path for file in ordered)
        return Chosen(
            paths,
            target,
            target_file is not None,
            self.skipped,
            self.warned,
            {path: why for path, why in self.passed_over.items() if path not in paths},
            reason,
        )

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.discovery.project

    def _named_target(self) -> str | None:
        if self.selection.target is None:
            return None
        path = inside(self.root, self.selection.target, "target")
        if (self.root / path).is_symlink():
            # A rename would put a file in the link's place and leave the real one behind.
            root = Path(os.path.realpath(self.root))
            return relative(root, os.path.realpath(self.root / path))
        return path

    async def _existing_target(self, target: str, scratch: Path) -> FoundFile | None:
        """The target as a source, None where it is absent or empty."""
        await asyncio.to_thread(check_writable, self.root, target)
        file = await self._look(target, scratch)
        if file is None or file.kind is FileKind.EMPTY:
            return None
        # A hard link is listed under another name; this one is what gets replaced.
        file = replace(file, path=target)
        problem = _unusable(file)
        if problem:
            raise _refusal(
                file,
                f"The target {target} is there and cannot be used: {problem}",
                "Name another target, or move that file away.",
            )
        return file

    async def _sources(self, scratch: Path) -> list[FoundFile]:
        if self.selection.sources:
            return await self._explicit(scratch)
        found: list[FoundFile] = []
        for listed in self.discovery.files:
            file = listed
            if listed.preselected and listed.locked:
                file = await self._look(listed.path, scratch) or listed
            problem = _unusable(file)
            if problem and file.preselected and file.locked:
                # It has rows of the application, and will be there again in a moment.
                raise _refusal(file, f"{file.path} cannot be used: {problem}", "")
            if file.preselected and not problem:
                found.append(file)
            else:
                self.skipped[file.path] = problem or file.reason
                if problem and (file.preselected or file.kind is FileKind.ENCRYPTED_OR_DAMAGED):
                    self.warned[file.path] = problem
                elif not problem and _has_own_rows(file):
                    self.passed_over[file.path] = file.reason
        if not found:
            raise self._nothing()
        return found

    async def _explicit(self, scratch: Path) -> list[FoundFile]:
        found: dict[tuple[int, int], FoundFile] = {}
        for name in self.selection.sources:
            path = relative(self.root, name)
            file = await self._look(path, scratch)
            if file is None:
                raise FileRefused(f"There is no file {path}.", todo="Check the path.")
            if path in file.other_names and not (self.root / path).is_symlink():
                # A hard link: it is known here by the name that the person gave.
                file = replace(file, path=path)
            problem = _unusable(file)
            if problem:
                raise _refusal(file, f"{path} cannot be used: {problem}", "Leave it out.")
            first = found.setdefault((file.device, file.inode), file)
            if first.path != file.path:
                self.skipped[file.path] = f"It is the same file as {first.path}."
        return list(found.values())

    async def _look(self, path: str, scratch: Path) -> FoundFile | None:
        """The file as Discover lists it, else as it is now; None when it is not there."""
        for file in self.discovery.files:
            names = (file.path, *file.other_names)
            # A lock may be gone by now.
            known = path in names and not file.locked
            if known and await asyncio.to_thread(_is_same, self.root, file):
                return file
        absolute = os.path.join(self.root, path)  # noqa: PTH118 - keeps `..` after links
        if not await asyncio.to_thread(os.path.lexists, absolute):
            return None
        absolute = await asyncio.to_thread(os.path.realpath, absolute)
        candidate = await asyncio.to_thread(examine, absolute, wanted=True)
        return None if candidate is None else await describe(candidate, path, scratch)

    def _nothing(self) -> Refused:
        files = self.discovery.files
        if not files:
            return Refused(
                f"There are no SQLite databases under {self.root} "
                f"({plural(self.discovery.files_checked, 'file')} checked).",
                todo="Name another project folder.",
                title="Nothing to consolidate",
            )
        kinds = ", ".join(f"{path} ({why.rstrip('.')})" for path, why in self.skipped.items())
        return Refused(
            f"None of the files that were found holds application data: {kinds}.",
            todo=_PICK,
            title="Nothing to consolidate",
        )

    def _pick_target(self, sources: Sequence[FoundFile]) -> tuple[str, str]:
        """The file that the application uses, else the one with the most rows."""
        inner = [file for file in sources if not _is_outside(file.path)]
        if self.selection.base is not None:
            base = relative(self.root, self.selection.base)
            inner = [file for file in inner if file.path == base] or inner
        if not inner:
            raise UsageError("All sources lie outside the project.", todo="Add --target.")
        best, reason = favourite(inner, self.leads)
        return best.path, reason

    def _ordered(self, sources: Sequence[FoundFile], target: FoundFile | None) -> list[FoundFile]:
        """The sources with the base first and the existing target among them."""
        ordered = list(sources)
        if target is not None:
            self.skipped.pop(target.path, None)
            same = (target.device, target.inode)
            for file in sources:
                if (file.device, file.inode) == same:
                    ordered.remove(file)
            ordered.insert(0, target)
        base = self.selection.base
        if base is None:
            return ordered
        path = relative(self.root, base)
        if target is not None and path != target.path:
            raise UsageError(
                f"The target {target.path} exists, so it is the base, and not {path}.",
                todo="Leave the base out, or name a target that does not exist yet.",
            )
        chosen = next((file for file in ordered if file.path == path), None)
        if chosen is None:
            raise UsageError(f"The base {path} is not among the sources.", todo="Add it to them.")
        ordered.remove(chosen)
        return [chosen, *ordered]


def favourite(files: Sequence[FoundFile], found: Mapping[str, Lead]) -> tuple[FoundFile, str]:
    """The file that is the target where nobody named one, and why.

    The one that the settings name, else the one that most references lead to, else the one with
    the most rows. `files` must not be empty.
    """
    none = Lead()

    def weight(file: FoundFile) -> tuple[bool, int, int]:
        lead = found.get(file.path, none)
        return lead.settings != "", lead.references, file.rows or 0

    best = max(files, key=weight)
    lead = found.get(best.path, none)
    if len(files) == 1:
        return best, "it is the only candidate"
    if lead.settings:
        return best, f"the application's settings name it ({lead.settings})"
    if lead.references:
        count = lead.references
        return best, (
            f"{plural(count, 'reference')} of the application {verb(count, 'leads', 'lead')} to it"
        )
    return best, f"it has the most rows ({best.rows or 0:,})"


def relative(root: Path, name: str) -> str:
    """A path as Discover writes it: relative to the project, `/` between folders."""
    joined = os.path.join(root, name)  # noqa: PTH118 - an absolute name wins, as in a shell
    return os.path.relpath(os.path.normpath(joined), root).replace(os.sep, "/")


def inside(root: Path, name: str, what: str) -> str:
    """The relative path of a file that must lie in the project, also behind links.

    Raises UsageError for no name at all, Refused for a place outside.
    """
    path = relative(root, name)
    if not name or "\0" in name or path == ".":
        raise UsageError(f"`{name}` is no file name for the {what}.")
    real = os.path.realpath(root / path)
    if _is_outside(path) or _is_outside(relative(Path(os.path.realpath(root)), real)):
        raise Refused(
            f"The {what} {path} lies outside the project {root}.",
            todo="Choose a place in the project.",
        )
    return path


def refuse_outside(root: Path, sources: Sequence[str]) -> None:
    """Raise GateClosed for a path of a plan that leaves the project, also through a link. Blocking.

    A plan may come from somebody else; its files must not lead to databases elsewhere unseen.
    """
    real_root = Path(os.path.realpath(root))
    for name in sources:
        path = relative(root, name)
        if _is_outside(path) or _is_outside(relative(real_root, os.path.realpath(root / path))):
            raise GateClosed(
                f"The plan names {path}, which lies outside the project {root}.",
                todo="Add --allow-outside if that is meant.",
            )


def check_writable(root: Path, target: str) -> None:
    """Raise Refused unless a file can be put at `target` (and replaced there). Blocking."""
    path = root / target
    folder = path.parent
    suffix = next((s for s in SIDECARS if path.name.lower().endswith(s)), None)
    if suffix is not None:
        raise Refused(
            f"The target {target} has a name that ends in {suffix}: SQLite takes such a file for "
            "one of its own beside a database, and deletes it.",
            todo="Choose another target.",
        )
    if not folder.is_dir():
        raise Refused(
            f"The folder of the target, {os.fspath(folder)}, is not there.",
            todo="Create it, or choose another target.",
        )
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise Refused(f"The target {target} is no file.", todo="Choose another target.")
    blocked = folder if not os.access(folder, os.W_OK | os.X_OK) else None
    if blocked is None and path.exists() and not os.access(path, os.W_OK):
        blocked = path
    if blocked is not None:
        raise Refused(
            f"There is no permission to write {os.fspath(blocked)}.",
            todo="Change its permissions, or choose another target.",
        )


def _is_outside(path: str) -> bool:
    return path == ".." or path.startswith("../") or path.startswith("/")


def _is_same(root: Path, file: FoundFile) -> bool:
    try:
        stat = (root / file.path).stat()
    except OSError:
        return False
    return (stat.st_dev, stat.st_ino, stat.st_size) == (file.device, file.inode, file.size)


def _has_own_rows(file: FoundFile) -> bool:
    """Whether rows of the application may be in this file only, though it is not preselected."""
    foreign = file.role in (Role.TEST, Role.OTHER_PROGRAM, Role.EMPTY)
    return not foreign and file.rows != 0 and not file.same_as


def _refusal(file: FoundFile, sentence: str, todo: str) -> Refused:
    """Why a named file is not used; a lock is told with who may hold it, and what ends it."""
    if not file.locked:
        return FileRefused(sentence, todo=todo)
    held = ", ".join(f"{holder.name} (process {holder.pid})" for holder in file.holders)
    return LockedError(
        f"{sentence} It is open in {held}." if held else sentence,
        todo="Stop the program that uses it and try again, or leave the file out.",
    )


def _unusable(file: FoundFile) -> str:
    """Why a file cannot be a source, as a sentence; empty when it can."""
    if file.kind is not FileKind.DATABASE:
        return file.reason
    return file.problem if file.locked else ""
