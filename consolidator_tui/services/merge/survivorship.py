"""Rules that decide which version of an entity survives, applied to all conflicts at once."""

from __future__ import annotations

from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.merge.conflicts import differing
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

_OLDEST = -(1 << 62)

_BEST = {
    # Each keeps the versions that are best by one measure, larger is better.
    Rule.NEWEST: f"coalesce(v.stamp, {_OLDEST})",
    Rule.BASE: "-v.src",
    Rule.LAST: "v.src",
    Rule.MOST_COMPLETE: "v.filled",
}


async def apply_rules(
    database: Database, translator: Translator, work: Work, *, schema: str = "pv"
) -> None:
    """Decide the undecided `values` conflicts of a table by its rules, in their order.

    A rule keeps the best versions; when one is left, or all that are left are equal, the conflict
    is decided by that rule. What no rule decides stays undecided. `schema` has the tables conflict
    and version: the ledger, or a copy to try rules on.
    """
    number = work.table.number
    for rule in work.table.rules:
        if rule is Rule.STOP:
            break
        if rule is Rule.NEWEST and work.table.newest is None:
            continue
        measure = _BEST[rule]
        await database.execute(
            f"UPDATE {schema}.version AS v SET alive = 0 "
            f"WHERE v.number = {number} AND v.kind = 'values' AND v.alive "
            f"AND (v.canon IN (SELECT canon FROM {schema}.conflict WHERE number = {number} "
            "AND kind = 'values' AND decided_by IS NULL)) "
            f"AND {measure} < (SELECT max({measure.replace('v.', 'o.')}) FROM {schema}.version o "
            f"WHERE o.number = {number} AND o.canon = v.canon AND o.kind = 'values' AND o.alive)"
        )
        await _close_decided(database, translator, work, rule, schema)


async def _close_decided(
    database: Database, translator: Translator, work: Work, rule: Rule, schema: str
) -> None:
    """Close the conflicts that have one version left, or only equal ones."""
    number = work.table.number
    left = (
        f"SELECT v.canon, count(*) AS versions, min(v.g) AS any_g FROM {schema}.version v "
        f"WHERE v.number = {number} AND v.kind = 'values' AND v.alive GROUP BY v.canon"
    )
    await database.execute(
        f"UPDATE {schema}.conflict SET decided_by = ?, winner = l.any_g "
        f"FROM ({left}) l WHERE conflict.number = {number} AND conflict.kind = 'values' "
        "AND conflict.decided_by IS NULL AND l.canon = conflict.canon AND l.versions = 1",
        (rule.value,),
    )
    tied = await database.value(
        f"SELECT EXISTS (SELECT 1 FROM {schema}.conflict WHERE number = {number} "
        "AND kind = 'values' AND decided_by IS NULL)"
    )
    if not tied:
        return
    await database.execute("DROP TABLE IF EXISTS temp.tied")
    await database.execute(
        "CREATE TEMP TABLE tied AS SELECT v.g AS g, v.canon AS canon, v.src AS src "
        f"FROM {schema}.version v JOIN {schema}.conflict c ON c.number = v.number "
        f"AND c.canon = v.canon AND c.kind = v.kind WHERE v.number = {number} "
        "AND v.kind = 'values' AND v.alive AND c.decided_by IS NULL"
    )
    await database.execute(
        f"UPDATE {schema}.conflict SET decided_by = ?, winner = (SELECT t.g FROM temp.tied t "
        "WHERE t.canon = conflict.canon ORDER BY t.src, t.g LIMIT 1) "
        f"WHERE number = {number} AND kind = 'values' AND decided_by IS NULL AND canon NOT IN "
        f"(SELECT canon FROM ({differing(translator, work, 'temp.tied')}))",
        (rule.value,),
    )
    await database.execute("DROP TABLE temp.tied")


async def keep_winners(database: Database, work: Work) -> None:
    """Mark in the map which version is written for each decided conflict."""
    number = work.table.number
    await database.execute(
        f"UPDATE {work.map} SET keep = (g = c.winner) FROM pv.conflict c "
        f"WHERE c.number = {number} AND c.kind <> 'unique' AND c.winner IS NOT NULL "
        f"AND {work.map.split('.')[1]}.canon = c.canon"
    )
