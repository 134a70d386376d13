"""The commands that open the wizard; they load nothing that its first screen does not need."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from consolidator_tui.domain.errors import ConsolidatorError, UsageError


def wizard(project: Path) -> int:
    """The wizard on a project; the exit status."""
    from consolidator_tui.services.project_folder import require_folder

    try:
        require_folder(project)
    except UsageError as error:
        return _refuse(error)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _refuse(
            UsageError(
                "The wizard needs a terminal.", todo="Use `consolidator-tui run` in scripts."
            )
        )
    # What is loaded now stays: looking for garbage in it is a tenth of the time to the first
    # screen. The app turns it on again.
    gc.disable()
    from consolidator_tui.tui.app import run_wizard

    return run_wizard(project)


def demo(folder: Path | None) -> int:
    """Write the sample project and open the wizard on it; the exit status."""
    from consolidator_tui.sample.writer import write_sample
    from consolidator_tui.storage.atomic import explain_os

    place = folder or Path("consolidator-demo")
    try:
        write_sample(place)
    except ConsolidatorError as error:
        return _refuse(error)
    except OSError as error:
        return _refuse(explain_os(error, str(place)))
    return wizard(place)


def _refuse(error: ConsolidatorError) -> int:
    from consolidator_tui.cli.commands import refuse
    from consolidator_tui.cli.output import Output

    return refuse(error, Output(as_json=False))
