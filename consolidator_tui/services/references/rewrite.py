"""The edits of single files; runs in worker processes for large projects."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.reference import (
    Edit,
    FileScan,
    Form,
    ManualNote,
    Pieces,
    Reference,
)
from consolidator_tui.services.references.by_hand import not_edited
from consolidator_tui.services.references.config_edit import config_edit
from consolidator_tui.services.references.diff import splice
from consolidator_tui.services.references.find import scan_bytes
from consolidator_tui.services.references.python_anchor import CannotEdit
from consolidator_tui.services.references.python_edit import PythonEditor, Wanted
from consolidator_tui.services.references.python_tree import NotReadable, parse

CONFIGURATION = (Form.DOTENV, Form.ALEMBIC_INI, Form.INI, Form.TOML, Form.YAML)


@dataclass(frozen=True, slots=True)
class Job:
    """What one reference shall mean."""

    reference: Reference
    goal: Path
    reason: str
    values: tuple[tuple[Form, Pieces, str], ...]
    key: str | None


@dataclass(frozen=True, slots=True)
class FileJobs:
    """The references of one file, and the hash of the file that they were found in."""

    project: Path
    file: str
    sha256: str
    known: frozenset[str]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The edits of one file, what has to be done by hand, and the scan of the edited bytes."""

    file: str
    data: bytes
    edits: tuple[Edit, ...]
    notes: tuple[ManualNote, ...]
    scan: FileScan | None


def values_of(reference: Reference, scan: FileScan) -> tuple[tuple[Form, Pieces, str], ...]:
    """Everything that a literal is used in: form, expression, file of the use."""
    values: list[tuple[Form, Pieces, str]] = [
        (use.form, use.pieces, use.file) for use in reference.uses
    ]
    if not any(use.form not in (Form.FILE_TEST, Form.FILE_OPERATION) for use in reference.uses):
        literal = next(x for x in scan.literals if x.start == reference.start)
        values += [(literal.form, value, scan.file) for value in literal.values]
    return tuple(dict.fromkeys(values))


def rewrite_files(batch: Sequence[FileJobs]) -> list[Rewritten]:
    """Make the edits of some files."""
    return [_rewrite(jobs) for jobs in batch]


def _rewrite(work: FileJobs) -> Rewritten:
    file = work.file
    try:
        data = (work.project / file).read_bytes()
    except OSError as error:
        return _nothing(work, b"", f"the file cannot be read any more ({error.strerror})")
    if hashlib.sha256(data).hexdigest() != work.sha256:
        return _nothing(work, data, "the file changed since it was read; look again")
    editor = None
    if work.jobs[0].reference.form not in CONFIGURATION:
        try:
            editor = PythonEditor(work.project, file, parse(data))
        except NotReadable as error:
            return _nothing(work, data, f"the file is not edited: {error.reason}")
    edits: dict[tuple[int, int], Edit] = {}
    notes: list[ManualNote] = []
    for job in work.jobs:
        reference = job.reference
        try:
            if editor is None:
                made = config_edit(work.project, data, reference, job.goal, job.reason)
            else:
                made = editor.edits(
                    Wanted(reference.start, job.goal, job.values, job.reason, job.key)
                )
        except CannotEdit as error:
            what = not_edited(reference, str(error), job.goal, work.project)
            notes.append(ManualNote(file, reference.line, what))
            continue
        edits |= {(edit.start, edit.end): edit for edit in made}
    if editor is not None:
        edits |= {(edit.start, edit.end): edit for edit in editor.imports()}
    ordered = tuple(sorted(edits.values(), key=lambda e: (e.start, e.end)))
    scan = scan_bytes(file, splice(data, ordered), work.known) if ordered else None
    return Rewritten(file, data, ordered, tuple(notes), scan)


def _nothing(work: FileJobs, data: bytes, why: str) -> Rewritten:
    """No edits, and why, for each of the references."""
    notes = [
        ManualNote(work.file, job.reference.line, f"“{job.reference.text}”: {why}.")
        for job in work.jobs
    ]
    return Rewritten(work.file, data, (), tuple(notes), None)
