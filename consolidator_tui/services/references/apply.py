"""Write accepted edits: backed up first, refused when a file changed, atomic."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.event import Emit, Level, Message, Progress, Step
from consolidator_tui.domain.reference import FileEdit
from consolidator_tui.domain.words import plural
from consolidator_tui.services.references.diff import splice, with_needs
from consolidator_tui.storage.atomic import write_atomically

BackUp = Callable[[Path], Awaitable[None]]


async def apply(
    project: Path, edits: Sequence[FileEdit], *, back_up: BackUp, emit: Emit
) -> list[Path]:
    """Write the edits and return the files that were written.

    All files are looked at before the first is written. `back_up` is awaited with each file right
    before it is replaced. Permissions are kept. A file whose bytes are not the ones that the edits
    were made for, that is gone or is a link, raises FileRefused; nothing was written then, unless
    it changed during the writing, and then the files before it are written and backed up.
    """
    wanted = [edit for edit in edits if edit.edits]
    for edit in wanted:
        await asyncio.to_thread(_new_bytes, project, edit)
    written: list[Path] = []
    for number, edit in enumerate(wanted):
        path = project / edit.file
        await back_up(path)
        data = await asyncio.to_thread(_new_bytes, project, edit)
        await asyncio.to_thread(write_atomically, path, data)
        written.append(path)
        emit(Progress(Step.CONFIGURE, edit.file, number + 1, len(wanted), "files", "writing"))
        emit(Message(Step.CONFIGURE, Level.INFO, plural(len(edit.edits), "edit"), file=edit.file))
    return written


def _new_bytes(project: Path, edit: FileEdit) -> bytes:
    path = project / edit.file
    again = "Look for references again and accept the new diff."
    try:
        if path.is_symlink():
            raise FileRefused(f"{edit.file} is a link now.", todo=again)
        data = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{edit.file} cannot be read: {error.strerror}.", todo=again) from error
    if hashlib.sha256(data).hexdigest() != edit.sha256:
        raise FileRefused(f"{edit.file} changed since the diff was made.", todo=again)
    try:
        return splice(data, with_needs(edit.edits, edit.edits))
    except ValueError as error:
        raise FileRefused(f"{edit.file}: {error}.", todo=again) from error
