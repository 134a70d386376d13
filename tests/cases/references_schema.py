"""What the schema does with rows: cascades, triggers, views, indexes, checks."""

from __future__ import annotations

import sqlite3

from .lib import CaseFailed, Project
from .references import ALL, ANN_BOB, CYD_ANN, PEOPLE
from .references_ids import OWNERS
from .registry import case


@case("references: ON DELETE CASCADE, ON UPDATE CASCADE")
def cascade(p: Project) -> None:
    """Nothing that the merge does deletes or renames children; the clauses stay."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL"
        " REFERENCES users(id) ON DELETE CASCADE ON UPDATE CASCADE, w TEXT);",
        {"users": ANN_BOB, "orders": [(1, 1, "pen"), (2, 2, "ink")]},
        {"users": CYD_ANN, "orders": [(1, 1, "cup"), (2, 2, "jar")]},
    )
    p.run().done()
    p.expect(OWNERS, [("ann", "pen"), ("bob", "ink"), ("cyd", "cup"), ("ann", "jar")])
    with p.open(p.target) as con:
        con.execute("PRAGMA foreign_keys = ON")
        con.execute("DELETE FROM users WHERE email = 'ann'")
    p.expect(OWNERS, [("bob", "ink"), ("cyd", "cup")])


@case("references: counter triggers")
def counter_trigger(p: Project) -> None:
    """A counter kept by a trigger is not counted again by the merge."""
    p.both(
        "CREATE TABLE forum(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, posts INTEGER);"
        "CREATE TABLE post(id INTEGER PRIMARY KEY, forum_id INTEGER REFERENCES forum(id), t TEXT);"
        "CREATE TRIGGER counted AFTER INSERT ON post BEGIN"
        " UPDATE forum SET posts = posts + 1 WHERE id = new.forum_id; END;"
        "CREATE TRIGGER gone AFTER DELETE ON post BEGIN"
        " UPDATE forum SET posts = posts - 1 WHERE id = old.forum_id; END;",
        {"forum": [(1, "x", 0), (2, "y", 0)], "post": [(1, 1, "p1"), (2, 1, "p2"), (3, 2, "p3")]},
        {"forum": [(1, "z", 0), (2, "w", 0)], "post": [(1, 1, "p4"), (2, 2, "p5")]},
    )
    result = p.run()
    result.done()
    if "look at it" in result.text:
        raise CaseFailed("no forum is shared, and its counter is said to be wrong")
    p.expect("SELECT name, posts FROM forum", [("x", 2), ("y", 1), ("z", 1), ("w", 1)])
    p.expect(
        "SELECT f.name, p.t FROM post p JOIN forum f ON f.id = p.forum_id",
        [("x", "p1"), ("x", "p2"), ("y", "p3"), ("z", "p4"), ("w", "p5")],
    )


@case("references: a counter of a shared row")
def counter_of_a_shared_row(p: Project) -> None:
    """What a trigger would have counted is said; the numbers stay as they are."""
    schema = (
        "CREATE TABLE forum(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, posts INTEGER);"
        "CREATE TABLE post(id INTEGER PRIMARY KEY, forum_id INTEGER REFERENCES forum(id), t TEXT);"
        "CREATE TRIGGER counted AFTER INSERT ON post BEGIN INSERT INTO log VALUES (new.t);"
        ' UPDATE OR IGNORE "forum" SET posts = posts + 1 WHERE id = new.forum_id; END;'
        "CREATE TABLE log(t TEXT);"
    )
    p.both(
        schema,
        {"forum": [(1, "x", 0)], "post": [(1, 1, "p1")]},
        {"forum": [(1, "y", 0), (2, "x", 0)], "post": [(1, 2, "p2")]},
    )
    result = p.run()
    result.done()
    p.expect("SELECT name, posts FROM forum", [("x", 1), ("y", 0)])
    result.names("trigger counted", "look at it")


@case("references: triggers that change or forbid rows")
def strict_triggers(p: Project) -> None:
    """BEFORE triggers that raise and AFTER triggers that rewrite do not run during the merge."""
    p.both(
        PEOPLE + "CREATE TABLE log(id INTEGER PRIMARY KEY, w TEXT);",
        {"users": ANN_BOB, "log": [(1, "a")]},
        {"users": CYD_ANN, "log": [(1, "b")]},
    )
    for name in ("a.db", "b.db"):
        with p.open(name) as con:
            con.executescript(
                "CREATE TRIGGER closed BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no'); END;"
                "CREATE TRIGGER stamp AFTER INSERT ON users BEGIN"
                " UPDATE users SET email = upper(email) WHERE id = new.id; END;"
                "CREATE TRIGGER fixed BEFORE UPDATE ON users BEGIN SELECT RAISE(IGNORE); END;"
            )
    p.run().done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT w FROM log", [("a",), ("b",)])
    with p.open(p.target) as con:
        try:
            con.execute("INSERT INTO log(w) VALUES ('c')")
        except sqlite3.IntegrityError:
            return
    raise CaseFailed("the trigger that forbids inserts is not alive after the merge")


@case("references: INSTEAD OF triggers")
def instead_of(p: Project) -> None:
    """A trigger on a view comes along and works."""
    p.both(
        PEOPLE + "CREATE VIEW names AS SELECT email AS name FROM users;"
        "CREATE TRIGGER add_name INSTEAD OF INSERT ON names BEGIN"
        " INSERT INTO users(email) VALUES (new.name); END;",
        {"users": ANN_BOB},
        {"users": CYD_ANN},
    )
    p.run().done()
    p.expect("SELECT name FROM names", ALL)
    with p.open(p.target) as con:
        con.execute("INSERT INTO names VALUES ('zoe')")
    p.expect("SELECT email FROM users WHERE email = 'zoe'", [("zoe",)])


@case("references: views on views")
def views_on_views(p: Project) -> None:
    """A view may be created before the view it reads; one exists in b.db only."""
    p.db("a.db", PEOPLE, {"users": ANN_BOB})
    p.db(
        "b.db",
        PEOPLE + "CREATE VIEW outer_v AS SELECT n || '!' AS m FROM inner_v;"
        "CREATE VIEW inner_v AS SELECT email AS n FROM users;"
        "CREATE VIEW third AS SELECT m FROM outer_v JOIN inner_v ON m = n || '!';",
        {"users": CYD_ANN},
    )
    p.run().done()
    p.expect("SELECT m FROM third", [("ann!",), ("bob!",), ("cyd!",)])


@case("references: a view that is broken already")
def broken_view(p: Project) -> None:
    """A view on a table that is gone stays as it is, or is named; it stops nothing else."""
    p.db("a.db", PEOPLE, {"users": ANN_BOB})
    p.db("b.db", PEOPLE + "CREATE VIEW old AS SELECT x FROM gone;", {"users": CYD_ANN})
    result = p.run()
    if result.asked("old"):
        return
    result.done(without=["old"])
    p.expect("SELECT email FROM users", ALL)
    if not p.rows("SELECT 1 FROM sqlite_master WHERE name = 'old'"):
        result.names("old")


@case("references: partial and expression indexes")
def odd_indexes(p: Project) -> None:
    """Indexes with WHERE, expressions, DESC and collations come along, also from b.db only."""
    p.db("a.db", PEOPLE + "CREATE INDEX ua ON users(lower(email));", {"users": ANN_BOB})
    p.db(
        "b.db",
        PEOPLE + "CREATE INDEX ub ON users(email COLLATE NOCASE DESC) WHERE id > 0;"
        "CREATE INDEX uc ON users(length(email), substr(email, 1, 1));",
        {"users": CYD_ANN},
    )
    p.run().done()
    p.expect("SELECT email FROM users WHERE lower(email) = 'cyd'", [("cyd",)])
    p.expect(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        [("ua",), ("ub",), ("uc",)],
    )


NOCASE = (
    "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, n TEXT);"
)


@case("references: UNIQUE NOCASE")
def nocase(p: Project) -> None:
    """Ann@X and ann@x are one entity for this key; two spellings are a conflict for the rules."""
    p.both(
        NOCASE
        + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, w);",
        {"users": [(1, "Ann@X", "Ann"), (2, "bob@x", "Bob")], "orders": [(1, 1, "pen")]},
        {"users": [(1, "cyd@x", "Cyd"), (2, "ann@x", "Ann")], "orders": [(1, 2, "cup")]},
    )
    p.run(args=("--on-conflict", "base")).done()
    p.expect("SELECT email, n FROM users", [("Ann@X", "Ann"), ("bob@x", "Bob"), ("cyd@x", "Cyd")])
    p.expect(OWNERS, [("Ann@X", "pen"), ("Ann@X", "cup")])


@case("references: UNIQUE NOCASE folds ASCII only")
def nocase_ascii(p: Project) -> None:
    """ÖTZI and ötzi are two people for SQLite: both stay."""
    p.both(NOCASE, {"users": [(1, "ÖTZI", "a")]}, {"users": [(1, "ötzi", "b"), (2, "İx", "c")]})
    p.run().done()
    p.expect("SELECT email, n FROM users", [("ÖTZI", "a"), ("ötzi", "b"), ("İx", "c")])


@case("references: a UNIQUE expression index")
def unique_expression(p: Project) -> None:
    """UNIQUE(lower(email)): Ann and ann cannot both stay: one by key, or asked by table."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL);"
        "CREATE UNIQUE INDEX one_email ON users(lower(email));",
        {"users": [(1, "Ann"), (2, "bob")]},
        {"users": [(1, "cyd"), (2, "ann")]},
    )
    result = p.run()
    if result.asked("users"):
        return
    result.done()
    p.expect_any("SELECT email FROM users", [("Ann",), ("bob",), ("cyd",)], ALL)


AGED = (
    "CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE, age INTEGER CHECK(age >= 0));"
)


@case("references: a CHECK that existing rows violate")
def check_violated(p: Project) -> None:
    """The rows are facts: kept (the check stays in the schema), or the table is asked by name."""
    schema = AGED
    p.db("a.db", schema, {"t": [(1, "a", 5)]})
    p.db(
        "b.db", "PRAGMA ignore_check_constraints = ON;" + schema, {"t": [(1, "b", -1), (2, "c", 3)]}
    )
    result = p.run()
    if result.asked("t"):
        return
    if result.status != 0:
        raise result.fail("kept or asked, nothing else")
    p.expect("SELECT n, age FROM t", [("a", 5), ("b", -1), ("c", 3)])
    result.names("t")


@case("references: a CHECK that the base's own rows violate")
def check_violated_base(p: Project) -> None:
    """The base is taken as it is; the other rows arrive; integrity_check may name the old."""
    schema = AGED
    p.db("a.db", "PRAGMA ignore_check_constraints = ON;" + schema, {"t": [(1, "a", -5)]})
    p.db("b.db", schema, {"t": [(1, "b", 1), (2, "c", 3)]})
    result = p.run()
    if result.asked("t"):
        return
    if result.status != 0:
        raise result.fail("kept or asked, nothing else")
    p.expect("SELECT n, age FROM t", [("a", -5), ("b", 1), ("c", 3)])


@case("references: NULLs in UNIQUE")
def unique_nulls(p: Project) -> None:
    """NULL equals nobody: people without an e-mail are told apart by the rest of the row."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {
            "users": [(1, "ann@x", "Ann"), (2, None, "Bob"), (3, None, "Cyd")],
            "orders": [(1, 1, "a1"), (2, 2, "a2"), (3, 3, "a3")],
        },
        {
            "users": [(1, None, "Dan"), (2, "ann@x", "Ann"), (3, None, "Eve")],
            "orders": [(1, 1, "b1"), (2, 2, "b2"), (3, 3, "b3")],
        },
    )
    p.run().done()
    p.expect(
        "SELECT email, name, w FROM users u JOIN orders o ON o.user_id = u.id",
        [
            ("ann@x", "Ann", "a1"),
            ("ann@x", "Ann", "b2"),
            (None, "Bob", "a2"),
            (None, "Cyd", "a3"),
            (None, "Dan", "b1"),
            (None, "Eve", "b3"),
        ],
    )
    p.expect("SELECT count(*) FROM users", [(5,)])


@case("references: NULLs in a composite UNIQUE")
def unique_nulls_composite(p: Project) -> None:
    """UNIQUE(shelf, slot) with NULL slots: equal keys without NULL are one, the rest stay."""
    p.both(
        "CREATE TABLE box(id INTEGER PRIMARY KEY, shelf TEXT, slot INTEGER, n TEXT,"
        " UNIQUE(shelf, slot));",
        {"box": [(1, "s", 1, "x"), (2, "s", None, "p"), (3, "s", None, "q")]},
        {"box": [(1, "s", None, "r"), (2, "s", 1, "x"), (3, "t", 1, "y")]},
    )
    p.run().done()
    p.expect(
        "SELECT shelf, slot, n FROM box",
        [("s", 1, "x"), ("s", None, "p"), ("s", None, "q"), ("s", None, "r"), ("t", 1, "y")],
    )
