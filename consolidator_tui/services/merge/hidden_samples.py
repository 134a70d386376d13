"""Takes numbers out of texts, by SQL: of JSON, of lists like `1,2,3`, of `user:7`.

Table-valued functions are called by way of `temp`: a source may have a table of their name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from consolidator_tui.services.merge.work import Work
from consolidator_tui.storage.sqlite import Database

_LONGEST = 1 << 16
"""Characters of a text that is taken apart."""
_MOST = 20_000
"""Values inside all texts of a column that are looked at."""
_LABELS = 200
"""Names of values inside the texts of a column that are looked at."""
NODES = (
    "DROP TABLE IF EXISTS temp.node",
    "CREATE TEMP TABLE node(r INTEGER, id INTEGER, parent INTEGER, key, type TEXT, atom, "
    "PRIMARY KEY (r, id)) WITHOUT ROWID",
    "DROP TABLE IF EXISTS temp.inside",
    "CREATE TEMP TABLE inside(label TEXT, many INTEGER, n INTEGER)",
)
"""What a text is made of, and the numbers in it by the name that speaks of them."""


class Shape(Enum):
    """What the texts of a column look like."""

    JSON = 1
    LIST = 2
    LABELLED = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of one column in one file."""

    work: Work
    source: int
    column: str
    size: int
    """Rows from each end."""

    def rows(self, columns: Sequence[str]) -> str:
        """A SELECT of these columns (named c0, c1, …) of the rows."""
        work, source = self.work, self.source
        chosen = ", ".join(f"{work.own(source, c)} AS c{n}" for n, c in enumerate(columns))
        read = f"SELECT {chosen} FROM {work.read(source)} ORDER BY s.{work.address(source)}"
        rest = min(self.size, max(0, work.count(source) - self.size))
        last = f" UNION ALL SELECT * FROM ({read} DESC LIMIT {rest})" if rest else ""
        return f"SELECT * FROM ({read} LIMIT {self.size}){last}"

    @property
    def texts(self) -> str:
        """A SELECT of the texts (named v) that can be taken apart."""
        return (
            f"SELECT c0 AS v FROM ({self.rows([self.column])}) "
            f"WHERE typeof(c0) = 'text' AND length(c0) <= {_LONGEST}"
        )


def first_look(samples: Sequence[Sample]) -> str:
    """A SELECT that counts the texts of several columns of one table, and their shapes."""
    terms = []
    for n in range(len(samples)):
        c = f"c{n}"
        listed = f"{c} GLOB '[0-9,;|]*' AND {c} NOT GLOB '*[^0-9,;| ]*'"
        labelled = f"{c} GLOB '[A-Za-z]*[:/#][0-9]*' AND {c} NOT GLOB '*[:/#]*[^0-9]*'"
        terms += [
            f"count(*) FILTER (WHERE typeof({c}) = 'text' AND {c} <> '')",
            f"count(*) FILTER (WHERE typeof({c}) = 'text' AND substr({c}, 1, 1) IN ('[', '{{'))",
            f"count(*) FILTER (WHERE typeof({c}) = 'text' AND {listed})",
            f"count(*) FILTER (WHERE typeof({c}) = 'text' AND {labelled})",
        ]
    rows = samples[0].rows([sample.column for sample in samples])
    return f"SELECT {', '.join(terms)} FROM ({rows})"


def judged(samples: Sequence[Sample], counts: Sequence[int]) -> Iterator[tuple[Sample, Shape]]:
    """The columns of a first look whose texts nearly all have one shape."""
    for place, sample in enumerate(samples):
        texts, *shaped = counts[place * 4 : place * 4 + 4]
        for shape, count in zip(Shape, shaped, strict=True):
            if texts and count * 10 >= texts * 9:
                yield sample, shape
                break


async def collect(database: Database, sample: Sample, shape: Shape) -> list[tuple[str, bool, int]]:
    """Fill temp.inside with the numbers in the texts of a column.

    Returns the names that speak of numbers alone, whether they speak of several in one text, and
    how many different ones there are.
    """
    await database.script(["DELETE FROM temp.node", "DELETE FROM temp.inside"])
    if shape is Shape.JSON:
        await _take_json(database, sample)
    elif shape is Shape.LIST:
        await _take_lists(database, sample)
    else:
        await _take_labelled(database, sample)
    # 0 and -1 stand for none.
    rows = await database.rows(
        "SELECT label, many, count(DISTINCT n) FILTER (WHERE n NOT IN (0, -1)) AS seen "
        "FROM temp.inside WHERE label IS NOT NULL GROUP BY label, many "
        f"HAVING count(*) = count(n) AND seen > 0 LIMIT {_LABELS}"
    )
    await database.execute("DELETE FROM temp.inside WHERE n IN (0, -1)")
    return [(label, bool(many), seen) for label, many, seen in rows]


def _number(value: str, kind: str) -> str:
    """The integer that a JSON value is, or spells; NULL for others."""
    return (
        f"CASE WHEN {kind} = 'integer' THEN {value} WHEN {kind} = 'text' AND length({value}) < 19 "
        f"AND {value} GLOB '[1-9]*' AND {value} NOT GLOB '*[^0-9]*' "
        f"THEN CAST({value} AS INTEGER) END"
    )


async def _take_json(database: Database, sample: Sample) -> None:
    """By the name of each value; of an `id` by that of what it is the id of."""
    await database.execute(
        "INSERT INTO temp.node SELECT t.r, j.id, j.parent, j.key, j.type, j.atom FROM "
        f"(SELECT row_number() OVER () AS r, v FROM ({sample.texts})) t "
        "CROSS JOIN temp.json_tree(CASE WHEN json_valid(t.v) THEN t.v ELSE '[]' END) j "
        f"LIMIT {_MOST}"
    )
    whole = "typeof(p.key) <> 'text' AND (p.parent IS NULL OR g.parent IS NULL)"
    holder = (
        f"CASE WHEN typeof(p.key) = 'text' THEN p.key WHEN {whole} THEN ? "
        "WHEN typeof(g.key) = 'text' THEN g.key END"
    )
    await database.execute(
        "INSERT INTO temp.inside SELECT CASE WHEN typeof(n.key) = 'text' AND lower(n.key) NOT IN "
        f"('id', 'ids') THEN n.key WHEN typeof(n.key) = 'text' THEN {holder} || '_id' "
        f"ELSE {holder} END, typeof(n.key) = 'integer', {_number('n.atom', 'n.type')} "
        "FROM temp.node n LEFT JOIN temp.node p ON p.r = n.r AND p.id = n.parent "
        "LEFT JOIN temp.node g ON g.r = n.r AND g.id = p.parent "
        "WHERE n.parent IS NOT NULL AND n.type NOT IN ('object', 'array', 'null')",
        (sample.column, sample.column),
    )


async def _take_lists(database: Database, sample: Sample) -> None:
    """Under the column's name; where every text is one number, they are no lists."""
    plain = "trim(replace(replace(v, ';', ','), '|', ','), ', ')"
    await database.execute(
        "INSERT INTO temp.inside SELECT ?, max(instr(t.v, ',')) OVER () > 0, "
        f"{_number('j.atom', 'j.type')} FROM (SELECT '[' || {plain} || ']' AS v "
        f"FROM ({sample.texts}) WHERE v <> '') t "
        "CROSS JOIN temp.json_each(CASE WHEN json_valid(t.v) THEN t.v ELSE '[null]' END) j "
        f"LIMIT {_MOST}",
        (sample.column,),
    )


async def _take_labelled(database: Database, sample: Sample) -> None:
    """Under what stands before the number."""
    at = "max(instr(v, ':'), instr(v, '/'), instr(v, '#'))"
    await database.execute(
        f"INSERT INTO temp.inside SELECT substr(v, 1, {at} - 1) || '_id', 0, "
        f"CASE WHEN length(v) - {at} < 19 THEN CAST(substr(v, {at} + 1) AS INTEGER) END "
        f"FROM ({sample.texts}) WHERE v <> '' AND {at} > 0"
    )
