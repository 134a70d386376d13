"""Brings the keys of new rows as close to their old ones as it can.

Addresses `g` keep the sources apart while rows are compared. Once it is known which rows are new,
only those need room: in a copy that merely grew, they keep their ids.
"""

from __future__ import annotations

from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.planning.links import NONE_IDS, smallest_shift
from consolidator_tui.storage.sqlite import Database

TABLE = (
    "CREATE TABLE IF NOT EXISTS pv.delta(number INTEGER, src INTEGER, delta INTEGER, "
    "low INTEGER, high INTEGER, PRIMARY KEY(number, src))"
)


async def tighten(database: Database, translator: Translator, work: Work) -> None:
    """Set the table's `deltas` and `final` ranges, and put them into its map and the ledger."""
    if work.fixed_key is None:
        await _tighten(database, translator, work)
    for source, delta in work.deltas.items():
        await database.execute(
            "INSERT OR REPLACE INTO pv.delta VALUES (?, ?, ?, ?, ?)",
            (work.table.number, source, delta, *work.final[source]),
        )


async def _tighten(database: Database, translator: Translator, work: Work) -> None:
    table = work.table
    bounds = dict(enumerate(zip(table.lows, table.highs, strict=True)))
    work.final = dict(bounds)
    free = [source for source in bounds if _is_free(translator, work, source)]
    placed = [
        (low, high) for source, (low, high) in bounds.items() if source not in free and low <= high
    ]
    if any(_is_widened(translator, work, source) for source in bounds):
        placed.append(NONE_IDS)
    for source in free:
        new = await _new_rows(database, work, source)
        least = 0
        work.final[source] = (0, -1)
        if new is not None:
            least = smallest_shift(placed, *new)
            work.final[source] = (new[0] + least, new[1] + least)
            placed.append(work.final[source])
        work.deltas[source] = least - table.shifts[source]
    moved = {source: delta for source, delta in work.deltas.items() if delta}
    if work.mapped and moved:
        # All at once: what one source's delta moved may lie in the old range of another.
        arms = " ".join(
            f"WHEN {work.within(source, 'canon')} THEN {delta}" for source, delta in moved.items()
        )
        await database.execute(f"UPDATE {work.map} SET canon = canon + CASE {arms} ELSE 0 END")


def _is_free(translator: Translator, work: Work, source: int) -> bool:
    """Whether the source's new rows may take other keys than their global addresses."""
    table = work.table
    return (
        source in work.members
        and table.surrogate is not None
        and table.shifts[source] != 0
        and source not in table.dense
        and table.lows[source] <= table.highs[source]
        and not _is_widened(translator, work, source)
    )


def _is_widened(translator: Translator, work: Work, source: int) -> bool:
    """Dangling references of the source point into the range, so it stays as it is."""
    return (work.key, source) in translator.widened


async def _new_rows(database: Database, work: Work, source: int) -> tuple[int, int] | None:
    """The lowest and the highest own address of the source's rows that are new."""
    parts = [_end(work, source, "ASC"), _end(work, source, "DESC")]
    if work.mapped:
        # The first rows of shared entities keep their own place too.
        leads = f"FROM {work.map} WHERE {work.within(source, 'g')} AND canon = g"
        parts += [f"(SELECT {end}({work.raw(source, 'g')}) {leads})" for end in ("min", "max")]
    row = await database.row(f"SELECT {', '.join(parts)}")
    bounds = [value for value in row or () if value is not None]
    return (min(bounds), max(bounds)) if bounds else None


def _end(work: Work, source: int, order: str) -> str:
    """SQL: the own address of the row that is new and comes first in this order."""
    address, rows = f"s.{work.address(source)}", work.seek(source)
    first = f"(SELECT {address} FROM {rows} ORDER BY {address} {order} LIMIT 1)"
    if not work.mapped:
        return first
    beyond, onward = (">=", "+") if order == "ASC" else ("<=", "-")
    begin = work.moved(source, first)
    # The rows at this end that have their entity elsewhere, as long as their numbers have no gap,
    # are told from the map, which is much smaller than the table.
    gap = f"NOT EXISTS (SELECT 1 FROM {work.map} n WHERE n.g = m.g {onward} 1)"
    last = (
        f"(SELECT {work.raw(source, 'm.g')} FROM {work.map} m WHERE m.g {beyond} {begin} "
        f"AND {gap} ORDER BY m.g {order} LIMIT 1)"
    )
    there = f"EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = {begin})"
    start = f"CASE WHEN {there} THEN {last} ELSE {first} END"
    known = f"EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = {work.g(source)})"
    return (
        f"(SELECT {address} FROM {rows} WHERE {address} {beyond} {start} AND NOT {known} "
        f"ORDER BY {address} {order} LIMIT 1)"
    )
