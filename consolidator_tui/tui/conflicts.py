"""Conflicts that nothing has decided, as the plain list of the review screen shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from consolidator_tui.domain.merge import MergePlan, MergeResult
from consolidator_tui.domain.plan import Decision, PlanDocument, Value

BOTH = "both"
_CHOICES = re.compile(r"^keep = .*?  # (.*)$", re.MULTILINE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """One entity with a version in each of `sources`, and no decision by a rule."""

    table: str
    entity: Mapping[str, Value]
    sources: tuple[str, ...]
    differs: tuple[str, ...] = field(default=())

    @property
    def key(self) -> str:
        """A name that is the same after every merge."""
        parts = ", ".join(f"{name}={value!r}" for name, value in self.entity.items())
        return f"{self.table}: {parts}"

    def decision(self, keep: str) -> Decision:
        """The decision that this source (or `both`) is kept."""
        return Decision(self.table, dict(self.entity), keep)


def open_conflicts(result: MergeResult, plan: MergePlan) -> tuple[OpenConflict, ...]:
    """The undecided conflicts of a merge, from the decisions that it offers to fill in.

    Raises PlanError when the offered text is no plan.
    """
    from consolidator_tui.services import plan_file

    offered = plan_file.loads(result.templates, "the offered decisions").decisions
    choices = _CHOICES.findall(result.templates)
    all_sources = tuple(source.path for source in plan.sources)
    differs = {question.table: question.column for question in result.questions}
    found = []
    for number, decision in enumerate(offered):
        listed = _QUOTED.findall(choices[number]) if number < len(choices) else []
        sources = tuple(path for path in all_sources if path in listed) or all_sources
        columns = tuple(c for c in differs.get(decision.table, "").split(", ") if c)
        found.append(OpenConflict(decision.table, decision.entity, sources, columns))
    return tuple(found)


def decided(document: PlanDocument, conflict: OpenConflict) -> str:
    """What the document keeps of a conflict: a source, `both`, or empty."""
    for decision in document.decisions:
        if decision.table == conflict.table and dict(decision.entity) == dict(conflict.entity):
            return decision.keep
    return ""


def with_decision(document: PlanDocument, conflict: OpenConflict, keep: str) -> PlanDocument:
    """The document with this conflict decided; an empty `keep` takes the decision back."""
    others = tuple(
        decision
        for decision in document.decisions
        if decision.table != conflict.table or dict(decision.entity) != dict(conflict.entity)
    )
    added = (conflict.decision(keep),) if keep else ()
    return replace(document, decisions=(*others, *added))
