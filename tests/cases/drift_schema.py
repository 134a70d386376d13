"""Constraints, migration tables, pragmas and schema objects that differ."""

from __future__ import annotations

from .lib import CaseFailed, Project
from .registry import case

PEOPLE = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
WITH_CITY = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, city);"
ALL = [("ann",), ("bob",), ("cyd",)]
ANN_BOB = [(1, "ann"), (2, "bob")]
CYD_ANN = [(1, "cyd"), (2, "ann")]


@case("drift: a column that only the last of three files has")
def column_of_third(p: Project) -> None:
    """Bob is in b.db without the column and in c.db with it: its value arrives, no conflict."""
    p.db("a.db", PEOPLE, {"users": [(1, "ann")]})
    p.db("b.db", PEOPLE, {"users": [(1, "bob"), (2, "cyd")]})
    p.db("c.db", WITH_CITY, {"users": [(1, "cyd", "Rome"), (2, "bob", "Bonn"), (3, "dan", "Oslo")]})
    p.run().done()
    p.expect(
        "SELECT email, city FROM users",
        [("ann", None), ("bob", "Bonn"), ("cyd", "Rome"), ("dan", "Oslo")],
    )


@case("drift: a column of a table whose key holds a reference, in the last file only")
def column_of_pair(p: Project) -> None:
    """The same for a composite key that moves with its parent, WITHOUT ROWID."""
    line = (
        "CREATE TABLE line(user_id INTEGER NOT NULL REFERENCES users(id), n INTEGER NOT NULL{},"
        " PRIMARY KEY(user_id, n)) WITHOUT ROWID;"
    )
    full = PEOPLE + line.format(", v TEXT")
    p.db("a.db", full, {"users": [(1, "ann")], "line": [(1, 1, "av")]})
    p.db("b.db", PEOPLE + line.format(""), {"users": [(1, "bob")], "line": [(1, 1), (1, 2)]})
    p.db(
        "c.db",
        full,
        {"users": [(1, "cyd"), (2, "bob")], "line": [(2, 1, "bv"), (2, 2, None), (1, 1, "cv")]},
    )
    p.run().done()
    p.expect(
        "SELECT u.email, l.n, l.v FROM line l JOIN users u ON u.id = l.user_id",
        [("ann", 1, "av"), ("bob", 1, "bv"), ("bob", 2, None), ("cyd", 1, "cv")],
    )


@case("drift: a column that the middle one of three files lacks")
def column_of_first_and_third(p: Project) -> None:
    """The base and the last file have it; rows that b.db shares with c.db keep c.db's value."""
    p.db("a.db", WITH_CITY, {"users": [(1, "ann", "Kiel")]})
    p.db("b.db", PEOPLE, {"users": [(1, "bob"), (2, "ann")]})
    p.db("c.db", WITH_CITY, {"users": [(1, "bob", "Bonn"), (2, "ann", "Kiel")]})
    p.run().done()
    p.expect("SELECT email, city FROM users", [("ann", "Kiel"), ("bob", "Bonn")])


@case("drift: UNIQUE on one side only, rows that would break it")
def unique_one_side(p: Project) -> None:
    """b.db has ann twice as two rows: asked naming the table, or all rows there and said."""
    p.db(
        "a.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, n TEXT);",
        {"users": [(1, "ann", "A"), (2, "bob", "B")]},
    )
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, n TEXT);",
        {"users": [(1, "cyd", "one"), (2, "cyd", "two")]},
    )
    result = p.run()
    if result.asked("users"):
        return
    result.done()
    p.expect(
        "SELECT email, n FROM users",
        [("ann", "A"), ("bob", "B"), ("cyd", "one"), ("cyd", "two")],
    )
    result.names("users")


@case("drift: UNIQUE on one side only, nothing breaks it")
def unique_harmless(p: Project) -> None:
    """The key holds in the data of both: one ann, all orders hers."""
    orders = "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);"
    p.db("a.db", PEOPLE + orders, {"users": ANN_BOB, "orders": [(1, 1, "pen")]})
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT);" + orders,
        {"users": CYD_ANN, "orders": [(1, 1, "cup"), (2, 2, "jar")]},
    )
    result = p.run()
    if result.asked("users"):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann", "pen"), ("cyd", "cup"), ("ann", "jar")],
    )


@case("drift: a foreign key declared on one side only")
def reference_one_side(p: Project) -> None:
    """What one file declares holds for the other's rows too."""
    orders = "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER{}, w TEXT);"
    p.db("a.db", PEOPLE + orders.format(""), {"users": ANN_BOB, "orders": [(1, 2, "ink")]})
    p.db(
        "b.db",
        PEOPLE + orders.format(" REFERENCES users(id)"),
        {"users": CYD_ANN, "orders": [(1, 1, "cup"), (2, 2, "jar")]},
    )
    result = p.run()
    if result.asked("orders", "user_id"):
        return
    result.done()
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("bob", "ink"), ("cyd", "cup"), ("ann", "jar")],
    )


@case("drift: a CHECK on one side only")
def check_one_side(p: Project) -> None:
    """b.db's rows would break a.db's CHECK: asked naming the table, or all rows there and said."""
    p.db(
        "a.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v INTEGER CHECK(v > 0));",
        {"t": [(1, "x", 1)]},
    )
    p.db(
        "b.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v INTEGER);",
        {"t": [(1, "y", 0), (2, "z", 5)]},
    )
    result = p.run()
    if result.asked("t"):
        return
    if result.status != 0:
        raise result.fail("kept or asked, nothing else")
    p.expect("SELECT k, v FROM t", [("x", 1), ("y", 0), ("z", 5)])
    result.names("t")


@case("drift: sqlite_stat tables")
def statistics(p: Project) -> None:
    """ANALYZE's tables are no data: they are not united, nothing else suffers."""
    p.both(
        PEOPLE + "CREATE INDEX by_email ON users(email, id);",
        {"users": ANN_BOB},
        {"users": CYD_ANN},
    )
    for name in ("a.db", "b.db"):
        with p.open(name) as con:
            con.execute("ANALYZE")
    p.run().done()
    p.expect("SELECT email FROM users", ALL)
    with p.open(p.target) as con:
        stats = con.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"
        ).fetchone()
        rows = con.execute("SELECT tbl, idx FROM sqlite_stat1").fetchall() if stats[0] else []
    if len(rows) != len(set(rows)):
        raise CaseFailed(f"sqlite_stat1 was united row by row: {rows}")


@case("drift: sqlite_stat tables in b.db only")
def statistics_other(p: Project) -> None:
    """The base was never analysed, the other was: sqlite_stat1 cannot be created as a table."""
    p.both(PEOPLE, {"users": ANN_BOB}, {"users": CYD_ANN})
    with p.open("b.db") as con:
        con.execute("ANALYZE")
    p.run().done()
    p.expect("SELECT email FROM users", ALL)


@case("drift: user_version and application_id")
def pragmas(p: Project) -> None:
    """Equal ones stay; the target keeps the base's."""
    p.both(PEOPLE, {"users": ANN_BOB}, {"users": CYD_ANN})
    for name in ("a.db", "b.db"):
        with p.open(name) as con:
            con.executescript("PRAGMA user_version = 42; PRAGMA application_id = 1196437808;")
    p.run().done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT user_version FROM pragma_user_version", [(42,)])
    p.expect("SELECT application_id FROM pragma_application_id", [(1196437808,)])


@case("drift: user_version differs")
def pragmas_differ(p: Project) -> None:
    """Two schema versions are named; the base's stays, or it asks."""
    p.both(PEOPLE, {"users": ANN_BOB}, {"users": CYD_ANN})
    for number, name in enumerate(("a.db", "b.db"), 3):
        with p.open(name) as con:
            con.execute(f"PRAGMA user_version = {number}")
    result = p.run()
    if result.asked("user_version"):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect_any("SELECT user_version FROM pragma_user_version", [(3,)], [(4,)])
    result.names("user_version")


def _other_sql(p: Project, first: str, second: str, name: str) -> None:
    p.db("a.db", PEOPLE + first, {"users": ANN_BOB})
    p.db("b.db", PEOPLE + second, {"users": CYD_ANN})
    result = p.run()
    if result.asked(name):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    result.names(name)


@case("drift: one view name, other SQL")
def other_view(p: Project) -> None:
    """Equal name with other SQL is a decision: asked by name, or one kept and said."""
    _other_sql(
        p,
        "CREATE VIEW active AS SELECT * FROM users WHERE id > 0;",
        "CREATE VIEW active AS SELECT * FROM users WHERE email LIKE 'a%';",
        "active",
    )


@case("drift: one index name, other columns")
def other_index(p: Project) -> None:
    """The same for an index."""
    _other_sql(
        p,
        "CREATE INDEX look ON users(email);",
        "CREATE INDEX look ON users(lower(email));",
        "look",
    )


@case("drift: one trigger name, other SQL")
def other_trigger(p: Project) -> None:
    """The same for a trigger."""
    body = "CREATE TRIGGER guard BEFORE DELETE ON users BEGIN SELECT RAISE(ABORT, '{}'); END;"
    _other_sql(p, body.format("no"), body.format("never"), "guard")


@case("drift: the same SQL in another layout is no drift")
def same_view(p: Project) -> None:
    """Blanks, comments and keyword case do not make another view: nothing to decide."""
    p.db("a.db", PEOPLE + "CREATE VIEW v AS SELECT email FROM users;", {"users": ANN_BOB})
    p.db(
        "b.db",
        PEOPLE + "create view v as\n  select email -- the key\n  from users;",
        {"users": CYD_ANN},
    )
    result = p.run()
    if result.asked("v"):
        return
    result.done()
    p.expect("SELECT email FROM v", ALL)


@case("drift: tables in one file only")
def only_one_file(p: Project) -> None:
    """A table that one file alone has arrives whole, with indexes, triggers and references."""
    p.db(
        "a.db",
        PEOPLE + "CREATE TABLE only_a(x, y); CREATE INDEX ia ON only_a(x);",
        {"users": ANN_BOB, "only_a": [(1, "p"), (1, "p")]},
    )
    p.db(
        "b.db",
        PEOPLE + "CREATE TABLE only_b(id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " user_id INTEGER REFERENCES users(id), t TEXT UNIQUE);"
        "CREATE TABLE kid(id INTEGER PRIMARY KEY, up INTEGER REFERENCES only_b(id));"
        "CREATE TRIGGER tb AFTER INSERT ON only_b BEGIN INSERT INTO kid(up) VALUES (new.id); END;",
        {"users": CYD_ANN, "only_b": [(1, 1, "q"), (9, 2, "r")]},
    )
    p.run().done()
    p.expect("SELECT x, y FROM only_a", [(1, "p"), (1, "p")])
    p.expect(
        "SELECT u.email, b.t FROM only_b b JOIN users u ON u.id = b.user_id JOIN kid ON up = b.id",
        [("cyd", "q"), ("ann", "r")],
    )
    p.expect("SELECT count(*) FROM kid", [(2,)])


@case("drift: objects get other names, or are left out, by the plan")
def objects_mapped(p: Project) -> None:
    """An index is renamed and a view left out by the lines that the question offers."""
    schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);"
    p.db(
        "a.db",
        schema + "CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT a FROM t;",
        {"t": [(1, "x", "y")]},
    )
    p.db(
        "b.db",
        schema + "CREATE INDEX i ON t(b); CREATE VIEW v AS SELECT b FROM t;",
        {"t": [(1, "z", "y")]},
    )
    p.run().must_ask("t")
    plan = '[mapping."b.db".tables]\ni = "i_2"\nv = ""\n'
    p.run(plan=plan).done(without=["v"])
    p.expect("SELECT a FROM t", [("x",), ("z",)])
    p.expect(
        "SELECT name FROM sqlite_schema WHERE type <> 'table' ORDER BY 1",
        [("i",), ("i_2",), ("v",)],
    )


@case("drift: UNIQUE without regard to case on one side only")
def unique_collation_drift(p: Project) -> None:
    """Two rows that the target's key would make one are asked about before anything is written."""
    p.db("a.db", "CREATE TABLE u(id INTEGER PRIMARY KEY, e TEXT NOT NULL UNIQUE COLLATE NOCASE)")
    p.db("b.db", "CREATE TABLE u(id INTEGER PRIMARY KEY, e TEXT NOT NULL UNIQUE);")
    for name, rows in (("a.db", ["Bob", "ANN"]), ("b.db", ["Ann", "ann"])):
        with p.open(name) as con:
            con.executemany("INSERT INTO u(e) VALUES (?)", [(row,) for row in rows])
    result = p.run(plan='[tables.u]\non_conflict = ["base"]\n')
    result.must_ask("u", "e", "UNIQUE key")


@case("drift: a column that one file computes and the target stores")
def computed_here_stored_there(p: Project) -> None:
    """The values come along, and it is said that nothing computes them any more."""
    p.db("a.db", "CREATE TABLE t(k TEXT NOT NULL UNIQUE, n INT, twice INT);", {"t": [("a", 1, 7)]})
    p.db("b.db", "CREATE TABLE t(k TEXT NOT NULL UNIQUE, n INT, twice INT AS (n * 2));")
    with p.open("b.db") as con:
        con.execute("INSERT INTO t(k, n) VALUES ('b', 4)")
    result = p.run()
    result.done()
    result.names("t", "twice", "b.db")
    p.expect("SELECT k, twice FROM t", [("a", 7), ("b", 8)])
