"""Rows that one descendant of the ancestor deleted and others still have.

An entity is dropped only if every row of it is the ancestor's, unchanged, and nothing that stays
refers to it; otherwise it stays, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.domain.merge import Note, Reference
from consolidator_tui.domain.plan import Deletions
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.merge.heirs import Past, compared, heirs, past_of
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.sqltext import combined, sql_value
from consolidator_tui.storage.sqlite import Database, quote

TABLE = (
    "CREATE TABLE IF NOT EXISTS pv.dropped(number INTEGER NOT NULL, g INTEGER NOT NULL, "
    "canon INTEGER NOT NULL, a INTEGER NOT NULL, PRIMARY KEY(number, g)) WITHOUT ROWID"
)
"""Rows that are not in the target because another source deleted them: their ancestor's address."""


async def settle_deletions(database: Database, works: Sequence[Work]) -> list[Note]:
    """Drop what was deleted since the ancestor, where the plan honours that; notes about it."""
    found = [(work, past) for work in works if (past := past_of(work)) is not None]
    honoured = bool(works) and works[0].plan.document.deletions is Deletions.HONOUR
    notes = _unseen(works, {work.key for work, _ in found}) if honoured else []
    if not any(len(past.sources) > 1 for _, past in found):
        return notes
    await database.execute("BEGIN")
    await database.execute(
        "CREATE TEMP TABLE dead(number INTEGER, g INTEGER, canon INTEGER, a INTEGER, "
        "PRIMARY KEY(number, g)) WITHOUT ROWID"
    )
    for work, past in found:
        notes += await _find(database, work, past, honoured)
    if honoured:
        notes += await _spare_parents(database, works)
        for work, _ in found:
            await _drop(database, work)
    await database.execute("DROP TABLE temp.dead")
    await database.execute("COMMIT")
    return notes


def _unseen(works: Sequence[Work], followed: set[str]) -> list[Note]:
    """Tables of the ancestor whose rows nothing follows: of those, deletions are not known."""
    found = []
    for work in works:
        ancestor = work.plan.ancestor
        if ancestor is None or work.key in followed or work.table.table.kind is TableKind.SHADOW:
            continue
        names = [
            fold(str(work.table.sources[k])) for k in ancestor.descendants if k in work.members
        ]
        if len(names) > 1 and {work.key, *names} & set(ancestor.schema.tables):
            found.append(_note(work, "rows cannot be followed from the ancestor: none is deleted"))
    return found


async def _find(database: Database, work: Work, past: Past, honoured: bool) -> list[Note]:
    """Put rows that only some descendants still have into temp.dead."""
    number = work.table.number
    canon = f"coalesce(m.canon, {work.place_of('h.g')})"
    await database.execute(
        f"CREATE TEMP TABLE missing AS SELECT h.g AS g, {canon} AS canon, h.a AS a, h.src AS src, "
        f"0 AS changed FROM {heirs(work)} h LEFT JOIN {work.map} m ON m.g = h.g "
        f"WHERE h.a IN (SELECT a FROM {heirs(work)} GROUP BY a "
        f"HAVING count(DISTINCT src) < {len(past.sources)})"
    )
    for source in past.sources:
        same = combined("AND", compared(work, past, source), "1")
        await database.execute(
            "UPDATE temp.missing SET changed = 1 WHERE src = "
            f"{source} AND NOT EXISTS (SELECT 1 FROM {work.seek(source)} "
            f"CROSS JOIN {past.rows} AS a WHERE s.{work.address(source)} = "
            f"{work.raw(source, 'missing.g')} AND a.{past.address} = missing.a AND {same})"
        )
    await database.execute("CREATE INDEX temp.missing_canon ON missing(canon)")
    # A row that came from elsewhere keeps the entity alive, and so does a change.
    strangers = (
        f"SELECT m.canon FROM {work.map} m WHERE m.canon IN (SELECT canon FROM temp.missing) "
        "AND m.g NOT IN (SELECT g FROM temp.missing)"
    )
    alive = f"canon IN (SELECT canon FROM temp.missing WHERE changed) OR canon IN ({strangers})"
    kept = await database.value(f"SELECT count(DISTINCT canon) FROM temp.missing WHERE {alive}")
    total = await database.value("SELECT count(DISTINCT canon) FROM temp.missing")
    notes = []
    if honoured:
        await database.execute(
            f"INSERT INTO temp.dead SELECT {number}, g, canon, a FROM temp.missing "
            f"WHERE NOT ({alive})"
        )
        if kept:
            notes.append(
                _note(
                    work,
                    f"{plural(kept, 'row')} that one file deleted {verb(kept, 'was', 'were')} "
                    "changed in "
                    f"another and {verb(kept, 'stays', 'stay')}",
                )
            )
    elif total:
        notes.append(
            _note(
                work,
                f"{plural(total, 'row')} of the ancestor {verb(total, 'was', 'were')} deleted "
                "in one file and "
                f"{verb(total, 'stays', 'stay')}, because another "
                f'has {verb(total, "it", "them")} (deletions = "honour" drops '
                f"{verb(total, 'it', 'them')})",
            )
        )
    await database.execute("DROP TABLE temp.missing")
    return notes


async def _spare_parents(database: Database, works: Sequence[Work]) -> list[Note]:
    """Take out of temp.dead what rows that stay refer to, until nothing changes."""
    by_key = {work.key: work for work in works}
    spared: dict[str, int] = {}
    again = True
    while again:
        again = False
        for child in works:
            for reference in child.table.references:
                parent = by_key.get(fold(reference.parent))
                if parent is None:
                    continue
                for source in child.members:
                    count = await _spare(database, child, parent, reference, source)
                    if count:
                        spared[parent.table.name] = spared.get(parent.table.name, 0) + count
                        again = True
    return [
        _note(
            by_key[fold(name)],
            f"{plural(count, 'row')} that one file deleted {verb(count, 'is', 'are')} referred "
            "to and "
            f"{verb(count, 'stays', 'stay')}",
        )
        for name, count in spared.items()
    ]


async def _spare(
    database: Database, child: Work, parent: Work, reference: Reference, source: int
) -> int:
    if source not in parent.members:
        return 0
    ours = [_named(child, source, name, "s") for name in reference.columns]
    theirs = [_named(parent, source, name, "p") for name in reference.parent_columns]
    if None in ours or None in theirs or not theirs:
        return 0
    terms = [f"{a} = {b}" for a, b in zip(theirs, ours, strict=True)]
    terms += [
        f"{_named(child, source, name, 's') or 'NULL'} IS {sql_value(value)}"
        for name, value in reference.terms(source).items()
    ]
    g = parent.moved(source, f"p.{parent.address(source)}")
    initial = (
        f"SELECT d.g, d.canon FROM {child.read(source)} CROSS JOIN {parent.rows(source).sql} AS p "
        f"ON {' AND '.join(terms)} CROSS JOIN temp.dead d ON d.number = {parent.table.number} "
        f"AND d.g = {g} WHERE NOT EXISTS (SELECT 1 FROM temp.dead o "
        f"WHERE o.number = {child.table.number} AND o.g = {child.g(source)})"
    )
    if child is parent:
        # A chain of such rows is followed at once, not one link with every reading of the table.
        initial += (
            f" UNION SELECT d.g, d.canon FROM up CROSS JOIN {child.seek(source)} "
            f"ON s.{child.address(source)} = {child.raw(source, 'up.g')} "
            f"CROSS JOIN {parent.rows(source).sql} AS p ON {' AND '.join(terms)} "
            f"CROSS JOIN temp.dead d ON d.number = {parent.table.number} AND d.g = {g}"
        )
    await database.execute(
        "CREATE TEMP TABLE spared AS WITH RECURSIVE up(g, canon) AS "
        f"({initial}) SELECT DISTINCT canon FROM up"
    )
    count = int(await database.value("SELECT count(*) FROM temp.spared"))
    if count:
        await database.execute(
            f"DELETE FROM temp.dead WHERE number = {parent.table.number} "
            "AND canon IN (SELECT canon FROM temp.spared)"
        )
    await database.execute("DROP TABLE temp.spared")
    return count


def _named(work: Work, source: int, name: str, alias: str) -> str | None:
    column = next((c for c in work.table.columns if fold(c.name) == fold(name)), None)
    own = None if column is None else column.sources[source]
    return None if own is None else f"{alias}.{quote(own)}"


async def _drop(database: Database, work: Work) -> None:
    """Nothing is kept of the entities in temp.dead."""
    number = work.table.number
    if not await database.value(
        "SELECT EXISTS (SELECT 1 FROM temp.dead WHERE number = ?)", (number,)
    ):
        return
    await database.execute(
        f"INSERT INTO {work.map} SELECT g, canon, 0 FROM temp.dead WHERE number = {number} "
        "ON CONFLICT(g) DO UPDATE SET keep = 0"
    )
    await database.execute(
        f"INSERT INTO pv.dropped SELECT number, g, canon, a FROM temp.dead WHERE number = {number}"
    )
    await note_mapped(database, work)


def _note(work: Work, text: str) -> Note:
    return Note(f"{work.table.name}: {text}", table=work.table.name)
