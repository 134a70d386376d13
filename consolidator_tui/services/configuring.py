"""Applying accepted edits to the application's configuration and source, through the backup."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.event import Emit, Level, Message, Progress, Step
from consolidator_tui.domain.reference import FileEdit
from consolidator_tui.domain.words import plural
from consolidator_tui.services.backup.config import write_config_file
from consolidator_tui.services.references import splice, with_needs
from consolidator_tui.storage.run_folder import Clock, RunFolder

_AGAIN = "Look for references again and accept the new diff."


async def apply_edits(
    run: RunFolder, project: Path, edits: Sequence[FileEdit], emit: Emit, clock: Clock
) -> tuple[Path, ...]:
    """Write the edits, each file backed up in the run first; returns the files written.

    All files are looked at before the first is written. Raises FileRefused when one is not what
    the edits were made for any more, and what `write_config_file` raises.
    """
    wanted = [edit for edit in edits if edit.edits]
    prepared = [await asyncio.to_thread(_prepare, project, edit) for edit in wanted]
    written: list[Path] = []
    for edit, (before, after) in zip(wanted, prepared, strict=True):
        await write_config_file(run, edit.file, before, after, clock)
        written.append(project / edit.file)
        emit(Progress(Step.CONFIGURE, edit.file, len(written), len(wanted), "files", "writing"))
        text = f"{edit.file}: {plural(len(edit.edits), 'edit')}."
        emit(Message(Step.CONFIGURE, Level.INFO, text, file=edit.file))
    return tuple(written)


def _prepare(project: Path, edit: FileEdit) -> tuple[bytes, bytes]:
    """A file's content now and with the edits. Blocking."""
    path = project / edit.file
    try:
        if path.is_symlink():
            raise FileRefused(f"{edit.file} is a link now.", todo=_AGAIN)
        before = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{edit.file} cannot be read: {error.strerror}.", todo=_AGAIN) from error
    if hashlib.sha256(before).hexdigest() != edit.sha256:
        raise FileRefused(f"{edit.file} changed since the diff was made.", todo=_AGAIN)
    try:
        return before, splice(before, with_needs(edit.edits, edit.edits))
    except ValueError as error:
        raise FileRefused(f"{edit.file}: {error}.", todo=_AGAIN) from error
