"""Whether edits do what they promise: the edited project is resolved once more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from consolidator_tui.domain.reference import Reference, ReferenceReport
from consolidator_tui.services.references.config_edit import same_but
from consolidator_tui.services.references.diff import splice
from consolidator_tui.services.references.resolve import resolve
from consolidator_tui.services.references.rewrite import CONFIGURATION, Rewritten

Goals = Callable[[Iterable[Reference]], set[Path]]


def check(
    report: ReferenceReport, target: Path, goals: Goals, rewritten: Sequence[Rewritten]
) -> tuple[list[Rewritten], dict[str, str]]:
    """The files whose edits hold, and why the others do not.

    An edit holds when the file still reads as what it is, each edited reference means its goal,
    and no other reference of the project means anything else than before.
    """
    left = [found for found in rewritten if found.edits]
    dropped: dict[str, str] = {}
    while True:
        bad = _once(report, target, goals, left)
        if not bad:
            return left, dropped
        for file, why in bad.items():
            dropped[file] = f"{why}. Edit it by hand so that it uses {target.name}."
        left = [found for found in left if found.file not in bad]


def _once(
    report: ReferenceReport, target: Path, goals: Goals, files: Sequence[Rewritten]
) -> dict[str, str]:
    new = {found.file: found for found in files}
    changed = {found.file: splice(found.data, found.edits) for found in files}
    scans = []
    for scan in report.scans:
        again = new[scan.file].scan if scan.file in new else scan
        if again is not None:
            scans.append(again)
    databases = tuple({*report.databases, target})
    after = resolve(report.project, tuple(scans), databases, report.python_files, changed=changed)
    before_by_file = _by_file(report)
    after_by_file = _by_file(after)
    unreadable = {found.file for found in after.unreadable}
    bad: dict[str, str] = {}
    for found in files:
        if found.file in unreadable:
            bad[found.file] = "the edited file would not parse"
            continue
        why = _bad(found, before_by_file[found.file], after_by_file[found.file], goals)
        if why:
            bad[found.file] = why
    return bad or _others(report, after, new)


def _by_file(report: ReferenceReport) -> dict[str, list[Reference]]:
    found: dict[str, list[Reference]] = defaultdict(list)
    for reference in report.references:
        found[reference.file].append(reference)
    return found


def _bad(found: Rewritten, before: list[Reference], after: list[Reference], goals: Goals) -> str:
    changes = [edit for edit in found.edits if edit.old]
    form = before[0].form
    if form in CONFIGURATION and not same_but(
        form, found.data, splice(found.data, found.edits), len(changes)
    ):
        return "the edit would change other values"
    for edit in changes:
        shift = sum(len(e.new) - len(e.old) for e in found.edits if e.start < edit.start)
        start, end = edit.start + shift, edit.start + shift + len(edit.new)
        wanted = goals(r for r in before if edit.start <= r.start < edit.end)
        meant = [r for r in after if start <= r.start < end]
        if meant and all(wanted < set(r.resolves_to) for r in meant) and form in CONFIGURATION:
            return "what a relative path means there depends on where the program is started"
        if not meant or any(set(r.resolves_to) != wanted for r in meant):
            return "the path is put together in a way that an edit does not reach"
    return ""


def _others(
    report: ReferenceReport, after: ReferenceReport, files: dict[str, Rewritten]
) -> dict[str, str]:
    """References outside the edits must mean what they meant."""
    now = _meaning(after, {})
    for (file, text), meant in _meaning(report, files).items():
        if files and meant - now.get((file, text), set()):
            culprit = file if file in files else next(iter(files))
            return {culprit: "the edit would change what another reference means"}
    return {}


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
