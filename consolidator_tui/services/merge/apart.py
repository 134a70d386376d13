"""Rows that a person calls different: no conflict any more, listed so that it can be looked at
and taken back."""

from __future__ import annotations

from collections.abc import Iterable

from consolidator_tui.domain.conflict import APART_FROM
from consolidator_tui.domain.decided import BOTH
from consolidator_tui.services.merge.decided_rows import rows_of
from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database

TABLE = "pv.apart"
ROWS = "CREATE TABLE IF NOT EXISTS pv.apart_row(n INTEGER, g INTEGER, src INTEGER)"


async def note_rows(database: Database, work: Work) -> None:
    """Keep in the ledger which rows the decisions of a table call different."""
    await database.execute(ROWS)
    await database.execute(
        f"INSERT INTO pv.apart_row SELECT d.n, d.g, d.src FROM {rows_of(work)} d "
        f"JOIN pv.decision x ON x.n = d.n WHERE x.keep = '{BOTH}'"
    )


async def there(database: Database) -> bool:
    """Whether the list was made."""
    return bool(
        await database.value("SELECT EXISTS (SELECT 1 FROM pv.sqlite_master WHERE name = 'apart')")
    )


async def fill(database: Database, works: Iterable[Work]) -> None:
    """Make the list, in the order of tables and decisions, unless it is there.

    `canon` holds the number of the decision, by which `apart_row` names the rows.
    """
    if await there(database):
        return
    await database.execute("BEGIN")
    await database.execute(ROWS)
    await database.execute(
        f"CREATE TABLE {TABLE}(id INTEGER PRIMARY KEY, number INTEGER NOT NULL, "
        "canon INTEGER NOT NULL, kind TEXT NOT NULL DEFAULT 'apart', columns TEXT, entity TEXT, "
        "sources TEXT, differs TEXT NOT NULL DEFAULT '', decided_by TEXT DEFAULT 'decision', "
        "winner INTEGER, hand TEXT)"
    )
    for work in sorted(works, key=lambda w: w.table.number):
        await database.execute(
            f"INSERT INTO {TABLE}(id, number, canon, columns, entity, sources, hand) "
            f"SELECT (SELECT coalesce(max(a.id) + 1, {APART_FROM}) FROM {TABLE} a) + row_number() "
            f"OVER (ORDER BY d.n) - 1, {work.table.number}, d.n, d.columns, d.entity, "
            "',' || r.sources || ',', d.body FROM pv.decision d JOIN (SELECT n, "
            "group_concat(DISTINCT src) AS sources FROM pv.apart_row GROUP BY n "
            "HAVING count(*) > 1) r ON r.n = d.n WHERE d.place = ? AND NOT EXISTS "
            f"(SELECT 1 FROM pv.conflict c WHERE c.number = {work.table.number} "
            "AND c.entity = d.entity AND c.columns = d.columns)",
            (work.key,),
        )
    await database.execute("COMMIT")
    await database.execute("CREATE INDEX pv.apart_entity ON apart(number, entity)")


async def members(database: Database, decision: int) -> list[tuple[int, int]]:
    """The rows (g, source) of a decision."""
    found = await database.rows(
        "SELECT DISTINCT g, src FROM pv.apart_row WHERE n = ? ORDER BY src, g", (decision,)
    )
    return [(int(g), int(source)) for g, source in found]
