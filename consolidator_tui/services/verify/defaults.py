"""The value that a row has in a column which its file lacks, where it can be known beforehand."""

from __future__ import annotations

import re

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import MergePlan, MergeTable, TargetColumn

_CONSTANT = re.compile(
    r"\(?\s*([+-]?\s*\d+(\.\d+)?(e[+-]?\d+)?|'([^']|'')*'|x'[0-9a-f]*'|null|true|false)\s*\)?\Z",
    re.I,
)


def constant_default(plan: MergePlan, table: MergeTable, column: TargetColumn) -> str | None:
    """SQL of the constant that rows without the column get; None where only SQLite knows it."""
    if column.default is not None:
        return column.default
    for index, own in enumerate(column.sources):
        if own is None:
            continue
        declared = plan.sources[index].schema.tables[fold(str(table.sources[index]))].column(own)
        text = "NULL" if declared.default is None else declared.default.strip()
        return text if _CONSTANT.match(text) else None
    return None


def must_fill(plan: MergePlan, table: MergeTable, column: TargetColumn) -> bool:
    """Whether the target's column takes no NULL."""
    for index, own in enumerate(column.sources):
        if own is not None:
            declared = plan.sources[index].schema.tables[fold(str(table.sources[index]))]
            return declared.column(own).not_null
    return False
