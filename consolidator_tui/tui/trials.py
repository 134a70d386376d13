"""Smoke commands as the person sees them: one row for each place that a command is started from."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from consolidator_tui.domain.event import Event
from consolidator_tui.domain.smoke import (
    SmokeCommand,
    SmokeEnded,
    SmokeOutput,
    SmokeReport,
    SmokeStarted,
    Start,
    StartResult,
    started_in,
)

MOST_LINES = 2_000
"""Lines of output that are kept for the screen."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A command from one place."""

    key: str
    command: SmokeCommand
    """With exactly one start."""
    chosen: bool

    @property
    def start(self) -> Start:
        """Where and how it is started."""
        return self.command.starts[0]

    @property
    def place(self) -> tuple[str, str]:
        """What events and results call it: the command's name and the folder."""
        return self.command.name, self.start.folder


Trials = tuple[Trial, ...]


def as_trials(commands: Iterable[SmokeCommand]) -> Trials:
    """A row for each start; those that are selected by themselves are chosen."""
    found: list[Trial] = []
    for command in commands:
        for start in command.starts:
            one = replace(command, starts=(start,))
            found.append(Trial(f"t{len(found)}", one, command.selected))
    return tuple(found)


def as_commands(trials: Trials) -> tuple[SmokeCommand, ...]:
    """The chosen rows as commands again: the starts of one command belong together."""
    found: dict[str, SmokeCommand] = {}
    for trial in trials:
        if not trial.chosen:
            continue
        name, before = trial.command.name, found.get(trial.command.name)
        starts = (*before.starts, trial.start) if before is not None else trial.command.starts
        found[name] = replace(trial.command, starts=starts)
    return tuple(found.values())


def toggled(trials: Trials, keys: set[str], chosen: bool) -> Trials:
    """These rows chosen, or left out."""
    return tuple(replace(t, chosen=chosen) if t.key in keys else t for t in trials)


def edited(trials: Trials, key: str, command: SmokeCommand) -> Trials:
    """The row with another command; what is not about the place holds for all its rows."""
    name = next(trial.command.name for trial in trials if trial.key == key)
    return tuple(
        replace(t, command=command)
        if t.key == key
        else replace(t, command=replace(command, starts=t.command.starts))
        if t.command.name == name
        else t
        for t in trials
    )


def added(trials: Trials, command: SmokeCommand) -> tuple[Trials, str]:
    """The rows with a new command, whose name is made unique, and the key of its row."""
    names = {trial.command.name for trial in trials}
    name, number = command.name, 1
    while name in names:
        number += 1
        name = f"{command.name} ({number})"
    key = f"t{1 + max((int(trial.key[1:]) for trial in trials), default=-1)}"
    return (*trials, Trial(key, replace(command, name=name), chosen=True)), key


def removed(trials: Trials, key: str) -> Trials:
    """The rows without that one."""
    return tuple(trial for trial in trials if trial.key != key)


def result_of(report: SmokeReport | None, trial: Trial) -> StartResult | None:
    """What a row came to in the last run; None when it was not part of it as it is now."""
    for result in report.results if report is not None else ():
        if (result.command, result.start.folder) == trial.place and result.start == trial.start:
            return result
    return None


def environment_text(environment: Mapping[str, str]) -> str:
    """`KEY=value OTHER='a b'`, as a shell reads it."""
    return " ".join(f"{key}={shlex.quote(value)}" for key, value in environment.items())


def environment_of(text: str) -> dict[str, str]:
    """The variables that were typed. Raises ValueError with a sentence."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"Environment: {str(error).lower()}.") from error
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(f"Environment: {word} is not KEY=value.")
        found[key] = value
    return found


@dataclass(slots=True)
class Running:
    """What a smoke run told so far; the output is kept in memory only."""

    output: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    written: int = 0
    """Lines so far; more than `output` holds when it overflowed."""
    current: tuple[str, str] | None = None
    number: int = 0
    total: int = 0
    live: bool = True
    """Whether more will come."""
    ended: dict[tuple[str, str], SmokeEnded] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Note one event of the run."""
        if isinstance(event, SmokeStarted):
            self.current = (event.command, event.folder)
            self.number, self.total = event.number, event.total
            self._write((f"── {started_in(event.command, event.folder)} ──",))
        elif isinstance(event, SmokeOutput):
            self._write(event.lines)
        elif isinstance(event, SmokeEnded):
            self.current = None
            self.ended[event.command, event.folder] = event

    def _write(self, lines: Sequence[str]) -> None:
        self.output.extend(lines)
        self.written += len(lines)

    def since(self, number: int) -> list[str]:
        """The lines after the first `number`, as far as they are still kept."""
        new = min(self.written - number, len(self.output))
        return list(self.output)[len(self.output) - new :] if new > 0 else []
