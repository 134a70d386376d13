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
    Question,
    TableCounts,
)
from consolidator_tui.services.plan_drift import drift
from consolidator_tui.tui.signs import BAD, GOOD
from consolidator_tui.tui.text import lines, plural, safe, sign
from consolidator_tui.tui.theme import Inks

NAMED = 3
"""Tables that the sentence names."""


def together(plan: MergePlan) -> str:
    """`both files`, or `several files` for more than two."""
    return "both files" if len(plan.sources) == 2 else "several files"


def forecast_sentence(plan: MergePlan, dry: DryRun, ink: Inks) -> Text:
    """What the merge will do, in one sentence with counted numbers."""
    tables = dry.tables
    lost = sum(t.lost for t in tables)
    text = sign(BAD if lost else GOOD, ink.bad if lost else ink.good)
    same = [t for t in tables if t.same]
    total = sum(t.same for t in tables)
    what = plural(total, "row")
    if len(same) == 1:
        what += f" of {safe(same[0].counts.table, 40)}"
    text.append(f"{what} {'is' if total == 1 else 'are'} the same in {together(plan)}, ", "bold")
    disagree = sum(t.disagree for t in tables)
    text.append(f"{disagree:,} {'disagrees' if disagree == 1 else 'disagree'}", "bold")
    named = [t for t in tables if t.disagree]
    if len(same) != 1 or named[:1] != same:
        text.append(_named(named))
    for number, words in (
        (sum(t.doubtful for t in tables), "may be the same"),
        (sum(t.clashing for t in tables), "share a UNIQUE key"),
    ):
        if number:
            text.append(f", {number:,} {words}", "bold")
    rekeyed = sum(t.counts.rekeyed for t in tables)
    text.append(f", {plural(rekeyed, 'id')} {'changes' if rekeyed == 1 else 'change'}, ", "bold")
    text.append(f"{lost:,} rows lost", str(ink.bad) if lost else "bold")
    text.append(".", "bold")
    undecided = sum(t.counts.undecided for t in tables)
    if undecided:
        verb = "needs" if undecided == 1 else "need"
        text.append(f" {undecided:,} {verb} a person to decide.", str(ink.warn))
    return text


def _named(tables: Sequence[Forecast]) -> str:
    if not tables:
        return ""
    ranked = sorted(tables, key=lambda t: -t.disagree)
    shown = ", ".join(f"{t.disagree:,} {safe(t.counts.table, 24)}" for t in ranked[:NAMED])
    return f" ({shown}{', …' if len(ranked) > NAMED else ''})"


def table_sentence(plan: MergePlan, found: Forecast) -> str:
    """The same for one table."""
    counts = found.counts
    parts = [f"{found.same:,} the same in {together(plan)}", f"{found.disagree:,} disagree"]
    if found.doubtful:
        parts.append(f"{found.doubtful:,} may be the same")
    if found.clashing:
        parts.append(f"{found.clashing:,} share a UNIQUE key")
    parts += [f"{counts.new:,} new", f"{plural(counts.rekeyed, 'id')} changed"]
    return f"{', '.join(parts)}, {found.lost:,} lost"


def identity_words(table: MergeTable) -> str:
    """When two rows are the same entity, in a few words."""
    if table.identity.columns:
        return f"{', '.join(table.identity.columns)} agree"
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
) -> Text:
    """Questions first, then what will happen, then why the table is merged as it is."""
    muted = str(ink.muted)
    text = Text(end="")
    for question in questions:
        text.append("? ", str(ink.warn))
        text.append(f"{lines(question.text)}\n")
    if plan is not None and found is not None and counts is None:
        _fact(text, "Will be", table_sentence(plan, found), muted)
        counts = found.counts
    if table is not None:
        _fact(text, "Identity", table.identity.reason or str(table.identity.kind), muted)
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
