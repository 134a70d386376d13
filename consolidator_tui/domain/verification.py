"""What was checked on the staged target before it became the target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One check and whether it holds."""

    name: str
    table: str
    """Empty where it is about the whole database."""
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one staged target."""

    checks: tuple[Check, ...]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)
