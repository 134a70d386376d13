"""Whether edits do what they promise: the edited project is resolved once more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from consolidator_tui.domain.reference import Edit, Reference, ReferenceReport
from consolidator_tui.services.references.config_edit import same_but
from consolidator_tui.services.references.diff import splice, with_needs
from consolidator_tui.services.references.find import known_names, scan_bytes
from consolidator_tui.services.references.resolve import PAIRED, resolve
from consolidator_tui.services.references.rewrite import CONFIGURATION, Rewritten

T = TypeVar("T")
Goals = Callable[[Iterable[Reference]], set[Path]]
Place = tuple[str, int]
"""File and start of an edit."""
_UNSEEN = "the path is put together in a way that an edit does not reach"
_ODD_NAME = (
    "the target's name has a space or no suffix, so it cannot be checked that the edit is right"
)
_STARTED = "what a relative path means there depends on where the program is started"
_OTHERS = "the edit would change what another reference means"
_ALONE = "what opens the same file there is not edited"


def check(
    report: ReferenceReport, target: Path, goals: Goals, rewritten: Sequence[Rewritten]
) -> tuple[list[Rewritten], dict[Place, str]]:
    """The files with the edits that hold, and why each of the other edits does not.

    An edit holds when the file still reads as what it is, each edited reference means its goal,
    and no other reference of the project means anything else than before. Blocking.
    """
    checked = _Check(report, target, goals)
    left = [found for found in rewritten if found.edits]
    dropped: dict[Place, str] = {}
    while bad := checked.bad(left):
        dropped |= bad
        left = [less for found in left if (less := checked.without(found, bad)).edits]
    return left, dropped


class _Check:
    def __init__(self, report: ReferenceReport, target: Path, goals: Goals) -> None:
        self.report = report
        self.goals = goals
        self.databases = tuple({*report.databases, target})
        self.known = known_names([*self.databases, *goals(report.references)])
        self.before = _by_file(report)

    def bad(self, files: Sequence[Rewritten]) -> dict[Place, str]:
        """The edits that do not hold; empty when all do."""
        found: dict[Place, str] = {}
        for file in files:
            found |= self._misread(file)
        if found or not files:
            return found
        after = self._resolved(files)
        now = _by_file(after)
        for file in files:
            for edit in _changes(file):
                why = self._why(file, edit, now[file.file])
                if why:
                    found[file.file, edit.start] = why
            found |= self._alone(file, found)
        return found or self._others(files, after)

    def without(self, file: Rewritten, bad: Iterable[Place]) -> Rewritten:
        """A file with the edits that are not `bad`, read again."""
        starts = {start for name, start in bad if name == file.file}
        if not starts:
            return file
        return self._only(file, [edit for edit in _changes(file) if edit.start not in starts])

    def _only(self, file: Rewritten, changes: Sequence[Edit]) -> Rewritten:
        edits = with_needs(changes, file.edits) if changes else ()
        scan = scan_bytes(file.file, splice(file.data, edits), self.known) if edits else None
        return replace(file, edits=edits, scan=scan)

    def _misread(self, file: Rewritten) -> dict[Place, str]:
        """The first edit with which the file is not what it was any more."""
        for why, holds in (
            ("the edited file would not parse", _parses),
            ("the edit would change other values", self._keeps_values),
        ):
            if not holds(file):
                return {(file.file, self._culprit(file, holds)): why}
        return {}

    def _culprit(self, file: Rewritten, holds: Callable[[Rewritten], bool]) -> int:
        """The start of the first edit with which a file does not hold any more."""
        changes = _changes(file)
        count = _first_failing(changes, lambda some: holds(self._only(file, some)))
        return changes[count - 1].start

    def _keeps_values(self, file: Rewritten) -> bool:
        form = self.before[file.file][0].form
        after = splice(file.data, file.edits)
        return form not in CONFIGURATION or same_but(form, file.data, after, len(_changes(file)))

    def _why(self, file: Rewritten, edit: Edit, after: list[Reference]) -> str:
        """Why what is edited would not mean its goal; empty when it would."""
        before = self.before[file.file]
        shift = sum(len(e.new) - len(e.old) for e in file.edits if e.start < edit.start)
        start, end = edit.start + shift, edit.start + shift + len(edit.new)
        wanted = self.goals(r for r in before if edit.start <= r.start < edit.end)
        meant = [r for r in after if start <= r.start < end]
        settings = before[0].form in CONFIGURATION
        if settings and meant and all(wanted < set(r.resolves_to) for r in meant):
            return _STARTED
        if not meant and any(" " in path.name or not path.suffix for path in wanted):
            return _ODD_NAME
        if not meant or any(set(r.resolves_to) != wanted for r in meant):
            return _UNSEEN
        return ""

    def _alone(self, file: Rewritten, bad: Iterable[Place]) -> dict[Place, str]:
        """Tests and removals of a file whose opening, in the same source, stays as it is."""
        dropped = {start for name, start in bad if name == file.file}
        kept = [edit for edit in _changes(file) if edit.start not in dropped]
        references = self.before[file.file]
        opened = [r for r in references if r.editable and r.form not in PAIRED]
        right = [
            r
            for r in opened
            if set(r.resolves_to) == self.goals([r])
            or any(edit.start <= r.start < edit.end for edit in kept)
        ]
        found: dict[Place, str] = {}
        for edit in kept:
            inside = [r for r in references if edit.start <= r.start < edit.end]
            paired = inside and all(r.form in PAIRED for r in inside)
            paths = {path for r in inside for path in r.resolves_to}
            if paired and _touch(opened, paths) and not _touch(right, paths):
                found[file.file, edit.start] = _ALONE
        return found

    def _others(self, files: Sequence[Rewritten], after: ReferenceReport) -> dict[Place, str]:
        """The first edit with which a reference outside of it means something else."""
        if self._unmoved(files, after):
            return {}
        count = _first_failing(files, lambda some: self._unmoved(some, self._resolved(some)))
        *good, last = files[:count]
        changes = _changes(last)

        def holds(some: Sequence[Edit]) -> bool:
            tried = [*good, self._only(last, some)] if some else good
            return self._unmoved(tried, self._resolved(tried))

        edit = changes[_first_failing(changes, holds) - 1]
        return {(last.file, edit.start): _OTHERS}

    def _unmoved(self, files: Sequence[Rewritten], after: ReferenceReport) -> bool:
        """Whether all references outside of the edits mean what they meant."""
        now = _meaning(after, {})
        new = {file.file: file for file in files}
        return all(
            meant <= now.get(place, set()) for place, meant in _meaning(self.report, new).items()
        )

    def _resolved(self, files: Sequence[Rewritten]) -> ReferenceReport:
        new = {file.file: file for file in files}
        changed = {file.file: splice(file.data, file.edits) for file in files}
        scans = []
        for scan in self.report.scans:
            again = new[scan.file].scan if scan.file in new else scan
            if again is not None:
                scans.append(again)
        report = self.report
        return resolve(
            report.project, tuple(scans), self.databases, report.python_files, changed=changed
        )


def _changes(file: Rewritten) -> list[Edit]:
    """The edits of a file that change something there, not those that they need."""
    return [edit for edit in file.edits if edit.old]


def _parses(file: Rewritten) -> bool:
    return file.scan is None or file.scan.unreadable is None


def _touch(references: Iterable[Reference], paths: set[Path]) -> bool:
    return any(paths & set(reference.resolves_to) for reference in references)


def _first_failing(items: Sequence[T], holds: Callable[[Sequence[T]], bool]) -> int:
    """The length of the shortest beginning of `items` that does not hold; all of them do not."""
    good, failing = 0, len(items)
    while failing - good > 1:
        middle = (good + failing) // 2
        if holds(items[:middle]):
            good = middle
        else:
            failing = middle
    return failing


def _by_file(report: ReferenceReport) -> dict[str, list[Reference]]:
    found: dict[str, list[Reference]] = defaultdict(list)
    for reference in report.references:
        found[reference.file].append(reference)
    return found


def _meaning(
    report: ReferenceReport, files: dict[str, Rewritten]
) -> dict[tuple[str, str], set[tuple[Path, ...]]]:
    meaning: dict[tuple[str, str], set[tuple[Path, ...]]] = defaultdict(set)
    for reference in report.references:
        edits = files[reference.file].edits if reference.file in files else ()
        edited = any(edit.start <= reference.start < edit.end for edit in edits)
        if reference.exists and not edited:
            meaning[reference.file, reference.text].add(reference.resolves_to)
    return meaning
