"""Identity of rows in files that are copies of one another: the id, guarded by likeness.

Two rows under one id are the same entity when they are equal, or were born at the same time, or
are alike and stand among the ids from before the split. Rows that were born at different times
are different entities. What is neither is asked.
"""

from __future__ import annotations

from consolidator_tui.services.merge.classes import Key, arm, group, probe_of, store_classes
from consolidator_tui.services.merge.heirs import Past, match_heirs
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database

_WEIGHED = 100
"""Columns whose values are looked at to know how much they tell."""
_SAMPLE = 1_000
_LONG = 400
Weights = dict[tuple[int, str], float]
"""Per source and column how much it tells, as far as it is known."""


async def match_by_lineage(
    database: Database, translator: Translator, work: Work, past: Past | None = None
) -> None:
    """Fill the map of a table whose sources are diverged copies; doubts go to pv.doubt.

    With the past known, rows of its descendants are the same when they come from one row of it.
    """
    followed = () if past is None else past.sources
    if past is not None:
        await match_heirs(database, work)
    await database.execute(
        "CREATE TABLE IF NOT EXISTS pv.doubt(number INTEGER, g INTEGER, other INTEGER)"
    )
    families = work.table.families or (tuple(work.members),)
    await database.execute("CREATE TEMP TABLE likely(g INTEGER, other INTEGER, sure INTEGER)")
    weights: Weights = {}
    for family in families:
        members = [k for k in family if k in work.members]
        for place, later in enumerate(members):
            for earlier in members[:place]:
                if later in followed and earlier in followed:
                    continue
                await _match_pair(database, translator, work, earlier, later, weights)
    await _match_moved(database, translator, work, families)
    await _settle_likely(database, work)
    if len(families) > 1:
        await _match_across(database, translator, work, families)


async def _match_pair(
    database: Database,
    translator: Translator,
    work: Work,
    earlier: int,
    later: int,
    known: Weights,
) -> None:
    compared = [
        c.name
        for c in work.table.columns
        if c.name != work.table.surrogate and c.sources[earlier] and c.sources[later]
    ]
    same = [_same(translator, work, name, earlier, later) for name in compared]
    await database.execute("DROP TABLE IF EXISTS temp.pairs")
    equal = combined("AND", same, "1")
    alike = combined("+", [f"({term})" for term in same], "0")
    birth = work.birth
    if birth in compared:
        ours, theirs = (str(work.own(k, birth, a)) for k, a in ((later, "s"), (earlier, "b")))
        born = f"CASE WHEN {ours} IS NULL OR {theirs} IS NULL THEN NULL ELSE {ours} = {theirs} END"
    else:
        born = "NULL"
    apart = _new_parents(translator, work, earlier, later)
    weights = await _telling(database, work, compared, earlier, known)
    weighed = combined("+", [f"({t}) * {w}" for t, w in zip(same, weights, strict=True)], "0")
    least, heavy = str(max(1, len(compared))), str(sum(weights))
    if work.table.newest in compared and len(compared) > 1:
        # Whoever edits a row moves its time of change: that it differs says nothing.
        place = compared.index(work.table.newest)
        least += f" - (NOT ({same[place]}))"
        heavy = f"max(0.001, {heavy} - (NOT ({same[place]})) * {weights[place]})"
    await database.execute(
        f"CREATE TEMP TABLE pairs AS SELECT s.{work.address(later)} AS id, "
        f"{work.g(later)} AS g, {work.g(earlier, 'b')} AS other, ({equal}) AS equal, "
        f"({alike}) * 2 >= {least} AND (({equal}) OR NOT ({apart})) "
        f"AS alike, ({weighed}) * 2 >= {heavy} AS close, {born} AS born "
        f"FROM {work.read(later)} JOIN {work.rows(earlier).sql} AS b "
        f"ON b.{work.address(earlier)} = s.{work.address(later)} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = {work.g(later)})"
    )
    mark = await database.value("SELECT max(id) FROM temp.pairs WHERE equal")
    if mark is None:
        await database.execute("DROP TABLE temp.pairs")
        return
    old = f"id <= {mark}"
    certain = "equal OR born IS 1"
    await _put_together(database, work, f"SELECT g, other FROM temp.pairs WHERE {certain}")
    await database.execute(
        f"INSERT INTO temp.likely SELECT g, other, alike AND {old} FROM temp.pairs "
        f"WHERE NOT coalesce({certain}, 0) AND born IS NULL AND ({old} OR (alike AND close))"
    )
    await database.execute("DROP TABLE temp.pairs")


async def _put_together(database: Database, work: Work, pairs: str) -> None:
    """Put pairs (later, earlier) of rows into the map as one entity each."""
    canon = f"coalesce((SELECT canon FROM {work.map} m WHERE m.g = other), other)"
    await database.execute(
        f"INSERT INTO {work.map} SELECT g, {canon}, 0 FROM ({pairs}) WHERE 1 "
        "ORDER BY g ON CONFLICT DO NOTHING"
    )
    await database.execute(
        f"INSERT INTO {work.map} SELECT other, other, 1 FROM ({pairs}) WHERE 1 "
        "ON CONFLICT DO NOTHING"
    )


async def _settle_likely(database: Database, work: Work) -> None:
    """Pairs that only an id suggests, unless their rows have equal ones elsewhere: those moved."""
    free = (
        f"NOT EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = l.g) AND NOT EXISTS "
        f"(SELECT 1 FROM {work.map} m WHERE m.g = l.other AND m.canon <> l.other)"
    )
    await database.execute(
        f"CREATE TEMP TABLE settled AS SELECT l.g, l.other, l.sure FROM temp.likely l "
        f"WHERE {free} AND NOT EXISTS (SELECT 1 FROM {work.map} m WHERE m.g = l.other "
        "AND m.canon IN (SELECT w.canon FROM temp.moved w))"
    )
    await database.execute(
        f"INSERT INTO pv.doubt SELECT {work.table.number}, g, other FROM temp.settled "
        "WHERE NOT sure"
    )
    await _put_together(database, work, "SELECT g, other FROM temp.settled")
    for name in ("likely", "moved", "settled"):
        await database.execute(f"DROP TABLE temp.{name}")


async def _telling(
    database: Database, work: Work, names: list[str], source: int, known: Weights
) -> list[float]:
    """How much it says that two rows agree in a column: nothing where nearly all rows do.

    One weight for each column, from 0 to 1: the chance that two of the first rows differ in it.
    """
    if len(names) > _WEIGHED:
        return [1.0] * len(names)
    for name in names:
        if (source, name) in known:
            continue
        own = str(work.own(source, name))
        # Sorting the first thousand pictures would take a while.
        value = f"CASE WHEN length({own}) > {_LONG} THEN {probe_of(own)} ELSE {own} END"
        same = await database.value(
            "SELECT sum(n * n) * 1.0 / (sum(n) * sum(n)) FROM (SELECT count(*) AS n FROM "
            f"(SELECT {value} AS v FROM {work.read(source)} LIMIT {_SAMPLE}) GROUP BY v)"
        )
        known[source, name] = round(1.0 - (same or 0.0), 3)
    weights = [known[source, name] for name in names]
    return weights if any(weights) else [1.0] * len(names)


def _new_parents(translator: Translator, work: Work, earlier: int, later: int) -> str:
    """A condition: the rows refer to different entities that each only its own file has.

    Both came after the split, so the rows did too.
    """
    terms = []
    for link in work.table.links:
        root = translator.works[link.root]
        if root is work or link.column in work.cut or link.reference.where:
            continue
        alone = []
        for source, alias in ((later, "s"), (earlier, "b")):
            own = work.own(source, link.column, alias)
            if own is not None:
                known = f"SELECT 1 FROM {root.map} m WHERE m.g = {root.moved(source, own)}"
                there = translator.has_parent(root, source, own)
                alone.append(f"{there} AND NOT EXISTS ({known})")
        if len(alone) == 2:
            terms.append(" AND ".join(alone))
    return combined("OR", [f"({term})" for term in terms], "0")


def _same(translator: Translator, work: Work, name: str, earlier: int, later: int) -> str:
    """Equality of one column in two sources; ids of the table itself are compared as they are."""
    own_links = any(link.root == work.key for link in work.links_of(name))
    if own_links or name in work.cut:
        ours, theirs = work.own(later, name), work.own(earlier, name, "b")
    else:
        ours = translator.value(work, later, name)
        theirs = translator.value(work, earlier, name, "b")
    same = f"{ours} IS +{theirs} COLLATE BINARY"
    if work.needs_type(name):
        same += f" AND typeof({ours}) = typeof({theirs})"
    return same


async def _match_moved(
    database: Database,
    translator: Translator,
    work: Work,
    families: tuple[tuple[int, ...], ...],
) -> None:
    """Rows of one family that no id brought together are the same when their content is."""
    names = tuple(c.name for c in work.table.columns if c.name != work.table.surrogate)
    await note_mapped(database, work)
    if not names:
        await database.execute("CREATE TEMP TABLE moved(canon INTEGER)")
        return
    key = Key(names, tuple("BINARY" for _ in names), False)
    alone = "NOT EXISTS (SELECT 1 FROM {0} m WHERE m.g = {1})"
    await database.execute(
        f"CREATE TEMP TABLE matched AS SELECT canon FROM {work.map} WHERE keep = 1"
    )
    for family in families:
        members = [k for k in family if k in work.members]
        if len(members) > 2:
            await _join_known(database, translator, work, key, members)
        arms = [
            arm(translator, work, key, k, more=alone.format(work.map, work.g(k))) for k in members
        ]
        if len(arms) > 1:
            await group(database, work, key, arms)
            await store_classes(database, work)
    await database.execute(
        f"CREATE TEMP TABLE moved AS SELECT canon FROM {work.map} WHERE keep = 1 "
        "EXCEPT SELECT canon FROM temp.matched"
    )
    await database.execute("DROP TABLE temp.matched")


async def _join_known(
    database: Database, translator: Translator, work: Work, key: Key, members: list[int]
) -> None:
    """Rows that are alone join equal rows that others have under one id.

    Only an entity without a row of the same source takes one, so that twins in a file stay.
    """
    own = combined("OR", [work.within(k, "g") for k in members], "0")
    await database.execute(
        f"CREATE TEMP TABLE partial AS SELECT canon FROM {work.map} WHERE {own} "
        f"GROUP BY canon HAVING count(*) < {len(members)}"
    )
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.partial)"):
        known = "NOT EXISTS (SELECT 1 FROM {0} m WHERE m.g = {1} AND m.canon NOT IN temp.partial)"
        arms = [
            arm(translator, work, key, k, more=known.format(work.map, work.g(k))) for k in members
        ]
        await group(database, work, key, arms, all_members=True)
        await _take_in(database, work)
        await database.execute("DROP TABLE temp.cls")
    await database.execute("DROP TABLE temp.partial")


async def _take_in(database: Database, work: Work) -> None:
    """Give the rows of temp.cls that are alone to the entities there, in order of addresses."""
    await database.execute(
        f"CREATE TEMP TABLE equals AS SELECT c, g, {work.source_of('g')} AS src, "
        f"(SELECT canon FROM {work.map} m WHERE m.g = x.g) AS canon FROM ("
        "SELECT cls.rowid AS c, j.value AS g FROM temp.cls, "
        "temp.json_each('[' || gs || ']') j) x"
    )
    await database.execute(
        "CREATE TEMP TABLE taken(canon INTEGER, src INTEGER, PRIMARY KEY(canon, src)) WITHOUT ROWID"
    )
    await database.execute(
        f"INSERT OR IGNORE INTO temp.taken SELECT canon, {work.source_of('g')} FROM {work.map} "
        "WHERE canon IN (SELECT canon FROM temp.equals)"
    )
    await database.execute(
        "CREATE TEMP TABLE found AS WITH "
        "u AS (SELECT c, src, g, row_number() OVER (PARTITION BY c, src ORDER BY g) AS n "
        "FROM temp.equals WHERE canon IS NULL), "
        "e AS (SELECT DISTINCT c, canon FROM temp.equals WHERE canon IS NOT NULL), "
        "free AS (SELECT a.c, a.src, e.canon, "
        "row_number() OVER (PARTITION BY a.c, a.src ORDER BY e.canon) AS n "
        "FROM (SELECT DISTINCT c, src FROM u) a JOIN e ON e.c = a.c WHERE NOT EXISTS "
        "(SELECT 1 FROM temp.taken t WHERE t.canon = e.canon AND t.src = a.src)) "
        # An entity whose versions differ stands in several classes, and takes one row for all.
        "SELECT g, src, canon FROM (SELECT u.g, u.src, free.canon, "
        "row_number() OVER (PARTITION BY free.canon, u.src ORDER BY u.g) AS turn "
        "FROM u JOIN free ON free.c = u.c AND free.src = u.src AND free.n = u.n) WHERE turn = 1"
    )
    # An entity stands where the first source has it.
    await database.execute(
        "CREATE TEMP TABLE led AS SELECT canon, g FROM (SELECT canon, g, "
        "row_number() OVER (PARTITION BY canon ORDER BY src) AS n FROM temp.found "
        f"WHERE src < {work.source_of('canon')}) WHERE n = 1"
    )
    await database.execute(
        f"UPDATE {work.map} SET canon = led.g, keep = 0 FROM temp.led "
        f"WHERE {work.map.split('.')[1]}.canon = led.canon"
    )
    await database.execute(
        f"INSERT INTO {work.map} SELECT f.g, coalesce(led.g, f.canon), led.g IS f.g "
        "FROM temp.found f LEFT JOIN temp.led ON led.canon = f.canon"
    )
    for name in ("equals", "taken", "found", "led"):
        await database.execute(f"DROP TABLE temp.{name}")


async def _match_across(
    database: Database, translator: Translator, work: Work, families: tuple[tuple[int, ...], ...]
) -> None:
    """Files of different families have equal rows only by whole content.

    Rows that refer to rows of the same table are equal once those are, so they are looked at
    again, level by level, as long as the round before found something.
    """
    loops = {link.column for link in work.table.links if link.root == work.key}
    below: set[str] = set()
    while await _meet(database, translator, work, families, below) and loops:
        await note_mapped(database, work)
        below = loops
    await database.execute("DROP TABLE IF EXISTS temp.met")


async def _meet(
    database: Database,
    translator: Translator,
    work: Work,
    families: tuple[tuple[int, ...], ...],
    below: set[str],
) -> bool:
    """Match rows of different families by content; whether there were any.

    `below`: columns that lead to rows of the same table; only rows whose parent was matched in
    the round before are looked at.
    """
    names = tuple(c.name for c in work.table.columns if c.name != work.table.surrogate)
    key = Key(names, tuple("BINARY" for _ in names), False)
    left = "NOT EXISTS (SELECT 1 FROM {0} m WHERE m.g = {1} AND m.keep = 0)"
    heads = {k: family[0] for family in families for k in family}
    arms = []
    for k in work.members:
        more = left.format(work.map, work.g(k))
        above = [
            f"{translator.value(work, k, name)} IN (SELECT lead FROM temp.met)"
            for name in sorted(below)
            if work.own(k, name) is not None
        ]
        if below:
            more += f" AND ({' OR '.join(above) or '0'})"
        arms.append(arm(translator, work, key, k, more=more))
    await group(database, work, key, arms, all_members=True)
    await database.execute("DROP TABLE IF EXISTS temp.met")
    family_of = " ".join(f"WHEN {k} THEN {head}" for k, head in heads.items())
    await database.execute(
        "CREATE TEMP TABLE met AS SELECT g, lead FROM ("
        "SELECT g, first_value(g) OVER (PARTITION BY c, n ORDER BY family) AS lead FROM ("
        "SELECT c, g, family, row_number() OVER (PARTITION BY c, family ORDER BY g) AS n FROM ("
        "SELECT c, g, CASE src " + family_of + " END AS family FROM ("
        f"SELECT cls.rowid AS c, j.value AS g, {work.source_of('j.value')} AS src "
        "FROM temp.cls, temp.json_each('[' || gs || ']') j)))) WHERE g <> lead"
    )
    await database.execute("DROP TABLE temp.cls")
    await database.execute(
        f"UPDATE {work.map} SET canon = met.lead, keep = 0 FROM temp.met "
        f"WHERE {work.map.split('.')[1]}.canon = met.g"
    )
    await database.execute(
        f"INSERT INTO {work.map} SELECT g, lead, 0 FROM temp.met WHERE 1 "
        "ON CONFLICT(g) DO UPDATE SET canon = excluded.canon, keep = 0"
    )
    await database.execute(
        f"INSERT INTO {work.map} SELECT DISTINCT lead, lead, 1 FROM temp.met WHERE 1 "
        "ON CONFLICT(g) DO UPDATE SET keep = 1"
    )
    return bool(await database.value("SELECT EXISTS (SELECT 1 FROM temp.met)"))
