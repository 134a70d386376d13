"""Names every conflict the way a decision about it does, so that both are matched by sets."""

from __future__ import annotations

import json

from consolidator_tui.domain.decided import columns_key
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.sqltext import combined
from consolidator_tui.storage.sqlite import Database, literal


async def name_groups(database: Database, translator: Translator, work: Work) -> None:
    """Fill columns, entity, sources and hand of the table's rows in pv.conflict."""
    number = work.table.number
    if not await database.value(
        f"SELECT EXISTS (SELECT 1 FROM pv.conflict WHERE number = {number})"
    ):
        return
    await database.function("real_text", 1, repr)
    await database.execute(
        "CREATE TEMP TABLE first AS SELECT id, canon, g, src, differs, kind FROM ("
        "SELECT c.id AS id, c.canon AS canon, c.differs AS differs, c.kind AS kind, v.g AS g, "
        "v.src AS src, row_number() OVER (PARTITION BY c.id ORDER BY v.src, v.g) AS place "
        "FROM pv.conflict c CROSS JOIN pv.version v ON v.number = c.number "
        f"AND v.canon = c.canon AND v.kind = c.kind WHERE c.number = {number}) WHERE place = 1"
    )
    await _note_sources(database, work)
    names = identity_columns(work)
    await _name(database, translator, work, names, "f.kind <> 'unique'")
    for (differs,) in await database.rows(
        "SELECT DISTINCT differs FROM temp.first WHERE kind = 'unique'"
    ):
        shared = tuple(work.table.columns[int(p)].name for p in differs.split(",") if p)
        await _name(
            database,
            translator,
            work,
            shared,
            f"f.kind = 'unique' AND f.differs = {literal(differs)}",
        )
    await database.execute("DROP TABLE temp.first")
    await database.execute(
        "UPDATE pv.conflict SET hand = d.body, columns = d.columns, entity = d.entity "
        f"FROM pv.decision d WHERE d.n = conflict.decision AND conflict.number = {number}"
    )
    await database.execute(
        "UPDATE pv.conflict SET hand = '{\"keep\":\"both\"}' WHERE decided_by = 'decision' "
        f"AND decision IS NULL AND number = {number}"
    )
    await database.script(
        [
            "CREATE INDEX IF NOT EXISTS pv.conflict_entity ON conflict(number, entity)",
            "CREATE INDEX IF NOT EXISTS pv.conflict_like ON conflict(number, sources, differs)",
        ]
    )


def identity_columns(work: Work) -> tuple[str, ...]:
    """The columns whose values name an entity in all its versions."""
    if work.table.identity.columns:
        return work.table.identity.columns
    if work.table.surrogate is not None and work.table.families:
        return (work.table.surrogate,)
    return tuple(c.name for c in work.table.columns if c.name != work.table.surrogate)


async def _note_sources(database: Database, work: Work) -> None:
    marks = combined(
        "||", [f"CASE WHEN max(v.src = {k}) THEN '{k},' ELSE '' END" for k in work.members], "''"
    )
    await database.execute(
        "UPDATE pv.conflict SET sources = ',' || x.marks FROM (SELECT c.id AS id, "
        f"{marks} AS marks FROM pv.conflict c CROSS JOIN pv.version v ON v.number = c.number "
        f"AND v.canon = c.canon AND v.kind = c.kind WHERE c.number = {work.table.number} "
        "GROUP BY c.id) x WHERE x.id = conflict.id"
    )


async def _name(
    database: Database,
    translator: Translator,
    work: Work,
    names: tuple[str, ...],
    condition: str,
) -> None:
    columns = columns_key(names)
    for source in work.members:
        entity = entity_sql(translator, work, source, names)
        await database.execute(
            "UPDATE pv.conflict SET columns = ?, entity = x.entity FROM ("
            f"SELECT f.id AS id, {entity} AS entity FROM temp.first f "
            f"CROSS JOIN {work.seek(source)} "
            f"ON s.{work.address(source)} = {work.raw(source, 'f.g')} "
            f"WHERE f.src = {source} AND {condition}) x WHERE x.id = conflict.id",
            (columns,),
        )


def entity_sql(
    translator: Translator, work: Work, source: int, names: tuple[str, ...], canon: str = "f.canon"
) -> str:
    """SQL that spells the values of columns as a decision's key does (domain/decided.py)."""
    places = {c.name: place for place, c in enumerate(work.table.columns)}
    parts = []
    for name in json.loads(columns_key(names)):
        value = translator.value(work, source, name)
        if work.overridden:
            # What an earlier decision made of the key is its name now.
            given = (
                f"FROM pv.override o WHERE o.number = {work.table.number} AND o.g = {canon} "
                f"AND o.place = {places[name]} AND o.from_g IS NULL"
            )
            value = (
                f"CASE WHEN EXISTS (SELECT 1 {given}) THEN (SELECT o.value {given}) "
                f"ELSE {value} END"
            )
        parts.append(_spelled(value))
    return f"'[' || {combined('||', _with_commas(parts), '')} || ']'"


def _with_commas(parts: list[str]) -> list[str]:
    found: list[str] = []
    for part in parts:
        found += [part] if not found else ["','", part]
    return found


def _spelled(value: str) -> str:
    return (
        f"CASE typeof({value}) WHEN 'blob' THEN '{{\"blob\":\"' || lower(hex({value})) || '\"}}' "
        f"WHEN 'real' THEN '{{\"real\":\"' || real_text({value}) || '\"}}' "
        f"ELSE json_quote({value}) END"
    )
