"""One damaged project through the real services, and everything that must hold afterwards."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Event, Level, Message, ignore
from consolidator_tui.domain.outcome import Outcome, RunOptions
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.failure import translate
from consolidator_tui.services.scan import scan
from tests.fuzz.damage import damage
from tests.fuzz.projects import SOURCES, TARGET

SECONDS = 60
_HOW_MANY = (1, 1, 2, 4, 8)
_UNEXPECTED = "unexpected error"


@dataclass(slots=True)
class Trial:
    """What became of one damaged project."""

    number: int
    project: str
    changes: tuple[str, ...]
    status: int = 0
    outcome: str = ""
    words: str = ""
    """The last sentence."""
    seconds: float = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = "; ".join(self.findings)
        return f"trial {self.number} ({self.project}: {', '.join(self.changes)}): {told}"


def attempt(number: int, seed: int, templates: dict[str, Path], scratch: Path) -> Trial:
    """Damage a copy of a project, scan it and consolidate it. All follows from seed and number."""
    coin = random.Random(f"{seed}:{number}")
    name = coin.choice(sorted(templates))
    project = scratch / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(templates[name], project)
    changes = damage(project, coin, coin.choice(_HOW_MANY))
    trial = Trial(number, name, tuple(map(str, changes)))
    before = _contents(project)
    began = time.monotonic()
    sources = SOURCES if coin.random() < 0.6 else ()
    before_threads = threading.excepthook
    threading.excepthook = lambda caught: trial.findings.append(f"a thread: {caught.exc_value!r}")
    try:
        asyncio.run(_work(trial, project, sources, looking=coin.random() < 0.3))
    finally:
        threading.excepthook = before_threads
    trial.seconds = time.monotonic() - began
    if trial.seconds > SECONDS:
        trial.findings.append(f"it took {trial.seconds:.0f} s")
    _check_files(trial, project, before)
    return trial


async def _work(trial: Trial, project: Path, sources: tuple[str, ...], *, looking: bool) -> None:
    if looking:
        await _look(trial, project)
    options = RunOptions(
        target=TARGET, sources=sources, yes=True, on_conflict=(Rule.NEWEST, Rule.BASE)
    )
    events: list[Event] = []
    outcome = await consolidate(project, options, events.append)
    trial.status, trial.outcome = outcome.exit_status, outcome.result.value
    _check_words(trial, outcome)


async def _look(trial: Trial, project: Path) -> None:
    try:
        await scan(project, ignore)
    except Exception as error:  # noqa: BLE001 - as the command line does
        told = translate(error, "The command")
        if not isinstance(error, ConsolidatorError) or _UNEXPECTED in told.sentence:
            trial.findings.append(f"scan: {type(error).__name__}: {error}")


def _check_words(trial: Trial, outcome: Outcome) -> None:
    texts = [message.text for message in outcome.messages]
    trial.words = texts[-1] if texts else ""
    for text in texts:
        if _UNEXPECTED in text or "Traceback" in text:
            trial.findings.append(text)
    asked = [m for m in outcome.messages if m.level in (Level.ERROR, Level.QUESTION)]
    if outcome.exit_status not in (0, 1, 2, 3, 4):
        trial.findings.append(f"exit status {outcome.exit_status}")
    if outcome.exit_status and not any(_is_sentence(message) for message in asked):
        trial.findings.append(f"status {outcome.exit_status} without a sentence: {texts}")


def _is_sentence(message: Message) -> bool:
    return len(message.text.split()) >= 3


def _check_files(trial: Trial, project: Path, before: dict[str, bytes]) -> None:
    """Originals untouched; the target is what it was, or whole."""
    after = _contents(project)
    family = {TARGET, *(TARGET + suffix for suffix in ("-wal", "-shm", "-journal"))}
    consolidated = trial.status == 0 and before != after
    for path in sorted({*before, *after}):
        if consolidated and path in family:
            continue
        if before.get(path) != after.get(path):
            trial.findings.append(f"{path} is not as it was (status {trial.status})")
    if consolidated:
        with closing(sqlite3.connect(project / TARGET)) as connection:
            found = connection.execute("PRAGMA integrity_check(3)").fetchall()
        if found != [("ok",)]:
            trial.findings.append(f"the new target is damaged: {found}")


def _contents(project: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and ".consolidator" not in path.relative_to(project).parts
    }
