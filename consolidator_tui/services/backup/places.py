"""Where files of a run are, and under which names the backup keeps them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.manifest import MANIFEST_NAME
from consolidator_tui.storage.atomic import explain_os
from consolidator_tui.storage.run_folder import FOLDER_NAME, RunFolder

RAW = "originals"
"""Folder of raw parts that are not also the snapshot."""
_MOVED = "files"
_OUTSIDE = "outside"
_RESERVED = {MANIFEST_NAME, RAW, _MOVED, _OUTSIDE}


@dataclass(frozen=True, slots=True)
class Place:
    """One file of the run."""

    path: str
    """As the manifest names it."""
    real: Path
    """Absolute, symlinks followed."""
    link: str
    """The text of the symlink when the path itself is one."""
    stored: str
    """Name of the snapshot in the backup folder."""

    @property
    def raw(self) -> str:
        """Name of the raw copy when it is not the snapshot; sidecars append their suffix."""
        return f"{RAW}/{self.stored}"


def locate(run: RunFolder, path: str) -> Place:
    """Find a file that is named relative to the project, or absolutely. Blocking.

    Raises FileRefused for a path into the tool's own folder, or one that cannot be resolved.
    """
    named = named_path(run, path)
    full = run.project / named
    try:
        real = Path(os.path.realpath(full))
        link = os.readlink(full) if full.is_symlink() else ""  # noqa: PTH115 - its exact text
    except OSError as error:
        raise explain_os(error, path) from error
    own = run.project / FOLDER_NAME
    if real.is_relative_to(own):
        raise FileRefused(f"{path}: this belongs to {FOLDER_NAME}, the tool's own folder.")
    return Place(named, real, link, _stored_name(named))


def hard_links(run: RunFolder, place: Place, names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` in the project that lead to the very file, no links being followed.
    Blocking."""
    found = []
    if not names:
        return ()
    try:
        status = place.real.lstat()
        for name in dict.fromkeys(named_path(run, name) for name in names):
            full = run.project / name
            known = name == place.path or full == place.real or PurePosixPath(name).is_absolute()
            if not known and full.exists() and os.path.samestat(full.lstat(), status):
                found.append(name)
    except OSError as error:
        raise explain_os(error, place.path) from error
    return tuple(found)


def named_path(run: RunFolder, path: str) -> str:
    """The one name of a path: relative to the project inside it, absolute outside."""
    full = os.path.normpath(run.project / path)
    relative = os.path.relpath(full, run.project)
    outside = relative == ".." or relative.startswith("../")
    return full if outside else relative


def place_name(run: RunFolder, real: Path) -> str:
    """A resolved path as the manifest keeps it."""
    return named_path(run, str(real))


def _stored_name(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute():
        return f"{_OUTSIDE}/{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}/{pure.name}"
    if pure.parts[0] in _RESERVED:
        return f"{_MOVED}/{path}"
    return path
