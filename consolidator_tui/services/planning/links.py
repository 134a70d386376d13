"""Follows references column by column down to the surrogate key that a value comes from."""

from __future__ import annotations

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Link, Reference
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.planning.dense import place_dense
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.keys import refers_by_key
from consolidator_tui.services.planning.measure import EXTREME, Containment, Measurements, Span


async def find_links(planning: Planning, measure: Measurements) -> None:
    """Set the links of every draft; a column of a composite key follows to its own root."""
    for draft in planning.drafts.values():
        done: set[tuple[str, str, str]] = set()
        for reference in draft.references:
            for column, parent_column in zip(
                reference.columns, reference.parent_columns, strict=True
            ):
                root = root_of(planning, fold(reference.parent), parent_column, set())
                mark = (fold(column), root or "", repr(dict(reference.where)))
                if root is None or mark in done or draft.column(column) is None:
                    continue
                if not reference.where and any(
                    fold(link.column) == fold(column) for link in draft.links
                ):
                    continue
                done.add(mark)
                draft.links.append(
                    await _measured(planning, measure, draft, column, root, reference)
                )


def root_of(planning: Planning, table: str, column: str, seen: set[tuple[str, str]]) -> str | None:
    """The table whose surrogate key the column's values are; None for natural values."""
    parent = planning.drafts.get(table)
    if parent is None or (table, fold(column)) in seen:
        return None
    if parent.surrogate is not None and fold(parent.surrogate) == fold(column):
        return table
    seen.add((table, fold(column)))
    for reference in parent.references:
        if reference.where:
            continue
        for own, above in zip(reference.columns, reference.parent_columns, strict=True):
            if fold(own) == fold(column):
                root = root_of(planning, fold(reference.parent), above, seen)
                if root is not None:
                    return root
    return None


async def _measured(
    planning: Planning,
    measure: Measurements,
    draft: Draft,
    column: str,
    root: str,
    reference: Reference,
) -> Link:
    parent = planning.drafts[root]
    dangling = []
    as_text = False
    for index in draft.members:
        if draft.there(index, column) is None:
            continue
        found = await measure.containment(
            draft, index, column, parent, reference.terms(index) or None
        )
        if found.missing:
            dangling.append(index)
            _note_dangling(planning, draft, column, index, parent, found)
            if await _has_far_ids(measure, parent):
                _widen(parent, index, found.far_low, found.far_high)
            else:
                _widen(parent, index, found.low, found.high)
        as_text = as_text or found.text > 0
    return Link(column, root, reference, tuple(dangling), as_text)


async def _has_far_ids(measure: Measurements, parent: Draft) -> bool:
    """Whether ids of the table are so large that values beyond EXTREME can hit one."""
    spans = [await measure.span(parent, index) for index in parent.members]
    return any(span and (span.low < -EXTREME or span.high > EXTREME) for span in spans)


def _note_dangling(
    planning: Planning, draft: Draft, column: str, index: int, parent: Draft, found: Containment
) -> None:
    lost = found.missing - found.none_marks
    if lost:
        path = planning.sources[index].path
        planning.note(
            f"{draft.name}.{column}: {plural(lost, 'value')} in {path} "
            f"{verb(lost, 'has', 'have')} no "
            f"row in {parent.name} there; {verb(lost, 'it stays', 'they stay')} without one",
            table=draft.name,
            column=column,
            file=path,
        )


def _widen(parent: Draft, source: int, low: int | None, high: int | None) -> None:
    """Keep the numbers that dangling references point at free of other files' rows."""
    for value in (low, high):
        if value is None:
            continue
        before = parent.spans.get(source, (value, value))
        parent.spans[source] = (min(before[0], value), max(before[1], value))


NONE_IDS = (-1, 0)
"""Applications write these for "no parent", so only rows of the base may have them as ids."""
LARGEST = (1 << 63) - 1
MARGIN = 1_000_000
"""Ids left at the end of the numbers, so that the application can go on."""


async def place_ranges(planning: Planning, measure: Measurements) -> None:
    """Give every source of every table a range of addresses that no other source touches."""
    loose = {
        link.root for draft in planning.drafts.values() for link in draft.links if link.dangling
    }
    for draft in planning.drafts.values():
        placed = [NONE_IDS] if draft.key in loose else []
        wide_spans = dict(draft.spans)
        draft.spans.clear()
        for index in sorted({*draft.members, *wide_spans}):
            span = await measure.span(draft, index) if index in draft.members else None
            wide = wide_spans.get(index)
            if span is None and wide is None:
                draft.shifts[index] = 0
                draft.spans[index] = (0, -1)
                continue
            low, high = _needed(planning, draft, index, span, wide)
            shift = smallest_shift(placed, low, high) if index else 0
            draft.shifts[index] = shift
            if index and high + shift > LARGEST - MARGIN:
                draft.dense.append(index)
                draft.shifts[index] = 0
                continue
            draft.spans[index] = (low + shift, high + shift)
            placed.append(draft.spans[index])
        if draft.dense:
            await place_dense(planning, measure, draft)
    for draft in planning.drafts.values():
        _share_with_parent(planning, draft)


def _share_with_parent(planning: Planning, draft: Draft) -> None:
    """A table whose key is its parent's key moves with the parent."""
    own = refers_by_key(draft)
    root = next((link.root for link in draft.links if link.column == own), None)
    if root is not None:
        parent = planning.drafts[root]
        draft.shifts = dict(parent.shifts)
        draft.spans = dict(parent.spans)
        draft.dense = list(parent.dense)


def _needed(
    planning: Planning, draft: Draft, index: int, span: Span | None, wide: tuple[int, int] | None
) -> tuple[int, int]:
    bounds = [b for b in ((span.low, span.high) if span else None, wide) if b is not None]
    low = min(b[0] for b in bounds)
    high = max(b[1] for b in bounds)
    table = draft.members.get(index)
    sequence = planning.sources[index].schema.sequences.get(table.key if table else "", high)
    if table is not None and table.autoincrement and high < sequence <= EXTREME:
        high = sequence
    return low, high


def smallest_shift(placed: list[tuple[int, int]], low: int, high: int) -> int:
    """The smallest constant from 0 that moves [low, high] away from every placed range."""
    shift = 0
    for start, end in sorted(placed):
        # What lies before is passed; a gap that fits ends it.
        if high + shift < start:
            break
        shift = max(shift, end + 1 - low)
    return shift
