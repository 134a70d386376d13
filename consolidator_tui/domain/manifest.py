"""The manifest of a run's backup: what was copied, from where, and how to recognise it.

The text of a manifest is canonical: the same manifest is always the same bytes, and reading
compares them. Together with the checksum inside, a change of any single byte is noticed.
Paths may hold any bytes: they are `os.fsdecode`d text, and JSON escapes what is not UTF-8.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

FORMAT = 1
MANIFEST_NAME = "manifest.json"
MAIN = ""
"""The suffix of the database (or configuration) file itself among its parts."""
SIDECARS = ("-wal", "-journal", "-shm")
"""What SQLite puts beside a database; https://sqlite.org/tempfiles.html"""


class Role(StrEnum):
    """What a file is in the run."""

    SOURCE = "source"
    TARGET = "target"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class FileStat:
    """What the file system said about an original when it was copied."""

    size: int
    mtime_ns: int
    inode: int
    device: int
    mode: int
    """Permission bits only."""
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Part:
    """One original file, byte for byte: the database, its -wal, its -journal, its -shm."""

    suffix: str
    stored: str
    """Relative to the backup folder."""
    size: int
    sha256: str
    stat: FileStat


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the backup folder that must have this content."""

    stored: str
    size: int
    sha256: str
    original: str
    """The path of the original that it belongs to."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the run; for a file that did not exist, `existed` is False."""

    path: str
    """Relative to the project (absolute when outside), as the person named it."""
    real: str
    """The same after following symlinks."""
    role: Role
    existed: bool
    taken_at: str
    """UTC, ISO 8601."""
    link: str = ""
    """The text of the symlink when `path` itself is one."""
    parts: tuple[Part, ...] = ()
    snapshot: str = ""
    """A self-contained database that may be opened with immutable=1; relative to the backup
    folder. Equal to the main part's `stored` when the raw copy already is one."""
    size: int = 0
    """Of the snapshot, in bytes."""
    sha256: str = ""
    """Of the snapshot."""
    schema_hash: str = ""
    row_counts: Mapping[str, int] = field(default_factory=dict)
    """Rows per table (not virtual tables), counted by reading rows."""
    integrity: tuple[str, ...] = ()
    """What integrity_check said; empty means ok."""
    index_damage: bool = False
    """The findings name only indexes: rows are whole, indexes must not be believed."""
    checked: bool = True
    """Whether `integrity` is known; until then `row_counts` believe the indexes."""
    names: tuple[str, ...] = ()
    """Other names (hard links) of the same file in the project, relative to it."""

    @property
    def main(self) -> Part | None:
        """The file itself, or None when there was none."""
        return self.part(MAIN)

    @property
    def plain(self) -> bool:
        """True when the file alone is the whole database: nothing waits in a sidecar."""
        return self.main is not None and self.main.stored == self.snapshot

    def part(self, suffix: str) -> Part | None:
        """The part with this suffix, or None."""
        return next((part for part in self.parts if part.suffix == suffix), None)

    @property
    def others(self) -> tuple[FileRecord, ...]:
        """The same file by its other names, where no sidecars belong to it."""
        main = self.main
        parts = () if main is None else (main,)
        return tuple(
            replace(self, path=name, real=name, role=Role.SOURCE, link="", parts=parts, names=())
            for name in self.names
        )

    def stored_files(self) -> Iterator[StoredFile]:
        """The files that the backup folder must hold for this record."""
        for part in self.parts:
            yield StoredFile(part.stored, part.size, part.sha256, self.path)
        if self.snapshot and not self.plain:
            yield StoredFile(self.snapshot, self.size, self.sha256, self.path)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of one run's backup, by path."""

    run: str
    created: str
    files: Mapping[str, FileRecord]

    @property
    def target(self) -> FileRecord | None:
        """The record of the target, or None when the run has none yet."""
        return next((r for r in self.files.values() if r.role is Role.TARGET), None)

    @property
    def checked(self) -> bool:
        """Whether the integrity of all snapshots is known."""
        return all(record.checked for record in self.files.values())

    def named(self, path: str) -> FileRecord | None:
        """The record of a file by any of its names."""
        if path in self.files:
            return self.files[path]
        others = (other for record in self.files.values() for other in record.others)
        return next((other for other in others if other.path == path), None)

    def with_file(self, record: FileRecord) -> Manifest:
        """The same manifest with one record added or replaced."""
        return replace(self, files={**self.files, record.path: record})

    def stored_files(self) -> Iterator[StoredFile]:
        """Every file that the backup folder must hold, each once."""
        for record in self.files.values():
            yield from record.stored_files()


class ManifestError(ValueError):
    """The text is not a manifest, or not the bytes that were written."""


def dumps(manifest: Manifest) -> bytes:
    """The manifest as canonical JSON with its checksum."""
    body = asdict(manifest)
    body["files"] = [asdict(record) for record in manifest.files.values()]
    return _document(body)


def loads(data: bytes) -> Manifest:
    """The manifest of these bytes. Raises ManifestError when any byte differs from `dumps`."""
    try:
        document = json.loads(data)
        body = document["manifest"]
        if _document(body) != data:
            raise ManifestError("the checksum does not fit the content")
        if body["format"] != FORMAT:
            raise ManifestError(f"format {body['format']} is not known to this version")
        records = [_record(item) for item in body["files"]]
    except ManifestError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ManifestError(f"not a manifest ({error})") from error
    files = {record.path: record for record in records}
    return Manifest(run=body["run"], created=body["created"], files=files)


def _document(body: dict[str, Any]) -> bytes:
    body = {**body, "format": body.get("format", FORMAT)}
    inner = json.dumps(body, ensure_ascii=True, sort_keys=True)
    checksum = hashlib.sha256(inner.encode("ascii")).hexdigest()
    document = {"manifest": body, "sha256": checksum}
    return (json.dumps(document, ensure_ascii=True, sort_keys=True, indent=1) + "\n").encode()


def _record(item: dict[str, Any]) -> FileRecord:
    parts = tuple(_part(part) for part in item["parts"])
    values = {**item, "parts": parts, "role": Role(item["role"])}
    values["integrity"] = tuple(item["integrity"])
    values["names"] = tuple(item.get("names", ()))
    return FileRecord(**values)


def _part(item: dict[str, Any]) -> Part:
    return Part(**{**item, "stat": FileStat(**item["stat"])})
