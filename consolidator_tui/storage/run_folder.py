"""The folder of a run: `<project>/.consolidator/runs/<UTC time>/`."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from consolidator_tui.domain.errors import FileRefused, UsageError
from consolidator_tui.domain.manifest import MANIFEST_NAME
from consolidator_tui.storage.atomic import (
    explain_os,
    new_private_folder,
    sync_folder,
    write_atomically,
)

FOLDER_NAME = ".consolidator"
_NEW = "new-"
REMOVED = "removed-"
"""Prefix of a run's folder while it is being deleted; no run has such a name."""
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")

Clock = Callable[[], datetime]
"""The current time with its zone."""


def utc_now() -> datetime:
    """The clock of real life."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run. Nothing is opened by holding it."""

    project: Path
    """Absolute."""
    name: str

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.project / FOLDER_NAME / "runs" / self.name

    @property
    def run_db(self) -> Path:
        """State, events, plan, decisions."""
        return self.path / "run.db"

    @property
    def damaged_db(self) -> Path:
        """A `run.db` that could not be read, set aside: what it said is lost."""
        return self.path / "run.db.damaged"

    @property
    def ledger_db(self) -> Path:
        """The fate of every source row; written by the merge."""
        return self.path / "ledger.db"

    @property
    def backup(self) -> Path:
        """Original bytes and snapshots."""
        return self.path / "backup"

    @property
    def manifest(self) -> Path:
        """The backup's manifest; without it there is no backup."""
        return self.backup / MANIFEST_NAME

    @property
    def staging(self) -> Path:
        """The target being built."""
        return self.path / "staging"

    @property
    def kept(self) -> Path:
        """What roll back set aside."""
        return self.path / "kept"

    @classmethod
    def create(cls, project: Path, clock: Clock = utc_now) -> RunFolder:
        """Make the folders of a new run, named by the time. Blocking.

        What killed processes left of others that were being made or removed goes: call it with
        the project's lock held. Raises FileRefused when the project cannot be written, DiskFull.
        """
        project = project.resolve()
        try:
            runs = _own_folder(project)
            # Made whole under another name: a run's folder always has its parts.
            new = runs / f"{_NEW}{secrets.token_hex(6)}"
            for folder in (new, new / "backup", new / "staging", new / "kept"):
                new_private_folder(folder)
            sync_folder(new)
            _remove_leftovers(runs, new)
            name = _claim(runs, new, clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
            sync_folder(runs)
            run = cls(project, name)
        except OSError as error:
            raise explain_os(error, str(project / FOLDER_NAME)) from error
        return run

    @classmethod
    def open(cls, project: Path, name: str) -> RunFolder:
        """An existing run. Raises UsageError when there is none of that name."""
        run = cls(project.resolve(), name)
        if not _RUN_NAME.fullmatch(name) or not _is_folder(run.path):
            raise UsageError(
                f"There is no run {name!r} in {project}.",
                todo="`consolidator-tui runs PROJECT` lists them.",
            )
        return run

    def resolve(self, path: str) -> Path:
        """The absolute path of a file that is named relative to the project."""
        return self.project / path


def list_runs(project: Path) -> list[RunFolder]:
    """The runs of a project, oldest first. Blocking."""
    project = project.resolve()
    runs = project / FOLDER_NAME / "runs"
    if not _is_folder(runs):
        return []
    names = [entry.name for entry in os.scandir(runs) if entry.is_dir(follow_symlinks=False)]
    return [RunFolder(project, n) for n in sorted(names, key=run_order) if _RUN_NAME.fullmatch(n)]


def prepare_own_folder(project: Path) -> Path:
    """Make `<project>/.consolidator` where it is missing, and return it. Blocking.

    Raises FileRefused when the project cannot be written or something else has that name.
    """
    try:
        return _own_folder(project.resolve()).parent
    except OSError as error:
        raise explain_os(error, str(project / FOLDER_NAME)) from error


def run_order(name: str) -> tuple[str, int]:
    time, _, number = name.partition("-")
    return time, int(number) if number.isdigit() else 0


def _own_folder(project: Path) -> Path:
    own = project / FOLDER_NAME
    for folder in (own, own / "runs"):
        try:
            new_private_folder(folder)
        except FileExistsError:
            if not _is_folder(folder):
                # A symlink here would put backups, and deletions, somewhere else.
                raise FileRefused(
                    f"{folder} is in the way: it is not a folder of this tool.",
                    todo="Move it away and try again.",
                ) from None
        else:
            sync_folder(folder.parent)
    ignore = own / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, b"*\n")
    return own / "runs"


def _remove_leftovers(runs: Path, new: Path) -> None:
    for entry in list(os.scandir(runs)):
        left = entry.name.startswith((_NEW, REMOVED)) and entry.name != new.name
        if left and entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)


def _claim(runs: Path, new: Path, name: str) -> str:
    number = 1
    while True:
        candidate = name if number == 1 else f"{name}-{number}"
        try:
            new.rename(runs / candidate)
        except OSError as error:
            # A folder that has content is never replaced.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            number += 1
        else:
            return candidate


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False
