"""In which order tables are compared, and from when on a table's rows can be written."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from consolidator_tui.domain.catalog import TableKind, fold
from consolidator_tui.services.merge.work import Work


def in_working_order(works: Sequence[Work]) -> list[Work]:
    """Small tables before large ones where references allow it: so there is always one to write.

    `works` are in the plan's order, in which the parents of an identity come first. Where tables
    refer to each other in circles the plan's order stays.
    """
    if not works or works[0].plan.cycles:
        return list(works)
    above = parents(works)
    missing = [len(above[work.key]) for work in works]
    children: dict[str, list[int]] = {}
    for number, work in enumerate(works):
        for parent in above[work.key]:
            children.setdefault(parent, []).append(number)
    ready = [(works[n].total, n) for n, left in enumerate(missing) if not left]
    heapq.heapify(ready)
    found = []
    while ready:
        _, number = heapq.heappop(ready)
        found.append(works[number])
        for child in children.get(works[number].key, ()):
            missing[child] -= 1
            if not missing[child]:
                heapq.heappush(ready, (works[child].total, child))
    return found


def parents(works: Sequence[Work]) -> dict[str, set[str]]:
    """For each table those that must be known before it is compared; `works` as in the plan."""
    found: dict[str, set[str]] = {}
    for work in works:
        found[work.key] = roots(work) & found.keys()
    return found


def roots(work: Work) -> set[str]:
    """The other tables whose entities the table's values follow."""
    return {link.root for link in work.table.links if link.root != work.key}


def is_plain(work: Work) -> bool:
    """Whether nothing but the table itself and its roots says what is written.

    Entries of search indexes follow their owner's winners, references to natural keys the names
    that won, and a deletion what still refers to the row: those wait until all are settled.
    """
    if work.plan.ancestor is not None:
        return False
    linked = {fold(link.column) for link in work.table.links}
    return work.table.table.kind is TableKind.ORDINARY and all(
        fold(column) in linked
        for reference in work.table.references
        for column in reference.columns
    )
