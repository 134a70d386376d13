"""Conflicts that nothing has decided, as the plain list of the review screen shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consolidator_tui.domain.merge import MergePlan, MergeResult, Question
    from consolidator_tui.domain.plan import Decision, PlanDocument, Value

BOTH = "both"
_CHOICES = re.compile(r"^keep = .*?  # (.*)$", re.MULTILINE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NEEDS_VALUE = '# with keep = "both": values'


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """One entity with a version in each of `sources`, and no decision by a rule."""

    table: str
    entity: Mapping[str, Value]
    sources: tuple[str, ...]
    differs: tuple[str, ...] = field(default=())
    unique: tuple[str, ...] = field(default=())
    """Columns of a UNIQUE key that two different entities share: to keep both, one of them
    needs another value there."""

    @property
    def key(self) -> str:
        """A name that is the same after every merge."""
        parts = ", ".join(f"{name}={value!r}" for name, value in self.entity.items())
        return f"{self.table}: {parts} ({', '.join(self.differs)})"


def open_conflicts(result: MergeResult, plan: MergePlan) -> tuple[OpenConflict, ...]:
    """The undecided conflicts of a merge, from the decisions that its questions offer.

    Raises PlanError when an offered text is no plan.
    """
    known = tuple(source.path for source in plan.sources)
    found: dict[str, OpenConflict] = {}
    for question in result.questions:
        for conflict in _offered(question, known):
            made = replace(conflict, unique=conflict.unique or _identity_of(plan, conflict))
            found.setdefault(made.key, made)
    return tuple(found.values())


def _identity_of(plan: MergePlan, conflict: OpenConflict) -> tuple[str, ...]:
    """The key columns that name the entity: to keep both rows, one needs another value there."""
    for table in plan.tables:
        if table.name == conflict.table:
            # Other identities than by columns have none here.
            return tuple(column for column in table.identity.columns if column in conflict.entity)
    return ()


def _offered(question: Question, known: tuple[str, ...]) -> list[OpenConflict]:
    from consolidator_tui.services import plan_file

    offered = plan_file.loads(question.fix, "the offered decisions", open_decisions=True).decisions
    choices = _CHOICES.findall(question.fix)
    columns = tuple(column for column in question.column.split(", ") if column)
    unique = columns if _NEEDS_VALUE in question.fix else ()
    conflicts = []
    for number, decision in enumerate(offered):
        listed = _QUOTED.findall(choices[number]) if number < len(choices) else []
        sources = tuple(path for path in known if path in listed) or known
        conflicts.append(OpenConflict(decision.table, decision.entity, sources, columns, unique))
    return conflicts


def _is_about(decision: Decision, conflict: OpenConflict) -> bool:
    return decision.table == conflict.table and dict(decision.entity) == dict(conflict.entity)


def decided(document: PlanDocument, conflict: OpenConflict) -> str:
    """What the document keeps of a conflict: a source, `both`, or empty."""
    return next((d.keep for d in document.decisions if _is_about(d, conflict)), "")


def with_decision(
    document: PlanDocument,
    conflict: OpenConflict,
    keep: str,
    values: Mapping[str, Value] | None = None,
) -> PlanDocument:
    """The document with this conflict decided; an empty `keep` takes the decision back.

    `values` are other values for the row that is not the first source's, where both are kept.
    """
    from consolidator_tui.domain.plan import Decision

    others = tuple(d for d in document.decisions if not _is_about(d, conflict))
    made = Decision(conflict.table, dict(conflict.entity), keep, values or {})
    return replace(document, decisions=(*others, made) if keep else others)
