"""Recognises points in time in whatever form a column holds them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*\Z")
_MILLISECONDS_FROM = 1e11
_MICROSECONDS_FROM = 1e14
_LATEST = 253402300800 * 1_000_000
"""The year 10000, in microseconds."""


def to_microseconds(value: object) -> int | None:
    """Microseconds since 1970 (UTC) of an ISO 8601 text or an epoch number; None if it is none.

    A text without zone means UTC. Numbers (also as text) are seconds, from 1e11 milliseconds,
    from 1e14 microseconds.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _epoch(value)
    if isinstance(value, str):
        if _NUMBER.match(value):
            if len(value.strip()) == 4:
                return _iso(value.strip() + "-01-01")
            if len(value.strip()) == 8 and value.strip().startswith(("19", "20")):
                return _iso(value.strip())
            return _epoch(float(value) if "." in value else int(value))
        return _iso(value.strip())
    return None


def _epoch(number: int | float) -> int | None:
    try:
        size = abs(number)
        if size >= _MICROSECONDS_FROM:
            instant = int(number)
        elif size >= _MILLISECONDS_FROM:
            instant = int(number * 1_000)
        else:
            instant = round(number * 1_000_000)
    except (OverflowError, ValueError):
        return None
    return instant if abs(instant) < _LATEST else None


def _iso(text: str) -> int | None:
    cleaned = re.sub(r"\s+(?=[+-]\d{2}:?\d{2}\Z)", "", text)
    cleaned = re.sub(r"\s*(UTC|GMT|Z)\Z", "+00:00", cleaned, flags=re.I)
    # datetime takes up to six digits of a second; more are finer than anything compared here.
    cleaned = re.sub(r"([.,]\d{6})\d+", r"\1", cleaned)
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except OverflowError:
        return None
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
