"""Schemas and plans that once went wrong: names, references without a parent, drift, decisions."""

from __future__ import annotations

from .lib import CaseFailed, Project
from .registry import case
from .suggestions import settle

USERS = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
LOOSE = (
    "PRAGMA foreign_keys = OFF;" + USERS + "CREATE TABLE orders(id INTEGER PRIMARY KEY,"
    " user_id INTEGER REFERENCES users(id), what TEXT);"
)
OWNERS = "SELECT what, email FROM orders LEFT JOIN users ON users.id = user_id"


@case("names: a table called like a function of SQLite")
def function_name(p: Project) -> None:
    """json_each and pragma_table_info are ordinary names for a table."""
    script = (
        "CREATE TABLE json_each(id INTEGER PRIMARY KEY, k TEXT UNIQUE, j TEXT UNIQUE);"
        "CREATE TABLE pragma_table_info(a); CREATE TABLE pragma_foreign_key_check(a);"
    )
    a = {"json_each": [(1, "x", "1"), (2, "y", None)], "pragma_table_info": [(1,), (1,)]}
    b = {"json_each": [(1, "y", None), (2, "z", "2")], "pragma_table_info": [(1,), (2,)]}
    p.both(script, a, b)
    p.run().done()
    p.expect("SELECT k FROM json_each", [("x",), ("y",), ("z",)])
    p.expect("SELECT a FROM pragma_table_info", [(1,), (1,), (2,)])


@case("keys: as many columns as SQLite takes")
def most_columns(p: Project) -> None:
    """2,000 columns, in a table with a number and in one without any key."""
    listed = ",".join(f"c{n}" for n in range(1999))
    script = f"CREATE TABLE w(id INTEGER PRIMARY KEY, {listed}); CREATE TABLE n({listed}, last);"
    one, two = tuple(range(1, 2001)), tuple(range(2, 2002))
    p.both(script, {"w": [one], "n": [one]}, {"w": [one, two], "n": [one, two]})
    p.run().done()
    p.expect("SELECT count(*), (SELECT count(*) FROM n) FROM w", [(2, 2)])


@case("special: a schema that computes with JSON")
def json_in_schema(p: Project) -> None:
    """In a CHECK, a generated column, indexes, a view, a default: every row with its values."""
    script = (
        "CREATE TABLE doc(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " data TEXT CHECK (json_valid(data) OR data IS NULL),"
        " size INTEGER AS (json_extract(data, '$.size')) STORED);"
        "CREATE UNIQUE INDEX doc_code ON doc(json_extract(data, '$.code'));"
        "CREATE VIEW sizes AS SELECT name, json_extract(data, '$.size') AS size FROM doc;"
        "CREATE TABLE note(id INTEGER PRIMARY KEY, doc_id INTEGER REFERENCES doc(id),"
        " tags TEXT DEFAULT (json_array()));"
        "INSERT INTO doc(id, name, data) VALUES {};"
    )
    shared = """ '{"size": 1, "code": "x"}'"""
    p.db("a.db", script.format(f"(1, 'ann', {shared}), (2, 'none', NULL)"), {"note": [(1, 1, "a")]})
    p.db(
        "b.db",
        script.format(f"""(1, 'bob', '{{"size": 2}}'), (2, 'ann', {shared})"""),
        {"note": [(1, 1, "b"), (2, 2, "a2")]},
    )
    p.run().done()
    p.expect("SELECT name, size FROM sizes", [("ann", 1), ("none", None), ("bob", 2)])
    p.expect(
        "SELECT name, size, tags FROM note JOIN doc ON doc.id = doc_id",
        [("ann", 1, "a"), ("ann", 1, "a2"), ("bob", 2, "b")],
    )


@case("drift: a generated column that only the other file has")
def generated_elsewhere(p: Project) -> None:
    """The target computes it too, stored or not, and has the index over it."""
    p.db("a.db", "CREATE TABLE t(k TEXT PRIMARY KEY, p REAL);", {"t": [("a", 2.0)]})
    p.db(
        "b.db",
        "CREATE TABLE t(k TEXT PRIMARY KEY, p REAL, v REAL AS (p * 2), s REAL AS (p * 3) STORED);"
        "CREATE INDEX tv ON t(v); INSERT INTO t(k, p) VALUES ('b', 3.0);",
    )
    p.run().done()
    p.expect("SELECT k, p, v, s FROM t", [("a", 2.0, 4.0, 6.0), ("b", 3.0, 6.0, 9.0)])


@case("drift: the key's type changed, and others refer to it")
def key_type_children(p: Project) -> None:
    """Two kinds of keys are two tables, and so are those that refer to them: the lines say so."""
    for name, kind, key in (("a.db", "INTEGER", 1), ("b.db", "TEXT", "u-1")):
        p.db(
            name,
            f"CREATE TABLE users(id {kind} PRIMARY KEY, name TEXT);"
            f"CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id {kind} REFERENCES users(id));"
            "CREATE INDEX by_user ON orders(user_id);",
            {"users": [(key, name)], "orders": [(1, key)]},
        )
    settle(p, "users", "id", without=["by_user"])
    p.expect("SELECT name FROM orders JOIN users ON users.id = user_id", [("a.db",)])
    p.expect("SELECT name FROM orders_2 JOIN users_2 ON users_2.id = user_id", [("b.db",)])


@case("drift: a column renamed, unmapped, without a natural key")
def renamed_keyless(p: Project) -> None:
    """Equal ids and ages make no entity where the names are not compared: asked by column."""
    p.db("a.db", "CREATE TABLE u(id INTEGER PRIMARY KEY, name, age);", {"u": [(1, "A", 3)]})
    p.db("b.db", "CREATE TABLE u(id INTEGER PRIMARY KEY, full_name, age);", {"u": [(1, "Z", 3)]})
    settle(p, "u", "full_name")
    p.expect("SELECT name, age FROM u", [("A", 3), ("Z", 3)])


@case("drift: a STRICT table cannot hold what the other file has")
def strict_refuses(p: Project) -> None:
    """Asked by column before anything is written; the lines keep the value as it is."""
    p.db("a.db", "CREATE TABLE t(k TEXT PRIMARY KEY, n INT) STRICT;", {"t": [("a", 1)]})
    p.db("b.db", "CREATE TABLE t(k TEXT PRIMARY KEY, n INT);", {"t": [("b", "many")]})
    settle(p, "t", "n", "b.db")
    p.expect("SELECT k, n FROM t", [("a", 1), ("b", "many")])


@case("drift: UNIQUE on one side only, without another key: the lines settle it")
def unique_keyless(p: Project) -> None:
    """The rows are one entity by decision, though whole content makes the table's entities."""
    rows = {"u": [(1, "ann", 1), (2, "ann", 2)]}
    p.db(
        "a.db", "CREATE TABLE u(id INTEGER PRIMARY KEY, n TEXT UNIQUE, x);", {"u": [(1, "ann", 3)]}
    )
    p.db("b.db", "CREATE TABLE u(id INTEGER PRIMARY KEY, n TEXT, x);", rows)
    settle(p, "u", "n")
    p.expect("SELECT n, x FROM u", [("ann", 3)])


@case("references: dangling ones, and the same run again")
def dangling_again(p: Project) -> None:
    """Nobody may capture them, and the second run adds nothing."""
    a = {"users": [(1, "a"), (2, "b")], "orders": [(1, 9, "x"), (2, 1, "y")]}
    b = {
        "users": [(1, "c"), (2, "d"), (9, "e")],
        "orders": [(1, 1, "z"), (2, 7, "q"), (3, 99, "s")],
    }
    p.both(LOOSE, a, b)
    expected = [("x", None), ("y", "a"), ("z", "c"), ("q", None), ("s", None)]
    for _ in range(2):
        p.run().done(violations=True)
        p.expect(OWNERS, expected)


@case("references: dangling ones in diverged copies")
def dangling_copies(p: Project) -> None:
    """The shared rows are the same ones, also where their parent is gone in both files."""
    past = [(1, 99, "x"), (2, 1, "y"), (3, 77, "v")]
    users = [(1, "a"), (2, "b")]
    p.both(
        LOOSE,
        {"users": [*users, (3, "c")], "orders": [*past, (4, 3, "n1")]},
        {"users": [*users, (3, "d")], "orders": [*past, (4, 3, "n2"), (5, 55, "n3")]},
    )
    p.run().done(violations=True)
    p.expect(
        OWNERS,
        [("x", None), ("y", "a"), ("v", None), ("n1", "c"), ("n2", "d"), ("n3", None)],
    )


@case("references: text '02' to integer 2")
def padded_text(p: Project) -> None:
    """SQLite compares it as a number: who is meant stays, and so does the spelling where it can."""
    script = USERS + "CREATE TABLE n(id INTEGER PRIMARY KEY, u TEXT REFERENCES users(id));"
    p.both(
        script,
        {"users": [(1, "a"), (2, "b")], "n": [(1, "02")]},
        {"users": [(1, "b"), (2, "c")], "n": [(1, "2.0")]},
    )
    p.run().done()
    p.expect("SELECT email FROM n JOIN users ON users.id = u", [("b",), ("c",)])
    p.expect("SELECT u FROM n WHERE id = 1", [("02",)])


@case("references: polymorphic, the plan speaks of one type only")
def polymorphic_partly(p: Project) -> None:
    """The other type is followed or asked about; its ids are not left to strangers."""
    script = USERS + (
        "CREATE TABLE teams(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
        "CREATE TABLE files(id INTEGER PRIMARY KEY, owner_type TEXT, owner_id INTEGER, f TEXT);"
    )
    p.both(
        script,
        {"users": [(1, "a")], "teams": [(1, "t")], "files": [(1, "user", 1, "f1")]},
        {
            "users": [(1, "b")],
            "teams": [(1, "s"), (2, "t")],
            "files": [(1, "user", 1, "g1"), (2, "team", 2, "g2")],
        },
    )
    plan = (
        '[[references]]\ntable = "files"\ncolumns = ["owner_id"]\nparent = "users"\n'
        'parent_columns = ["id"]\nwhere = { owner_type = "user" }\n'
    )
    result = p.run(plan=plan)
    if result.asked("files", "owner_id"):
        return
    result.done()
    p.expect("SELECT name FROM files JOIN teams ON teams.id = owner_id WHERE f = 'g2'", [("t",)])
    p.expect("SELECT email FROM files JOIN users ON users.id = owner_id WHERE f = 'g1'", [("b",)])


@case("references: undeclared, the name is a role")
def roles(p: Project) -> None:
    """A buyer is somebody: with all values among moving ids it is asked by name, or right."""
    script = USERS + "CREATE TABLE sales(id INTEGER PRIMARY KEY, buyer INTEGER, what TEXT);"
    p.both(
        script,
        {"users": [(1, "a"), (2, "b")], "sales": [(1, 1, "x"), (2, 2, "y")]},
        {"users": [(1, "b"), (2, "c")], "sales": [(1, 1, "z"), (2, 2, "w")]},
    )
    if not p.run().asked("sales", "buyer"):
        raise CaseFailed("a buyer may be anybody")


@case("survivorship: a decision names the row by its number")
def decision_by_number(p: Project) -> None:
    """1 is Ann in the target; the file in which 1 is Bob does not make them one person."""
    script = "CREATE TABLE u(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT);"
    p.both(
        script,
        {"u": [(1, "ann", "A1"), (2, "bob", "B1")]},
        {"u": [(1, "bob", "B2"), (2, "ann", "A2")]},
    )
    plan = '[[decisions]]\ntable = "u"\nentity = { id = 1 }\nkeep = "b.db"\n'
    p.run(plan=plan, args=["--on-conflict", "base"]).done()
    p.expect("SELECT email, name FROM u", [("ann", "A2"), ("bob", "B1")])


@case("contract: the plan leaves tables out, and what reads them")
def left_out(p: Project) -> None:
    """Views and triggers over a table that is not there would break every use: they go too."""
    script = (
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE); CREATE TABLE j1(a); CREATE TABLE j2(a);"
        "CREATE VIEW v1 AS SELECT * FROM j1; CREATE VIEW v2 AS SELECT * FROM v1;"
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO j2 VALUES (new.v); END;"
    )
    p.both(script, {"t": [(1, "a")]}, {"t": [(1, "b")]})
    names = 'j1 = ""\nj2 = ""\n'
    plan = f'[mapping."a.db".tables]\n{names}[mapping."b.db".tables]\n{names}'
    result = p.run(plan=plan)
    result.done(without=["j1", "j2", "v1", "v2", "tr"])
    result.names("j1", "j2", "v1", "v2", "tr")
    with p.open(p.target) as con:
        con.execute("INSERT INTO t(v) VALUES ('c')")


@case("contract: the plan renames a table of a base with a broken view")
def renamed_broken(p: Project) -> None:
    """SQLite renames nothing then; the table gets its name, and what works goes on working."""
    script = (
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE); CREATE VIEW bad AS SELECT * FROM gone;"
        "CREATE VIEW good AS SELECT v FROM t;"
    )
    p.both(script, {"t": [(1, "a")]}, {"t": [(1, "b")]})
    plan = '[mapping."a.db".tables]\nt = "tt"\n[mapping."b.db".tables]\nt = "tt"\n'
    p.run(plan=plan).done(without=["t"])
    p.expect("SELECT v FROM good", [("a",), ("b",)])


@case("contract: the same run again, with a base")
def base_again(p: Project) -> None:
    """The target is there now and is the base; the one that was named comes next."""
    script = "CREATE TABLE u(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT);"
    p.both(script, {"u": [(1, "a", "A"), (2, "b", "B")]}, {"u": [(1, "b", "B2"), (2, "c", "C")]})
    for _ in range(2):
        p.run(args=["--base", "b.db", "--on-conflict", "base"]).done()
        p.expect("SELECT email, name FROM u", [("b", "B2"), ("c", "C"), ("a", "A")])


@case("references: numbers without a parent meet a foreign key that only the base declares")
def undeclared_without_parent(p: Project) -> None:
    """They lead nowhere in their file, so they lead nowhere in the target, and that is no fault."""
    p.db(
        "a.db",
        "CREATE TABLE item(id INTEGER PRIMARY KEY, title TEXT);"
        "CREATE TABLE sale(id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES item(id), n);",
        {"item": [(1, "pen"), (2, "ink")], "sale": [(1, 1, "x"), (2, 2, "y")]},
    )
    p.db(
        "b.db",
        "CREATE TABLE item(uid TEXT PRIMARY KEY, weight INTEGER, colour TEXT);"
        "CREATE TABLE sale(id INTEGER PRIMARY KEY, item_id INTEGER, n);",
        {"item": [("u1", 1, "red")], "sale": [(1, 1, "z"), (2, 2, "w")]},
    )
    plan = '[mapping."b.db".tables]\nitem = "svc_item"\n'
    p.run(plan=plan).done(violations=True)
    p.expect(
        "SELECT n, title FROM sale LEFT JOIN item ON item.id = item_id",
        [("x", "pen"), ("y", "ink"), ("z", None), ("w", None)],
    )
    p.expect("SELECT uid FROM svc_item", [("u1",)])
