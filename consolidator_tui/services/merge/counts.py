"""Counts what became of the rows of every table."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import TableCounts
from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database, quote


async def count_table(database: Database, work: Work, *, written: bool) -> TableCounts:
    """The counts of one table; `lost` is read from the target once it is written, 0 before."""
    number = work.table.number
    rows = {k: _rows(work, k) for k in work.members}
    copies = {
        source.index: rows.get(source.same_as, 0)
        for source in work.plan.sources
        if source.same_as is not None and source.same_as in rows
    }
    away = merged = 0
    if work.mapped:
        away = int(await database.value(f"SELECT count(*) FROM {work.map} WHERE keep = 0"))
        merged = int(
            await database.value(
                f"SELECT count(*) FROM {work.map} m WHERE m.keep = 0 AND EXISTS (SELECT 1 FROM "
                f"pv.conflict c WHERE c.number = {number} AND c.kind <> 'unique' "
                "AND c.canon = m.canon)"
            )
        )
    undecided = int(
        await database.value(
            f"SELECT count(*) FROM pv.conflict WHERE number = {number} AND winner IS NULL"
        )
    )
    gone, gone_base = 0, 0
    if work.plan.ancestor is not None:
        dropped = f"SELECT count(*) FROM pv.dropped WHERE number = {number}"
        gone = int(await database.value(dropped))
        gone_base = int(await database.value(f"{dropped} AND {work.within(0, 'g')}"))
    away -= gone
    base = rows.get(0, 0) - gone_base
    new = sum(count for k, count in rows.items() if k) - (gone - gone_base) - away
    if work.base_mapped:
        # Rows of the base that a person called one entity stand in the target once.
        one = int(
            await database.value(
                f"SELECT count(*) - count(DISTINCT canon) FROM {work.map} "
                f"WHERE {work.within(0, 'g')}"
            )
        )
        base, new = base - one, new + one
    lost = 0
    if written:
        hint = "" if work.table.table.without_rowid else " NOT INDEXED"
        there = await database.value(f"SELECT count(*) FROM main.{quote(work.table.name)}{hint}")
        lost = base + new - int(there)
    return TableCounts(
        table=work.table.name,
        source=sum(rows.values()) + sum(copies.values()),
        base=base,
        new=new,
        duplicate=away - merged + sum(copies.values()),
        conflict=merged,
        rekeyed=await _rekeyed(database, work, rows),
        lost=lost,
        deleted=gone,
        undecided=undecided,
        identity=work.table.identity.reason,
        shifts={
            work.plan.sources[k].path: work.table.shifts[k] + work.deltas.get(k, 0)
            for k in work.members
            if k and work.table.surrogate is not None
        },
    )


async def _rekeyed(database: Database, work: Work, rows: dict[int, int]) -> int:
    """New rows whose id in the target is not the one of their source."""
    total = 0
    if work.table.surrogate is None:
        return total
    for k, count in rows.items():
        delta = work.deltas.get(k, 0)
        if not k or not (work.table.shifts[k] + delta or k in work.table.dense):
            continue
        gone = 0
        if work.mapped:
            gone = int(
                await database.value(
                    f"SELECT count(*) FROM {work.map} WHERE {work.within(k, 'g')} "
                    f"AND (keep = 0 OR canon <> g + {delta})"
                )
            )
        total += count - gone
    return total


def _rows(work: Work, source: int) -> int:
    name = fold(str(work.table.sources[source]))
    return work.plan.sources[source].row_counts.get(name, 0)
