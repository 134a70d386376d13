"""Objects of the staged base where the plan renames tables and objects or leaves some out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.merge import MergePlan, Note
from consolidator_tui.services.planning.names_in_target import name_in_target
from consolidator_tui.services.planning.rename_words import rename_words
from consolidator_tui.services.planning.renamed import Renaming, rename, renamings
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.storage.sqlite import Database, open_database, quote


async def rename_base(database: Database, plan: MergePlan) -> None:
    """Give the staged base's tables and columns their names in the target.

    SQLite refuses to rename anything while a view or a trigger is broken; then these are taken
    away and changed word by word. Raises sqlite3.Error.
    """
    wanted = renamings(plan.document, plan.sources[0])
    if not wanted:
        return
    await database.execute("SAVEPOINT names")
    try:
        await rename(database, wanted)
    except sqlite3.OperationalError:
        await database.execute("ROLLBACK TO names")
        await _rename_apart(database, wanted)
    await database.execute("RELEASE names")


async def _rename_apart(database: Database, wanted: list[Renaming]) -> None:
    objects = await database.rows(
        "SELECT type, name, sql FROM main.sqlite_schema WHERE type IN ('view', 'trigger') "
        "ORDER BY type DESC, rowid"
    )
    for kind, name, _ in reversed(objects):
        await database.execute(f"DROP {kind} main.{quote(name)}")
    await rename(database, wanted)
    words = {fold(item.there): item.here for item in wanted if fold(item.there) != fold(item.here)}
    for item in wanted:
        words |= {fold(there): here for there, here in item.columns.items()}
    for _, _, sql in objects:
        await database.execute(rename_words(sql, words))


async def settle_objects(database: Database, plan: MergePlan) -> None:
    """Rename indexes, views and triggers of the base, or take them away, as the plan says."""
    base = plan.sources[0]
    schema = base.schema
    for item in (*schema.triggers.values(), *schema.views.values(), *schema.indexes.values()):
        here = name_in_target(plan, base, item.name)
        row = await database.row(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE",
            (item.kind, item.name),
        )
        if row is None or (here is not None and fold(here) == item.key):
            continue
        triggers = await database.rows(
            "SELECT sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", (row[0],)
        )
        await database.execute(f"DROP {item.kind} main.{quote(row[0])}")
        if here is not None:
            await database.execute(rename_words(row[1], {item.key: here}))
            for (sql,) in triggers if item.kind == "view" else ():
                await database.execute(rename_words(sql, {item.key: here}))


async def leave_out_views(database: Database, plan: MergePlan) -> list[tuple[str, Note]]:
    """Drop views that only broke because the plan leaves tables out.

    Returns what was dropped (`view name`), and why.
    """
    if not any(not name for m in plan.document.mapping.values() for name in m.tables.values()):
        return []
    dropped = []
    again = True
    while again:
        again = False
        for (name,) in await database.rows("SELECT name FROM main.sqlite_schema WHERE type='view'"):
            why = await _trouble(database, name)
            source = None if why is None else await _sound_in(plan, name)
            if source is None:
                continue
            await database.execute(f"DROP VIEW main.{quote(name)}")
            text = f"The view {name} is left out: {why}, which the plan leaves out"
            dropped.append((f"view {name}", Note(text, name, "", source.path)))
            dropped += _triggers_of(plan, name)
            again = True
    return dropped


def _triggers_of(plan: MergePlan, view: str) -> list[tuple[str, Note]]:
    """The triggers that go with a view."""
    found = {}
    for source in plan.sources:
        for item in source.schema.triggers.values():
            name = name_in_target(plan, source, item.name)
            if name and fold(name_in_target(plan, source, item.table) or "") == fold(view):
                text = f"The trigger {name} goes with the view {view}"
                found[f"trigger {name}"] = Note(text, view, name, source.path)
    return list(found.items())


async def _trouble(database: Database, view: str) -> str | None:
    try:
        await database.rows(f"SELECT * FROM main.{quote(view)} LIMIT 0")
    except sqlite3.OperationalError as error:
        return str(error)
    return None


async def _sound_in(plan: MergePlan, view: str) -> Source | None:
    """The first source in which the view of that name in the target works."""
    for source in plan.sources:
        own = [
            item.name
            for item in source.schema.views.values()
            if fold(name_in_target(plan, source, item.name) or "") == fold(view)
        ]
        if source.same_as is not None or not own:
            continue
        async with open_database(Path(source.snapshot), immutable=True) as reader:
            await stand_in(reader, [source], functions=True)
            if await _trouble(reader, own[0]) is None:
                return source
    return None
