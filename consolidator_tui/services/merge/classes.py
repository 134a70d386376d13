"""Equivalence classes: the rows of all sources that have the same identity, by one GROUP BY.

`temp.cls` holds a row for each class; `store_classes` puts them into the table's map.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from consolidator_tui.domain.catalog import Affinity
from consolidator_tui.domain.merge import Link
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import combined, sql_value
from consolidator_tui.storage.sqlite import Database, quote

MOST_COLUMNS = 900
"""Columns of an identity that are compared one by one; SQLite gives 2,000 in one statement."""
PACKED = 20
"""Columns put together to one where there are more."""
MANY_LISTED = 10_000
"""Rows in classes of more than two up to which their lists are taken apart again."""
_LIST = "CASE WHEN count(*) > 2 THEN group_concat(g) END"
_SHARED = "count(*) > 1 AND min(src) < max(src)"


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


ITSELF = "x'00697473656c66'"
"""Stands in an identity for a row's reference to itself; no number is equal to it."""


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
    short: Collection[str] = (),
) -> str:
    """One source's rows for grouping: key columns, their types, address, source.

    `restrict` names a temporary table of the addresses to take, `extra` are more columns, `more`
    is a condition; of the columns `short` only a probe is taken.
    """
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
        if column in short:
            expression = probe_of(expression)
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
    value = translator.value(work, source, column)
    if any(link.root == work.key and not link.reference.where for link in links):
        # A root that refers to itself is like one in another file, whatever their numbers.
        value = f"CASE WHEN {own} = s.{work.address(source)} THEN {ITSELF} ELSE {value} END"
    return value, "", _shared(translator, work, source, links, own)


def _has_none(translator: Translator, root: Work, source: int, own: str) -> str:
    """The value has no parent in its file, and can be said in the target as it is said there."""
    parent = translator.has_parent(root, source, own)
    return f"(NOT {parent} AND {translator.dangling(root, source, own)} IS NOT NULL)"


def _shared(translator: Translator, work: Work, source: int, links: list[Link], own: str) -> str:
    """Every parent that the row follows is an entity of several sources."""
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
            for name, value in link.reference.terms(source).items()
        ]
        conditions.append("(" + " OR ".join([f"{own} IS NULL", *guard, found]) + ")")
    return " AND ".join(conditions)


def probe_of(expression: str) -> str:
    """Some bytes of a long value: equal values have equal probes.

    Of the bytes, since taking characters from a text counts those before them.
    """
    bytes_ = f"CAST({expression} AS BLOB)"
    return f"substr({bytes_}, -16) || substr({bytes_}, length({bytes_}) / 2, 16)"


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


async def group(
    database: Database,
    work: Work,
    key: Key,
    arms: Sequence[str],
    *,
    all_members: bool = False,
    many: bool = False,
) -> None:
    """Make temp.cls: a row for each identity that several sources have.

    Columns: g<k> the first row of each source, c the number of rows; gs lists all rows, where a
    source has several (twins) and wherever else g<k> does not say all. `many` says that rows of
    more than two sources are expected to be one.
    """
    rows = _grouped(work, key, arms)
    if all_members:
        await _group_wide(database, work, rows, "group_concat(g)")
        return
    if not work.table.dense and not many:
        await _group_narrow(database, work, rows, _LIST)
        if len(work.members) == 2 or await _in_large_classes(database) <= most_listed(work):
            return
    await _group_wide(database, work, rows, "NULL")
    await _list_twins(database, work, rows)


async def group_by_less(database: Database, work: Work, key: Key, arms: Sequence[str]) -> bool:
    """The same for a key that does not tell everything apart.

    False when too many rows share their key with several others; none of them is listed then,
    since a list of them may be of any length.
    """
    rows = _grouped(work, key, arms)
    if work.table.dense:
        await _group_wide(database, work, rows, "NULL")
    else:
        await _group_narrow(database, work, rows, "NULL")
    large = await _in_large_classes(database)
    if large > most_listed(work):
        await database.execute("DROP TABLE temp.cls")
        return False
    if work.table.dense:
        await _list_twins(database, work, rows)
    elif large:
        await _group_narrow(database, work, rows, _LIST, more_than=2)
    return True


def most_listed(work: Work) -> int:
    """Rows in classes of more than two up to which these are listed, to be taken apart again."""
    return max(MANY_LISTED, work.total // 20)


def _grouped(work: Work, key: Key, arms: Sequence[str]) -> str:
    return f"FROM ({' UNION ALL '.join(arms)}) GROUP BY {', '.join(key_terms(work, key))}"


async def _in_large_classes(database: Database) -> float:
    """How many rows are in classes of more than two."""
    return float(await database.value("SELECT total(c) FROM temp.cls WHERE c > 2"))


async def _group_narrow(
    database: Database, work: Work, rows: str, listed: str, *, more_than: int = 1
) -> None:
    """Group by the first and the last row alone, which costs much less for each row.

    The sources' addresses lie one behind the other, so a pair is known by its ends; `listed` is
    the SQL for gs. With `more_than`, only larger classes are made anew and the others kept.
    """
    firsts = ", ".join(
        f"CASE WHEN {work.within(k, 'min(g)')} THEN min(g) "
        f"WHEN {work.within(k, 'max(g)')} THEN max(g) END AS g{k}"
        for k in work.members
    )
    classes = (
        f"SELECT {firsts}, count(*) AS c, {listed} AS gs {rows} HAVING count(*) > {more_than} "
        f"AND {work.source_of('min(g)')} <> {work.source_of('max(g)')}"
    )
    if more_than == 1:
        first, make = "DROP TABLE IF EXISTS temp.cls", f"CREATE TEMP TABLE cls AS {classes}"
    else:
        first = f"DELETE FROM temp.cls WHERE c > {more_than}"
        make = f"INSERT INTO temp.cls {classes}"
    await database.script([first, make])


async def _group_wide(database: Database, work: Work, rows: str, listed: str) -> None:
    """Group by the first row of each source; `listed` is the SQL for gs."""
    firsts = ", ".join(f"min(g) FILTER (WHERE src = {k}) AS g{k}" for k in work.members)
    await database.script(
        [
            "DROP TABLE IF EXISTS temp.cls",
            f"CREATE TEMP TABLE cls AS SELECT {firsts}, count(*) AS c, {listed} AS gs {rows} "
            f"HAVING {_SHARED}",
        ]
    )


async def _list_twins(database: Database, work: Work, rows: str) -> None:
    """List the rows of the classes in which a source has several; a second sort, if there are."""
    present = " + ".join(f"(g{k} IS NOT NULL)" for k in work.members)
    if not await database.value(f"SELECT EXISTS (SELECT 1 FROM temp.cls WHERE c > {present})"):
        return
    firsts = ", ".join(f"min(g) FILTER (WHERE src = {k})" for k in work.members)
    several = " + ".join(f"max(src = {k})" for k in work.members)
    await database.script(
        [
            f"DELETE FROM temp.cls WHERE c > {present}",
            f"INSERT INTO temp.cls SELECT {firsts}, count(*), group_concat(g) {rows} "
            f"HAVING {_SHARED} AND count(*) > {several}",
        ]
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
    stored = [
        f"INSERT INTO {work.map} SELECT g{k}, {lead}, g{k} = {lead} FROM temp.cls "
        f"WHERE g{k} IS NOT NULL AND gs IS NULL ORDER BY g{k}"
        for k in work.members
    ]
    twins = "SELECT EXISTS (SELECT 1 FROM temp.cls WHERE gs IS NOT NULL)"
    if (await database.values([*stored, twins]))[-1]:
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
