"""Which sources come from the ancestor that the plan names."""

from __future__ import annotations

from dataclasses import replace

from consolidator_tui.domain.catalog import Table, TableKind, fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.services.inspect.lineage import compare_by_id
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.fixes import toml_text
from consolidator_tui.services.planning.measure import Measurements
from consolidator_tui.services.sqltext import combined
from consolidator_tui.services.workspace import PAST, row_address
from consolidator_tui.storage.sqlite import quote

_WEIGHT = 3
"""Rows per table that count at most: equal seed data alone makes no descendant."""

_MOST_COLUMNS = 900
"""Columns of a content that are compared."""


async def find_descendants(planning: Planning, measure: Measurements) -> None:
    """Set the descendants of the ancestor. Raises PlanError when fewer than two are found."""
    ancestor = planning.ancestor
    if ancestor is None:
        return
    # Who names a copy speaks of the file that it is a copy of.
    told = {
        source.index if source.same_as is None else source.same_as
        for source in planning.sources
        if source.path in planning.document.descendants
    }
    whole = [source for source in planning.sources if source.same_as is None]
    if len(whole) < 2:
        planning.ancestor = None  # Exact copies have nothing to settle.
        return
    found = []
    for source in whole:
        if source.index in told if told else await _descends(planning, measure, source.index):
            found.append(source.index)
    planning.ancestor = replace(ancestor, descendants=tuple(found))
    strangers = [source.path for source in whole if source.index not in found]
    if len(found) < 2:
        listed = ", ".join(toml_text(source.path) for source in whole)
        raise PlanError(
            f"{ancestor.name} is no common ancestor: hardly a row of it is unchanged in "
            f"{' and '.join(strangers)}.",
            todo=f"Leave `ancestor` out, or say it: descendants = [{listed}].",
        )
    for path in strangers:
        planning.note(f"{path} does not come from {ancestor.name}", file=path)


def followed_in(planning: Planning, draft: Draft) -> tuple[int, ...]:
    """The sources whose rows of this table are followed by their ids from the ancestor."""
    if planning.ancestor is None or draft.surrogate is None:
        return ()
    return tuple(
        index
        for index in planning.ancestor.descendants
        if index in draft.members
        and draft.there(index, draft.surrogate)
        and _before(planning, draft.members[index]) is not None
    )


def _before(planning: Planning, table: Table) -> Table | None:
    """The table of that name in the ancestor."""
    assert planning.ancestor is not None
    found = planning.ancestor.schema.tables.get(fold(table.name))
    usable = found is not None and found.has_rows and found.kind is table.kind and not found.error
    return found if usable else None


async def _descends(planning: Planning, measure: Measurements, source: int) -> bool:
    agreeing = against = 0
    for draft in planning.drafts.values():
        if source not in draft.members or draft.table.kind is not TableKind.ORDINARY:
            continue
        table = draft.members[source]
        before = _before(planning, table)
        if before is None:
            continue
        if draft.surrogate is not None:
            same, other = await _by_id(planning, measure, draft, source, before)
        else:
            same, other = await _by_key(planning, draft, source, before)
        agreeing += min(_WEIGHT, same)
        against += min(_WEIGHT, other)
    return agreeing > against


async def _by_id(
    planning: Planning, measure: Measurements, draft: Draft, source: int, before: Table
) -> tuple[int, int]:
    """Rows under one id that agree, and that disagree among the old ones."""
    own = draft.there(source, str(draft.surrogate))
    address = row_address(before)
    if own is None or address is None or not before.has_column(own.strip('"')):
        return 0, 0
    table = draft.members[source]
    columns = [
        (quote(c.name), quote(before.column(c.name).name))
        for c in table.stored
        if before.has_column(c.name) and quote(c.name) != own
    ]
    evidence = await compare_by_id(
        planning.workspace.database,
        table=draft.name,
        first=(
            source,
            planning.workspace.rows(source, table.name).sql,
            measure.address(draft, source),
        ),
        second=(-1, f"{PAST}.{quote(before.name)}", address),
        columns=columns,
    )
    wrong = evidence.below - evidence.agreeing if evidence.agreeing else evidence.shared
    return evidence.agreeing, wrong


async def _by_key(planning: Planning, draft: Draft, source: int, before: Table) -> tuple[int, int]:
    """Rows under one natural key that agree in all columns, and that do not."""
    table = draft.members[source]
    keys = [name for name in table.primary_key if before.has_column(name)]
    if not keys or len(keys) < len(table.primary_key):
        return await _by_content(planning, draft, source, before)
    on = " AND ".join(f"a.{quote(name)} = s.{quote(name)}" for name in keys)
    same = combined(
        "AND",
        [
            f"(a.{quote(c.name)} IS s.{quote(c.name)} COLLATE BINARY)"
            for c in table.stored
            if before.has_column(c.name)
        ],
        "1",
    )
    row = await planning.workspace.database.row(
        f"SELECT coalesce(sum({same}), 0), count(*) FROM {planning.read(draft, source)} "
        f"JOIN {PAST}.{quote(before.name)} a ON {on}"
    )
    assert row is not None
    return int(row[0]), int(row[1]) - int(row[0])


async def _by_content(
    planning: Planning, draft: Draft, source: int, before: Table
) -> tuple[int, int]:
    """Contents of the ancestor's rows that the source has, and that it has not."""
    names = [c.name for c in draft.members[source].stored]
    if len(names) > _MOST_COLUMNS or not all(before.has_column(name) for name in names):
        return 0, 0
    old = ", ".join(f"a.{quote(before.column(name).name)}" for name in names)
    new = ", ".join(f"s.{quote(name)}" for name in names)
    past = f"SELECT {old} FROM {PAST}.{quote(before.name)} AS a"
    row = await planning.workspace.database.row(
        f"SELECT (SELECT count(*) FROM ({past} INTERSECT "
        f"SELECT {new} FROM {planning.read(draft, source)})), (SELECT count(*) FROM "
        f"(SELECT DISTINCT * FROM ({past})))"
    )
    assert row is not None
    return int(row[0]), int(row[1]) - int(row[0])
