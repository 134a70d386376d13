"""Columns that may hold rowids of a table without a number of its own (`doc_rowid`, `doc_id`).

A rowid without a column is no key, nothing can refer to it by the rules, and a merge may change
it; but applications do. What looks like that is asked about, if rows of the table move.
"""

from __future__ import annotations

import re

from consolidator_tui.domain.catalog import Affinity, TableKind, fold
from consolidator_tui.domain.merge import Pending, Question
from consolidator_tui.services.planning import names
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.fixes import toml_list, toml_text
from consolidator_tui.storage.sqlite import quote

_NUMBERS = (Affinity.INTEGER, Affinity.NUMERIC)
_ROWID = re.compile(r"(?i)(?<=.)_?(rowid|oid)\Z")


async def ask_rowid_references(planning: Planning) -> None:
    """Ask about columns named after such a table whose values are all rowids of it."""
    loose = {d.name: d for d in planning.drafts.values() if _has_bare_rowid(d)}
    directory = names.TableNames(loose)
    for draft in planning.drafts.values():
        taken = {fold(c) for reference in draft.references for c in reference.columns}
        for refused in planning.document.not_references:
            if fold(refused.table) == draft.key:
                taken |= set(map(fold, refused.columns))
        for column in draft.columns:
            named = _ROWID.sub("_id", column.name)
            if fold(column.name) in taken or not names.is_id_like(named):
                continue
            for parent in (loose[name] for name in directory.named_by(named)):
                sources = await _holders(planning, draft, column.name, parent)
                if parent is not draft and sources:
                    _ask(planning, draft, column.name, parent, sources)
                    break


def _has_bare_rowid(draft: Draft) -> bool:
    """Whether rows are addressed by a rowid that no column shows."""
    table = draft.table
    return (
        len(draft.members) > 1
        and draft.surrogate is None
        and table.kind is TableKind.ORDINARY
        and not table.without_rowid
        and table.rowid_alias is None
    )


async def _holders(planning: Planning, draft: Draft, column: str, parent: Draft) -> tuple[int, ...]:
    """The sources with values in the column; none if some value is no rowid of the parent."""
    found = []
    for index in draft.members:
        own = draft.there(index, column)
        if own is None:
            continue
        absent = "1"
        if index in parent.members:
            there = parent.members[index]
            rows = planning.workspace.rows(index, there.name)
            absent = f"NOT EXISTS (SELECT 1 FROM {rows.sql} AS p WHERE p.{rows.address} = s.{own})"
            for key in there.unique_keys:
                # A number of the table's own does not change: the column may mean that one.
                if len(key.columns) == 1 and there.column(key.columns[0]).affinity in _NUMBERS:
                    same = f"p.{quote(key.columns[0])} = s.{own}"
                    absent += f" OR EXISTS (SELECT 1 FROM {rows.sql} AS p WHERE {same})"
        row = await planning.workspace.database.row(
            f"SELECT EXISTS (SELECT 1 FROM {planning.read(draft, index)} WHERE s.{own} NOTNULL), "
            f"EXISTS (SELECT 1 FROM {planning.read(draft, index)} WHERE s.{own} NOTNULL "
            f"AND (typeof(s.{own}) <> 'integer' OR {absent}))"
        )
        assert row is not None
        if row[1]:
            return ()
        if row[0]:
            found.append(index)
    return tuple(found)


def _ask(
    planning: Planning, draft: Draft, column: str, parent: Draft, sources: tuple[int, ...]
) -> None:
    question = Question(
        f"{draft.name}.{column} may hold rowids of {parent.name}, which has no INTEGER PRIMARY "
        "KEY: they change, and cannot be followed. If it is something else, say so; else give "
        f"{parent.name} such a key in the files first.",
        table=draft.name,
        column=column,
        file=planning.sources[max(sources)].path,
        fix=f"[[not_references]]\ntable = {toml_text(draft.name)}\ncolumns = {toml_list([column])}",
    )
    planning.pending.append(Pending(question, ((parent.key, sources),)))
