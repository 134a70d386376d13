"""A slow merge in plain Python that shares nothing with the engine: the truth for random cases.

Entities are found by nested keys: the columns of the identity with every reference replaced by
the key of the entity that it leads to. Nothing is re-keyed: the result is a graph (see
`reference_graph`), and `write` numbers it when a file is wanted.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .reference_graph import Graph, Link, Node, Table, folded, plain_values, quoted, read, typed

Identity = Mapping[str, Sequence[str] | str]
"""Per folded table name: columns, or "rows"."""


class UndecidedError(Exception):
    """Versions disagree and no time tells which one is newest."""


def merge(files: Sequence[Path], identity: Identity | None = None) -> Graph:
    """The union of `files` (in order of priority) as a graph; newest `updated_at` wins.

    Raises UndecidedError when two versions of an entity disagree without different times.
    """
    graphs = [read(path) for path in files]
    chosen = identity_of(graphs, identity or {})
    groups: dict[str, dict[Any, list[Node]]] = {}
    key_of: dict[Node, Any] = {}
    for graph in graphs:
        keys = _Keys(graph, chosen)
        for name, table in graph.items():
            for row in table.rows:
                key = keys.of(row)
                key_of[row] = (name, key)
                groups.setdefault(name, {}).setdefault(key, []).append(row)
    return _joined(graphs, groups, key_of)


def identity_of(graphs: Sequence[Graph], told: Identity) -> dict[str, Sequence[str] | str]:
    """Per table: what was told, else its natural key, else its whole content."""
    chosen: dict[str, Sequence[str] | str] = {}
    for graph in graphs:
        for name, table in graph.items():
            chosen.setdefault(name, told.get(name) or _natural(name, table, graphs))
    return chosen


def _natural(name: str, table: Table, graphs: Sequence[Graph]) -> Sequence[str] | str:
    linked = {link.columns for link in table.links}
    key = tuple(map(folded, table.key))
    candidates = [key] if key and (not table.surrogate or key in linked) else []
    for columns in [*candidates, *table.uniques]:
        rows = [row for graph in graphs if name in graph for row in graph[name].rows]
        if all(row.values.get(column) is not None for row in rows for column in columns):
            return columns
    return "rows"


class _Keys:
    """The keys of one file's rows; twins without a natural key are numbered within the file.

    Rows are taken in rounds, each when the keys of all rows that its own depends on are known.
    """

    def __init__(self, graph: Graph, identity: Mapping[str, Sequence[str] | str]) -> None:
        self.graph = graph
        self.identity = identity
        self.known: dict[Node, Any] = {}
        open_rows = [row for table in graph.values() for row in table.rows]
        while open_rows:
            ready = [row for row in open_rows if all(p in self.known for p in self._needs(row))]
            if not ready:
                # A ring of rows that know each other by content only: facts of this file.
                self.known[open_rows[0]] = ("ring", id(graph), open_rows[0].number)
            self._settle(ready)
            open_rows = [row for row in open_rows if row not in self.known]

    def of(self, row: Node) -> Any:
        """The key of a row."""
        return self.known[row]

    def _needs(self, row: Node) -> list[Node]:
        """The rows whose keys are part of this row's key."""
        columns = self.identity[row.table]
        return [
            parent
            for link, parent in row.edges.items()
            if parent and (columns == "rows" or set(columns) & set(link.columns))
        ]

    def _settle(self, ready: list[Node]) -> None:
        """Key the rows of one round; equal content in one file is told apart by its order."""
        seen: Counter[Any] = Counter()
        for row in ready:
            bare = self._bare(row)
            if self.identity[row.table] == "rows":
                seen[row.table, bare] += 1
                bare = (bare, seen[row.table, bare])
            self.known[row] = bare

    def _bare(self, row: Node) -> Any:
        table, columns = self.graph[row.table], self.identity[row.table]
        led = {link: parent for link, parent in row.edges.items() if parent}
        if columns == "rows":
            edges = [(link.columns, self.of(parent)) for link, parent in led.items()]
            return plain_values(row, table), tuple(edges)
        parts: list[Any] = []
        for column in columns:
            links = [link for link in led if column in link.columns]
            if links:
                parts.append(("to", links[0].parent, self.of(led[links[0]])))
            else:
                parts.append(typed(row.values[column]))
        return tuple(parts)


def moment(value: Any) -> float:
    """Seconds since 1970 (UTC) of a time column's value; minus infinity for what is no time."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            try:
                at = datetime.fromisoformat(value.strip())
            except ValueError:
                return float("-inf")
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not isinstance(value, int | float):
        return float("-inf")
    return value / (1e6 if value >= 1e14 else 1e3 if value >= 1e11 else 1)


def _joined(
    graphs: Sequence[Graph], groups: dict[str, dict[Any, list[Node]]], key_of: dict[Node, Any]
) -> Graph:
    merged: Graph = {}
    for graph in graphs:
        for name, table in graph.items():
            known = merged.get(name)
            if known is None:
                merged[name] = Table(
                    table.name, table.sql, table.columns, table.key, table.surrogate,
                    table.uniques, table.links,
                )  # fmt: skip
                continue
            have = {folded(column) for column in known.columns}
            known.columns += tuple(c for c in table.columns if folded(c) not in have)
            known.links += tuple(link for link in table.links if link not in known.links)
    final: dict[Any, Node] = {}
    plans: list[tuple[Node, dict[Link, Any]]] = []
    for name, entities in groups.items():
        for number, (key, versions) in enumerate(entities.items()):
            node, edges = _survivor(merged[name], number, versions, key_of)
            final[name, key] = node
            plans.append((node, edges))
            merged[name].rows.append(node)
    for node, edges in plans:
        node.edges = {link: final[key] if key else None for link, key in edges.items()}
    return merged


def _compared(row: Node, table: Table, key_of: dict[Node, Any]) -> dict[Any, Any]:
    """What versions are compared by: values, and the entities that references lead to."""
    same: dict[Any, Any] = dict(plain_values(row, table))
    for link, parent in row.edges.items():
        if parent:
            same |= dict.fromkeys(link.columns, ("to", key_of[parent]))
    return same


def _survivor(
    table: Table, number: int, versions: list[Node], key_of: dict[Node, Any]
) -> tuple[Node, dict[Link, Any]]:
    """The row that stays, and for each link the key of the entity that it leads to."""
    ordered = versions
    seen = [_compared(row, table, key_of) for row in versions]
    differ = any(one[c] != two[c] for one in seen for two in seen for c in one.keys() & two.keys())
    if differ:
        times = [moment(row.values.get("updated_at")) for row in versions]
        best = [n for n, time in enumerate(times) if time == max(times)]
        winner = seen[best[0]]
        if any(seen[n][c] != winner[c] for n in best for c in seen[n].keys() & winner.keys()):
            raise UndecidedError(f"{table.name}: two newest versions")
        ordered = [versions[n] for n in sorted(range(len(times)), key=lambda n: -times[n])]
    node = Node(folded(table.name), number, {})
    edges: dict[Link, Any] = {}
    for row in ordered:
        for column, value in row.values.items():
            node.values.setdefault(column, value)
        for link, parent in row.edges.items():
            edges.setdefault(link, key_of[parent] if parent else None)
    for column in map(folded, table.columns):
        node.values.setdefault(column, None)
    for link in table.links:
        edges.setdefault(link, None)
    return node, edges


def write(graph: Graph, path: Path) -> None:
    """Write a graph as a database with the tables' own SQL; surrogates are numbered from 1."""
    ids: dict[Node, int] = {}
    for table in graph.values():
        taken = Counter[str]()
        for row in table.rows:
            taken[table.name] += 1
            ids[row] = taken[table.name]
    with contextlib.closing(sqlite3.connect(path)) as con:
        for table in graph.values():
            con.execute(table.sql)
            cells = ", ".join(map(quoted, table.columns))
            marks = ", ".join("?" for _ in table.columns)
            con.executemany(
                f"INSERT INTO {quoted(table.name)} ({cells}) VALUES ({marks})",
                [
                    tuple(_cell(row, folded(c), graph, ids) for c in table.columns)
                    for row in table.rows
                ],
            )
        con.commit()


def _cell(row: Node, column: str, graph: Graph, ids: dict[Node, int]) -> Any:
    """What a column holds once ids are given."""
    table = graph[row.table]
    for link, parent in row.edges.items():
        if parent and column in link.columns:
            to = link.parent_columns[link.columns.index(column)]
            value = _cell(parent, to, graph, ids)
            return str(value) if isinstance(row.values[column], str) else value
    if table.surrogate and folded(table.surrogate) == column:
        return ids[row]
    return row.values[column]
