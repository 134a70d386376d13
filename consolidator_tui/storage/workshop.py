"""Where new files wait for their rename into place. All functions block."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from consolidator_tui.domain.manifest import SIDECARS
from consolidator_tui.storage.atomic import make_private_folder
from consolidator_tui.storage.family import same_mount
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_folder import RunFolder


class Workshop:
    """Temporary files for one place.

    They are in the run's folder when a rename can reach the place from there, else beside it,
    under names that `clear` knows again after a crash.
    """

    def __init__(self, run: RunFolder, place: Path) -> None:
        inside = run.path / "workshop"
        make_private_folder(inside)
        self.beside = not same_mount(inside, place.parent)
        self.folder = place.parent if self.beside else inside
        self._prefix = f".consolidator-{run.name}-"

    def path(self, use: str) -> Path:
        """The path of a temporary file; nothing is there yet."""
        path = self.folder / (self._prefix + use)
        for member in (path, *(sidecar(path, suffix) for suffix in SIDECARS)):
            member.unlink(missing_ok=True)
        return path

    def clear(self) -> None:
        """Remove what is left over."""
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(self._prefix)]
        for name in names:
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()
