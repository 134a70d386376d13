"""Which files take part in a run, and where they come together."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Selection:
    """What the person chose. Paths are relative to the project, as Discovery has them."""

    sources: tuple[str, ...] = ()
    """In order of priority; empty takes the preselected files."""
    target: str | None = None
    """None chooses one: what the settings of Flask or Django name, else what the application uses,
    else the file with the most rows."""
    base: str | None = None
    """The source whose rows keep their ids; None is the target where it exists."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection that was checked: every source is there, and the target can be written."""

    sources: tuple[str, ...]
    """In order of priority; the first is the base."""
    target: str
    target_exists: bool
    """A file of zero bytes counts as absent."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Path -> why a file that the run would have taken is left out."""
    warned: dict[str, str] = field(default_factory=dict)
    """Those of `skipped` that look like application data but cannot be used."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """Those of `skipped` that have rows of their own, and could be sources if they were named."""
    reason: str = ""
    """Why this target."""

    @property
    def base(self) -> str:
        """The source whose rows keep their ids."""
        return self.sources[0]


@dataclass(frozen=True, slots=True)
class Lead:
    """What of the application leads to one file."""

    references: int = 0
    """How many references outside of tests."""
    settings: str = ""
    """Where the settings of Flask or Django name it as the application's database."""


@dataclass(frozen=True, slots=True)
class SpaceEstimate:
    """How much room a run needs where the project is, in bytes."""

    backup: int
    staging: int
    free: int

    @property
    def needed(self) -> int:
        """Backup and staged target together."""
        return self.backup + self.staging

    @property
    def enough(self) -> bool:
        """Whether there is room."""
        return self.needed <= self.free
