"""References that schemas in the wild have: half declared, broken, deep."""

from __future__ import annotations

from .lib import Project
from .references import ANN_BOB, CYD_ANN, PEOPLE
from .references_ids import OWNERS
from .registry import case


@case("references: an undeclared reference to itself")
def undeclared_self(p: Project) -> None:
    """parent_id without REFERENCES: followed, or asked naming the column; never a stranger's."""
    p.both(
        "CREATE TABLE node(id INTEGER PRIMARY KEY, parent_id INTEGER, n TEXT NOT NULL UNIQUE);",
        {"node": [(1, None, "A"), (2, 1, "a1"), (3, 1, "a2")]},
        {"node": [(1, None, "B"), (2, 1, "b1"), (3, 2, "b2"), (4, None, "A")]},
    )
    result = p.run()
    if result.asked("node", "parent_id"):
        return
    result.done()
    p.expect(
        "SELECT n.n, p.n FROM node n LEFT JOIN node p ON p.id = n.parent_id",
        [("A", None), ("a1", "A"), ("a2", "A"), ("B", None), ("b1", "B"), ("b2", "b1")],
    )


@case("references: an undeclared reference to a text key")
def undeclared_text(p: Project) -> None:
    """Text keys are not re-keyed: nothing needs to be asked."""
    p.both(
        "CREATE TABLE users(id TEXT PRIMARY KEY NOT NULL, n TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id TEXT, w TEXT);",
        {"users": [("u-1", "Ann"), ("u-2", "Bob")], "orders": [(1, "u-1", "pen")]},
        {"users": [("u-3", "Cyd"), ("u-1", "Ann")], "orders": [(1, "u-3", "cup")]},
    )
    p.run().done()
    p.expect("SELECT user_id, w FROM orders", [("u-1", "pen"), ("u-3", "cup")])


@case("references: undeclared, and ids do not collide")
def undeclared_disjoint(p: Project) -> None:
    """Only a reference whose parent is re-keyed needs an answer: nothing moves here."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, owner INTEGER, w TEXT);",
        {"users": ANN_BOB, "orders": [(1, 1, "pen"), (2, 2, "ink")]},
        {"users": [(101, "cyd"), (102, "dan")], "orders": [(101, 101, "cup"), (102, 102, "jar")]},
    )
    p.run().done()
    p.expect(
        "SELECT u.email, o.w FROM orders o LEFT JOIN users u ON u.id = o.owner",
        [("ann", "pen"), ("bob", "ink"), ("cyd", "cup"), ("dan", "jar")],
    )


@case("references: some of a table's references are declared")
def half_declared(p: Project) -> None:
    """buyer_id is declared, seller_id is not: both lead to users."""
    p.both(
        PEOPLE + "CREATE TABLE sale(id INTEGER PRIMARY KEY, buyer_id INTEGER REFERENCES users(id),"
        " seller_id INTEGER, w TEXT);",
        {"users": ANN_BOB, "sale": [(1, 1, 2, "pen"), (2, 2, 1, "ink")]},
        {"users": CYD_ANN, "sale": [(1, 1, 2, "cup"), (2, 2, 1, "jar")]},
    )
    result = p.run()
    if result.asked("sale", "seller_id"):
        return
    result.done()
    p.expect(
        "SELECT b.email, s.email, w FROM sale LEFT JOIN users b ON b.id = buyer_id "
        "LEFT JOIN users s ON s.id = seller_id",
        [
            ("ann", "bob", "pen"),
            ("bob", "ann", "ink"),
            ("cyd", "ann", "cup"),
            ("ann", "cyd", "jar"),
        ],
    )


@case("references: a count that bears a table's name")
def count_column(p: Project) -> None:
    """users.orders counts orders: its values are ids by chance; they must stay."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, orders INTEGER);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {"users": [(1, "ann", 1), (2, "bob", 1)], "orders": [(1, 1, "pen"), (2, 2, "ink")]},
        {"users": [(1, "cyd", 2), (2, "dan", 0)], "orders": [(1, 1, "cup"), (2, 1, "jar")]},
    )
    result = p.run()
    if result.asked("users", "orders"):
        return
    result.done()
    p.expect("SELECT email, orders FROM users", [("ann", 1), ("bob", 1), ("cyd", 2), ("dan", 0)])


@case("references: to a table that no file has")
def parent_gone(p: Project) -> None:
    """The parent was dropped long ago: the numbers stay, nothing crashes."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shop(id),"
        " user_id INTEGER REFERENCES users(id), w TEXT);",
        {"users": ANN_BOB, "orders": [(1, 7, 1, "pen"), (2, None, 2, "ink")]},
        {"users": CYD_ANN, "orders": [(1, 8, 1, "cup")]},
    )
    result = p.run()
    if result.asked("orders"):
        return
    if result.status != 0:
        raise result.fail("kept or asked, nothing else")
    p.expect("SELECT shop_id, w FROM orders", [(7, "pen"), (None, "ink"), (8, "cup")])
    p.expect(OWNERS, [("ann", "pen"), ("bob", "ink"), ("cyd", "cup")])


@case("references: to a column that is not unique")
def mismatch(p: Project) -> None:
    """SQLite calls it a foreign key mismatch: kept as it is or asked, no crash."""
    p.both(
        "CREATE TABLE rate(id INTEGER PRIMARY KEY, code TEXT, day TEXT);"
        "CREATE TABLE bill(id INTEGER PRIMARY KEY, code TEXT REFERENCES rate(code), cents);",
        {"rate": [(1, "eur", "mon"), (2, "eur", "tue")], "bill": [(1, "eur", 5)]},
        {"rate": [(1, "usd", "mon")], "bill": [(1, "usd", 7)]},
    )
    result = p.run()
    if result.asked(("rate", "bill")):
        return
    if result.status != 0:
        raise result.fail("kept or asked, nothing else")
    p.expect("SELECT code, day FROM rate", [("eur", "mon"), ("eur", "tue"), ("usd", "mon")])
    p.expect("SELECT code, cents FROM bill", [("eur", 5), ("usd", 7)])


@case("references: a tree of a thousand levels")
def deep_tree(p: Project) -> None:
    """All nodes look alike but for their depth: level by level."""
    deep = 1000
    chain = [(n, n - 1 or None, "x") for n in range(1, deep + 1)]
    shifted = [(n + 7, n + 6 if n > 1 else None, "x") for n in range(1, deep + 1)]
    p.both(
        "CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id), n TEXT);",
        {"node": chain},
        {"node": [*shifted, (1, deep + 7, "leaf b")]},
    )
    result = p.run(plan='[tables.node]\nidentity = "rows"\n')
    result.done()
    p.expect("SELECT count(*) FROM node", [(deep + 1,)])
    p.expect("SELECT count(*) FROM node WHERE up IS NULL", [(1,)])
    p.expect(
        "WITH RECURSIVE d(id, n) AS (SELECT id, 1 FROM node WHERE up IS NULL UNION ALL "
        "SELECT node.id, d.n + 1 FROM node JOIN d ON node.up = d.id) SELECT max(n) FROM d",
        [(deep + 1,)],
    )


@case("references: an exact duplicate with all that hangs on it")
def duplicate_subtree(p: Project) -> None:
    """The same customer with the same orders and lines under other ids everywhere: there once."""
    schema = (
        "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, born TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person(id), d);"
        "CREATE TABLE line(id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(id), w);"
    )
    p.both(
        schema,
        {
            "person": [(1, "Ann", "1990"), (2, "Bob", "1980")],
            "orders": [(1, 1, "mon"), (2, 1, "tue"), (3, 2, "mon")],
            "line": [(1, 1, "pen"), (2, 1, "ink"), (3, 2, "pen"), (4, 3, "pen")],
        },
        {
            "person": [(8, "Cyd", "1970"), (9, "Ann", "1990")],
            "orders": [(5, 9, "tue"), (6, 9, "mon"), (7, 8, "mon")],
            "line": [(5, 6, "ink"), (6, 6, "pen"), (7, 5, "pen"), (8, 7, "pen")],
        },
    )
    p.run().done()
    p.expect(
        "SELECT p.name, o.d, l.w FROM line l JOIN orders o ON o.id = l.order_id "
        "JOIN person p ON p.id = o.person_id",
        [
            ("Ann", "mon", "pen"),
            ("Ann", "mon", "ink"),
            ("Ann", "tue", "pen"),
            ("Bob", "mon", "pen"),
            ("Cyd", "mon", "pen"),
        ],
    )
    p.expect("SELECT count(*) FROM person", [(3,)])
    p.expect("SELECT count(*) FROM orders", [(4,)])


@case("references: folders whose key is (parent, name), and NULL at the root")
def folder_paths(p: Project) -> None:
    """A path is a folder: roots have an incomplete key, and their children are reached all the
    same; rows without a code below rows with one, too."""
    p.both(
        "CREATE TABLE dir(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES dir(id),"
        " name TEXT NOT NULL, UNIQUE(parent, name));"
        "CREATE TABLE file(dir INTEGER REFERENCES dir(id), name TEXT);"
        "CREATE TABLE staff(id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT,"
        " boss INTEGER REFERENCES staff(id));",
        {
            "dir": [(1, None, "root"), (2, 1, "a"), (3, 2, "x"), (4, 1, "b")],
            "file": [(3, "f1"), (4, "f2")],
            "staff": [(1, "A", "ann", None), (2, None, "bob", 1), (3, "C", "cyd", 2)],
        },
        {
            "dir": [(1, None, "root"), (2, 1, "b"), (3, 2, "x"), (4, 1, "a"), (5, 4, "x")],
            "file": [(3, "g1"), (5, "g2")],
            "staff": [(7, "C", "cyd", 8), (8, None, "bob", 9), (9, "A", "ann", None)],
        },
    )
    p.run().done()
    path = (
        "WITH RECURSIVE t(id, path) AS (SELECT id, name FROM dir WHERE parent IS NULL UNION ALL "
        "SELECT d.id, t.path || '/' || d.name FROM dir d JOIN t ON t.id = d.parent) "
    )
    paths = ["root", "root/a", "root/b", "root/a/x", "root/b/x"]
    p.expect(path + "SELECT path FROM t", [(found,) for found in paths])
    p.expect(
        path + "SELECT f.name, t.path FROM file f JOIN t ON t.id = f.dir",
        [("f1", "root/a/x"), ("f2", "root/b"), ("g1", "root/b/x"), ("g2", "root/a/x")],
    )
    p.expect(
        "SELECT s.name, b.name FROM staff s LEFT JOIN staff b ON b.id = s.boss",
        [("ann", None), ("bob", "ann"), ("cyd", "bob")],
    )


_GENERIC = """
CREATE TABLE django_content_type(id INTEGER PRIMARY KEY, app_label TEXT NOT NULL,
 model TEXT NOT NULL, UNIQUE(app_label, model));
CREATE TABLE auth_user(id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE);
CREATE TABLE blog_post(id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE);
CREATE TABLE django_admin_log(id INTEGER PRIMARY KEY, object_id TEXT, object_repr TEXT,
 content_type_id INTEGER REFERENCES django_content_type(id),
 user_id INTEGER NOT NULL REFERENCES auth_user(id));
CREATE TABLE action(id INTEGER PRIMARY KEY, verb TEXT NOT NULL UNIQUE,
 target_content_type_id INTEGER REFERENCES django_content_type(id), target_object_id INTEGER);
"""


@case("references: Django's content types")
def content_types(p: Project) -> None:
    """A row's content type says whose number `object_id` is, and is another number in each file;
    what is gone (rows that were deleted are logged) refers to nobody afterwards."""
    p.both(
        _GENERIC,
        {
            "django_content_type": [(1, "auth", "user"), (2, "blog", "post"), (3, "x", "gone")],
            "auth_user": [(1, "ann"), (2, "bob")],
            "blog_post": [(1, "hello"), (2, "other")],
            "django_admin_log": [(1, "1", "hello", 2, 1), (2, "2", "bob", 1, 1)],
            "action": [(1, "read", 2, 2), (2, "left", 3, 7), (3, "slept", None, None)],
        },
        {
            "django_content_type": [(1, "blog", "post"), (2, "auth", "user")],
            "auth_user": [(1, "cyd"), (2, "ann"), (3, "dan")],
            "blog_post": [(1, "third"), (2, "hello"), (3, "cyd's"), (4, "last")],
            "django_admin_log": [
                (1, "3", "dan", 2, 2),
                (2, "3", "cyd's", 1, 1),
                (3, "9", "?", 1, 1),
            ],
            "action": [(1, "wrote", 1, 4), (2, "met", 2, 1)],
        },
    )
    p.run().done()
    found = (
        "SELECT {}, coalesce(p.slug, u.username) FROM {} l JOIN django_content_type c ON c.id = "
        "l.{}content_type_id LEFT JOIN blog_post p ON c.model = 'post' AND p.id = l.{}object_id "
        "LEFT JOIN auth_user u ON c.model = 'user' AND u.id = l.{}object_id"
    )
    p.expect(
        found.format("object_repr", "django_admin_log", "", "", ""),
        [("hello", "hello"), ("bob", "bob"), ("dan", "dan"), ("cyd's", "cyd's"), ("?", None)],
    )
    p.expect(
        found.format("verb", "action", *["target_"] * 3),
        [("read", "other"), ("left", None), ("wrote", "last"), ("met", "cyd")],
    )
    p.expect("SELECT typeof(object_id) FROM django_admin_log", [("text",)] * 5)


@case("references: roots that refer to themselves")
def own_roots(p: Project) -> None:
    """A root whose parent is itself is a root: it and what is below it is the same elsewhere."""
    p.both(
        "CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER NOT NULL REFERENCES node, n TEXT);",
        {"node": [(1, 1, "root"), (2, 1, "x"), (3, 2, "y"), (4, 1, "root")]},
        {"node": [(5, 5, "root"), (2, 5, "x"), (3, 2, "y"), (6, 5, "z"), (1, 6, "y"), (7, 7, "x")]},
    )
    p.run().done()
    p.expect(
        "SELECT c.n, p.n, p.id = c.id FROM node c JOIN node p ON p.id = c.up",
        [
            *[("root", "root", 1), ("x", "root", 0), ("y", "x", 0), ("root", "root", 0)],
            *[("z", "root", 0), ("y", "z", 0), ("x", "x", 1)],
        ],
    )
