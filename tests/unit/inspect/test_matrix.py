from __future__ import annotations

import sqlite3
from pathlib import Path

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.inspection import ColumnChange, Inspection, MatrixRow, TableState
from consolidator_tui.services.inspect.project import inspect, preview


def _write(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


async def _inspect(folder: Path, *scripts: str) -> Inspection:
    names = [f"{number}.db" for number in range(len(scripts))]
    for name, script in zip(names, scripts, strict=True):
        _write(folder / name, script)
    return await inspect(folder, names, ignore)


def _row(inspection: Inspection, table: str) -> MatrixRow:
    return next(row for row in inspection.matrix if row.table == table)


async def test_tables_are_only_here_identical_drifted_or_unrelated(tmp_path: Path) -> None:
    found = await _inspect(
        tmp_path,
        "CREATE TABLE same(id INTEGER PRIMARY KEY, a TEXT UNIQUE);"
        "CREATE TABLE drift(id INTEGER PRIMARY KEY, a TEXT, b INT);"
        "CREATE TABLE other(x, y, z); CREATE TABLE mine(a); INSERT INTO mine VALUES (1), (2)",
        "CREATE TABLE SAME(id INTEGER PRIMARY KEY, a TEXT UNIQUE);"
        "CREATE TABLE drift(id INTEGER PRIMARY KEY, a VARCHAR NOT NULL, c INT);"
        "CREATE TABLE other(p, q, r)",
    )
    assert _row(found, "same").state is TableState.IDENTICAL
    assert [key.columns for key in _row(found, "same").shared_keys] == [("id",), ("a",)]
    mine = _row(found, "mine")
    assert mine.states == {"0.db": TableState.ONLY_HERE, "1.db": TableState.ABSENT}
    assert mine.rows == {"0.db": 2}
    assert _row(found, "other").state is TableState.UNRELATED
    drift = _row(found, "drift")
    assert drift.state is TableState.DRIFTED
    changes = {(diff.column, diff.change) for diff in drift.diffs}
    assert changes == {
        ("a", ColumnChange.TYPE),
        ("a", ColumnChange.NOT_NULL),
        ("b", ColumnChange.MISSING),
        ("c", ColumnChange.MISSING),
    }


async def test_broken_references_and_shadow_tables(tmp_path: Path) -> None:
    found = await _inspect(
        tmp_path,
        "CREATE TABLE p(id INTEGER PRIMARY KEY);"
        "CREATE TABLE c(id INTEGER PRIMARY KEY, p INT REFERENCES p(id));"
        "INSERT INTO c VALUES (1, 7), (2, 8);"
        "CREATE VIRTUAL TABLE f USING fts5(body)",
    )
    assert found.files[0].violations == (("c", "p", 2),)
    assert found.files[0].integrity == ()
    assert [row.table for row in found.matrix] == ["p", "c", "f"]


async def test_a_preview_shows_types_and_cuts_long_values(tmp_path: Path) -> None:
    found = await _inspect(
        tmp_path,
        'CREATE TABLE "a ""b"(id INTEGER PRIMARY KEY, "x y");'
        'INSERT INTO "a ""b" VALUES (1, NULL), (2, \'1\'), (3, zeroblob(5)),'
        " (4, replace(hex(zeroblob(5000)), '00', 'é'))",
    )
    schema = found.files[0].schema
    shown = await preview(tmp_path, "0.db", schema, 'a "b', 3)
    assert shown.columns == ("id", "x y")
    assert shown.total == 4
    assert [row[1].text for row in shown.rows] == ["NULL", "'1'", "blob 5 B 8855508a"]
    last = await preview(tmp_path, "0.db", schema, 'a "b', 9)
    assert last.rows[3][1].cut
    assert "5,000 characters" in last.rows[3][1].text
