"""What is said of places that no edit is made for."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path

from consolidator_tui.domain.reference import Anchor, ManualNote, Reference, ReferenceReport
from consolidator_tui.services.references.mounts import Mounts
from consolidator_tui.services.references.paths import locate
from consolidator_tui.services.references.pieces import normal
from consolidator_tui.services.references.text_files import PYTHON
from consolidator_tui.services.references.why import why


def not_edited(reference: Reference, because: str, goal: Path, project: Path) -> str:
    """Why a reference stays, and what is left to do: nothing where it means the goal already."""
    shown = _shown(goal, project)
    if list(reference.resolves_to) == [goal]:
        when = why(reference, goal, project)
        return f"“{reference.text}” stays as it is: {because}. It is {shown} {when}."
    return f"“{reference.text}”: {because}. Let it use {shown}."


def in_words(
    reference: Reference, target: Path, selected: Collection[Path], project: Path
) -> str | None:
    """What to do about a text of several words, such as a command; None: it is no such text,
    empty: nothing."""
    path = locate(reference.text).path
    if reference.exists or " " not in path or normal(path, project).parent.is_dir():
        return None
    if reference.file.endswith(PYTHON):
        return ""
    folders = reference.working_directories or (project,)
    meant = [normal(word, folder) for word in path.split() for folder in folders]
    if meant and target in meant:
        return ""
    database = next((each for each in meant if each in selected), None)
    if database is None:
        return ""
    return (
        f"“{reference.text}” names {_shown(database, project)}. "
        f"Let it use {_shown(target, project)}."
    )


def in_container(
    reference: Reference, target: Path, selected: Collection[Path], project: Path, mounts: Mounts
) -> str | None:
    """What to do about a path in a container that is a bound, or copied, file of this machine;
    None: it is none, empty: nothing. Blocking."""
    if reference.exists or reference.anchor is not Anchor.ABSOLUTE:
        return None
    path = reference.resolves_to[0].as_posix()
    files = mounts.bound(path) or mounts.copied(path)
    if target in files:
        return ""
    database = next((each for each in files if each in selected), None)
    if database is None:
        return None
    if not mounts.bound(path):
        outside, new = (os.path.relpath(each, project) for each in (database, target))
        here = path.removesuffix(outside) + new if path.endswith(f"/{outside}") else ""
        place = f" Let it name {here}." if here else f" Let it name {new} there."
        return f"“{reference.text}” is {outside}, as a Dockerfile copies it into an image.{place}"
    inside = mounts.inside(target, path)
    told = f"“{reference.text}” is {_shown(database, project)} by a volume of a compose file."
    if inside:
        return f"{told} Let it name {inside}."
    folder = posixpath.dirname(path)
    return (
        f"{told} Bind the folder of {_shown(target, project)} to {folder} instead, "
        f"and let it name {posixpath.join(folder, target.name)}."
    )


def unread(report: ReferenceReport) -> Iterator[ManualNote]:
    """A note for each file and folder that cannot be read at all."""
    for item in report.unreadable:
        if not item.line:
            yield ManualNote(item.file, 0, f"{item.reason}. {_LOOK}")


_LOOK = "Look yourself whether something in it names a database."


def _shown(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
