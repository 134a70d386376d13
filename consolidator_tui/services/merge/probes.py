"""Identities with long values: rows are grouped by short probes, and only those that a probe
does not settle by their whole content.

Sorting whole texts or blobs costs most of a comparison, and nearly all rows are told apart by
less. The rows of a class that share a probe are compared with each other, value by value.
"""

from __future__ import annotations

from itertools import combinations

from consolidator_tui.services.merge.classes import Key, arm, group, store_classes
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

LONG = 400
"""Characters or bytes of a column, on average, from which on it is probed: looking rows up again
to compare them costs as much as sorting some hundred bytes more of each."""
MOST_PAIRED = 8
"""Files up to which the rows of a class are compared pair by pair."""
FEW = 1_000
"""Rows below which nothing is gained."""
_SAMPLE = 50
"""Rows at the beginning of each file by which the length is judged."""


async def long_columns(database: Database, work: Work, key: Key) -> tuple[str, ...]:
    """The columns of a key whose values are long and are compared as they are in the files."""
    if key.is_packed or work.total < FEW:
        return ()
    plain = [
        column
        for column, collation in zip(key.columns, key.collations, strict=True)
        if collation == "BINARY"
        and not work.links_of(column)
        and column not in work.aliases
        and all(work.own(source, column) is not None for source in work.members)
    ]
    if not plain:
        return ()
    statements = []
    for source in work.members:
        # Only these: another column may be computed by a function that is missing here.
        lengths = [f"length({work.own(source, c)}) AS n{i}" for i, c in enumerate(plain)]
        means = [f"avg(n{place})" for place in range(len(plain))]
        statements.append(
            f"SELECT {', '.join(means)} FROM "
            f"(SELECT {', '.join(lengths)} FROM {work.read(source)} LIMIT {_SAMPLE})"
        )
    found = [rows[0] for rows in await database.each(statements)]
    return tuple(
        column
        for place, column in enumerate(plain)
        if any((means[place] or 0) > LONG for means in found)
    )


async def match_by_probe(
    database: Database, translator: Translator, work: Work, key: Key, long: tuple[str, ...]
) -> None:
    """Fill the map as grouping by the whole key would; `long` are the columns to probe."""
    arms = [arm(translator, work, key, source, short=long) for source in work.members]
    await group(database, work, key, arms)
    await _set_doubtful_aside(database, work, long)
    await store_classes(database, work)
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.candidate)"):
        arms = [arm(translator, work, key, k, restrict="candidate") for k in work.members]
        await group(database, work, key, arms)
        await store_classes(database, work)
    await database.execute("DROP TABLE temp.candidate")


async def _set_doubtful_aside(database: Database, work: Work, long: tuple[str, ...]) -> None:
    """Take the classes that hold different rows, or may, out of temp.cls; their rows go to
    temp.candidate."""
    await database.script(
        [
            "CREATE TEMP TABLE candidate(g INTEGER PRIMARY KEY)",
            "CREATE TEMP TABLE doubtful(id INTEGER PRIMARY KEY)",
            "INSERT INTO temp.doubtful SELECT rowid FROM temp.cls WHERE gs IS NOT NULL",
        ]
    )
    if len(work.members) > MOST_PAIRED:
        await database.execute(
            "INSERT INTO temp.doubtful SELECT rowid FROM temp.cls WHERE gs IS NULL"
        )
    else:
        for first, other in combinations(work.members, 2):
            await _compare(database, work, long, first, other)
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.doubtful)"):
        theirs = "FROM temp.cls WHERE rowid IN (SELECT id FROM temp.doubtful)"
        firsts = [
            f"SELECT g{k} AS g {theirs} AND gs IS NULL AND g{k} IS NOT NULL" for k in work.members
        ]
        for rows in firsts:
            await database.execute(f"INSERT INTO temp.candidate {rows}")
        await database.execute(
            "INSERT INTO temp.candidate SELECT j.value FROM temp.cls, "
            "temp.json_each('[' || gs || ']') j WHERE gs IS NOT NULL"
        )
        await database.execute(f"DELETE {theirs}")
    await database.execute("DROP TABLE temp.doubtful")


async def _compare(
    database: Database, work: Work, long: tuple[str, ...], first: int, other: int
) -> None:
    """Note the classes in which the row of `other` is not that of `first`, their first file."""
    earlier = [f"g{k} IS NULL" for k in work.members if k < first]
    here = " AND ".join([*earlier, f"g{first} IS NOT NULL", f"g{other} IS NOT NULL", "gs IS NULL"])
    differ = " OR ".join(
        f"{work.own(first, column, 'a')} IS NOT {work.own(other, column, 'b')} COLLATE BINARY"
        for column in long
    )
    # In the order of the file, so that a page is read once; a LIMIT keeps the order inside.
    classes = f"SELECT rowid AS id, g{first}, g{other} FROM temp.cls WHERE {here}"
    await database.execute(
        "INSERT INTO temp.doubtful SELECT c.id FROM "
        f"({classes} ORDER BY g{first} LIMIT -1) c "
        f"CROSS JOIN {work.seek(first, 'a')} "
        f"ON a.{work.address(first)} = {work.raw(first, f'c.g{first}')} "
        f"CROSS JOIN {work.seek(other, 'b')} "
        f"ON b.{work.address(other)} = {work.raw(other, f'c.g{other}')} "
        f"WHERE {differ} ON CONFLICT DO NOTHING"
    )
