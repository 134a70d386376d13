"""The answers that a question of the plan offers, each as a change of the plan document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from consolidator_tui.domain.merge import Question
from consolidator_tui.domain.plan import OnDrift, PlanDocument, Value
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.edit import overlay
from consolidator_tui.services.planning.fixes import split_alternatives

PLACEHOLDER = "..."
"""Stands in the lines of a question where only a person knows the value."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to settle a question."""

    label: str
    change: PlanDocument
    """What is laid over the plan."""
    asks: tuple[str, str] | None = None
    """Table and column whose value must be typed."""


def answers(question: Question) -> tuple[Answer, ...]:
    """What a question offers, in its order; empty where it offers no plan lines.

    Raises PlanError when the offered lines are no plan.
    """
    found = []
    for lines in split_alternatives(question.fix):
        change = plan_file.loads(lines, "the offered lines")
        label = "; ".join(_words(change))
        if label:
            found.append(Answer(label, change, _asked(change)))
    return tuple(found)


def apply(document: PlanDocument, answer: Answer, typed: Value = None) -> PlanDocument:
    """The document with the answer taken; `typed` is the value that it asks for."""
    change = answer.change
    if answer.asks is not None:
        table, column = answer.asks
        plan = change.tables[table]
        defaults = {**plan.defaults, column: typed}
        change = replace(change, tables={**change.tables, table: replace(plan, defaults=defaults)})
    return overlay(document, change)


def _asked(change: PlanDocument) -> tuple[str, str] | None:
    for table, plan in change.tables.items():
        for column, value in plan.defaults.items():
            if value == PLACEHOLDER:
                return table, column
    return None


def _words(change: PlanDocument) -> Iterator[str]:
    for reference in change.references:
        columns = ", ".join(reference.columns)
        yield f"follow {columns} to {reference.parent}({', '.join(reference.parent_columns)})"
    for reference in change.not_references:
        yield f"{', '.join(reference.columns)} refers to nothing: its values stay as they are"
    for path, mapping in change.mapping.items():
        for name, target in mapping.tables.items():
            yield f"call {name} of {path} {target}" if target else f"leave out {name} of {path}"
        for table, names in mapping.columns.items():
            for column, target in names.items():
                yield f"call {table}.{column} of {path} {target}"
    for table, plan in change.tables.items():
        for column in plan.defaults:
            yield f"give rows without {table}.{column} a value"
        if plan.identity is not None:
            chosen = plan.identity
            named = chosen if isinstance(chosen, str) else ", ".join(chosen)
            yield f"rows of {table} are the same when {named} agree"
        if plan.on_conflict is not None:
            rules = ", then ".join(rule.replace("_", " ") for rule in plan.on_conflict)
            yield f"where {table} disagrees: {rules}"
        if plan.on_drift is OnDrift.UNITE:
            yield f"put {table} together: all values stay as they are, columns lose their type"
    if change.on_drift is OnDrift.UNITE:
        yield "put them together: all values stay as they are, columns lose their type"
