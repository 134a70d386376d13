"""The case that the merge must pass first: two files with everything that happens in life."""

from __future__ import annotations

import shutil
import sqlite3
from typing import Any

from .lib import CaseFailed, Project
from .registry import case

SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY {auto}, email TEXT NOT NULL UNIQUE, name TEXT,
    phone TEXT, updated_at TEXT NOT NULL{users});
CREATE TABLE orders(id INTEGER PRIMARY KEY {auto},
    user_id INTEGER NOT NULL REFERENCES users(id), placed_at TEXT, total REAL);
CREATE TABLE order_items(order_id INTEGER NOT NULL REFERENCES orders(id), line INTEGER NOT NULL,
    product TEXT, quantity INTEGER, PRIMARY KEY(order_id, line));
CREATE TABLE categories(id INTEGER PRIMARY KEY {auto},
    parent_id INTEGER REFERENCES categories(id), name TEXT NOT NULL);
CREATE TABLE shipments(id INTEGER PRIMARY KEY {auto}, order_id INTEGER NOT NULL, carrier TEXT);
CREATE TABLE articles(id INTEGER PRIMARY KEY {auto}, title TEXT, body TEXT);
CREATE TABLE audit(id INTEGER PRIMARY KEY {auto}, entry TEXT);
CREATE VIRTUAL TABLE articles_fts USING fts5(title, body, content='articles', content_rowid='id');
CREATE TRIGGER articles_added AFTER INSERT ON articles BEGIN
    INSERT INTO articles_fts(rowid, title, body) VALUES (new.id, new.title, new.body); END;
CREATE TRIGGER articles_gone AFTER DELETE ON articles BEGIN
    INSERT INTO articles_fts(articles_fts, rowid, title, body)
    VALUES ('delete', old.id, old.title, old.body); END;
CREATE INDEX orders_by_user ON orders(user_id);
CREATE VIEW user_totals AS SELECT u.email, sum(o.total) AS total
    FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id;
"""
AUDIT_TRIGGER = """
CREATE TRIGGER users_added AFTER INSERT ON users BEGIN
    INSERT INTO audit(entry) VALUES ('added ' || new.email); END;
"""
ONLY_B = """
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE VIEW big_orders AS SELECT * FROM orders WHERE total > 50;
"""

ROWS_A: dict[str, list[tuple[Any, ...]]] = {
    "users": [
        (1, "ann@x", "Ann", "+44 1", "2024-01-01T00:00:00Z"),
        (2, "bob@x", "Bob", "0049 2", "2024-01-02T00:00:00Z"),
        (3, "cyd@x", "Cyd new", "003", "2025-05-05T00:00:00Z"),
        (4, "dan@x", "Dan old", "004", "2024-01-04T00:00:00Z"),
        (5, "eve@x", "Eve old", "005", "2024-01-05T00:00:00Z"),
        (6, "fay@x", "Fay", "006", "2024-01-06T00:00:00Z"),
    ],
    "orders": [(1, 1, "2024-02-01", 10.5), (2, 6, "2024-02-02", 99.0)],
    "order_items": [(1, 1, "pen", 2), (1, 2, "ink", 1), (2, 1, "desk", 1)],
    "categories": [(1, 2, "novels"), (2, None, "books")],
    "shipments": [(1, 1, "ups"), (2, 2, "dhl")],
    "articles": [(1, "Red fox", "jumps high"), (2, "Blue whale", "swims deep")],
    "audit": [(1, "a: imported"), (2, "a: checked")],
}
ROWS_B: dict[str, list[tuple[Any, ...]]] = {
    "users": [
        (1, "gil@x", "Gil", "011", "2024-03-01T00:00:00Z", "gold"),
        (2, "hal@x", "Hal", "012", "2024-03-02T00:00:00Z", None),
        (3, "dan@x", "Dan new", "104", "2025-01-04T00:00:00Z", "tin"),
        (4, "ann@x", "Ann", "+44 1", "2024-01-01T00:00:00Z", "silver"),
        (5, "eve@x", "Eve new", "105", "2025-01-05T00:00:00Z", "tin"),
        (6, "cyd@x", "Cyd old", "103", "2023-05-05T00:00:00Z", "wood"),
        (7, "bob@x", "Bob", "0049 2", "2024-01-02T00:00:00Z", "iron"),
    ],
    "orders": [(1, 1, "2024-04-01", 5.0), (2, 4, "2024-02-01", 10.5), (3, 3, "2024-04-03", 77.0)],
    "order_items": [(1, 1, "cup", 3), (2, 1, "pen", 2), (2, 2, "ink", 1), (3, 1, "pen", 9)],
    "categories": [(1, None, "books"), (2, 1, "novels"), (3, 1, "poems"), (4, None, "tools")],
    "shipments": [(1, 1, "fedex"), (2, 2, "ups"), (3, 3, "dhl")],
    "articles": [(1, "Green frog", "jumps too"), (2, "Red fox", "jumps high")],
    "audit": [(1, "b: imported")],
    "settings": [("theme", "dark"), ("lang", "en")],
}
LAST_TRANSACTION = """
INSERT INTO orders VALUES (4, 2, '2024-04-04', 60.0);
INSERT INTO order_items VALUES (4, 1, 'lamp', 1);
INSERT INTO shipments VALUES (4, 4, 'post');
"""


def _build(p: Project, auto: str) -> None:
    p.db("a.db", SCHEMA.format(auto=auto, users=""), ROWS_A)
    with p.open("a.db") as con:
        con.executescript(AUDIT_TRIGGER)
    work = p.scratch / "b.db"
    p.db(work, SCHEMA.format(auto=auto, users=", loyalty TEXT") + ONLY_B, ROWS_B)
    with p.open(work) as con:
        con.executescript(AUDIT_TRIGGER + "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;")
        con.executescript(f"BEGIN;{LAST_TRANSACTION}COMMIT;")
        for suffix in ("", "-wal"):
            shutil.copy(f"{work}{suffix}", p.root / f"b.db{suffix}")
    if not (p.root / "b.db-wal").stat().st_size:
        raise AssertionError("the last transaction must be in the -wal")


def _check(p: Project, auto: str) -> None:
    newer = {"dan@x": ROWS_B["users"][2], "eve@x": ROWS_B["users"][4]}
    loyalty = {row[1]: row[5] for row in ROWS_B["users"]}
    people = {row[1]: (*row[1:], loyalty.get(row[1])) for row in ROWS_A["users"]}
    people |= {row[1]: row[1:] for row in ROWS_B["users"] if row[1] not in people}
    people |= {email: row[1:] for email, row in newer.items()}
    p.expect("SELECT email, name, phone, updated_at, loyalty FROM users", people.values())
    p.expect(
        "SELECT u.email, o.placed_at, o.total FROM orders o JOIN users u ON u.id = o.user_id",
        [
            ("ann@x", "2024-02-01", 10.5),
            ("fay@x", "2024-02-02", 99.0),
            ("gil@x", "2024-04-01", 5.0),
            ("dan@x", "2024-04-03", 77.0),
            ("hal@x", "2024-04-04", 60.0),
        ],
        "orders with their owners",
    )
    p.expect(
        "SELECT o.placed_at, i.line, i.product, i.quantity FROM order_items i "
        "JOIN orders o ON o.id = i.order_id",
        [
            ("2024-02-01", 1, "pen", 2),
            ("2024-02-01", 2, "ink", 1),
            ("2024-02-02", 1, "desk", 1),
            ("2024-04-01", 1, "cup", 3),
            ("2024-04-03", 1, "pen", 9),
            ("2024-04-04", 1, "lamp", 1),
        ],
        "items with their orders",
    )
    p.expect(
        "SELECT o.placed_at, s.carrier FROM shipments s LEFT JOIN orders o ON o.id = s.order_id",
        [
            ("2024-02-01", "ups"),
            ("2024-02-02", "dhl"),
            ("2024-04-01", "fedex"),
            ("2024-04-03", "dhl"),
            ("2024-04-04", "post"),
        ],
        "shipments with their orders",
    )
    p.expect(
        "SELECT c.name, d.name FROM categories c LEFT JOIN categories d ON d.id = c.parent_id",
        [("books", None), ("novels", "books"), ("poems", "books"), ("tools", None)],
    )
    p.expect("SELECT key, value FROM settings", ROWS_B["settings"])
    p.expect("SELECT entry FROM audit", [row[1:] for row in ROWS_A["audit"] + ROWS_B["audit"]])
    p.expect("SELECT count(*) FROM big_orders", [(3,)])
    p.expect("SELECT sum(total) FROM user_totals", [(251.5,)])
    _check_search(p)
    _check_alive(p, auto)


def _check_search(p: Project) -> None:
    p.expect(
        "SELECT a.title FROM articles_fts f JOIN articles a ON a.id = f.rowid "
        "WHERE articles_fts MATCH 'jumps'",
        [("Red fox",), ("Green frog",)],
    )
    with p.open(p.target) as con:
        try:
            con.execute("INSERT INTO articles_fts(articles_fts, rank) VALUES('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            raise CaseFailed(f"the search index does not fit its content: {error}") from error


def _check_alive(p: Project, auto: str) -> None:
    """The triggers are there and fire again; a new row gets an id that nobody had."""
    with p.open(p.target) as con:
        highest = con.execute("SELECT max(id) FROM users").fetchone()[0]
        con.execute("INSERT INTO users(email, name, updated_at) VALUES ('new@x', 'New', '2026')")
        fired = con.execute("SELECT count(*) FROM audit WHERE entry = 'added new@x'").fetchone()
        new = con.execute("SELECT id FROM users WHERE email = 'new@x'").fetchone()
    if fired[0] != 1:
        raise CaseFailed("the audit trigger does not fire after the merge")
    if new[0] <= highest:
        raise CaseFailed(f"a new user got id {new[0]} although {highest} was there")


def _accept(p: Project, auto: str) -> None:
    _build(p, auto)
    result = p.run("a.db", "b.db")
    result.done()
    _check(p, auto)
    result.names("shipments", "order_id")


@case("the acceptance case, AUTOINCREMENT")
def autoincrement(p: Project) -> None:
    """Strong evidence is followed and said; newest decides: nothing is left to ask."""
    _accept(p, "AUTOINCREMENT")


@case("the acceptance case, without AUTOINCREMENT")
def plain(p: Project) -> None:
    """Strong evidence is followed and said; newest decides: nothing is left to ask."""
    _accept(p, "")
