"""Find, explain and rewrite the places where application source names SQLite files."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.reference import Reference, ReferenceReport
from consolidator_tui.services.references.apply import BackUp, apply
from consolidator_tui.services.references.diff import splice, unified_diff, with_needs
from consolidator_tui.services.references.find import find_references, fingerprint
from consolidator_tui.services.references.leftovers import Leftover, leftovers, not_followed
from consolidator_tui.services.references.propose import propose
from consolidator_tui.services.references.why import why

__all__ = [
    "BackUp",
    "Leftover",
    "apply",
    "explain",
    "find_references",
    "fingerprint",
    "leftovers",
    "not_followed",
    "propose",
    "splice",
    "unified_diff",
    "why",
    "with_needs",
]


def explain(report: ReferenceReport, database: Path) -> list[Reference]:
    """The references that can mean a database (absolute path): why the file exists."""
    return [r for r in report.references if database.absolute() in r.resolves_to]
