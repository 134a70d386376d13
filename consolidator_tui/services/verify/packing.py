"""Whole rows as few values, for tables with more columns than one statement groups by."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.services.sqltext import combined

MOST_COLUMNS = 900
"""Columns that are grouped by one by one, each beside its type."""
_TOGETHER = 50


def packed(values: Sequence[str]) -> list[str]:
    """The expressions themselves, or texts that are equal only where type and bytes of all are."""
    if len(values) <= MOST_COLUMNS:
        return list(values)
    return [
        combined("||", [_spelled(value) for value in values[start : start + _TOGETHER]], "''")
        for start in range(0, len(values), _TOGETHER)
    ]


def _spelled(value: str) -> str:
    content = f"CASE typeof({value}) WHEN 'real' THEN quote({value}) ELSE hex({value}) END"
    return f"(typeof({value}) || coalesce({content}, '') || ',')"
