"""Steps that only the wizard starts by themselves, as commands: `@cleanup`, `@rollback`, `@recover`.

Each does what a session does around the service: the project's lock, and what a dead process left
behind is dealt with first.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Event
from consolidator_tui.services.cleanup import clean_up, confirmation_phrase, deletable_files
from consolidator_tui.services.failure import translate
from consolidator_tui.services.recover import recover
from consolidator_tui.services.rollback import roll_back
from consolidator_tui.storage.lock import project_lock
from consolidator_tui.storage.run_folder import RunFolder, list_runs


def main(arguments: list[str]) -> None:
    """Run `@name PROJECT [RUN]`; leaves with SystemExit as the command line does."""
    name, project = arguments[0], Path(arguments[1])
    run = list_runs(project)[-1] if len(arguments) < 3 else RunFolder.open(project, arguments[2])
    work = {"@cleanup": _clean_up, "@rollback": _roll_back, "@recover": _recover}[name]
    outcome, status, text = _answer(project, lambda: work(run))
    messages = [{"level": "error", "text": text}] if text else []
    print(json.dumps({"outcome": outcome, "messages": messages}))
    sys.exit(status)


def _answer(project: Path, work: Callable[[], Awaitable[None]]) -> tuple[str, int, str]:
    async def locked() -> None:
        with project_lock(project):
            await work()

    try:
        asyncio.run(locked())
    except Exception as error:  # noqa: BLE001 - as the command line does
        told = translate(error, "The step")
        return told.outcome, told.exit_status, f"{told.title}: {told.sentence} {told.todo}"
    return "done", 0, ""


def _ignore(_event: Event) -> None:
    """Nobody listens."""


async def _recover(run: RunFolder) -> None:
    await recover(run, _ignore)


async def _clean_up(run: RunFolder) -> None:
    await recover(run, _ignore)
    files = await deletable_files(run)
    files = [file for file in files if file != "app.db"]
    if files:
        await clean_up(run, files, confirmation_phrase(len(files)), _ignore)


async def _roll_back(run: RunFolder) -> None:
    try:
        await recover(run, _ignore)
    except ConsolidatorError:
        # What cannot be finished is undone: roll back deals with it itself.
        pass
    await roll_back(run, _ignore)
