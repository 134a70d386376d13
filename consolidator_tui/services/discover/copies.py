"""Exact copies among the found databases, by size and SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace

from consolidator_tui.domain.discovery import FileKind, FoundFile, Role
from consolidator_tui.services.discover import locks

HASH_LIMIT = 32 * 2**20
"""Files larger than this many bytes are not hashed while discovering."""


def mark_copies(files: Sequence[FoundFile], folder: str) -> list[FoundFile]:
    """The same files, exact copies with `same_as`. Blocking; reads only files of equal size.

    A file with a `-wal` or journal is left out: its bytes are not its content. So is one that
    this process has open (see `locks`). Files without change are the same objects.
    """
    own = locks.own_descriptors()
    by_size: dict[tuple[int, int], list[FoundFile]] = {}
    for file in sorted(files, key=lambda file: (file.role is not Role.APPLICATION, file.path)):
        quiet = not any(sidecar.size for sidecar in file.sidecars)
        usable = file.kind is FileKind.DATABASE and 0 < file.size <= HASH_LIMIT and quiet
        if usable and not file.locked and (file.device, file.inode) not in own:
            by_size.setdefault((file.size, file.page_size), []).append(file)
    same: dict[str, str] = {}
    for group in by_size.values():
        if len(group) > 1:
            same |= _equal_ones(group, folder)
    return [replace(file, same_as=same[file.path]) if file.path in same else file for file in files]


def _equal_ones(group: Sequence[FoundFile], folder: str) -> dict[str, str]:
    first: dict[str, str] = {}
    same: dict[str, str] = {}
    for file in group:
        path = file.real or os.path.join(folder, file.path)  # noqa: PTH118 - not UTF-8
        try:
            with open(path, "rb") as stream:  # noqa: PTH123
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            # It vanished since; Back up will say so.
            continue
        if first.setdefault(digest, file.path) != file.path:
            same[file.path] = first[digest]
    return same
