"""Small worlds in which merges once went wrong, each as small as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

USERS = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
ORDERS = (
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w TEXT);"
)
OWNERS = "SELECT u.email, o.w FROM orders o LEFT JOIN users u ON u.id = o.user_id"
FAR = 1 << 60


def rows(table: str, *values: Sequence[Any]) -> str:
    """INSERT statements for a few rows."""

    def spelled(value: Any) -> str:
        return "NULL" if value is None else repr(value)

    return "".join(
        f"INSERT INTO {table} VALUES ({', '.join(map(spelled, row))});" for row in values
    )


def keyed(name: str, keys: dict[int, str]) -> str:
    """A parent table with natural keys under these ids and one child row for each."""
    return (
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE);"
        "CREATE TABLE c(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id), w TEXT);"
        + rows("t", *keys.items())
        + rows("c", *((i, i, f"{name}{i}") for i in keys))
    )


@dataclass(frozen=True)
class World:
    """Files (the first is the base), a plan, and what queries on the staged target must say."""

    files: tuple[str, ...]
    expected: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    plan: str = ""
    asked: str = ""


_STEPS = [
    {i: f"k{i}" for i in range(1, 251)},
    {i: f"b{i}" for i in range(500, 601)},
    {i: f"n{i}" if i <= 50 else f"k{i - 50}" for i in range(1, 301)},
    {i: f"m{i}" if i <= 10 else f"n{i - 10}" if i <= 30 else f"k{i}" for i in range(1, 101)},
]
_PROFILES = "CREATE TABLE profiles({} INTEGER PRIMARY KEY, bio TEXT);"
_BIOS = "SELECT u.email, p.bio FROM profiles p LEFT JOIN users u ON u.id = p.{}"
_TWO_KEYS = (
    "CREATE TABLE m(id TEXT PRIMARY KEY, login TEXT UNIQUE, n TEXT){};"
    "CREATE TABLE f(id INTEGER PRIMARY KEY, m_id TEXT REFERENCES m(id), w TEXT);"
)
_SHARED = "CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT){};" + (
    "CREATE TABLE c(id INTEGER PRIMARY KEY, k TEXT REFERENCES t(k), n TEXT);"
)
_BOTH = '[[decisions]]\ntable = "t"\nentity = { k = "a" }\nkeep = "both"\nvalues = { k = "a2" }\n'
_LINK = '[[references]]\ntable = "profiles"\ncolumns = ["uid"]\nparent = "users"\n'


def _one_to_one(column: str, plan: str) -> World:
    schema = USERS + _PROFILES.format(column)
    return World(
        (
            schema + rows("users", (1, "ann"), (2, "bob"), (7, "pat"))
            + rows("profiles", (1, "ann bio"), (2, "bob bio")),
            schema + rows("users", (1, "cyd"), (2, "dan"), (3, "ann"), (9, "zed"))
            + rows("profiles", (2, "dan bio"), (1, "cyd bio"), (9, "zed bio")),
        ),
        {
            _BIOS.format(column): [
                (name, f"{name} bio") for name in ("ann", "bob", "cyd", "dan", "zed")
            ]
        },
        plan,
    )  # fmt: skip


def _two_rows_by_decision(tail: str, keep: str, *expected: str) -> World:
    schema = _TWO_KEYS.format(tail)
    return World(
        (
            schema + rows("m", ("e1", "l1", "a"), ("e2", "l2", "b"))
            + rows("f", (1, "e1", "x"), (2, "e2", "y")),
            schema + rows("m", ("e1", "l2", "c")) + rows("f", (1, "e1", "z")),
        ),
        {
            "SELECT * FROM m": [expected],
            "SELECT m_id, w FROM f": [(expected[0], w) for w in ("x", "y", "z")],
        },
        f'[[decisions]]\ntable = "m"\nentity = {{ login = "l2" }}\nkeep = "{keep}"\n',
    )  # fmt: skip


def _both_under_new_key(tail: str) -> World:
    schema = _SHARED.format(tail)
    return World(
        (
            schema + rows("t", ("a", "1")) + rows("c", (1, "a", "an")),
            schema + rows("t", ("a", "2"), ("b", "3")) + rows("c", (1, "a", "bn"), (2, "b", "bb")),
        ),
        {
            "SELECT * FROM t": [("a", "1"), ("a2", "2"), ("b", "3")],
            "SELECT c.n, t.v FROM c JOIN t USING (k)": [("an", "1"), ("bn", "2"), ("bb", "3")],
        },
        _BOTH,
    )


def _numbered(declared: str) -> World:
    schema = f"CREATE TABLE t(id {declared};"
    return World(
        (
            schema + rows("t", (1, "a"), (2, "b"), (5, "e")),
            schema + rows("t", (2, "b"), (3, "c")),
        ),
        {"SELECT * FROM t": [(1, "a"), (2, "b"), (3, "c"), (5, "e")]},
        '[tables.t]\nidentity = "key"\n',
    )


_PREFS = USERS + (
    "CREATE TABLE prefs(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), "
    "name TEXT NOT NULL, v TEXT, UNIQUE(user_id, name));"
)
_LOGINS = (
    "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE, l TEXT UNIQUE, updated_at TEXT);"
    "CREATE TABLE c(id INTEGER PRIMARY KEY, t INTEGER REFERENCES t(id), w TEXT);"
)


def _undeclared(column: str) -> World:
    schema = USERS + f"CREATE TABLE orders(id INTEGER PRIMARY KEY, {column} INTEGER, w TEXT);"
    return World(
        (
            schema + rows("users", (1, "ann"), (2, "bob")) + rows("orders", (1, 1, "x")),
            schema + rows("users", (1, "cyd"), (2, "ann"))
            + rows("orders", (1, 1, "c"), (2, 2, "a")),
        ),
        {
            f"SELECT email, w FROM orders LEFT JOIN users u ON u.id = {column}": [
                ("ann", "x"), ("cyd", "c"), ("ann", "a"),
            ]
        },
    )  # fmt: skip


WORLDS = {
    "dangling values between the extremes stay nobody's": World(
        (
            USERS + ORDERS + rows("users", (1, "ann"), (2, "bob"))
            + rows("orders", (1, 1, "x"), (2, 99, "d"), (3, 500, "e"), (4, FAR, "f")),
            USERS + ORDERS + rows("users", (500, "cyd"), (501, "dan"))
            + rows("orders", (1, 500, "y"), (2, 501, "z")),
        ),
        {OWNERS: [("ann", "x"), (None, "d"), (None, "e"), (None, "f"), ("cyd", "y"), ("dan", "z")]},
    ),
    "dangling values among ids beyond 2^53": World(
        (
            USERS + ORDERS + rows("users", (FAR + 1, "ann"))
            + rows("orders", (1, FAR + 1, "x"), (2, FAR + 50, "gone")),
            USERS + ORDERS + rows("users", (FAR + 50, "cyd"))
            + rows("orders", (1, FAR + 50, "c"), (2, FAR + 1, "gone too")),
        ),
        {OWNERS: [("ann", "x"), (None, "gone"), ("cyd", "c"), (None, "gone too")]},
    ),
    "0 for none, and a user 0 in another file": World(
        (
            USERS + ORDERS + rows("users", (1, "ann")) + rows("orders", (1, 1, "x"), (2, 0, "no")),
            USERS + ORDERS + rows("users", (0, "zed")) + rows("orders", (1, 0, "z")),
        ),
        {OWNERS: [("ann", "x"), (None, "no"), ("zed", "z")]},
    ),
    "-1 for none, and negative ids in another file": World(
        (
            USERS + ORDERS + rows("users", (1, "ann")) + rows("orders", (1, 1, "x"), (2, -1, "no")),
            USERS + ORDERS + rows("users", (-1, "zed"), (-2, "yan"))
            + rows("orders", (1, -1, "z"), (2, 0, "nobody")),
        ),
        {OWNERS: [("ann", "x"), (None, "no"), ("zed", "z"), (None, "nobody")]},
    ),
    "ids of four files that move into each other's old ranges": World(
        tuple(keyed("abcd"[n], keys) for n, keys in enumerate(_STEPS)),
        {
            "SELECT t.k, c.w FROM c LEFT JOIN t ON t.id = c.t_id": [
                (key, f"{'abcd'[n]}{i}") for n, keys in enumerate(_STEPS) for i, key in keys.items()
            ]
        },
    ),
    "numbers that mean something, INT": _numbered("INT PRIMARY KEY, v TEXT)"),
    "numbers that mean something, INTEGER": _numbered("INTEGER PRIMARY KEY, v TEXT)"),
    "numbers that mean something, no rowid": _numbered(
        "INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID"
    ),
    "a file without the id column": World(
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT);" + rows("t", (1, "x"), (2, "y")),
            "CREATE TABLE t(name TEXT);" + rows("t", ("y",), ("z",)),
        ),
        {"SELECT name, typeof(id) FROM t": [(name, "integer") for name in "xyz"]},
    ),
    "a key shared with the parent, undeclared": _one_to_one("user_id", ""),
    "a key shared with the parent, confirmed": _one_to_one("uid", _LINK),
    "two base rows made one, the named one wins": _two_rows_by_decision(
        "", "a.db", "e2", "l2", "b"
    ),
    "two base rows made one, the other file wins": _two_rows_by_decision(
        "", "b.db", "e1", "l2", "c"
    ),
    "two base rows made one, no rowid": _two_rows_by_decision(
        " WITHOUT ROWID", "a.db", "e2", "l2", "b"
    ),
    "two base rows made one, no rowid, the other file wins": _two_rows_by_decision(
        " WITHOUT ROWID", "b.db", "e1", "l2", "c"
    ),
    "both kept under a new text key, children follow": _both_under_new_key(""),
    "both kept under a new key, no rowid": _both_under_new_key(" WITHOUT ROWID"),
    "a reference column named like ours": World(
        tuple(
            "CREATE TABLE m(id INTEGER PRIMARY KEY, email TEXT UNIQUE, login TEXT UNIQUE);"
            "CREATE TABLE k(id INTEGER PRIMARY KEY, g INTEGER REFERENCES m(id), canon TEXT);" + more
            for more in (
                rows("m", (1, "e1", "l1"), (2, "e2", "l2")) + rows("k", (1, 1, "x"), (2, 2, "y")),
                rows("m", (1, "e1", "l2")) + rows("k", (1, 1, "z")),
            )
        ),
        {
            "SELECT m.email, k.canon FROM k LEFT JOIN m ON m.id = k.g": [
                ("e2", "x"), ("e2", "y"), ("e2", "z"),
            ]
        },
        '[[decisions]]\ntable = "m"\nentity = { login = "l2" }\nkeep = "a.db"\n',
    ),
    "a table called f with a column called canon": World(
        tuple(
            "CREATE TABLE f(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, canon TEXT, v TEXT);"
            + more
            for more in (
                rows("f", (1, "a", None, "x")), rows("f", (1, "a", "c", "w"), (2, "b", "d", "v")),
            )
        ),
        {"SELECT k, canon, v FROM f": [("a", "c", "x"), ("b", "d", "v")]},
        'on_conflict = ["base"]\n[tables.f]\nfill_nulls = true\n',
    ),
    "ANY without a rowid keeps text that looks like a number": World(
        tuple(
            "CREATE TABLE t(k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;" + more
            for more in (rows("t", ("a", "00123")), rows("t", ("b", "1.0"), ("a", "00123")))
        ),
        {"SELECT * FROM t": [("a", "00123"), ("b", "1.0")]},
    ),
    "a default is for rows without the column, not for NULLs": World(
        (
            "CREATE TABLE t(k TEXT PRIMARY KEY);" + rows("t", ("a",)),
            "CREATE TABLE t(k TEXT PRIMARY KEY, phone TEXT);" + rows("t", ("b", None), ("c", "5")),
        ),
        {"SELECT * FROM t": [("a", "unknown"), ("b", None), ("c", "5")]},
        '[tables.t.defaults]\nphone = "unknown"\n',
    ),
    "a mapped table whose column has its name": World(
        (
            "CREATE TABLE status(id INTEGER PRIMARY KEY, x TEXT);" + rows("status", (1, "a")),
            "CREATE TABLE status(id INTEGER PRIMARY KEY, status TEXT);"
            "CREATE INDEX i ON status(status);"
            "CREATE VIEW v AS SELECT status.status AS s FROM status;"
            "CREATE TABLE log(id INTEGER PRIMARY KEY, sid INTEGER REFERENCES status(id), "
            "status TEXT);" + rows("status", (1, "b")) + rows("log", (1, 1, "c")),
        ),
        {"SELECT s FROM v": [("b",)], "SELECT sid, status FROM log": [(1, "c")]},
        '[mapping."b.db".tables]\nstatus = "state"\n',
    ),
    "an index and a view over a mapped column": World(
        (
            "CREATE TABLE t(k TEXT PRIMARY KEY, name TEXT);" + rows("t", ("a", "Ann")),
            "CREATE TABLE t(k TEXT PRIMARY KEY, full_name TEXT); CREATE INDEX i ON t(full_name);"
            "CREATE VIEW v AS SELECT full_name FROM t;" + rows("t", ("b", "Bob")),
        ),
        {
            "SELECT * FROM v": [("Ann",), ("Bob",)],
            "SELECT count(*) FROM sqlite_schema WHERE name = 'i'": [(1,)],
        },
        '[mapping."b.db".columns.t]\nfull_name = "name"\n',
    ),
    "a table and a column of the base under another name": World(
        (
            "CREATE TABLE items(no INTEGER PRIMARY KEY, nm TEXT); CREATE INDEX i ON items(nm);"
            "CREATE TRIGGER g AFTER INSERT ON items BEGIN UPDATE items SET nm = nm || '!' "
            "WHERE no = NEW.no; END;",
            "CREATE TABLE todo(id INTEGER PRIMARY KEY, name TEXT);" + rows("todo", (1, "y")),
        ),
        {"SELECT * FROM todo": [(1, "y")]},
        '[mapping."a.db".tables]\nitems = "todo"\n'
        '[mapping."a.db".columns.items]\nno = "id"\nnm = "name"\n',
    ),
    "a table made anew although its rows break a CHECK": World(
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, w TEXT CHECK (length(w) < 3), "
            "d AS (w || w)); CREATE INDEX i ON t(w) WHERE id > 1;"
            "PRAGMA ignore_check_constraints = ON; INSERT INTO t(w) VALUES ('long');"
            "INSERT INTO t(id, w) VALUES (90, 'x'); DELETE FROM t WHERE id = 90;",
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, w TEXT, "
            "e TEXT DEFAULT (lower('ABC'))); INSERT INTO t(w) VALUES ('b');",
        ),
        {
            "SELECT w, d, e FROM t": [("long", "longlong", "abc"), ("b", "bb", "abc")],
            "SELECT seq >= 91 FROM sqlite_sequence": [(1,)],
            "SELECT count(*) FROM sqlite_schema WHERE name = 'i'": [(1,)],
        },
    ),
    "a table that nothing addresses, with duplicates": World(
        tuple(
            USERS + "CREATE TABLE t(rowid TEXT, oid TEXT, _rowid_ TEXT, u INTEGER REFERENCES "
            "users(id));" + more
            for more in (
                rows("users", (1, "x")) + rows("t", ("a", "b", "c", 1), ("a", "b", "c", 1)),
                rows("users", (1, "y"), (2, "x")) + rows("t", ("a", "b", "c", 2), ("d", "", "", 1)),
            )
        ),
        {"SELECT t.rowid, email FROM t JOIN users ON id = u": [("a", "x"), ("a", "x"), ("d", "y")]},
    ),
    "values that the target would compute otherwise": World(
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a * 2) STORED);",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, g INTEGER);" + rows("t", (1, 3, 9)),
        ),
        asked="t.g is computed",
    ),
    "values that a file computes and the target stores": World(
        (
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, g INTEGER);" + rows("t", (1, 1, 50)),
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a * 2));"
            "INSERT INTO t(a) VALUES (3);",
        ),
        {"SELECT a, g FROM t": [(1, 50), (3, 6)]},
    ),
    "an undeclared reference called userid": _undeclared("userid"),
    "an undeclared reference called iduser": _undeclared("IDUSER"),
    "a decision that names a person by the id in the target": World(
        (
            USERS + rows("users", (1, "ann"), (2, "bob")),
            _PREFS + rows("users", (1, "cyd"), (2, "dan"))
            + rows("prefs", (1, 1, "n", "cyd b"), (2, 2, "n", "dan b")),
            _PREFS + rows("users", (1, "dan"), (2, "cyd"))
            + rows("prefs", (1, 1, "n", "dan c"), (2, 2, "n", "cyd c")),
        ),
        {
            "SELECT email, v FROM prefs JOIN users u ON u.id = user_id": [
                ("cyd", "cyd b"), ("dan", "dan c"),
            ]
        },
        "".join(
            f'[[decisions]]\ntable = "prefs"\nentity = {{ user_id = {user}, name = "n" }}\n'
            f'keep = "{keep}"\n' for user, keep in ((3, "b.db"), (4, "c.db"))
        ),
    ),
    "rows called the same, a rule decides": World(
        (
            _LOGINS + rows("t", (1, "a", "x", "2020"), (2, "b", "y", "2021"))
            + rows("c", (1, 1, "c1"), (2, 2, "c2")),
            _LOGINS + rows("t", (1, "a", "y", "2022"), (2, "z", "z", "2020"))
            + rows("c", (1, 1, "d1"), (2, 2, "d2")),
        ),
        {
            "SELECT k, l FROM t": [("a", "y"), ("z", "z")],
            "SELECT w, k FROM c JOIN t ON t.id = c.t": [
                ("c1", "a"), ("c2", "a"), ("d1", "a"), ("d2", "z"),
            ],
        },
        '[[decisions]]\ntable = "t"\nentity = { l = "y" }\nkeep = "same"\n',
    ),
    "a table of the base that the plan leaves out": World(
        tuple(
            USERS + ORDERS + "CREATE INDEX i ON orders(w);" + rows("users", (1, name))
            + rows("orders", (1, 1, name)) for name in ("ann", "bob")
        ),
        {OWNERS: [("bob", "bob")]},
        '[mapping."a.db".tables]\norders = ""\n',
    ),
    "rows that a UNIQUE index over an expression refuses": World(
        tuple(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE UNIQUE INDEX u ON t(lower(a));"
            + rows("t", (1, name)) for name in ("Ann", "ANN")
        ),
        asked="break a rule of the target",
    ),
}  # fmt: skip
