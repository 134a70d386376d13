"""Changes of the plan document, one by one, as people make them on the plan screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.plan import (
    Decision,
    FileMapping,
    NotSame,
    OnDrift,
    PlanDocument,
    ReferencePlan,
    TablePlan,
)

_V = TypeVar("_V")


def table_plan(document: PlanDocument, table: str) -> TablePlan:
    """What the document says of a table; names are compared as SQLite does."""
    found = _named(document.tables, table)
    return TablePlan() if found is None else document.tables[found]


def with_table(document: PlanDocument, table: str, **changes: Any) -> PlanDocument:
    """The document with fields of a TablePlan set for a table."""
    name = _named(document.tables, table) or table
    made = replace(table_plan(document, table), **changes)
    kept = {other: plan for other, plan in document.tables.items() if other != name}
    # An empty plan says nothing: the file stays short.
    return replace(document, tables=kept if made == TablePlan() else {**kept, name: made})


def follow(document: PlanDocument, reference: ReferencePlan) -> PlanDocument:
    """The document with an undeclared reference that is followed."""
    document = forget_reference(document, reference)
    return replace(document, references=(*document.references, reference))


def turn_down(document: PlanDocument, reference: ReferencePlan) -> PlanDocument:
    """The document with a column that is no reference."""
    document = forget_reference(document, reference)
    refused = ReferencePlan(reference.table, reference.columns)
    return replace(document, not_references=(*document.not_references, refused))


def forget_reference(document: PlanDocument, reference: ReferencePlan) -> PlanDocument:
    """The document without a word on the reference's columns (for the same `where`)."""
    return replace(
        document,
        references=tuple(
            r
            for r in document.references
            if _columns(r) != _columns(reference) or dict(r.where) != dict(reference.where)
        ),
        not_references=tuple(
            r for r in document.not_references if _columns(r) != _columns(reference)
        ),
    )


def _columns(reference: ReferencePlan) -> tuple[str, tuple[str, ...]]:
    return fold(reference.table), tuple(map(fold, reference.columns))


def rename(document: PlanDocument, path: str, name: str, target: str | None) -> PlanDocument:
    """Call a table, index, view or trigger of a file `target`; "" leaves it out, None resets."""
    mapping = document.mapping.get(path, FileMapping())
    return _with_mapping(
        document, path, replace(mapping, tables=_set(mapping.tables, name, target))
    )


def rename_column(
    document: PlanDocument, path: str, table: str, column: str, target: str | None
) -> PlanDocument:
    """Call a column of a file's table `target`; None gives it its own name back."""
    mapping = document.mapping.get(path, FileMapping())
    listed = _named(mapping.columns, table) or table
    columns = _set(mapping.columns.get(listed, {}), column, target)
    others = {other: names for other, names in mapping.columns.items() if other != listed}
    if columns:
        others[listed] = columns
    return _with_mapping(document, path, replace(mapping, columns=others))


def _with_mapping(document: PlanDocument, path: str, mapping: FileMapping) -> PlanDocument:
    kept = {other: part for other, part in document.mapping.items() if other != path}
    if mapping.tables or mapping.columns:
        kept[path] = mapping
    return replace(document, mapping=kept)


def _set(names: Mapping[str, str], name: str, target: str | None) -> dict[str, str]:
    kept = {other: value for other, value in names.items() if fold(other) != fold(name)}
    if target is not None and (target == "" or target != name):
        kept[name] = target
    return kept


def overlay(document: PlanDocument, added: PlanDocument) -> PlanDocument:
    """The document with what another one says on top, as if its lines were pasted into it.

    Only what a question's answer can hold is taken: tables, mappings, references, `on_drift`.
    """
    for name, plan in added.tables.items():
        before = table_plan(document, name)
        document = with_table(
            document,
            name,
            identity=before.identity if plan.identity is None else plan.identity,
            newest=plan.newest or before.newest,
            fill_nulls=plan.fill_nulls or before.fill_nulls,
            on_conflict=before.on_conflict if plan.on_conflict is None else plan.on_conflict,
            defaults={**before.defaults, **plan.defaults},
            on_drift=plan.on_drift or before.on_drift,
        )
    for path, mapping in added.mapping.items():
        for name, target in mapping.tables.items():
            document = rename(document, path, name, target)
        for table, columns in mapping.columns.items():
            for column, target in columns.items():
                document = rename_column(document, path, table, column, target)
    for reference in added.references:
        document = follow(document, reference)
    for reference in added.not_references:
        document = turn_down(document, reference)
    if added.on_drift is not OnDrift.STOP:
        document = replace(document, on_drift=added.on_drift)
    return document


def without_decision(document: PlanDocument, decision: Decision) -> PlanDocument:
    """The document without that decision."""
    return replace(document, decisions=tuple(d for d in document.decisions if d != decision))


def with_not_same(document: PlanDocument, pair: NotSame) -> PlanDocument:
    """The document with a pair of rows that was called different."""
    return replace(document, not_same=(*without_not_same(document, pair).not_same, pair))


def without_not_same(document: PlanDocument, pair: NotSame) -> PlanDocument:
    """The document without that pair."""
    return replace(document, not_same=tuple(p for p in document.not_same if p != pair))


def _named(names: Mapping[str, _V], name: str) -> str | None:
    return next((other for other in names if fold(other) == fold(name)), None)
