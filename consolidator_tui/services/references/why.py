"""Why a reference leads to a file, in a few words: from where it is started, what it hangs on."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.reference import Anchor, Reference
from consolidator_tui.services.references.paths import locate
from consolidator_tui.services.references.pieces import normal


def why(reference: Reference, database: Path, project: Path) -> str:
    """When a reference means `database` (absolute): `when started in backend`, say."""
    if reference.anchor in (Anchor.WORKING_DIRECTORY, Anchor.INSTANCE_FOLDER):
        folder = _folder(reference, database)
        if folder is None:
            return f"from the {reference.anchor}"
        name = _shown(folder, project)
        if reference.anchor is Anchor.INSTANCE_FOLDER:
            return f"Flask looks in {name}"
        return f"when started in {name}"
    return {
        Anchor.FILE_FOLDER: "from wherever it is started",
        Anchor.ABSOLUTE: "by its full path",
        Anchor.ENVIRONMENT: "by an environment variable",
    }.get(reference.anchor, str(reference.anchor))


def _folder(reference: Reference, database: Path) -> Path | None:
    """The folder from which a relative path means the file."""
    texts = [reference.text]
    texts += ["".join(piece.text for piece in use.pieces) for use in reference.uses]
    for text in texts:
        path = locate(text).path
        if not path or path.startswith("/"):
            continue
        for base in reference.working_directories:
            if normal(path, base) == database:
                return base
        parts = normal(path).parts
        if database.parts[-len(parts) :] == parts:
            return Path(*database.parts[: -len(parts)])
    return None


def _shown(folder: Path, project: Path) -> str:
    if folder == project:
        return "the project"
    return folder.relative_to(project).as_posix() if folder.is_relative_to(project) else str(folder)
