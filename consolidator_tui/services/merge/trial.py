"""Survivorship rules tried on a copy of a table's conflicts: what they would decide."""

from __future__ import annotations

from dataclasses import replace

from consolidator_tui.domain.conflict import RulePreview, TableRules
from consolidator_tui.services.merge.conflicts import differing, filled_sql, stamp_sql
from consolidator_tui.services.merge.survivorship import apply_rules
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

_PROBED = 50
"""Conflicts whose values show whether a column holds times."""


async def preview(
    database: Database, translator: Translator, work: Work, rules: TableRules
) -> RulePreview:
    """Count what rules would decide in a table; the ledger stays as it is."""
    table = replace(work.table, rules=rules.rules, newest=rules.newest, fill_nulls=rules.fill_nulls)
    tried = replace(work, table=table)
    number = work.table.number
    before = await database.row(
        "SELECT count(*), coalesce(sum(hand IS NOT NULL), 0) FROM pv.conflict "
        f"WHERE number = {number} AND kind = 'values'"
    )
    assert before is not None
    await _copy(database, translator, work, tried)
    try:
        await apply_rules(database, translator, tried, schema="temp")
        decided = await database.rows(
            "SELECT decided_by, count(*) FROM temp.conflict GROUP BY 1 ORDER BY 1"
        )
    finally:
        await database.script(["DROP TABLE temp.conflict", "DROP TABLE temp.version"])
    by_rule = {row[0]: int(row[1]) for row in decided if row[0] is not None}
    open_ = sum(int(row[1]) for row in decided if row[0] is None)
    other = int(
        await database.value(
            f"SELECT count(*) FROM pv.conflict WHERE number = {number} AND kind <> 'values' "
            "AND winner IS NULL AND hand IS NULL"
        )
    )
    left = int(before[0]) - int(before[1])
    return RulePreview(
        decides=sum(by_rule.values()),
        leaves=open_ + other,
        by_rule=by_rule,
        manual=int(before[1]),
        settled=max(left - open_ - sum(by_rule.values()), 0),
    )


async def _copy(database: Database, translator: Translator, work: Work, tried: Work) -> None:
    """temp.conflict and temp.version: all that no person decided, as the rules would see it."""
    number = work.table.number
    await database.script(
        [
            "DROP TABLE IF EXISTS temp.conflict",
            "DROP TABLE IF EXISTS temp.version",
            "DROP TABLE IF EXISTS temp.member",
            "CREATE TEMP TABLE conflict(canon INTEGER PRIMARY KEY, number INTEGER, kind TEXT, "
            "decided_by TEXT, winner INTEGER)",
            "CREATE TEMP TABLE version(number INTEGER, canon INTEGER, kind TEXT, g INTEGER, "
            "src INTEGER, stamp INTEGER, filled INTEGER, alive INTEGER NOT NULL DEFAULT 1, "
            "PRIMARY KEY(number, canon, kind, g)) WITHOUT ROWID",
        ]
    )
    manual = f"SELECT canon FROM pv.conflict WHERE number = {number} AND hand IS NOT NULL"
    if tried.table.fill_nulls == work.table.fill_nulls:
        found = f"SELECT canon FROM pv.conflict WHERE number = {number} AND kind = 'values'"
    else:
        # What differs is another question then; rows in doubt stay in doubt.
        doubts = f"SELECT canon FROM pv.conflict WHERE number = {number} AND kind = 'doubt'"
        found = (
            f"SELECT canon FROM ({differing(translator, tried, work.map)}) "
            f"WHERE canon NOT IN ({doubts})"
        )
    await database.execute(
        f"INSERT INTO temp.conflict(canon, number, kind) SELECT canon, {number}, 'values' "
        f"FROM ({found}) WHERE canon NOT IN ({manual})"
    )
    if (tried.table.newest, tried.table.fill_nulls) == (work.table.newest, work.table.fill_nulls):
        await database.execute(
            "INSERT INTO temp.version SELECT v.number, v.canon, v.kind, v.g, v.src, v.stamp, "
            "v.filled, 1 FROM pv.version v "
            f"WHERE v.number = {number} AND v.kind = 'values' "
            "AND v.canon IN (SELECT canon FROM temp.conflict)"
        )
        return
    for source in work.members:
        await database.execute(
            "INSERT INTO temp.version(number, canon, kind, g, src, stamp, filled) "
            f"SELECT {number}, m.canon, 'values', m.g, {source}, "
            f"{stamp_sql(tried, source)}, {filled_sql(tried, source)} "
            f"FROM temp.conflict c CROSS JOIN {work.map} m ON m.canon = c.canon "
            f"CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'm.g')} "
            f"WHERE {work.within(source, 'm.g')}"
        )


async def times_in(database: Database, work: Work) -> tuple[str, ...]:
    """The columns whose values in a sample of the conflicts are times or NULL, not all NULL."""
    found = []
    for column in work.table.columns:
        if column.name == work.table.surrogate or work.links_of(column.name):
            continue
        times = others = 0
        for source in work.members:
            own = work.own(source, column.name)
            if own is None:
                continue
            row = await database.row(
                f"SELECT coalesce(sum(instant({own}) IS NOT NULL AND length({own}) > 7), 0), "
                f"coalesce(sum({own} IS NOT NULL AND (instant({own}) IS NULL "
                f"OR length({own}) <= 7)), 0) FROM (SELECT g FROM pv.version WHERE "
                f"number = {work.table.number} AND src = {source} LIMIT {_PROBED}) v "
                f"CROSS JOIN {work.seek(source)} "
                f"ON s.{work.address(source)} = {work.raw(source, 'v.g')}"
            )
            assert row is not None
            times, others = times + int(row[0]), others + int(row[1])
        if times and not others:
            found.append(column.name)
    return tuple(found)
