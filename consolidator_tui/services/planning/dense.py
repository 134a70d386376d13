"""Room for ids that cannot move by a constant, because the numbers end at 2^63 - 1."""

from __future__ import annotations

from consolidator_tui.domain.errors import Refused
from consolidator_tui.domain.words import plural
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.measure import Measurements


async def place_dense(planning: Planning, measure: Measurements, draft: Draft) -> None:
    """Give the sources in `draft.dense` ranges in a gap that no row and no reference uses.

    Raises Refused when there is no gap of that size.
    """
    counts = {}
    for index in draft.dense:
        span = await measure.span(draft, index) if index in draft.members else None
        counts[index] = max(1, span.count if span else 1)
    start = await _gap(planning, measure, draft, sum(counts.values()))
    for index, count in counts.items():
        draft.spans[index] = (start, start + count - 1)
        start += count


async def _gap(planning: Planning, measure: Measurements, draft: Draft, count: int) -> int:
    """The start of the first gap of that many numbers from 1."""
    used = ["SELECT 0 AS n"]
    for index in draft.members:
        if index not in draft.dense:
            table = planning.workspace.rows(index, draft.members[index].name).sql
            used.append(
                f"SELECT {measure.address(draft, index)} + {draft.shifts[index]} FROM {table}"
            )
    for other in planning.drafts.values():
        for link in other.links:
            if link.root != draft.key:
                continue
            for index in link.dangling:
                own = other.there(index, link.column)
                shift = 0 if index in draft.dense else draft.shifts.get(index, 0)
                number = f"CAST({own} AS INTEGER)"
                used.append(
                    f"SELECT {number} + {shift} FROM {planning.read(other, index)} "
                    f"WHERE (typeof({own}) = 'integer' OR CAST({number} AS TEXT) = {own}) "
                    f"AND {number} BETWEEN {-(1 << 62)} AND {1 << 62}"
                )
    gap = await planning.workspace.database.value(
        "SELECT n + 1 FROM (SELECT n, coalesce(lead(n) OVER (ORDER BY n), 9223372036854775807) "
        f"AS above FROM (SELECT DISTINCT n FROM ({' UNION ALL '.join(used)}) WHERE n >= 0)) "
        "WHERE above - n > ? ORDER BY n LIMIT 1",
        (count,),
    )
    if gap is None:
        raise Refused(
            f"There is no room for {plural(count, 'more id')} in {draft.name}.",
            todo="Leave a source out, or map its table to another name.",
        )
    return int(gap)
