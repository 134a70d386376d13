"""Single values of rows that are written already: from other versions, or set by a person."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.errors import Refused
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database, quote

_OLDEST = -(1 << 62)
ROW = '"written row"'
"""The name of the target's row in UPDATE, whatever its table and columns are called."""


def address_column(work: Work) -> str | None:
    """The declared column that holds the row's address in the target, if there is one."""
    # A column may be called "", so what is there is asked for by `is not None`.
    return work.fixed_key if work.table.surrogate is None else work.table.surrogate


def target_address(work: Work, alias: str) -> str:
    """The column of the target's table that holds the address of a row."""
    column = address_column(work)
    name = quote(column) if column is not None else work.rowid_name()
    assert name is not None
    return f"{alias}.{name}"


def has_address(work: Work) -> bool:
    """Whether rows of the target are addressed by an integer (else by their key)."""
    return address_column(work) is not None or work.rowid_name() is not None


def unaddressed(work: Work) -> Refused:
    """Single rows of a table cannot be found: no key, and columns have all names of the rowid."""
    return Refused(
        f"Rows of {work.table.name} must be changed, and nothing addresses them: it has no key, "
        "and columns called rowid, oid and _rowid_.",
        todo=f'Use identity = "rows" or "none" for {work.table.name}, without decisions.',
    )


def key_columns(work: Work) -> list[str]:
    """The primary key of a target table without rowid."""
    return [
        column.name
        for name in work.table.table.primary_key
        for column in work.table.columns
        if fold(column.name) == fold(name) or (column.sources[work.members[0]] or "") == name
    ]


async def make_places(
    database: Database, translator: Translator, work: Work, *, written: bool
) -> None:
    """For a target without row addresses: temp.place, the key of every entity that may change.

    `written`: the rows of all sources are there under their final keys; else only the base's are,
    under its own.
    """
    if has_address(work):
        return
    keys = key_columns(work)
    if not keys:
        raise unaddressed(work)
    await database.execute("DROP TABLE IF EXISTS temp.place")
    columns = ", ".join(f"k{n}" for n in range(len(keys)))
    await database.execute(f"CREATE TEMP TABLE place(canon INTEGER PRIMARY KEY, {columns})")
    number = work.table.number
    for source in work.members if written else work.members[:1]:
        placed = work.placed(source, f"s.{work.address(source)}")
        if work.mapped:
            values = ", ".join(
                _final(translator, work, source, name, "m.canon" if written else None)
                for name in keys
            )
            await database.execute(
                f"INSERT INTO temp.place SELECT m.canon, {values} FROM {work.map} m "
                f"CROSS JOIN {work.seek(source)} "
                f"ON s.{work.address(source)} = {work.raw(source, 'm.g')} "
                f"WHERE m.keep = 1 AND {work.within(source, 'm.g')} ON CONFLICT DO NOTHING"
            )
        if work.overridden:
            values = ", ".join(
                _final(translator, work, source, name, placed if written else None) for name in keys
            )
            await database.execute(
                f"INSERT INTO temp.place SELECT {placed}, {values} FROM {work.read(source)} "
                f"WHERE {placed} IN (SELECT o.g FROM pv.override o WHERE o.number = {number}) "
                "ON CONFLICT DO NOTHING"
            )


def _final(translator: Translator, work: Work, source: int, name: str, entity: str | None) -> str:
    """A key value as it is written for an entity: set by a decision, or the source's."""
    value = translator.value(work, source, name)
    if not work.overridden or entity is None:
        return value
    place = [column.name for column in work.table.columns].index(name)
    set_by_hand = (
        f"pv.override o WHERE o.number = {work.table.number} AND o.g = {entity} "
        f"AND o.place = {place} AND o.from_g IS NULL"
    )
    return (
        f"CASE WHEN EXISTS (SELECT 1 FROM {set_by_hand}) "
        f"THEN (SELECT o.value FROM {set_by_hand}) ELSE {value} END"
    )


def at_place(work: Work, rows: str) -> tuple[str, str]:
    """FROM item and condition that join rows (canon, v) as f to the target's table."""
    if has_address(work):
        return f"({rows}) f", f"{target_address(work, ROW)} = f.canon"
    keys = key_columns(work)
    listed = ", ".join(f"p.k{n} AS k{n}" for n in range(len(keys)))
    on = " AND ".join(f"{ROW}.{quote(name)} IS f.k{n}" for n, name in enumerate(keys))
    return f"(SELECT r.*, {listed} FROM ({rows}) r JOIN temp.place p ON p.canon = r.canon) f", on


async def fill_missing(database: Database, translator: Translator, work: Work) -> None:
    """Columns that the surviving row's file lacks come from the next version that has them."""
    if not work.mapped:
        return
    for column in work.table.columns:
        if column.name == address_column(work):
            continue
        having = [k for k in work.members if column.sources[k] is not None]
        lacking = [k for k in work.members if column.sources[k] is None]
        if not having or not (lacking or work.table.fill_nulls):
            continue
        await _fill_column(database, translator, work, column.name, having, lacking)


async def _fill_column(
    database: Database,
    translator: Translator,
    work: Work,
    name: str,
    having: list[int],
    lacking: list[int],
) -> None:
    number = work.table.number
    table = quote(work.table.name)
    stamp = (
        f"coalesce((SELECT v.stamp FROM pv.version v WHERE v.number = {number} "
        f"AND v.canon = m.canon AND v.kind = 'values' AND v.g = m.g), {_OLDEST})"
    )
    arms = [
        f"SELECT m.canon AS canon, {translator.value(work, k, name)} AS v, {stamp} AS stamp, "
        f"{k} AS src, m.g AS g FROM {work.map} m CROSS JOIN {work.seek(k)} "
        f"ON s.{work.address(k)} = {work.raw(k, 'm.g')} "
        f"WHERE {work.within(k, 'm.g')} AND m.keep = 0"
        # A version that knows there is no value says so; filling NULLs is asked for apart.
        + (f" AND {work.own(k, name)} IS NOT NULL" if work.table.fill_nulls else "")
        for k in having
    ]
    if work.table.fill_nulls:
        needs = f"{ROW}.{quote(name)} IS NULL"
    else:
        from_lacking = " OR ".join(work.within(k, "h.g") for k in lacking)
        needs = (
            f"f.canon IN (SELECT h.canon FROM {work.map} h WHERE h.keep = 1 AND ({from_lacking}))"
        )
    ranked = (
        "SELECT canon, v FROM (SELECT canon, v, row_number() OVER "
        "(PARTITION BY canon ORDER BY stamp DESC, src, g) AS n "
        f"FROM ({' UNION ALL '.join(arms)})) WHERE n = 1"
    )
    source, on = at_place(work, ranked)
    await database.execute(
        f"UPDATE main.{table} AS {ROW} SET {quote(name)} = f.v FROM {source} WHERE {on} AND {needs}"
    )


async def take_fields(database: Database, translator: Translator, work: Work) -> None:
    """Single fields that a person took from another version."""
    number = work.table.number
    table = quote(work.table.name)
    taken = await database.rows(
        f"SELECT DISTINCT place FROM pv.override WHERE number = {number} AND from_g IS NOT NULL"
    )
    for (place,) in taken:
        name = work.table.columns[place].name
        for k in work.members:
            if work.own(k, name) is None:
                continue
            rows = (
                f"SELECT o.g AS canon, {translator.value(work, k, name)} AS v "
                f"FROM pv.override o CROSS JOIN {work.seek(k)} "
                f"ON s.{work.address(k)} = {work.raw(k, 'o.from_g')} "
                f"WHERE o.number = {number} AND o.place = {place} "
                f"AND {work.within(k, 'o.from_g')}"
            )
            source, on = at_place(work, rows)
            await database.execute(
                f"UPDATE main.{table} AS {ROW} SET {quote(name)} = f.v FROM {source} WHERE {on}"
            )
