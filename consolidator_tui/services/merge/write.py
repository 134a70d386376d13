"""Writes the rows of all sources into the staged copy of the base, table by table, by sets."""

from __future__ import annotations

import sqlite3

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Note, Question
from consolidator_tui.services.inspect.ddl import column_texts, constraint_word, table_constraints
from consolidator_tui.services.merge.aliases import follow_in_base
from consolidator_tui.services.merge.classify import fixed_key
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.services.planning.objects import plain_sql
from consolidator_tui.storage.sqlite import Database, quote

_OLDEST = -(1 << 62)


class CannotWrite(Exception):
    """A constraint of the target refuses rows of a source; carries the question to ask."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


async def write_table(database: Database, translator: Translator, work: Work) -> list[Note]:
    """Write all new rows and all winners of one table; returns notes.

    Raises CannotWrite when the target's constraints refuse rows.
    """
    notes: list[Note] = []
    if 0 in work.members:
        await _follow_in_base(database, translator, work)
        await follow_in_base(database, work)
        await _override_base(database, work)
        await _remove_replaced(database, work)
    for source in work.members:
        if source == 0 and not work.mapped:
            continue
        sql = _insert(translator, work, source)
        try:
            await database.execute(sql)
        except sqlite3.IntegrityError as error:
            if not _violates_already(work, source, error):
                raise CannotWrite(_question(work, source, error)) from error
            path = work.plan.sources[source].path
            notes.append(
                Note(
                    f"{work.table.name}: rows of {path} break a CHECK there already "
                    f"({_place(error)}) and are kept as they are",
                    table=work.table.name,
                    column=_place(error),
                    file=path,
                )
            )
            await database.execute("PRAGMA ignore_check_constraints = ON")
            try:
                await database.execute(sql)
            except sqlite3.IntegrityError as second:
                raise CannotWrite(_question(work, source, second)) from second
            finally:
                await database.execute("PRAGMA ignore_check_constraints = OFF")
    if work.mapped:
        await _fill_missing(database, translator, work)
    if work.overridden:
        await _take_fields(database, translator, work)
    return notes


def written_columns(work: Work, source: int) -> list[str]:
    """The columns that rows of a source bring along; the others get the table's default."""
    address = _address_column(work)
    return [
        column.name
        for column in work.table.columns
        if column.name != address
        and (column.sources[source] is not None or column.default is not None)
    ]


def _address_column(work: Work) -> str | None:
    """The declared column that holds the row's address in the target, if there is one."""
    return work.table.surrogate or fixed_key(work)


def _insert(translator: Translator, work: Work, source: int) -> str:
    names = written_columns(work, source)
    values = [_value(translator, work, source, name) for name in names]
    targets = [quote(name) for name in names]
    g = work.g(source)
    placed = work.placed(source, f"s.{work.address(source)}")
    place = f"coalesce(m.canon, {placed})" if work.mapped else placed
    column = _address_column(work)
    rowid = work.rowid_name()
    if column is not None:
        targets.insert(0, quote(column))
        values.insert(0, place)
    elif rowid is not None:
        targets.insert(0, rowid)
        values.insert(0, place)
    if not targets:
        return f"SELECT 1 FROM {work.read(source)} WHERE 0"
    join = f" LEFT JOIN {work.map} m ON m.g = {g}" if work.mapped else ""
    conditions = ["m.keep IS NOT 0"] if work.mapped else []
    if source == 0:
        conditions += ["m.keep = 1", "m.canon <> m.g"]
        if work.table.table.without_rowid and work.table.surrogate is None:
            conditions[-1] = "0"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"INSERT INTO main.{quote(work.table.name)}({', '.join(targets)}) "
        f"SELECT {', '.join(values)} FROM {work.read(source)}{join}{where}"
    )


def _value(translator: Translator, work: Work, source: int, name: str) -> str:
    value = translator.value(work, source, name)
    if not work.overridden:
        return value
    place = next(i for i, c in enumerate(work.table.columns) if c.name == name)
    placed = work.placed(source, f"s.{work.address(source)}")
    entity = f"coalesce(m.canon, {placed})" if work.mapped else placed
    condition = (
        f"o.number = {work.table.number} AND o.g = {entity} AND o.place = {place} "
        "AND o.from_g IS NULL"
    )
    return (
        f"CASE WHEN EXISTS (SELECT 1 FROM pv.override o WHERE {condition}) "
        f"THEN (SELECT o.value FROM pv.override o WHERE {condition}) ELSE {value} END"
    )


def target_address(work: Work, alias: str) -> str:
    """The column of the target's table that holds the address of a row."""
    column = _address_column(work)
    name = quote(column) if column is not None else work.rowid_name()
    assert name is not None
    return f"{alias}.{name}"


def has_address(work: Work) -> bool:
    """Whether rows of the target are addressed by an integer (else by their key)."""
    return _address_column(work) is not None or work.rowid_name() is not None


def key_columns(work: Work) -> list[str]:
    """The primary key of a target table without rowid."""
    return [
        column.name
        for name in work.table.table.primary_key
        for column in work.table.columns
        if fold(column.name) == fold(name) or (column.sources[work.members[0]] or "") == name
    ]


async def _follow_in_base(database: Database, translator: Translator, work: Work) -> None:
    """References of base rows whose parents were merged into others follow too."""
    for link in work.table.links:
        root = translator.works[link.root]
        if not root.base_mapped or work.own(0, link.column) is None:
            continue
        column = quote(link.column)
        await database.execute(
            f"UPDATE main.{quote(work.table.name)} SET {column} = "
            f"(SELECT m.canon FROM {root.map} m WHERE m.g = {column}) WHERE {column} IN "
            f"(SELECT m.g FROM {root.map} m WHERE {root.within(0, 'm.g')} AND m.canon <> m.g)"
        )


async def _override_base(database: Database, work: Work) -> None:
    if not work.overridden or not has_address(work):
        return
    table = quote(work.table.name)
    for place, column in enumerate(work.table.columns):
        condition = f"o.number = {work.table.number} AND o.place = {place} AND o.from_g IS NULL"
        await database.execute(
            f"UPDATE main.{table} SET {quote(column.name)} = o.value FROM pv.override o "
            f"WHERE {condition} AND {target_address(work, table)} = o.g"
        )


async def _remove_replaced(database: Database, work: Work) -> None:
    """Base rows that lost, or that moved, make room for the winners."""
    if not work.mapped:
        return
    table = quote(work.table.name)
    gone = f"{work.within(0, 'm.g')} AND (m.keep = 0 OR m.canon <> m.g)"
    if has_address(work):
        await database.execute(
            f"DELETE FROM main.{table} WHERE {target_address(work, table)} IN "
            f"(SELECT m.g FROM {work.map} m WHERE {gone})"
        )
        return
    keys = key_columns(work)
    listed = ", ".join(quote(name) for name in keys)
    theirs = ", ".join(str(work.own(0, name)) for name in keys)
    await database.execute(
        f"DELETE FROM main.{table} WHERE ({listed}) IN (SELECT {theirs} FROM {work.map} m "
        f"CROSS JOIN {work.seek(0)} ON s.{work.address(0)} = {work.raw(0, 'm.g')} WHERE {gone})"
    )


def _violates_already(work: Work, source: int, error: sqlite3.IntegrityError) -> bool:
    """A CHECK that the source's own table has too: its rows broke it before."""
    if not str(error).startswith("CHECK constraint failed"):
        return False
    own = work.plan.sources[source].schema.tables[fold(str(work.table.sources[source]))]
    return _checks(work.table.table.sql) <= _checks(own.sql)


def _checks(sql: str) -> set[str]:
    texts = [c for column in column_texts(sql) for c in column.constraints]
    texts += table_constraints(sql)
    return {plain_sql(text) for text in texts if constraint_word(text) == "CHECK"}


def _place(error: sqlite3.IntegrityError) -> str:
    """The columns or the CHECK that the message of SQLite names."""
    return str(error).partition(": ")[2]


def _question(work: Work, source: int, error: sqlite3.IntegrityError) -> Question:
    """What the refused constraint asks of the plan."""
    path = work.plan.sources[source].path
    message = str(error)
    _, _, place = message.partition(": ")
    columns = [part.rpartition(".")[2] for part in place.split(", ")] if "." in place else []
    table = toml_key(work.table.name)
    if message.startswith("NOT NULL") and columns:
        fix = f'[tables.{table}.defaults]\n{toml_key(columns[0])} = "..."'
    elif message.startswith("UNIQUE"):
        fix = f"[tables.{table}]\nidentity = [" + ", ".join(map(toml_text, columns)) + "]"
    else:
        fix = (
            f"[mapping.{toml_key(path)}.tables]\n{toml_key(str(work.table.sources[source]))} = "
            f"{toml_text(work.table.name + '_2')}"
        )
    return Question(
        f"Rows of {work.table.name} in {path} break a rule of the target: {message}.",
        table=work.table.name,
        column=", ".join(columns) or place,
        file=path,
        fix=fix,
    )


async def _fill_missing(database: Database, translator: Translator, work: Work) -> None:
    """Columns that the surviving row's file lacks come from the next version that has them."""
    if not has_address(work):
        return
    for column in work.table.columns:
        if column.name == _address_column(work):
            continue
        having = [k for k in work.members if column.sources[k] is not None]
        lacking = [k for k in work.members if column.sources[k] is None]
        if not having or not (lacking or work.table.fill_nulls):
            continue
        await _fill_column(database, translator, work, column.name, having, lacking)


async def _fill_column(
    database: Database,
    translator: Translator,
    work: Work,
    name: str,
    having: list[int],
    lacking: list[int],
) -> None:
    number = work.table.number
    table = quote(work.table.name)
    stamp = (
        f"coalesce((SELECT v.stamp FROM pv.version v WHERE v.number = {number} "
        f"AND v.canon = m.canon AND v.kind = 'values' AND v.g = m.g), {_OLDEST})"
    )
    arms = [
        f"SELECT m.canon AS canon, {translator.value(work, k, name)} AS v, {stamp} AS stamp, "
        f"{k} AS src, m.g AS g FROM {work.map} m CROSS JOIN {work.seek(k)} "
        f"ON s.{work.address(k)} = {work.raw(k, 'm.g')} "
        f"WHERE {work.within(k, 'm.g')} AND m.keep = 0 AND {work.own(k, name)} IS NOT NULL"
        for k in having
    ]
    if work.table.fill_nulls:
        needs = f"{table}.{quote(name)} IS NULL"
    else:
        from_lacking = " OR ".join(work.within(k, "h.g") for k in lacking)
        needs = (
            f"f.canon IN (SELECT h.canon FROM {work.map} h WHERE h.keep = 1 AND ({from_lacking}))"
        )
    await database.execute(
        f"UPDATE main.{table} SET {quote(name)} = f.v FROM (SELECT canon, v, row_number() OVER "
        "(PARTITION BY canon ORDER BY stamp DESC, src, g) AS n "
        f"FROM ({' UNION ALL '.join(arms)})) f "
        f"WHERE f.n = 1 AND {target_address(work, table)} = f.canon AND {needs}"
    )


async def _take_fields(database: Database, translator: Translator, work: Work) -> None:
    """Single fields that a person took from another version."""
    if not has_address(work):
        return
    number = work.table.number
    table = quote(work.table.name)
    taken = await database.rows(
        f"SELECT DISTINCT place FROM pv.override WHERE number = {number} AND from_g IS NOT NULL"
    )
    for (place,) in taken:
        name = work.table.columns[place].name
        for k in work.members:
            if work.own(k, name) is None:
                continue
            await database.execute(
                f"UPDATE main.{table} SET {quote(name)} = f.v FROM (SELECT o.g AS g, "
                f"{translator.value(work, k, name)} AS v FROM pv.override o "
                f"CROSS JOIN {work.seek(k)} ON s.{work.address(k)} = {work.raw(k, 'o.from_g')} "
                f"WHERE o.number = {number} AND o.place = {place} "
                f"AND {work.within(k, 'o.from_g')}) f "
                f"WHERE {target_address(work, table)} = f.g"
            )
