"""Finds the table that a search index or an R-Tree belongs to, and proves it on its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from consolidator_tui.domain.catalog import (
    Affinity,
    Column,
    ForeignKey,
    Source,
    Table,
    TableKind,
    fold,
)
from consolidator_tui.services.inspect.ddl import tokens, unquote
from consolidator_tui.services.planning.names import singular, words
from consolidator_tui.services.planning.virtual_sql import (
    Shape,
    Storage,
    create_sql,
    fillings,
    is_rowid_of,
    same_named,
)
from consolidator_tui.services.workspace import row_address
from consolidator_tui.storage.sqlite import Database, literal, quote


@dataclass(frozen=True, slots=True)
class Member:
    """A virtual table in one source."""

    source: Source
    table: Table
    shape: Shape

    @property
    def ids(self) -> str:
        """A SELECT of all rowids, named `id`."""
        if self.shape.storage is Storage.CONTENTLESS and self.shape.module != "fts5":
            # FTS4 without content cannot be scanned; its document sizes can.
            return f"SELECT docid AS id FROM {quote(self.table.name + '_docsize')}"
        return f"SELECT {quote(self.shape.key)} AS id FROM {quote(self.table.name)}"


@dataclass(frozen=True, slots=True)
class Owner:
    """The table that an index belongs to, with the reason."""

    table: str
    """Folded name in the sources."""
    reason: str
    fill: Mapping[str, str] | None = None
    """Folded column of the index -> SQL over a row `new`; None where that is not known."""
    by_trigger: bool = False


def by_trigger(members: list[Member]) -> Owner | None:
    """The table whose triggers write the index."""
    found: list[tuple[bool, Owner]] = []
    for member in members:
        schema = member.source.schema
        for trigger in schema.triggers.values():
            for filling in fillings(trigger, member.table.name, member.shape):
                table = schema.tables.get(fold(filling.table))
                if table is None or not is_rowid_of(filling.key, table):
                    continue
                values = dict(filling.values)
                whole = {fold(name) for name in member.shape.columns} <= set(values)
                owner = Owner(
                    table.key,
                    f"trigger {trigger.name} of {member.source.path} writes it",
                    values if whole else None,
                    by_trigger=True,
                )
                found.append((not filling.on_insert, owner))
    return min(found, key=lambda item: item[0])[1] if found else None


def by_name(members: list[Member]) -> list[Owner]:
    """Tables whose name is part of the index's name, the longest first."""
    first = members[0]
    own = [singular(word) for word in words(first.table.name)]
    found: list[tuple[int, Owner]] = []
    for table in first.source.schema.tables.values():
        theirs = [singular(word) for word in words(table.name)]
        if table.kind is not TableKind.ORDINARY or row_address(table) is None or not theirs:
            continue
        places = range(len(own) - len(theirs) + 1)
        if any(own[place : place + len(theirs)] == theirs for place in places):
            fill = same_named(first.shape, table)
            reason = f"the name says {table.name}, and all ids are ids there"
            found.append((-len(theirs), Owner(table.key, reason, dict(fill) if fill else None)))
    return [owner for _, owner in sorted(found, key=lambda item: item[0])]


def by_columns(members: list[Member]) -> list[Owner]:
    """Tables that have all columns of a full-text index: its rows may repeat theirs."""
    first = members[0]
    found = []
    for table in first.source.schema.tables.values():
        if table.kind is TableKind.ORDINARY and row_address(table) is not None:
            fill = same_named(first.shape, table)
            if fill:
                reason = f"every entry repeats the row of {table.name} with its id"
                found.append(Owner(table.key, reason, dict(fill)))
    return found


async def is_contained(database: Database, member: Member, owner: Owner) -> bool:
    """Whether every id of the index is one of the owner, in this source (open as main)."""
    table = member.source.schema.tables.get(owner.table)
    if table is None or (address := row_address(table)) is None:
        return False
    missing = await database.value(
        f"SELECT EXISTS (SELECT 1 FROM ({member.ids}) WHERE id NOT IN "
        f"(SELECT {address} FROM main.{quote(table.name)}))"
    )
    return not missing


async def is_complete(database: Database, member: Member, owner: Owner) -> bool:
    """Whether every row of the owner has its entry, in this source."""
    table = member.source.schema.tables[owner.table]
    lacking = await database.value(
        f"SELECT EXISTS (SELECT 1 FROM main.{quote(table.name)} WHERE {row_address(table)} "
        f"NOT IN ({member.ids}))"
    )
    return not lacking


def fill_list(member: Member, owner: Owner) -> list[str]:
    """SQL for the columns of the index over a row `new` of the owner."""
    assert owner.fill is not None
    return [owner.fill[fold(name)] for name in member.shape.columns]


async def is_mirror(database: Database, member: Member, owner: Owner) -> bool:
    """Whether every entry is what the owner's row would give, in this source."""
    table = member.source.schema.tables.get(owner.table)
    if owner.fill is None or table is None:
        return False
    try:
        if member.shape.storage is Storage.CONTENTLESS:
            return await _refills_the_same(database, member, owner, table)
        name = quote(member.table.name)
        differs = " OR ".join(
            f"f.{quote(column)} IS NOT ({value})"
            for column, value in zip(member.shape.columns, fill_list(member, owner), strict=True)
        )
        wrong = await database.value(
            f"SELECT EXISTS (SELECT 1 FROM main.{name} AS f LEFT JOIN main.{quote(table.name)} "
            f"AS new ON new.{row_address(table)} = f.{quote(member.shape.key)} "
            f"WHERE new.{row_address(table)} IS NULL OR {differs})"
        )
    except sqlite3.OperationalError:
        # The trigger's SQL needs something that is missing here: nothing is proven by it.
        return False
    return not wrong


async def _refills_the_same(database: Database, member: Member, owner: Owner, table: Table) -> bool:
    """Fill a trial index from the owner and compare its terms with those of the real one."""
    if member.shape.module != "fts5":
        # fts4aux cannot read an index without content; a trigger is all the evidence there is.
        return owner.by_trigger
    names = ", ".join(map(quote, ("rowid", *member.shape.columns)))
    values = ", ".join([f"new.{row_address(table)}", *fill_list(member, owner)])
    terms = "SELECT term, doc, col, offset FROM temp.{}"
    try:
        await database.execute(create_sql(member.table.sql, "temp.trial"))
        await database.execute(
            f"INSERT INTO temp.trial({names}) SELECT {values} FROM main.{quote(table.name)} "
            f"AS new WHERE new.{row_address(table)} IN ({member.ids})"
        )
        await database.script(
            [
                "CREATE VIRTUAL TABLE temp.made USING fts5vocab('temp', 'trial', 'instance')",
                "CREATE VIRTUAL TABLE temp.had USING "
                f"fts5vocab('main', {literal(member.table.name)}, 'instance')",
            ]
        )
        made, had = terms.format("made"), terms.format("had")
        return not await database.value(
            f"SELECT EXISTS ({made} EXCEPT {had}) OR EXISTS ({had} EXCEPT {made})"
        )
    finally:
        await database.script(f"DROP TABLE IF EXISTS temp.{t}" for t in ("made", "had", "trial"))


def mentions(sql: str, name: str) -> bool:
    """Whether a statement names an object."""
    return any(fold(unquote(t)) == fold(name) for t in tokens(sql) if t.kind in ("word", "name"))


def with_key(table: Table, shape: Shape, owner: Table | None) -> Table:
    """The virtual table as one with an INTEGER PRIMARY KEY and untyped columns."""
    key = Column(shape.key, "INTEGER", Affinity.INTEGER, False, None, 1, False)
    others = [Column(n, "", Affinity.BLOB, False, None, 0, False) for n in shape.columns]
    keys: tuple[ForeignKey, ...] = ()
    if owner is not None and owner.rowid_alias is not None:
        keys = (ForeignKey((shape.key,), owner.name, (owner.rowid_alias,)),)
    return replace(table, columns=(key, *others), foreign_keys=keys)
