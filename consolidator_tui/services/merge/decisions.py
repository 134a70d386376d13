"""Applies what a person decided: which rows are one entity, which version wins, which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import Note
from consolidator_tui.domain.plan import Decision, Value
from consolidator_tui.services.merge.classify import note_mapped
from consolidator_tui.services.merge.conflicts import index_entities
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database, quote

BOTH = "both"
SAME = "same"
MANUAL = "decision"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A decision and its place in the plan."""

    number: int
    decision: Decision


def decisions_for(work: Work) -> list[Numbered]:
    """The plan's decisions about a table. Raises PlanError for unknown columns or sources."""
    found = []
    paths = {source.path for source in work.plan.sources}
    for number, decision in enumerate(work.plan.document.decisions):
        if fold(decision.table) != work.key:
            continue
        names = {fold(c.name) for c in work.table.columns}
        also = (column for row in decision.also for column in row)
        for column in (*decision.entity, *also, *decision.values, *decision.fields):
            if fold(column) not in names:
                raise PlanError(
                    f"A decision speaks of a column {decision.table}.{column}, "
                    "and no source has it.",
                    todo="Correct the name.",
                )
        for source in (decision.keep, *decision.fields.values()):
            if source not in (BOTH, SAME) and source not in paths:
                raise PlanError(
                    f"A decision about {decision.table} keeps {source}, which is no source.",
                    todo=f"Use one of: {', '.join(sorted(paths))}, both, same.",
                )
        found.append(Numbered(number, decision))
    return found


def _index(work: Work) -> dict[str, int]:
    """Source by path; the rows of an exact copy are read from the file that it is a copy of."""
    return {
        source.path: source.index if source.same_as is None else source.same_as
        for source in work.plan.sources
    }


def rows_of(work: Work) -> str:
    """The temporary table with the rows that a table's decisions speak of."""
    return f"temp.decided_{work.table.number}"


async def find_decided_rows(
    database: Database, translator: Translator, work: Work, decided: list[Numbered]
) -> None:
    """Make temp.decided_<table>(n, g, src): the rows that each decision speaks of."""
    await database.execute(f"DROP TABLE IF EXISTS {rows_of(work)}")
    await database.execute(
        f"CREATE TABLE {rows_of(work)}(n INTEGER, g INTEGER, src INTEGER, PRIMARY KEY(n, g)) "
        "WITHOUT ROWID"
    )
    by_columns: dict[tuple[str, ...], list[tuple[int, Mapping[str, Value]]]] = {}
    for item in decided:
        for row in (item.decision.entity, *item.decision.also):
            by_columns.setdefault(tuple(sorted(row)), []).append((item.number, row))
    for names, items in by_columns.items():
        await _find(database, translator, work, names, items)


async def _find(
    database: Database,
    translator: Translator,
    work: Work,
    names: tuple[str, ...],
    items: list[tuple[int, Mapping[str, Value]]],
) -> None:
    columns = [next(c.name for c in work.table.columns if fold(c.name) == fold(n)) for n in names]
    wanted = ", ".join(f"w{place}" for place in range(len(names)))
    await database.execute(f"CREATE TEMP TABLE wanted(n INTEGER, {wanted})")
    marks = ", ".join("?" for _ in range(len(names) + 1))
    await database.many(
        f"INSERT INTO temp.wanted VALUES ({marks})",
        [(number, *(row[name] for name in names)) for number, row in items],
    )
    for source in work.members:
        terms = []
        for place, column in enumerate(columns):
            own = work.own(source, column)
            # Numbers of other rows mean what they mean in the target: ids differ by file.
            value = translator.value(work, source, column) if own else "NULL"
            terms.append(f"{value} IS w.w{place}")
        await database.execute(
            f"INSERT INTO {rows_of(work)} SELECT w.n, {work.g(source)}, {source} "
            f"FROM temp.wanted w CROSS JOIN {work.seek(source)} "
            f"ON {' AND '.join(terms) or '0'} WHERE 1 "
            "ON CONFLICT DO NOTHING"
        )
    await database.execute("DROP TABLE temp.wanted")


async def regroup(
    database: Database, translator: Translator, work: Work, decided: list[Numbered]
) -> list[Note]:
    """Split entities that a person calls different and join those called the same.

    Returns notes about decisions that speak of no row.
    """
    if not decided:
        return []
    await find_decided_rows(database, translator, work, decided)
    notes = await _without_rows(database, work, decided)
    await index_entities(database, work)
    apart = [item.number for item in decided if item.decision.keep == BOTH]
    together = [item.number for item in decided if item.decision.keep != BOTH]
    if apart:
        await _split(database, work, apart)
    for number in together:
        await _join(database, work, number)
    await note_mapped(database, work)
    return notes


async def _without_rows(database: Database, work: Work, decided: list[Numbered]) -> list[Note]:
    known = {row[0] for row in await database.rows(f"SELECT DISTINCT n FROM {rows_of(work)}")}
    missing = [item for item in decided if item.number not in known]
    if not missing:
        return []
    columns = sorted({name for item in missing for name in item.decision.entity})
    return [
        Note(
            f"{len(missing)} decisions about {work.table.name} speak of rows that no source has",
            table=work.table.name,
            column=", ".join(columns),
        )
    ]


async def _split(database: Database, work: Work, numbers: list[int]) -> None:
    chosen = ", ".join(map(str, numbers))
    await database.execute(
        f"DELETE FROM {work.map} WHERE canon IN (SELECT m.canon FROM {rows_of(work)} d "
        f"JOIN {work.map} m ON m.g = d.g WHERE d.n IN ({chosen}))"
    )
    await database.execute(
        f"DELETE FROM pv.doubt WHERE number = {work.table.number} AND g IN "
        f"(SELECT g FROM {rows_of(work)} WHERE n IN ({chosen}))"
    )


async def _join(database: Database, work: Work, number: int) -> None:
    """All rows of a decision, and all that were merged with them, become one entity."""
    heads = await database.rows(
        f"SELECT DISTINCT coalesce(m.canon, d.g) FROM {rows_of(work)} d "
        f"LEFT JOIN {work.map} m ON m.g = d.g WHERE d.n = {number} ORDER BY d.src, d.g"
    )
    await database.execute(
        f"DELETE FROM pv.doubt WHERE number = {work.table.number} AND g IN "
        f"(SELECT g FROM {rows_of(work)} WHERE n = {number})"
    )
    if len(heads) < 2:
        return
    work.joined = True
    head = heads[0][0]
    await database.execute(
        "INSERT INTO pv.joined VALUES (?, ?) ON CONFLICT DO NOTHING", (work.table.number, head)
    )
    for (other,) in heads[1:]:
        await database.execute(
            f"UPDATE {work.map} SET canon = ?, keep = 0 WHERE canon = ?", (head, other)
        )
        await database.execute(
            f"INSERT INTO {work.map} VALUES (?, ?, 0) ON CONFLICT(g) DO UPDATE SET "
            "canon = excluded.canon, keep = 0",
            (other, head),
        )
    await database.execute(
        f"INSERT INTO {work.map} VALUES (?, ?, 1) ON CONFLICT(g) DO UPDATE SET keep = 1",
        (head, head),
    )


async def decide_by_hand(database: Database, work: Work, decided: list[Numbered]) -> None:
    """Close the conflicts that the plan decides and note single values that it sets."""
    if not decided:
        return
    number = work.table.number
    index = _index(work)
    await database.execute("DROP TABLE IF EXISTS temp.verdict")
    await database.execute("CREATE TEMP TABLE verdict(n INTEGER PRIMARY KEY, src INTEGER)")
    await database.many(
        "INSERT INTO temp.verdict VALUES (?, ?)",
        [
            (item.number, index[item.decision.keep])
            for item in decided
            if item.decision.keep in index
        ],
    )
    await database.execute(
        "UPDATE pv.conflict SET decided_by = ?, winner = x.g FROM ("
        # Of several rows of one file, the one that the decision names wins.
        "SELECT canon, g FROM (SELECT m.canon AS canon, v.g AS g, row_number() OVER "
        "(PARTITION BY m.canon ORDER BY v.g <> d.g, v.g) AS place "
        f"FROM {rows_of(work)} d "
        f"JOIN temp.verdict t ON t.n = d.n JOIN {work.map} m ON m.g = d.g "
        f"JOIN pv.version v ON v.number = {number} "
        "AND v.canon = m.canon AND v.kind <> 'unique' AND v.src = t.src) WHERE place = 1) x "
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
    await _note_values(database, work, decided)


async def _note_values(database: Database, work: Work, decided: list[Numbered]) -> None:
    """Fill pv.override: a value set by hand, or taken from another version."""
    number = work.table.number
    places = {fold(c.name): place for place, c in enumerate(work.table.columns)}
    index = _index(work)
    for item in decided:
        decision = item.decision
        if not decision.values and not decision.fields:
            continue
        rows = await database.rows(
            f"SELECT DISTINCT coalesce(m.canon, {work.place_of('d.g')}), d.src, d.g "
            f"FROM {rows_of(work)} d LEFT JOIN {work.map} m ON m.g = d.g "
            f"WHERE d.n = {item.number} ORDER BY d.src, d.g"
        )
        # Different entities: the values change the rows that are not the first source's.
        targets = rows[1:] if decision.keep == BOTH else rows[:1]
        for entity, _, _ in targets:
            for column, value in decision.values.items():
                await database.execute(
                    "INSERT INTO pv.override VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                    (number, entity, places[fold(column)], value),
                )
            for column, path in decision.fields.items():
                await database.execute(
                    "INSERT INTO pv.override SELECT ?, ?, ?, NULL, v.g FROM pv.version v "
                    "WHERE v.number = ? AND v.canon = ? AND v.src = ? ON CONFLICT DO NOTHING",
                    (number, entity, places[fold(column)], number, entity, index[path]),
                )


def quoted_column(work: Work, place: int) -> str:
    """The quoted name of the column at a place."""
    return quote(work.table.columns[place].name)
