"""The survivorship rules by name; apart, because the command line names them at every start."""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """Survivorship rules: which version of an entity wins."""

    NEWEST = "newest"
    BASE = "base"
    LAST = "last"
    MOST_COMPLETE = "most_complete"
    STOP = "stop"
