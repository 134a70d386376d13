"""The other names of a file that was put back: hard links again, where the system has them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.manifest import FileRecord
from consolidator_tui.services.restore import Restored, restore_file
from consolidator_tui.storage.atomic import sync_folder
from consolidator_tui.storage.family import LOGS, expected, read_members, same_content
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.worker import Stop, in_thread


async def restore_name(
    run: RunFolder,
    record: FileRecord,
    other: FileRecord,
    own: frozenset[str] = frozenset(),
    *,
    leave_foreign: bool = False,
) -> Restored:
    """Bring another name of a file back, after the file itself.

    `other` is one of `record.others`. A missing name becomes a link to the file again; where that
    cannot be it gets the original bytes as a file of its own, which is told (`apart`), as
    `restore_file` does, and with the same errors.
    """
    if await in_thread(lambda stop: _link(run, record, other, stop)):
        return Restored(other.path, changed=True)
    real, name = run.resolve(record.real), run.resolve(other.real)
    result = await restore_file(run, other, own, leave_foreign=leave_foreign, twins=[real])
    apart = await in_thread(lambda _stop: _are_two(real, name))
    return replace(result, apart=apart and not result.foreign)


def _are_two(one: Path, other: Path) -> bool:
    try:
        return not os.path.samestat(one.lstat(), other.lstat())
    except FileNotFoundError:
        return False  # Left as it is, which is told.


def _link(run: RunFolder, record: FileRecord, other: FileRecord, stop: Stop) -> bool:
    real, name = run.resolve(record.real), run.resolve(other.real)
    if any(os.path.lexists(sidecar(name, suffix)) for suffix in ("", *LOGS)):
        return False
    found = read_members(real, record.path, stop, suffixes=("",))
    if not same_content(found, expected(other.parts)):
        return False  # Somebody wrote to the file since, and it was left so.
    try:
        name.parent.mkdir(parents=True, exist_ok=True)
        os.link(real, name)
    except OSError:
        # Another file system by now, or one without hard links.
        return False
    sync_folder(name.parent)
    return True
