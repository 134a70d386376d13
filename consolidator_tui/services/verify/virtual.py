"""Proves that search indexes and R-Trees of the staged target hold and find what they should."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.domain.merge import MergePlan, VirtualKind, VirtualTable
from consolidator_tui.domain.verification import Check
from consolidator_tui.domain.words import plural
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.services.verify.rows import RowProof
from consolidator_tui.services.workspace import Workspace, schema_of
from consolidator_tui.storage.sqlite import Database, literal, open_database, quote

_FULL_TEXT = {"fts3", "fts4", "fts5"}
_TREES = {"rtree", "rtree_i32"}


async def entries(workspace: Workspace, plan: MergePlan, proof: RowProof) -> list[Check]:
    """Every entry of every source's index has one in the target, with its owner's texts."""
    checks = []
    known = {fold(table.name) for table in plan.tables}
    for table in plan.virtuals:
        if table.kind is not VirtualKind.DERIVED or fold(table.owner) not in known:
            continue
        for source, name in enumerate(table.sources):
            if name is not None and source in workspace.attached:
                checks.append(await _arrived(workspace, plan, proof, table, source, name))
        if not table.contentless:
            checks.append(await _repeats(workspace.database, table))
    return checks


async def _arrived(
    workspace: Workspace,
    plan: MergePlan,
    proof: RowProof,
    table: VirtualTable,
    source: int,
    name: str,
) -> Check:
    place = proof.place_of(fold(table.owner), source, "e.id")
    # That those were deleted is proven of the owner's rows.
    stays = f"NOT {proof.is_dropped(fold(table.owner), source, 'e.id')}"
    found = await workspace.database.row(
        f"SELECT count(*), count(*) FILTER (WHERE {place} NOT IN "
        f"({_ids(table, 'main', table.name)})) "
        f"FROM ({_ids(table, schema_of(source), name)}) AS e WHERE {stays}"
    )
    assert found is not None
    total, lost = found
    path = plan.sources[source].path
    detail = f"{total - lost:,} of {plural(total, 'entry', 'entries')} of {path}"
    return Check("every entry arrived", table.name, lost == 0, detail)


def _ids(table: VirtualTable, schema: str, name: str) -> str:
    if table.contentless and table.module != "fts5":
        return f"SELECT docid AS id FROM {schema}.{quote(name + '_docsize')}"
    return f"SELECT {quote(table.key)} AS id FROM {schema}.{quote(name)}"


async def _repeats(database: Database, table: VirtualTable) -> Check:
    differs = " OR ".join(
        f"f.{quote(column)} IS NOT ({value})"
        for column, value in zip(table.columns, table.fill[1:], strict=True)
    )
    wrong = await database.value(
        f"SELECT count(*) FROM main.{quote(table.name)} AS f LEFT JOIN "
        f"main.{quote(table.owner)} AS new ON {table.fill[0]} = f.{quote(table.key)} "
        f"WHERE {table.fill[0]} IS NULL OR {differs}"
    )
    detail = (
        f"{plural(wrong, 'entry does not repeat its', 'entries do not repeat their')} row of "
        f"{table.owner}"
    )
    return Check("texts of the index", table.name, wrong == 0, detail)


async def indexes(staging: Path, plan: MergePlan) -> list[Check]:
    """The modules' own checks. They are commands, so they run in a transaction that is undone."""
    wanted = [
        (table.name, table.module, table.kind is VirtualKind.EXTERNAL)
        for table in plan.virtuals
        if table.kind is not VirtualKind.KEPT and not (table.contentless and table.module != "fts5")
    ]
    wanted += [
        (table.name, table.table.module, False)
        for table in plan.tables
        if table.table.kind is TableKind.VIRTUAL
    ]
    wanted = [item for item in wanted if item[1] in _FULL_TEXT | _TREES]
    if not wanted:
        return []
    async with open_database(staging, mode="rw") as database:
        await stand_in(database, plan.sources, functions=True)
        await database.execute("BEGIN")
        checks = [await _index(database, *item) for item in wanted]
        await database.execute("ROLLBACK")
    return checks


async def _index(database: Database, table: str, module: str, external: bool) -> Check:
    title = "index check"
    name = quote(table)
    try:
        if module in _TREES:
            said = str(await database.value(f"SELECT rtreecheck('main', {literal(table)})"))
            return Check(title, table, said == "ok", said)
        if module == "fts5" and external:
            # Rank 1: compare with the content table too (https://sqlite.org/fts5.html, 6.4).
            await database.execute(
                f"INSERT INTO main.{name}({name}, rank) VALUES ('integrity-check', 1)"
            )
        else:
            await database.execute(f"INSERT INTO main.{name}({name}) VALUES ('integrity-check')")
    except sqlite3.OperationalError as error:
        return Check(title, table, True, f"not complete: {error}")
    except sqlite3.DatabaseError as error:
        return Check(title, table, False, str(error))
    return Check(title, table, True, "ok")
