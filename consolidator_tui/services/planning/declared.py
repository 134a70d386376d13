"""References that the files declare as foreign keys, under the target's names."""

from __future__ import annotations

from collections.abc import Iterator

from consolidator_tui.domain.catalog import ForeignKey, Table, fold
from consolidator_tui.domain.merge import Reference
from consolidator_tui.services.planning.draft import Draft, Planning, keep_apart
from consolidator_tui.services.planning.fixes import toml_key
from consolidator_tui.services.planning.tables import mapped_column, mapped_name


def declared_references(planning: Planning) -> None:
    """Add the foreign keys that any file declares, under the target's names.

    Asks where two files declare that the same columns refer to different tables.
    """
    for draft in planning.drafts.values():
        seen: set[tuple[object, ...]] = set()
        first: dict[tuple[str, ...], tuple[int, str]] = {}
        for index, table in draft.members.items():
            own: dict[tuple[str, ...], str] = {}
            for columns, parent, parents in _declared(planning, draft, index, table):
                own.setdefault(tuple(map(fold, columns)), parent.name)
                mark = (tuple(map(fold, columns)), parent.key)
                if mark not in seen:
                    seen.add(mark)
                    draft.references.append(
                        Reference(draft.name, columns, parent.name, parents, declared=True)
                    )
            for key, name in own.items():
                holder, known = first.setdefault(key, (index, name))
                if fold(known) != fold(name):
                    _ask_other_parent(planning, draft, index, (holder, known), name, key)


def _declared(
    planning: Planning, draft: Draft, index: int, table: Table
) -> Iterator[tuple[tuple[str, ...], Draft, tuple[str, ...]]]:
    """A table's foreign keys: columns, parent, its columns, under the target's names."""
    source = planning.sources[index]
    for key in table.foreign_keys:
        name = mapped_name(planning, source, key.parent)
        if name is None and planning.sources[index].row_counts.get(fold(key.parent)):
            _ask_left_out(planning, draft, index, table, key)
        parent = None if name is None else planning.drafts.get(fold(name))
        there = parent.members.get(index) if parent else None
        if parent is None or len(key.parent_columns) != len(key.columns):
            continue
        columns = tuple(
            target_column(draft, mapped_column(planning, source, table, c, draft.name))
            for c in key.columns
        )
        parents = tuple(
            target_column(parent, mapped_column(planning, source, there, c, parent.name))
            if there is not None
            else c
            for c in key.parent_columns
        )
        if any(parent.column(name) is None for name in parents):
            # SQLite calls this a foreign key mismatch: nothing can be looked up by it.
            continue
        yield columns, parent, parents


def _ask_left_out(
    planning: Planning, draft: Draft, index: int, table: Table, key: ForeignKey
) -> None:
    """The plan leaves a table out, and rows that stay refer to it."""
    path = planning.sources[index].path
    if not planning.sources[index].row_counts.get(table.key):
        return
    planning.ask(
        f"{draft.name}.{', '.join(key.columns)} refers to {key.parent} of {path}, which the plan "
        "leaves out.",
        table=draft.name,
        column=", ".join(key.columns),
        file=path,
        fix=f'[mapping.{toml_key(path)}.tables]\n{toml_key(table.name)} = ""',
    )


def _ask_other_parent(
    planning: Planning,
    draft: Draft,
    index: int,
    first: tuple[int, str],
    parent: str,
    columns: tuple[str, ...],
) -> None:
    holder, known = first
    path = planning.sources[index].path
    planning.ask(
        f"{draft.name}.{', '.join(columns)} refers to {known} in {planning.sources[holder].path} "
        f"and to {parent} in {path}.",
        table=draft.name,
        column=", ".join(columns),
        file=path,
        fix=keep_apart(planning, draft, index),
    )


def target_column(draft: Draft, name: str) -> str:
    """The target's spelling of a column's name."""
    column = draft.column(name)
    return column.name if column else name
