"""Files that are no databases, or broken ones."""

from __future__ import annotations

import random
from pathlib import Path

from . import shop
from .lib import CaseFailed, Project
from .registry import case


def _unusable(p: Project, name: str = "b.db") -> None:
    """Chosen by name, a file that cannot be used is refused by name; nothing is written."""
    result = p.run("a.db", name)
    if result.status == 2:
        result.must_be_bad_usage(name)
        return
    result.must_refuse(name)


@case("files: text named .db")
def text_file(p: Project) -> None:
    """Refused by name."""
    shop.write(p)
    (p.root / "b.db").write_text("id,email\n1,ann\n" * 40)
    _unusable(p)


@case("files: random bytes named .db, an encrypted file")
def random_bytes(p: Project) -> None:
    """A SQLCipher file looks like noise: refused by name."""
    shop.write(p)
    (p.root / "b.db").write_bytes(random.Random(7).randbytes(4096 * 8))
    _unusable(p)


@case("files: they lie in the project")
def junk_found(p: Project) -> None:
    """Without --source what is no database is passed over and listed, the rest is merged."""
    shop.write(p, "data/shop.db", "data/store.db")
    (p.root / "data" / "text.db").write_text("hello\n" * 90)
    (p.root / "data" / "noise.sqlite3").write_bytes(random.Random(8).randbytes(9000))
    result = p.run()
    result.done()
    shop.check(p)


@case("files: a header and nothing behind it")
def header_only(p: Project) -> None:
    """The first 100 bytes of a database are no database."""
    shop.write(p)
    path = p.root / "b.db"
    path.write_bytes(path.read_bytes()[:100])
    _unusable(p)


def _filled(p: Project, name: str = "b.db") -> Path:
    """b.db with enough rows for many pages."""
    path = p.db(name, shop.SCHEMA, shop.B)
    with p.open(name) as con:
        con.execute("BEGIN")
        con.executemany(
            "INSERT INTO orders(user_id, what) VALUES (1, ?)", [("z" * 200,) for _ in range(400)]
        )
        con.execute("COMMIT")
    return path


@case("files: truncated")
def truncated(p: Project) -> None:
    """Half of the pages are gone: refused by name, not merged in part."""
    p.db("a.db", shop.SCHEMA, shop.A)
    path = _filled(p)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _unusable(p)


def _page_size(p: Project, name: str) -> int:
    with p.open(name) as con:
        return int(con.execute("PRAGMA page_size").fetchone()[0])


def _root(p: Project, name: str, table: str) -> int:
    with p.open(name) as con:
        row = con.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return int(row[0])


@case("files: a damaged table")
def damaged_table(p: Project) -> None:
    """A table page is overwritten: its rows cannot be counted, refused by name."""
    p.db("a.db", shop.SCHEMA, shop.A)
    path = _filled(p)
    at = (_root(p, "b.db", "orders") - 1) * _page_size(p, "b.db")
    data = bytearray(path.read_bytes())
    data[at : at + 300] = b"\xee" * 300
    path.write_bytes(data)
    _unusable(p)


@case("files: a damaged leaf in the middle of a table")
def damaged_leaf(p: Project) -> None:
    """One leaf of many is overwritten; count(*) by an index would not notice: refused by name."""
    p.db("a.db", shop.SCHEMA, shop.A)
    path = _filled(p)
    size = _page_size(p, "b.db")
    data = bytearray(path.read_bytes())
    pages = [n for n in range(3, len(data) // size) if data[n * size : n * size + 1] == b"\x0d"]
    if not pages:
        raise AssertionError("no leaf page to damage")
    at = pages[len(pages) // 2] * size
    data[at : at + size] = b"\xee" * size
    path.write_bytes(data)
    _unusable(p)


@case("files: the base is damaged")
def damaged_base(p: Project) -> None:
    """The same for the first source."""
    _filled(p, "a.db")
    at = (_root(p, "a.db", "orders") - 1) * _page_size(p, "a.db")
    p.db("b.db", shop.SCHEMA, shop.B)
    data = bytearray((p.root / "a.db").read_bytes())
    data[at : at + 300] = b"\xee" * 300
    (p.root / "a.db").write_bytes(data)
    result = p.run()
    if result.status == 2:
        result.must_be_bad_usage("a.db")
        return
    result.must_refuse("a.db")


def _index_case(p: Project) -> None:
    result = p.run()
    if result.refused("b.db"):
        return
    result.done()
    shop.check(p, *[("cyd", "z" * 200)] * 400)


def _destroy(p: Project, name: str, index: str) -> None:
    at = (_root(p, name, index) - 1) * _page_size(p, name)
    data = bytearray((p.root / name).read_bytes())
    data[at : at + 200] = b"\xee" * 200
    (p.root / name).write_bytes(data)


@case("files: only an index is damaged")
def damaged_index(p: Project) -> None:
    """All rows are readable: merged whole, the index rebuilt, the damaged bytes kept."""
    p.db("a.db", shop.SCHEMA, shop.A)
    _filled(p)
    _destroy(p, "b.db", "orders_by_user")
    p.run().done()
    shop.check(p, *[("cyd", "z" * 200)] * 400)


@case("files: only the index of a constraint is damaged, in the base")
def damaged_constraint(p: Project) -> None:
    """The same where the index cannot be dropped, and the staged copy must not inherit it."""
    _filled(p, "a.db")
    p.db("b.db", shop.SCHEMA, shop.A)
    _destroy(p, "a.db", "sqlite_autoindex_users_1")
    before = (p.root / "a.db").read_bytes()
    result = p.run()
    result.done()
    shop.check(p, *[("cyd", "z" * 200)] * 400)
    backup = p.root / ".consolidator" / "runs" / str(result.last["run"]) / "backup"
    if before not in [path.read_bytes() for path in backup.rglob("*") if path.is_file()]:
        raise CaseFailed("the backup does not hold the original's bytes")


@case("files: an index that lacks rows")
def index_lacks_rows(p: Project) -> None:
    """Counting or joining by the index loses rows: reading must not trust it."""
    p.db("a.db", shop.SCHEMA, shop.A)
    _unindexed(p, "b.db")
    _index_case(p)
    again = p.run()
    again.done()
    again.names("orders_by_user")
    if again.last["changed"]:
        raise CaseFailed("the same files a second time change the target")


@case("files: an index of the base that lacks rows")
def base_index_lacks_rows(p: Project) -> None:
    """The staged copy of the base must not inherit it."""
    p.db("b.db", shop.SCHEMA, shop.A)
    _unindexed(p, "a.db")
    result = p.run()
    if result.refused("a.db"):
        return
    result.done()
    shop.check(p, *[("cyd", "z" * 200)] * 400)


def _unindexed(p: Project, name: str) -> None:
    """Insert rows while the schema does not know the index."""
    p.db(name, shop.SCHEMA, shop.B)
    with p.open(name) as con:
        con.execute("PRAGMA writable_schema = ON")
        row = con.execute("SELECT * FROM sqlite_master WHERE name = 'orders_by_user'").fetchone()
        con.execute("DELETE FROM sqlite_master WHERE name = 'orders_by_user'")
        con.execute("PRAGMA writable_schema = RESET")
    with p.open(name) as con:
        con.execute("BEGIN")
        con.executemany(
            "INSERT INTO orders(user_id, what) VALUES (1, ?)", [("z" * 200,) for _ in range(400)]
        )
        con.execute("COMMIT")
        con.execute("PRAGMA writable_schema = ON")
        con.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
        con.execute("PRAGMA writable_schema = RESET")
    with p.open(name) as con:
        if con.execute("PRAGMA integrity_check").fetchone()[0] == "ok":
            raise CaseFailed("the index should lack rows")


@case("files: a source that does not exist")
def missing(p: Project) -> None:
    """Named, exit 2 or 4; nothing is created in its place."""
    p.db("a.db", shop.SCHEMA, shop.A)
    _unusable(p, "nowhere.db")


@case("files: no files at all")
def nothing(p: Project) -> None:
    """An empty project: a clear sentence, exit 2 or 4."""
    result = p.run()
    if result.status not in (2, 4):
        raise result.fail("there is nothing to merge: exit 2 or 4")


@case("files: the target's folder does not exist")
def target_folder(p: Project) -> None:
    """A clear sentence that names it, nothing created."""
    shop.write(p)
    result = p.run(target="no/such/app.db")
    if result.status not in (1, 2, 4):
        raise result.fail("it cannot be written: exit 1, 2 or 4")
    if (p.root / "no").exists():
        raise CaseFailed("the folder was created")


@case("files: the target is a directory")
def target_directory(p: Project) -> None:
    """A clear sentence, nothing written into it."""
    shop.write(p)
    (p.root / "app.db").mkdir()
    result = p.run()
    if result.status not in (1, 2, 4):
        raise result.fail("it cannot be written: exit 1, 2 or 4")
    if list((p.root / "app.db").iterdir()):
        raise CaseFailed("something was written into the directory")


@case("files: the target is no database")
def target_text(p: Project) -> None:
    """Somebody's file has the target's name: refused by name, untouched."""
    shop.write(p)
    (p.root / "app.db").write_text("my notes\n")
    result = p.run()
    if result.status == 2:
        result.must_be_bad_usage("app.db")
        return
    result.must_refuse("app.db")
