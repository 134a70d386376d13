"""Where diverged copies come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """A state that some of the sources come from."""

    name: str
    """For the plan's key `ancestor`."""
    sources: tuple[str, ...]
    """Paths of the sources that come from it."""
    compared: int
    """Rows of it that were looked up in each of them."""
    equal: int
    """Of those, in the source that changed most, how many are there unchanged."""
