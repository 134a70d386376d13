"""Whether a database is in WAL mode: two bytes of its header say so, while nobody has it open.

https://sqlite.org/fileformat2.html#file_format_version_numbers: a header that says WAL is whole
without a `-wal`, which the first to open the file makes. All functions block.
"""

from __future__ import annotations

import os
from pathlib import Path

from consolidator_tui.storage.atomic import explain_os

_AT = 18
_WAL, _ROLLBACK = b"\x02\x02", b"\x01\x01"


def is_wal(path: Path) -> bool:
    """Whether the header of a database says WAL. Raises OSError."""
    with path.open("rb") as file:
        return file.read(_AT + 2)[_AT:] == _WAL


def in_wal(block: bytes) -> bytes:
    """The first block of a database as it is in WAL mode."""
    return block[:_AT] + _WAL + block[_AT + 2 :]


def set_wal(path: Path, *, wal: bool) -> None:
    """Let the header of a database of our own, which nobody has open, say WAL or not. Not synced.

    Raises DiskFull, Failed.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, _WAL if wal else _ROLLBACK, _AT)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise explain_os(error, path.name) from error
