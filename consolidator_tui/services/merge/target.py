"""The schema of the target: tables and columns that the base lacks, before rows are written."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.domain.merge import MergePlan, Note
from consolidator_tui.services.inspect.ddl import (
    ColumnText,
    column_definition,
    column_texts,
    table_constraints,
    tokens,
)
from consolidator_tui.services.merge.virtual import create_sql_of
from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database, literal, quote


@dataclass(frozen=True, slots=True)
class Dropped:
    """A trigger that was taken away so that it does not fire while rows are written."""

    name: str
    table: str
    sql: str


async def drop_triggers(database: Database) -> list[Dropped]:
    """Take all triggers away; they are put back when the rows are there."""
    rows = await database.rows(
        "SELECT name, tbl_name, sql FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
    )
    for name, _, _ in rows:
        await database.execute(f"DROP TRIGGER main.{quote(name)}")
    return [Dropped(name, table, sql) for name, table, sql in rows]


async def restore_triggers(
    database: Database, dropped: list[Dropped], left_out: Collection[str]
) -> None:
    """Put the triggers back, word for word, but those that are left out or whose view is."""
    without = {fold(name) for name in left_out}
    for trigger in dropped:
        if not without & {fold(f"trigger {trigger.name}"), fold(f"view {trigger.table}")}:
            await database.execute(trigger.sql)


async def prepare_tables(database: Database, plan: MergePlan, works: list[Work]) -> None:
    """Create the tables and columns that the base lacks."""
    for work in sorted(works, key=lambda w: (w.members[0], w.table.number)):
        if 0 not in work.members:
            virtual = work.table.table.kind is TableKind.VIRTUAL
            await database.execute(create_sql_of(work) if virtual else create_table_sql(work))
        await _add_columns(database, plan, work)


def create_table_sql(work: Work) -> str:
    """The first member's CREATE TABLE under the target's names."""
    sql = work.table.table.sql
    return f"CREATE TABLE main.{quote(work.table.name)}{sql[_body_start(sql) :]}"


def _body_start(sql: str) -> int:
    for token in tokens(sql):
        if token.kind == "mark" and token.text == "(":
            return token.start
    raise ValueError("not the text of CREATE TABLE")


async def _add_columns(database: Database, plan: MergePlan, work: Work) -> None:
    added = [column for column in work.table.columns if column.added]
    if not added and not work.table.widened and not work.table.computed:
        return
    texts = {fold(column.name): _text(plan, work, column.name) for column in added}
    if not work.table.widened:
        try:
            add = f"ALTER TABLE main.{quote(work.table.name)} ADD COLUMN"
            await database.execute("SAVEPOINT columns")
            for column in added:
                text = texts[fold(column.name)]
                if column.default is not None and "NOT NULL" in _words(text.constraints):
                    raise sqlite3.OperationalError("needs a value for rows that are there")
                await database.execute(f"{add} {column_definition(text)}")
            for definition in work.table.computed:
                await database.execute(f"{add} {definition}")
            for column in added:
                if column.default is not None:
                    await database.execute(
                        f"UPDATE main.{quote(work.table.name)} "
                        f"SET {quote(column.name)} = {column.default}"
                    )
            await database.execute("RELEASE columns")
        except sqlite3.OperationalError:
            # ADD COLUMN takes no expression as default, no NOT NULL without one, nothing STORED.
            await database.execute("ROLLBACK TO columns")
            await database.execute("RELEASE columns")
        else:
            return
    await _rebuild(database, work, texts)


def _words(constraints: tuple[str, ...]) -> str:
    return " ".join(token.word for text in constraints for token in tokens(text))


def _text(plan: MergePlan, work: Work, name: str) -> ColumnText:
    """How the first source that has the column declares it, under the target's name."""
    for index, own in enumerate(work.table.column(name).sources):
        if own is None:
            continue
        table = plan.sources[index].schema.tables[fold(str(work.table.sources[index]))]
        if table.column(own).generated:
            continue
        for text in column_texts(table.sql):
            if fold(text.name) == fold(own):
                return ColumnText(name, text.text, text.type_text, text.constraints)
    raise KeyError(name)


async def _rebuild(database: Database, work: Work, added: dict[str, ColumnText]) -> None:
    """Make the table anew with its rows: the way of https://sqlite.org/lang_altertable.html 7."""
    name = work.table.name
    row = await database.row(
        "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?", (name,)
    )
    assert row is not None
    old_sql = str(row[0])
    widened = {fold(column) for column in work.table.widened}
    definitions = []
    for text in column_texts(old_sql):
        if fold(text.name) in widened:
            any_type = "ANY" if work.table.table.strict else ""
            definitions.append(" ".join([quote(text.name), any_type, *text.constraints]))
        else:
            definitions.append(text.text)
    definitions += [
        column_definition(text, widened=fold(text.name) in widened) for text in added.values()
    ]
    definitions += work.table.computed
    definitions += table_constraints(old_sql)
    temporary = "consolidator rebuild"
    indexes = await database.rows(
        "SELECT sql FROM main.sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name = ?",
        (name,),
    )
    await database.execute(
        f"CREATE TABLE main.{quote(temporary)}({', '.join(definitions)}){_tail(old_sql)}"
    )
    kept = [quote(column.name) for column in work.table.columns if not column.added]
    filled = [column for column in work.table.columns if column.added and column.default]
    target = kept + [quote(column.name) for column in filled]
    values = kept + [str(column.default) for column in filled]
    address = None if work.table.table.without_rowid else work.rowid_name()
    if address is not None and work.table.table.rowid_alias is None:
        target.insert(0, address)
        values.insert(0, address)
    hint = "" if work.table.table.without_rowid else " NOT INDEXED"
    # The base's rows stay as they are, also those that break a CHECK of its own.
    await database.execute("PRAGMA ignore_check_constraints = ON")
    await database.execute(
        f"INSERT INTO main.{quote(temporary)}({', '.join(target)}) "
        f"SELECT {', '.join(values)} FROM main.{quote(name)}{hint}"
    )
    await database.execute("PRAGMA ignore_check_constraints = OFF")
    await database.execute(f"DROP TABLE main.{quote(name)}")
    await database.execute(f"ALTER TABLE main.{quote(temporary)} RENAME TO {quote(name)}")
    for (sql,) in indexes:
        await database.execute(sql)


def _tail(sql: str) -> str:
    """What stands after the closing parenthesis: WITHOUT ROWID, STRICT."""
    depth = 0
    for token in tokens(sql):
        if token.kind == "mark" and token.text in "()":
            depth += 1 if token.text == "(" else -1
            if depth == 0:
                return " " + sql[token.end :].strip()
    return ""


def plan_path(plan: MergePlan, source: int) -> str:
    """The path of a source."""
    return plan.sources[source].path


async def create_objects(
    database: Database, plan: MergePlan, kinds: tuple[str, ...]
) -> list[tuple[str, Note]]:
    """Create what only other files have; returns what could not be made (`index name`), and why."""
    problems = []
    for item in plan.objects:
        if item.kind not in kinds:
            continue
        try:
            await database.execute(item.sql)
        except (sqlite3.IntegrityError, sqlite3.OperationalError) as error:
            text = f"{item.kind} {item.name} was not created: {error}"
            problems.append(
                (
                    f"{item.kind} {item.name}",
                    Note(text, item.table, item.name, plan_path(plan, item.source)),
                )
            )
    return problems


async def continue_sequences(database: Database, works: list[Work]) -> None:
    """AUTOINCREMENT goes on behind the highest id that any file ever gave."""
    if not await database.value("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'"):
        return
    for work in works:
        if not work.table.table.autoincrement:
            continue
        highest = 0
        for source in work.members:
            own = fold(str(work.table.sources[source]))
            sequence = work.plan.sources[source].schema.sequences.get(own)
            if sequence is not None and source not in work.table.dense:
                moved = 0
                if work.table.surrogate is not None:
                    moved = work.table.shifts[source] + work.deltas.get(source, 0)
                highest = max(highest, min(sequence + moved, (1 << 63) - 1))
        name = literal(work.table.name)
        top = await database.value(
            f"SELECT max({work.rowid_name()}) FROM main.{quote(work.table.name)}"
        )
        highest = max(highest, top or 0)
        there = await database.value(f"SELECT count(*) FROM main.sqlite_sequence WHERE name={name}")
        if there:
            await database.execute(
                "UPDATE main.sqlite_sequence SET "
                f"seq = max(coalesce(CAST(seq AS INTEGER), 0), {highest}) WHERE name = {name}"
            )
        elif highest:
            await database.execute(f"INSERT INTO main.sqlite_sequence VALUES ({name}, {highest})")
