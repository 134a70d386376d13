"""Tables that refer to themselves: compared level by level from the roots.

A child can only be the same entity as another child if its parents are, so after the rows without
parents come those whose parents were found to be shared, and so on; rows in circles are never
reached and stay as they are, but for those that refer to themselves: they are roots.
"""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.merge import Link
from consolidator_tui.services.merge.classes import Key, arm, group, store_classes
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import sql_value
from consolidator_tui.storage.sqlite import Database


async def match_by_levels(
    database: Database, translator: Translator, work: Work, keys: Sequence[Key]
) -> None:
    """Fill the map of a table whose identity contains references to the table itself.

    Each of `keys` speaks of other rows; together they go down the levels, since the parent of a
    row with a whole key may be one with a NULL in it.
    """
    links = work.self_links([column for key in keys for column in key.columns])
    await note_mapped(database, work)
    await _read_kin(database, translator, work, keys, links)
    parents = [f"p{place}" for place in range(len(links))]
    await database.execute("CREATE TEMP TABLE candidate(g INTEGER PRIMARY KEY)")
    await database.execute("CREATE TEMP TABLE frontier(g INTEGER PRIMARY KEY)")
    ready = " AND ".join(
        f"(k.{p} IS NULL OR EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = k.{p}))" for p in parents
    )
    ready += f" AND NOT EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = k.g)"
    await database.execute(f"INSERT INTO temp.candidate SELECT k.g FROM temp.kin k WHERE {ready}")
    while await database.value("SELECT EXISTS (SELECT 1 FROM temp.candidate)"):
        for key in keys:
            arms = [arm(translator, work, key, k, restrict="candidate") for k in work.members]
            await group(database, work, key, arms)
            await store_classes(database, work)
        await note_mapped(database, work)
        await database.execute("DELETE FROM temp.frontier")
        await database.execute(
            f"INSERT INTO temp.frontier SELECT c.g FROM temp.candidate c JOIN {work.map} m "
            "ON m.g = c.g"
        )
        await database.execute("DELETE FROM temp.candidate")
        for p in parents:
            await database.execute(
                "INSERT INTO temp.candidate SELECT k.g FROM temp.frontier f "
                f"CROSS JOIN temp.kin k ON k.{p} = f.g WHERE {ready} ON CONFLICT DO NOTHING"
            )
    for name in ("candidate", "frontier", "kin"):
        await database.execute(f"DROP TABLE temp.{name}")


async def _read_kin(
    database: Database, translator: Translator, work: Work, keys: Sequence[Key], links: list[Link]
) -> None:
    """temp.kin: every row with the addresses of its parents in the same table."""
    columns = ", ".join(f"p{place} INTEGER" for place in range(len(links)))
    await database.execute(f"CREATE TEMP TABLE kin(g INTEGER PRIMARY KEY, {columns})")
    for source in work.members:
        parents = ", ".join(_parent(translator, work, keys, link, source) for link in links)
        await database.execute(
            f"INSERT INTO temp.kin SELECT {work.g(source)}, {parents} FROM {work.read(source)}"
        )
    for place in range(len(links)):
        await database.execute(f"CREATE INDEX temp.kin_p{place} ON kin(p{place})")


def _parent(
    translator: Translator, work: Work, keys: Sequence[Key], link: Link, source: int
) -> str:
    own = work.own(source, link.column)
    if own is None:
        return "NULL"
    # What refers to itself is a root, too.
    conditions = [f"{own} <> s.{work.address(source)}"]
    conditions += [
        f"{work.own(source, name) or 'NULL'} IS {sql_value(value)}"
        for name, value in link.reference.terms(source).items()
    ]
    whole = [key for key in keys if link.column not in key.columns]
    if whole:
        # Rows that a key without this reference tells apart need not wait for this parent.
        missing = [work.own(source, name) or "NULL" for name in whole[0].columns]
        conditions.append("(" + " OR ".join(f"{value} IS NULL" for value in missing) + ")")
    if source in link.dangling:
        conditions.append(translator.has_parent(work, source, own))
    return f"CASE WHEN {' AND '.join(conditions)} THEN {work.moved(source, own)} END"
