"""Counts and ranges of columns: what an index tells is what a scan finds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.planning import measure
from consolidator_tui.services.planning.draft import Planning
from consolidator_tui.services.planning.tables import unite_tables
from consolidator_tui.services.workspace import open_workspace

SCHEMA = """
CREATE TABLE t(id INTEGER PRIMARY KEY, plain INTEGER, "in""dex" INTEGER, folded TEXT COLLATE NOCASE,
    mixed, reals REAL, none INTEGER, some INTEGER, second INTEGER, blobs BLOB);
CREATE INDEX a ON t("in""dex" DESC); CREATE INDEX b ON t(folded); CREATE INDEX c ON t(mixed);
CREATE INDEX d ON t(reals, second); CREATE INDEX e ON t(none); CREATE INDEX g ON t(blobs);
CREATE INDEX f ON t(some) WHERE some > 2; CREATE INDEX h ON t(plain + 1);
INSERT INTO t VALUES (1, 5, 5, 'A', 1, 1.5, NULL, 1, 1, x'00'),
    (2, -3, -3, 'b', '7', NULL, NULL, 3, 2, 9), (4, 9, 9, 'C', 2.5, 7, NULL, 8, 4, 1),
    (3, NULL, NULL, NULL, NULL, -2, NULL, NULL, 3, NULL);
"""
COLUMNS = ("plain", 'in"dex', "folded", "mixed", "reals", "none", "some", "second", "blobs")


async def _measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, large: int, *, damaged: bool = False
) -> tuple[list[str], dict[str, tuple[int, object, object, int]]]:
    """The columns that indexes told of, and what is known of all."""
    monkeypatch.setattr(measure, "LARGE", large)
    path = folder / "s.db"
    source = await load_source(0, path.name, path, {"t": 4})
    sources = [replace(source, index_damage=damaged)]
    async with open_workspace(sources, {}, pool=folder / "pool.db") as workspace:
        planning = Planning(workspace, sources, PlanDocument(), None)
        await unite_tables(planning)
        found = measure.Measurements(planning)
        draft = planning.drafts["t"]
        told = await found._indexed(draft, 0, COLUMNS, workspace.database)
        await found.prepare(draft, 0, COLUMNS)
        return told, found._ranges[(0, "t")]


async def test_indexes_tell_what_a_scan_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "s.db")) as con, con:
        con.executescript(SCHEMA)
    told, by_index = await _measured(tmp_path, monkeypatch, 0)
    assert sorted(told) == ["blobs", 'in"dex', "mixed", "none", "reals"]
    assert (await _measured(tmp_path, monkeypatch, 0, damaged=True))[0] == []
    nothing, scanned = await _measured(tmp_path, monkeypatch, 5)
    assert not nothing
    assert by_index == scanned
    assert scanned["mixed"] == (3, 1, "7", 1)
    assert scanned['in"dex'] == (3, -3, 9, 0)
