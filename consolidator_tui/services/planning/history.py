"""Whether files are copies of one another, judged over all their tables.

Rows with the same natural key tell most: in copies of one file they have the same id. Without
such rows, or where they speak for both, the tables are compared by id, every table with the same
small weight, so that equal seed data alone makes no copies.
"""

from __future__ import annotations

from consolidator_tui.domain.merge import IdentityKind
from consolidator_tui.domain.words import plural
from consolidator_tui.services.inspect.lineage import Lineage, LineageEvidence, compare_by_id
from consolidator_tui.services.planning.descent import followed_in
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.measure import Measurements
from consolidator_tui.storage.sqlite import quote

WEIGHT = 3
"""Rows per table that count at most for or against a common past."""
COMPARED = 8
"""Files that each file is compared with at most."""
_SAMPLE = 1_000


class Histories:
    """Compares pairs of sources once."""

    def __init__(self, planning: Planning, measure: Measurements) -> None:
        self._planning = planning
        self._measure = measure
        self._related: dict[tuple[int, int], bool] = {}
        self._evidence: dict[tuple[str, int, int], LineageEvidence] = {}

    async def families(self, draft: Draft) -> str:
        """Set the table's families of copies; the evidence in words, empty without copies."""
        family = {index: index for index in draft.members}
        members = [i for i in draft.members if draft.there(i, str(draft.surrogate))]
        said = []
        followed = followed_in(self._planning, draft)
        if len(followed) > 1:
            family.update(dict.fromkeys(followed, followed[0]))
            said.append(f"rows are followed from {self._planning.ancestor.name}")  # type: ignore[union-attr]
        for place, second in enumerate(members):
            for first in members[: min(place, COMPARED)]:
                if second in followed and first in followed:
                    break
                if not await self.related(first, second):
                    continue
                evidence = await self.evidence(draft, first, second)
                if evidence.verdict in (Lineage.COPY, Lineage.DIVERGED):
                    family[second] = family[first]
                    paths = [self._planning.sources[k].path for k in (first, second)]
                    said.append(
                        f"of {plural(evidence.shared, 'id')} in both {paths[0]} and {paths[1]} "
                        f"{plural(evidence.agreeing, 'row agrees', 'rows agree')}"
                    )
                    break
        groups: dict[int, list[int]] = {}
        for index, root in family.items():
            groups.setdefault(root, []).append(index)
        draft.lineage = tuple(tuple(group) for group in groups.values())
        return "; ".join(said)

    async def related(self, first: int, second: int) -> bool:
        """Whether two files have a common past."""
        pair = (first, second)
        if pair not in self._related:
            self._related[pair] = await self._judge(first, second)
        return self._related[pair]

    async def _judge(self, first: int, second: int) -> bool:
        same = other = 0
        shared = [
            draft
            for draft in self._planning.drafts.values()
            if draft.surrogate is not None
            and all(
                index in draft.members and draft.there(index, draft.surrogate)
                for index in (first, second)
            )
        ]
        for draft in shared:
            if draft.identity.kind is IdentityKind.COLUMNS and draft.identity.columns:
                equal, moved = await self._by_key(draft, first, second)
                same, other = same + equal, other + moved
        if same > other or (other and not same):
            return same > other
        agreeing, against = same, other
        for draft in shared:
            evidence = await self.evidence(draft, first, second)
            agreeing += min(WEIGHT, evidence.agreeing)
            wrong = evidence.below - evidence.agreeing if evidence.agreeing else evidence.shared
            against += min(WEIGHT, wrong)
        return agreeing > against

    async def _by_key(self, draft: Draft, first: int, second: int) -> tuple[int, int]:
        """Rows with equal natural keys that have the same id, and that have another one."""
        columns = draft.identity.columns
        if any(link.column in columns for link in draft.links):
            return 0, 0
        on = " AND ".join(
            f"a.{draft.there(first, name)} = b.{draft.there(second, name)}" for name in columns
        )
        ids = (self._measure.address(draft, first), self._measure.address(draft, second))
        some = f"(SELECT * FROM {self._table(draft, first)} LIMIT {_SAMPLE}) AS a"
        others = f"{self._table(draft, second)} AS b"
        row = await self._planning.workspace.database.row(
            "SELECT coalesce(sum(x = y), 0), count(*), max(CASE WHEN x = y THEN x END) FROM "
            f"(SELECT a.{ids[0]} AS x, b.{ids[1]} AS y FROM {some} CROSS JOIN {others} ON {on})"
        )
        assert row is not None
        equal, moved = int(row[0]), int(row[1]) - int(row[0])
        if equal:
            # Ids from before the split that two files gave to different entities.
            moved += await self._planning.workspace.database.value(
                f"SELECT count(*) FROM {some} CROSS JOIN {others} ON b.{ids[1]} = a.{ids[0]} "
                f"WHERE a.{ids[0]} < ? AND NOT ({on})",
                (row[2],),
            )
        return equal, moved

    async def evidence(self, draft: Draft, first: int, second: int) -> LineageEvidence:
        """How the rows of one table in two files relate by id."""
        key = (draft.key, first, second)
        if key not in self._evidence:
            linked = {link.column for link in draft.links if link.root != draft.key}
            columns = [
                (quote(a), quote(b))
                for column in draft.columns
                if (a := column.sources[first])
                and (b := column.sources[second])
                and column.name != draft.surrogate
                and column.name not in linked
            ]
            self._evidence[key] = await compare_by_id(
                self._planning.workspace.database,
                table=draft.name,
                first=(first, self._table(draft, first), self._measure.address(draft, first)),
                second=(second, self._table(draft, second), self._measure.address(draft, second)),
                columns=columns,
            )
        return self._evidence[key]

    def _table(self, draft: Draft, source: int) -> str:
        return self._planning.workspace.rows(source, draft.members[source].name).sql
