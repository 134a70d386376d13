"""Rows of diverged copies, followed from the row of the common ancestor that they come from.

A descendant of the ancestor speaks the ancestor's language: its ids, and the ids in its
references, mean what they meant there. So rows are followed, and what changed in them is seen, by
comparing values as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from consolidator_tui.domain.catalog import Table, UniqueKey, fold
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.sqltext import combined
from consolidator_tui.services.workspace import PAST, row_address
from consolidator_tui.storage.sqlite import Database, quote

_MOST_COLUMNS = 900
"""Columns of a content that are compared, each beside its type."""


@dataclass(frozen=True, slots=True)
class Past:
    """One table as the ancestor had it."""

    table: Table
    rows: str
    """Qualified and quoted."""
    address: str
    """The quoted integer column that addresses its rows."""
    sources: tuple[int, ...]
    """The descendants that have the table."""
    by_content: bool = False
    """No key: the k-th row of a content is the k-th row of that content in the ancestor."""

    def column(self, work: Work, source: int, name: str) -> str | None:
        """The quoted column that the ancestor had under a source's name; None if it had none."""
        own = work.table.column(name).sources[source]
        if own is None or not self.table.has_column(own):
            return None
        column = self.table.column(own)
        return None if column.generated or column.hidden else quote(column.name)


def past_of(work: Work) -> Past | None:
    """The table in the ancestor; None where rows cannot be followed from it."""
    ancestor = work.plan.ancestor
    if ancestor is None:
        return None
    sources = tuple(k for k in ancestor.descendants if k in work.members)
    names = {fold(str(work.table.sources[k])) for k in sources}
    if len(names) != 1:
        return None
    table = ancestor.schema.tables.get(names.pop())
    if table is None or not table.has_rows or table.error:
        return None
    if table.kind is not work.table.table.kind:
        return None
    address, rows = row_address(table), f"{PAST}.{quote(table.name)}"
    if table.without_rowid:
        # A copy numbers the rows of a table that does not.
        address, rows = row_address(replace(table, without_rowid=False)), _copy(work)
    if address is None:
        return None
    past = Past(table, rows, address, sources, by_content=not _keys(work, table))
    follow = _contents if past.by_content else _track
    return past if all(follow(work, past, k) for k in sources) else None


def _copy(work: Work) -> str:
    return f"pv.past_{work.table.number}"


def heirs(work: Work) -> str:
    """The table (g, src, a): the row `g` of a source comes from the ancestor's row `a`."""
    return f"pv.heir_{work.table.number}"


def _track(work: Work, past: Past, source: int) -> list[tuple[str, str]]:
    """The columns by which a row is followed: in the source, in the ancestor."""
    found = []
    for name in _keys(work, past.table):
        own, before = work.own(source, name), past.column(work, source, name)
        if own is None or before is None:
            return []
        found.append((own, f"a.{before}"))
    return found


def _keys(work: Work, before: Table) -> list[str]:
    """The columns that name a row; none where only its whole content does."""
    if work.table.surrogate is not None:
        return [work.table.surrogate]
    wanted = {fold(name) for name in work.table.table.primary_key}
    if not wanted:
        identity = {fold(name) for name in work.table.identity.columns}
        declared = (work.table.table, before)
        if all(any(identity == _folded(k) for k in table.unique_keys) for table in declared):
            wanted = identity
    return [column.name for column in work.table.columns if fold(column.name) in wanted]


def _folded(key: UniqueKey) -> set[str]:
    return {fold(name) for name in key.columns}


def _contents(work: Work, past: Past, source: int) -> list[tuple[str, str]]:
    """All columns, in the source and in the ancestor; none where the ancestor lacks one."""
    names = [c.name for c in work.table.columns if c.sources[source] is not None]
    found = []
    for name in names:
        own, before = work.own(source, name), past.column(work, source, name)
        if own is None or before is None or len(names) > _MOST_COLUMNS:
            return []
        found.append((own, f"a.{before}"))
    return found


def unchanged(work: Work, past: Past, source: int, name: str) -> str | None:
    """A condition over s and a: the row has in this column what the ancestor had."""
    own, before = work.own(source, name), past.column(work, source, name)
    if own is None or before is None:
        return None
    return f"({own} IS +a.{before} COLLATE BINARY AND typeof({own}) = typeof(a.{before}))"


def compared(work: Work, past: Past, source: int) -> list[str]:
    """One condition for each column that the source and the ancestor have, but the surrogate."""
    found = []
    for column in work.table.columns:
        if column.name != work.table.surrogate:
            same = unchanged(work, past, source, column.name)
            if same is not None:
                found.append(same)
    return found


async def find_heirs(database: Database, work: Work) -> Past | None:
    """Make the table of heirs of one table; None where there is no ancestor to follow.

    A row under the ancestor's id is its heir unless it was born at another time, or could have
    been given the id anew (behind all ids that are certainly old) and is unlike.
    """
    past = past_of(work)
    if past is None:
        return None
    await database.execute(f"DROP TABLE IF EXISTS {heirs(work)}")
    await database.execute(
        f"CREATE TABLE {heirs(work)}(g INTEGER PRIMARY KEY, src INTEGER, a INTEGER)"
    )
    if past.rows == _copy(work):
        await database.execute(f"DROP TABLE IF EXISTS {past.rows}")
        await database.execute(
            f"CREATE TABLE {past.rows} AS SELECT * FROM {PAST}.{quote(past.table.name)}"
        )
    for source in past.sources:
        await _find(database, work, past, source)
    await database.execute(
        f"CREATE INDEX pv.heir_{work.table.number}_a ON heir_{work.table.number}(a)"
    )
    return past


async def _find_equal(database: Database, work: Work, past: Past, source: int) -> None:
    """Rows without a key come from the ancestor's rows of the same content, one from one."""
    pairs = _contents(work, past, source)
    arms = []
    for side, values in enumerate(zip(*pairs, strict=True)):
        terms = ", ".join(f"{value} COLLATE BINARY, typeof({value})" for value in values)
        chosen = ", ".join(
            f"{value} AS k{n}, typeof({value}) AS t{n}" for n, value in enumerate(values)
        )
        place = f"a.{past.address}" if side else f"s.{work.address(source)}"
        rows = f"{past.rows} AS a" if side else work.read(source)
        ends = f"NULL AS g, {place} AS a" if side else f"{work.g(source)} AS g, NULL AS a"
        arms.append(
            f"SELECT {chosen}, {ends}, row_number() OVER (PARTITION BY {terms} ORDER BY {place}) "
            f"AS n FROM {rows}"
        )
    keys = ", ".join(f"k{n} COLLATE BINARY, t{n}" for n in range(len(pairs)))
    await database.execute(
        f"INSERT INTO {heirs(work)} SELECT max(g), {source}, max(a) FROM "
        f"({' UNION ALL '.join(arms)}) GROUP BY {keys}, n HAVING count(*) = 2"
    )


async def _find(database: Database, work: Work, past: Past, source: int) -> None:
    if past.by_content:
        await _find_equal(database, work, past, source)
        return
    on = " AND ".join(f"{before} = {own}" for own, before in _track(work, past, source))
    rows = f"FROM {work.read(source)} CROSS JOIN {past.rows} AS a ON {on}"
    if work.table.surrogate is None:
        await database.execute(
            f"INSERT INTO {heirs(work)} SELECT {work.g(source)}, {source}, a.{past.address} {rows} "
            "WHERE 1 ON CONFLICT DO NOTHING"
        )
        return
    same = compared(work, past, source)
    birth = work.birth
    born = "NULL"
    if birth is not None and past.column(work, source, birth) is not None:
        ours, theirs = work.own(source, birth), f"a.{past.column(work, source, birth)}"
        born = f"CASE WHEN {ours} IS NULL OR {theirs} IS NULL THEN NULL ELSE {ours} = {theirs} END"
    await database.execute(
        f"CREATE TEMP TABLE descent AS SELECT {work.g(source)} AS g, a.{past.address} AS a, "
        f"s.{work.address(source)} AS id, ({combined('AND', same, '1')}) AS equal, "
        f"({combined('+', same, '1')}) * 2 >= {max(1, len(same))} AS alike, {born} AS born {rows}"
    )
    mark = await database.value("SELECT max(id) FROM temp.descent WHERE equal OR born")
    # Without AUTOINCREMENT the highest id may be given again, a lower one never.
    old = "1" if past.table.autoincrement else f"id < {mark}" if mark is not None else "0"
    await database.execute(
        f"INSERT INTO {heirs(work)} SELECT g, {source}, a FROM temp.descent "
        f"WHERE equal OR born OR (born IS NULL AND (alike OR {old})) ON CONFLICT DO NOTHING"
    )
    await database.execute("DROP TABLE temp.descent")


async def match_heirs(database: Database, work: Work) -> None:
    """Put rows with one ancestor row into the (still empty) map as one entity each."""
    lead = "first_value(g) OVER (PARTITION BY a ORDER BY src)"
    await database.execute(
        f"INSERT INTO {work.map} SELECT g, lead, g = lead FROM (SELECT g, {lead} AS lead, "
        f"count(*) OVER (PARTITION BY a) AS n FROM {heirs(work)}) WHERE n > 1"
    )


async def join_heirs(database: Database, work: Work) -> None:
    """Join entities that a key kept apart though they come from one row of the ancestor.

    That is what a changed natural key looks like. An entity that would hold two rows of one file
    is left to the key.
    """
    if work.table.surrogate is None:
        return
    await database.execute(
        "CREATE TEMP TABLE part AS SELECT DISTINCT h.a AS a, coalesce(m.canon, h.g) AS class "
        f"FROM {heirs(work)} h LEFT JOIN {work.map} m ON m.g = h.g"
    )
    await database.execute("CREATE INDEX temp.part_class ON part(class)")
    several = "SELECT class FROM temp.part GROUP BY class HAVING count(*) > 1"
    await database.execute(
        f"DELETE FROM temp.part WHERE a IN (SELECT a FROM temp.part WHERE class IN ({several})) "
        "OR a IN (SELECT a FROM temp.part GROUP BY a HAVING count(*) = 1)"
    )
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.part)"):
        await _unite(database, work)
    await database.execute("DROP TABLE temp.part")


async def _unite(database: Database, work: Work) -> None:
    source = work.source_of("g")
    await database.execute(
        f"CREATE TEMP TABLE united AS SELECT a, class, g, {source} AS src FROM ("
        f"SELECT p.a, p.class, m.g FROM temp.part p JOIN {work.map} m ON m.canon = p.class "
        "UNION SELECT a, class, class FROM temp.part)"
    )
    await database.execute(
        "DELETE FROM temp.united WHERE a IN (SELECT a FROM temp.united GROUP BY a "
        "HAVING count(*) > count(DISTINCT src))"
    )
    joined = await database.changes(
        f"INSERT INTO {work.map} SELECT g, lead, g = lead FROM (SELECT g, "
        "first_value(g) OVER (PARTITION BY a ORDER BY src) AS lead FROM temp.united) WHERE 1 "
        "ON CONFLICT(g) DO UPDATE SET canon = excluded.canon, keep = excluded.keep"
    )
    if joined:
        work.joined = True
        await database.execute(
            f"INSERT INTO pv.joined SELECT DISTINCT {work.table.number}, m.canon "
            f"FROM temp.united u JOIN {work.map} m ON m.g = u.g WHERE 1 ON CONFLICT DO NOTHING"
        )
    await database.execute("DROP TABLE temp.united")
