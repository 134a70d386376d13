"""The commands that are stopped, and what they are expected to come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.projects import SOURCES, TARGET

Arguments = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command on a project, after what came before it."""

    command: str
    project: str
    arguments: Arguments
    before: tuple[Arguments, ...] = ()
    """Commands that ran to their end."""
    ends_with_start: bool = False
    """The command puts everything back as it was before `before`."""

    @property
    def name(self) -> str:
        """Command and project."""
        return f"{self.command} ({self.project})"


def consolidation(*more: str) -> Arguments:
    """The whole run on the command line."""
    sources = [word for name in SOURCES for word in ("--source", name)]

    def arguments(project: Path) -> list[str]:
        return ["run", str(project), "--target", TARGET, *sources, *more, "--yes", "--json"]

    return arguments


def rollback(project: Path, run: str | None = None) -> list[str]:
    """Roll back on the command line; the newest run without a name."""
    return ["rollback", str(project), *([run] if run else []), "--yes", "--json"]


def clean_up(project: Path) -> list[str]:
    """Clean up as the wizard does it, after a run that was finished."""
    return ["@cleanup", str(project)]


RUN = consolidation()

SCENARIOS: tuple[Scenario, ...] = (
    *(Scenario("run", project, RUN) for project in ("plain", "logged", "new")),
    Scenario("configure", "plain", consolidation("--configure")),
    Scenario("run-cleanup", "plain", consolidation("--configure", "--cleanup")),
    Scenario("cleanup", "plain", clean_up, (RUN,)),
    Scenario("cleanup", "logged", clean_up, (RUN,)),
    Scenario("cleanup", "linked", clean_up, (RUN,)),
    *(
        Scenario("rollback", project, rollback, (RUN,), ends_with_start=True)
        for project in ("plain", "logged", "new", "linked")
    ),
    Scenario("rollback-cleaned", "plain", rollback, (RUN, clean_up), ends_with_start=True),
    Scenario("rollback-cleaned", "logged", rollback, (RUN, clean_up), ends_with_start=True),
    Scenario("rollback-cleaned", "linked", rollback, (RUN, clean_up), ends_with_start=True),
)


def chosen(commands: list[str]) -> tuple[Scenario, ...]:
    """The scenarios of these commands (or of exact names); all without any."""
    if not commands:
        return SCENARIOS
    return tuple(s for s in SCENARIOS if s.command in commands or s.name in commands)
