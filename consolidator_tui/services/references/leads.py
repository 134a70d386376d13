"""What of the application leads to each file: how often, and whether its settings name it."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path

from consolidator_tui.domain.discovery import FoundFile
from consolidator_tui.domain.reference import Anchor, Form, Reference, ReferenceReport
from consolidator_tui.domain.selection import Lead

_FRAMEWORKS = (Form.FLASK, Form.DJANGO)
_FLASK_KEY = "SQLALCHEMY_DATABASE_URI"
_BINDS = "SQLALCHEMY_BINDS"
_LOADED = (".env", ".flaskenv")
"""Files that are read without being named: templates and files of other machines are not."""


def leads(report: ReferenceReport, files: Collection[FoundFile]) -> dict[str, Lead]:
    """What leads to each of the files, by its path."""
    counts: dict[Path, int] = {}
    for reference in report.references:
        if not reference.in_tests:
            for path in reference.resolves_to:
                counts[path] = counts.get(path, 0) + 1
    settings: dict[Path, str] = {}
    for path, reference in _settings(report):
        settings.setdefault(path, f"{reference.file}:{reference.line}")
    found = {}
    for file in files:
        names = [report.project / name for name in (file.path, *file.other_names)]
        place = next((settings[name] for name in names if name in settings), "")
        found[file.path] = Lead(sum(counts.get(name, 0) for name in names), place)
    return found


def _settings(report: ReferenceReport) -> Iterator[tuple[Path, Reference]]:
    """The databases that settings of Flask and Django name, each with the place."""
    names = {(scan.file, item.start): item.name for scan in report.scans for item in scan.literals}
    named = [
        reference
        for reference in report.references
        if reference.exists
        and not reference.in_tests
        and names.get((reference.file, reference.start)) != _BINDS
        and _is_setting(reference)
    ]
    # What stands in .env beats the default of the code that reads the variable.
    given = {reference.env_key for reference in named if reference.form is Form.DOTENV}
    seen: set[str] = set()
    for reference in named:
        if reference.form is not Form.DOTENV and reference.env_key in given - {None}:
            continue
        if _opens(reference, Form.DJANGO):
            # Behind the default database stand those that only some models use.
            if reference.file in seen:
                continue
            seen.add(reference.file)
        # Flask has one instance folder; of other folders it is not known where it is started.
        one = reference.anchor is Anchor.INSTANCE_FOLDER
        for path in reference.resolves_to[:1] if one else reference.resolves_to:
            yield path, reference


def _is_setting(reference: Reference) -> bool:
    if reference.form is Form.DOTENV:
        if posixpath.basename(reference.file) not in _LOADED:
            return False
        if (reference.env_key or "").endswith(_FLASK_KEY):
            return True
    return any(_opens(reference, form) for form in _FRAMEWORKS)


def _opens(reference: Reference, form: Form) -> bool:
    return reference.form is form or any(use.form is form for use in reference.uses)
