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
    ranges: dict[int, tuple[int, int]]
    """Per source where its rows stand that became one with no other."""
    aliases: frozenset[int]
    dropped: bool = False
    """Some rows are not in the target because another file deleted them."""

    @property
    def map(self) -> str:
        """The qualified name of the map."""
        return f"pv.map_{self.table.number}"


async def read_claims(plan: MergePlan, database: Database) -> dict[str, Claims]:
    """The claims by folded table name. Raises sqlite3.Error when the ledger is not complete."""
    deltas: dict[int, dict[int, int]] = {}
    ranges: dict[int, dict[int, tuple[int, int]]] = {}
    rows = await database.rows("SELECT number, src, delta, low, high FROM pv.delta")
    for number, source, delta, low, high in rows:
        deltas.setdefault(number, {})[source] = delta
        ranges.setdefault(number, {})[source] = (low, high)
    places: dict[int, set[int]] = {}
    for number, place in await database.rows("SELECT DISTINCT number, place FROM pv.alias"):
        places.setdefault(number, set()).add(place)
    conflicts = await _numbers(database, "SELECT number FROM pv.conflict WHERE kind <> 'unique'")
    overrides = await _numbers(database, "SELECT number FROM pv.override")
    dropped = await _numbers(database, "SELECT number FROM pv.dropped")
    claims = {}
    for table in plan.tables:
        number = table.number
        facts = await database.row(
            f"SELECT EXISTS (SELECT 1 FROM pv.map_{number}), "
            f"(SELECT count(*) FROM pv.map_{number} WHERE keep = 0)"
        )
        assert facts is not None
        claims[fold(table.name)] = Claims(
            table=table,
            mapped=bool(facts[0]),
            merged_away=int(facts[1]),
            conflicts=number in conflicts,
            overrides=number in overrides,
            deltas=deltas.get(number, {}),
            ranges=dict(enumerate(zip(table.lows, table.highs, strict=True)))
            | ranges.get(number, {}),
            aliases=frozenset(places.get(number, ())),
            dropped=number in dropped,
        )
    return claims


async def _numbers(database: Database, rows: str) -> set[int]:
    """The tables that some rows of the ledger speak of."""
    return {row[0] for row in await database.rows(f"SELECT DISTINCT number FROM ({rows})")}
