"""Applies what a person decided: which rows are one entity, which version wins, which values.

Decisions stand in `pv.decision` and are matched with rows by sets, however many there are.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.decided import BOTH, SAME, Batches, Entry, entry_of
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import MergePlan, Note
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.merge.apart import note_rows
from consolidator_tui.services.merge.conflicts import index_entities
from consolidator_tui.services.merge.decided_rows import (
    bindable,
    find_decided_rows,
    given_value,
    read_keys,
    rows_of,
)
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.rejoin import depth_of, keep_apart, make_one
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

MANUAL = "decision"
TABLES = (
    """CREATE TABLE IF NOT EXISTS pv.decision(
        n INTEGER PRIMARY KEY,
        place TEXT NOT NULL,
        columns TEXT NOT NULL,
        entity TEXT NOT NULL,
        keep TEXT NOT NULL,
        src INTEGER,
        body TEXT NOT NULL,
        more INTEGER NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS pv.decision_place ON decision(place, entity)",
    "CREATE TABLE IF NOT EXISTS pv.also(n INTEGER NOT NULL, columns TEXT, entity TEXT)",
    "CREATE TABLE IF NOT EXISTS pv.path(path TEXT PRIMARY KEY, src INTEGER NOT NULL)",
)
"""`more`: the body holds single values or fields. `also`: further rows that a decision names."""
_TEXT = "CASE typeof({0}) WHEN 'blob' THEN CAST({0} AS TEXT) ELSE {0} END"


@dataclass(frozen=True, slots=True)
class Decided:
    """What the plan decides about one table."""

    any: bool
    apart: bool
    """Some rows are different entities."""
    more: bool
    """Single values or fields are set."""


async def load_decisions(database: Database, plan: MergePlan, stored: Batches | None) -> None:
    """Fill pv.decision with those of the plan document and those that are stored elsewhere."""
    await database.script(TABLES)
    await read_keys(database)
    index = {
        source.path: source.index if source.same_as is None else source.same_as
        for source in plan.sources
    }
    # The rows of an exact copy are read from the file that it is a copy of.
    await database.many(
        f"INSERT INTO pv.path VALUES ({_TEXT.format(':path')}, :source)",
        [{"path": bindable(path), "source": source} for path, source in index.items()],
    )
    await database.execute("BEGIN")
    async for batch in _all(plan, stored):
        await database.many(
            "INSERT INTO pv.decision(place, columns, entity, keep, src, body, more) SELECT "
            + ", ".join(map(_TEXT.format, (":place", ":columns", ":entity", ":keep")))
            + f", :src, {_TEXT.format(':body')}, :more",
            [_row(entry, index) for entry in batch],
        )
    await database.execute(
        "INSERT INTO pv.also SELECT d.n, json_extract(a.value, '$[0]'), "
        "json_extract(a.value, '$[1]') FROM pv.decision d, temp.json_each(d.body, '$.also') a "
        "WHERE d.more"
    )
    await database.execute("COMMIT")


async def _all(plan: MergePlan, stored: Batches | None) -> AsyncIterator[Sequence[Entry]]:
    yield [entry_of(decision) for decision in plan.document.decisions]
    if stored is not None:
        async for batch in stored():
            yield batch


def _row(entry: Entry, index: dict[str, int]) -> dict[str, object]:
    body = json.loads(entry.body)
    return {
        "place": bindable(fold(entry.table)),
        "columns": bindable(entry.columns),
        "entity": bindable(entry.entity),
        "keep": bindable(body["keep"]),
        "src": index.get(body["keep"]),
        "body": bindable(entry.body),
        "more": int(len(body) > 1),
    }


async def decisions_for(database: Database, work: Work) -> Decided:
    """What is decided about a table. Raises PlanError for unknown columns or sources."""
    groups = await database.rows(
        "SELECT columns, keep, src, more, count(*) FROM pv.decision WHERE place = ? "
        "GROUP BY 1, 2, 3, 4",
        (work.key,),
    )
    if not groups:
        return Decided(False, False, False)
    named = await database.rows(
        "SELECT DISTINCT a.columns FROM pv.also a JOIN pv.decision d ON d.n = a.n "
        "WHERE d.place = ?",
        (work.key,),
    )
    names = {name for row in (*groups, *named) for name in json.loads(row[0])}
    more = any(row[3] for row in groups)
    paths = {row[1] for row in groups if row[2] is None and row[1] not in (BOTH, SAME)}
    if more:
        for part in ("values", "fields"):
            found = await database.rows(
                f"SELECT DISTINCT j.key FROM pv.decision d, temp.json_each(d.body, '$.{part}') j "
                "WHERE d.place = ? AND d.more",
                (work.key,),
            )
            names |= {row[0] for row in found}
        unknown = await database.rows(
            "SELECT DISTINCT j.value FROM pv.decision d, temp.json_each(d.body, '$.fields') j "
            "WHERE d.place = ? AND d.more AND j.value NOT IN (SELECT path FROM pv.path)",
            (work.key,),
        )
        paths |= {row[0] for row in unknown}
    _refuse_unknown(work, names, paths)
    return Decided(True, any(row[1] == BOTH for row in groups), more)


def _refuse_unknown(work: Work, names: set[str], paths: set[str]) -> None:
    known = {fold(c.name) for c in work.table.columns}
    for column in sorted(names):
        if fold(column) not in known:
            raise PlanError(
                f"A decision speaks of a column {work.table.name}.{column}, and no source has it.",
                todo="Correct the name.",
            )
    for path in sorted(paths):
        sources = ", ".join(sorted(source.path for source in work.plan.sources))
        raise PlanError(
            f"A decision about {work.table.name} keeps {path}, which is no source.",
            todo=f"Use one of: {sources}, both, same.",
        )


async def regroup(
    database: Database, translator: Translator, work: Work, decided: Decided
) -> list[Note]:
    """Split entities that a person calls different and join those called the same.

    Returns notes about decisions that speak of no row.
    """
    if not decided.any:
        return []
    await find_decided_rows(database, translator, work)
    await index_entities(database, work)
    if decided.apart:
        await keep_apart(database, translator, work, renames=decided.more)
        await note_rows(database, work)
    notes = await _without_rows(database, work)
    await _join(database, work)
    await note_mapped(database, work)
    return notes


async def _without_rows(database: Database, work: Work) -> list[Note]:
    missing = await database.rows(
        "SELECT columns, count(*) FROM pv.decision d WHERE place = ? AND NOT EXISTS "
        f"(SELECT 1 FROM {rows_of(work)} r WHERE r.n = d.n) GROUP BY columns",
        (work.key,),
    )
    if not missing:
        return []
    columns = sorted({name for row in missing for name in json.loads(row[0])})
    total = sum(row[1] for row in missing)
    return [
        Note(
            f"{plural(total, 'decision')} about {work.table.name} {verb(total, 'speaks', 'speak')} "
            "of rows that no source has",
            table=work.table.name,
            column=", ".join(columns),
        )
    ]


async def _join(database: Database, work: Work) -> None:
    """All rows of a decision, and all that were merged with them, become one entity."""
    await database.execute(
        "CREATE TEMP TABLE together AS SELECT d.n AS n, d.g AS g, d.src AS src, "
        f"coalesce(m.canon, d.g) AS c FROM {rows_of(work)} d JOIN pv.decision x ON x.n = d.n "
        f"LEFT JOIN {work.map} m ON m.g = d.g WHERE x.keep <> '{BOTH}'"
    )
    await database.execute(
        f"DELETE FROM pv.doubt WHERE number = {work.table.number} AND g IN "
        "(SELECT g FROM temp.together)"
    )
    several = await database.rows(
        "SELECT n FROM temp.together GROUP BY n HAVING count(DISTINCT c) > 1 ORDER BY n"
    )
    for (number,) in several:
        await make_one(database, work, rows_of(work), number)
    await database.execute("DROP TABLE temp.together")


async def decide_by_hand(database: Database, work: Work, decided: Decided) -> None:
    """Close the conflicts that the plan decides and note single values that it sets."""
    if not decided.any:
        return
    number = work.table.number
    await database.execute(
        "UPDATE pv.conflict SET decided_by = ?, winner = x.g, decision = x.n FROM ("
        # Of several rows of one file, the one that the decision names wins; the last decision
        # counts where two speak of one entity.
        "SELECT canon, g, n FROM (SELECT m.canon AS canon, v.g AS g, d.n AS n, row_number() OVER "
        "(PARTITION BY m.canon ORDER BY d.n DESC, v.g <> d.g, v.g) AS place "
        f"FROM {rows_of(work)} d "
        f"JOIN pv.decision t ON t.n = d.n JOIN {work.map} m ON m.g = d.g "
        f"JOIN pv.version v ON v.number = {number} "
        "AND v.canon = m.canon AND v.kind <> 'unique' AND v.src = t.src "
        "WHERE t.src IS NOT NULL) WHERE place = 1) x "
        f"WHERE conflict.number = {number} AND conflict.kind <> 'unique' "
        "AND conflict.canon = x.canon",
        (MANUAL,),
    )
    await database.execute(
        "UPDATE pv.conflict SET kind = 'values' WHERE number = ? AND kind = 'doubt' AND NOT EXISTS "
        f"(SELECT 1 FROM pv.doubt d JOIN {work.map} m ON m.g = d.g WHERE d.number = ? "
        "AND m.canon = conflict.canon)",
        (number, number),
    )
    await database.execute(
        "UPDATE pv.version SET kind = 'values' WHERE number = ? AND kind = 'doubt' AND EXISTS "
        "(SELECT 1 FROM pv.conflict c WHERE c.number = version.number "
        "AND c.canon = version.canon AND c.kind = 'values')",
        (number,),
    )
    if decided.more:
        await _note_values(database, work, decided)
        await _close_overridden(database, work)


async def _note_values(database: Database, work: Work, decided: Decided) -> None:
    """Fill pv.override: a value set by hand, or taken from another version."""
    number = work.table.number
    await database.execute("DROP TABLE IF EXISTS temp.place_of")
    await database.execute("CREATE TEMP TABLE place_of(name TEXT PRIMARY KEY, place INTEGER)")
    await database.many(
        f"INSERT INTO temp.place_of VALUES ({_TEXT.format(':name')}, :place)",
        [
            {"name": bindable(fold(c.name)), "place": place}
            for place, c in enumerate(work.table.columns)
        ],
    )
    # Different entities: the values change the rows that are not the first source's.
    entity = f"coalesce(m.canon, {work.place_of('d.g')})"
    await database.execute(
        "CREATE TEMP TABLE changed AS SELECT DISTINCT n, e FROM (SELECT d.n AS n, "
        f"{entity} AS e, x.keep AS keep, first_value({entity}) OVER (PARTITION BY d.n "
        f"ORDER BY d.src, d.g) AS head FROM {rows_of(work)} d JOIN pv.decision x ON x.n = d.n "
        f"LEFT JOIN {work.map} m ON m.g = d.g WHERE x.more) "
        f"WHERE CASE keep WHEN '{BOTH}' THEN e <> head ELSE e = head END"
    )
    value = given_value("x.body", "j")
    # The last decision counts; one about a key that another one gave comes after that one.
    order = (
        f"ORDER BY {depth_of(work, 'c.n')} DESC, c.n DESC" if decided.apart else "ORDER BY c.n DESC"
    )
    await database.execute(
        f"INSERT INTO pv.override SELECT {number}, c.e, p.place, {value}, NULL "
        "FROM temp.changed c JOIN pv.decision x ON x.n = c.n, temp.json_each(x.body, '$.values') j "
        f"JOIN temp.place_of p ON p.name = lower(j.key) WHERE 1 {order} "
        "ON CONFLICT DO NOTHING"
    )
    await database.execute(
        f"INSERT INTO pv.override SELECT {number}, c.e, p.place, NULL, v.g "
        "FROM temp.changed c JOIN pv.decision x ON x.n = c.n, temp.json_each(x.body, '$.fields') j "
        "JOIN temp.place_of p ON p.name = lower(j.key) JOIN pv.path t ON t.path = j.value "
        f"JOIN pv.version v ON v.number = {number} AND v.canon = c.e AND v.src = t.src "
        f"WHERE 1 {order} ON CONFLICT DO NOTHING"
    )
    await database.script(["DROP TABLE temp.changed", "DROP TABLE temp.place_of"])


async def _close_overridden(database: Database, work: Work) -> None:
    """Versions that differ only where a person set the value have nothing left to decide."""
    number = work.table.number
    differing = "temp.json_each('[' || trim(conflict.differs, ',') || ']')"
    await database.execute(
        "UPDATE pv.conflict SET decided_by = ?, winner = (SELECT v.g FROM pv.version v "
        "WHERE v.number = conflict.number AND v.canon = conflict.canon AND v.kind = conflict.kind "
        "ORDER BY v.src, v.g LIMIT 1) "
        f"WHERE number = {number} AND kind = 'values' AND decided_by IS NULL AND NOT EXISTS "
        f"(SELECT 1 FROM {differing} j WHERE NOT EXISTS (SELECT 1 FROM pv.override o "
        f"WHERE o.number = {number} AND o.g = conflict.canon AND o.place = j.value))",
        (MANUAL,),
    )
