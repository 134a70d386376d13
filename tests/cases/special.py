"""Virtual tables, encodings, page sizes."""

from __future__ import annotations

from pathlib import Path

from .lib import CaseFailed, Project
from .registry import case

DOCS = "CREATE TABLE docs(id INTEGER PRIMARY KEY, title TEXT, body TEXT);"
DOCS_A = [(1, "Red fox", "jumps high"), (2, "Blue whale", "swims deep")]
DOCS_B = [(1, "Green frog", "jumps low"), (2, "Red fox", "jumps high"), (3, "Old owl", "sees")]
TITLES = [("Red fox",), ("Blue whale",), ("Green frog",), ("Old owl",)]
JUMPERS = [("Red fox",), ("Green frog",)]


def _triggers(index: str, key: str = "rowid") -> str:
    """The triggers that keep an external or own index in step with docs."""
    return (
        f"CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO {index}({key}, title, body)"
        " VALUES (new.id, new.title, new.body); END;"
    )


def _found(p: Project, index: str, key: str = "rowid") -> None:
    p.expect("SELECT title FROM docs", TITLES)
    p.expect(
        f"SELECT d.title FROM {index} f LEFT JOIN docs d ON d.id = f.{key} "
        f"WHERE {index} MATCH 'jumps'",
        JUMPERS,
    )
    p.expect(
        f"SELECT d.title FROM {index} f LEFT JOIN docs d ON d.id = f.{key} "
        f"WHERE {index} MATCH 'owl'",
        [("Old owl",)],
    )


def _consistent(p: Project, index: str) -> None:
    with p.open(p.target) as con:
        con.execute(f"INSERT INTO {index}({index}) VALUES ('integrity-check')")


@case("special: FTS5 with its own content")
def fts5_own(p: Project) -> None:
    """Rows of the index are rows: there once, searchable."""
    p.both(
        "CREATE VIRTUAL TABLE notes USING fts5(title, body, tokenize = 'porter');",
        {"notes": [("Red fox", "jumps"), ("Blue whale", "swims")]},
        {"notes": [("Green frog", "jumping"), ("Red fox", "jumps")]},
    )
    p.run().done()
    p.expect(
        "SELECT title, body FROM notes",
        [("Red fox", "jumps"), ("Blue whale", "swims"), ("Green frog", "jumping")],
    )
    p.expect("SELECT title FROM notes WHERE notes MATCH 'jump'", JUMPERS)
    _consistent(p, "notes")


@case("special: FTS5 with its own content, kept by triggers")
def fts5_linked(p: Project) -> None:
    """The index's rowid is the document's id: it moves along, or it asks naming the index. Its
    entries are counted as the documents are, those of an exact copy as well."""
    p.both(
        DOCS + "CREATE VIRTUAL TABLE docs_fts USING fts5(title, body);" + _triggers("docs_fts"),
        {"docs": DOCS_A},
        {"docs": DOCS_B},
    )
    (p.root / "c.db").write_bytes((p.root / "b.db").read_bytes())
    result = p.run()
    if result.asked("docs_fts"):
        return
    result.done()
    _found(p, "docs_fts")
    for key in ("source", "base", "new", "duplicate"):
        if result.counts("docs")[key] != result.counts("docs_fts")[key]:
            raise result.fail(f"other counts of {key} for the documents and their index")
    receipt = Path(result.last["report"]).read_text()
    for table in ("docs", "docs\\_fts"):
        if f"| {table} | 2 | 3 | 3 |" not in receipt:
            raise result.fail(f"the receipt does not say how many rows each file has of {table}")


@case("special: FTS5 with external content")
def fts5_external(p: Project) -> None:
    """The index is rebuilt: every document found, under its own id."""
    p.both(
        DOCS + "CREATE VIRTUAL TABLE docs_fts USING fts5(title, body, content = 'docs',"
        " content_rowid = 'id');" + _triggers("docs_fts"),
        {"docs": DOCS_A},
        {"docs": DOCS_B},
    )
    p.run().done()
    _found(p, "docs_fts")
    _consistent(p, "docs_fts")


@case("special: FTS5 with external content in b.db only")
def fts5_external_other(p: Project) -> None:
    """The base has the table without the index: the index comes along and holds all rows."""
    p.db("a.db", DOCS, {"docs": DOCS_A})
    p.db(
        "b.db",
        DOCS + "CREATE VIRTUAL TABLE docs_fts USING fts5(title, body, content = 'docs',"
        " content_rowid = 'id');" + _triggers("docs_fts"),
        {"docs": DOCS_B},
    )
    p.run().done()
    _found(p, "docs_fts")
    _consistent(p, "docs_fts")


CONTENTLESS = DOCS + "CREATE VIRTUAL TABLE docs_fts USING fts5(title, body, content = '');"


@case("special: FTS5 contentless, in both files")
def fts5_contentless(p: Project) -> None:
    """Its texts cannot be read back: asked or refused by name, or every document is found."""
    p.both(CONTENTLESS + _triggers("docs_fts"), {"docs": DOCS_A}, {"docs": DOCS_B})
    result = p.run()
    if result.asked("docs_fts") or result.refused("docs_fts"):
        return
    result.done()
    _found(p, "docs_fts")


@case("special: FTS5 contentless, in the base only")
def fts5_contentless_base(p: Project) -> None:
    """It is copied as what it is: what was found is still found."""
    p.db("a.db", CONTENTLESS + _triggers("docs_fts"), {"docs": DOCS_A})
    p.db("b.db", DOCS, {"docs": DOCS_B})
    result = p.run()
    if result.asked("docs_fts") or result.refused("docs_fts"):
        return
    result.done()
    p.expect("SELECT title FROM docs", TITLES)
    p.expect(
        "SELECT d.title FROM docs_fts f JOIN docs d ON d.id = f.rowid WHERE docs_fts MATCH 'whale'",
        [("Blue whale",)],
    )


@case("special: FTS5 contentless, in b.db only")
def fts5_contentless_other(p: Project) -> None:
    """Its rowids are b's ids, which move: asked or refused by name, or found under the new ids."""
    p.db("a.db", DOCS, {"docs": DOCS_A})
    p.db("b.db", CONTENTLESS + _triggers("docs_fts"), {"docs": DOCS_B})
    result = p.run()
    if result.asked("docs_fts") or result.refused("docs_fts"):
        return
    result.done()
    p.expect(
        "SELECT d.title FROM docs_fts f LEFT JOIN docs d ON d.id = f.rowid "
        "WHERE docs_fts MATCH 'frog OR owl'",
        [("Green frog",), ("Old owl",)],
    )


@case("special: FTS4")
def fts4(p: Project) -> None:
    """FTS4 with its own and with external content."""
    p.both(
        "CREATE VIRTUAL TABLE notes USING fts4(title, body);"
        + DOCS
        + "CREATE VIRTUAL TABLE docs_fts USING fts4(content='docs', title, body);"
        + _triggers("docs_fts", "docid"),
        {"notes": [("Red fox", "jumps"), ("Blue whale", "swims")], "docs": DOCS_A},
        {"notes": [("Green frog", "jumps"), ("Red fox", "jumps")], "docs": DOCS_B},
    )
    p.run().done()
    p.expect("SELECT title FROM notes", [("Red fox",), ("Blue whale",), ("Green frog",)])
    p.expect("SELECT title FROM notes WHERE notes MATCH 'jumps'", JUMPERS)
    _found(p, "docs_fts", "docid")


RTREE = "CREATE VIRTUAL TABLE spot USING rtree(id, x0, x1, y0, y1, +name TEXT);"


@case("special: R-Tree")
def rtree(p: Project) -> None:
    """Boxes with names: all there, found by place, also where ids collide."""
    p.both(
        RTREE,
        {"spot": [(1, 0.0, 1.0, 0.0, 1.0, "a"), (2, 5.0, 6.0, 5.0, 6.0, "b")]},
        {"spot": [(1, 10.0, 11.0, 0.0, 1.0, "c"), (2, 5.0, 6.0, 5.0, 6.0, "b")]},
    )
    p.run().done()
    p.expect("SELECT name, x0, y1 FROM spot", [("a", 0.0, 1.0), ("b", 5.0, 6.0), ("c", 10.0, 1.0)])
    p.expect("SELECT name FROM spot WHERE x0 >= 5 AND x1 <= 12", [("b",), ("c",)])
    p.expect("SELECT rtreecheck('spot')", [("ok",)])


@case("special: an R-Tree over the ids of a table")
def rtree_linked(p: Project) -> None:
    """The box's id is the place's id, which moves: followed, or asked naming the R-Tree."""
    p.both(
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE VIRTUAL TABLE place_box USING rtree(id, x0, x1, y0, y1);",
        {
            "place": [(1, "home"), (2, "work")],
            "place_box": [(1, 0.0, 1.0, 0.0, 1.0), (2, 5.0, 6.0, 5.0, 6.0)],
        },
        {
            "place": [(1, "pub"), (2, "home")],
            "place_box": [(1, 10.0, 11.0, 0.0, 1.0), (2, 0.0, 1.0, 0.0, 1.0)],
        },
    )
    result = p.run()
    if result.asked("place_box"):
        return
    result.done()
    p.expect(
        "SELECT p.name, b.x0 FROM place p LEFT JOIN place_box b ON b.id = p.id",
        [("home", 0.0), ("work", 5.0), ("pub", 10.0)],
    )
    p.expect("SELECT count(*) FROM place_box", [(3,)])


def _encoded(p: Project, first: str, second: str) -> None:
    schema = (
        "PRAGMA encoding = '{}';"
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, n TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);"
    )
    p.db(
        "a.db",
        schema.format(first),
        {
            "users": [(1, "ann", "ä€😀"), (2, "bob", "B")],
            "orders": [(1, 1, "pen"), (2, 2, b"\xff\0")],
        },
    )
    p.db(
        "b.db",
        schema.format(second),
        {"users": [(1, "cyd", "ß漢"), (2, "ann", "ä€😀")], "orders": [(1, 1, "cup"), (2, 2, "ü")]},
    )
    p.run().done()
    p.expect("SELECT email, n FROM users", [("ann", "ä€😀"), ("bob", "B"), ("cyd", "ß漢")])
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann", "pen"), ("bob", b"\xff\0"), ("cyd", "cup"), ("ann", "ü")],
    )


@case("special: UTF-16 in one file")
def utf16_one(p: Project) -> None:
    """Files of other encodings cannot be attached to each other; their rows are merged anyway."""
    _encoded(p, "UTF-8", "UTF-16le")


@case("special: UTF-16 in the base")
def utf16_base(p: Project) -> None:
    """The base is UTF-16, the other UTF-8."""
    _encoded(p, "UTF-16be", "UTF-8")


@case("special: UTF-16 in all files")
def utf16_all(p: Project) -> None:
    """Little and big endian."""
    _encoded(p, "UTF-16le", "UTF-16be")


@case("special: broken text, and the target has another encoding")
def broken_recoded(p: Project) -> None:
    """Bytes that the target's encoding cannot hold are refused by name, in both directions."""
    schema = "PRAGMA encoding = '{}'; CREATE TABLE note(id INTEGER PRIMARY KEY, words TEXT);"
    p.db("a.db", schema.format("UTF-8") + "INSERT INTO note VALUES(1, CAST(x'ff41' AS TEXT));")
    p.db("b.db", schema.format("UTF-16le") + "INSERT INTO note VALUES(2, CAST(x'00d8' AS TEXT));")
    p.run("a.db", "b.db").must_refuse("note.words", "b.db", "UTF-16le")
    p.run("b.db", "a.db").must_refuse("note.words", "a.db", "UTF-8")


@case("special: other page sizes")
def page_sizes(p: Project) -> None:
    """512 and 65536 byte pages."""
    schema = (
        "PRAGMA page_size = {}; CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v);"
    )
    p.db("a.db", schema.format(65536), {"t": [(n, f"a{n}", "x" * 90) for n in range(1, 300)]})
    p.db("b.db", schema.format(512), {"t": [(n, f"b{n}", "y" * 90) for n in range(1, 300)]})
    p.run().done()
    p.expect("SELECT k FROM t", [(f"{f}{n}",) for f in "ab" for n in range(1, 300)])


@case("special: auto_vacuum")
def auto_vacuum(p: Project) -> None:
    """FULL and INCREMENTAL files with free pages; the base's setting stays."""
    schema = (
        "PRAGMA auto_vacuum = {}; CREATE TABLE t(id INTEGER PRIMARY KEY,"
        " k TEXT NOT NULL UNIQUE, v);"
    )
    for name, mode in (("a", 2), ("b", 1)):
        rows = [(n, f"{name}{n}", "x" * 400) for n in range(1, 200)]
        p.db(f"{name}.db", schema.format(mode), {"t": rows})
        with p.open(f"{name}.db") as con:
            con.execute("DELETE FROM t WHERE id % 3 = 0")
    p.run().done()
    p.expect("SELECT k FROM t", [(f"{f}{n}",) for f in "ab" for n in range(1, 200) if n % 3])
    if p.rows("SELECT auto_vacuum FROM pragma_auto_vacuum") != [(2,)]:
        raise CaseFailed("the base's auto_vacuum was lost")


@case("special: journal mode WAL of the base")
def wal_mode(p: Project) -> None:
    """A base that is kept in WAL mode: the target opens, nothing is left beside it."""
    schema = (
        "PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE);"
    )
    p.db("a.db", schema, {"t": [(1, "a")]})
    p.db("b.db", schema, {"t": [(1, "b")]})
    p.run().done()
    p.expect("SELECT k FROM t", [("a",), ("b",)])
