"""What was checked on the staged target before it became the target."""

from __future__ import annotations

from dataclasses import dataclass

from consolidator_tui.domain.manifest import FileStat


@dataclass(frozen=True, slots=True)
class Check:
    """One check and whether it holds."""

    name: str
    table: str
    """Empty where it is about the whole database."""
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The bytes that were verified, and the stat by which their file is known again."""

    size: int
    sha256: str
    stat: FileStat
    wal: bool = False
    """The hash is of the file in WAL mode, which it gets when it is put in place."""


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one staged target."""

    checks: tuple[Check, ...]
    seconds: float = 0.0
    seal: Seal | None = None

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)
