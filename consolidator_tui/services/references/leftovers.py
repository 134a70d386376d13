"""What the application would still look for after its old files are deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.reference import Form, Reference, ReferenceReport
from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.why import why

_HARMLESS = frozenset({Form.TEXT, Form.MENTION, Form.CI, Form.FILE_TEST})
"""Documentation and ignore files, texts that nothing opens, machines that have files of their
own, and questions whether a file is there."""
_FROM_THE_PROJECT = frozenset(
    {Form.TOML, Form.YAML, Form.INI, Form.JSON, Form.COMPOSE, Form.DOCKERFILE, Form.SHELL,
     Form.JAVASCRIPT}
)  # fmt: skip
"""Their relative paths cannot be anchored: that the first meaning is the target must do."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A reference that names a file which is to be deleted."""

    reference: Reference
    database: Path
    sentence: str
    """Where it stands, what it says, and from where that is the file."""


def leftovers(
    report: ReferenceReport, target: Path, doomed: Collection[Path]
) -> tuple[Leftover, ...]:
    """The references that still name files of `doomed` (absolute paths), in the report's order.

    Tests, documentation and ignore files do not count, and neither does what means `target`
    wherever the project itself is the working directory and cannot say it any better.
    """
    found = []
    for reference in report.references:
        if reference.form in _HARMLESS or reference.in_tests or in_tests(reference.file):
            continue
        if not reference.exists:
            continue
        if reference.form in _FROM_THE_PROJECT and reference.resolves_to[0] == target:
            continue
        for database in reference.resolves_to:
            if database in doomed and database != target:
                how = why(reference, database, report.project)
                sentence = (
                    f"{reference.file}:{reference.line} still names it: “{reference.text}”, {how}."
                )
                found.append(Leftover(reference, database, sentence))
    return tuple(found)
