"""The tables of Migrate: what is planned for each table, and what came of it."""

from __future__ import annotations

from rich.text import Text

from consolidator_tui.domain.merge import Forecast, MergePlan, MergeTable, TableCounts
from consolidator_tui.tui.plan_text import identity_words, moves_words, rules_words
from consolidator_tui.tui.text import count, plain
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.widgets.fit_table import Col, Row

PLAN_COLUMNS = (
    Col("Table", least=12, most=40, flex=1),
    Col("Files", right=True, from_width=110),
    Col("Rows", right=True),
    Col("Same entity when", least=16, most=48, flex=2),
    Col("Which wins", least=9, most=28, flex=1, from_width=110),
    Col("Same", right=True),
    Col("Differ", right=True),
    Col("Ids move by", right=True, most=24),
)
RESULT_COLUMNS = (
    Col("Table", least=12, most=40, flex=1),
    Col("Read", right=True, least=6),
    Col("Base", right=True, least=6),
    Col("New", right=True, least=6),
    Col("Duplicate", right=True),
    Col("Conflict", right=True),
    Col("Re-keyed", right=True),
    Col("Lost", right=True),
)


def plan_row(
    plan: MergePlan, table: MergeTable, found: Forecast | None, ink: Inks, *, asked: bool
) -> Row:
    """What is planned for a table; `found` is what a dry run counted, `asked` marks a question."""
    there = [rows for rows in plan.rows_of(table) if rows is not None]
    name = plain(f"{'? ' if asked else ''}{table.name}", str(ink.warn) if asked else "")
    return table.name, (
        name,
        str(len(there)),
        count(sum(there)),
        plain(identity_words(table)),
        rules_words(table),
        count(found.same if found else None),
        count(found.disagree + found.doubtful + found.clashing if found else None),
        moves_words(found),
    )


def count_row(counts: TableCounts, ink: Inks) -> Row:
    """What came of a table."""
    lost = Text(count(counts.lost), str(ink.bad) if counts.lost else str(ink.good))
    conflict = Text(count(counts.conflict))
    if counts.undecided:
        conflict = Text(f"! {count(counts.conflict)}", str(ink.warn))
    return counts.table, (
        plain(counts.table),
        count(counts.source),
        count(counts.base),
        count(counts.new),
        count(counts.duplicate),
        conflict,
        count(counts.rekeyed),
        lost,
    )
