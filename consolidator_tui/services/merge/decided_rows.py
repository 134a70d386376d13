"""Which rows decisions speak of: keys of entities, as JSON, matched with rows of all files."""

from __future__ import annotations

import json
from collections.abc import Sequence

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.decided import SAME, unspell
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import IdentityKind
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

_NUL = "'\\u0000'"
"""How JSON spells the character at which SQLite's own JSON functions end a text."""


def rows_of(work: Work) -> str:
    """The temporary table with the rows that a table's decisions speak of."""
    return f"temp.decided_{work.table.number}"


def bindable(text: str) -> str | bytes:
    """A text as a parameter; one with bytes that are not UTF-8 goes as bytes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


async def read_keys(database: Database) -> None:
    """Register the SQL functions that read values of decisions."""
    await database.function("unspelled", 1, lambda plain: unspell(json.loads(plain)))
    await database.function("text_member", 2, _text_member)
    await database.function("text_given", 2, _text_given)


def _text_member(entity: bytes, place: int) -> bytes:
    """SQL function: a text in the array `entity`, as bytes."""
    return _encoded(json.loads(_decoded(entity))[place])


def _text_given(body: bytes, name: bytes) -> bytes:
    """SQL function: a text among the values that the decision `body` sets, as bytes."""
    return _encoded(json.loads(_decoded(body))["values"][_decoded(name)])


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def given_value(body: str, item: str) -> str:
    """SQL for a value that a decision sets: `item` is a row of `json_each(body, '$.values')`."""
    exact = f"text_given(CAST({body} AS BLOB), CAST({item}.key AS BLOB))"
    return (
        f"CASE {item}.type WHEN 'object' THEN unspelled({item}.value) "
        "WHEN 'true' THEN 1 WHEN 'false' THEN 0 "
        f"WHEN 'text' THEN CASE WHEN instr({body}, {_NUL}) THEN CAST({exact} AS TEXT) "
        f"ELSE {item}.value END ELSE {item}.value END"
    )


async def find_decided_rows(database: Database, translator: Translator, work: Work) -> None:
    """Make temp.decided_<table>(n, g, src): the rows that each decision speaks of."""
    await database.execute(f"DROP TABLE IF EXISTS {rows_of(work)}")
    await database.execute(
        f"CREATE TABLE {rows_of(work)}(n INTEGER, g INTEGER, src INTEGER, PRIMARY KEY(n, g)) "
        "WITHOUT ROWID"
    )
    named = (
        "SELECT n, columns, entity FROM pv.decision WHERE place = :place UNION ALL "
        "SELECT a.n, a.columns, a.entity FROM pv.also a JOIN pv.decision d ON d.n = a.n "
        "WHERE d.place = :place"
    )
    for (columns,) in await database.rows(
        f"SELECT DISTINCT columns FROM ({named})", {"place": work.key}
    ):
        names = json.loads(columns)
        wanted = ", ".join(f"{_member(place)} AS w{place}" for place in range(len(names)))
        await database.execute(
            f"CREATE TEMP TABLE wanted AS SELECT n, {wanted} FROM ({named}) "
            "WHERE columns = :columns",
            {"place": work.key, "columns": columns},
        )
        if _ids_name_rows(work) and [fold(name) for name in names] == [fold(_surrogate(work))]:
            await _find_by_id(database, translator, work, names)
        else:
            await find_rows(database, translator, work, names, rows_of(work))
        await database.execute("DROP TABLE temp.wanted")


async def _find_by_id(
    database: Database, translator: Translator, work: Work, names: Sequence[str]
) -> None:
    """Rows under one id may be several entities: rows of strangers, or appended after the split.

    A decision speaks of the one that has a row of the file that it keeps; else of the one that
    was put together from several rows; else of the first. Who says `same` speaks of all rows of
    one family of copies. Raises PlanError where `also` does not tell them apart.
    """
    await database.execute(
        "CREATE TEMP TABLE by_id(n INTEGER, g INTEGER, src INTEGER, PRIMARY KEY(n, g)) "
        "WITHOUT ROWID"
    )
    await find_rows(database, translator, work, names, "temp.by_id")
    own = " ".join(f"WHEN {k} THEN {work.raw(k, 'b.g')}" for k in work.members)
    family = " ".join(f"WHEN {k} THEN {f[0]}" for f in work.table.families for k in f)
    family = f"CASE b.src {family} ELSE -1 END" if family else "-1"
    more = "EXISTS (SELECT 1 FROM pv.also a WHERE a.n = b.n)"
    await database.execute(
        f"CREATE TEMP TABLE by_class AS SELECT b.n AS n, CASE b.src {own} END AS id, b.g AS g, "
        f"b.src AS src, CASE WHEN x.keep = '{SAME}' AND NOT {more} THEN {family} "
        f"ELSE coalesce(m.canon, b.g) END AS class, b.src IS x.src AS keeps, {more} AS more "
        f"FROM temp.by_id b JOIN pv.decision x ON x.n = b.n LEFT JOIN {work.map} m ON m.g = b.g"
    )
    unclear = await database.value(
        "SELECT id FROM temp.by_class WHERE more GROUP BY n, id HAVING count(DISTINCT class) > 1"
    )
    if unclear is not None:
        raise PlanError(
            f"A decision about {work.table.name} names {names[0]} {unclear}, which is another row "
            "in another file.",
            todo="Name further columns of the row.",
        )
    await database.execute(
        f"INSERT INTO {rows_of(work)} SELECT n, g, src FROM (SELECT n, g, src, class, "
        "first_value(class) OVER (PARTITION BY n, id ORDER BY keeps DESC, size > 1 DESC, src) "
        "AS chosen FROM (SELECT n, id, g, src, class, "
        "max(keeps) OVER (PARTITION BY n, id, class) AS keeps, "
        "count(*) OVER (PARTITION BY n, id, class) AS size FROM temp.by_class)) "
        "WHERE class = chosen ON CONFLICT DO NOTHING"
    )
    await database.script(["DROP TABLE temp.by_id", "DROP TABLE temp.by_class"])


def _surrogate(work: Work) -> str:
    return work.table.surrogate or ""


def _member(place: int) -> str:
    """The value at a place of the JSON array `entity`."""
    path = f"'$[{place}]'"
    plain = f"json_extract(entity, {path})"
    exact = f"CAST(text_member(CAST(entity AS BLOB), {place}) AS TEXT)"
    return (
        f"CASE json_type(entity, {path}) WHEN 'object' THEN unspelled({plain}) "
        f"WHEN 'text' THEN CASE WHEN instr(entity, {_NUL}) THEN {exact} ELSE {plain} END "
        f"ELSE {plain} END"
    )


async def find_rows(
    database: Database, translator: Translator, work: Work, names: Sequence[str], into: str
) -> None:
    """Add to `into` the rows (n, g, src) with the values w0, w1, … of temp.wanted."""
    columns = [next(c.name for c in work.table.columns if fold(c.name) == fold(n)) for n in names]
    for source in work.members:
        terms = []
        for place, column in enumerate(columns):
            own = work.own(source, column)
            # Numbers of other rows mean what they mean in the target: ids differ by file.
            value = translator.value(work, source, column) if own else "NULL"
            if column == work.table.surrogate and not _ids_name_rows(work):
                # One number is other people in other files: it means the target's.
                own = work.placed(source, f"s.{work.address(source)}")
                known = f"SELECT e.canon FROM {work.map} e WHERE e.g = {work.g(source)}"
                value = f"coalesce(({known}), {own})"
            terms.append(f"{value} IS w.w{place}")
        await database.execute(
            f"INSERT INTO {into} SELECT w.n, {work.g(source)}, {source} "
            f"FROM temp.wanted w CROSS JOIN {work.seek(source)} "
            f"ON {' AND '.join(terms) or '0'} WHERE 1 "
            "ON CONFLICT DO NOTHING"
        )


def _ids_name_rows(work: Work) -> bool:
    """Whether one surrogate id is one row in all files, so that decisions name rows by it."""
    return work.table.identity.kind is IdentityKind.LINEAGE
