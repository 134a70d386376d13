"""What a file is, by its first bytes (https://sqlite.org/fileformat2.html#the_database_header)."""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from dataclasses import dataclass

from consolidator_tui.domain.discovery import FileKind

MAGIC = b"SQLite format 3\0"
JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
HEADER_BYTES = 100
WAL_HEADER_BYTES = 32
SNIFF_BYTES = 4096
SIDECAR_SUFFIXES = ("-wal", "-shm", "-journal")

_DATABASE_NAME = re.compile(
    r"\.(db|db3|sqlite|sqlite2|sqlite3|sqlitedb|s3db|sl3)"
    r"([._~-](bak|bkp|backup|old|orig|copy|save|\d+)|~)*$",
    re.IGNORECASE,
)
_ENCODINGS = {1: "UTF-8", 2: "UTF-16le", 3: "UTF-16be"}
_SIGNATURES = (
    (0, b"** This file contains an SQLite 2", "an SQLite 2 database, which SQLite 3 cannot read"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Windows thumbnail or Office file"),
    (4, b"Standard Jet DB", "a Microsoft Access database"),
    (4, b"Standard ACE DB", "a Microsoft Access database"),
    (8, b"DUCK", "a DuckDB database"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (12, b"\x61\x15\x06\x00", "a Berkeley DB file"),
    (12, b"\x62\x31\x05\x00", "a Berkeley DB file"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a database header that Discover shows; sizes in bytes."""

    page_size: int
    encoding: str
    wal: bool
    pages: int | None
    """The size in pages that the header claims; None when the header does not know it."""


def looks_like_database(name: str) -> bool:
    """Whether a file's name says that it is a database (`app.db`, `app.sqlite3.bak`)."""
    return name.lower() != "thumbs.db" and _DATABASE_NAME.search(name) is not None


def parse(head: bytes) -> Header | None:
    """The header's fields, or None when these bytes do not begin an SQLite 3 database."""
    if not head.startswith(MAGIC):
        return None
    head = head.ljust(HEADER_BYTES, b"\0")
    size = int.from_bytes(head[16:18], "big")
    counts_valid = head[24:28] == head[92:96]
    pages = int.from_bytes(head[28:32], "big")
    return Header(
        page_size=65536 if size == 1 else size,
        encoding=_ENCODINGS.get(int.from_bytes(head[56:60], "big"), "UTF-8"),
        wal=head[18] == 2 or head[19] == 2,
        pages=pages if counts_valid and pages else None,
    )


def judge(head: bytes, size: int) -> tuple[FileKind, str]:
    """What a file is that looks like a database by name but has no SQLite header.

    `head` are its first SNIFF_BYTES bytes, `size` is in bytes. Returns the kind and a sentence.
    """
    if size == 0:
        return FileKind.EMPTY, "It has 0 bytes: something opened it here and wrote nothing."
    for offset, signature, what in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return FileKind.NOT_A_DATABASE, f"It is {what}."
    if not head.strip(b"\0"):
        return (
            FileKind.ENCRYPTED_OR_DAMAGED,
            "It holds only zero bytes: its content was lost.",
        )
    if head[21:24] == b"\x40\x20\x20" and _is_page_size(int.from_bytes(head[16:18], "big")):
        return (
            FileKind.ENCRYPTED_OR_DAMAGED,
            "It is an SQLite database whose first bytes are damaged.",
        )
    if _is_text(head):
        return FileKind.NOT_A_DATABASE, "It is a text file, only its name is a database's."
    if size % 512 == 0 and _entropy(head) > 7.0:
        return (
            FileKind.ENCRYPTED_OR_DAMAGED,
            "It has no SQLite header and looks encrypted (or is badly damaged).",
        )
    return FileKind.NOT_A_DATABASE, "It has no SQLite header, only its name is a database's."


def cut_off(header: Header, size: int) -> str:
    """A sentence when a file is shorter than its header says, else an empty text."""
    if header.page_size != 65536 and not _is_page_size(header.page_size):
        return "Its header gives an impossible page size: it is damaged."
    if header.pages is None or size >= header.pages * header.page_size:
        return ""
    return (
        f"It was cut off: {size:,} bytes are there, {header.pages * header.page_size:,} should be."
    )


def is_wal_header(head: bytes) -> bool:
    """Whether these bytes begin a `-wal` whose header is whole.

    Magic, version, page size and checksum as in https://sqlite.org/fileformat2.html#walformat.
    """
    if len(head) < WAL_HEADER_BYTES or head[:4] not in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"):
        return False
    fields = struct.unpack(">8I", head[:WAL_HEADER_BYTES])
    words = struct.unpack(">6I" if fields[0] & 1 else "<6I", head[:24])
    one = two = 0
    for at in range(0, 6, 2):
        one = (one + words[at] + two) & 0xFFFFFFFF
        two = (two + words[at + 1] + one) & 0xFFFFFFFF
    good_size = fields[2] == 65536 or (fields[2] > 1 and _is_page_size(fields[2]))
    return (one, two) == fields[6:] and fields[1] == 3007000 and good_size


def _is_page_size(value: int) -> bool:
    return value == 1 or (512 <= value <= 32768 and value & (value - 1) == 0)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end of what was read.
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8", "strict")
    return not any(ord(char) < 32 and char not in "\t\n\r\f\x1b" for char in text)


def _entropy(data: bytes) -> float:
    """Shannon entropy in bits per byte; encrypted pages reach 7.5 and more."""
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values())
