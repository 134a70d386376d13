"""Declared references: every row stays with its entity."""

from __future__ import annotations

from itertools import pairwise

from .lib import Project, Row
from .registry import case

PEOPLE = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
ANN_BOB = [(1, "ann"), (2, "bob")]
CYD_ANN = [(1, "cyd"), (2, "ann")]
ALL = [("ann",), ("bob",), ("cyd",)]


@case("references: to itself, a child with a smaller id than its parent")
def itself(p: Project) -> None:
    """A tree is merged level by level; names repeat under different parents."""
    p.both(
        "CREATE TABLE node(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES node(id), n TEXT);",
        {"node": [(1, 3, "x"), (2, 4, "x"), (3, None, "A"), (4, None, "B"), (5, 1, "deep")]},
        {"node": [(1, None, "B"), (2, 1, "x"), (3, 1, "y"), (4, 2, "deep"), (5, None, "C")]},
    )
    p.run().done()
    p.expect(
        "SELECT n.n, p.n, g.n FROM node n LEFT JOIN node p ON p.id = n.parent_id "
        "LEFT JOIN node g ON g.id = p.parent_id",
        [
            ("A", None, None),
            ("B", None, None),
            ("C", None, None),
            ("x", "A", None),
            ("x", "B", None),
            ("y", "B", None),
            ("deep", "x", "A"),
            ("deep", "x", "B"),
        ],
    )


@case("references: to itself, a row that is its own parent")
def own_parent(p: Project) -> None:
    """A root may point at itself instead of NULL."""
    p.both(
        "CREATE TABLE node(id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES node(id),"
        " n TEXT NOT NULL UNIQUE);",
        {"node": [(1, 1, "root a"), (2, 1, "kid a")]},
        {"node": [(1, 1, "root b"), (2, 1, "kid b")]},
    )
    p.run().done()
    p.expect(
        "SELECT n.n, p.n FROM node n JOIN node p ON p.id = n.parent_id",
        [("root a", "root a"), ("kid a", "root a"), ("root b", "root b"), ("kid b", "root b")],
    )


@case("references: cycles")
def cycle(p: Project) -> None:
    """Two tables that refer to each other; the nullable reference cuts the cycle."""
    p.both(
        "CREATE TABLE dept(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " boss_id INTEGER REFERENCES emp(id));"
        "CREATE TABLE emp(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE,"
        " dept_id INTEGER NOT NULL REFERENCES dept(id));",
        {
            "dept": [(1, "it", 2), (2, "hr", None)],
            "emp": [(1, "ann", 1), (2, "bob", 1), (3, "cyd", 2)],
        },
        {
            "dept": [(1, "law", 1), (2, "it", 3)],
            "emp": [(1, "dan", 1), (2, "eve", 2), (3, "bob", 2)],
        },
    )
    p.run().done()
    p.expect(
        "SELECT d.name, e.email FROM dept d LEFT JOIN emp e ON e.id = d.boss_id",
        [("it", "bob"), ("hr", None), ("law", "dan")],
    )
    p.expect(
        "SELECT e.email, d.name FROM emp e JOIN dept d ON d.id = e.dept_id",
        [("ann", "it"), ("bob", "it"), ("cyd", "hr"), ("dan", "law"), ("eve", "it")],
    )


@case("references: cycles that are NOT NULL on both sides")
def cycle_not_null(p: Project) -> None:
    """DEFERRABLE references make it possible; the merge must manage it too."""
    p.both(
        "CREATE TABLE x(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE,"
        " y_id INTEGER NOT NULL REFERENCES y(id) DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE y(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE,"
        " x_id INTEGER NOT NULL REFERENCES x(id) DEFERRABLE INITIALLY DEFERRED);",
        {"x": [(1, "x1", 1), (2, "x2", 2)], "y": [(1, "y1", 2), (2, "y2", 1)]},
        {"x": [(1, "x3", 1), (2, "x1", 2)], "y": [(1, "y3", 1), (2, "y1", 3)]},
    )
    with p.open("b.db") as con:
        con.execute("INSERT INTO x VALUES (3, 'x2', 4)")
        con.execute("INSERT INTO y VALUES (4, 'y2', 2)")
    p.run().done()
    p.expect(
        "SELECT x.n, y.n FROM x JOIN y ON y.id = x.y_id", [("x1", "y1"), ("x2", "y2"), ("x3", "y3")]
    )
    p.expect(
        "SELECT y.n, x.n FROM y JOIN x ON x.id = y.x_id", [("y1", "x2"), ("y2", "x1"), ("y3", "x3")]
    )


@case("references: a cycle without natural keys")
def cycle_rows(p: Project) -> None:
    """Rows known only by content in a cycle: each file's ring stays a ring of its own people."""
    p.both(
        "CREATE TABLE team(id INTEGER PRIMARY KEY, name TEXT, lead_id INTEGER REFERENCES person);"
        "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, team_id INTEGER REFERENCES team);",
        {"team": [(1, "red", 1)], "person": [(1, "ann", 1), (2, "bob", 1)]},
        {"team": [(1, "blue", 2)], "person": [(1, "cyd", 1), (2, "dan", 1)]},
    )
    result = p.run()
    if result.asked(("team", "person")):
        return
    result.done()
    p.expect(
        "SELECT t.name, p.name, b.name FROM team t JOIN person p ON p.id = t.lead_id "
        "JOIN person b ON b.team_id = t.id",
        [
            ("red", "ann", "ann"),
            ("red", "ann", "bob"),
            ("blue", "dan", "cyd"),
            ("blue", "dan", "dan"),
        ],
    )


@case("references: to a UNIQUE text")
def unique_text(p: Project) -> None:
    """The reference holds the natural key itself, which does not change."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY,"
        " who TEXT NOT NULL REFERENCES users(email), w TEXT);",
        {"users": ANN_BOB, "orders": [(1, "ann", "pen"), (2, "bob", "ink")]},
        {"users": CYD_ANN, "orders": [(1, "cyd", "cup"), (2, "ann", "pen")]},
    )
    p.run().done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT who, w FROM orders", [("ann", "pen"), ("bob", "ink"), ("cyd", "cup")])


@case("references: to a UNIQUE number, which is not re-keyed")
def unique_number(p: Project) -> None:
    """`no` is a number but no surrogate: it must stay, and so must what refers to it."""
    p.both(
        "CREATE TABLE customer(id INTEGER PRIMARY KEY, no INTEGER NOT NULL UNIQUE, name TEXT);"
        "CREATE TABLE invoice(id INTEGER PRIMARY KEY, customer_no INTEGER REFERENCES customer(no),"
        " customer_id INTEGER REFERENCES customer(id), cents INTEGER);",
        {
            "customer": [(1, 1001, "Ann"), (2, 1002, "Bob")],
            "invoice": [(1, 1001, 1, 5), (2, 1002, 2, 6)],
        },
        {
            "customer": [(1, 2001, "Cyd"), (2, 1001, "Ann"), (3, 2, "Two")],
            "invoice": [(1, 2001, 1, 7), (2, 1001, 2, 5), (3, 2, 3, 8)],
        },
    )
    p.run().done()
    p.expect(
        "SELECT no, name FROM customer",
        [(1001, "Ann"), (1002, "Bob"), (2001, "Cyd"), (2, "Two")],
    )
    p.expect(
        "SELECT i.customer_no, c.name, i.cents FROM invoice i JOIN customer c "
        "ON c.id = i.customer_id AND c.no = i.customer_no",
        [(1001, "Ann", 5), (1002, "Bob", 6), (2001, "Cyd", 7), (2, "Two", 8)],
    )


@case("references: composite")
def composite(p: Project) -> None:
    """Both columns together lead to the parent; MATCH SIMPLE: one NULL means none."""
    p.both(
        "CREATE TABLE room(house TEXT, no INTEGER, beds INTEGER, PRIMARY KEY(house, no));"
        "CREATE TABLE guest(id INTEGER PRIMARY KEY, name TEXT, house TEXT, no INTEGER,"
        " FOREIGN KEY(house, no) REFERENCES room(house, no));",
        {"room": [("A", 1, 2), ("A", 2, 1)], "guest": [(1, "ann", "A", 1), (2, "bob", "A", None)]},
        {"room": [("B", 1, 3), ("A", 1, 2)], "guest": [(1, "cyd", "B", 1), (2, "ann", "A", 1)]},
    )
    p.run().done()
    p.expect("SELECT * FROM room", [("A", 1, 2), ("A", 2, 1), ("B", 1, 3)])
    p.expect(
        "SELECT name, house, no FROM guest",
        [("ann", "A", 1), ("bob", "A", None), ("cyd", "B", 1)],
    )


@case("references: composite, a part of it re-keyed")
def composite_rekeyed(p: Project) -> None:
    """(order_id, line) is referenced; order_id moves, so the reference moves with it."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id),"
        " day TEXT);"
        "CREATE TABLE item(order_id INTEGER REFERENCES orders(id), line INTEGER, w TEXT,"
        " PRIMARY KEY(order_id, line));"
        "CREATE TABLE shipment(id INTEGER PRIMARY KEY, order_id INTEGER, line INTEGER, at TEXT,"
        " FOREIGN KEY(order_id, line) REFERENCES item(order_id, line));",
        {
            "users": ANN_BOB,
            "orders": [(1, 1, "mon"), (2, 2, "tue")],
            "item": [(1, 1, "pen"), (1, 2, "ink"), (2, 1, "cap")],
            "shipment": [(1, 1, 2, "t1"), (2, 2, 1, "t2")],
        },
        {
            "users": CYD_ANN,
            "orders": [(1, 1, "wed"), (2, 2, "mon")],
            "item": [(1, 1, "cup"), (2, 1, "pen"), (2, 2, "ink")],
            "shipment": [(1, 1, 1, "t3"), (2, 2, 2, "t1"), (3, 2, 1, "t4")],
        },
    )
    p.run().done()
    p.expect(
        "SELECT u.email, o.day, i.line, i.w, s.at FROM item i JOIN orders o ON o.id = i.order_id "
        "JOIN users u ON u.id = o.user_id LEFT JOIN shipment s "
        "ON s.order_id = i.order_id AND s.line = i.line",
        [
            ("ann", "mon", 1, "pen", "t4"),
            ("ann", "mon", 2, "ink", "t1"),
            ("bob", "tue", 1, "cap", "t2"),
            ("cyd", "wed", 1, "cup", "t3"),
        ],
    )


@case("references: chains of five")
def chain(p: Project) -> None:
    """Identity of each level uses its parent's entity; equal leaves under other roots differ."""
    levels = ("a", "b", "c", "d", "e")
    schema = "CREATE TABLE a(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE);"
    for above, here in pairwise(levels):
        schema += (
            f"CREATE TABLE {here}(id INTEGER PRIMARY KEY,"
            f" up INTEGER NOT NULL REFERENCES {above}(id), n TEXT);"
        )
    twice: list[Row] = [(1, 1, "x"), (2, 2, "x")]
    leaves: list[Row] = [(1, 1, "leaf"), (2, 2, "leaf")]
    below = dict.fromkeys("bcd", twice)
    one: dict[str, list[Row]] = {"a": [(1, "r1"), (2, "r2")], **below, "e": leaves}
    two = one | {"a": [(1, "r3"), (2, "r1")], "e": [*leaves, (3, 2, "extra")]}
    p.both(schema, one, two)
    p.run().done()
    for level in "bcd":
        p.expect(f"SELECT count(*) FROM {level}", [(3,)])
    p.expect(
        "SELECT a.n, e.n FROM e JOIN d ON d.id = e.up JOIN c ON c.id = d.up "
        "JOIN b ON b.id = c.up JOIN a ON a.id = b.up",
        [("r1", "leaf"), ("r2", "leaf"), ("r3", "leaf"), ("r1", "extra")],
    )


@case("references: many-to-many without a surrogate")
def many_to_many(p: Project) -> None:
    """Pairs that become equal after re-keying are one pair; others all stay."""
    p.both(
        "CREATE TABLE post(id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE);"
        "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE post_tag(post_id INTEGER NOT NULL REFERENCES post(id),"
        " tag_id INTEGER NOT NULL REFERENCES tag(id), PRIMARY KEY(post_id, tag_id))"
        " WITHOUT ROWID;",
        {
            "post": [(1, "p1"), (2, "p2")],
            "tag": [(1, "red"), (2, "blue")],
            "post_tag": [(1, 1), (1, 2), (2, 2)],
        },
        {
            "post": [(1, "p2"), (2, "p3")],
            "tag": [(1, "blue"), (2, "green"), (3, "red")],
            "post_tag": [(1, 1), (1, 3), (2, 2), (2, 1)],
        },
    )
    p.run().done()
    p.expect(
        "SELECT p.slug, t.name FROM post_tag x JOIN post p ON p.id = x.post_id "
        "JOIN tag t ON t.id = x.tag_id",
        [
            ("p1", "red"),
            ("p1", "blue"),
            ("p2", "blue"),
            ("p2", "red"),
            ("p3", "green"),
            ("p3", "blue"),
        ],
    )


@case("references: many-to-many without any key")
def many_to_many_keyless(p: Project) -> None:
    """The same without a primary key: pairs are matched by content after re-keying."""
    p.both(
        PEOPLE
        + "CREATE TABLE friend(a INTEGER REFERENCES users(id), b INTEGER REFERENCES users(id));",
        {"users": ANN_BOB, "friend": [(1, 2), (2, 1)]},
        {"users": [(1, "bob"), (2, "ann"), (3, "cyd")], "friend": [(1, 2), (3, 1)]},
    )
    p.run().done()
    p.expect(
        "SELECT x.email, y.email FROM friend f JOIN users x ON x.id = f.a "
        "JOIN users y ON y.id = f.b",
        [("ann", "bob"), ("bob", "ann"), ("cyd", "bob")],
    )
