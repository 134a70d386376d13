"""Finds which rows of different sources are the same entity, one sort per table.

Rows are grouped over all sources by their identity, references replaced by the parents' entities.
In a group the k-th row of one source is the k-th row of another; rows of one source are never
merged with each other. Only rows whose parents are shared can be duplicates: the rest is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consolidator_tui.domain.catalog import Affinity
from consolidator_tui.domain.merge import IdentityKind, Link
from consolidator_tui.services.merge.heirs import find_heirs, join_heirs
from consolidator_tui.services.merge.lineage import match_by_lineage
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database, quote

WIDE = 400
"""Bytes of identity from which on rows are first grouped by a short probe of it."""
MOST_COLUMNS = 900
"""Columns of an identity that are compared one by one; SQLite gives 2,000 in one statement."""
PACKED = 20
"""Columns put together to one where there are more."""


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are grouped by."""

    columns: tuple[str, ...]
    collations: tuple[str, ...]
    complete: bool
    """Rows with a NULL in the key are left out (a UNIQUE key says nothing of them)."""
    only_incomplete: tuple[str, ...] = ()
    """Only rows with a NULL in one of these."""

    @property
    def is_packed(self) -> bool:
        """Whether there are too many columns for one each in a statement."""
        return not self.complete and len(self.columns) > MOST_COLUMNS


async def create_maps(database: Database, works: Sequence[Work]) -> None:
    """Make the empty maps of all tables.

    At once: every later change of the ledger's schema makes the writer read all of it again.
    """
    await database.execute("BEGIN")
    await database.script(
        [
            f"CREATE TABLE {work.map}(g INTEGER PRIMARY KEY, canon INTEGER NOT NULL, "
            "keep INTEGER NOT NULL)"
            for work in works
        ]
    )
    await database.execute("COMMIT")


async def classify(database: Database, translator: Translator, work: Work) -> None:
    """Fill the map of a table with the rows that are the same entity in several sources."""
    if work.mapped:
        await database.execute(f"DELETE FROM {work.map}")
        work.mapped = False
    work.deltas, work.final = {}, {}
    identity = work.table.identity
    past = await find_heirs(database, work)
    if len(work.members) > 1 and identity.kind is not IdentityKind.NONE:
        if identity.kind is IdentityKind.LINEAGE:
            await match_by_lineage(database, translator, work, past)
        elif identity.kind is IdentityKind.COLUMNS:
            await _match(
                database, translator, work, Key(identity.columns, identity.collations, True)
            )
            nullable = await _nullable(database, work, identity.columns)
            if nullable:
                await _match(database, translator, work, _content(work, nullable))
            if past is not None:
                await join_heirs(database, work)
        else:
            await _match(database, translator, work, _content(work, ()))
    if fixed_key(work) is not None:
        await _move_to_parents(database, translator, work)
    await note_mapped(database, work)


async def note_mapped(database: Database, work: Work) -> None:
    """Set the flags that say what the map does."""
    work.mapped = bool(await database.value(f"SELECT EXISTS (SELECT 1 FROM {work.map})"))
    work.base_mapped = work.mapped and bool(
        await database.value(
            f"SELECT EXISTS (SELECT 1 FROM {work.map} WHERE {work.within(0, 'g')} AND canon <> g)"
        )
    )


def fixed_key(work: Work) -> str | None:
    """The rowid column whose value is not free: the key of a parent, or the identity itself."""
    alias = work.table.table.rowid_alias
    if alias is None:
        return None
    column = next((c.name for c in work.table.columns if c.name == alias), None)
    if column is None:
        return None
    if work.table.surrogate is None:
        return column
    return column if work.table.identity.columns == (column,) else None


def _content(work: Work, only_incomplete: tuple[str, ...]) -> Key:
    columns = tuple(c.name for c in work.table.columns if c.name != work.table.surrogate)
    return Key(columns, tuple("BINARY" for _ in columns), False, only_incomplete)


async def _nullable(database: Database, work: Work, columns: Sequence[str]) -> tuple[str, ...]:
    """The key columns that are NULL in some row."""
    found = []
    for name in columns:
        for source in work.members:
            own = work.own(source, name)
            if own is not None and await database.value(
                f"SELECT EXISTS (SELECT 1 FROM {work.read(source)} WHERE {own} IS NULL)"
            ):
                found.append(name)
                break
    return tuple(found)


async def _match(database: Database, translator: Translator, work: Work, key: Key) -> None:
    if not key.columns:
        return
    self_links = [link for link in _links(work, key) if link.root == work.key]
    if self_links:
        from consolidator_tui.services.merge.levels import match_by_levels

        await match_by_levels(database, translator, work, key, self_links)
        return
    restrict = ""
    if await _is_wide(database, work, key):
        await _probe(database, translator, work, key)
        restrict = "candidate"
    arms = [arm(translator, work, key, source, restrict=restrict) for source in work.members]
    await group(database, work, key, arms)
    await store_classes(database, work)
    if restrict:
        await database.execute("DROP TABLE temp.candidate")


def _links(work: Work, key: Key) -> list[Link]:
    return [
        link
        for link in work.table.links
        if link.column in key.columns and link.column not in work.cut
    ]


def _packed(expressions: list[str]) -> list[str]:
    """Several values as one: type and bytes of each, so that no two lists give the same text."""
    packed = []
    for start in range(0, len(expressions), PACKED):
        parts = [
            f"typeof({e}) || CASE typeof({e}) WHEN 'real' THEN quote({e}) ELSE "
            f"coalesce(hex({e}), '') END"
            for e in expressions[start : start + PACKED]
        ]
        packed.append(" || ',' || ".join(parts))
    return packed


def key_terms(work: Work, key: Key) -> list[str]:
    """The GROUP BY terms over the arms' columns k0, k1, ... and the types in t."""
    if key.is_packed:
        return [f"k{place}" for place in range(-(-len(key.columns) // PACKED))]
    # Numbers first: most rows are told apart by them, which costs less than comparing texts.
    order = sorted(range(len(key.columns)), key=lambda place: _is_text(work, key.columns[place]))
    terms = [f"k{place} COLLATE {quote(key.collations[place])}" for place in order]
    if not key.complete and any(work.needs_type(column) for column in key.columns):
        terms.append("t")
    return terms


def _is_text(work: Work, column: str) -> bool:
    return work.table.column(column).affinity not in (
        Affinity.INTEGER,
        Affinity.REAL,
        Affinity.NUMERIC,
    )


def arm(
    translator: Translator,
    work: Work,
    key: Key,
    source: int,
    *,
    restrict: str = "",
    extra: str = "",
    more: str = "",
    probe: bool = False,
) -> str:
    """One source's rows for grouping: key columns, their types, address, source."""
    joins = ""
    conditions = [more] if more else []
    types = []
    chosen = []
    for place, column in enumerate(key.columns):
        expression, join, condition = _key_value(translator, work, source, column, place)
        joins += join
        if condition:
            conditions.append(condition)
        own = work.own(source, column)
        if probe:
            expression = _short(expression)
        chosen.append(expression)
        if not key.complete and work.needs_type(column):
            types.append(f"typeof({own or expression})")
        if key.complete:
            conditions.append(f"{own or expression} IS NOT NULL")
    if key.is_packed:
        chosen, types = _packed(chosen), []
    chosen = [f"{expression} AS k{place}" for place, expression in enumerate(chosen)]
    if types:
        chosen.append(f"{combined('||', types, '')} AS t")
    if key.only_incomplete:
        nulls = [work.own(source, name) or "NULL" for name in key.only_incomplete]
        conditions.append("(" + " OR ".join(f"{own} IS NULL" for own in nulls) + ")")
    if restrict:
        joins += f" JOIN temp.{restrict} c ON c.g = {work.g(source)}"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"SELECT {', '.join(chosen)}, {work.g(source)} AS g, {source} AS src{extra} "
        f"FROM {work.read(source)}{joins}{where}"
    )


def _key_value(
    translator: Translator, work: Work, source: int, column: str, place: int
) -> tuple[str, str, str]:
    """A key column's value, the join that it needs, and the condition that parents are shared."""
    own = work.own(source, column)
    links = [] if column in work.cut else work.links_of(column)
    if own is None or not links:
        if own is not None and column in work.cut:
            return "NULL", "", ""
        return translator.value(work, source, column), "", ""
    link = links[0]
    simple = len(links) == 1 and not link.reference.where and not link.as_text
    if simple and link.root != work.key:
        root = translator.works[link.root]
        if not root.mapped and source not in link.dangling:
            return own, "", f"{own} IS NULL"
        moved = root.moved(source, own)
        join = f" LEFT JOIN {root.map} p{place} ON p{place}.g = {moved}"
        value, alone = f"p{place}.canon", ""
        if source in link.dangling:
            # A number that nobody has here may be a row of another file once it is moved.
            join += f" AND {root.within(source, f'p{place}.g')}"
            alone = f" OR {_has_none(translator, root, source, own)}"
            value = f"coalesce({value}, {translator.dangling(root, source, own)})"
        return value, join, f"(p{place}.g IS NOT NULL OR {own} IS NULL{alone})"
    return translator.value(work, source, column), "", _shared(translator, work, source, links, own)


def _has_none(translator: Translator, root: Work, source: int, own: str) -> str:
    """The value has no parent in its file, and can be said in the target as it is said there."""
    parent = translator.has_parent(root, source, own)
    return f"(NOT {parent} AND {translator.dangling(root, source, own)} IS NOT NULL)"


def _shared(translator: Translator, work: Work, source: int, links: list[Link], own: str) -> str:
    """Every parent that the row follows is an entity of several sources."""
    from consolidator_tui.services.sqltext import sql_value

    conditions = []
    for link in links:
        root = translator.works[link.root]
        found = (
            f"EXISTS (SELECT 1 FROM {root.map} q WHERE q.g = {root.moved(source, own)} "
            f"AND {root.within(source, 'q.g')})"
        )
        if link.root == work.key:
            if source not in link.dangling:
                continue
            # Whether the parent is shared is what the levels find out.
            found = translator.has_parent(root, source, own)
        if source in link.dangling:
            found += f" OR {_has_none(translator, root, source, own)}"
        guard = [
            f"{work.own(source, name) or 'NULL'} IS NOT {sql_value(value)}"
            for name, value in link.reference.where.items()
        ]
        conditions.append("(" + " OR ".join([f"{own} IS NULL", *guard, found]) + ")")
    return " AND ".join(conditions)


def _short(expression: str) -> str:
    """A probe of a long value: equal values have equal probes."""
    return (
        f"CASE WHEN typeof({expression}) IN ('text', 'blob') AND length({expression}) > 96 "
        f"THEN length({expression}) || ':' || hex(substr({expression}, 1, 16)) || "
        f"hex(substr({expression}, length({expression}) / 2, 16)) || "
        f"hex(substr({expression}, -16)) ELSE {expression} END"
    )


async def _is_wide(database: Database, work: Work, key: Key) -> bool:
    """Whether the identity's values are long, judged by the first rows of each source."""
    means = []
    for source in work.members:
        owned = [own for c in key.columns if (own := work.own(source, c)) is not None]
        if owned:
            lengths = combined("+", [f"coalesce(length({own}), 0)" for own in owned], "0")
            means.append(
                f"SELECT avg(l) AS m FROM (SELECT {lengths} AS l FROM {work.read(source)} LIMIT 50)"
            )
    if not means:
        return False
    widest = await database.value(f"SELECT max(m) FROM ({' UNION ALL '.join(means)})")
    return widest is not None and bool(widest > WIDE)


async def _probe(database: Database, translator: Translator, work: Work, key: Key) -> None:
    """Keep the rows that some row of another source resembles."""
    arms = [arm(translator, work, key, source, probe=True) for source in work.members]
    await group(database, work, key, arms, all_members=True)
    await database.execute("CREATE TEMP TABLE candidate(g INTEGER PRIMARY KEY)")
    await database.execute(
        "INSERT INTO temp.candidate SELECT j.value FROM temp.cls, "
        "temp.json_each('[' || gs || ']') j ORDER BY 1"
    )


async def group(
    database: Database, work: Work, key: Key, arms: Sequence[str], *, all_members: bool = False
) -> None:
    """Make temp.cls: a row for each identity that several sources have.

    Columns: g<k> the first row of each source, c the number of rows; gs lists all rows where a
    source has several (twins), which costs a second sort and is made only if there are any.
    """
    await database.execute("DROP TABLE IF EXISTS temp.cls")
    firsts = ", ".join(f"min(g) FILTER (WHERE src = {k}) AS g{k}" for k in work.members)
    rows = f"FROM ({' UNION ALL '.join(arms)}) GROUP BY {', '.join(key_terms(work, key))}"
    shared = "count(*) > 1 AND min(src) < max(src)"
    if not all_members:
        await database.execute(
            f"CREATE TEMP TABLE cls AS SELECT {firsts}, count(*) AS c, NULL AS gs {rows} "
            f"HAVING {shared}"
        )
        present = " + ".join(f"(g{k} IS NOT NULL)" for k in work.members)
        twins = f"c > {present}"
        if not await database.value(f"SELECT EXISTS (SELECT 1 FROM temp.cls WHERE {twins})"):
            return
        await database.execute(f"DELETE FROM temp.cls WHERE {twins}")
        several = " + ".join(f"max(src = {k})" for k in work.members)
        await database.execute(
            f"INSERT INTO temp.cls SELECT {firsts}, count(*), group_concat(g) {rows} "
            f"HAVING {shared} AND count(*) > {several}"
        )
        return
    await database.execute(
        f"CREATE TEMP TABLE cls AS SELECT {firsts}, count(*) AS c, group_concat(g) AS gs {rows} "
        f"HAVING {shared}"
    )


def _first_of(expressions: list[str]) -> str:
    """coalesce() of any number of expressions; SQLite takes 100 arguments at once."""
    while len(expressions) > 1:
        expressions = [
            f"coalesce({', '.join(part)})" if len(part) > 1 else part[0]
            for part in (expressions[i : i + 100] for i in range(0, len(expressions), 100))
        ]
    return expressions[0]


async def store_classes(database: Database, work: Work) -> None:
    """Put the classes of temp.cls into the map."""
    lead = _first_of([f"g{k}" for k in work.members])
    for k in work.members:
        await database.execute(
            f"INSERT INTO {work.map} SELECT g{k}, {lead}, g{k} = {lead} FROM temp.cls "
            f"WHERE g{k} IS NOT NULL AND gs IS NULL ORDER BY g{k}"
        )
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.cls WHERE gs IS NOT NULL)"):
        await database.execute(
            f"INSERT INTO {work.map} SELECT g, lead, g = lead FROM ("
            "SELECT g, first_value(g) OVER (PARTITION BY c, n ORDER BY src) AS lead, "
            "count(*) OVER (PARTITION BY c, n) AS members FROM ("
            "SELECT c, g, src, row_number() OVER (PARTITION BY c, src ORDER BY g) AS n FROM ("
            f"SELECT cls.rowid AS c, j.value AS g, {work.source_of('j.value')} AS src "
            "FROM temp.cls, temp.json_each('[' || gs || ']') j WHERE gs IS NOT NULL))) "
            "WHERE members > 1"
        )
    await database.execute("DROP TABLE temp.cls")


async def _move_to_parents(database: Database, translator: Translator, work: Work) -> None:
    """Rows whose key is not free stand where the key says, alone or merged."""
    column = fixed_key(work)
    assert column is not None
    for link in work.links_of(column):
        work.deltas = dict(translator.works[link.root].deltas)
        work.final = dict(translator.works[link.root].final)
    for source in work.members:
        if work.table.surrogate is not None:
            place = f"s.{work.address(source)}"
        else:
            place = translator.value(work, source, column)
        await database.execute(
            f"INSERT INTO {work.map} SELECT g, place, 1 FROM "
            f"(SELECT {work.g(source)} AS g, {place} AS place FROM {work.read(source)} "
            f"WHERE {place} IS NOT {work.placed(source, 's.' + work.address(source))}) WHERE 1 "
            "ON CONFLICT(g) DO UPDATE SET canon = excluded.canon"
        )
        await database.execute(
            f"UPDATE {work.map} SET canon = (SELECT {place} FROM {work.seek(source)} "
            f"WHERE s.{work.address(source)} = {work.raw(source, 'g')}) "
            f"WHERE {work.within(source, 'g')}"
        )
