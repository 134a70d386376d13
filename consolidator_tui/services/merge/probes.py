"""Identities with long values: rows are grouped by less than the whole, and only those that this
does not settle by their whole content.

Sorting texts and blobs costs most of a comparison, and nearly all rows are told apart by less: by
their numbers alone where these differ from row to row, else by short probes of what is long. The
rows of a class that share that much are compared with each other, value by value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

from consolidator_tui.domain.catalog import Affinity
from consolidator_tui.services.merge.classes import (
    Key,
    arm,
    group,
    group_by_less,
    store_classes,
)
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database

LONG = 400
"""Characters or bytes of a column, on average, from which on it is probed: looking rows up again
to compare them costs as much as sorting some hundred bytes more of each."""
WORTH = 32
"""Characters or bytes of all plain columns together, on average, that are worth leaving out."""
MOST_PAIRED = 8
"""Files up to which the rows of a class are compared pair by pair."""
FEW = 1_000
"""Rows below which nothing is gained."""
_SAMPLE = 50
"""Rows at the beginning of each file by which the length is judged."""
_ALIKE = 0.02
"""Share of a sample's rows that may have the numbers of another one."""
_NUMBERS = (Affinity.INTEGER, Affinity.REAL, Affinity.NUMERIC)


@dataclass(frozen=True, slots=True)
class Shortened:
    """A key that takes less of a row, and what has to be compared afterwards."""

    key: Key
    probed: tuple[str, ...]
    """Columns of the key of which only some bytes are taken."""
    left: tuple[str, ...]
    """Columns that the key does not settle."""


async def shorten(database: Database, work: Work, key: Key) -> list[Shortened]:
    """What may be grouped by instead of the whole key, the most promising first."""
    if key.is_packed or work.total < FEW:
        return []
    plain = [
        column
        for column, collation in zip(key.columns, key.collations, strict=True)
        if collation == "BINARY"
        and not work.links_of(column)
        and column not in work.aliases
        and all(work.own(source, column) is not None for source in work.members)
    ]
    if not plain:
        return []
    found = []
    lengths = await _lengths(database, work, plain)
    texts = [c for c in plain if work.table.column(c).affinity not in _NUMBERS]
    if (
        not key.complete
        and len(work.members) <= MOST_PAIRED
        and sum(lengths[column] for column in texts) > WORTH
    ):
        rest = [column for column in key.columns if column not in texts]
        if rest and await _tell_apart(database, work, rest):
            short = replace(key, columns=tuple(rest), collations=("BINARY",) * len(rest))
            found.append(Shortened(short, (), tuple(texts)))
    long = tuple(column for column in plain if lengths[column] > LONG)
    if long:
        found.append(Shortened(key, long, long))
    return found


async def _lengths(database: Database, work: Work, columns: list[str]) -> dict[str, float]:
    """The mean length of each column's values in the file where they are longest."""
    statements = []
    for source in work.members:
        # Only these: another column may be computed by a function that is missing here.
        lengths = [f"length({work.own(source, c)}) AS n{i}" for i, c in enumerate(columns)]
        means = [f"avg(n{place})" for place in range(len(columns))]
        statements.append(
            f"SELECT {', '.join(means)} FROM "
            f"(SELECT {', '.join(lengths)} FROM {work.read(source)} LIMIT {_SAMPLE})"
        )
    found = [rows[0] for rows in await database.each(statements)]
    return {
        column: max(means[place] or 0 for means in found) for place, column in enumerate(columns)
    }


async def _tell_apart(database: Database, work: Work, columns: list[str]) -> bool:
    """Whether in a sample of each file hardly two rows have the same in these columns."""
    statements = []
    for source in work.members:
        own = [work.own(source, column) or "NULL" for column in columns]
        named = ", ".join(f"{value} AS k{place}" for place, value in enumerate(own))
        keys = ", ".join(f"k{place}" for place in range(len(columns)))
        sample = " UNION ALL ".join(
            f"SELECT * FROM (SELECT {named} {rows})" for rows in _samples(work, source)
        )
        statements.append(
            f"SELECT (SELECT count(*) FROM ({sample})), "
            f"(SELECT count(*) FROM (SELECT DISTINCT {keys} FROM ({sample})))"
        )
    counts = [rows[0] for rows in await database.each(statements)]
    return all(different >= count * (1 - _ALIKE) for count, different in counts)


def _samples(work: Work, source: int) -> list[str]:
    """FROM …: rows of a file from the first, the middle and the last of its addresses on.

    So many that among them there would be equal ones if most rows had an equal one.
    """
    rows, address = work.read(source), f"s.{work.address(source)}"
    size = math.isqrt(20 * work.count(source)) // 3 + 1
    if work.count(source) <= 3 * size:
        return [f"FROM {rows}"]
    # Either end alone is found at once, both in one statement by reading all rows.
    halves = [f"(SELECT {end}({address}) FROM {rows}) / 2" for end in ("min", "max")]
    middle = " + ".join(halves)
    return [
        f"FROM {rows} ORDER BY {address} LIMIT {size}",
        f"FROM {rows} WHERE {address} >= {middle} ORDER BY {address} LIMIT {size}",
        f"FROM {rows} ORDER BY {address} DESC LIMIT {size}",
    ]


async def compare_shortened(
    database: Database, translator: Translator, work: Work, short: Shortened
) -> bool:
    """Make temp.cls of the rows that are equal, and temp.candidate of those that may be.

    False, and nothing is made, when the shortened key tells too few rows apart.
    """
    arms = [arm(translator, work, short.key, k, short=short.probed) for k in work.members]
    if not await group_by_less(database, work, short.key, arms):
        return False
    await _set_doubtful_aside(database, work, short.left)
    return True


async def store_shortened(database: Database, translator: Translator, work: Work, key: Key) -> None:
    """Fill the map with what `compare_shortened` made, as grouping by the whole key would."""
    await store_classes(database, work)
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.candidate)"):
        arms = [arm(translator, work, key, k, restrict="candidate") for k in work.members]
        await group(database, work, key, arms)
        await store_classes(database, work)
    await database.execute("DROP TABLE temp.candidate")


async def _set_doubtful_aside(database: Database, work: Work, left: tuple[str, ...]) -> None:
    """Take the classes that hold different rows, or may, out of temp.cls; their rows go to
    temp.candidate."""
    await database.script(
        [
            "CREATE TEMP TABLE candidate(g INTEGER PRIMARY KEY)",
            "CREATE TEMP TABLE doubtful(id INTEGER PRIMARY KEY)",
            "INSERT INTO temp.doubtful SELECT rowid FROM temp.cls WHERE gs IS NOT NULL",
        ]
    )
    if len(work.members) > MOST_PAIRED:
        await database.execute(
            "INSERT INTO temp.doubtful SELECT rowid FROM temp.cls WHERE gs IS NULL"
        )
    else:
        for first, other in combinations(work.members, 2):
            await _compare(database, work, left, first, other)
    if await database.value("SELECT EXISTS (SELECT 1 FROM temp.doubtful)"):
        theirs = "FROM temp.cls WHERE rowid IN (SELECT id FROM temp.doubtful)"
        firsts = [
            f"SELECT g{k} AS g {theirs} AND gs IS NULL AND g{k} IS NOT NULL" for k in work.members
        ]
        for rows in firsts:
            await database.execute(f"INSERT INTO temp.candidate {rows}")
        await database.execute(
            "INSERT INTO temp.candidate SELECT j.value FROM temp.cls, "
            "temp.json_each('[' || gs || ']') j WHERE gs IS NOT NULL"
        )
        await database.execute(f"DELETE {theirs}")
    await database.execute("DROP TABLE temp.doubtful")


async def _compare(
    database: Database, work: Work, left: tuple[str, ...], first: int, other: int
) -> None:
    """Note the classes in which the row of `other` is not that of `first`, their first file."""
    earlier = [f"g{k} IS NULL" for k in work.members if k < first]
    here = " AND ".join([*earlier, f"g{first} IS NOT NULL", f"g{other} IS NOT NULL", "gs IS NULL"])
    differ = combined("OR", [_differ(work, column, first, other) for column in left], "0")
    # In the order of the file, so that a page is read once; a LIMIT keeps the order inside.
    classes = f"SELECT rowid AS id, g{first}, g{other} FROM temp.cls WHERE {here}"
    await database.execute(
        "INSERT INTO temp.doubtful SELECT c.id FROM "
        f"({classes} ORDER BY g{first} LIMIT -1) c "
        f"CROSS JOIN {work.seek(first, 'a')} "
        f"ON a.{work.address(first)} = {work.raw(first, f'c.g{first}')} "
        f"CROSS JOIN {work.seek(other, 'b')} "
        f"ON b.{work.address(other)} = {work.raw(other, f'c.g{other}')} "
        f"WHERE {differ} ON CONFLICT DO NOTHING"
    )


def _differ(work: Work, column: str, first: int, other: int) -> str:
    one, two = work.own(first, column, "a"), work.own(other, column, "b")
    term = f"{one} IS NOT {two} COLLATE BINARY"
    if work.needs_type(column):
        term = f"({term} OR typeof({one}) <> typeof({two}))"
    return term
