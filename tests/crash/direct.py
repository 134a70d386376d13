"""Clean up as the wizard does it, long after the run, as a command of its own: `@cleanup PROJECT`.

The command line cleans up only at the end of a run. This does what a session does around the
service: the project's lock, and what a dead process left behind is dealt with first.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from consolidator_tui.domain.event import Event
from consolidator_tui.services.cleanup import clean_up, confirmation_phrase, deletable_files
from consolidator_tui.services.failure import translate
from consolidator_tui.services.rollback.recover import recover
from consolidator_tui.storage.lock import project_lock
from consolidator_tui.storage.run_folder import list_runs
from tests.crash.projects import TARGET


def main(arguments: list[str]) -> None:
    """Clean up the newest run of a project; leaves with SystemExit as the command line does."""
    outcome, status, text = "done", 0, ""
    try:
        asyncio.run(_clean_up(Path(arguments[1])))
    except Exception as error:  # noqa: BLE001 - as the command line does
        told = translate(error, "The step")
        outcome, status = told.outcome, told.exit_status
        text = f"{told.title}: {told.sentence} {told.todo}"
    print(json.dumps({"outcome": outcome, "messages": [{"level": "error", "text": text}]}))
    sys.exit(status)


async def _clean_up(project: Path) -> None:
    with project_lock(project):
        run = list_runs(project)[-1]
        await recover(run, _ignore)
        files = [file for file in await deletable_files(run) if file != TARGET]
        if files:
            await clean_up(run, files, confirmation_phrase(len(files)), _ignore)


def _ignore(_event: Event) -> None:
    """Nobody listens."""
