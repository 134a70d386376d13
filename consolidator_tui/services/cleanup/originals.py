"""Which names of the merged files Clean up deletes, and which other names of them stay."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from consolidator_tui.domain.manifest import FileRecord, Manifest, Role
from consolidator_tui.services.discover.roles import set_aside
from consolidator_tui.services.discover.skips import reason_by_name
from consolidator_tui.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class StayingName:
    """Another name (hard link) of a merged file that is not deleted with it."""

    path: str
    of: str
    """The name by which the run knows the file."""
    reason: str

    @property
    def sentence(self) -> str:
        """That it stays, and why."""
        return f"{self.path} is another name of {self.of} and stays. {self.reason}"


def originals(record: FileRecord) -> tuple[FileRecord, ...]:
    """What may be deleted once the target is there: a source by its own name, and by those other
    names that are nothing but that."""
    if not record.existed or record.role is not Role.SOURCE:
        return ()
    kept = {name.path for name in names_that_stay(record.path, record.role, record.names)}
    return (record, *(other for other in record.others if other.path not in kept))


def staying_names(manifest: Manifest) -> tuple[StayingName, ...]:
    """The other names of sources and target that are kept, as the backup saw them."""
    return tuple(
        name
        for record in manifest.files.values()
        for name in names_that_stay(record.path, record.role, record.names)
    )


def staying_now(run: RunFolder, manifest: Manifest) -> list[StayingName]:
    """Those of them that are there. Blocking."""
    return [name for name in staying_names(manifest) if os.path.lexists(run.resolve(name.path))]


def names_that_stay(path: str, role: Role, names: Sequence[str]) -> Iterator[StayingName]:
    """Those of a file's other `names`, relative to the project, that Clean up keeps."""
    for name in names:
        others = (path, *(other for other in names if other != name))
        if reason := _why_it_stays(role, name, others):
            yield StayingName(name, path, reason)


def _why_it_stays(role: Role, name: str, others: Sequence[str]) -> str:
    """Why another name of a file is not deleted; empty where it may be."""
    if role is not Role.SOURCE:
        return "It holds what that file was before the merge."
    for folder in PurePosixPath(name).parts[:-1]:
        if reason := reason_by_name(folder):
            return f"It is in the folder {folder} ({reason})."
    return set_aside(name, others)
