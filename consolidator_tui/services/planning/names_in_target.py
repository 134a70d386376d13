"""What the plan calls a table, view, index or trigger of a source in the target."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import FileMapping, PlanDocument


def mapped_to(document: PlanDocument, source: Source, name: str) -> str | None:
    """The target's name; None where the plan leaves the object out (maps it to nothing)."""
    for there, here in document.mapping.get(source.path, FileMapping()).tables.items():
        if fold(there) == fold(name):
            return here or None
    return name


def name_in_target(plan: MergePlan, source: Source, name: str) -> str | None:
    """The target's name in a finished plan."""
    return mapped_to(plan.document, source, name)
