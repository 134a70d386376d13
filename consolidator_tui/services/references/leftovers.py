"""What the application would still look for after its old files are deleted."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.reference import Anchor, Form, Reference, ReferenceReport
from consolidator_tui.services.references.elsewhere import NOT_OPENING
from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.mentions import find_mentions
from consolidator_tui.services.references.mounts import Mounts
from consolidator_tui.services.references.text_files import PYTHON
from consolidator_tui.services.references.why import why

_HARMLESS = frozenset({Form.TEXT, Form.MENTION, Form.CI, Form.FILE_TEST})
"""Documentation and ignore files, texts that nothing opens, machines that have files of their
own, and questions whether a file is there."""
_FROM_THE_PROJECT = frozenset(
    {Form.TOML, Form.YAML, Form.INI, Form.JSON, Form.COMPOSE, Form.DOCKERFILE, Form.SHELL,
     Form.JAVASCRIPT}
)  # fmt: skip
"""Their relative paths cannot be anchored: that the first meaning is the target must do."""

_DECIDED = (Anchor.FILE_FOLDER, Anchor.ABSOLUTE, Anchor.TEMPORARY, Anchor.HOME)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A reference that names a file which is to be deleted."""

    reference: Reference
    database: Path
    """That file, as it is to be deleted."""
    path: Path
    """The path by which the reference means it."""
    how: str
    """What it says, and from where that is the file."""
    certain: bool = True
    """Whether that is the file, as far as can be read; else it may be."""

    @property
    def place(self) -> str:
        """File and line; one place may name several files. What cannot be read has no line."""
        if not self.reference.line:
            return self.reference.file
        return f"{self.reference.file}:{self.reference.line}"

    @property
    def sentence(self) -> str:
        """Where it stands, and what it says of a file that is named beside it."""
        return f"{self.place} {self._names} it: {self.how}."

    def told(self, project: Path) -> str:
        """What it says, with the path that it means."""
        meant = self.path if self.path.is_relative_to(project) else self.database
        return f"It {self._names} {os.path.relpath(meant, project)}: {self.how}."

    @property
    def _names(self) -> str:
        return "still names" if self.certain else "may still name"


def leftovers(
    report: ReferenceReport, target: Path, doomed: Collection[Path]
) -> tuple[Leftover, ...]:
    """The references that still name files of `doomed` (absolute paths), in the report's order.

    A link to such a file, and the same path by way of a linked folder, name it too. Tests,
    documentation and ignore files do not count, and neither does what means `target` wherever the
    project itself is the working directory and cannot say it any better. A search for files that
    finds one of them counts, and so do texts of all other files that name one, and files and
    folders that cannot be read. Blocking.
    """
    found: list[Leftover] = []
    files: dict[tuple[int, int] | str, Path] = {}
    for path in doomed:
        files.setdefault(_identity(path), path)
    files.pop(_identity(target), None)
    for reference in report.references:
        if reference.form in _HARMLESS or reference.in_tests or in_tests(reference.file):
            continue
        named = reference.resolves_to if reference.exists else ()
        meant = dict.fromkeys((*named, *reference.may_be))
        from_the_project = reference.form in _FROM_THE_PROJECT
        if from_the_project and named and named[0] == target:
            continue
        for path in meant:
            database = files.get(_identity(path))
            if database is not None:
                database = path if path in doomed else database
                how = _how(reference, path, report.project, certain=path in named)
                found.append(Leftover(reference, database, path, how, path in named))
    known = {(left.place, left.database) for left in found}
    more = [left for left in _mentioned(report, target, list(files.values()))
            if (left.place, left.database) not in known]  # fmt: skip
    return tuple(sorted([*found, *more], key=lambda x: (x.reference.file, x.reference.line)))


def not_followed(report: ReferenceReport) -> tuple[Reference, ...]:
    """The places that open a database by a path of which nothing is known before it runs.

    None of them names a file that is to be deleted, and each may open one. Tests do not count,
    and neither does what a configuration says, which stands in a file that is read itself.
    """
    return tuple(
        reference
        for reference in report.references
        if reference.anchor is Anchor.UNKNOWN
        and reference.form not in NOT_OPENING
        and reference.form not in _HARMLESS
        and reference.file.endswith(PYTHON)
        and not (reference.resolves_to or reference.may_be or reference.env_key)
        # peewee's way to say that the path is given later.
        and reference.text != "None"
        and not (reference.in_tests or in_tests(reference.file))
    )


def _mentioned(report: ReferenceReport, target: Path, doomed: Collection[Path]) -> list[Leftover]:
    """The texts that name one of the files where no reference of the line says something else."""
    decided = {
        (r.file, r.line)
        for r in report.references
        if r.in_tests
        or r.form is Form.FILE_TEST
        or (
            r.file.endswith(PYTHON)
            and r.anchor in _DECIDED
            and not r.may_be
            and r.form is not Form.MENTION
        )
    }
    # As it stands, an absolute path that is not there may still be one in a container.
    absent = {
        (r.file, r.line)
        for r in report.references
        if r.anchor is Anchor.ABSOLUTE and not r.exists and not r.in_tests
    }
    mounts = Mounts(report.project)
    found = []
    for mention in find_mentions(report.project, target, doomed, mounts.files) if doomed else ():
        place = mention.file, mention.line
        if place in decided and not (mention.mapped and place in absent):
            continue
        reference = Reference(
            mention.file, mention.line, 1, Form.MENTION, mention.how, Anchor.UNKNOWN
        )
        at = mention.database
        found.append(Leftover(reference, at, at, mention.how, mention.certain))
    return found


def _how(reference: Reference, path: Path, project: Path, *, certain: bool) -> str:
    if not certain and reference.by_name:
        return f"“{reference.text}” has a part that is only known when it runs"
    if not certain:
        return f"“{reference.text}” is what a search for files finds"
    return f"“{reference.text}”, {why(reference, path, project)}"


def _identity(path: Path) -> tuple[int, int] | str:
    """What is equal for two names of one file."""
    try:
        stat = path.stat()
    except OSError:
        return os.path.realpath(path)
    return stat.st_dev, stat.st_ino
