"""Which references have to change, and how; what has to be done by hand."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from consolidator_tui.domain.reference import (
    Anchor,
    Edit,
    FileEdit,
    FileScan,
    Form,
    ManualNote,
    Proposal,
    Reference,
    ReferenceReport,
)
from consolidator_tui.services.references.by_hand import (
    in_container,
    in_words,
    not_edited,
    unread,
)
from consolidator_tui.services.references.check import check
from consolidator_tui.services.references.containers import Containers
from consolidator_tui.services.references.find import known_names
from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.links import through_links
from consolidator_tui.services.references.mounts import Mounts
from consolidator_tui.services.references.paths import OTHER_WORD, locate
from consolidator_tui.services.references.pieces import normal
from consolidator_tui.services.references.rewrite import (
    CONFIGURATION,
    FileJobs,
    Job,
    Rewritten,
    rewrite_files,
    values_of,
)
from consolidator_tui.services.workers import FEW, LARGE, spread

_RUNTIME = "only known when it runs. Check"
_MOST_LINES = 12
_LOOK = 50
"""Test files that are looked into for databases of their own."""
_OWN = re.compile(
    rb"mkstemp|mkdtemp|tmp_path|tmpdir|TemporaryDirectory|NamedTemporaryFile|:memory:|sqlite://[\"']"
)
_SILENT = (Form.TEXT, Form.MENTION)
_UNANCHORED = (Form.TOML, Form.YAML, Form.INI)
_ANCHORED = (Anchor.FILE_FOLDER, Anchor.ABSOLUTE)
_CARRIES = re.compile(
    r"migrat|merg|consolidat|convert|backup|restore|import|export|copy|sync|transfer|dump|upgrade|"
    r"compare|diff|old|legacy",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Case:
    """What a proposal is made for."""

    report: ReferenceReport
    target: Path
    test_database: Path
    selected: frozenset[Path]
    key: str | None
    scans: dict[str, FileScan]
    mounts: Mounts

    def goal(self, reference: Reference) -> Path:
        """What a reference shall mean."""
        return self.test_database if reference.in_tests else self.target

    def goals(self, references: Iterable[Reference]) -> set[Path]:
        """What several references shall mean."""
        return {self.goal(reference) for reference in references}


async def propose(
    project: Path,
    report: ReferenceReport,
    *,
    target: Path,
    databases: Sequence[Path] = (),
    test_database: str | None = None,
    introduce_key: str | None = None,
    processes: int | None = None,
) -> Proposal:
    """The edits after which the application uses only `target`, and its tests a file of their own.

    `databases`: the consolidated ones (default: those of the report); references to others are
    left alone. `test_database`: a name beside the target (default `test_` + its name).
    `introduce_key`: an environment key to read first at each hard-coded path that is edited.
    Every edit is checked by resolving the edited project again; one that does not give the goal,
    or changes what another reference means, is left out and noted.
    """
    target = target.absolute()
    name = test_database or f"test_{target.name}"
    chosen = [path.absolute() for path in (databases or report.databases)]
    scans = {scan.file: scan for scan in report.scans}
    selected = frozenset([*chosen, target])
    meant = await asyncio.to_thread(through_links, report, target, selected)
    case = _Case(
        meant, target, target.parent / name, selected, introduce_key, scans, Mounts(project)
    )
    project = project.absolute()
    wanted, notes = await asyncio.to_thread(_decide, case)
    work = [_file_jobs(project, case, file, found) for file, found in wanted.items()]
    heavy = len(work) > FEW or await asyncio.to_thread(_any_large, project, list(wanted))
    rewritten = await spread(rewrite_files, work, heavy=heavy, processes=processes)
    kept, dropped = await asyncio.to_thread(check, report, target, case.goals, rewritten)
    notes += [note for found in rewritten for note in found.notes]
    notes += _dropped_notes(case, rewritten, dropped)
    notes += _relative_notes(case, kept)
    notes += await asyncio.to_thread(_test_notes, case)
    notes += unread(report)
    edited = tuple(
        FileEdit(found.file, report.hashes[found.file], found.edits)
        for found in sorted(kept, key=lambda found: found.file)
    )
    ordered = tuple(sorted(set(_grouped(notes)), key=lambda n: (n.file, n.line, n.what)))
    return Proposal(project, target, case.test_database, edited, ordered, report.environment_keys)


def _any_large(project: Path, files: list[str]) -> bool:
    return any((project / file).stat().st_size > LARGE for file in files if file.endswith(".py"))


def _decide(case: _Case) -> tuple[dict[str, list[Reference]], list[ManualNote]]:
    notes: list[ManualNote] = []
    wanted: dict[str, list[Reference]] = defaultdict(list)
    veto = _several(case)
    containers = Containers(case.report.project)
    for reference in case.report.references:
        why = _why_not(case, reference, veto, containers)
        if why is None:
            wanted[reference.file].append(reference)
        elif why:
            notes.append(ManualNote(reference.file, reference.line, why))
    return wanted, notes


def _file_jobs(project: Path, case: _Case, file: str, references: list[Reference]) -> FileJobs:
    report = case.report
    scan = case.scans[file]
    jobs = []
    for reference in references:
        goal = case.goal(reference)
        key = case.key if reference.env_key is None and not reference.in_tests else None
        if reference.form is Form.TORTOISE and not reference.uses:
            key = None  # in a plain dictionary nothing says that the key's value is a path
        jobs.append(
            Job(
                reference,
                goal,
                _reason(case, reference, goal),
                values_of(reference, scan),
                key,
            )
        )
    # What is written is read again: with the target's name, which may be none that it has.
    known = known_names([*report.databases, case.target, case.test_database])
    return FileJobs(project, file, report.hashes[file], known, tuple(jobs))


def _why_not(
    case: _Case, reference: Reference, veto: dict[str, str], containers: Containers
) -> str | None:
    """None: to be edited. Empty: nothing to do. Else what to do by hand."""
    goal = case.goal(reference)
    if reference.form in _SILENT:
        return ""
    if not reference.resolves_to:
        if reference.anchor is Anchor.ENVIRONMENT and _told(case, reference.env_key):
            return ""
        if reference.in_tests or reference.anchor in (Anchor.TEMPORARY, Anchor.HOME):
            return ""
        if reference.by_name and reference.may_be == (goal,):
            return ""
        why = reference.why_not or "not decidable"
        if reference.may_be:
            alone = f"Check what it does when only {_shown(case, goal)} is there."
            return f"{reference.form}: {why}. {alone}"
        return f"{reference.form}: {why}. Check that it is {_shown(case, goal)}."
    if list(reference.resolves_to) == [goal]:
        settled = reference.anchor in _ANCHORED or reference.form in _UNANCHORED
        if settled or not reference.editable:
            return ""
    about = case.target, case.selected, case.report.project
    said = in_words(reference, *about)
    if said is None:
        said = in_container(reference, *about, case.mounts)
    if said is not None:
        return said
    if not _concerns(case, reference):
        return _unconcerned(case, reference)
    if not reference.editable:
        return f"“{reference.text}”: {reference.why_not}. {_advice(case, reference, goal)}"
    if reference.file in veto and not reference.in_tests:
        return veto[reference.file]
    if reference.form is Form.DOTENV and reference.env_key:
        how = containers.hands(reference.file, reference.env_key)
        if how:
            return _in_containers(case, reference, goal, how)
    return None


def _in_containers(case: _Case, reference: Reference, goal: Path, how: str) -> str:
    if list(reference.resolves_to) == [goal]:
        return ""
    return (
        f"{how}, and paths of this machine do not exist in a container. "
        f"Let {reference.env_key} name {_shown(case, goal)} as the container sees it: a path "
        "relative to the folder in which it is started is right in both."
    )


def _concerns(case: _Case, reference: Reference) -> bool:
    """Whether the reference means consolidated databases, and only those."""
    if reference.exists:
        meant = {path for path in reference.resolves_to if path in case.selected or _holds(path)}
        return bool(meant & case.selected) if reference.in_tests else meant <= case.selected
    if reference.in_tests:
        return False
    key = reference.env_key
    return key is not None and any(
        other.env_key == key and _concerns_file(case, other)
        for other in case.report.references
        if not other.in_tests and not in_tests(other.file)
    )


def _concerns_file(case: _Case, reference: Reference) -> bool:
    return reference.exists and set(reference.resolves_to) <= case.selected


def _holds(path: Path) -> bool:
    """Whether there is anything in a file: an empty stray has nothing that could be meant."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _advice(case: _Case, reference: Reference, goal: Path) -> str:
    if "Django's test database" in reference.why_not or "speaks of tests" in reference.why_not:
        return f"It must be another file than {_shown(case, case.target)}."
    if "set for tests" in reference.why_not:
        return f"It must be another file than {_shown(case, case.target)}."
    if "is refused" in reference.why_not:
        return f"Check that the test still says what it should with {_shown(case, case.target)}."
    if "another copy" in reference.why_not:
        return "Check whether it is still needed."
    if "deletes, moves" in reference.why_not:
        return f"Check first that it may do that to {_shown(case, goal)}."
    return f"Let it use {_shown(case, goal)}."


def _told(case: _Case, key: str | None) -> bool:
    """Whether another reference says what an environment key holds."""
    return key is not None and any(
        r.env_key == key and r.resolves_to for r in case.report.references
    )


def _unconcerned(case: _Case, reference: Reference) -> str:
    if reference.in_tests or reference.form not in _real_forms():
        return ""
    meant = ", ".join(sorted(_shown(case, path) for path in reference.resolves_to))
    if not reference.exists and reference.form is Form.CANDIDATES:
        return ""
    if not reference.exists:
        return f"“{reference.text}” would create {meant}, which is none of the databases. Check it."
    if set(reference.resolves_to) & case.selected:
        return f"“{reference.text}” can mean {meant}, and not all of them were consolidated."
    return ""


def _real_forms() -> frozenset[Form]:
    reported = {Form.TEXT, Form.MENTION, Form.JSON, Form.CI, Form.FILE_OPERATION, Form.UNREADABLE}
    return frozenset(set(Form) - reported)


def _shown(case: _Case, path: Path) -> str:
    project = case.report.project
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)


def _several(case: _Case) -> dict[str, str]:
    """Files that carry data from one database to another are never edited."""
    meant: dict[str, set[frozenset[Path]]] = defaultdict(set)
    other: set[str] = set()
    for reference in case.report.references:
        if reference.form in (*CONFIGURATION, *_SILENT) or not reference.exists:
            continue
        meant[reference.file].add(frozenset(reference.resolves_to))
        if "another copy" in reference.why_not:
            other.add(reference.file)
    found = {}
    for file, groups in meant.items():
        stem = PurePosixPath(file).stem
        if len(groups) > 1 and (file in other or _CARRIES.search(stem) or OTHER_WORD.search(stem)):
            found[file] = (
                "this script works on several of the databases at once. "
                "Check whether it is still needed."
            )
    return found


def _reason(case: _Case, reference: Reference, goal: Path) -> str:
    meant = ", ".join(_shown(case, path) for path in reference.resolves_to)
    whose = "tests get a database of their own" if reference.in_tests else "one database"
    return f"{meant} → {_shown(case, goal)} ({whose})"


def _dropped_notes(
    case: _Case, rewritten: Sequence[Rewritten], dropped: dict[tuple[str, int], str]
) -> list[ManualNote]:
    """Why edits that were made are not offered: a note for each reference in them."""
    edits = {(found.file, edit.start): edit for found in rewritten for edit in found.edits
             if edit.old}  # fmt: skip
    by_file: dict[str, list[tuple[Edit, str]]] = defaultdict(list)
    for place, why in dropped.items():
        by_file[place[0]].append((edits[place], why))
    return [
        ManualNote(
            reference.file,
            reference.line,
            not_edited(reference, why, case.goal(reference), case.report.project),
        )
        for reference in case.report.references
        for edit, why in by_file.get(reference.file, ())
        if edit.start <= reference.start < edit.end
    ]


def _relative_notes(case: _Case, kept: Sequence[Rewritten]) -> list[ManualNote]:
    """Edited values that still depend on the working directory, since their form has no anchor."""
    edited = {(found.file, edit.start): edit for found in kept for edit in found.edits}
    notes = []
    for reference in case.report.references:
        edit = edited.get((reference.file, reference.start))
        if edit is None or reference.form not in _UNANCHORED:
            continue
        value = edit.new.decode("utf-8", "replace").strip("'\"")
        path = locate(value).path
        if path.startswith("/"):
            continue
        goal = case.goal(reference)
        base = next((b for b in reference.working_directories if normal(path, b) == goal), None)
        where = "the project" if base in (None, case.report.project) else _shown(case, base)
        what = (
            f"“{value}” stays relative, because {reference.form} knows no anchor: it is "
            f"{_shown(case, goal)} when the program is started in {where}."
        )
        notes.append(ManualNote(reference.file, reference.line, what))
    return notes


def _makes_own(path: Path) -> bool:
    """Whether a test file makes databases in memory or in a temporary folder. Blocking."""
    try:
        return _OWN.search(path.read_bytes()) is not None
    except OSError:
        return False


def _grouped(notes: Iterable[ManualNote]) -> list[ManualNote]:
    """Calls of one file whose paths are equally unknown are one note, with all their lines."""
    found: list[ManualNote] = []
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for note in notes:
        if _RUNTIME in note.what:
            alike[note.file, note.what].append(note.line)
        else:
            found.append(note)
    for (file, what), lines in alike.items():
        first, *more = sorted(set(lines))
        told = ", ".join(map(str, more[:_MOST_LINES])) + (" …" if len(more) > _MOST_LINES else "")
        found.append(ManualNote(file, first, f"{what} Also line {told}." if more else what))
    return found


def _test_notes(case: _Case) -> list[ManualNote]:
    """Tests without any database of their own use the application's."""
    tests = [scan.file for scan in case.report.scans if in_tests(scan.file)]
    own = any(r.in_tests and (r.resolves_to or r.anchor is Anchor.TEMPORARY)
              for r in case.report.references)  # fmt: skip
    if not tests or own or any(_makes_own(case.report.project / file) for file in tests[:_LOOK]):
        return []
    keys = ", ".join(case.report.environment_keys[:2])
    how = f"set {keys} in conftest.py" if keys else "give them a path of their own"
    return [ManualNote(tests[0], 1, f"the tests name no database of their own; {how}.")]
