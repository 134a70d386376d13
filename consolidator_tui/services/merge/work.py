"""A table while it is merged, and the SQL expressions over its rows.

Every row of every source has a global address `g`: its own address plus a constant per table and
source, so that the addresses of the sources lie in ranges that do not touch. A new row gets `g`
as its key in the target. Rows for which that is not so stand in the table's map:
`pv.map_<number>(g, canon, keep)`: the row `g` is the entity at `canon`, and `keep` says whether
it is the row that is written there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.domain.merge import Link, MergePlan, MergeTable
from consolidator_tui.services.sqltext import sql_value
from consolidator_tui.services.workspace import Rows, Workspace, written_address
from consolidator_tui.storage.sqlite import quote

MOST_JOINED = 16
"""Maps that are joined to a row at once; SQLite joins 64 tables."""
_BIRTH = re.compile(
    r"(created?|creation|inserted|added|born|joined|registered)(_?(at|on|time|date|ts))?\Z"
    r"|date_?(created|added|joined)\Z",
    re.I,
)


@dataclass(slots=True)
class Work:
    """One table of the target and where its rows come from."""

    table: MergeTable
    plan: MergePlan
    workspace: Workspace
    mapped: bool = False
    """The map has rows."""
    base_mapped: bool = False
    """The map moves rows of the base (two rows of the base are one entity by decision)."""
    overridden: bool = False
    """Decisions set single values of rows."""
    deltas: dict[int, int] = field(default_factory=dict)
    """Per source what is added to `g` for rows that keep no one company: their final address."""
    final: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Per source the range of its rows' final addresses."""
    joined: bool = False
    """A person called rows one entity whose identities differ."""
    aliases: set[str] = field(default_factory=set)
    """Columns that refer to natural keys of which some changed (pv.alias)."""
    loose: dict[str, bool] = field(default_factory=dict)
    """What `needs_type` has found, by column."""
    cut: set[str] = field(default_factory=set)
    """Link columns left out of the comparison while a cycle is being refined."""

    @property
    def key(self) -> str:
        """The name as SQLite compares names."""
        return fold(self.table.name)

    def over(self, workspace: Workspace) -> Work:
        """The same state over another open workspace."""
        return replace(self, workspace=workspace)

    @property
    def map(self) -> str:
        """The qualified name of the map."""
        return f"pv.map_{self.table.number}"

    @property
    def members(self) -> list[int]:
        """The sources that have the table."""
        return [index for index, name in enumerate(self.table.sources) if name is not None]

    def count(self, source: int) -> int:
        """How many rows the source has, as counted at its backup."""
        name = fold(str(self.table.sources[source]))
        return self.plan.sources[source].row_counts.get(name, 0)

    @property
    def total(self) -> int:
        """The rows of all sources."""
        return sum(map(self.count, self.members))

    def rows(self, source: int) -> Rows:
        """Where the rows are read."""
        name = self.table.sources[source]
        assert name is not None
        return self.workspace.rows(source, name)

    def read(self, source: int, alias: str = "s") -> str:
        """A FROM item that reads the table itself, not an index of it that may be damaged."""
        rows = self.rows(source)
        declared = self.plan.sources[source].schema.tables[fold(str(self.table.sources[source]))]
        hint = "" if declared.without_rowid and not rows.pooled else " NOT INDEXED"
        return f"{rows.sql} AS {alias}{hint}"

    def seek(self, source: int, alias: str = "s") -> str:
        """A FROM item for looking single rows up by their address."""
        return f"{self.rows(source).sql} AS {alias}"

    def address(self, source: int) -> str:
        """The quoted column that addresses a row."""
        if self.table.surrogate is not None:
            own = self.table.column(self.table.surrogate).sources[source]
            if own is not None:
                return quote(own)
        return self.rows(source).address

    def rowid_name(self) -> str | None:
        """The quoted name of the target's rowid; None for a table without one."""
        return written_address(self.table.table)

    def g(self, source: int, alias: str = "s") -> str:
        """The global address of a row."""
        return self.moved(source, f"{alias}.{self.address(source)}")

    def moved(self, source: int, expression: str) -> str:
        """The global address of the row that an expression addresses in the source."""
        if source in self.table.dense:
            return (
                f"(SELECT d.g FROM pv.dense_{self.table.number}_{source} d "
                f"WHERE d.id = {expression})"
            )
        shift = self.table.shifts[source]
        return f"({expression} + {shift})" if shift else expression

    def placed(self, source: int, expression: str) -> str:
        """The key in the target of a row that is new, from its address in the source."""
        if source in self.table.dense:
            return self.moved(source, expression)
        shift = self.table.shifts[source] + self.deltas.get(source, 0)
        return f"({expression} + {shift})" if shift else expression

    def place_of(self, g: str) -> str:
        """The key in the target of a new row, from its global address."""
        if not any(self.deltas.values()):
            return g
        arms = " ".join(
            f"WHEN {self.within(k, g)} THEN {g} + {delta}" for k, delta in self.deltas.items()
        )
        return f"CASE {arms} ELSE {g} END"

    def raw(self, source: int, g: str) -> str:
        """The reverse of `moved`: the source's own address for a global one."""
        if source in self.table.dense:
            return f"(SELECT d.id FROM pv.dense_{self.table.number}_{source} d WHERE d.g = {g})"
        shift = self.table.shifts[source]
        return f"({g} - {shift})" if shift else g

    def within(self, source: int, g: str) -> str:
        """A condition: the address belongs to this source."""
        own = f"{g} BETWEEN {self.table.lows[source]} AND {self.table.highs[source]}"
        if source in self.table.dense:
            return own
        # Numbers that were given one by one lie in gaps between the others.
        gaps = "".join(
            f" AND {g} NOT BETWEEN {self.table.lows[k]} AND {self.table.highs[k]}"
            for k in self.table.dense
        )
        return f"({own}{gaps})" if gaps else own

    def source_of(self, g: str) -> str:
        """The index of the source that an address belongs to."""
        arms = " ".join(f"WHEN {self.within(k, g)} THEN {k}" for k in self.members)
        return f"CASE {arms} END"

    def own(self, source: int, column: str, alias: str = "s") -> str | None:
        """The column as the source has it, None where it lacks it."""
        name = self.table.column(column).sources[source]
        return None if name is None else f"{alias}.{quote(name)}"

    def links_of(self, column: str) -> list[Link]:
        """The links that a column's values follow."""
        return [link for link in self.table.links if link.column == column]

    def self_links(self, columns: Sequence[str]) -> list[Link]:
        """The links from these columns to the table itself that are followed while matching."""
        wanted = set(columns) - set(self.cut)
        return [k for k in self.table.links if k.root == self.key and k.column in wanted]

    @property
    def fixed_key(self) -> str | None:
        """The rowid column whose value is not free: the key of a parent, or the identity itself."""
        alias = self.table.table.rowid_alias
        if alias is None:
            return None
        column = next((c.name for c in self.table.columns if c.name == alias), None)
        if column is None:
            return None
        if self.table.surrogate is None:
            return column
        return column if self.table.identity.columns == (column,) else None

    @property
    def birth(self) -> str | None:
        """The column that says when a row was made."""
        for column in self.table.columns:
            if _BIRTH.match(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name)):
                return column.name
        return None

    def place(self, column: str) -> int:
        """The place of a column in the table."""
        return [c.name for c in self.table.columns].index(column)

    def needs_type(self, column: str) -> bool:
        """Whether 1 and 1.0 can both stand in the column and are to be told apart."""
        known = self.loose.get(column)
        if known is None:
            known = self.loose[column] = self._is_loose(column)
        return known

    def _is_loose(self, column: str) -> bool:
        loose = {Affinity.BLOB, Affinity.ANY}
        kinds = set()
        for index in self.members:
            name = self.table.column(column).sources[index]
            if name is not None:
                table = self.plan.sources[index].schema.tables[fold(str(self.table.sources[index]))]
                kinds.add(table.column(name).affinity)
        return len(kinds) > 1 or bool(kinds & loose)

    def must_fill(self, column: str) -> bool:
        """Whether the target's column takes no NULL."""
        for index in self.members:
            name = self.table.column(column).sources[index]
            if name is not None:
                table = self.plan.sources[index].schema.tables[fold(str(self.table.sources[index]))]
                return table.column(name).not_null
        return False

    def default(self, column: str) -> str:
        """What a row gets for a column that its source lacks."""
        target = self.table.column(column)
        if target.default is not None:
            return target.default
        for index in self.members:
            name = target.sources[index]
            if name is not None:
                table = self.plan.sources[index].schema.tables[fold(str(self.table.sources[index]))]
                declared = table.column(name).default
                if declared is None or "(" in declared or "CURRENT" in declared.upper():
                    return "NULL"
                return declared
        return "NULL"


class Translator:
    """Values of a source as they are in the target: references follow, the rest stays."""

    def __init__(self, works: dict[str, Work]) -> None:
        self.works = works
        self.widened = frozenset(
            (link.root, source)
            for work in works.values()
            for link in work.table.links
            for source in link.dangling
        )
        """Tables and sources in which some references have no parent."""

    def value(
        self,
        work: Work,
        source: int,
        column: str,
        alias: str = "s",
        joins: list[str] | None = None,
    ) -> str:
        """SQL for the target's value of a column; the default where the source lacks it.

        With `joins`, what the value needs beside the row may be added there: for each row that
        costs less than a subquery.
        """
        own = work.own(source, column, alias)
        if own is None:
            return work.default(column)
        target = work.table.column(column)
        links = work.links_of(column)
        expression = own
        plain = [link for link in links if not link.reference.where]
        if plain:
            expression = self._joined(plain[0], source, own, joins)
            expression = expression or self.follow(work, plain[0], source, own)
        arms = ""
        for link in links:
            if link.reference.where:
                condition = " AND ".join(
                    f"{work.own(source, name, alias) or 'NULL'} IS {sql_value(value)}"
                    for name, value in link.reference.terms(source).items()
                )
                arms += f" WHEN {condition} THEN {self.follow(work, link, source, own)}"
        if column in work.aliases:
            expression = self.aliased(work, source, column, own)
        if arms:
            expression = f"CASE{arms} ELSE {expression} END"
        if target.default is not None and work.must_fill(column):
            return f"coalesce({expression}, {target.default})"
        return expression

    def _joined(self, link: Link, source: int, own: str, joins: list[str] | None) -> str:
        """What `follow` gives, by a join; empty where that is not worth it."""
        root = self.works[link.root]
        moves = root.mapped and (source or root.base_mapped)
        if joins is None or not moves or link.as_text or source in link.dangling:
            return ""
        if len(joins) >= MOST_JOINED:
            return ""
        claim = f"p{len(joins)}"
        joins.append(f" LEFT JOIN {root.map} {claim} ON {claim}.g = {root.moved(source, own)}")
        return f"coalesce({claim}.canon, {root.placed(source, own)})"

    def aliased(self, work: Work, source: int, column: str, own: str) -> str:
        """The value of a natural reference, by its new name where the parent's changed."""
        return (
            f"coalesce((SELECT a.new FROM pv.alias a WHERE a.number = {work.table.number} "
            f"AND a.place = {work.place(column)} AND a.src = {source} AND a.old = {own}), {own})"
        )

    def follow(self, work: Work, link: Link, source: int, own: str) -> str:
        """The id that the entity behind a reference has in the target."""
        root = self.works[link.root]
        if source == 0 and not root.base_mapped:
            return own
        # As a number first: adding to the text '1.0' would give a floating-point number.
        number = f"CAST({own} AS NUMERIC)" if link.as_text else own
        moved, found = root.moved(source, number), root.placed(source, number)
        if found == number and not root.mapped and source not in link.dangling:
            return own
        if root.mapped:
            found = f"coalesce((SELECT m.canon FROM {root.map} m WHERE m.g = {moved}), {found})"
        if source in link.dangling:
            found = (
                f"CASE WHEN {self.has_parent(root, source, own)} THEN {found} "
                f"ELSE {self.dangling(root, source, own)} END"
            )
        if link.as_text:
            # '02' refers to 2; where the id stays, so does its spelling.
            found = (
                f"CASE WHEN typeof({own}) <> 'text' THEN {found} "
                f"WHEN {found} = CAST({own} AS INTEGER) THEN {own} "
                f"ELSE CAST({found} AS TEXT) END"
            )
        return found

    def has_parent(self, root: Work, source: int, own: str) -> str:
        """A condition: the parent row is there in the same source."""
        if source not in root.members:
            return "0"
        return (
            f"EXISTS (SELECT 1 FROM {root.rows(source).sql} AS p "
            f"WHERE p.{root.address(source)} = {own})"
        )

    def dangling(self, root: Work, source: int, own: str) -> str:
        """A value without a parent never hits a row of another file: it keeps dangling.

        It stays as it is where nobody has that id in the target, so that rows that are equal in
        their files are equal in the target, moves with its source's ids otherwise, and is NULL as
        the last resort.
        """
        if source == 0:
            return own
        table = root.table
        number = f"CAST({own} AS INTEGER)"
        is_number = f"(typeof({own}) = 'integer' OR CAST({number} AS TEXT) = {own})"
        arms = [
            f"WHEN {own} IS NULL THEN NULL",
            f"WHEN NOT {is_number} THEN {own}",
            f"WHEN NOT ({self._taken(root, number)}) THEN {own}",
        ]
        if source not in table.dense:
            low, high = table.lows[source], table.highs[source]
            shift = table.shifts[source]
            arms.append(
                f"WHEN {number} BETWEEN {low - shift} AND {high - shift} "
                f"THEN {root.placed(source, number)}"
            )
        return f"CASE {' '.join(arms)} ELSE NULL END"

    def _taken(self, root: Work, number: str) -> str:
        """A condition: some row has, or may get, this id in the target."""
        found = []
        for k in root.members:
            if k in root.table.dense:
                found.append(
                    f"EXISTS (SELECT 1 FROM pv.dense_{root.table.number}_{k} d "
                    f"WHERE d.g = {number})"
                )
            else:
                delta = root.deltas.get(k, 0)
                there = self.has_parent(root, k, f"({number} - {root.table.shifts[k] + delta})")
                if root.mapped:
                    # A duplicate does not stand where its number alone would put it.
                    own = f"SELECT w.canon FROM {root.map} w WHERE w.g = {number} - {delta}"
                    there = f"({there} AND coalesce(({own}), {number}) = {number})"
                found.append(there if k else self.has_parent(root, 0, number))
        return " OR ".join(found) or "0"
