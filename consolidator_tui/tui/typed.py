"""What a person typed, as the value that a column would store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from consolidator_tui.domain.catalog import Affinity, fold

if TYPE_CHECKING:
    from consolidator_tui.domain.merge import MergePlan
    from consolidator_tui.domain.plan import Value

_INTEGER = re.compile(r"[+-]?\d{1,18}\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?\Z")
_NUMERIC = (Affinity.INTEGER, Affinity.REAL, Affinity.NUMERIC)


def typed_value(plan: MergePlan, table: str, column: str, text: str) -> Value:
    """A number for a column of numbers where the text spells one, else the text.

    `''` is the empty text.
    """
    if text == "''":
        return ""
    affinity = next(
        (
            c.affinity
            for t in plan.tables
            if fold(t.name) == fold(table)
            for c in t.columns
            if fold(c.name) == fold(column)
        ),
        Affinity.TEXT,
    )
    if affinity in _NUMERIC and _INTEGER.match(text):
        return int(text)
    if affinity in _NUMERIC and _NUMBER.match(text):
        return float(text)
    return text
