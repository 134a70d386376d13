from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from consolidator_tui.domain.discovery import FileKind
from consolidator_tui.services.discover import header


def real_header(path: Path, *pragmas: str) -> bytes:
    with sqlite3.connect(path) as connection:
        for pragma in pragmas:
            connection.execute(pragma)
        connection.execute("CREATE TABLE t(a)")
    connection.close()
    return path.read_bytes()[: header.HEADER_BYTES]


def test_a_real_header_is_read(tmp_path: Path) -> None:
    found = header.parse(real_header(tmp_path / "a", "PRAGMA page_size = 1024"))
    assert found == header.Header(page_size=1024, encoding="UTF-8", wal=False, pages=2)


@pytest.mark.parametrize("size", [512, 65536])
def test_page_sizes_at_both_ends(tmp_path: Path, size: int) -> None:
    found = header.parse(real_header(tmp_path / "a", f"PRAGMA page_size = {size}"))
    assert found is not None
    assert found.page_size == size


def test_encoding_and_wal(tmp_path: Path) -> None:
    head = real_header(tmp_path / "a", "PRAGMA encoding = 'UTF-16be'", "PRAGMA journal_mode = WAL")
    found = header.parse(head)
    assert found is not None
    assert (found.encoding, found.wal) == ("UTF-16be", True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.db", True),
        ("APP.SQLite3", True),
        ("app.db.bak", True),
        ("app.db.2024", True),
        ("app.db~", True),
        ("Thumbs.db", False),
        ("models.py", False),
        ("db", False),
        ("app.dbx", False),
        ("db.txt", False),
    ],
)
def test_names_that_look_like_a_database(name: str, expected: bool) -> None:
    assert header.looks_like_database(name) is expected


@pytest.mark.parametrize(
    ("content", "kind", "word"),
    [
        (b"", FileKind.EMPTY, "0 bytes"),
        (b"just some text\n" * 50, FileKind.NOT_A_DATABASE, "text"),
        ("ä".encode() * 4096, FileKind.NOT_A_DATABASE, "text"),
        (bytes(8192), FileKind.ENCRYPTED_OR_DAMAGED, "zero"),
        (os.urandom(8192), FileKind.ENCRYPTED_OR_DAMAGED, "encrypted"),
        (os.urandom(8191), FileKind.NOT_A_DATABASE, "header"),
        (b"** This file contains an SQLite 2.1 database **" + bytes(900), None, "SQLite 2"),
        (b"version https://git-lfs.github.com/spec/v1\n", FileKind.NOT_A_DATABASE, "LFS"),
    ],
)
def test_what_only_looks_like_a_database(content: bytes, kind: FileKind | None, word: str) -> None:
    found, sentence = header.judge(content[: header.SNIFF_BYTES], len(content))
    assert found is (kind or FileKind.NOT_A_DATABASE)
    assert word in sentence


def test_a_damaged_magic_is_told_from_foreign_content(tmp_path: Path) -> None:
    head = b"X" * 16 + real_header(tmp_path / "a")[16:]
    kind, sentence = header.judge(head, 8192)
    assert kind is FileKind.ENCRYPTED_OR_DAMAGED
    assert "first bytes" in sentence


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    found = header.parse(real_header(tmp_path / "a"))
    assert found is not None
    assert header.cut_off(found, 8192) == ""
    assert "4,096 bytes are there, 8,192 should be" in header.cut_off(found, 4096)


def test_a_wal_header_is_checked(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t(a)")
    head = (tmp_path / "a-wal").read_bytes()[: header.WAL_HEADER_BYTES]
    connection.close()
    assert header.is_wal_header(head)
    for at in range(len(head)):
        changed = bytearray(head)
        changed[at] ^= 1
        assert not header.is_wal_header(bytes(changed)), at
    assert not header.is_wal_header(head[:31])
