"""The plan in words: one sentence for all of it, and the reasons for each table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import (
    DryRun,
    Forecast,
    IdentityKind,
    MergePlan,
    MergeTable,
    Note,
    Question,
    TableCounts,
)
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.plan_document.drift import drift
from consolidator_tui.services.plan_document.words import (
    forecast_words,
    table_words,
    undecided_words,
)
from consolidator_tui.tui.signs import BAD, GOOD, NONE
from consolidator_tui.tui.text import lines, safe, sign
from consolidator_tui.tui.theme import Inks


def forecast_sentence(plan: MergePlan, dry: DryRun, ink: Inks) -> Text:
    """What the merge will do, in one sentence with counted numbers."""
    lost = any(table.lost for table in dry.tables)
    text = sign(BAD if lost else GOOD, ink.bad if lost else ink.good)
    text.append(safe(forecast_words(plan, dry)), str(ink.bad) if lost else "bold")
    undecided = undecided_words(dry)
    if undecided:
        text.append(f" {undecided}", str(ink.warn))
    return text


def unfollowed_sentence(unfollowed: Sequence[Note], ink: Inks) -> Text:
    """How many columns have ids in their texts that nothing follows; empty for none."""
    text = Text()
    if unfollowed:
        number = plural(len(unfollowed), "column")
        seem = verb(len(unfollowed), "seems", "seem")
        text.append(f" {number} {seem} to hold ids inside texts, which are not followed.")
        text.stylize(str(ink.warn))
    return text


def result_sentence(counts: tuple[TableCounts, ...], ink: Inks) -> Text:
    """What the merge came to, in one sentence with exact numbers."""
    source, lost = sum(c.source for c in counts), sum(c.lost for c in counts)
    base, new = sum(c.base for c in counts), sum(c.new for c in counts)
    same, conflict = sum(c.duplicate for c in counts), sum(c.conflict for c in counts)
    text = sign(BAD if lost else GOOD, ink.bad if lost else ink.good)
    text.append(f"{plural(source, 'row')} read: ", "bold")
    text.append(f"{base:,} of the base, {new:,} new, {plural(same, 'duplicate')}, ")
    text.append(f"{plural(conflict, 'row')} settled in conflicts, {lost:,} lost.")
    return text


def identity_words(table: MergeTable) -> str:
    """When two rows are the same entity, in a few words."""
    if table.histories:
        return "one history is kept"
    if table.identity.columns:
        columns = table.identity.columns
        return f"{', '.join(columns)} {verb(len(columns), 'agrees', 'agree')}"
    return {
        IdentityKind.LINEAGE: "same id, copies of one file",
        IdentityKind.ROWS: "all of it is equal",
        IdentityKind.NONE: "never: all are appended",
    }.get(table.identity.kind, str(table.identity.kind))


def rules_words(table: MergeTable) -> str:
    """Which version wins, in a few words."""
    return ", then ".join(rule.replace("_", " ") for rule in table.rules)


def table_text(
    plan: MergePlan | None,
    table: MergeTable | None,
    counts: TableCounts | None,
    questions: Sequence[Question],
    found: Forecast | None,
    ink: Inks,
    unfollowed: Sequence[Note] = (),
) -> Text:
    """Questions first, then what will happen, then why the table is merged as it is."""
    muted = str(ink.muted)
    text = Text(end="")
    for question in questions:
        text.append("? ", str(ink.warn))
        text.append(f"{lines(question.text)}\n")
    for warning in unfollowed:
        text.append("! ", str(ink.warn))
        text.append(f"{lines(warning.text)}\n")
    if plan is not None and found is not None and counts is None:
        _fact(text, "Will be", table_words(plan, found), muted)
        counts = found.counts
    if table is not None:
        _fact(text, "Identity", table.identity.reason or str(table.identity.kind), muted)
        if not table.histories:
            _fact(text, "Conflicts", _survivor(table), muted)
    if counts is not None:
        for path, shift in counts.shifts.items():
            if shift:
                _fact(text, "Re-keyed", f"ids of {path} {shift:+,}", muted)
        if counts.undecided:
            _fact(text, "Undecided", plural(counts.undecided, "conflict"), muted)
    if table is not None and plan is not None:
        _references(text, plan, table, muted)
        for difference in drift(plan, table):
            what = f"{difference.column} of {difference.file}: {difference.what}; {difference.done}"
            _fact(text, "Drift", what, muted)
        for note in table.notes:
            _fact(text, "Note", note, muted)
    text.rstrip()
    return text


def _survivor(table: MergeTable) -> str:
    words = f"{rules_words(table)} wins"
    if table.newest:
        words += f", newest by {table.newest}"
    return words + (", NULLs filled from the others" if table.fill_nulls else "")


def _references(text: Text, plan: MergePlan, table: MergeTable, muted: str) -> None:
    for reference in table.references:
        how = "declared" if reference.declared else f"not declared: {reference.evidence}"
        here = ", ".join(reference.columns)
        only = "".join(f" where {safe(c)} is {safe(v)}" for c, v in reference.where.items())
        there = f"{reference.parent}({', '.join(reference.parent_columns)})"
        _fact(text, "Reference", f"{here}{only} → {there}, {how}", muted)
    for proposal in plan.proposals:
        if fold(proposal.table) == fold(table.name):
            parents = " or ".join(c.parent for c in proposal.candidates)
            columns = ", ".join(proposal.columns)
            _fact(text, "Not followed", f"{columns} → {parents}? weak evidence (f shows it)", muted)


def _fact(text: Text, label: str, value: str, muted: str) -> None:
    text.append(f"{label:<13}", muted)
    text.append(f"{safe(value)}\n")


def moves_words(found: Forecast | None) -> str:
    """By how much ids move, as counted."""
    if found is None:
        return "…"
    shifts = sorted({shift for shift in found.counts.shifts.values() if shift})
    moved = found.counts.rekeyed
    return ", ".join(f"{shift:+,}" for shift in shifts) if shifts and moved else NONE


def why_not(action: str, *, planned: bool, promoted: bool) -> str:
    """Why an action of Migrate is not there now, for whoever presses its key."""
    if promoted:
        return "The merge is in place: its plan is not changed any more. ctrl+r undoes it."
    if not planned:
        return "There is no plan yet."
    return {
        "history": "No earlier state of these files was found (among the files, in backups of "
        "earlier runs, in git), so there is no past to choose.",
        "answer": "The plan has no open questions.",
    }.get(action, "This belongs to the plan: v shows it in the place of the result.")
