"""Which originals are not what a backup holds any more."""

from __future__ import annotations

from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.manifest import SIDECARS, FileRecord, Manifest, Role
from consolidator_tui.storage.family import expected, read_members, same_content
from consolidator_tui.storage.hashing import file_stat
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.worker import Stop


def changed_since(run: RunFolder, manifest: Manifest, stop: Stop) -> list[str]:
    """The sources and the target that were changed, removed or made since the backup. Blocking.

    A file whose stat is the old one is believed; any other is hashed. One that cannot be read
    counts as changed: the step that needs it says why.
    """
    databases = [r for r in manifest.files.values() if r.role is not Role.CONFIG]
    return [record.path for record in databases if not _is_same(run, record, stop)]


def _is_same(run: RunFolder, record: FileRecord, stop: Stop) -> bool:
    real = run.resolve(record.real)
    try:
        if record.existed and _untouched(run, record):
            return True
        return same_content(read_members(real, record.path, stop), expected(record.parts))
    except ConsolidatorError:
        return False


def _untouched(run: RunFolder, record: FileRecord) -> bool:
    real = run.resolve(record.real)
    stats = {part.suffix: part.stat for part in record.parts}
    for suffix in ("", *SIDECARS):
        try:
            now = file_stat(sidecar(real, suffix).lstat())
        except FileNotFoundError:
            if suffix in stats:
                return False
            continue
        if now != stats.get(suffix):
            return False
    return True
