"""What the ledger of a merge claims of every table: maps, conflicts, constants, decisions."""

from __future__ import annotations

from dataclasses import dataclass

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import MergePlan, MergeTable
from consolidator_tui.storage.sqlite import Database


@dataclass(slots=True)
class Claims:
    """What the ledger claims of one table."""

    table: MergeTable
    mapped: bool
    merged_away: int
    conflicts: bool
    overrides: bool
    deltas: dict[int, int]
    aliases: frozenset[int]
    dropped: bool = False
    """Some rows are not in the target because another file deleted them."""

    @property
    def map(self) -> str:
        """The qualified name of the map."""
        return f"pv.map_{self.table.number}"


async def read_claims(plan: MergePlan, database: Database) -> dict[str, Claims]:
    """The claims by folded table name. Raises sqlite3.Error when the ledger is not complete."""
    return {fold(table.name): await _of(table, database) for table in plan.tables}


async def _of(table: MergeTable, database: Database) -> Claims:
    number = table.number
    facts = await database.row(
        f"SELECT EXISTS (SELECT 1 FROM pv.map_{number}), "
        f"(SELECT count(*) FROM pv.map_{number} WHERE keep = 0), "
        f"EXISTS (SELECT 1 FROM pv.conflict WHERE number = {number} AND kind <> 'unique'), "
        f"EXISTS (SELECT 1 FROM pv.override WHERE number = {number}), "
        f"EXISTS (SELECT 1 FROM pv.dropped WHERE number = {number})"
    )
    assert facts is not None
    deltas = await database.rows(f"SELECT src, delta FROM pv.delta WHERE number = {number}")
    places = await database.rows(f"SELECT DISTINCT place FROM pv.alias WHERE number = {number}")
    return Claims(
        table=table,
        mapped=bool(facts[0]),
        merged_away=int(facts[1]),
        conflicts=bool(facts[2]),
        overrides=bool(facts[3]),
        deltas=dict(deltas),
        aliases=frozenset(row[0] for row in places),
        dropped=bool(facts[4]),
    )
