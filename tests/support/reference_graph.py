"""Databases as graphs of rows, and their comparison up to surrogate ids.

Plain Python over `sqlite3`, written without a look at the engine, so that both can be wrong only
in different ways. A row is a node: its values, and its references as edges to other nodes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Typed = tuple[str, Any]


def typed(value: Any) -> Typed:
    """`value` with its SQLite type: 1, 1.0 and '1' are three values."""
    if isinstance(value, float):
        return "real", repr(value)
    if isinstance(value, str):
        return "text", value.encode("utf-8", "surrogateescape")
    return {type(None): "null", int: "integer", bytes: "blob"}[type(value)], value


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def folded(name: str) -> str:
    """`name` as SQLite compares it: ASCII letters in lower case."""
    return "".join(char.lower() if char.isascii() else char for char in name)


@dataclass(frozen=True)
class Link:
    """A declared reference: `columns` of the child hold `parent_columns` of `parent`."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(eq=False)
class Node:
    """One row. `edges` has, per link of its table, the row that it leads to (or None)."""

    table: str
    number: int
    values: dict[str, Any]
    edges: dict[Link, Node | None] = field(default_factory=dict)


@dataclass
class Table:
    """A table as one file has it."""

    name: str
    sql: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    surrogate: str | None
    """The column that is an alias of the rowid."""
    uniques: tuple[tuple[str, ...], ...]
    links: tuple[Link, ...] = ()
    rows: list[Node] = field(default_factory=list)


Graph = dict[str, Table]


def read(path: Path) -> Graph:
    """The graph of the database at `path`; tables by folded name, rows in order of their rowid."""
    graph: Graph = {}
    with contextlib.closing(sqlite3.connect(path)) as con:
        con.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        master = con.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for name, sql in master:
            graph[folded(name)] = _table(con, name, sql)
        for table in graph.values():
            table.links = _links(con, table, graph)
            cells = ", ".join(map(quoted, table.columns))
            for number, row in enumerate(
                con.execute(f"SELECT {cells} FROM {quoted(table.name)} ORDER BY {_order(table)}")
            ):
                values = dict(zip(map(folded, table.columns), row, strict=True))
                table.rows.append(Node(folded(table.name), number, values))
    for table in graph.values():
        _connect(table, graph)
    return graph


def _order(table: Table) -> str:
    if table.surrogate:
        return quoted(table.surrogate)
    return ", ".join(map(quoted, table.key)) or "rowid"


def _table(con: sqlite3.Connection, name: str, sql: str) -> Table:
    info = con.execute(
        "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden = 0", (name,)
    ).fetchall()
    key = tuple(n for n, _, _ in sorted((r for r in info if r[2]), key=lambda r: r[2]))
    lone = [n for n, kind, pk in info if pk and kind.upper() == "INTEGER"]
    surrogate = lone[0] if len(key) == 1 and lone and "WITHOUT ROWID" not in sql.upper() else None
    uniques = []
    for _, index, unique, _, partial in con.execute(
        f"PRAGMA index_list({quoted(name)})"
    ).fetchall():
        cells = con.execute(f"PRAGMA index_info({quoted(index)})").fetchall()
        if unique and not partial and all(cell[2] is not None for cell in cells):
            uniques.append(tuple(folded(cell[2]) for cell in cells))
    return Table(name, sql, tuple(r[0] for r in info), key, surrogate, tuple(sorted(uniques)))


def _links(con: sqlite3.Connection, table: Table, graph: Graph) -> tuple[Link, ...]:
    found: dict[int, list[tuple[int, str, str, str | None]]] = {}
    for number, seq, parent, child, to, *_ in con.execute(
        f"PRAGMA foreign_key_list({quoted(table.name)})"
    ):
        found.setdefault(number, []).append((seq, parent, child, to))
    links = []
    for parts in found.values():
        parts.sort()
        parent = folded(parts[0][1])
        if parent not in graph:
            continue
        implicit = graph[parent].key
        links.append(
            Link(
                tuple(folded(child) for _, _, child, _ in parts),
                parent,
                tuple(folded(to or implicit[seq]) for seq, _, _, to in parts),
            )
        )
    return tuple(sorted(links, key=lambda link: (link.columns, link.parent)))


def _connect(table: Table, graph: Graph) -> None:
    for link in table.links:
        index = {
            tuple(r.values[c] for c in link.parent_columns): r for r in graph[link.parent].rows
        }
        for row in table.rows:
            wanted = tuple(row.values[c] for c in link.columns)
            if None in wanted:
                row.edges[link] = None
                continue
            row.edges[link] = index.get(wanted) or index.get(tuple(map(_number, wanted)))


def _number(value: Any) -> Any:
    """Text '1' references integer 1."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return int(value)
    return value


def plain_values(node: Node, table: Table) -> tuple[tuple[str, Typed], ...]:
    """The values of a row that are no id and no reference that leads somewhere."""
    led = {c for link, parent in node.edges.items() if parent for c in link.columns}
    hidden = led | ({folded(table.surrogate)} if table.surrogate else set())
    return tuple(sorted((c, typed(v)) for c, v in node.values.items() if c not in hidden))


Colours = Counter[tuple[str, int]]


def shapes(*graphs: Graph) -> list[Colours]:
    """One bag of colours per graph; equal bags mean equal graphs up to surrogate ids.

    Colours are refined by what a row refers to and by what refers to it until they are stable, so
    two rows of one colour have the same values, the same parents and the same children.
    """
    numbers: dict[Any, int] = {}

    def number(key: Any) -> int:
        return numbers.setdefault(key, len(numbers))

    nodes = [[row for table in graph.values() for row in table.rows] for graph in graphs]
    colour: dict[Node, int] = {}
    for graph in graphs:
        for table in graph.values():
            for row in table.rows:
                colour[row] = number((folded(table.name), plain_values(row, table)))
    backs = [_referrers(graph_nodes) for graph_nodes in nodes]
    count = len(set(colour.values()))
    while True:
        fresh = {}
        for graph_nodes, back in zip(nodes, backs, strict=True):
            for row in graph_nodes:
                out = tuple((link.columns, colour[p] if p else -1) for link, p in row.edges.items())
                into = tuple(sorted((columns, colour[c]) for columns, c in back.get(row, ())))
                fresh[row] = number((colour[row], out, into))
        colour = fresh
        now = len(set(colour.values()))
        if now == count:
            break
        count = now
    return [Counter((row.table, colour[row]) for row in graph_nodes) for graph_nodes in nodes]


def _referrers(nodes: Iterable[Node]) -> dict[Node, list[tuple[tuple[str, ...], Node]]]:
    back: dict[Node, list[tuple[tuple[str, ...], Node]]] = {}
    for row in nodes:
        for link, parent in row.edges.items():
            if parent:
                back.setdefault(parent, []).append((link.columns, row))
    return back


def nested(node: Node, graph: Graph, seen: tuple[Node, ...] = ()) -> Any:
    """A row as a nested value: its values, and its parents in place of references."""
    if node in seen:
        return ("again", len(seen) - seen.index(node))
    parents = tuple(
        (link.columns, nested(parent, graph, (*seen, node)) if parent else None)
        for link, parent in node.edges.items()
    )
    return node.table, plain_values(node, graph[node.table]), parents


def nested_bag(graph: Graph) -> Counter[Any]:
    """Every row of a graph as a nested value."""
    return Counter(nested(row, graph) for table in graph.values() for row in table.rows)


def difference(got: Graph, want: Graph) -> str:
    """What is missing and what is too much, in words; empty when both are equal up to ids."""
    one, two = shapes(got, want)
    if one == two:
        return ""
    bag_got, bag_want = nested_bag(got), nested_bag(want)
    lines = [f"missing x{n}: {row}" for row, n in (bag_want - bag_got).items()]
    lines += [f"unexpected x{n}: {row}" for row, n in (bag_got - bag_want).items()]
    return "\n".join(lines[:12]) or "the same rows, but children belong to other twins"
