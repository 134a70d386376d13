"""The manifest's text: lossless for any path, and no byte of it can change unseen."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consolidator_tui.domain.manifest import (
    FileRecord,
    FileStat,
    Manifest,
    ManifestError,
    Part,
    Role,
    dumps,
    loads,
)


def manifest(path: str) -> Manifest:
    stat = FileStat(10, 1_700_000_000_123_456_789, 5, 2049, 0o640, 1000, 1000)
    parts = (Part("", f"originals/{path}", 10, "a" * 64, stat),)
    record = FileRecord(
        path=path,
        real=path,
        role=Role.SOURCE,
        existed=True,
        taken_at="2026-01-01T00:00:00+00:00",
        parts=parts,
        snapshot=path,
        size=12,
        sha256="b" * 64,
        row_counts={"users": 3, 'odd "name"': 0},
        integrity=("row 1 missing from index i",),
        index_damage=True,
    )
    return Manifest("20260101T000000Z", "2026-01-01T00:00:00+00:00", {path: record})


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw))
def test_any_path_survives(raw: bytes) -> None:
    written = manifest(os.fsdecode(raw))
    assert loads(dumps(written)) == written


def test_every_bit_counts() -> None:
    text = dumps(manifest("app.db"))
    for position in range(len(text)):
        for bit in (0x01, 0x20):
            damaged = bytearray(text)
            damaged[position] ^= bit
            with pytest.raises(ManifestError):
                loads(bytes(damaged))


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_cut_text_is_none(cut: int) -> None:
    with pytest.raises(ManifestError):
        loads(dumps(manifest("app.db"))[:cut])


def test_stored_files() -> None:
    stored = list(manifest("app.db").stored_files())
    assert [file.stored for file in stored] == ["originals/app.db", "app.db"]
