"""References that nobody can rewrite: a generated column holds an id, or is made of one.

Their values are computed anew in the target, from columns whose content nobody understands (a
JSON text, say). They stay right only while the ids that they speak of stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator

from consolidator_tui.domain.catalog import Table, fold
from consolidator_tui.domain.merge import Pending, Question
from consolidator_tui.services.inspect.ddl import column_texts, constraint_word, tokens, unquote
from consolidator_tui.services.planning import names
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.fixes import toml_list, toml_text
from consolidator_tui.services.planning.links import root_of
from consolidator_tui.services.planning.tables import mapped_column, mapped_name
from consolidator_tui.storage.sqlite import quote


async def ask_computed_references(planning: Planning) -> None:
    """Ask about references from and to columns that the target computes, if ids change."""
    numbered = [d.name for d in planning.drafts.values() if d.surrogate is not None]
    directory = names.TableNames(numbered)
    for draft in planning.drafts.values():
        for name, sources in _computed(planning, draft).items():
            declared = [
                root
                for reference in draft.references
                for own, above in zip(reference.columns, reference.parent_columns, strict=True)
                if fold(own) == fold(name)
                and (root := root_of(planning, fold(reference.parent), above, set()))
            ]
            parents = declared or await _named(planning, draft, name, sources, directory)
            if parents and not _follows(draft, name, parents[0]):
                _ask(planning, draft, name, parents[0], [parents[0]], tuple(sources))
        _ask_of_computed_keys(planning, draft)


def _computed(planning: Planning, draft: Draft) -> dict[str, dict[int, str]]:
    """Columns that the target computes: name there -> source -> name in the source."""
    found: dict[str, dict[int, str]] = {}
    spelled: dict[str, str] = {}
    for index, table in draft.members.items():
        for column in table.columns:
            name = mapped_column(planning, planning.sources[index], table, column.name, draft.name)
            if not column.hidden and draft.column(name) is None:
                spelled.setdefault(fold(name), name)
                found.setdefault(spelled[fold(name)], {})[index] = column.name
    return found


async def _named(
    planning: Planning,
    draft: Draft,
    name: str,
    sources: dict[int, str],
    directory: names.TableNames,
) -> list[str]:
    """The tables that the column's name names, if all of its values are keys there."""
    found = []
    for parent_name in directory.named_by(name) if names.is_id_like(name) else ():
        parent = planning.drafts[fold(parent_name)]
        counts = [await _missing(planning, draft, parent, i, own) for i, own in sources.items()]
        if any(values for values, _ in counts) and not any(missing for _, missing in counts):
            found.append(parent.key)
    return found


async def _missing(
    planning: Planning, draft: Draft, parent: Draft, index: int, own: str
) -> tuple[int, int]:
    """How many values a source has in the column, and how many of them are no key."""
    key = parent.there(index, str(parent.surrogate)) if index in parent.members else None
    absent = "1"
    if key is not None:
        there = planning.workspace.rows(index, parent.members[index].name).sql
        absent = f"NOT EXISTS (SELECT 1 FROM {there} AS p WHERE p.{key} = s.{quote(own)})"
    row = await planning.workspace.database.row(
        f"SELECT count(*), count(*) FILTER (WHERE {absent}) "
        f"FROM {planning.read(draft, index)} WHERE s.{quote(own)} IS NOT NULL"
    )
    assert row is not None
    return int(row[0]), int(row[1])


def _follows(draft: Draft, name: str, root: str) -> bool:
    """Whether the column is a copy of one that is followed to the same table."""
    used = _used(draft.table, name)
    return len(used) == 1 and any(
        fold(link.column) == fold(used[0]) and link.root == root and not link.reference.where
        for link in draft.links
    )


def _used(table: Table, name: str) -> list[str]:
    """The pieces of a generated column's expression, names without their quotes."""
    for text in column_texts(table.sql):
        if fold(text.name) != fold(name):
            continue
        for constraint in text.constraints:
            if constraint_word(constraint) in ("GENERATED", "AS"):
                found = [unquote(t) for t in tokens(constraint) if t.text not in "()"]
                words = {"generated", "always", "as", "stored", "virtual"}
                return [word for word in found if fold(word) not in words]
    return []


def _ask_of_computed_keys(planning: Planning, draft: Draft) -> None:
    """Stored references to a key that the target computes from ids (`'INV-' || id`)."""
    for index, table in draft.members.items():
        source = planning.sources[index]
        for key in table.foreign_keys:
            name = mapped_name(planning, source, key.parent)
            parent = planning.drafts.get(fold(name)) if name is not None else None
            there = parent.members.get(index) if parent else None
            if parent is None or there is None:
                continue
            for own, own_above in zip(key.columns, key.parent_columns, strict=False):
                column = mapped_column(planning, source, table, own, draft.name)
                above = mapped_column(planning, source, there, own_above, parent.name)
                if parent.column(above) is None:
                    roots = list(_ids_in(parent, above, set()))
                    _ask(planning, draft, column, parent.key, roots, (index,))


def _ids_in(parent: Draft, name: str, seen: set[str]) -> Iterator[str]:
    """The tables whose ids take part in a generated column."""
    if fold(name) in seen:
        return
    seen.add(fold(name))
    for used in _used(parent.table, name):
        if parent.surrogate is not None and fold(used) == fold(parent.surrogate):
            yield parent.key
        elif parent.column(used) is not None:
            yield from (link.root for link in parent.links if fold(link.column) == fold(used))
        elif parent.table.has_column(used):
            yield from _ids_in(parent, used, seen)


def _ask(
    planning: Planning,
    draft: Draft,
    column: str,
    parent: str,
    roots: list[str],
    sources: tuple[int, ...],
) -> None:
    refused = (
        fold(column) in map(fold, plan.columns)
        for plan in planning.document.not_references
        if fold(plan.table) == draft.key
    )
    if not roots or any(refused):
        return
    moved = [planning.drafts[root].name for root in dict.fromkeys(roots)]
    question = Question(
        f"{draft.name}.{column} refers to {planning.drafts[parent].name} through a generated "
        f"column, and ids of {', '.join(moved)} change: what it is computed from cannot follow. "
        "If it need not, say so; else rewrite it in the files first.",
        table=draft.name,
        column=column,
        file=planning.sources[max(sources)].path,
        fix=f"[[not_references]]\ntable = {toml_text(draft.name)}\ncolumns = {toml_list([column])}",
    )
    planning.pending.append(Pending(question, tuple((root, sources) for root in roots)))
