"""Virtual tables, and what is missing on this machine: merged, asked or said by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from consolidator_tui.domain.merge import Note, Question, TableCounts
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.merge import merge
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.planning import make_plan
from consolidator_tui.services.verify import verify

DOCS = (
    "CREATE TABLE docs(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, title TEXT, "
    "updated_at TEXT);"
)
SOFT = ("unicase", lambda a, b: (a.casefold() > b.casefold()) - (a.casefold() < b.casefold()))


@dataclass
class Merged:
    """What a merge came to."""

    target: Path
    questions: tuple[Question, ...]
    notes: tuple[Note, ...]
    counts: dict[str, TableCounts]
    collations: tuple[Any, ...] = ()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.target)) as con:
            for name, compare in self.collations:
                con.create_collation(name, compare)
            return sorted(con.execute(sql), key=repr)

    @property
    def said(self) -> str:
        return "\n".join(note.text for note in self.notes)


def _write(path: Path, script: str, extras: Callable[[sqlite3.Connection], None] | None) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as con:
        if extras is not None:
            extras(con)
        con.executescript(script)


async def merged(
    folder: Path,
    *scripts: str,
    plan: str = "",
    extras: Callable[[sqlite3.Connection], None] | None = None,
    collations: tuple[Any, ...] = (),
) -> Merged:
    """Write a.db, b.db, ... from scripts, merge and verify them."""
    sources = []
    for index, script in enumerate(scripts):
        path = folder / f"{'abc'[index]}.db"
        _write(path, script, extras)
        sources.append(await load_source(index, path.name, path))
    document = plan_file.loads(plan, "plan.toml")
    target = folder / "target.db"
    made, questions = await make_plan(sources, document, lambda event: None, scratch=folder)
    if questions:
        return Merged(target, questions, made.notes, {})
    result = await merge(made, target, folder / "ledger.db", lambda event: None)
    if not result.questions:
        made = replace(made, left_out=result.left_out)
        proof = await verify(made, target, folder / "ledger.db", lambda event: None)
        assert proof.ok, [check for check in proof.checks if not check.ok]
    counts = {count.table: count for count in result.counts}
    for count in counts.values():
        assert count.lost == 0
        assert count.source == count.base + count.new + count.duplicate + count.conflict
    return Merged(target, result.questions, (*made.notes, *result.notes), counts, collations)


def _docs(rows: str) -> str:
    return f"{DOCS}INSERT INTO docs VALUES {rows};"


FTS = "CREATE VIRTUAL TABLE docs_fts USING fts5(title);"


async def test_entry_follows_the_version_of_its_document_that_won(tmp_path: Path) -> None:
    a = _docs("(1, 'x', 'old words', '2020-01-01'), (2, 'y', 'lone', '2020-01-01')") + FTS
    b = _docs("(1, 'z', 'other', '2020-01-01'), (2, 'x', 'new words', '2024-01-01')") + FTS
    fill = "INSERT INTO docs_fts(rowid, title) SELECT id, title{} FROM docs;"
    for suffix in ("", " || ' indexed'"):
        folder = tmp_path / str(len(suffix))
        folder.mkdir()
        done = await merged(folder, a + fill.format(suffix), b + fill.format(suffix))
        assert not done.questions
        found = done.rows(
            "SELECT d.code FROM docs_fts f JOIN docs d ON d.id = f.rowid WHERE docs_fts MATCH 'new'"
        )
        assert found == [("x",)]
        assert done.rows("SELECT rowid FROM docs_fts WHERE docs_fts MATCH 'old'") == []
        assert done.rows("SELECT count(*) FROM docs_fts") == [(3,)]
        assert "docs_fts" in done.counts


async def test_box_follows_the_version_of_its_place_that_won(tmp_path: Path) -> None:
    tree = "CREATE VIRTUAL TABLE docs_box USING rtree(id, x0, x1);"
    a = _docs("(1, 'x', 'a', '2020-01-01'), (2, 'y', 'a', '2020-01-01')") + tree
    b = _docs("(1, 'z', 'b', '2020-01-01'), (2, 'x', 'b', '2024-01-01')") + tree
    done = await merged(
        tmp_path,
        a + "INSERT INTO docs_box VALUES (1, 1, 1.5), (2, 2, 2.5);",
        b + "INSERT INTO docs_box VALUES (1, 3, 3.5), (2, 4, 4.5);",
    )
    assert done.rows("SELECT d.code, x0 FROM docs_box b JOIN docs d ON d.id = b.id") == [
        ("x", 4.0),
        ("y", 2.0),
        ("z", 3.0),
    ]


async def test_tree_without_a_named_owner_is_asked_and_settled(tmp_path: Path) -> None:
    tree = "CREATE VIRTUAL TABLE area USING rtree(id, x0, x1);"
    a = _docs("(1, 'x', 'a', NULL)") + tree + "INSERT INTO area VALUES (1, 1, 1);"
    b = _docs("(1, 'z', 'b', NULL)") + tree + "INSERT INTO area VALUES (1, 3, 3);"
    (tmp_path / "all").mkdir()
    every = await merged(tmp_path / "all", a, b)  # A box for each row, and no other such table.
    assert every.rows("SELECT code, x0 FROM docs JOIN area USING (id)") == [("x", 1), ("z", 3)]
    b += "INSERT INTO docs VALUES (2, 'no box', 'b', NULL);"
    (tmp_path / "ask").mkdir()
    asked = await merged(tmp_path / "ask", a, b)
    assert "area" in asked.questions[0].text
    assert "docs" in asked.questions[0].fix
    fix = asked.questions[0].fix
    (tmp_path / "yes").mkdir()
    done = await merged(tmp_path / "yes", a, b, plan=fix)
    linked = done.rows("SELECT code, x0 FROM docs JOIN area USING (id)")
    assert linked == [("x", 1.0), ("z", 3.0)]
    (tmp_path / "no").mkdir()
    no = '[[not_references]]\ntable = "area"\ncolumns = ["id"]\n'
    assert (await merged(tmp_path / "no", a, b, plan=no)).rows("SELECT count(*) FROM area") == [
        (2,)
    ]


async def test_contentless_index_of_unknown_texts_is_asked(tmp_path: Path) -> None:
    index = "CREATE VIRTUAL TABLE docs_fts USING fts5(title, content = '');"
    other = "INSERT INTO docs_fts(rowid, title) VALUES (1, 'not the title');"
    a = _docs("(1, 'x', 'one', NULL)") + index + other
    b = _docs("(1, 'z', 'two', NULL)") + index + other
    (tmp_path / "ask").mkdir()
    asked = await merged(tmp_path / "ask", a, b)
    assert [q.table for q in asked.questions] == ["docs_fts"]
    (tmp_path / "out").mkdir()
    done = await merged(tmp_path / "out", a, b, plan=asked.questions[0].fix)
    assert not done.questions
    assert "docs_fts" in done.said
    assert done.rows("SELECT rowid FROM docs_fts WHERE docs_fts MATCH 'not'") == [(1,)]


async def test_trigger_of_an_index_that_is_left_out_is_left_out(tmp_path: Path) -> None:
    b = (
        _docs("(1, 'z', 'two', NULL)")
        + FTS
        + "CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO docs_fts(rowid, title) "
        "VALUES (new.id, new.title); END;"
    )
    plan = '[mapping."b.db".tables]\ndocs_fts = ""\n'
    done = await merged(tmp_path, _docs("(1, 'x', 'one', NULL)"), b, plan=plan)
    assert "docs_ai" in done.said
    assert done.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'") == []
    assert done.rows("SELECT code FROM docs") == [("x",), ("z",)]


async def test_partial_index_stays_partial(tmp_path: Path) -> None:
    some = "INSERT INTO docs_fts(rowid, title) SELECT id, title FROM docs WHERE id = 1;"
    a = _docs("(1, 'x', 'one', NULL), (2, 'y', 'two', NULL)") + FTS + some
    b = _docs("(1, 'z', 'three', NULL), (2, 'w', 'four', NULL)") + FTS + some
    done = await merged(tmp_path, a, b)
    assert done.rows("SELECT title FROM docs_fts") == [("one",), ("three",)]
    assert done.counts["docs_fts"].new == 1


async def test_twins_in_an_index_of_its_own_stay(tmp_path: Path) -> None:
    index = "CREATE VIRTUAL TABLE n USING fts5(t, u UNINDEXED);"
    a = index + "INSERT INTO n VALUES ('same', 1), ('same', 1), ('one', NULL);"
    b = index + "INSERT INTO n VALUES ('same', 1), ('other', 2);"
    done = await merged(tmp_path, a, b)
    assert done.rows("SELECT t FROM n") == [("one",), ("other",), ("same",), ("same",)]
    assert (done.counts["n"].new, done.counts["n"].duplicate) == (1, 1)


async def test_other_encoding_language_and_settings(tmp_path: Path) -> None:
    index = (
        DOCS + "CREATE VIRTUAL TABLE n USING fts4(t, languageid=\"lid\");" + FTS
        + "CREATE VIRTUAL TABLE r USING rtree_i32(id, x0, x1, +name);"
    )  # fmt: skip
    rows = (
        "INSERT INTO docs VALUES (1, '{0}', '{0} title', NULL);"
        "INSERT INTO docs_fts(rowid, title) SELECT id, title FROM docs;"
        "INSERT INTO n(t, lid) VALUES ('{0} ü', {1}); INSERT INTO r VALUES (1, {1}, 9, '{0}');"
    )
    a = (
        index
        + rows.format("a", 3)
        + "INSERT INTO docs_fts(docs_fts, rank) VALUES ('rank', 'bm25(2.0)');"
    )
    b = "PRAGMA encoding = 'UTF-16le';" + index + rows.format("b", 4)
    plan = '[[not_references]]\ntable = "r"\ncolumns = ["id"]\n'
    done = await merged(tmp_path, a, b, plan=plan)
    assert done.rows("SELECT t, lid FROM n") == [("a ü", 3), ("b ü", 4)]
    assert done.rows("SELECT name, x0 FROM r") == [("a", 3), ("b", 4)]
    assert done.rows("SELECT title FROM docs_fts WHERE docs_fts MATCH 'title'") == [
        ("a title",),
        ("b title",),
    ]
    assert ("rank", "bm25(2.0)") in done.rows("SELECT k, v FROM docs_fts_config")


async def test_external_index_over_a_view_and_a_renamed_table(tmp_path: Path) -> None:
    b = (
        _docs("(1, 'z', 'hidden word', NULL)")
        + "CREATE VIEW shown AS SELECT id, upper(title) AS title FROM docs;"
        "CREATE VIRTUAL TABLE by_view USING fts5(title, content = 'shown', content_rowid = 'id');"
        "CREATE VIRTUAL TABLE by_table USING fts5(title, content=docs, content_rowid=id);"
        "CREATE VIRTUAL TABLE terms USING fts5vocab('by_table', 'row');"
    )
    plan = '[mapping."b.db".tables]\ndocs = "papers"\n'
    done = await merged(tmp_path, "CREATE TABLE docs(n INTEGER)", b, plan=plan)
    for index in ("by_view", "by_table"):
        assert done.rows(f"SELECT rowid FROM {index} WHERE {index} MATCH 'word'") == [(1,)]
    assert done.rows("SELECT term FROM terms") == [("hidden",), ("word",)]


async def test_an_index_that_is_declared_otherwise_is_asked(tmp_path: Path) -> None:
    b = "CREATE VIRTUAL TABLE docs_fts USING fts5(title, more);"
    asked = await merged(tmp_path, FTS, b)
    assert asked.questions[0].table == "docs_fts"
    assert "b.db" in asked.questions[0].fix


async def test_missing_tokenizer_with_rows_in_the_other_file_is_asked(tmp_path: Path) -> None:
    strange = FTS + (
        "INSERT INTO docs_fts VALUES ('{}'); PRAGMA writable_schema = ON; UPDATE sqlite_schema "
        "SET sql = 'CREATE VIRTUAL TABLE docs_fts USING fts5(title, tokenize = ''strange'')' "
        "WHERE name = 'docs_fts';"
    )
    (tmp_path / "ask").mkdir()
    asked = await merged(tmp_path / "ask", DOCS + strange.format("a"), DOCS + strange.format("b"))
    assert asked.questions[0].table == "docs_fts"
    (tmp_path / "out").mkdir()
    plan = asked.questions[0].fix
    done = await merged(
        tmp_path / "out", DOCS + strange.format("a"), DOCS + strange.format("b"), plan=plan
    )
    assert "docs_fts" in done.said
    assert done.rows("SELECT c0 FROM docs_fts_content") == [("a",)]


async def test_collation_that_speaks_of_case(tmp_path: Path) -> None:
    schema = (
        "CREATE TABLE tags(tag TEXT PRIMARY KEY COLLATE unicase, n) WITHOUT ROWID;"
        "CREATE TABLE decks(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE unicase, n);"
        "CREATE UNIQUE INDEX by_name ON decks(name);"
    )
    a = schema + (
        "INSERT INTO tags VALUES ('Zug', 1), ('ähre', 1), ('Ärger', 1);"
        "INSERT INTO decks VALUES (1, 'Zug', 1), (2, 'ähre', 1), (3, 'ÄRGER', 1);"
    )
    b = schema + (
        "INSERT INTO tags VALUES ('zug', 1), ('ÄH', 1);"
        "INSERT INTO decks VALUES (1, 'Neu', 1), (2, 'ärger', 1);"
    )
    plan = 'on_conflict = ["base"]\n'
    done = await merged(
        tmp_path, a, b, plan=plan, extras=lambda c: c.create_collation(*SOFT), collations=(SOFT,)
    )
    assert done.rows("PRAGMA integrity_check") == [("ok",)]
    assert {row[0] for row in done.rows("SELECT tag FROM tags")} == {"Zug", "ähre", "Ärger", "ÄH"}
    assert {row[0] for row in done.rows("SELECT name FROM decks")} == {
        "Zug",
        "ähre",
        "ÄRGER",
        "Neu",
    }
    assert "REINDEX unicase" in done.said


async def test_unknown_collation_of_a_key_without_rowid_is_asked(tmp_path: Path) -> None:
    schema = "CREATE TABLE t(k TEXT PRIMARY KEY COLLATE german) WITHOUT ROWID;"
    with_german = ("german", SOFT[1])
    asked = await merged(
        tmp_path,
        schema + "INSERT INTO t VALUES ('a');",
        schema + "INSERT INTO t VALUES ('b');",
        extras=lambda c: c.create_collation(*with_german),
    )
    assert asked.questions[0].table == "t"
    assert "german" in asked.questions[0].text


def _code(con: sqlite3.Connection) -> None:
    con.create_function("is_code", 1, lambda v: 1, deterministic=True)
    con.create_function("regexp", 2, lambda p, v: 1, deterministic=True)


async def test_stored_value_of_a_missing_function_is_asked(tmp_path: Path) -> None:
    schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE, g AS (is_code(k)) STORED);"
    asked = await merged(
        tmp_path,
        schema + "INSERT INTO t(k) VALUES ('a');",
        schema + "INSERT INTO t(k) VALUES ('b');",
        extras=_code,
    )
    assert asked.questions[0].column == "g"
    assert "is_code()" in asked.questions[0].text


async def test_checks_and_indexes_of_missing_functions(tmp_path: Path) -> None:
    schema = (
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE CHECK (k REGEXP '^.$'), "
        "n DEFAULT (is_code('x')), g AS (is_code(k)), CHECK (is_code(k) = 1));"
        "CREATE INDEX by_g ON t(g); CREATE INDEX some ON t(k) WHERE is_code(k); "
        "CREATE INDEX fine ON t(n);"
    )
    done = await merged(
        tmp_path,
        schema + "INSERT INTO t(k) VALUES ('a');",
        schema + "INSERT INTO t(k) VALUES ('b'), ('a');",
        extras=_code,
    )
    assert done.rows("SELECT k, n FROM t") == [("a", 1), ("b", 1)]
    assert "by_g" in done.said
    assert "some" in done.said
    assert "regexp()" in done.said
    names = {row[0] for row in done.rows("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert "fine" in names
    assert not names & {"by_g", "some"}
