"""Keys: what makes two rows the same, and ids at the edges."""

from __future__ import annotations

from .lib import CaseFailed, Project
from .registry import case

TOP = 2**63 - 1


@case("keys: WITHOUT ROWID with a text key")
def without_rowid_text(p: Project) -> None:
    """The text key is the identity; equal rows merge, references follow it unchanged."""
    p.both(
        "CREATE TABLE country(code TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;"
        "CREATE TABLE city(id INTEGER PRIMARY KEY, code TEXT REFERENCES country, name TEXT);",
        {"country": [("de", "Germany"), ("fr", "France")], "city": [(1, "de", "Bonn")]},
        {"country": [("it", "Italy"), ("de", "Germany")], "city": [(1, "it", "Rome")]},
    )
    p.run().done()
    p.expect("SELECT * FROM country", [("de", "Germany"), ("fr", "France"), ("it", "Italy")])
    p.expect("SELECT code, name FROM city", [("de", "Bonn"), ("it", "Rome")])
    p.expect("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'", [(1,)])


@case("keys: WITHOUT ROWID with an integer key")
def without_rowid_integer(p: Project) -> None:
    """A lone integer key counts ids: other rows under one id are re-keyed, or it asks by name."""
    p.both(
        "CREATE TABLE node(id INTEGER PRIMARY KEY, label TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE leaf(id INTEGER PRIMARY KEY, node_id INTEGER NOT NULL REFERENCES node(id),"
        " text TEXT) WITHOUT ROWID;",
        {"node": [(1, "a1"), (2, "both")], "leaf": [(1, 1, "x"), (2, 2, "same")]},
        {"node": [(1, "b1"), (2, "both")], "leaf": [(1, 1, "y"), (2, 2, "same")]},
    )
    result = p.run()
    if result.asked("node"):
        return
    result.done()
    p.expect("SELECT label FROM node", [("a1",), ("b1",), ("both",)])
    p.expect(
        "SELECT n.label, l.text FROM leaf l JOIN node n ON n.id = l.node_id",
        [("a1", "x"), ("b1", "y"), ("both", "same")],
    )


@case("keys: STRICT tables")
def strict(p: Project) -> None:
    """STRICT stays STRICT; ANY keeps 1 and '1' apart."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, n INT, r REAL, b BLOB,"
        " any ANY) STRICT;"
        "CREATE TABLE loose(a ANY, t TEXT) STRICT;",
        {"t": [(1, "a", 1, 1.0, b"1", 1), (2, "b", 2, 2.5, None, "2")], "loose": [(1, "x")]},
        {"t": [(1, "c", 3, 3.0, b"", "1"), (2, "a", 1, 1.0, b"1", 1)], "loose": [("1", "x")]},
    )
    p.run().done()
    p.expect(
        "SELECT code, n, r, b, any FROM t",
        [("a", 1, 1.0, b"1", 1), ("b", 2, 2.5, None, "2"), ("c", 3, 3.0, b"", "1")],
    )
    p.expect("SELECT a, t FROM loose", [(1, "x"), ("1", "x")])
    p.expect("SELECT strict FROM pragma_table_list WHERE name IN ('t', 'loose')", [(1,), (1,)])


@case("keys: generated columns, virtual and stored")
def generated(p: Project) -> None:
    """Generated columns are computed, never written, and keep their place."""
    p.db(
        "a.db",
        "CREATE TABLE item(id INTEGER PRIMARY KEY, total REAL AS (price * count) STORED,"
        " name TEXT NOT NULL UNIQUE, label TEXT AS (name || '#' || count), price REAL,"
        " count INTEGER);"
        "CREATE INDEX item_label ON item(label);"
        "INSERT INTO item(id, name, price, count) VALUES (1,'pen',1.5,2),(2,'ink',4.0,1);",
    )
    p.db(
        "b.db",
        "CREATE TABLE item(id INTEGER PRIMARY KEY, total REAL AS (price * count) STORED,"
        " name TEXT NOT NULL UNIQUE, label TEXT AS (name || '#' || count), price REAL,"
        " count INTEGER);"
        "CREATE INDEX item_label ON item(label);"
        "INSERT INTO item(id, name, price, count) VALUES (1,'cup',3.0,3),(2,'pen',1.5,2);",
    )
    p.run().done()
    p.expect(
        "SELECT name, price, count, total, label FROM item",
        [
            ("pen", 1.5, 2, 3.0, "pen#2"),
            ("ink", 4.0, 1, 4.0, "ink#1"),
            ("cup", 3.0, 3, 9.0, "cup#3"),
        ],
    )


@case("keys: a generated column that is UNIQUE and referenced")
def generated_key(p: Project) -> None:
    """A stored generated key is a key; references to it keep their entity."""
    schema = (
        "CREATE TABLE doc(id INTEGER PRIMARY KEY, title TEXT NOT NULL,"
        " slug TEXT AS (lower(title)) STORED UNIQUE);"
        "CREATE TABLE tag(id INTEGER PRIMARY KEY, slug TEXT REFERENCES doc(slug), tag TEXT);"
    )
    p.db(
        "a.db",
        schema + "INSERT INTO doc(id,title) VALUES (1,'One'),(2,'Two');"
        "INSERT INTO tag VALUES (1,'two','red');",
    )
    p.db(
        "b.db",
        schema + "INSERT INTO doc(id,title) VALUES (1,'Two'),(2,'Six');"
        "INSERT INTO tag VALUES (1,'two','red'),(2,'six','blue');",
    )
    result = p.run()
    if result.asked("doc"):
        return
    result.done()
    p.expect("SELECT title, slug FROM doc", [("One", "one"), ("Two", "two"), ("Six", "six")])
    p.expect("SELECT slug, tag FROM tag", [("two", "red"), ("six", "blue")])


@case("keys: references through generated columns")
def generated_references(p: Project) -> None:
    """What is computed from a JSON text, or made of an id, cannot follow ids that change."""
    schema = (
        "CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " no TEXT AS ('C-' || id) STORED UNIQUE);"
        "CREATE TABLE event(id INTEGER PRIMARY KEY, body TEXT,"
        " who INTEGER AS (json_extract(body, '$.who')) REFERENCES client(id));"
        "CREATE TABLE visit(body TEXT, client_id INTEGER AS (json_extract(body, '$.who')));"
        "CREATE TABLE bill(no TEXT REFERENCES client(no), cents INTEGER);"
        "CREATE TABLE copy(id INTEGER PRIMARY KEY, client INTEGER REFERENCES client(id),"
        " same INTEGER AS (client) REFERENCES client(id));"
    )
    data = (
        "INSERT INTO client(id, name) VALUES (1, '{0}'), (2, 'both');"
        'INSERT INTO event(body) VALUES (\'{{"who": 1, "at": "{0}"}}\');'
        'INSERT INTO visit(body) VALUES (\'{{"who": 1, "at": "{0}"}}\');'
        "INSERT INTO bill VALUES ('C-1', {1}); INSERT INTO copy(client) VALUES (1);"
    )
    p.db("a.db", schema + data.format("ann", 5))
    p.db("b.db", schema + data.format("bob", 6))
    result = p.run()
    result.must_ask("event.who", "visit.client_id", "bill.no", "client", "b.db")
    if "copy.same" in result.text:
        raise result.fail("a copy of a column that is followed needs no question")
    p.run(plan="\n".join(result.fixes())).done(violations=True)
    p.expect("SELECT c.name FROM copy x JOIN client c ON c.id = x.same", [("ann",), ("bob",)])


@case("keys: composite keys")
def composite(p: Project) -> None:
    """The composite primary key is the identity: (1,2) and (2,1) differ, equal rows merge."""
    p.both(
        "CREATE TABLE seat(row INTEGER, number INTEGER, who TEXT, PRIMARY KEY(row, number));"
        "CREATE TABLE price(region TEXT, day TEXT, cents INTEGER, PRIMARY KEY(region, day))"
        " WITHOUT ROWID;",
        {"seat": [(1, 2, "ann"), (2, 1, "bob")], "price": [("n", "mon", 5)]},
        {"seat": [(1, 2, "ann"), (1, 3, "cyd")], "price": [("n", "tue", 6), ("n", "mon", 5)]},
    )
    p.run().done()
    p.expect("SELECT * FROM seat", [(1, 2, "ann"), (2, 1, "bob"), (1, 3, "cyd")])
    p.expect("SELECT * FROM price", [("n", "mon", 5), ("n", "tue", 6)])


@case("keys: composite key, other values under one key")
def composite_conflict(p: Project) -> None:
    """Same key, other values, no time column: a conflict that nothing decides is asked."""
    p.both(
        "CREATE TABLE seat(row INTEGER, number INTEGER, who TEXT, PRIMARY KEY(row, number));",
        {"seat": [(1, 2, "ann")]},
        {"seat": [(1, 2, "cyd")]},
    )
    p.run().must_ask("seat")


@case("keys: text UUIDs")
def uuid_text(p: Project) -> None:
    """A UUID is the entity wherever it appears; references stay as they are."""
    one, two, three = (f"{n}1111111-2222-4333-8444-555555555555" for n in "abc")
    p.both(
        "CREATE TABLE users(id TEXT PRIMARY KEY NOT NULL, name TEXT, updated_at TEXT);"
        "CREATE TABLE posts(id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(id), t);",
        {
            "users": [(one, "Ann", "2024-01-01"), (two, "Bob", "2024-01-01")],
            "posts": [("p1", one, "hi")],
        },
        {
            "users": [(two, "Bobby", "2025-01-01"), (three, "Cyd", "2024-01-01")],
            "posts": [("p1", one, "hi"), ("p2", two, "yo")],
        },
    )
    with p.open("b.db") as con:
        con.execute("INSERT INTO users VALUES (?, 'Ann', '2024-01-01')", (one,))
    p.run().done()
    p.expect("SELECT id, name FROM users", [(one, "Ann"), (two, "Bobby"), (three, "Cyd")])
    p.expect("SELECT id, user_id, t FROM posts", [("p1", one, "hi"), ("p2", two, "yo")])


@case("keys: blob UUIDs")
def uuid_blob(p: Project) -> None:
    """A blob key is compared byte by byte."""
    one, two = bytes(range(16)), bytes(range(15)) + b"\xff"
    p.both(
        "CREATE TABLE users(id BLOB PRIMARY KEY NOT NULL, name TEXT);"
        "CREATE TABLE posts(id BLOB PRIMARY KEY, user_id BLOB REFERENCES users(id));",
        {"users": [(one, "Ann")], "posts": [(b"\0", one)]},
        {"users": [(two, "Bob"), (one, "Ann")], "posts": [(b"\0\0", two), (b"\0", one)]},
    )
    p.run().done()
    p.expect("SELECT id, name FROM users", [(one, "Ann"), (two, "Bob")])
    p.expect("SELECT id, user_id FROM posts", [(b"\0", one), (b"\0\0", two)])


LOG = "CREATE TABLE log(at TEXT, what TEXT);"
LOG_A = {"log": [("mon", "on"), ("mon", "on"), ("tue", "off")]}
LOG_B = {"log": [("mon", "on"), ("tue", "off"), ("tue", "off"), ("wed", "on")]}


@case("keys: no key at all")
def no_key(p: Project) -> None:
    """Twins inside a file stay, the k-th copy matches the k-th: of every row the larger count."""
    p.both(LOG, LOG_A, LOG_B)
    p.run().done()
    p.expect("SELECT * FROM log", [("mon", "on")] * 2 + [("tue", "off")] * 2 + [("wed", "on")])


@case("keys: no key at all, by rows")
def no_key_rows(p: Project) -> None:
    """identity = "rows" says the same explicitly."""
    p.both(LOG, LOG_A, LOG_B)
    p.run(plan='[tables.log]\nidentity = "rows"\n').done()
    p.expect("SELECT * FROM log", [("mon", "on")] * 2 + [("tue", "off")] * 2 + [("wed", "on")])


@case("keys: no key at all, append all")
def no_key_all(p: Project) -> None:
    """identity = "none" appends every row of every file."""
    p.both(LOG, LOG_A, LOG_B)
    p.run(plan='[tables.log]\nidentity = "none"\n').done()
    p.expect("SELECT * FROM log", LOG_A["log"] + LOG_B["log"])


@case("keys: ids up to 2^63-1")
def top_ids(p: Project) -> None:
    """A shift that would overflow falls back to free ids; references follow."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {
            "users": [(TOP, "ann"), (1, "bob")],
            "orders": [(TOP, TOP, "pen"), (TOP - 1, 1, "ink")],
        },
        {
            "users": [(TOP, "cyd"), (TOP - 1, "ann"), (1, "dan")],
            "orders": [(TOP, TOP, "cup"), (5, TOP - 1, "pen"), (6, 1, "jar")],
        },
    )
    p.run().done()
    p.expect("SELECT email FROM users", [("ann",), ("bob",), ("cyd",), ("dan",)])
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann", "pen"), ("bob", "ink"), ("cyd", "cup"), ("dan", "jar")],
    )


@case("keys: negative ids")
def negative_ids(p: Project) -> None:
    """Negative ids and zero are ids like others."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {"users": [(-5, "ann"), (0, "bob"), (3, "cyd")], "orders": [(-1, -5, "a"), (0, 0, "b")]},
        {
            "users": [(-5, "dan"), (0, "eve"), (-(2**63), "fay")],
            "orders": [(-1, -5, "d"), (0, 0, "e"), (1, -(2**63), "f")],
        },
    )
    p.run().done()
    p.expect(
        "SELECT u.email, o.w FROM users u LEFT JOIN orders o ON u.id = o.user_id",
        [("ann", "a"), ("bob", "b"), ("cyd", None), ("dan", "d"), ("eve", "e"), ("fay", "f")],
    )


@case("keys: AUTOINCREMENT sequences continue")
def sequence(p: Project) -> None:
    """An id that was once given is not given again: the sequence is at least the base's."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT NOT NULL UNIQUE);",
        {"t": [(1, "a"), (500, "gone")]},
        {"t": [(1, "b"), (2, "c"), (40, "gone")]},
    )
    for name in ("a.db", "b.db"):
        with p.open(name) as con:
            con.execute("DELETE FROM t WHERE n = 'gone'")
    p.run().done()
    p.expect("SELECT n FROM t", [("a",), ("b",), ("c",)])
    [(seq, top)] = p.rows("SELECT max(seq), (SELECT max(id) FROM t) FROM sqlite_sequence")
    if seq is None or seq < 500 or seq < top:
        raise CaseFailed(f"the sequence is {seq}, 500 was given, the highest id is {top}")
    p.expect("SELECT count(*) FROM sqlite_sequence WHERE name = 't'", [(1,)])


@case("keys: AUTOINCREMENT sequences that programs wrote")
def sequence_written(p: Project) -> None:
    """SQLite reads a text there as a number and NULL as nothing; so does the merge."""
    schema = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT NOT NULL UNIQUE);"
    p.both(schema, {"t": [(1, "a")]}, {"t": [(1, "b")]})
    for name, value in (("a.db", "'90'"), ("b.db", "NULL")):
        with p.open(name) as con:
            con.execute(f"UPDATE sqlite_sequence SET seq = {value}")
    p.run().done()
    p.expect("SELECT n FROM t", [("a",), ("b",)])
    p.expect("SELECT seq >= 90, seq >= (SELECT max(id) FROM t) FROM sqlite_sequence", [(1, 1)])


@case("keys: a full AUTOINCREMENT sequence")
def sequence_full(p: Project) -> None:
    """The last id is taken: no overflow, no lost row, or a question that names the table."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT NOT NULL UNIQUE);"
        "CREATE TABLE u(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id));",
        {"t": [(1, "a"), (TOP, "top")], "u": [(1, TOP)]},
        {"t": [(1, "b"), (2, "top"), (3, "c")], "u": [(1, 1), (2, 3), (3, 2)]},
    )
    result = p.run()
    if result.asked("t") or result.refused("t"):
        return
    result.done()
    p.expect("SELECT n FROM t", [("a",), ("b",), ("c",), ("top",)])
    p.expect("SELECT t.n FROM u JOIN t ON t.id = u.t_id", [("b",), ("c",), ("top",)])
    p.expect("SELECT seq FROM sqlite_sequence WHERE name = 't'", [(TOP,)])
