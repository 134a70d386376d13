"""Checks what is said of migration histories that the target does not keep."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import History, MergePlan, MergeTable
from consolidator_tui.domain.verification import Check
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.workspace import Workspace
from consolidator_tui.storage.sqlite import quote


async def histories(workspace: Workspace, plan: MergePlan) -> list[Check]:
    """One check for each table with such histories: their rows are in the target, or said to be
    left out."""
    found = []
    for table in plan.tables:
        if not table.histories:
            continue
        wrong, rows = 0, 0
        for history in table.histories:
            total, known = await _counted(workspace, table, history)
            wrong += (total, known) != (history.duplicate + history.conflict, history.duplicate)
            rows += total
        told = sum(history.duplicate for history in table.histories)
        detail = (
            f"{told:,} of {plural(rows, 'row')} of other histories {verb(told, 'is', 'are')} in "
            f"the target{f'; not so for {wrong} of them' if wrong else ''}"
        )
        found.append(Check("migration histories", table.name, wrong == 0, detail))
    return found


async def _counted(workspace: Workspace, table: MergeTable, history: History) -> tuple[int, int]:
    """The rows of a history, and how many of them the target has by what was applied.

    Where no column says that, the latter is taken as it was told.
    """
    theirs = workspace.rows(history.source, history.table).sql
    if not history.heads:
        total = await workspace.database.value(f"SELECT count(*) FROM {theirs}")
        return int(total), history.duplicate
    own = [quote(_in_target(table, head)) for head in history.heads]
    chosen = ", ".join(f"CAST({name} AS TEXT) AS h{n}" for n, name in enumerate(own))
    same = " AND ".join(
        f"k.h{n} IS CAST(t.{quote(head)} AS TEXT) COLLATE BINARY"
        for n, head in enumerate(history.heads)
    )
    row = await workspace.database.row(
        f"WITH kept AS MATERIALIZED (SELECT {chosen} FROM main.{quote(table.name)}) "
        f"SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM kept k WHERE {same})) "
        f"FROM {theirs} AS t"
    )
    assert row is not None
    return int(row[0]), int(row[1])


def _in_target(table: MergeTable, head: str) -> str:
    """What the target calls a column of the history that it keeps."""
    first = next(k for k, name in enumerate(table.sources) if name is not None)
    return next(c.name for c in table.columns if fold(str(c.sources[first])) == fold(head))
