"""Keys that surprise: NULLs, look-alikes, keys that replace, twins."""

from __future__ import annotations

from .lib import CaseFailed, Project
from .registry import case


@case("keys: NULL in a primary key")
def null_in_key(p: Project) -> None:
    """SQLite allows NULL in a text key; NULLs are nobody's identity, each content stays once."""
    p.both(
        "CREATE TABLE t(code TEXT PRIMARY KEY, v TEXT);",
        {"t": [("x", "1"), (None, "a"), (None, "b"), (None, "same")]},
        {"t": [("y", "2"), (None, "c"), (None, "same")]},
    )
    result = p.run()
    if result.asked("t"):
        return
    result.done()
    known = [("x", "1"), ("y", "2"), (None, "a"), (None, "b"), (None, "c"), (None, "same")]
    p.expect_any("SELECT code, v FROM t", known, [*known, (None, "same")])


@case("keys: NULL in a composite primary key")
def null_in_composite(p: Project) -> None:
    """The same for one column of a composite key."""
    p.both(
        "CREATE TABLE t(a TEXT, b INTEGER, v TEXT, PRIMARY KEY(a, b));",
        {"t": [("x", 1, "1"), ("x", None, "p"), ("x", None, "q")]},
        {"t": [("x", 1, "1"), ("x", None, "r"), (None, None, "s")]},
    )
    result = p.run()
    if result.asked("t"):
        return
    result.done()
    p.expect(
        "SELECT a, b, v FROM t",
        [("x", 1, "1"), ("x", None, "p"), ("x", None, "q"), ("x", None, "r"), (None, None, "s")],
    )


@case("keys: text keys that look like numbers")
def number_like(p: Project) -> None:
    """'7', '07', '7.0' and '7 ' are four keys."""
    p.both(
        "CREATE TABLE part(no TEXT PRIMARY KEY, n TEXT);"
        "CREATE TABLE use(id INTEGER PRIMARY KEY, no TEXT REFERENCES part(no));",
        {"part": [("7", "a"), ("07", "b"), ("1e3", "e")], "use": [(1, "7"), (2, "07")]},
        {"part": [("7.0", "c"), ("7 ", "d"), ("07", "b"), ("1000", "f")], "use": [(1, "7.0")]},
    )
    p.run().done()
    p.expect(
        "SELECT no, n FROM part",
        [
            ("7", "a"),
            ("07", "b"),
            ("1e3", "e"),
            ("7.0", "c"),
            ("7 ", "d"),
            ("1000", "f"),
        ],
    )
    p.expect("SELECT no FROM use", [("7",), ("07",), ("7.0",)])


@case("keys: ON CONFLICT REPLACE in the schema")
def conflict_replace(p: Project) -> None:
    """The schema's REPLACE must not eat rows: both b-rows and a-rows stay with their children."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY ON CONFLICT REPLACE,"
        " email TEXT NOT NULL UNIQUE ON CONFLICT REPLACE, n TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY ON CONFLICT REPLACE,"
        " user_id INTEGER REFERENCES users(id) ON DELETE CASCADE, w TEXT);",
        {"users": [(1, "ann", "A"), (2, "bob", "B")], "orders": [(1, 1, "pen"), (2, 2, "ink")]},
        {"users": [(1, "cyd", "C"), (2, "ann", "A")], "orders": [(1, 1, "cup"), (2, 2, "jar")]},
    )
    p.run().done()
    p.expect("SELECT email, n FROM users", [("ann", "A"), ("bob", "B"), ("cyd", "C")])
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann", "pen"), ("bob", "ink"), ("cyd", "cup"), ("ann", "jar")],
    )


@case("keys: ON CONFLICT IGNORE in the schema")
def conflict_ignore(p: Project) -> None:
    """The schema's IGNORE must not swallow a row; a disagreement is asked, not swallowed."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE ON CONFLICT IGNORE,"
        " v TEXT NOT NULL ON CONFLICT IGNORE);",
        {"t": [(1, "a", "1"), (2, "b", "2")]},
        {"t": [(1, "c", "3"), (2, "b", "OTHER")]},
    )
    p.run().must_ask("t")


@case("keys: the same entity twice in one file")
def twice_in_file(p: Project) -> None:
    """Twins of one file are facts of that file: they stay two, each with its own orders."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {
            "users": [(1, "ann"), (2, "ann"), (3, "bob")],
            "orders": [(1, 1, "pen"), (2, 2, "ink"), (3, 2, "cap")],
        },
        {"users": [(7, "cyd")], "orders": [(9, 7, "cup")]},
    )
    result = p.run(plan='[tables.users]\nidentity = "rows"\n')
    result.done()
    p.expect(
        "SELECT group_concat(w) FROM (SELECT user_id, w FROM orders ORDER BY w) GROUP BY user_id",
        [("pen",), ("cap,ink",), ("cup",)],
    )
    p.expect("SELECT name FROM users", [("ann",), ("ann",), ("bob",), ("cyd",)])


@case("keys: the same entity twice in one file, by a chosen identity")
def twice_by_identity(p: Project) -> None:
    """The chosen identity is not unique in a.db: both stay, or it asks naming the table."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {
            "users": [(1, "ann@x", "Ann"), (2, "ann@x", "Ann"), (3, "bob@x", "Bob")],
            "orders": [(1, 1, "pen"), (2, 2, "ink")],
        },
        {"users": [(1, "ann@x", "Ann")], "orders": [(1, 1, "cup")]},
    )
    result = p.run(plan='[tables.users]\nidentity = ["email"]\n')
    if result.asked("users") or result.refused("users"):
        return
    result.done()
    p.expect("SELECT email FROM users", [("ann@x",), ("ann@x",), ("bob@x",)])
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann@x", "pen"), ("ann@x", "ink"), ("ann@x", "cup")],
    )


@case("keys: two unique keys point at different entities")
def two_keys(p: Project) -> None:
    """E-mail says Ann, username says Bob: never resolved silently, the table is named."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE,"
        " username TEXT NOT NULL UNIQUE);",
        {"users": [(1, "ann@x", "ann"), (2, "bob@x", "bob")]},
        {"users": [(1, "ann@x", "bob")]},
    )
    p.run(args=("--on-conflict", "newest,base")).must_ask("users")


@case("keys: one username, other e-mails")
def second_key_taken(p: Project) -> None:
    """Two `admin` rows, other ids and e-mails: a second UNIQUE key forbids both: asked by name."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE,"
        " username TEXT NOT NULL UNIQUE);",
        {"users": [(1, "admin@a", "admin"), (2, "bob@x", "bob")]},
        {"users": [(5, "admin@b", "admin"), (6, "cyd@x", "cyd")]},
    )
    p.run().must_ask("users")


@case("keys: INT PRIMARY KEY is no rowid alias")
def int_key(p: Project) -> None:
    """`INT PRIMARY KEY` accepts text and NULL; equal keys with equal rows merge."""
    p.both(
        "CREATE TABLE t(id INT PRIMARY KEY, v TEXT);",
        {"t": [(1, "a"), ("x", "b"), (None, "c")]},
        {"t": [(2, "d"), ("x", "b"), (1, "a")]},
    )
    result = p.run()
    if result.asked("t"):
        return
    result.done()
    p.expect("SELECT id, v FROM t", [(1, "a"), ("x", "b"), (None, "c"), (2, "d")])


@case("keys: INTEGER PRIMARY KEY DESC is no rowid alias")
def desc_key(p: Project) -> None:
    """The quirk of SQLite: with DESC the key is an ordinary column and may differ from rowid."""
    schema = (
        "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, v TEXT NOT NULL UNIQUE);"
        "CREATE TABLE u(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id));"
    )
    p.both(
        schema,
        {"t": [(10, "a"), (20, "b")], "u": [(1, 10), (2, 20)]},
        {"t": [(10, "c"), (20, "a")], "u": [(1, 10), (2, 20)]},
    )
    result = p.run()
    if result.asked("t"):
        return
    result.done()
    p.expect("SELECT v FROM t", [("a",), ("b",), ("c",)])
    p.expect_any(
        "SELECT t.v FROM u JOIN t ON t.id = u.t_id",
        [("a",), ("b",), ("c",)],
        [("a",), ("b",), ("c",), ("a",)],
    )


@case("keys: a partial unique index is no identity")
def partial_unique(p: Project) -> None:
    """UNIQUE(email) WHERE active: inactive rows of one e-mail are several people."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT NOT NULL, active INTEGER, n TEXT);"
        "CREATE UNIQUE INDEX one_active ON t(email) WHERE active = 1;",
        {"t": [(1, "ann", 1, "a"), (2, "ann", 0, "b"), (3, "bob", 0, "c")]},
        {"t": [(1, "ann", 0, "d"), (2, "bob", 0, "e"), (3, "ann", 1, "a")]},
    )
    result = p.run()
    if result.asked("t"):
        return
    result.done()
    p.expect(
        "SELECT email, active, n FROM t",
        [("ann", 1, "a"), ("ann", 0, "b"), ("bob", 0, "c"), ("ann", 0, "d"), ("bob", 0, "e")],
    )


@case("keys: a partial unique index that the union would break")
def partial_unique_taken(p: Project) -> None:
    """Two active rows of one e-mail cannot both stay: asked naming the table."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT NOT NULL, active INTEGER, n TEXT);"
        "CREATE UNIQUE INDEX one_active ON t(email) WHERE active = 1;",
        {"t": [(1, "ann", 1, "a"), (2, "bob", 0, "b")]},
        {"t": [(7, "ann", 1, "other"), (8, "bob", 0, "c")]},
    )
    p.run().must_ask("t")


@case("keys: the base keeps its ids")
def base_keeps_ids(p: Project) -> None:
    """The base's rows stay under their ids, and a source's ids stay where nothing collides."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE);",
        {"t": [(1, "a"), (7, "b")]},
        {"t": [(1, "c"), (2, "d")]},
    )
    p.run(args=("--base", "b.db")).done()
    p.expect("SELECT id, n FROM t WHERE n IN ('c', 'd')", [(1, "c"), (2, "d")])
    p.expect("SELECT n FROM t", [("a",), ("b",), ("c",), ("d",)])


@case("keys: disjoint ranges keep their ids")
def disjoint(p: Project) -> None:
    """Where the ranges are disjoint every row keeps its id, and nothing is called re-keyed."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE);",
        {"t": [(1, "a"), (2, "b")]},
        {"t": [(100, "c"), (101, "d")]},
    )
    result = p.run()
    result.done()
    p.expect("SELECT id, n FROM t", [(1, "a"), (2, "b"), (100, "c"), (101, "d")])
    if result.counts("t")["rekeyed"]:
        raise CaseFailed(f"rekeyed is {result.counts('t')['rekeyed']}")


@case("keys: counts of the last line")
def counts(p: Project) -> None:
    """Per table: source rows over all files, base, new, duplicate, conflict, re-keyed, lost 0."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE, v TEXT, updated_at TEXT);",
        {
            "t": [
                (1, "a", "x", "2024-01-01"),
                (2, "b", "x", "2024-01-01"),
                (3, "c", "x", "2024-01-01"),
            ]
        },
        {
            "t": [
                (1, "a", "x", "2024-01-01"),
                (2, "d", "y", "2024-01-01"),
                (3, "b", "z", "2025-01-01"),
            ]
        },
    )
    result = p.run()
    result.done()
    counts = result.counts("t")
    got = {k: counts[k] for k in ("source", "base", "new", "duplicate", "conflict", "lost")}
    want = {"source": 6, "base": 3, "new": 1, "duplicate": 1, "conflict": 1, "lost": 0}
    if got != want:
        raise CaseFailed(f"counts are {got}, they should be {want}")
