"""The automatic plan as a document that people can read, correct and give back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from consolidator_tui.domain.merge import (
    DryRun,
    Identity,
    IdentityKind,
    MergePlan,
    MergeTable,
    Question,
    Reference,
)
from consolidator_tui.domain.plan import PlanDocument, ReferencePlan, TablePlan
from consolidator_tui.domain.suggestion import Suggestions
from consolidator_tui.services.cleanup.originals import StayingName
from consolidator_tui.services.plan_document.lines import Path
from consolidator_tui.services.plan_document.look_alikes import WHERE_TO_LOOK, told
from consolidator_tui.services.plan_document.values import spell_text
from consolidator_tui.services.plan_document.words import (
    forecast_words,
    table_words,
    undecided_words,
)
from consolidator_tui.services.plan_document.writer import dumps

_HEAD = "What consolidator-tui would do by itself. Every key is optional; change what is wrong."


def explained_plan(
    plan: MergePlan,
    questions: Sequence[Question],
    dry: DryRun | None = None,
    alike: Suggestions | None = None,
    staying: Sequence[StayingName] = (),
) -> str:
    """The plan as TOML, its reasons and open questions as comments.

    `dry` gives the numbers; without it they are those before rows are matched. `alike` are rows
    that no key matches, `staying` names of the files that Clean up would keep. Given back with
    `run --plan`, it leads to the same merge.
    """
    document, comments = written_out(plan, dry)
    head = [_HEAD]
    if dry is not None:
        head += ["", f"{forecast_words(plan, dry)} {undecided_words(dry)}".strip(), ""]
    head += map(str, plan.notes)
    for note in dry.unfollowed if dry is not None else ():
        head += [note.text, *(f"    {line}" for line in note.fix.splitlines())]
    head += [f"Clean up: {name.sentence}" for name in staying]
    pairs = [f"{table}: {text}." for table, text in told(alike)] if alike is not None else []
    head += [*pairs, WHERE_TO_LOOK] if pairs else []
    if questions:
        head += [
            "",
            "To be decided before anything is written. Lines can be pasted below the plan:",
        ]
    for question in questions:
        head.append(f"- {question.text}")
        head += [f"    {line}" for line in question.fix.splitlines()]
    comments[()] = head
    return dumps(document, comments)


def written_out(
    plan: MergePlan, dry: DryRun | None = None
) -> tuple[PlanDocument, dict[Path, list[str]]]:
    """The document with every choice spelled out, and the reasons as comments."""
    comments: dict[Path, list[str]] = {}
    tables: dict[str, TablePlan] = {}
    references = list(plan.document.references)
    for table in plan.tables:
        chosen = _chosen(plan.document, table)
        tables[table.name] = chosen
        comments["tables", spell_text(table.name)] = list(_reasons(plan, table, dry))
        for reference in table.references:
            wanted = _reference_plan(reference)
            if reference.declared or _is_there(wanted, references):
                continue
            comments["references", len(references)] = [reference.evidence]
            references.append(wanted)
    return replace(plan.document, tables=tables, references=tuple(references)), comments


def _chosen(document: PlanDocument, table: MergeTable) -> TablePlan:
    written = document.tables.get(table.name, TablePlan())
    return replace(
        written,
        identity=_identity(table.identity, written),
        newest=table.newest,
        fill_nulls=table.fill_nulls,
    )


def _identity(identity: Identity, written: TablePlan) -> tuple[str, ...] | str | None:
    if identity.kind is IdentityKind.COLUMNS and identity.columns:
        return identity.columns
    return {
        IdentityKind.LINEAGE: "lineage",
        IdentityKind.ROWS: "rows",
        IdentityKind.NONE: "none",
    }.get(identity.kind, written.identity)


def _reasons(plan: MergePlan, table: MergeTable, dry: DryRun | None) -> Iterator[str]:
    files = [
        f"{source.path} {rows:,}"
        for source, rows in zip(plan.sources, plan.rows_of(table), strict=True)
        if rows is not None
    ]
    yield f"rows: {', '.join(files)}"
    yield f"identity: {table.identity.reason}"
    found = next((f for f in dry.tables if f.counts.table == table.name), None) if dry else None
    if found is not None:
        yield f"will be: {table_words(plan, found)}"
        for path, shift in found.counts.shifts.items():
            if shift and found.counts.rekeyed:
                yield f"{table.surrogate} of {path}: {shift:+,}"
    else:
        for source, shift in zip(plan.sources, table.shifts, strict=False):
            if shift:
                yield f"{table.surrogate} of {source.path}: up to {shift:+,}"
    for reference in table.references:
        if reference.declared:
            own, parents = ", ".join(reference.columns), ", ".join(reference.parent_columns)
            yield f"refers to {reference.parent}: {own} -> {parents} (declared)"
    yield from table.notes


def _reference_plan(reference: Reference) -> ReferencePlan:
    return ReferencePlan(
        table=reference.table,
        columns=reference.columns,
        parent=reference.parent,
        parent_columns=reference.parent_columns,
        where=reference.where,
        absent=reference.absent,
    )


def _is_there(wanted: ReferencePlan, references: Sequence[ReferencePlan]) -> bool:
    return any(
        (other.table, other.columns, other.parent, dict(other.where))
        == (wanted.table, wanted.columns, wanted.parent, dict(wanted.where))
        for other in references
    )
