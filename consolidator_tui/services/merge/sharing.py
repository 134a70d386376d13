"""Which UNIQUE keys forbid that two versions of a group both stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.conflict import SharedKey, Version
from consolidator_tui.domain.plan import Value
from consolidator_tui.services.merge.uniqueness import TargetKey


def shared_keys(keys: Sequence[TargetKey], versions: Sequence[Version]) -> tuple[SharedKey, ...]:
    """The keys in which at least two versions have the same values, none of them NULL."""
    found = []
    for key in keys:
        seen: set[tuple[object, ...]] = set()
        for version in versions:
            values = tuple(
                _as_compared(version.values.get(column), collation)
                for column, collation in zip(key.columns, key.collations, strict=True)
            )
            if None in values:
                continue
            if values in seen:
                found.append(SharedKey(key.columns))
                break
            seen.add(values)
    return tuple(found)


def _as_compared(value: Value, collation: str) -> object:
    """A value such that those that the collation finds equal are equal."""
    if isinstance(value, str):
        if collation.upper() == "NOCASE":
            return fold(value)
        return value.rstrip(" ") if collation.upper() == "RTRIM" else value
    return value
