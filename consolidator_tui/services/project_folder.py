"""The project's folder, as a person names it."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.errors import UsageError


def require_folder(project: Path) -> None:
    """Blocking. Raises UsageError where that is no folder; of a file it names the folder."""
    if project.is_dir():
        return
    if project.is_file():
        raise UsageError(
            f"{project} is a file, not a folder.",
            todo=f"Name the folder of its project, for example `{project.parent}`.",
        )
    raise UsageError(f"There is no folder {project}.", todo="Name a project's folder.")
