"""Puts rows that share a simplified value into blocks, by sets, and pairs those of small blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.suggest.forms import Form, block_keys
from consolidator_tui.storage.sqlite import Database

MOST_ROWS = 1_000_000
"""Rows of a table up to which uncertain values (names) are put into blocks as well."""
BLOCK = 40
"""Rows that may share one simplified value; more say nothing about anybody."""
MOST_PAIRS = 20_000
"""Pairs per table that are compared."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Pairs of global addresses of rows, sure values first, and what was cut."""

    pairs: tuple[tuple[int, int], ...]
    cut: tuple[str, ...]


def row_count(work: Work) -> int:
    """The rows of a table in all sources."""
    return sum(
        work.plan.sources[source].row_counts.get(fold(str(work.table.sources[source])), 0)
        for source in work.members
    )


async def find_pairs(database: Database, work: Work, forms: Sequence[Form]) -> Blocks:
    """The pairs of rows of different files and entities that meet in some block."""
    rows = row_count(work)
    small = rows <= MOST_ROWS
    await database.script(
        [
            "DROP TABLE IF EXISTS temp.block",
            "DROP TABLE IF EXISTS temp.pair",
            "CREATE TEMP TABLE block(f INTEGER, k, e INTEGER, src INTEGER, g INTEGER)",
            "CREATE TEMP TABLE pair(f INTEGER, a INTEGER, b INTEGER, "
            "ea INTEGER, eb INTEGER, UNIQUE(ea, eb))",
        ]
    )
    steps = await _fill_all(database, work, forms, small=small)
    await database.execute("CREATE INDEX temp.block_key ON block(f, k)")
    await database.execute("CREATE INDEX temp.block_entity ON block(e)")
    cut = [] if small else [f"{work.table.name}: {rows:,} rows are too many to compare names."]
    crowded = 0
    for step in sorted(steps):
        crowded += await _pair(database, step)
    if crowded:
        cut.append(
            f"{work.table.name}: {plural(crowded, 'value')} that more than {BLOCK} rows share "
            f"{verb(crowded, 'was', 'were')} not looked into."
        )
    await _without_neighbours(database)
    await _without_clashes(database, work)
    total = int(await database.value("SELECT count(*) FROM temp.pair"))
    if total > MOST_PAIRS:
        cut.append(f"{work.table.name}: only the first {MOST_PAIRS:,} pairs were compared.")
    found = await database.rows(f"SELECT a, b FROM temp.pair ORDER BY f, a, b LIMIT {MOST_PAIRS}")
    await database.script(["DROP TABLE temp.block", "DROP TABLE temp.pair"])
    return Blocks(tuple((int(a), int(b)) for a, b in found), tuple(cut))


async def _fill_all(
    database: Database, work: Work, forms: Sequence[Form], *, small: bool
) -> list[int]:
    """Put all rows into blocks; returns the kinds of blocks, those of sure values lowest."""
    steps: list[int] = []
    for number, form in enumerate(forms):
        keys = block_keys(form, "x")
        for place, key in enumerate(keys):
            if not key.sure and not small:
                continue
            step = number if key.sure else 100 * (number + 1) + place
            if key.shortened:
                first = number if keys[0].sure else 100 * (number + 1)
                await database.execute(
                    f"INSERT INTO temp.block SELECT * FROM (SELECT {step}, {key.sql} AS k, e, src, "
                    f"g FROM temp.block WHERE f = {first}) WHERE k <> ''"
                )
            else:
                await _fill(database, work, form, place, step)
            steps.append(step)
    return steps


async def _fill(database: Database, work: Work, form: Form, place: int, step: int) -> None:
    for source in work.members:
        own = work.own(source, form.column)
        if own is None:
            continue
        key = block_keys(form, own)[place].sql
        g = work.g(source)
        entity = work.placed(source, f"s.{work.address(source)}")
        if work.mapped:
            entity = f"coalesce((SELECT m.canon FROM {work.map} m WHERE m.g = {g}), {entity})"
        await database.execute(
            f"INSERT INTO temp.block SELECT {step}, k, e, {source}, g FROM "
            f"(SELECT {key} AS k, {entity} AS e, {g} AS g FROM {work.read(source)} "
            f"WHERE typeof({own}) IN ('text', 'integer') AND length({own}) <= 1000) "
            "WHERE k <> ''"
        )


async def _pair(database: Database, step: int) -> int:
    """Pair the rows of the blocks of one kind; returns how many blocks were too large."""
    await database.execute("DROP TABLE IF EXISTS temp.shared")
    await database.execute(
        f"CREATE TEMP TABLE shared AS SELECT k, count(*) AS n FROM temp.block WHERE f = {step} "
        "GROUP BY k HAVING min(e) < max(e) AND min(src) < max(src)"
    )
    there = int(await database.value("SELECT count(*) FROM temp.pair"))
    await database.execute(
        "INSERT INTO temp.pair "
        f"SELECT {step}, x.g, y.g, min(x.e, y.e), max(x.e, y.e) FROM temp.shared s "
        f"CROSS JOIN temp.block x ON x.f = {step} AND x.k = s.k "
        f"CROSS JOIN temp.block y ON y.f = {step} AND y.k = s.k AND y.src > x.src AND y.e <> x.e "
        f"WHERE s.n <= {BLOCK} LIMIT {max(2 * MOST_PAIRS - there, 0)} ON CONFLICT DO NOTHING"
    )
    crowded = int(await database.value(f"SELECT count(*) FROM temp.shared WHERE n > {BLOCK}"))
    await database.execute("DROP TABLE temp.shared")
    return crowded


async def _without_neighbours(database: Database) -> None:
    """Drop the pairs of entities that one file has both of."""
    await database.execute(
        "DELETE FROM temp.pair WHERE EXISTS (SELECT 1 FROM temp.block x JOIN temp.block y "
        "ON y.src = x.src WHERE x.e = pair.ea AND y.e = pair.eb)"
    )


async def _without_clashes(database: Database, work: Work) -> None:
    """Drop the pairs that share a UNIQUE key: they are a conflict, and the review asks them."""
    await database.execute(
        "DELETE FROM temp.pair WHERE EXISTS (SELECT 1 FROM pv.version x JOIN pv.version y "
        "ON y.number = x.number AND y.canon = x.canon AND y.kind = x.kind "
        f"WHERE x.number = {work.table.number} AND x.kind = 'unique' "
        "AND x.g = pair.a AND y.g = pair.b)"
    )
