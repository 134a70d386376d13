"""Modules, collations and functions that only the application has."""

from __future__ import annotations

from .lib import Name, Project, Result
from .registry import case

PEOPLE = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
ANN_BOB = [(1, "ann"), (2, "bob")]
CYD_ANN = [(1, "cyd"), (2, "ann")]
ALL = [("ann",), ("bob",), ("cyd",)]


def _unicase(a: str, b: str) -> int:
    x, y = a.casefold(), b.casefold()
    return (x > y) - (x < y)


def _stopped(result: Result, *names: Name) -> bool:
    """Asked or refused, by name."""
    return result.asked(*names) or result.refused(*names)


@case("special: a virtual table whose module is missing")
def module(p: Project) -> None:
    """It is said; every row of the other tables, and of its data tables, is there."""
    p.both(
        PEOPLE + "CREATE TABLE geo_data(id INTEGER PRIMARY KEY, cell BLOB);"
        "PRAGMA writable_schema = ON;"
        "INSERT INTO sqlite_master VALUES ('table', 'geo', 'geo', 0,"
        " 'CREATE VIRTUAL TABLE geo USING nosuchmodule(x, y)');"
        "PRAGMA writable_schema = RESET;",
        {"users": ANN_BOB, "geo_data": [(1, b"\1")]},
        {"users": CYD_ANN, "geo_data": [(1, b"\2")]},
    )
    result = p.run()
    if _stopped(result, "geo"):
        return
    result.done(integrity=False, without=["geo"])
    result.names("geo")
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT cell FROM geo_data", [(b"\1",), (b"\2",)])


@case("special: Anki's unicase collation")
def unicase(p: Project) -> None:
    """Keys and indexes in a collation that SQLite here does not know: no row lost, or by name."""
    p.collations["unicase"] = _unicase
    p.both(
        "CREATE TABLE tags(tag TEXT NOT NULL PRIMARY KEY COLLATE unicase, usn INTEGER)"
        " WITHOUT ROWID;"
        "CREATE TABLE decks(id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL COLLATE unicase);"
        "CREATE UNIQUE INDEX idx_decks_name ON decks(name);"
        "CREATE TABLE notes(id INTEGER PRIMARY KEY, guid TEXT NOT NULL UNIQUE, tags TEXT);",
        {
            "tags": [("alpha", 1), ("beta", 1)],
            "decks": [(1, "Default"), (1700000000001, "French")],
            "notes": [(1, "g1", "alpha"), (2, "g2", "")],
        },
        {
            "tags": [("beta", 1), ("gamma", 1)],
            "decks": [(1, "Default"), (1700000000002, "Latin")],
            "notes": [(1, "g3", "gamma"), (2, "g1", "alpha")],
        },
    )
    result = p.run()
    if _stopped(result, "unicase"):
        return
    result.done()
    p.expect("SELECT tag FROM tags", [("alpha",), ("beta",), ("gamma",)])
    p.expect("SELECT name FROM decks", [("Default",), ("French",), ("Latin",)])
    p.expect("SELECT guid, tags FROM notes", [("g1", "alpha"), ("g2", ""), ("g3", "gamma")])


@case("special: calibre's title_sort")
def title_sort(p: Project) -> None:
    """Triggers and views that call functions of the application: they come along untouched."""
    p.both(
        "CREATE TABLE books(id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " title TEXT NOT NULL DEFAULT 'Unknown' COLLATE NOCASE, sort TEXT COLLATE NOCASE,"
        " uuid TEXT);"
        "CREATE TABLE authors(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE,"
        " UNIQUE(name));"
        "CREATE TABLE books_authors_link(id INTEGER PRIMARY KEY, book INTEGER NOT NULL,"
        " author INTEGER NOT NULL, UNIQUE(book, author));"
        "CREATE VIEW meta AS SELECT id, title, (SELECT sortconcat(l.id, name) FROM"
        " books_authors_link l JOIN authors ON authors.id = l.author WHERE book = books.id) authors"
        " FROM books;",
        {
            "books": [(1, "The Trial", "Trial, The", "u1"), (2, "Emma", "Emma", "u2")],
            "authors": [(1, "Kafka"), (2, "Austen")],
            "books_authors_link": [(1, 1, 1), (2, 2, 2)],
        },
        {
            "books": [(1, "Emma", "Emma", "u2"), (2, "The Castle", "Castle, The", "u3")],
            "authors": [(1, "Austen"), (2, "Kafka")],
            "books_authors_link": [(1, 1, 1), (2, 2, 2)],
        },
    )
    for name in ("a.db", "b.db"):
        with p.open(name) as con:
            con.executescript(
                "CREATE TRIGGER books_insert_trg AFTER INSERT ON books BEGIN UPDATE books SET"
                " sort = title_sort(new.title), uuid = uuid4() WHERE id = new.id; END;"
                "CREATE TRIGGER books_update_trg AFTER UPDATE ON books BEGIN UPDATE books SET"
                " sort = title_sort(new.title) WHERE id = new.id AND old.title <> new.title; END;"
            )
    plan = "".join(
        f'[[references]]\ntable = "books_authors_link"\ncolumns = ["{c}"]\nparent = "{t}"\n'
        'parent_columns = ["id"]\n'
        for c, t in (("book", "books"), ("author", "authors"))
    )
    result = p.run(plan=plan)
    if _stopped(result, "books"):
        return
    result.done()
    p.expect(
        "SELECT b.title, b.sort, b.uuid, a.name FROM books b "
        "JOIN books_authors_link l ON l.book = b.id JOIN authors a ON a.id = l.author",
        [
            ("The Trial", "Trial, The", "u1", "Kafka"),
            ("Emma", "Emma", "u2", "Austen"),
            ("The Castle", "Castle, The", "u3", "Kafka"),
        ],
    )


@case("special: GeoPackage's ST_IsEmpty")
def geopackage(p: Project) -> None:
    """Feature triggers call ST_*: features stay, the R-Tree follows their ids, or by name."""
    p.both(
        "PRAGMA application_id = 1196444487; PRAGMA user_version = 10200;"
        "CREATE TABLE gpkg_contents(table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,"
        " last_change DATETIME NOT NULL);"
        "CREATE TABLE spots(fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom BLOB, name TEXT);"
        "CREATE VIRTUAL TABLE rtree_spots_geom USING rtree(id, minx, maxx, miny, maxy);",
        {
            "gpkg_contents": [("spots", "features", "2024-01-01T00:00:00Z")],
            "spots": [(1, b"GP\0\1a", "oak"), (2, b"GP\0\1b", "elm")],
            "rtree_spots_geom": [(1, 1.0, 1.0, 1.0, 1.0), (2, 2.0, 2.0, 2.0, 2.0)],
        },
        {
            "gpkg_contents": [("spots", "features", "2024-02-02T00:00:00Z")],
            "spots": [(1, b"GP\0\1c", "ash"), (2, b"GP\0\1a", "oak")],
            "rtree_spots_geom": [(1, 3.0, 3.0, 3.0, 3.0), (2, 1.0, 1.0, 1.0, 1.0)],
        },
    )
    for name in ("a.db", "b.db"):
        with p.open(name) as con:
            con.executescript(
                "CREATE TRIGGER rtree_spots_geom_insert AFTER INSERT ON spots WHEN"
                " (new.geom NOT NULL AND NOT ST_IsEmpty(new.geom)) BEGIN INSERT OR REPLACE INTO"
                " rtree_spots_geom VALUES (new.fid, ST_MinX(new.geom), ST_MaxX(new.geom),"
                " ST_MinY(new.geom), ST_MaxY(new.geom)); END;"
            )
    result = p.run(args=("--on-conflict", "newest,base"))
    if _stopped(result, "spots"):
        return
    result.done()
    p.expect("SELECT name FROM spots", [("oak",), ("elm",), ("ash",)])
    p.expect(
        "SELECT s.name, r.minx FROM spots s LEFT JOIN rtree_spots_geom r ON r.id = s.fid",
        [("oak", 1.0), ("elm", 2.0), ("ash", 3.0)],
    )
    p.expect("SELECT count(*) FROM gpkg_contents", [(1,)])


@case("special: an index over a function that is missing")
def function_index(p: Project) -> None:
    """No row lost: the index is set aside and said, or the table is named."""
    p.functions["soundlike"] = (1, lambda text: str(text)[:1])
    p.both(
        PEOPLE + "CREATE INDEX by_sound ON users(soundlike(email));",
        {"users": ANN_BOB},
        {"users": CYD_ANN},
    )
    result = p.run()
    if _stopped(result, ("by_sound", "soundlike", "users")):
        return
    result.done(without=["by_sound"])
    p.expect("SELECT email FROM users NOT INDEXED", ALL)
    if not p.rows("SELECT 1 FROM sqlite_master WHERE name = 'by_sound'"):
        result.names("by_sound")


@case("special: a CHECK and a generated column with a function that is missing")
def function_check(p: Project) -> None:
    """Rows cannot be written through such a table naively: kept, or the table is named."""
    p.functions["is_code"] = (1, lambda text: int(len(str(text)) == 3))
    p.both(
        PEOPLE + "CREATE TABLE part(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE"
        " CHECK(is_code(code)), good AS (is_code(code)));",
        {"users": ANN_BOB},
        {"users": CYD_ANN},
    )
    for name, code in (("a.db", "aaa"), ("b.db", "bbb")):
        with p.open(name) as con:
            con.execute("INSERT INTO part(id, code) VALUES (1, ?)", (code,))
    result = p.run()
    if _stopped(result, ("part", "is_code")):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT code FROM part", [("aaa",), ("bbb",)])


@case("special: a collation that is missing on an index only")
def collated_index(p: Project) -> None:
    """The column is ordinary, one index is not: rows must not suffer."""
    p.collations["german"] = _unicase
    p.both(
        PEOPLE + "CREATE INDEX by_german ON users(email COLLATE german);",
        {"users": ANN_BOB},
        {"users": CYD_ANN},
    )
    result = p.run()
    if _stopped(result, ("german", "by_german")):
        return
    result.done(without=["by_german"])
    p.expect("SELECT email FROM users NOT INDEXED", ALL)
    if not p.rows("SELECT 1 FROM sqlite_master WHERE name = 'by_german'"):
        result.names("by_german")
