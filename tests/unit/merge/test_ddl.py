"""Reading the text of CREATE statements."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from consolidator_tui.services.inspect.ddl import (
    column_texts,
    constraint_word,
    has_word,
    table_constraints,
    tokens,
    unquote,
)
from consolidator_tui.services.planning.objects import plain_sql
from consolidator_tui.services.planning.rename_words import rename_words

SPELLED = {
    "plain": ("CREATE TABLE t(a INTEGER, b TEXT)", [("a", "INTEGER"), ("b", "TEXT")]),
    "no types": ("CREATE TABLE t(a, b)", [("a", ""), ("b", "")]),
    "quotes of all kinds": (
        "CREATE TABLE t(\"a \"\"1\" INT, [b c] TEXT, `c``d` BLOB, 'e''f' REAL)",
        [('a "1', "INT"), ("b c", "TEXT"), ("c`d", "BLOB"), ("e'f", "REAL")],
    ),
    "commas within": (
        "CREATE TABLE t(a DECIMAL(10, 2) DEFAULT (max(1, 2)), b TEXT DEFAULT ',')",
        [("a", "DECIMAL(10, 2)"), ("b", "TEXT")],
    ),
    "comments": (
        "CREATE TABLE t -- (x\n(/* a, ( */ a INT, -- , b\n c TEXT /* unfinished */)",
        [("a", "INT"), ("c", "TEXT")],
    ),
    "table constraints": (
        "CREATE TABLE t(a INT, b INT, CONSTRAINT k PRIMARY KEY(a, b), CHECK (a > 0))",
        [("a", "INT"), ("b", "INT")],
    ),
    "a keyword as a column": ('CREATE TABLE t("check" INT, "primary" TEXT)', [
        ("check", "INT"), ("primary", "TEXT"),
    ]),
    "unicode": ("CREATE TABLE t(größe INT, 名前 TEXT)", [("größe", "INT"), ("名前", "TEXT")]),
    "a type of several words": (
        "CREATE TABLE t(a UNSIGNED BIG INT NOT NULL, b DOUBLE PRECISION)",
        [("a", "UNSIGNED BIG INT"), ("b", "DOUBLE PRECISION")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPELLED)
def test_columns(what: str) -> None:
    """Names and types are those that SQLite reads from the same text."""
    sql, expected = SPELLED[what]
    assert [(c.name, c.type_text) for c in column_texts(sql)] == expected
    with closing(sqlite3.connect(":memory:")) as con:
        con.execute(sql)
        assert [row[1] for row in con.execute("PRAGMA table_info(t)")] == [n for n, _ in expected]


CONSTRAINTS = {
    "a INT NOT NULL DEFAULT 5": ["NOT NULL", "DEFAULT 5"],
    "a INT DEFAULT NULL": ["DEFAULT NULL"],
    "a INT REFERENCES p(id) ON DELETE SET NULL ON UPDATE SET DEFAULT": [
        "REFERENCES p(id) ON DELETE SET NULL ON UPDATE SET DEFAULT"
    ],
    "a INT CONSTRAINT c CHECK (a NOT NULL) UNIQUE": ["CONSTRAINT c CHECK (a NOT NULL)", "UNIQUE"],
    "a TEXT COLLATE NOCASE PRIMARY KEY": ["COLLATE NOCASE", "PRIMARY KEY"],
    "a INT GENERATED ALWAYS AS (b + 1) STORED": ["GENERATED ALWAYS AS (b + 1) STORED"],
    "a AS (b || 'NOT NULL')": ["AS (b || 'NOT NULL')"],
    "a INT DEFAULT (CASE WHEN 1 THEN 2 END) NULL": [
        "DEFAULT (CASE WHEN 1 THEN 2 END)", "NULL",
    ],
}  # fmt: skip


@pytest.mark.parametrize("text", CONSTRAINTS)
def test_constraints(text: str) -> None:
    """A definition falls into its constraints, each with all of its words."""
    (column,) = column_texts(f"CREATE TABLE t({text})")
    assert list(column.constraints) == CONSTRAINTS[text]


def test_constraint_words_and_tables() -> None:
    """The keyword stands behind an optional name; table constraints follow the columns."""
    assert constraint_word("CONSTRAINT c CHECK (1)") == "CHECK"
    assert constraint_word("UNIQUE(a)") == "UNIQUE"
    assert constraint_word("") == ""
    sql = "CREATE TABLE t(a, CHECK (a IN (1, 2)), FOREIGN KEY(a) REFERENCES p(b)) WITHOUT ROWID"
    assert table_constraints(sql) == ["CHECK (a IN (1, 2))", "FOREIGN KEY(a) REFERENCES p(b)"]


def test_words_in_quotes_are_no_keywords() -> None:
    """AUTOINCREMENT in a string, a name or a comment means nothing."""
    assert has_word("CREATE TABLE t(id INTEGER PRIMARY KEY autoincrement)", "AUTOINCREMENT")
    assert not has_word("CREATE TABLE t(a DEFAULT 'AUTOINCREMENT')", "AUTOINCREMENT")
    assert not has_word('CREATE TABLE t("AUTOINCREMENT") -- AUTOINCREMENT', "AUTOINCREMENT")


def test_tokens_cover_the_text() -> None:
    """Every token stands where it says."""
    sql = "SELECT 'it''s' || \"a\"\"b\", [c d], 1.5e3 /* x */ FROM t -- end"
    found = list(tokens(sql))
    assert all(sql[token.start : token.end] == token.text for token in found)
    assert [unquote(t) for t in found if t.kind in ("name", "text")] == ["it's", 'a"b', "c d"]


def test_rename_words() -> None:
    """Identifiers change in any spelling, strings and longer words do not."""
    sql = "CREATE INDEX i ON Items([items], \"ITEMS\", items_2) WHERE x = 'items'"
    changed = rename_words(sql, {"items": 'to "do'})
    assert changed == (
        'CREATE INDEX i ON "to ""do"("to ""do", "to ""do", items_2) WHERE x = \'items\''
    )


def test_plain_sql() -> None:
    """Space, comments, quotes, case and IF NOT EXISTS make no difference; strings do."""
    one = "CREATE INDEX IF NOT EXISTS \"I\"  ON t(a) -- x\n WHERE b='X'"
    assert plain_sql(one) == plain_sql("create index i on T ( [A] ) where B = 'X'")
    assert plain_sql(one) != plain_sql("create index i on t(a) where b = 'x'")
