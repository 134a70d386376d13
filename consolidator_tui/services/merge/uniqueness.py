"""Finds different entities that would share a UNIQUE key in the target: never resolved by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consolidator_tui.domain.catalog import UniqueKey, fold
from consolidator_tui.domain.merge import IdentityKind
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database, quote


@dataclass(frozen=True, slots=True)
class TargetKey:
    """A UNIQUE key that the target will enforce, by target column names."""

    columns: tuple[str, ...]
    collations: tuple[str, ...]


def target_keys(work: Work) -> list[TargetKey]:
    """The UNIQUE keys of the target's table, and those of indexes that come from sources."""
    found: dict[tuple[str, ...], TargetKey] = {}
    for source in work.members:
        table = work.plan.sources[source].schema.tables[fold(str(work.table.sources[source]))]
        for key in table.unique_keys:
            if source != work.members[0] and key.origin != "c":
                continue
            names = []
            for own in key.columns:
                column = next(
                    (c.name for c in work.table.columns
                     if c.sources[source] and fold(str(c.sources[source])) == fold(own)),
                    None,
                )  # fmt: skip
                names.append(column)
            columns = tuple(name for name in names if name is not None)
            if len(columns) == len(names) and columns != (work.table.surrogate,):
                found.setdefault(tuple(map(fold, columns)), TargetKey(columns, key.collations))
    return list(found.values())


def _is_safe(work: Work, key: TargetKey) -> bool:
    """The identity is this very key, and every source holds it unique."""
    identity = work.table.identity
    if identity.kind is not IdentityKind.COLUMNS:
        return False
    if sorted(identity.columns) != sorted(key.columns):
        return False
    for source in work.members:
        table = work.plan.sources[source].schema.tables[fold(str(work.table.sources[source]))]
        own = {
            fold(str(work.table.column(column).sources[source])): collation
            for column, collation in zip(key.columns, key.collations, strict=True)
        }
        if not any(_implies(unique, own) for unique in table.unique_keys):
            return False
    return True


def _implies(unique: UniqueKey, wanted: Mapping[str, str]) -> bool:
    """Whether rows that a key keeps apart are so under the wanted collations, too.

    What is different without regard to case is different with it, and not the other way round.
    """
    if {fold(name) for name in unique.columns} != set(wanted):
        return False
    return all(
        wanted[fold(name)] in ("BINARY", collation)
        for name, collation in zip(unique.columns, unique.collations, strict=True)
    )


async def find_collisions(
    database: Database, translator: Translator, work: Work, *, decided: bool
) -> int:
    """Put groups of different entities with one UNIQUE key into pv.conflict; how many.

    `decided`: a person called rows different or set values, so that even the identity may be
    there twice.
    """
    if len(work.members) < 2:
        return 0
    number = work.table.number
    total = 0
    for key in target_keys(work):
        if not decided and _is_safe(work, key):
            continue
        arms = [_arm(translator, work, key, source) for source in work.members]
        terms = ", ".join(
            f"k{place} COLLATE {quote(collation)}" for place, collation in enumerate(key.collations)
        )
        await database.execute("DROP TABLE IF EXISTS temp.clash")
        await database.execute(
            "CREATE TEMP TABLE clash AS SELECT group_concat(g) AS gs "
            f"FROM ({' UNION ALL '.join(arms)}) GROUP BY {terms} "
            "HAVING min(entity) < max(entity) AND max(src) > 0"
        )
        places = {c.name: place for place, c in enumerate(work.table.columns)}
        differs = "," + ",".join(str(places[name]) for name in key.columns) + ","
        src = work.source_of("j.value")
        await database.execute(
            "CREATE TEMP TABLE clash_member AS SELECT c.rowid AS c, j.value AS g, "
            f"{src} AS src FROM temp.clash c, temp.json_each('[' || c.gs || ']') j"
        )
        total += await database.changes(
            "INSERT INTO pv.conflict(number, canon, kind, differs) "
            f"SELECT {number}, g, 'unique', ? FROM (SELECT c, g, row_number() OVER "
            "(PARTITION BY c ORDER BY src, g) AS n FROM temp.clash_member) WHERE n = 1 "
            "ON CONFLICT DO NOTHING",
            (differs,),
        )
        await database.execute(
            "INSERT INTO pv.version(number, canon, kind, g, src) "
            f"SELECT {number}, first_value(g) OVER (PARTITION BY c ORDER BY src, g), 'unique', "
            "g, src FROM temp.clash_member WHERE 1 ON CONFLICT DO NOTHING"
        )
        await database.script(["DROP TABLE temp.clash", "DROP TABLE temp.clash_member"])
    return total


def _arm(translator: Translator, work: Work, key: TargetKey, source: int) -> str:
    """The rows of one source with their key as it would be written.

    Versions that a rule drops count too: a version whose key points at another entity says that
    the identity may be wrong. Only what a person dropped is out.
    """
    chosen = []
    conditions = []
    if work.mapped:
        conditions.append(
            f"NOT EXISTS (SELECT 1 FROM {work.map} m JOIN pv.conflict d ON d.canon = m.canon "
            f"WHERE m.g = {work.g(source)} AND m.keep = 0 AND d.number = {work.table.number} "
            "AND d.decided_by IN ('decision', 'ancestor'))"
        )
    entity = work.placed(source, f"s.{work.address(source)}")
    if work.mapped:
        found = f"SELECT e.canon FROM {work.map} e WHERE e.g = {work.g(source)}"
        entity = f"coalesce(({found}), {entity})"
    places = {c.name: place for place, c in enumerate(work.table.columns)}
    for place, column in enumerate(key.columns):
        value = translator.value(work, source, column)
        if work.overridden:
            value = (
                f"coalesce((SELECT o.value FROM pv.override o WHERE o.number = "
                f"{work.table.number} AND o.g = {entity} AND o.place = {places[column]}), {value})"
            )
        chosen.append(f"{value} AS k{place}")
        conditions.append(f"{value} IS NOT NULL")
    return (
        f"SELECT {', '.join(chosen)}, {work.g(source)} AS g, {source} AS src, "
        f"{entity} AS entity "
        f"FROM {work.read(source)} WHERE {' AND '.join(conditions)}"
    )
