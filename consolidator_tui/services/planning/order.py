"""Tables in the order in which their rows can be compared: parents of identities first."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from consolidator_tui.domain.merge import Identity, IdentityKind, Link


def identity_parents(key: str, identity: Identity, links: tuple[Link, ...]) -> set[str]:
    """The tables whose entities are part of this table's identity, itself left out."""
    if identity.kind is IdentityKind.NONE:
        return set()
    return {
        link.root
        for link in links
        if link.root != key
        and (identity.kind is not IdentityKind.COLUMNS or link.column in identity.columns)
    }


def in_order(
    parents: Mapping[str, set[str]], all_parents: Mapping[str, set[str]]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Folded table names, parents first, and the cycles among them.

    `parents` are those of the identities; `all_parents` (every reference) only breaks ties so
    that the order is readable.
    """
    remaining = {key: set(above) for key, above in parents.items()}
    cycles: list[tuple[str, ...]] = []
    while True:
        sorter = TopologicalSorter(remaining)
        try:
            order = list(sorter.static_order())
            break
        except CycleError as error:
            cycle = tuple(dict.fromkeys(error.args[1]))
            cycles.append(cycle)
            # Cutting one edge is enough; the merge refines the cut table afterwards.
            cut = error.args[1]
            remaining[cut[1]].discard(cut[0])
    wanted = list(parents)
    return [key for key in order if key in wanted], _joined(cycles)


def _joined(cycles: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Cycles that share a table are refined together."""
    groups: list[set[str]] = []
    for cycle in cycles:
        own = set(cycle)
        for group in [g for g in groups if g & own]:
            own |= group
            groups.remove(group)
        groups.append(own)
    return [tuple(sorted(group)) for group in groups]
