"""Checks of the whole database: integrity, foreign keys, schema objects, sequences."""

from __future__ import annotations

import sqlite3
from collections.abc import Container
from pathlib import Path

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.verification import Check
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.planning.names_in_target import name_in_target
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.storage.sqlite import Database, open_database, quote

_MOST = 100
_REFERENCES = (
    'SELECT m.name, f."table", f."from", f."to", count(*), EXISTS (SELECT 1 FROM '
    "temp.pragma_index_list(m.name) l, temp.pragma_index_info(l.name) i "
    'WHERE NOT l.partial AND i.seqno = 0 AND i.name = f."from") '
    "FROM main.sqlite_schema m, temp.pragma_foreign_key_list(m.name) f "
    "WHERE m.type = 'table' GROUP BY m.name, f.id"
)
"""Child, parent, first column, its parent column (NULL for the key), number of columns, and whether
an index gives the column's values in their order."""


async def integrity(database: Database) -> tuple[Check, bool]:
    """SQLite's own integrity_check of the target, and whether it compared all indexes."""
    try:
        rows = await database.rows(f"PRAGMA main.integrity_check({_MOST})")
    except sqlite3.OperationalError as error:
        # A collation or module of the application is missing here: nothing can be said.
        return Check("integrity check", "", True, f"not complete: {error}"), False
    texts = [str(row[0]) for row in rows]
    rest = [
        t
        for t in texts
        if t != "ok"
        and not t.startswith(("CHECK constraint failed", "NULL value in", "non-unique"))
    ]
    theirs = len(texts) - len(rest) - texts.count("ok")
    detail = (
        "ok"
        if not theirs
        else (
            f"{plural(theirs, 'row breaks', 'rows break')} a CHECK as in "
            f"{verb(theirs, 'its', 'their')} source"
        )
    )
    return Check("integrity check", "", not rest, "; ".join(rest[:3]) or detail), (
        not rest and len(texts) < _MOST
    )


async def count_rows(
    database: Database, plan: MergePlan, *, believe_indexes: bool
) -> dict[str, int]:
    """The rows of every table of the target, by its name."""
    names = [table.name for table in plan.tables]
    hints = [
        "" if believe_indexes or table.table.without_rowid else " NOT INDEXED"
        for table in plan.tables
    ]
    found = await database.values(
        f"SELECT count(*) FROM main.{quote(name)}{hint}"
        for name, hint in zip(names, hints, strict=True)
    )
    return dict(zip(names, map(int, found), strict=True))


async def foreign_keys(database: Database, plan: MergePlan) -> Check:
    """No reference is broken that was whole in its source."""
    try:
        now = await _violations_of_target(database, plan)
    except sqlite3.OperationalError as error:
        return Check("foreign keys", "", True, f"not complete: {error}")
    if not now:
        return Check("foreign keys", "", True, "every declared reference has its parent")
    before: dict[tuple[str, str], int] = {}
    for source in plan.sources:
        if source.same_as is not None:
            continue
        async with open_database(Path(source.snapshot), immutable=True) as own:
            await stand_in(own, [source])
            theirs = await _undeclared(own, plan, source.index, now)
            for (table, parent), count in (await _violations(own)).items():
                key = (
                    fold(name_in_target(plan, source, table) or table),
                    fold(name_in_target(plan, source, parent) or parent),
                )
                theirs[key] = max(theirs.get(key, 0), count)
            for key, count in theirs.items():
                before[key] = before.get(key, 0) + count
    worse = [
        f"{table} to {parent}: {count}, {before.get((table, parent), 0)} in the sources"
        for (table, parent), count in now.items()
        if count > before.get((table, parent), 0)
    ]
    if worse:
        return Check("foreign keys", "", False, "; ".join(worse))
    return Check(
        "foreign keys",
        "",
        True,
        f"{plural(sum(now.values()), 'reference')} without a parent, as in the sources",
    )


async def _violations_of_target(database: Database, plan: MergePlan) -> dict[tuple[str, str], int]:
    """What foreign_key_check says, which is asked only of tables that may have something to say.

    It looks every row's parent up in the order of the child's rows. Whether a reference to a rowid
    is broken anywhere is found with an index of the reference, in the order of the parents.
    """
    parents = {fold(table.name): table.table for table in plan.tables}
    known, asked = [], set()
    for child, parent, column, to, width, ordered in await database.rows(_REFERENCES):
        declared = parents.get(fold(parent))
        alias = declared.rowid_alias if declared is not None else None
        if alias is None or width > 1 or fold(to or alias) != fold(alias):
            asked.add(child)
        else:
            known.append((child, column, parent, alias, "DISTINCT " if ordered else ""))
    found = await database.values(
        f"SELECT EXISTS (SELECT 1 FROM (SELECT {distinct}{quote(column)} AS k "
        f"FROM main.{quote(child)} WHERE {quote(column)} IS NOT NULL) c WHERE NOT EXISTS "
        f"(SELECT 1 FROM main.{quote(parent)} p WHERE p.{quote(alias)} = c.k))"
        for child, column, parent, alias, distinct in known
    )
    asked |= {child for (child, *_), broken in zip(known, found, strict=True) if broken}
    violations: dict[tuple[str, str], int] = {}
    for child in sorted(asked):
        violations |= await _violations(database, child)
    return violations


async def _violations(database: Database, child: str | None = None) -> dict[tuple[str, str], int]:
    rows = await database.rows(
        'SELECT "table", parent, count(*) FROM temp.pragma_foreign_key_check'
        f"{'' if child is None else '(?)'} GROUP BY 1, 2",
        () if child is None else (child,),
    )
    return {(fold(table), fold(parent)): count for table, parent, count in rows}


async def _undeclared(
    database: Database, plan: MergePlan, source: int, wanted: Container[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Rows of a source without a parent there, also where it declares no reference at all."""
    tables = {fold(table.name): table for table in plan.tables}
    found: dict[tuple[str, str], int] = {}
    for table in plan.tables:
        for link in table.links:
            key = (fold(table.name), fold(link.reference.parent))
            child, column = table.sources[source], table.column(link.column).sources[source]
            if key not in wanted or source not in link.dangling or child is None or column is None:
                continue
            where = f"c.{quote(column)} IS NOT NULL"
            parent = tables[key[1]]
            name = parent.sources[source]
            own = parent.column(link.reference.parent_columns[0]).sources[source]
            if name is not None and own is not None:
                where += (
                    f" AND NOT EXISTS (SELECT 1 FROM {quote(name)} p "
                    f"WHERE p.{quote(own)} = c.{quote(column)})"
                )
            count = await database.value(f"SELECT count(*) FROM {quote(child)} c WHERE {where}")
            found[key] = found.get(key, 0) + int(count)
    return found


async def schema_objects(database: Database, plan: MergePlan) -> Check:
    """Every table, index, view and trigger of every source is there under its name."""
    rows = await database.rows("SELECT type, name FROM main.sqlite_schema")
    there = {(kind, fold(name)) for kind, name in rows}
    missing = []
    for source in plan.sources:
        if source.same_as is not None:
            continue
        schema = source.schema
        wanted = [
            ("table", table.name)
            for table in schema.tables.values()
            if table.kind is not TableKind.SHADOW and not table.error
        ]
        for kind, objects in (
            ("index", schema.indexes),
            ("view", schema.views),
            ("trigger", schema.triggers),
        ):
            wanted += [
                (kind, item.name)
                for item in objects.values()
                if kind == "view" or name_in_target(plan, source, item.table) is not None
            ]
        for kind, name in wanted:
            target = name_in_target(plan, source, name)
            if target is not None and (kind, fold(target)) not in there:
                missing.append(f"{kind} {target}")
    allowed = set(plan.left_out)
    missing = sorted({name for name in missing if name not in allowed})
    return Check(
        "schema objects",
        "",
        not missing,
        f"missing: {', '.join(missing)}" if missing else plural(len(there), "object"),
    )


async def sequences(database: Database, plan: MergePlan) -> Check:
    """AUTOINCREMENT goes on behind the highest id."""
    behind = []
    for table in plan.tables:
        if not table.table.autoincrement or table.surrogate is None:
            continue
        row = await database.row(
            f"SELECT max({quote(table.surrogate)}), (SELECT max(CAST(seq AS INTEGER)) "
            f"FROM main.sqlite_sequence WHERE name = ?) FROM main.{quote(table.name)}",
            (table.name,),
        )
        if row is not None and row[0] is not None and (row[1] is None or row[1] < row[0]):
            behind.append(table.name)
    return Check(
        "sequences",
        "",
        not behind,
        f"behind the highest id: {', '.join(behind)}" if behind else "past the highest id",
    )
