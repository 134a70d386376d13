"""Spellings of keys, wide and narrow tables, SQL that is hard to read."""

from __future__ import annotations

from .lib import Project, Rows
from .registry import case

ALL = [("ann",), ("bob",), ("cyd",)]
A: Rows = {"t": [(1, "ann"), (2, "bob")], "r": [(1, 1, "x"), (2, 2, "y")]}
B: Rows = {"t": [(1, "cyd"), (2, "ann")], "r": [(1, 1, "z"), (2, 2, "x")]}
REFERRING = "CREATE TABLE r(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id), v TEXT);"


def _spelled(p: Project, table: str) -> None:
    """Merge two files whose table `t` (id, name) is written like this; references follow."""
    p.both(table + REFERRING, A, B)
    p.run().done()
    p.expect("SELECT name FROM t", ALL)
    p.expect(
        "SELECT t.name, r.v FROM r JOIN t ON t.id = r.t_id",
        [("ann", "x"), ("bob", "y"), ("cyd", "z")],
    )


@case("keys: PRIMARY KEY(id) as a table constraint")
def table_constraint(p: Project) -> None:
    """`id INTEGER …, PRIMARY KEY(id)` is a rowid alias too."""
    _spelled(p, "CREATE TABLE t(id INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, PRIMARY KEY(id));")


@case("keys: lower case, brackets, ASC")
def spelled_oddly(p: Project) -> None:
    """`[id] integer primary key asc` is a rowid alias."""
    _spelled(p, "create table [t]([id] integer primary key asc, `name` text not null unique);")


@case("keys: BIGINT PRIMARY KEY is no rowid alias")
def bigint(p: Project) -> None:
    """It counts ids nevertheless: re-keyed by its natural key, or asked naming the table."""
    p.both("CREATE TABLE t(id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);" + REFERRING, A, B)
    result = p.run()
    if result.asked("t"):
        return
    result.done()
    p.expect("SELECT name FROM t", ALL)
    p.expect(
        "SELECT t.name, r.v FROM r JOIN t ON t.id = r.t_id",
        [("ann", "x"), ("bob", "y"), ("cyd", "z")],
    )


@case("keys: a unique index instead of a constraint")
def unique_index(p: Project) -> None:
    """CREATE UNIQUE INDEX makes a natural key like UNIQUE does."""
    _spelled(
        p,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
        "CREATE UNIQUE INDEX t_name ON t(name DESC);",
    )


@case("keys: a nullable UNIQUE without NULLs")
def unique_by_data(p: Project) -> None:
    """NOT NULL may be declared or a fact of the data."""
    _spelled(p, "CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(80) UNIQUE);")


@case("keys: SQL that is hard to read")
def hard_sql(p: Project) -> None:
    """Comments, commas, brackets and quotes inside the definition."""
    _spelled(
        p,
        "CREATE TABLE /* t( */ t -- the (one, true) table\n"
        "(id INTEGER PRIMARY KEY /* , id2 */, name TEXT NOT NULL DEFAULT 'a,b)--' UNIQUE\n"
        " CHECK (name <> 'it''s (not) \"t\"'));",
    )


@case("keys: SQL that is hard to read, renamed by the plan")
def hard_sql_renamed(p: Project) -> None:
    """The table is renamed on the way: self-reference, index, trigger and literals survive."""
    p.db("a.db", "CREATE TABLE other(id INTEGER PRIMARY KEY);", {"other": [(1,)]})
    p.db(
        "b.db",
        "CREATE TABLE t -- t\n(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE DEFAULT 't(t)',"
        " up INTEGER REFERENCES t(id), CHECK (t.name <> 't'));"
        "CREATE INDEX t_up ON t(up) WHERE t.up > 0;"
        "CREATE TABLE log(w TEXT);"
        "CREATE VIEW names AS SELECT t.name FROM t;",
        {"t": [(1, "root", None), (2, "kid", 1)], "log": [("t",)]},
    )
    with p.open("b.db") as con:
        con.execute("CREATE TRIGGER tt AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('t'); END")
    p.run(plan='[mapping."b.db".tables]\nt = "node"\n').done(without=["t"])
    p.expect(
        "SELECT n.name, m.name FROM node n LEFT JOIN node m ON m.id = n.up",
        [("root", None), ("kid", "root")],
    )
    p.expect("SELECT name FROM names", [("root",), ("kid",)])
    p.expect("SELECT w FROM log", [("t",)])
    with p.open(p.target) as con:
        con.execute("INSERT INTO node(name) VALUES ('new')")
    p.expect("SELECT w FROM log", [("t",), ("t",)])


@case("keys: a table of nothing but an id")
def only_id(p: Project) -> None:
    """`CREATE TABLE batch(id INTEGER PRIMARY KEY)` with children: nobody's children move over."""
    p.both(
        "CREATE TABLE batch(id INTEGER PRIMARY KEY);"
        "CREATE TABLE job(id INTEGER PRIMARY KEY, batch_id INTEGER REFERENCES batch(id),"
        " name TEXT NOT NULL UNIQUE);",
        {"batch": [(1,), (2,)], "job": [(1, 1, "a1"), (2, 1, "a2"), (3, 2, "a3")]},
        {"batch": [(1,), (2,)], "job": [(1, 1, "b1"), (2, 2, "b2"), (3, 2, "b3")]},
    )
    result = p.run()
    if result.asked("batch"):
        return
    result.done()
    p.expect(
        "SELECT name FROM job JOIN batch ON batch.id = batch_id",
        [(f"{f}{n}",) for f in "ab" for n in (1, 2, 3)],
    )


@case("keys: a copy whose id lost its key")
def id_without_key(p: Project) -> None:
    """`CREATE TABLE … AS SELECT` drops the key: there NULL is a value, in the target it is none."""
    columns = "name TEXT NOT NULL UNIQUE, v"
    p.db(
        "a.db",
        f"CREATE TABLE t(id INTEGER PRIMARY KEY, {columns});",
        {"t": [(1, "ann", 1), (2, "bob", 2)]},
    )
    rows = [(None, "cyd", 3), (2, "bob", 2)]
    p.db("b.db", f"CREATE TABLE t(id INTEGER, {columns});", {"t": rows})
    p.run("a.db", "b.db").must_ask("id", "b.db")
    with p.open("b.db") as con:
        con.execute("UPDATE t SET id = 7 WHERE id IS NULL")
    p.run("a.db", "b.db").done()
    p.expect("SELECT name, v FROM t", [("ann", 1), ("bob", 2), ("cyd", 3)])


@case("keys: a thousand columns")
def wide(p: Project) -> None:
    """Comparing a thousand columns must not run into SQLite's limits of expressions."""
    columns = ", ".join(f"c{n}" for n in range(1000))
    schema = f"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, {columns});"
    same = list(range(1000))
    other = [*same[:999], "last"]
    p.both(
        schema + f"CREATE TABLE u(id INTEGER PRIMARY KEY, {columns});",
        {"t": [(1, "ann", *same), (2, "bob", *same)], "u": [(1, *same)]},
        {"t": [(1, "bob", *same), (2, "cyd", *same)], "u": [(1, *other), (2, *same)]},
    )
    result = p.run(plan='[tables.u]\nidentity = "rows"\n')
    if result.asked("t") or result.refused("t"):
        return
    result.done()
    p.expect("SELECT name, c0, c999 FROM t", [(n, 0, 999) for n in ("ann", "bob", "cyd")])
    p.expect("SELECT c998, c999 FROM u", [(998, 999), (998, "last")])


@case("keys: a thousand tables")
def many_tables(p: Project) -> None:
    """1,000 tables in two files, each with rows of both (the bench measures how long it takes)."""
    schema = "".join(
        f"CREATE TABLE t{n}(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v);"
        for n in range(1000)
    )
    p.both(
        f"BEGIN;{schema}COMMIT;",
        {f"t{n}": [(1, "a", n), (2, "both", n)] for n in range(1000)},
        {f"t{n}": [(1, "b", n), (2, "both", n)] for n in range(1000)},
    )
    p.run().done()
    for n in (0, 1, 499, 999):
        p.expect(f"SELECT k, v FROM t{n}", [("a", n), ("b", n), ("both", n)])


@case("keys: one row only, by CHECK (id = 1)")
def singleton(p: Project) -> None:
    """The number has a meaning: the rows are one entity that is told differently, and asked."""
    schema = "CREATE TABLE prefs(id INTEGER PRIMARY KEY CHECK (id = 1), theme TEXT);"
    p.both(schema, {"prefs": [(1, "dark")]}, {"prefs": [(1, "light")]})
    assert p.run().asked("prefs")
    p.run(args=("--on-conflict", "base")).done()
    p.expect("SELECT id, theme FROM prefs", [(1, "dark")])


@case("keys: CHECK (id > 0) leaves ids free")
def positive(p: Project) -> None:
    """A bound that every number keeps says nothing of what a row is, nor does text in quotes."""
    schema = (
        'CREATE TABLE t(id INTEGER PRIMARY KEY CHECK (id > 0), name TEXT, CHECK ("nme" <> id)); '
    )
    p.both(schema, {"t": [(1, "ann")]}, {"t": [(1, "bob")]})
    p.run().done()
    p.expect("SELECT name FROM t", [("ann",), ("bob",)])
