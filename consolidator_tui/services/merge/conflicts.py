"""Finds entities whose versions disagree, and keeps every version of them in the ledger."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import IdentityKind, Note
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.planning.fixes import toml_key
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database

TABLES = (
    """CREATE TABLE IF NOT EXISTS pv.conflict(
        id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        canon INTEGER NOT NULL,
        kind TEXT NOT NULL,
        differs TEXT NOT NULL,
        decided_by TEXT,
        winner INTEGER,
        decision INTEGER,
        columns TEXT,
        entity TEXT,
        sources TEXT,
        hand TEXT,
        UNIQUE(number, canon, kind)
    )""",
    """CREATE TABLE IF NOT EXISTS pv.version(
        number INTEGER NOT NULL,
        canon INTEGER NOT NULL,
        kind TEXT NOT NULL,
        g INTEGER NOT NULL,
        src INTEGER NOT NULL,
        stamp INTEGER,
        filled INTEGER,
        alive INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY(number, canon, kind, g)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS pv.override(
        number INTEGER NOT NULL,
        g INTEGER NOT NULL,
        place INTEGER NOT NULL,
        value,
        from_g INTEGER,
        PRIMARY KEY(number, g, place)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS pv.doubt(number INTEGER, g INTEGER, other INTEGER)",
    "CREATE TABLE IF NOT EXISTS pv.joined(number INTEGER, g INTEGER, PRIMARY KEY(number, g))",
)
"""Kinds of conflict: `values` (versions disagree), `doubt` (perhaps not one entity), `unique`
(different entities share a UNIQUE key). `differs` lists the places of the columns, `,2,5,`, and
`sources` those of the sources; `columns` and `entity` are the key of a decision about it, and
`hand` is the body of that decision (groups.py)."""


COLUMNS = 250
"""Columns compared in one statement; SQLite takes 2,000 aggregates, six of each."""


def compared_columns(work: Work) -> list[tuple[int, str]]:
    """Places and names of the columns in which versions of one entity can differ."""
    identity = work.table.identity
    equal = set()
    if identity.kind is IdentityKind.COLUMNS and not work.joined:
        equal = {
            c
            for c, collation in zip(identity.columns, identity.collations, strict=True)
            # Where a column has no type, keys that are equal may still be 1 here and 1.0 there.
            if collation.upper() == "BINARY" and not work.needs_type(c)
        }
    return [
        (place, column.name)
        for place, column in enumerate(work.table.columns)
        if column.name != work.table.surrogate and column.name not in equal
    ]


def differing(translator: Translator, work: Work, members: str) -> str:
    """SELECT canon, differs: the entities in the map `members` whose rows differ, and where."""
    columns = compared_columns(work)
    parts = [
        _marked(translator, work, members, columns[start : start + COLUMNS])
        for start in range(0, len(columns), COLUMNS)
    ]
    return (
        "SELECT canon, ',' || group_concat(marks, '') AS differs "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY canon"
    )


def _marked(
    translator: Translator, work: Work, members: str, columns: list[tuple[int, str]]
) -> str:
    """SELECT canon, marks: the places among some columns in which an entity's rows differ."""
    arms = []
    for source in work.members:
        chosen = []
        for place, name in columns:
            own = work.own(source, name)
            value = "NULL" if own is None else translator.value(work, source, name)
            chosen.append(f"{value} AS c{place}, {int(own is not None)} AS h{place}")
            if work.needs_type(name):
                kind = "NULL" if own is None else f"typeof({own})"
                chosen.append(f"{kind} AS t{place}")
        arms.append(
            f"SELECT m.canon AS canon, {', '.join(chosen)} FROM {members} m "
            f"CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'm.g')} "
            f"WHERE {work.within(source, 'm.g')}"
        )
    marks = combined(
        "||",
        [
            f"CASE WHEN {_differs(work, place, name)} THEN '{place},' ELSE '' END"
            for place, name in columns
        ],
        "''",
    )
    return (
        f"SELECT canon, marks FROM (SELECT canon, {marks} AS marks "
        f"FROM ({' UNION ALL '.join(arms)}) GROUP BY canon HAVING count(*) > 1) WHERE marks <> ''"
    )


def _differs(work: Work, place: int, name: str) -> str:
    c = f"c{place}"
    parts = [f"min({c} COLLATE BINARY) IS NOT max({c} COLLATE BINARY) COLLATE BINARY"]
    if work.needs_type(name):
        parts.append(f"min(t{place}) IS NOT max(t{place})")
    if not work.table.fill_nulls:
        parts.append(f"(count({c}) > 0 AND count({c}) < sum(h{place}))")
    return " OR ".join(parts)


def can_disagree(work: Work) -> bool:
    """Whether versions of one entity may differ: not where whole content makes the entity.

    Unless a person called rows one that do.
    """
    by_content = work.table.identity.kind in (IdentityKind.ROWS, IdentityKind.NONE)
    return work.mapped and (work.joined or not by_content)


async def find_conflicts(database: Database, translator: Translator, work: Work) -> None:
    """Put every entity of the table whose versions differ into pv.conflict and pv.version."""
    number = work.table.number
    if not can_disagree(work):
        return
    doubtful = (
        f"canon IN (SELECT m.canon FROM pv.doubt d JOIN {work.map} m ON m.g = d.g "
        f"WHERE d.number = {number})"
    )
    if compared_columns(work):
        await database.execute(
            "INSERT INTO pv.conflict(number, canon, kind, differs) SELECT "
            f"{number}, canon, CASE WHEN {doubtful} THEN 'doubt' ELSE 'values' END, differs "
            f"FROM ({differing(translator, work, work.map)})"
        )
    if not await database.value(
        f"SELECT EXISTS (SELECT 1 FROM pv.conflict WHERE number = {number})"
    ):
        return
    await index_entities(database, work)
    for source in work.members:
        await database.execute(
            "INSERT INTO pv.version(number, canon, kind, g, src, stamp, filled) "
            f"SELECT {number}, m.canon, c.kind, m.g, {source}, "
            f"{stamp_sql(work, source)}, {filled_sql(work, source)} "
            f"FROM pv.conflict c CROSS JOIN {work.map} m ON m.canon = c.canon "
            f"CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'm.g')} "
            f"WHERE c.number = {number} AND {work.within(source, 'm.g')}"
        )


async def index_entities(database: Database, work: Work) -> None:
    """Members are looked up by entity, so the map of a table with conflicts gets an index."""
    name = f"map_{work.table.number}_canon"
    await database.execute(
        f"CREATE INDEX IF NOT EXISTS pv.{name} ON map_{work.table.number}(canon)"
    )


def stamp_sql(work: Work, source: int) -> str:
    """SQL for the time of a row by the table's `newest`."""
    if work.table.newest is None:
        return "NULL"
    own = work.own(source, work.table.newest)
    return "NULL" if own is None else f"instant({own})"


def filled_sql(work: Work, source: int) -> str:
    """SQL for how many values of a row are not NULL."""
    parts = [
        f"({own} IS NOT NULL)"
        for column in work.table.columns
        if (own := work.own(source, column.name)) is not None
    ]
    return combined("+", parts, "0")


async def note_odd_times(database: Database, work: Work) -> list[Note]:
    """Say where versions have something in their time column that is no time."""
    name = work.table.newest
    notes: list[Note] = []
    if name is None or not work.mapped:
        return notes
    for source in work.members:
        own = work.own(source, name)
        if own is None:
            continue
        odd = await database.value(
            f"SELECT count(*) FROM pv.version v CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'v.g')} "
            f"WHERE v.number = {work.table.number} AND v.src = {source} "
            f"AND v.kind = 'values' AND v.stamp IS NULL AND {own} IS NOT NULL"
        )
        if odd:
            path = work.plan.sources[source].path
            notes.append(
                Note(
                    f"{work.table.name}.{name}: {plural(odd, 'value')} in {path} "
                    f"{verb(odd, 'is no time and counts', 'are no time and count')} as oldest",
                    work.table.name,
                    name,
                    path,
                )
            )
    return notes


async def note_equal_rows(database: Database, work: Work) -> list[Note]:
    """Say where rows without a key become one because they are equal, and nobody asked for it."""
    name = work.table.name
    chosen = any(
        plan.identity is not None and fold(table) == work.key
        for table, plan in work.plan.document.tables.items()
    )
    if chosen or not work.mapped or work.table.identity.kind is not IdentityKind.ROWS:
        return []
    count = await database.value(f"SELECT count(*) FROM {work.map} WHERE keep = 0")
    if not count:
        return []
    return [
        Note(
            f"{plural(count, 'row')} of {name} {verb(count, 'is', 'are')} equal to one of "
            "another file and "
            "become one with it; if they are separate events, "
            f'say identity = "none" under [tables.{toml_key(name)}]',
            table=name,
        )
    ]
