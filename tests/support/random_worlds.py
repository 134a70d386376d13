"""Random projects for property tests: a random schema, a world of entities, files that know parts.

The world is made first, so the same entity sits in several files under other ids, in other
versions, without some columns. Everything is plain data that hypothesis can print.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .reference_graph import quoted

SURROGATE = ("code", "scoped", "rows")
"""Kinds of tables with an INTEGER PRIMARY KEY that means nothing."""
NATURAL = ("code", "text", "scoped", "pair", "line", "shared")
"""Kinds whose rows are known by a key, so that versions can differ."""
VALUES: tuple[Any, ...] = (
    None, "", "a", "A", "ä€", "a|b", "x\0y", "1", "01", 5_000_001, -5_000_002, 2**53 + 1, 1.5,
    1e300, float("inf"), b"", b"\xff\0", "long " * 90,
)  # fmt: skip


@dataclass(frozen=True)
class TableSpec:
    """One table. `parents` are the indexes of earlier tables whose rows its rows need."""

    name: str
    kind: str
    parents: tuple[int, ...] = ()
    optional: tuple[int, ...] = ()
    """Nullable references: earlier tables, itself, or (for natural kinds) later ones."""
    values: int = 1
    auto: bool = False
    without_rowid: bool = False
    versioned: bool = False
    entities: int = 3


@dataclass(frozen=True)
class WorldSpec:
    """All that a random project is made from."""

    tables: tuple[TableSpec, ...]
    files: int
    seed: int
    share: float
    ids: str
    """How a file numbers its rows: "packed" from 1, "spread", or "world" (a shared past)."""
    drops: bool = False
    """Whether some files lack value columns."""


@dataclass
class Entity:
    """One thing of the world: its key parts and, per version, its values and references."""

    table: int
    number: int
    key: dict[str, Any]
    needs: dict[str, Entity]
    versions: list[tuple[dict[str, Any], dict[str, Entity | None]]] = field(default_factory=list)

    def __hash__(self) -> int:
        return hash((self.table, self.number))

    def __eq__(self, other: object) -> bool:
        return self is other


def has_id(spec: TableSpec) -> bool:
    """Whether rows of this kind can be referred to by one column."""
    return spec.kind in (*SURROGATE, "text", "shared")


def key_column(spec: TableSpec) -> str:
    """The column that references to this table hold."""
    return "code" if spec.kind == "text" else "id"


def required(spec: TableSpec) -> list[str]:
    """Names of the NOT NULL reference columns."""
    return ["id"] if spec.kind == "shared" else [f"p{n}" for n in range(len(spec.parents))]


def told_apart(spec: WorldSpec) -> set[int]:
    """Tables whose rows must have no twins because a keyed row leads to them.

    Which of two twins a keyed row belongs to cannot be told across files: that is a conflict.
    """
    found = {n for n, table in enumerate(spec.tables) if table.kind in NATURAL}
    while True:
        more = {p for n in found for p in (*spec.tables[n].parents, *spec.tables[n].optional)}
        if more <= found:
            return found
        found |= more


def make_world(spec: WorldSpec, rng: random.Random) -> list[list[Entity]]:
    """The entities of every table; those of natural kinds have different keys."""
    world: list[list[Entity]] = []
    for index, table in enumerate(spec.tables):
        found: list[Entity] = []
        keys: set[Any] = set()
        for number in range(table.entities):
            if any(not world[parent] for parent in table.parents):
                break
            parents = [rng.choice(world[parent]) for parent in table.parents]
            needs = dict(zip(required(table), parents, strict=True))
            key: dict[str, Any] = {}
            if table.kind in ("code", "text"):
                key["code"] = f"{table.name}-{number}"
            if table.kind == "scoped":
                key["name"] = rng.choice(("x", "y", "z"))
            if table.kind == "line":
                key["line"] = rng.randint(1, 3)
            identity = (tuple(map(id, parents)), tuple(key.values()))
            if table.kind in NATURAL and identity in keys:
                continue
            keys.add(identity)
            found.append(Entity(index, number, key, needs))
        world.append(found)
    apart = told_apart(spec)
    for index, (entities, table) in enumerate(zip(world, spec.tables, strict=True)):
        for entity in entities:
            entity.versions = _versions(entity, spec, world, rng)
            if index in apart and table.kind not in NATURAL:
                entity.versions[0][0]["v0"] = f"{table.name} {entity.number}"
    return world


def _versions(
    entity: Entity, spec: WorldSpec, world: list[list[Entity]], rng: random.Random
) -> list[tuple[dict[str, Any], dict[str, Entity | None]]]:
    table, made = spec.tables[entity.table], []
    for number in range(3 if table.versioned and rng.random() < 0.5 else 1):
        values = {f"v{n}": rng.choice(VALUES) for n in range(table.values)}
        if spec.drops and values:
            # Whether an older version's value fills a column that the winner's file lacks and
            # the next version holds as NULL is nobody's rule: no such case.
            values["v0"] = rng.choice(VALUES[1:])
        if table.versioned:
            values["updated_at"] = f"2024-0{number + 1}-01T00:00:00Z"
        links: dict[str, Entity | None] = {}
        for n, parent in enumerate(table.optional):
            pool = world[parent]
            if parent == entity.table and table.kind not in NATURAL:
                pool = [other for other in pool if other.number < entity.number]
            links[f"o{n}"] = rng.choice(pool) if pool and rng.random() < 0.7 else None
        made.append((values, links))
    return made


def schema_sql(spec: WorldSpec, table: TableSpec, dropped: set[str]) -> str:
    """The CREATE TABLE of one table, without the columns in `dropped`."""
    columns, rules = [], []
    names = [t.name for t in spec.tables]
    if table.kind in SURROGATE:
        columns.append("id INTEGER PRIMARY KEY" + (" AUTOINCREMENT" if table.auto else ""))
    for name, parent in zip(required(table), table.parents, strict=True):
        other = spec.tables[parent]
        kind = "TEXT" if other.kind == "text" else "INTEGER"
        end = " PRIMARY KEY" if table.kind == "shared" else " NOT NULL"
        columns.append(
            f"{name} {kind}{end} REFERENCES {quoted(names[parent])}({key_column(other)})"
        )
    if table.kind == "code":
        columns.append("code TEXT NOT NULL UNIQUE")
    if table.kind == "text":
        columns.append("code TEXT NOT NULL PRIMARY KEY")
    if table.kind == "scoped":
        columns.append("name TEXT NOT NULL")
        rules.append("UNIQUE(p0, name)")
    if table.kind == "line":
        columns.append("line INTEGER NOT NULL")
        rules.append("PRIMARY KEY(p0, line)")
    if table.kind == "pair":
        rules.append("PRIMARY KEY(p0, p1)")
    for n, parent in enumerate(table.optional):
        other = spec.tables[parent]
        kind = "TEXT" if other.kind == "text" else "INTEGER"
        columns.append(f"o{n} {kind} REFERENCES {quoted(names[parent])}({key_column(other)})")
    columns += [f"v{n}" for n in range(table.values) if f"v{n}" not in dropped]
    columns += ["updated_at TEXT"] if table.versioned else []
    tail = " WITHOUT ROWID" if table.without_rowid else ""
    return f"CREATE TABLE {quoted(table.name)}({', '.join(columns + rules)}){tail}"


def write_project(spec: WorldSpec, folder: Path) -> list[Path]:
    """Write the files of a random project; the same spec gives the same files."""
    rng = random.Random(spec.seed)
    world = make_world(spec, rng)
    paths = []
    for number in range(spec.files):
        rows = _known(world, spec, rng)
        path = folder / f"f{number}.db"
        _write(spec, path, rows, rng, number)
        paths.append(path)
    return paths


def _known(
    world: list[list[Entity]], spec: WorldSpec, rng: random.Random
) -> dict[Entity, tuple[int, int]]:
    """Entities of one file: which version of each, and how many copies; closed under references."""
    known: dict[Entity, tuple[int, int]] = {}
    apart = told_apart(spec)

    def learn(entity: Entity) -> None:
        if entity in known:
            return
        version = rng.randrange(len(entity.versions))
        twins = entity.table not in apart and rng.random() < 0.2
        known[entity] = (version, 2 if twins else 1)
        for other in [*entity.needs.values(), *entity.versions[version][1].values()]:
            if other:
                learn(other)

    for entities in world:
        for entity in entities:
            if rng.random() < spec.share:
                learn(entity)
    return known


def _write(
    spec: WorldSpec,
    path: Path,
    rows: dict[Entity, tuple[int, int]],
    rng: random.Random,
    number: int,
) -> None:
    ids = _numbered(spec, rows, rng)
    with contextlib.closing(sqlite3.connect(path)) as con:
        for index, table in enumerate(spec.tables):
            drop = spec.drops and number > 0 and table.kind in NATURAL and rng.random() < 0.4
            dropped = {"v0"} if drop and table.values > 1 else set[str]()
            con.execute(schema_sql(spec, table, dropped))
            for entity, (version, copies) in rows.items():
                if entity.table != index:
                    continue
                for copy in range(copies):
                    row = _row(spec, entity, version, ids, copy)
                    row = {name: value for name, value in row.items() if name not in dropped}
                    cells = ", ".join(map(quoted, row))
                    marks = ", ".join("?" for _ in row)
                    con.execute(
                        f"INSERT INTO {quoted(table.name)} ({cells}) VALUES ({marks})",
                        tuple(row.values()),
                    )
        con.commit()


def _numbered(
    spec: WorldSpec, rows: dict[Entity, tuple[int, int]], rng: random.Random
) -> dict[tuple[Entity, int], Any]:
    """What references to an entity (its first copy) hold in this file."""
    ids: dict[tuple[Entity, int], Any] = {}
    for index, table in enumerate(spec.tables):
        mine = [e for e in rows if e.table == index]
        if table.kind == "text":
            ids |= {(e, 0): e.key["code"] for e in mine}
        if table.kind not in SURROGATE:
            continue
        copies = [(e, n) for e in mine for n in range(rows[e][1])]
        if spec.ids == "world":
            ids |= {(e, n): e.number + 1 + 50 * n for e, n in copies}
            continue
        top = len(copies) if spec.ids == "packed" else 4 * len(copies) + 7
        ids |= dict(zip(copies, rng.sample(range(1, top + 1), len(copies)), strict=True))
    return ids


def _row(
    spec: WorldSpec, entity: Entity, version: int, ids: dict[tuple[Entity, int], Any], copy: int
) -> dict[str, Any]:
    def leads(other: Entity) -> Any:
        return (
            leads(other.needs["id"]) if spec.tables[other.table].kind == "shared" else ids[other, 0]
        )

    values, links = entity.versions[version]
    row: dict[str, Any] = {}
    if spec.tables[entity.table].kind in SURROGATE:
        row["id"] = ids[entity, copy]
    row |= {name: leads(parent) for name, parent in entity.needs.items()}
    row |= entity.key
    row |= {name: leads(parent) if parent else None for name, parent in links.items()}
    return row | values
