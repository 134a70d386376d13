"""References to keys that mean something, whose row is missing in one file and there in another.

The value is the entity's own name, so it is kept; that it finds a row now is said.
"""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Reference
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.links import root_of


async def note_found_parents(planning: Planning) -> None:
    """Say where a reference without a row in its file has one in another file."""
    for draft in planning.drafts.values():
        for reference in draft.references:
            parent = planning.drafts.get(fold(reference.parent))
            if parent is None or reference.where or _is_rekeyed(planning, parent, reference):
                continue
            for index in draft.members:
                others = [other for other in parent.members if other != index]
                if others and await _count(planning, draft, parent, reference, index, None):
                    await _note(planning, draft, parent, reference, index, others)


def _is_rekeyed(planning: Planning, parent: Draft, reference: Reference) -> bool:
    """Whether ids take part: what dangles there is kept from hitting another file's row."""
    return any(
        root_of(planning, parent.key, column, set()) is not None
        for column in reference.parent_columns
    )


async def _note(
    planning: Planning,
    draft: Draft,
    parent: Draft,
    reference: Reference,
    index: int,
    others: list[int],
) -> None:
    path, columns = planning.sources[index].path, ", ".join(reference.columns)
    for other in others:
        found = await _count(planning, draft, parent, reference, index, other)
        if found:
            planning.note(
                f"{draft.name}.{columns}: {found} values in {path} have no row in {parent.name} "
                f"there; they have that of {planning.sources[other].path} now",
                table=draft.name,
                column=columns,
                file=path,
            )


async def _count(
    planning: Planning,
    draft: Draft,
    parent: Draft,
    reference: Reference,
    index: int,
    other: int | None,
) -> int:
    """References of a source that miss their row there, and with `other` have it in that one."""
    own = [draft.there(index, column) for column in reference.columns]
    if None in own:
        return 0
    terms = [f"s.{column} IS NOT NULL" for column in own]
    for place in (index, other):
        if place is None:
            continue
        keys = [parent.there(place, c) for c in reference.parent_columns]
        if place not in parent.members or None in keys:
            if place == other:
                return 0
            continue
        rows = planning.workspace.rows(place, parent.members[place].name).sql
        same = " AND ".join(f"p.{k} = s.{c}" for k, c in zip(keys, own, strict=True))
        term = f"EXISTS (SELECT 1 FROM {rows} AS p WHERE {same})"
        terms.append(term if place == other else f"NOT {term}")
    found = await planning.workspace.database.value(
        f"SELECT count(*) FROM {planning.read(draft, index)} WHERE {' AND '.join(terms)}"
    )
    return int(found)
