"""References that lead to a database by way of a symbolic link."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.reference import ReferenceReport


def through_links(
    report: ReferenceReport, target: Path, selected: Collection[Path]
) -> ReferenceReport:
    """The report with the selected databases in place of the links that lead to them. Blocking.

    A link to `target` stays: what opens it is right already.
    """
    real = {os.path.realpath(path): path for path in selected}
    real.pop(os.path.realpath(target), None)

    def meant(path: Path) -> Path:
        return path if path in selected else real.get(os.path.realpath(path), path)

    references = []
    for reference in report.references:
        paths = tuple(dict.fromkeys(meant(path) for path in reference.resolves_to))
        same = not reference.exists or paths == reference.resolves_to
        references.append(reference if same else replace(reference, resolves_to=paths))
    return replace(report, references=tuple(references))
