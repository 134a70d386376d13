"""Counts what became of the rows of every table."""

from __future__ import annotations

from consolidator_tui.domain.merge import TableCounts
from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database, quote


async def count_table(database: Database, work: Work, *, written: bool) -> TableCounts:
    """The counts of one table; `lost` is read from the target once it is written, 0 before."""
    rows = {k: work.count(k) for k in work.members}
    copies = {
        source.index: rows.get(source.same_as, 0)
        for source in work.plan.sources
        if source.same_as is not None and source.same_as in rows
    }
    asked = _questions(work, rows, written=written)
    answers = await database.values(asked.values())
    said = {name: int(answer) for name, answer in zip(asked, answers, strict=True)}
    away, merged = said.get("away", 0), said.get("merged", 0)
    gone, gone_base = said.get("gone", 0), said.get("gone_base", 0)
    away -= gone
    base = rows.get(0, 0) - gone_base
    new = sum(count for k, count in rows.items() if k) - (gone - gone_base) - away
    # Rows of the base that a person called one entity stand in the target once.
    one = said.get("one", 0)
    base, new = base - one, new + one
    known, unknown = _histories(work)
    return TableCounts(
        table=work.table.name,
        source=sum(rows.values()) + sum(copies.values()) + known + unknown,
        base=base,
        new=new,
        duplicate=away - merged + sum(copies.values()) + known,
        conflict=merged + unknown,
        rekeyed=sum(rows[k] - said.get(f"kept {k}", 0) for k in _moved(work, rows)),
        lost=base + new - said["there"] if written else 0,
        deleted=gone,
        undecided=said["undecided"],
        history=unknown,
        identity=work.table.identity.reason,
        shifts={
            work.plan.sources[k].path: work.table.shifts[k] + work.deltas.get(k, 0)
            for k in work.members
            if k and work.table.surrogate is not None
        },
    )


def _histories(work: Work) -> tuple[int, int]:
    """Rows of migration histories that are not kept: those that the kept one has, and the rest."""
    left_out = {history.source: history for history in work.table.histories}
    first = [s.index if s.same_as is None else s.same_as for s in work.plan.sources]
    found = [left_out[k] for k in first if k in left_out]
    return sum(h.duplicate for h in found), sum(h.conflict for h in found)


def _questions(work: Work, rows: dict[int, int], *, written: bool) -> dict[str, str]:
    """What the counts of a table are made of, by name."""
    number = work.table.number
    asked = {
        "undecided": f"SELECT count(*) FROM pv.conflict WHERE number = {number} AND winner IS NULL"
    }
    if work.mapped:
        asked["away"] = f"SELECT count(*) FROM {work.map} WHERE keep = 0"
        disagree = f"FROM pv.conflict c WHERE c.number = {number} AND c.kind <> 'unique'"
        asked["merged"] = (
            f"SELECT count(*) FROM {work.map} m WHERE EXISTS (SELECT 1 {disagree}) "
            f"AND m.keep = 0 AND EXISTS (SELECT 1 {disagree} AND c.canon = m.canon)"
        )
        for k in _moved(work, rows):
            asked[f"kept {k}"] = (
                f"SELECT count(*) FROM {work.map} WHERE {work.within(k, 'g')} "
                f"AND (keep = 0 OR canon <> g + {work.deltas.get(k, 0)})"
            )
    if work.plan.ancestor is not None:
        dropped = f"SELECT count(*) FROM pv.dropped WHERE number = {number}"
        asked["gone"] = dropped
        asked["gone_base"] = f"{dropped} AND {work.within(0, 'g')}"
    if work.base_mapped:
        asked["one"] = (
            f"SELECT count(*) - count(DISTINCT canon) FROM {work.map} WHERE {work.within(0, 'g')}"
        )
    if written:
        # Indexes of a damaged base are made anew only at the end.
        damaged = work.plan.sources[0].index_damage and not work.table.table.without_rowid
        hint = " NOT INDEXED" if damaged else ""
        asked["there"] = f"SELECT count(*) FROM main.{quote(work.table.name)}{hint}"
    return asked


def _moved(work: Work, rows: dict[int, int]) -> list[int]:
    """The sources whose new rows have another id in the target than in their file."""
    if work.table.surrogate is None:
        return []
    return [
        k
        for k in rows
        if k and (work.table.shifts[k] + work.deltas.get(k, 0) or k in work.table.dense)
    ]
