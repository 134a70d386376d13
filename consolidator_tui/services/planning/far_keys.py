"""Keys that are no counted numbers, such as times: equal numbers elsewhere are no chance."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Affinity
from consolidator_tui.services.planning.draft import Draft
from consolidator_tui.services.planning.measure import Measurements

FAR = 1 << 32
"""Keys beyond are so large that other numbers are not among them by chance."""


async def has_far_keys(measure: Measurements, parent: Draft) -> bool:
    """Whether no key of the table is a number that anything else may be: times of creation, say."""
    spans = [await measure.span(parent, index) for index in parent.members]
    return any(spans) and all(span is None or span.low > FAR for span in spans)


async def is_far(measure: Measurements, draft: Draft, column: str) -> bool:
    """Whether all values of a column of integers are such numbers, in every file."""
    if all(c.affinity is not Affinity.INTEGER for c in draft.columns if c.name == column):
        return False
    integers = [c.name for c in draft.columns if c.affinity is Affinity.INTEGER]
    lows = []
    for index in draft.members:
        await measure.prepare(draft, index, integers)
        if draft.there(index, column) is not None:
            lows.append(await measure.lowest(draft, index, column))
    numbers = [low for low in lows if isinstance(low, int)]
    return bool(numbers) and min(numbers) > FAR
