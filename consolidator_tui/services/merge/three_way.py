"""Three-way merge: a value that only one side changed since the ancestor is no conflict.

Of each column in which versions differ, the changed value is taken when there is only one. A
conflict of which every column can be settled like that is closed; of the others only the columns
that several sides changed differently are left to rules and people, and the rest is put onto
whichever version wins.
"""

from __future__ import annotations

from consolidator_tui.services.merge.conflicts import compared_columns
from consolidator_tui.services.merge.heirs import Past, heirs, past_of, unchanged
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

ANCESTOR = "ancestor"
"""What decided a conflict that the common ancestor settles."""
TABLE = (
    "CREATE TABLE IF NOT EXISTS pv.merged(number INTEGER NOT NULL, canon INTEGER NOT NULL, "
    "place INTEGER NOT NULL, from_g INTEGER NOT NULL, PRIMARY KEY(number, canon, place)) "
    "WITHOUT ROWID"
)
"""Columns of open conflicts that only one side changed: the row with the changed value."""


async def settle_one_sided(database: Database, translator: Translator, work: Work) -> None:
    """Close the conflicts of a table that one-sided changes settle, and narrow the others."""
    past = past_of(work)
    number = work.table.number
    if past is None or not await database.value(
        "SELECT EXISTS (SELECT 1 FROM pv.conflict WHERE number = ? AND kind <> 'unique')", (number,)
    ):
        return
    await database.execute(
        "CREATE TEMP TABLE way(canon INTEGER, place INTEGER, g INTEGER, src INTEGER, "
        "changed INTEGER, t TEXT, v, a INTEGER, PRIMARY KEY(canon, place, g)) WITHOUT ROWID"
    )
    for place, name in compared_columns(work):
        for source in past.sources:
            await _read(database, translator, work, past, source, place, name)
    await database.execute(
        "CREATE TEMP TABLE settled_place AS SELECT w.canon AS canon, w.place AS place, "
        "coalesce(min(w.g) FILTER (WHERE w.changed), min(w.g)) AS from_g, "
        "coalesce(min(w.t) FILTER (WHERE w.changed), min(w.t)) AS t, "
        "coalesce(min(w.v) FILTER (WHERE w.changed), min(w.v)) AS v FROM temp.way w "
        "GROUP BY w.canon, w.place HAVING count(DISTINCT w.v) FILTER (WHERE w.changed) <= 1 "
        "AND count(DISTINCT w.t) FILTER (WHERE w.changed) <= 1 "
        # The same number may be another parent: an id that was deleted and given again.
        "AND count(DISTINCT w.v) FILTER (WHERE NOT w.changed) <= 1 "
        "AND count(DISTINCT w.t) FILTER (WHERE NOT w.changed) <= 1 "
        # Names that two rows exchanged: a name is then shared by rows of different pasts.
        "AND min(w.a) = max(w.a) "
        "AND count(*) = (SELECT count(*) FROM pv.version p "
        f"WHERE p.number = {number} AND p.canon = w.canon AND p.kind <> 'unique')"
    )
    await database.execute("CREATE INDEX temp.settled_place_canon ON settled_place(canon, place)")
    await _close(database, number)
    await _narrow(database, work)
    for name in ("way", "settled_place"):
        await database.execute(f"DROP TABLE temp.{name}")


async def _read(
    database: Database,
    translator: Translator,
    work: Work,
    past: Past,
    source: int,
    place: int,
    name: str,
) -> None:
    """Put one column of one descendant's versions into temp.way: changed or not, and to what."""
    same = unchanged(work, past, source, name)
    if same is None:
        return
    value = translator.value(work, source, name)
    await database.execute(
        f"INSERT INTO temp.way SELECT c.canon, {place}, v.g, {source}, NOT {same}, "
        f"typeof({value}), +{value}, h.a "
        "FROM pv.conflict c CROSS JOIN pv.version v ON v.number = c.number AND v.canon = c.canon "
        f"AND v.kind = c.kind AND v.src = {source} CROSS JOIN {heirs(work)} h ON h.g = v.g "
        f"CROSS JOIN {work.seek(source)} ON s.{work.address(source)} = {work.raw(source, 'v.g')} "
        f"CROSS JOIN {past.rows} AS a ON a.{past.address} = h.a "
        f"WHERE c.number = {work.table.number} AND c.kind <> 'unique' "
        f"AND c.differs LIKE '%,{place},%'"
    )


async def _close(database: Database, number: int) -> None:
    """Close what is settled in all columns: most changes win, the others are put onto them.

    What a person decided stays as it is.
    """
    columns = "(length(c.differs) - length(replace(c.differs, ',', '')) - 1)"
    await database.execute(
        "CREATE TEMP TABLE closed(canon INTEGER PRIMARY KEY, g INTEGER, open INTEGER)"
    )
    await database.execute(
        "INSERT INTO temp.closed SELECT canon, g, open FROM (SELECT w.canon AS canon, "
        "w.g AS g, c.decided_by IS NULL AS open, row_number() OVER "
        "(PARTITION BY w.canon ORDER BY sum(w.changed) DESC, w.src, w.g) AS n "
        f"FROM temp.way w JOIN pv.conflict c ON c.number = {number} AND c.kind <> 'unique' "
        "AND c.canon = w.canon WHERE (SELECT count(*) FROM temp.settled_place p "
        f"WHERE p.canon = w.canon) = {columns} GROUP BY w.canon, w.g) WHERE n = 1"
    )
    await database.execute(
        "DELETE FROM temp.settled_place WHERE canon IN (SELECT canon FROM temp.closed "
        "WHERE NOT open)"
    )
    await database.execute("DELETE FROM temp.closed WHERE NOT open")
    await database.execute(
        "UPDATE pv.version SET kind = 'values' FROM temp.closed x WHERE version.number = ? "
        "AND version.canon = x.canon AND version.kind = 'doubt'",
        (number,),
    )
    await database.execute(
        "UPDATE pv.conflict SET kind = 'values', decided_by = ?, winner = x.g FROM temp.closed x "
        "WHERE conflict.number = ? AND conflict.canon = x.canon AND conflict.kind <> 'unique'",
        (ANCESTOR, number),
    )
    await database.execute(
        "INSERT INTO pv.override(number, g, place, value, from_g) "
        "SELECT ?, p.canon, p.place, NULL, p.from_g FROM temp.closed x "
        "JOIN temp.settled_place p ON p.canon = x.canon "
        "JOIN temp.way w ON w.canon = x.canon AND w.place = p.place AND w.g = x.g "
        "WHERE w.t <> p.t OR w.v IS NOT p.v ON CONFLICT DO NOTHING",
        (number,),
    )
    await database.execute(
        "DELETE FROM temp.settled_place WHERE canon IN (SELECT canon FROM temp.closed)"
    )
    await database.execute("DROP TABLE temp.closed")


async def _narrow(database: Database, work: Work) -> None:
    """Leave only the columns that several sides changed in the conflicts that stay open."""
    number = work.table.number
    await database.execute(
        f"INSERT INTO pv.merged SELECT {number}, canon, place, from_g FROM temp.settled_place "
        "WHERE 1 ON CONFLICT DO NOTHING"
    )
    places = await database.rows("SELECT DISTINCT place FROM temp.settled_place")
    for (place,) in places:
        await database.execute(
            f"UPDATE pv.conflict SET differs = replace(differs, ',{place},', ',') "
            "WHERE number = ? AND kind <> 'unique' AND canon IN "
            "(SELECT canon FROM temp.settled_place WHERE place = ?)",
            (number, place),
        )


async def put_onto_winners(database: Database, work: Work) -> None:
    """Put one-sided changes onto the version that a rule or a person chose."""
    if work.plan.ancestor is None:
        return
    await database.execute(
        "INSERT INTO pv.override(number, g, place, value, from_g) "
        "SELECT m.number, m.canon, m.place, NULL, m.from_g FROM pv.merged m "
        "JOIN pv.conflict c ON c.number = m.number AND c.canon = m.canon AND c.kind <> 'unique' "
        "WHERE m.number = ? AND c.winner IS NOT NULL AND c.winner <> m.from_g "
        "ON CONFLICT DO NOTHING",
        (work.table.number,),
    )
