"""The maps of the tables, `pv.map_<number>`: which rows are one entity."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database


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


async def note_mapped(database: Database, work: Work) -> None:
    """Set the flags that say what the map does."""
    mapped, base_mapped = await database.values(
        f"SELECT EXISTS (SELECT 1 FROM {work.map} WHERE {condition})"
        for condition in ("1", f"{work.within(0, 'g')} AND canon <> g")
    )
    work.mapped, work.base_mapped = bool(mapped), bool(base_mapped)
