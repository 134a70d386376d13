"""Reads single rows: the values that are compared and shown, and those that name the row."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.domain.merge import IdentityKind
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.suggestion import PickedRow
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.suggest.forms import Form
from consolidator_tui.storage.sqlite import Database, Row

LONGEST = 200
"""Characters of a text that is shown, and of one that can name a row."""
MOST_COLUMNS = 12


def _shown_columns(work: Work, forms: Sequence[Form]) -> list[str]:
    first = [*work.table.identity.columns, *(form.column for form in forms)]
    rest = [column.name for column in work.table.columns]
    return list(dict.fromkeys([*first, *rest]))[: MOST_COLUMNS + len(first)]


def _naming_columns(work: Work) -> tuple[list[str], bool]:
    """The columns that name a row in a decision, and whether they are its key."""
    if work.table.identity.kind is IdentityKind.COLUMNS:
        return list(work.table.identity.columns), True
    linked = {fold(link.column) for link in work.table.links}
    # Only in copies of one file is a number the same row everywhere.
    shared = work.table.identity.kind is IdentityKind.LINEAGE
    names = [work.table.surrogate] if work.table.surrogate is not None and shared else []
    names += [
        column.name
        for column in work.table.columns
        if column.name != work.table.surrogate
        and fold(column.name) not in linked
        and column.affinity is not Affinity.REAL
    ]
    return names[:MOST_COLUMNS], False


def _select(translator: Translator, work: Work, source: int, columns: Sequence[str]) -> str:
    shown, _ = _naming_columns(work)
    parts = []
    for name in columns:
        own = work.own(source, name)
        parts.append(
            "NULL"
            if own is None
            else f"CASE WHEN typeof({own}) = 'text' THEN substr({own}, 1, {LONGEST + 1}) "
            f"WHEN typeof({own}) = 'blob' THEN NULL ELSE {own} END"
        )
    parts += [translator.value(work, source, name) for name in shown]
    return ", ".join(parts)


def _picked(work: Work, source: int, columns: Sequence[str], row: Row) -> PickedRow:
    values: dict[str, Value] = {
        name: value
        for name, value in zip(columns, row[: len(columns)], strict=True)
        if work.own(source, name) is not None
    }
    names, is_key = _naming_columns(work)
    naming = dict(zip(names, row[len(columns) :], strict=True))
    if is_key and None in naming.values():
        naming = {**naming, **{name: value for name, value in values.items() if _short(value)}}
    elif not is_key:
        naming = {name: value for name, value in naming.items() if _short(value)} or naming
    return PickedRow(work.table.name, work.plan.sources[source].path, naming, values)


def _short(value: Value) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= LONGEST)


async def read_rows(
    database: Database,
    translator: Translator,
    work: Work,
    forms: Sequence[Form],
    places: Collection[int],
) -> dict[int, PickedRow]:
    """The rows at these global addresses."""
    columns = _shown_columns(work, forms)
    found: dict[int, PickedRow] = {}
    await database.execute("DROP TABLE IF EXISTS temp.looked")
    await database.execute("CREATE TEMP TABLE looked(g INTEGER PRIMARY KEY)")
    await database.many("INSERT INTO temp.looked VALUES (?)", [(place,) for place in places])
    for source in work.members:
        rows = await database.rows(
            f"SELECT l.g, {_select(translator, work, source, columns)} FROM temp.looked l "
            f"CROSS JOIN {work.seek(source)} ON s.{work.address(source)} = "
            f"{work.raw(source, 'l.g')} WHERE {work.within(source, 'l.g')}"
        )
        for row in rows:
            found[int(row[0])] = _picked(work, source, columns, row[1:])
    await database.execute("DROP TABLE temp.looked")
    return found


async def search_rows(
    database: Database,
    translator: Translator,
    work: Work,
    forms: Sequence[Form],
    text: str,
    limit: int,
) -> tuple[PickedRow, ...]:
    """Rows of which some value holds the text, at most `limit` of each source."""
    columns = _shown_columns(work, forms)
    found: list[PickedRow] = []
    for source in work.members:
        own = [name for c in work.table.columns if (name := work.own(source, c.name))]
        terms = [f"instr(lower(CAST({name} AS TEXT)), lower(:text))" for name in own[:100]]
        condition = f"({' OR '.join(terms)})" if text else "1"
        rows = await database.rows(
            f"SELECT {_select(translator, work, source, columns)} FROM {work.read(source)} "
            f"WHERE {condition} LIMIT {limit}",
            {"text": text} if text else (),
        )
        found += [_picked(work, source, columns, row) for row in rows]
    return tuple(found)
