"""Tables of migration tools: one file's history is kept, the rows of the others are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from consolidator_tui.domain.catalog import Source, Table, fold
from consolidator_tui.domain.merge import History, Identity
from consolidator_tui.domain.words import plural
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import quote

_HEADS = ("version_num", "name", "version", "migration_name", "migration_id")
"""Columns that say what was applied; the first that a table has counts."""
_SERIES = ("app", "migration_set", "repository_id")
"""Columns that say of which series: the same name in two of them is not the same migration."""
_SHOWN = 3


async def leave_history_out(planning: Planning, draft: Draft, source: Source, table: Table) -> None:
    """Count what the kept history has of another file's, and say where they differ."""
    heads = _heads(_kept(draft), table)
    mine, theirs = _rows(planning, draft, source.index, table)
    own, there = _terms(_kept(draft), table, heads)
    total = source.row_counts.get(table.key, 0)
    equal = 0
    if there:
        equal = int(
            await planning.workspace.database.value(
                f"SELECT count(*) FROM {theirs} WHERE ({', '.join(there)}) "
                f"IN (SELECT {', '.join(own)} FROM {mine})"
            )
        )
    draft.histories.append(History(source.index, table.name, equal, total - equal, tuple(heads)))
    told = await _told(planning, draft, source, table, heads)
    if told:
        first = planning.sources[min(draft.members)].path
        text = (
            f"{draft.name} is not united: {first} and {source.path} are at different migrations "
            f"({told}); {first}'s are kept"
        )
        draft.notes.append(text)
        planning.note(text, table=draft.name, column=", ".join(heads), file=source.path)


async def count_shared_history(planning: Planning, draft: Draft) -> None:
    """Count the rows of the kept history that other files have, too."""
    found = []
    for history in draft.histories:
        table = planning.sources[history.source].schema.tables[fold(history.table)]
        own, there = _terms(_kept(draft), table, _heads(_kept(draft), table))
        _, theirs = _rows(planning, draft, history.source, table)
        if there:
            found.append(f"({', '.join(own)}) IN (SELECT {', '.join(there)} FROM {theirs})")
    if found:
        rows = planning.workspace.rows(min(draft.members), _kept(draft).name)
        draft.shared_history = int(
            await planning.workspace.database.value(
                f"SELECT count(*) FROM {rows.sql} WHERE {combined('OR', found, '0')}"
            )
        )


def told_identity(planning: Planning, draft: Draft) -> Identity:
    """The identity of a table's rows, with the reason why a history has no use for one."""
    if not draft.histories:
        return draft.identity
    path = planning.sources[min(draft.members)].path
    return replace(draft.identity, reason=f"a migration history: that of {path} is kept")


async def _told(
    planning: Planning, draft: Draft, source: Source, table: Table, heads: Sequence[str]
) -> str:
    """What only one of the two histories has; empty when they say the same."""
    history = draft.histories[-1]
    paths = (planning.sources[min(draft.members)].path, source.path)
    if not heads:
        only = plural(history.conflict, "row")
        return f"only {source.path} has {only}" if history.conflict else ""
    shown = " || '.' || ".join(
        f"coalesce(substr(CAST({quote(name)} AS TEXT), 1, 80), '')" for name in heads
    )
    mine, theirs = (
        f"SELECT {shown} AS v FROM {rows}" for rows in _rows(planning, draft, source.index, table)
    )
    told = []
    for path, (here, there) in zip(paths, ((mine, theirs), (theirs, mine)), strict=True):
        found = await planning.workspace.database.rows(
            f"{here} EXCEPT {there} ORDER BY 1 LIMIT {_SHOWN + 1}"
        )
        if found:
            listed = ", ".join(str(row[0]) for row in found[:_SHOWN])
            told.append(f"only {path} has {listed}{', …' if found[_SHOWN:] else ''}")
    return "; ".join(told)


def _kept(draft: Draft) -> Table:
    return draft.members[min(draft.members)]


def _rows(planning: Planning, draft: Draft, source: int, table: Table) -> tuple[str, str]:
    """Where the kept history and another one are read."""
    kept = planning.workspace.rows(min(draft.members), _kept(draft).name)
    return kept.sql, planning.workspace.rows(source, table.name).sql


def _heads(kept: Table, other: Table) -> list[str]:
    """The columns of both tables that say what was applied; none where there is no such one."""

    def both(names: Sequence[str]) -> list[str]:
        return [n for n in names if kept.has_column(n) and other.has_column(n)][:1]

    heads = both(_HEADS)
    return [*both(_SERIES), *heads] if heads else []


def _terms(kept: Table, other: Table, heads: Sequence[str]) -> tuple[list[str], list[str]]:
    """SQL by which rows of the two tables are compared, free of collations and of NULL.

    Without heads whole rows are, where both tables have the same columns: else nothing is equal.
    """
    if heads:
        # 20240101 and '20240101' are one migration.
        shape = ("{0} IS NULL", "coalesce(CAST({0} AS TEXT), '')")
        columns = [(name, name) for name in heads]
    else:
        shape = ("typeof({0})", "coalesce({0}, '')")
        if {c.key for c in kept.stored} != {c.key for c in other.stored}:
            return [], []
        number = kept.rowid_alias if len(kept.stored) > 1 else None
        columns = [
            (c.name, other.column(c.name).name)
            for c in kept.stored
            if number is None or c.key != fold(number)
        ]
    own, there = (
        [term.format(quote(pair[side])) for pair in columns for term in shape] for side in (0, 1)
    )
    return own, there
