"""The ancestor that a plan names, as a file of the run that can be read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from consolidator_tui.domain.errors import FileRefused, UsageError
from consolidator_tui.domain.manifest import MAIN, SIDECARS
from consolidator_tui.domain.merge import Ancestor
from consolidator_tui.domain.plan import GIT_PREFIX
from consolidator_tui.services.ancestor.git import extract_named
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.storage.atomic import PRIVATE_FILE, explain_os, make_private_folder
from consolidator_tui.storage.files import copy_file
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.settle import settle
from consolidator_tui.storage.sqlite import explain

FOLDER = "ancestor"


async def open_ancestor(run: RunFolder, name: str, encoding: str) -> Ancestor:
    """Copy the named state into the run and read its schema.

    `encoding` is the base's: both are read in one connection. Raises UsageError where there is
    no such state, FileRefused where it is no database or cannot be compared.
    """
    target = run.path / FOLDER / "ancestor.db"
    try:
        await asyncio.to_thread(make_private_folder, target.parent)
        if name.startswith(GIT_PREFIX):
            await extract_named(run.project, name, target)
        elif os.path.isabs(name) or os.path.normpath(name).startswith(".."):  # noqa: PTH117
            raise UsageError(
                f"The ancestor {name} is outside of the project.", todo="Copy it into the project."
            )
        else:
            await copy_state(run.project / name, target, name)
    except OSError as error:
        raise explain_os(error, name) from error
    try:
        await settle(target)
        source = await load_source(0, name, target)
    except sqlite3.Error as error:
        raise explain(error, name) from error
    if source.schema.encoding != encoding:
        raise FileRefused(
            f"{name} is {source.schema.encoding} and the base is {encoding}: as an ancestor it "
            "cannot be compared.",
            todo="Leave `ancestor` out of the plan.",
        )
    return Ancestor(name, str(target), source.schema)


async def copy_state(file: Path, target: Path, name: str) -> None:
    """Copy a database that nobody writes, with its log. Raises FileRefused, UsageError, OSError."""
    before = await asyncio.to_thread(_stats, file)
    if before[0] is None:
        raise UsageError(
            f"There is no file {name} for the ancestor.", todo="Correct `ancestor` in the plan."
        )
    for suffix, stat in zip((MAIN, *SIDECARS), before, strict=True):
        copy = sidecar(target, suffix)
        await asyncio.to_thread(copy.unlink, missing_ok=True)
        if stat is not None and suffix != "-shm":
            await copy_file(sidecar(file, suffix), copy, mode=PRIVATE_FILE)
    if await asyncio.to_thread(_stats, file) != before:
        raise FileRefused(
            f"{name} was written while it was copied.", todo="Stop the program that writes it."
        )


def _stats(file: Path) -> list[tuple[int, int, int] | None]:
    """Inode, size and time of the file and its sidecars; None for what is no regular file."""
    found: list[tuple[int, int, int] | None] = []
    for suffix in (MAIN, *SIDECARS):
        path = sidecar(file, suffix)
        if not path.is_file():
            found.append(None)
            continue
        status = os.stat(path)  # noqa: PTH116 - all of it at one moment
        found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return found
