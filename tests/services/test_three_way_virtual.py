"""Virtual tables in merges with a known common ancestor: what one file deleted, or changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consolidator_tui.domain.outcome import Result
from tests.support.histories import KNOWN, copies, run_with


@dataclass(frozen=True)
class Index:
    """A virtual table of which each file deletes an entry, and what is left of it."""

    made: str
    gone: str
    """What a file does to its entry `{}`."""
    asked: str
    left: list[Any]
    owned: bool = True
    """It belongs to `docs`, of which the row goes as well."""


OWN = "VALUES (1, 'red', '1'), (2, 'blue', '2'), (3, 'grey', '3');"
DOCS = (
    "CREATE TABLE docs(id INTEGER PRIMARY KEY, title TEXT);"
    "INSERT INTO docs VALUES (1, 'red'), (2, 'blue'), (3, 'grey');"
)
INDEXES = {
    "fts5": Index(
        f"CREATE VIRTUAL TABLE v USING fts5(t, u); INSERT INTO v(rowid, t, u) {OWN}",
        "DELETE FROM v WHERE rowid = {};",
        "SELECT t, u FROM v WHERE v MATCH 'red OR blue OR grey'",
        [("grey", "3")],
        owned=False,
    ),
    "fts4": Index(
        f"CREATE VIRTUAL TABLE v USING fts4(t, u); INSERT INTO v(docid, t, u) {OWN}",
        "DELETE FROM v WHERE docid = {};",
        "SELECT t, u FROM v WHERE v MATCH 'red OR blue OR grey'",
        [("grey", "3")],
        owned=False,
    ),
    "a tree": Index(
        "CREATE VIRTUAL TABLE v USING rtree(id, x0, x1);"
        "INSERT INTO v VALUES (1, 1, 2), (2, 2, 3), (3, 3, 4);",
        "DELETE FROM v WHERE id = {};",
        "SELECT * FROM v",
        [(3, 3.0, 4.0)],
        owned=False,
    ),
    "repeats its table": Index(
        "CREATE VIRTUAL TABLE docs_fts USING fts5(title);"
        "INSERT INTO docs_fts(rowid, title) SELECT id, title FROM docs;",
        "DELETE FROM docs_fts WHERE rowid = {};",
        "SELECT rowid, title FROM docs_fts",
        [(3, "grey")],
    ),
    "texts of its own": Index(
        "CREATE VIRTUAL TABLE docs_fts USING fts5(title);"
        "INSERT INTO docs_fts(rowid, title) SELECT id, title || ' words' FROM docs;",
        "DELETE FROM docs_fts WHERE rowid = {};",
        "SELECT rowid, title FROM docs_fts WHERE docs_fts MATCH 'words'",
        [(3, "grey words")],
    ),
    "boxes of a table": Index(
        "CREATE VIRTUAL TABLE docs_box USING rtree(id, x0, x1);"
        "INSERT INTO docs_box SELECT id, id, id + 1 FROM docs;",
        "DELETE FROM docs_box WHERE id = {};",
        "SELECT id FROM docs_box",
        [(3,)],
    ),
    "contentless": Index(
        "CREATE VIRTUAL TABLE docs_fts USING fts5(title, content = '');"
        "CREATE TRIGGER ai AFTER INSERT ON docs BEGIN "
        "INSERT INTO docs_fts(rowid, title) VALUES (new.id, new.title); END;"
        "INSERT INTO docs_fts(rowid, title) SELECT id, title FROM docs;",
        "INSERT INTO docs_fts(docs_fts, rowid, title) "
        "SELECT 'delete', id, title FROM docs WHERE id = {};",
        "SELECT rowid FROM docs_fts WHERE docs_fts MATCH 'red OR blue OR grey'",
        [(3,)],
    ),
}


@pytest.mark.parametrize("name", INDEXES)
async def test_deletions_are_honoured_in_virtual_tables(name: str, tmp_path: Path) -> None:
    """The entry that one file deleted goes, with the row that it belongs to, and is counted."""
    index = INDEXES[name]
    gone = index.gone + ("DELETE FROM docs WHERE id = {};" if index.owned else "")
    copies(tmp_path, (DOCS if index.owned else "") + index.made, gone.format(1, 1),
           gone.format(2, 2))  # fmt: skip
    outcome = await run_with(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    for counts in outcome.tables:
        assert (counts.source, counts.base, counts.duplicate, counts.deleted) == (4, 1, 1, 2)
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        assert con.execute(index.asked).fetchall() == index.left


async def test_one_sided_changes_of_a_search_table_are_both_taken(tmp_path: Path) -> None:
    """One file changed one text of a row, the other file another one; in another encoding."""
    before = INDEXES["fts5"].made
    copies(tmp_path, before, "UPDATE v SET t = 'pink' WHERE rowid = 1", "")
    (tmp_path / "backend/app.db").unlink()
    with closing(sqlite3.connect(tmp_path / "backend/app.db")) as con:
        con.executescript("PRAGMA encoding = 'UTF-16le';" + before)
        con.executescript("UPDATE v SET u = '9' WHERE rowid = 1; DELETE FROM v WHERE rowid = 2")
    outcome = await run_with(tmp_path, KNOWN + 'deletions = "honour"\n')
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    with closing(sqlite3.connect(tmp_path / "app.db")) as con:
        assert con.execute("SELECT * FROM v WHERE v MATCH 'pink'").fetchall() == [("pink", "9")]
        assert con.execute("SELECT count(*) FROM v").fetchall() == [(2,)]
