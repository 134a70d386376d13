"""Proves, row by row and by sets, that the staged target holds what the sources held.

Nothing here uses the code that merged: it reads the sources, the target, and the ledger's claims
(constants, maps, conflicts) and checks that the claims are true of both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.domain.merge import Link, MergeTable, TargetColumn
from consolidator_tui.domain.verification import Check
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.sqltext import combined, sql_value
from consolidator_tui.services.verify.claims import Claims
from consolidator_tui.services.verify.defaults import constant_default, must_fill
from consolidator_tui.services.verify.kept_keys import members_of
from consolidator_tui.services.verify.packing import packed
from consolidator_tui.services.verify.parents import ParentProof
from consolidator_tui.storage.sqlite import Row, quote

MOST_DIGITS = 14
"""Files whose counts fit into one integer, four bits each."""
COLUMNS = 500
"""Columns that are compared in one statement; SQLite gives at most 2,000."""


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the rows of a table."""

    table: str
    counts: tuple[int, ...]
    """The rows of each file, as read."""
    merged_away: int
    """Rows of which the ledger says that another one is kept."""

    def check(self, there: int) -> Check:
        """Every row is in the target or a duplicate, and nothing else is among `there` rows."""
        total, away = sum(self.counts), self.merged_away
        detail = (
            f"{plural(total, 'row')} in {plural(len(self.counts), 'file')}, {away:,} "
            f"merged into {verb(away, 'another', 'others')}, {there:,} in the target"
        )
        return Check("every row has a fate", self.table, there == total - away, detail)


class RowProof(ParentProof):
    """Checks the rows of all tables of one merge."""

    async def check(self, table: MergeTable) -> tuple[Fates, list[Check]]:
        """What became of a table's rows, and all checks of them."""
        claims = self._claims[fold(table.name)]
        counts: list[int] = []
        found: list[Check] = []
        if claims.mapped:
            found.append(await self._twins(claims))
        if self._is_keyed(claims):
            await self._keep_keys(claims)
        if self._target_address(table) is None and not table.table.primary_key:
            counts = [await self._count(table, source) for source in members_of(table)]
            found.append(await self._content(claims))
        else:
            self._avoiding = await self._find_avoiding(table)
            for source in members_of(table):
                compared, checks = await self._rows_of(claims, source)
                # The comparison has read every row, but for those that were deleted elsewhere.
                dropped = bool(claims.dropped)
                counts.append(await self._count(table, source) if dropped else compared)
                found += checks
        return Fates(table.name, tuple(counts), claims.merged_away), found

    async def _count(self, table: MergeTable, source: int) -> int:
        """The rows of a source, by reading them."""
        sql = f"SELECT count(*) FROM {self._read(table, source)}"
        return int(await self._database.value(sql))

    async def _twins(self, claims: Claims) -> Check:
        """No entity swallowed two rows of one file (but by decision), each has one row."""
        decided = (
            f"SELECT q.canon FROM {claims.map} q JOIN pv.joined j ON j.g = q.g "
            f"WHERE j.number = {claims.table.number}"
        )
        rows, wrong_ones = _twin_terms(claims.table, claims.map)
        wrong, grouped, total = await self._row(
            "SELECT count(*) FILTER (WHERE wrong AND canon NOT IN "
            f"({decided}) AND canon NOT IN ({_dropped(claims.table, 'canon')})), "
            f"total(members), (SELECT count(*) FROM {claims.map}) FROM (SELECT canon, "
            f"count(*) AS members, ({wrong_ones}) AS wrong FROM ({rows}) GROUP BY canon)"
        )
        # A row of the map that belongs to no file is in no group, one of two files in two.
        wrong += abs(total - int(grouped))
        return Check(
            "rows of one file stay apart",
            claims.table.name,
            wrong == 0,
            "no entity holds two rows of one file"
            if wrong == 0
            else f"{plural(wrong, 'entity holds', 'entities hold')} several rows of one file "
            "or none that is kept",
        )

    async def _rows_of(self, claims: Claims, source: int) -> tuple[int, list[Check]]:
        """How many of the source's rows were compared, and what is to be said of them."""
        table = claims.table
        path = self._plan.sources[source].path
        values = [*self._value_terms(claims, source)]
        joins: list[str] = []
        references = [*self._reference_terms(claims, source, joins)]
        tests = [(f"{column} keeps its value", term) for column, term in values]
        tests += [(f"{column} keeps its parent", term) for column, term in references]
        joined, there = self._joined(claims, source)
        joined += "".join(joins)
        if claims.dropped:
            g = self._g(table, source, f"s.{self._address(table, source)}")
            joined += f" WHERE {g} NOT IN ({_dropped(table, 'g')})"
        row: list[int] = []
        for start in range(0, max(1, len(tests)), COLUMNS):
            part = [term for _, term in tests[start : start + COLUMNS]]
            # One term for all columns costs less; which of them differ is asked if any does.
            found = await self._sums(joined, there, [combined("OR", [f"({t})" for t in part], "0")])
            if found[2]:
                found = await self._sums(joined, there, part)
            else:
                found = [*found[:2], *(0 for _ in part)]
            row += found if not row else found[2:]
        checks = [
            Check(
                "every row arrived",
                table.name,
                row[0] == row[1],
                f"{row[1]:,} of {plural(row[0], 'row')} of {path} "
                f"{verb(row[1], 'has its', 'have their')} "
                "row in the target",
            )
        ]
        wrong = [(name, count) for (name, _), count in zip(tests, row[2:], strict=True) if count]
        checks += [
            Check(name, table.name, False, f"not so for {plural(count, 'row')} of {path}")
            for name, count in wrong
        ]
        if not wrong:
            checks.append(
                Check(
                    "values and owners",
                    table.name,
                    True,
                    f"{plural(len(values), 'column')} and "
                    f"{plural(len(references), 'reference')} of "
                    f"{plural(row[0], 'row')} of {path} compared",
                )
            )
        return row[0], checks

    async def _sums(self, joined: str, there: str, terms: list[str]) -> list[int]:
        """How many rows there are, how many have one in the target, and each term's sum."""
        sums = "".join(f", count(*) FILTER (WHERE {term})" for term in terms)
        return list(await self._row(f"SELECT count(*), count({there}){sums} FROM {joined}"))

    async def _row(self, sql: str) -> Row:
        """The row of a statement that gives one."""
        found = await self._database.row(sql)
        assert found is not None
        return found

    async def _content(self, claims: Claims) -> Check:
        """Rows that nothing addresses (no key, all names of the rowid taken): by whole content.

        Every content must stand in the target as often as rows of the sources were kept.
        """
        table = claims.table
        loose = {link.column for link in table.links if link.dangling or link.reference.where}
        columns = [c for c in table.columns if c.name not in loose and None not in _own(table, c)]
        arms = []
        for source in members_of(table):
            chosen = []
            for column in columns:
                value = f"s.{quote(str(column.sources[source]))}"
                links = [link for link in table.links if link.column == column.name]
                if links:
                    value = self._expected(links[0], source, value)
                chosen.append(value)
            chosen = [f"{value} AS c{place}" for place, value in enumerate(packed(chosen))]
            g = self._g(table, source, f"s.{self._address(table, source)}")
            claim = f" LEFT JOIN {claims.map} m ON m.g = {g}" if claims.mapped else ""
            kept = " WHERE m.keep IS NOT 0" if claims.mapped else ""
            arms.append(
                f"SELECT {', '.join([*chosen, '1 AS d'])} "
                f"FROM {self._read(table, source)}{claim}{kept}"
            )
        there = packed([f"t.{quote(c.name)}" for c in columns])
        arms.append(f"SELECT {', '.join([*there, '-1'])} FROM main.{quote(table.name)} t")
        terms = ", ".join(f"c{n} COLLATE BINARY, typeof(c{n})" for n in range(len(there)))
        wrong = await self._database.value(
            f"SELECT count(*) FROM (SELECT 1 FROM ({' UNION ALL '.join(arms)}) "
            f"{f'GROUP BY {terms} ' if terms else ''}HAVING sum(d) <> 0)"
        )
        detail = f"{plural(wrong, 'content is', 'contents are')} there more or less often than kept"
        return Check("every row arrived", table.name, wrong == 0, detail)

    def _joined(self, claims: Claims, source: int) -> tuple[str, str]:
        """FROM: the source's rows (s), the map's claim (m), the target's row (t)."""
        table = claims.table
        g = self._g(table, source, f"s.{self._address(table, source)}")
        claim = f" LEFT JOIN {claims.map} m ON m.g = {g}" if claims.mapped else ""
        target = f"main.{quote(table.name)}"
        place = self._place(claims, source, f"s.{self._address(table, source)}")
        if claims.mapped:
            place = f"coalesce(m.canon, {place})"
        column = self._target_address(table)
        if column is not None:
            return (
                f"{self._read(table, source)}{claim} LEFT JOIN {target} t ON t.{column} = {place}",
                f"t.{column}",
            )
        keys = list(self._key_terms(claims, source))
        if self._is_keyed(claims):
            claim += f" LEFT JOIN temp.kept_key q ON q.canon = {place}"
            keys = [
                (name, f"CASE WHEN q.canon IS NULL THEN {value} ELSE q.k{n} END")
                for n, (name, value) in enumerate(keys)
            ]
        on = " AND ".join(f"t.{name} IS {value}" for name, value in keys)
        return f"{self._read(table, source)}{claim} LEFT JOIN {target} t ON {on}", f"t.{keys[0][0]}"

    def _value_terms(self, claims: Claims, source: int) -> Iterator[tuple[str, str]]:
        """Per plain column a term that is 1 where the target's value is not the source's."""
        table = claims.table
        for place, column in enumerate(table.columns):
            links = [link for link in table.links if link.column == column.name]
            if column.name == table.surrogate or any(not link.reference.where for link in links):
                continue
            own, theirs = column.sources[source], f"t.{quote(column.name)}"
            if own is None:
                wrong = self._invented(claims, column, theirs)
                if wrong:
                    yield column.name, self._as_decided(claims, source, place, theirs, wrong)
                continue
            mine = self._aliased(claims, source, place, f"s.{quote(own)}")
            same = f"{theirs} IS +{mine} COLLATE BINARY"
            if self._loose(table, column.name):
                same += f" AND typeof({theirs}) = typeof({mine})"
            excused = self._filled(claims, column, mine)
            excused += [f"({self._applies(table, link, source)})" for link in links]
            differs = f"NOT ({same})" + "".join(f" AND {e} IS NOT 1" for e in excused)
            wrong = f"{differs} AND ({self._is_settled(claims)})"
            yield column.name, self._as_decided(claims, source, place, theirs, wrong, differs)

    def _invented(self, claims: Claims, column: TargetColumn, theirs: str) -> str | None:
        """A row whose file lacks the column has its default, unless another version has a value."""
        default = constant_default(self._plan, claims.table, column)
        if default is None or claims.table.table.kind is not TableKind.ORDINARY:
            return None
        alone = "m.g IS NULL AND " if claims.mapped else ""
        return f"{alone}{theirs} IS NOT +({default})"

    def _filled(self, claims: Claims, column: TargetColumn, mine: str) -> list[str]:
        """Conditions under which a NULL of the source may be something else in the target."""
        found = []
        if claims.table.fill_nulls and claims.mapped:
            found.append(f"({mine} IS NULL AND m.g IS NOT NULL)")
        if column.default is not None and must_fill(self._plan, claims.table, column):
            found.append(f"({mine} IS NULL AND t.{quote(column.name)} IS +({column.default}))")
        return found

    def _is_settled(self, claims: Claims) -> str:
        """The row's values must be in the target: no conflict, or it is the winner."""
        if not claims.conflicts:
            return "1"
        return (
            "m.g IS NULL OR m.keep = 1 OR m.canon NOT IN (SELECT c.canon FROM pv.conflict c "
            f"WHERE c.number = {claims.table.number} AND c.kind <> 'unique')"
        )

    def _as_decided(
        self,
        claims: Claims,
        source: int,
        place: int,
        theirs: str,
        wrong: str,
        differs: str = "0",
    ) -> str:
        """Where a value was set or taken from one version, that is there and nothing else.

        `differs` says so of the row itself, also of one that did not win.
        """
        if not claims.overrides:
            return wrong
        address = f"s.{self._address(claims.table, source)}"
        entity = self._place(claims, source, address)
        if claims.mapped:
            entity = f"coalesce(m.canon, {entity})"
        decided = (
            f"FROM pv.override o WHERE o.number = {claims.table.number} "
            f"AND o.g = {entity} AND o.place = {place}"
        )
        own = f"o.from_g = {self._g(claims.table, source, address)}"
        return (
            f"CASE WHEN EXISTS (SELECT 1 {decided}) THEN EXISTS (SELECT 1 {decided} AND CASE "
            f"WHEN o.from_g IS NULL THEN {theirs} IS NOT o.value "
            f"WHEN {own} THEN ({differs}) ELSE 0 END) ELSE {wrong} END"
        )

    def _applies(self, table: MergeTable, link: Link, source: int) -> str:
        """Whether a row is one of those that a polymorphic reference speaks of."""
        terms = []
        for name, value in link.reference.terms(source).items():
            there = table.column(name).sources[source]
            condition = "NULL" if there is None else f"s.{quote(there)}"
            terms.append(f"{condition} IS {sql_value(value)}")
        return " AND ".join(terms) or "1"

    def _reference_terms(
        self, claims: Claims, source: int, joins: list[str]
    ) -> Iterator[tuple[str, str]]:
        """Per reference a term that is 1 where the target's row has another parent.

        What the terms need beside the row is added to `joins`.
        """
        table = claims.table
        for link in table.links:
            column = table.column(link.column)
            own = column.sources[source]
            if own is None:
                continue
            mine, theirs = f"s.{quote(own)}", f"t.{quote(column.name)}"
            root = self._claims[link.root].table
            address = self._target_address(root)
            lost = f"EXISTS (SELECT 1 FROM main.{quote(root.name)} p WHERE p.{address} = {theirs})"
            if source in link.dangling:
                wrong = (
                    f"CASE WHEN {mine} IS NULL THEN {theirs} IS NOT NULL "
                    f"WHEN {self._has_parent(link, source, mine)} "
                    f"THEN {theirs} IS NOT {self._expected(link, source, mine)} ELSE {lost} END"
                )
            else:
                wrong = self._wrong_parent(
                    link,
                    source,
                    (mine, theirs),
                    joins,
                    avoids_vacated=link in self._avoiding,
                )
            excused = [*self._filled(claims, column, mine)]
            excused.append(f"(NOT ({self._applies(table, link, source)}))")
            place = [c.name for c in table.columns].index(column.name)
            differs = f"({wrong})" + "".join(f" AND {e} IS NOT 1" for e in excused)
            wrong = f"{differs} AND ({self._is_settled(claims)})"
            yield column.name, self._as_decided(claims, source, place, theirs, wrong, differs)


def _twin_terms(table: MergeTable, map_: str) -> tuple[str, str]:
    """SELECT: the rows of a map by file, and what is wrong in a group of them with one canon: two
    rows of one file, or not one row that is kept."""
    members = members_of(table)
    if len(members) > MOST_DIGITS or table.dense:
        # Ranges of numbers that were given one by one may lie in others.
        members.sort(key=lambda k: k not in table.dense)
        ranges = [f"WHEN g BETWEEN {table.lows[k]} AND {table.highs[k]} THEN {k}" for k in members]
        return (
            f"SELECT canon, keep, CASE {' '.join(ranges)} END AS src FROM {map_}",
            "sum(keep) <> 1 OR count(*) <> count(DISTINCT src)",
        )
    # One sum instead of a list of the files of each group: a digit of it counts the rows of one
    # file, and none can overflow where there are no more rows than files.
    rows = [
        f"SELECT canon, keep + {16 ** (n + 1)} AS x FROM {map_} "
        f"WHERE g BETWEEN {table.lows[k]} AND {table.highs[k]}"
        for n, k in enumerate(members)
    ]
    several = sum(14 * 16 ** (n + 1) for n in range(len(members)))
    return " UNION ALL ".join(rows), f"count(*) > {len(members)} OR sum(x) & {several + 15} <> 1"


def _dropped(table: MergeTable, column: str) -> str:
    """SELECT: rows that the ledger calls deleted; deleted.py checks that they were."""
    return f"SELECT d.{column} FROM pv.dropped d WHERE d.number = {table.number}"


def _own(table: MergeTable, column: TargetColumn) -> list[str | None]:
    """The column's name in every source that has the table."""
    return [column.sources[index] for index in members_of(table)]
