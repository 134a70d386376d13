"""Writes the rows of all sources into the staged copy of the base, table by table, by sets."""

from __future__ import annotations

import sqlite3

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Note, Question
from consolidator_tui.services.inspect.checks import check_expressions, check_texts
from consolidator_tui.services.merge.aliases import follow_in_base
from consolidator_tui.services.merge.fill import (
    ROW,
    address_column,
    at_place,
    fill_missing,
    has_address,
    key_columns,
    make_places,
    take_fields,
    target_address,
    unaddressed,
)
from consolidator_tui.services.merge.uniqueness import target_keys
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.planning.apart import apart
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.services.planning.objects import plain_sql
from consolidator_tui.storage.sqlite import Database, quote


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
        if work.overridden:
            await make_places(database, translator, work, written=False)
            await _override(database, work)
        await _remove_replaced(database, work)
    for source in work.members:
        if source == 0 and not await _moves_in_base(database, work):
            continue
        sql = _insert(translator, work, source)
        try:
            await database.execute(sql)
        except sqlite3.IntegrityError as error:
            if not await _violates_already(database, work, source, error):
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
    if work.overridden or (work.mapped and (has_address(work) or key_columns(work))):
        await make_places(database, translator, work, written=True)
        await fill_missing(database, translator, work)
        if work.overridden:
            await _override(database, work)
            await take_fields(database, translator, work)
    return notes


async def _moves_in_base(database: Database, work: Work) -> bool:
    """Whether a row of the base stands elsewhere: its table need not be read otherwise."""
    if not work.mapped:
        return False
    moved = f"SELECT 1 FROM {work.map} WHERE {work.within(0, 'g')} AND canon <> g"
    return bool(await database.value(f"SELECT EXISTS ({moved})"))


def written_columns(work: Work, source: int) -> list[str]:
    """The columns that rows of a source bring along; the others get the table's default."""
    address = address_column(work)
    return [
        column.name
        for column in work.table.columns
        if column.name != address
        and (column.sources[source] is not None or column.default is not None)
    ]


def _insert(translator: Translator, work: Work, source: int) -> str:
    names = written_columns(work, source)
    joins: list[str] = []
    values = [_value(translator, work, source, name, joins) for name in names]
    targets = [quote(name) for name in names]
    g = work.g(source)
    placed = work.placed(source, f"s.{work.address(source)}")
    place = f"coalesce(m.canon, {placed})" if work.mapped else placed
    column = address_column(work)
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
    join += "".join(joins)
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


def _value(translator: Translator, work: Work, source: int, name: str, joins: list[str]) -> str:
    value = translator.value(work, source, name, joins=joins)
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


async def _follow_in_base(database: Database, translator: Translator, work: Work) -> None:
    """References of base rows whose parents were merged into others follow too."""
    for link in work.table.links:
        root = translator.works[link.root]
        if not root.base_mapped or work.own(0, link.column) is None:
            continue
        column = quote(link.column)
        await database.execute(
            f"UPDATE main.{quote(work.table.name)} AS {ROW} SET {column} = (SELECT m.canon "
            f"FROM {root.map} m WHERE m.g = {ROW}.{column}) WHERE {ROW}.{column} IN "
            f"(SELECT m.g FROM {root.map} m WHERE {root.within(0, 'm.g')} AND m.canon <> m.g)"
        )


async def _override(database: Database, work: Work) -> None:
    """Set the values that a person gave, also in columns that the row's source lacks."""
    if not work.overridden:
        return
    table = quote(work.table.name)
    for place, column in enumerate(work.table.columns):
        rows = (
            "SELECT o.g AS canon, o.value AS v FROM pv.override o "
            f"WHERE o.number = {work.table.number} AND o.place = {place} AND o.from_g IS NULL"
        )
        source, on = at_place(work, rows)
        await database.execute(
            f"UPDATE main.{table} AS {ROW} SET {quote(column.name)} = f.v FROM {source} WHERE {on}"
        )


async def _remove_replaced(database: Database, work: Work) -> None:
    """Base rows that lost, or that moved, make room for the winners."""
    if not work.mapped:
        return
    table = quote(work.table.name)
    lost = f"{work.within(0, 'm.g')} AND m.keep = 0"
    if has_address(work):
        gone = f"{work.within(0, 'm.g')} AND (m.keep = 0 OR m.canon <> m.g)"
        await database.execute(
            f"DELETE FROM main.{table} WHERE {target_address(work, table)} IN "
            f"(SELECT m.g FROM {work.map} m WHERE {gone})"
        )
        return
    keys = key_columns(work)
    if not keys:
        if await database.value(f"SELECT EXISTS (SELECT 1 FROM {work.map} m WHERE {lost})"):
            raise unaddressed(work)
        return
    listed = ", ".join(quote(name) for name in keys)
    theirs = ", ".join(str(work.own(0, name)) for name in keys)
    await database.execute(
        f"DELETE FROM main.{table} WHERE ({listed}) IN (SELECT {theirs} FROM {work.map} m "
        f"CROSS JOIN {work.seek(0)} ON s.{work.address(0)} = {work.raw(0, 'm.g')} WHERE {lost})"
    )


async def _violates_already(
    database: Database, work: Work, source: int, error: sqlite3.IntegrityError
) -> bool:
    """A CHECK that the source's own table has too, and that its rows broke before."""
    if not str(error).startswith("CHECK constraint failed"):
        return False
    own = work.plan.sources[source].schema.tables[fold(str(work.table.sources[source]))]
    if not _checks(work.table.table.sql) <= _checks(own.sql):
        return False
    if work.rows(source).pooled:
        # Names and types are not those of the CHECK there.
        return True
    for expression in check_expressions(own.sql):
        try:
            broken = f"SELECT EXISTS (SELECT 1 FROM {work.read(source)} WHERE NOT {expression})"
            if await database.value(broken):
                return True
        except sqlite3.OperationalError:
            # It needs a function of the application: nobody can say.
            return True
    return False


def _checks(sql: str) -> set[str]:
    return {plain_sql(text) for text in check_texts(sql)}


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
    elif message.startswith("UNIQUE") and _is_key(work, columns):
        fix = f"[tables.{table}]\nidentity = [" + ", ".join(map(toml_text, columns)) + "]"
    else:
        own = work.plan.sources[source].schema.tables[fold(str(work.table.sources[source]))]
        names = [fold(other.name) for other in work.plan.tables]
        fix = apart(work.plan.document, work.plan.sources, source, own, names)
    return Question(
        f"Rows of {work.table.name} in {path} break a rule of the target: {message}.",
        table=work.table.name,
        column=", ".join(columns) or place,
        file=path,
        fix=fix,
    )


def _is_key(work: Work, columns: list[str]) -> bool:
    """Whether some file declares these columns UNIQUE for all rows."""
    wanted = sorted(map(fold, columns))
    return bool(wanted) and any(
        sorted(map(fold, key.columns)) == wanted for key in target_keys(work)
    )
