"""Files as they lie around: journals, links, copies, many of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from . import shop
from .lib import CaseFailed, Project, Result, Rows
from .registry import case

ROWS_B = (
    "INSERT INTO users VALUES (1, 'cyd'), (2, 'ann');"
    "INSERT INTO orders VALUES (1, 1, 'cup'), (2, 2, 'jar');"
)


@case("files: WAL with rows that are nowhere else")
def wal(p: Project) -> None:
    """Rows in an uncheckpointed WAL count; file and -wal stay byte-identical."""
    p.db("a.db", shop.SCHEMA, shop.A)
    shop.write_wal(p, "b.db", shop.SCHEMA + ROWS_B, "INSERT INTO orders VALUES (3, 1, 'hat');")
    p.run().done()
    shop.check(p, ("cyd", "hat"))
    p.expect("PRAGMA journal_mode", [("delete",)])


@case("files: everything is in the WAL")
def all_in_wal(p: Project) -> None:
    """The database itself looks empty without its -wal."""
    p.db("a.db", shop.SCHEMA, shop.A)
    shop.write_wal(p, "b.db", shop.SCHEMA, ROWS_B, checkpoint=False)
    p.run().done()
    shop.check(p)


@case("files: WAL of the base")
def wal_base(p: Project) -> None:
    """The same for the first source, whose journal mode is that of the target."""
    shop.write_wal(p, "a.db", shop.SCHEMA, ROWS_B, checkpoint=False)
    p.db("b.db", shop.SCHEMA, shop.A)
    p.run().done()
    shop.check(p)
    p.expect("PRAGMA journal_mode", [("wal",)])


@case("files: WAL of a target that exists")
def wal_target(p: Project) -> None:
    """The old target's last rows are in its -wal: they are merged, and no old -wal stays beside."""
    shop.write_wal(p, "app.db", shop.SCHEMA, ROWS_B)
    p.db("a.db", shop.SCHEMA, shop.A)
    p.run("a.db").done()
    shop.check(p)
    p.expect("PRAGMA journal_mode", [("wal",)])


@case("files: a hot journal")
def hot_journal(p: Project) -> None:
    """A crashed writer's half transaction is rolled back in a copy; the original stays."""
    p.db("a.db", shop.SCHEMA, shop.A)
    work = p.scratch / "hot.db"
    p.db(work, shop.SCHEMA, shop.B)
    with p.open(work) as con:
        con.execute("CREATE TABLE fill(id INTEGER PRIMARY KEY, x TEXT)")
        con.executemany("INSERT INTO fill(x) VALUES (?)", [("y" * 900,)] * 200)
        con.executescript("PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN;")
        con.execute("UPDATE users SET email = email || ' half'")
        con.execute("UPDATE fill SET x = 'half' || x")
        for suffix in ("", "-journal"):
            shutil.copy(f"{work}{suffix}", p.root / f"b.db{suffix}")
        con.execute("ROLLBACK")
    result = p.run()
    if result.refused("b.db"):
        return
    result.done()
    shop.check(p)
    p.expect("SELECT count(*) FROM fill WHERE x LIKE 'half%'", [(0,)])
    p.expect("SELECT count(*) FROM fill", [(200,)])


@case("files: empty")
def empty(p: Project) -> None:
    """A zero-byte file is named as skipped or refused; it is never a reason to crash."""
    shop.write(p)
    (p.root / "c.db").touch()
    result = p.run("a.db", "b.db", "c.db")
    if result.refused("c.db"):
        return
    result.done()
    result.names("c.db")
    shop.check(p)


@case("files: an empty file lies in the project")
def empty_found(p: Project) -> None:
    """Without --source a zero-byte file is not preselected."""
    shop.write(p, "data/shop.db", "data/store.db")
    (p.root / "stray.db").touch()
    p.run().done()
    shop.check(p)


@case("files: a database without tables")
def no_tables(p: Project) -> None:
    """A valid header and nothing else adds nothing."""
    shop.write(p)
    p.db("c.db", "PRAGMA user_version = 1;")
    result = p.run("a.db", "b.db", "c.db", args=("--on-conflict", "newest"))
    if result.asked("user_version") or result.refused("c.db"):
        return
    result.done()
    shop.check(p)


@case("files: odd extension, no extension")
def odd_extension(p: Project) -> None:
    """A database is known by its header."""
    shop.write(p, "data/shop", "data/store.backend.dat")
    p.run("data/shop", "data/store.backend.dat").done()
    shop.check(p)


@case("files: a symlink inside the project")
def symlink(p: Project) -> None:
    """The link and its file are one database."""
    shop.write(p)
    (p.root / "link.db").symlink_to("b.db")
    result = p.run("a.db", "b.db", "link.db")
    if result.refused("link.db"):
        return
    result.done()
    shop.check(p)


@case("files: a symlink to a file outside")
def symlink_outside(p: Project) -> None:
    """A chosen link is read through; what it leads to is not touched."""
    shop.write(p, b=p.scratch / "far.db")
    before = (p.scratch / "far.db").read_bytes()
    (p.root / "link.db").symlink_to(p.scratch / "far.db")
    result = p.run("a.db", "link.db")
    if (p.scratch / "far.db").read_bytes() != before:
        raise CaseFailed("the file outside was changed")
    if result.refused("link.db"):
        return
    result.done()
    shop.check(p)


@case("files: symlink loops")
def symlink_loop(p: Project) -> None:
    """A link to itself and a folder that contains itself: found, named at most, no endless walk."""
    shop.write(p, "data/shop.db", "data/store.db")
    (p.root / "loop.db").symlink_to("loop.db")
    (p.root / "data" / "again").symlink_to("..")
    p.run().done()
    shop.check(p)


@case("files: a loop as a source")
def symlink_loop_source(p: Project) -> None:
    """Chosen by name it is refused by name."""
    shop.write(p)
    (p.root / "loop.db").symlink_to("loop.db")
    result = p.run("a.db", "loop.db")
    if result.status == 2:
        result.must_be_bad_usage("loop.db")
        return
    result.must_refuse("loop.db")


@case("files: a hard link")
def hard_link(p: Project) -> None:
    """One inode is one database: its keyless rows are not doubled even when all are appended."""
    p.db("a.db", "CREATE TABLE log(w TEXT);", {"log": [("x",), ("x",)]})
    os.link(p.root / "a.db", p.root / "same.db")
    p.db("b.db", "CREATE TABLE log(w TEXT);", {"log": [("y",)]})
    result = p.run("a.db", "same.db", "b.db", plan='[tables.log]\nidentity = "none"\n')
    if result.refused("same.db"):
        return
    result.done()
    p.expect("SELECT w FROM log", [("x",), ("x",), ("y",)])


@case("files: a FIFO")
def fifo(p: Project) -> None:
    """Never opened: it would wait for ever. Found: passed over; chosen: refused by name."""
    shop.write(p)
    os.mkfifo(p.root / "pipe.db")
    result = p.run("a.db", "pipe.db")
    if result.status == 2:
        result.must_be_bad_usage("pipe.db")
        return
    result.must_refuse("pipe.db")


@case("files: a FIFO lies in the project")
def fifo_found(p: Project) -> None:
    """The walk does not open it."""
    shop.write(p, "data/shop.db", "data/store.db")
    os.mkfifo(p.root / "data" / "pipe.db")
    p.run().done()
    shop.check(p)


@case("files: a directory named .db")
def directory(p: Project) -> None:
    """Chosen by name it is refused by name."""
    shop.write(p)
    (p.root / "folder.db").mkdir()
    result = p.run("a.db", "folder.db")
    if result.status == 2:
        result.must_be_bad_usage("folder.db")
        return
    result.must_refuse("folder.db")


@case("files: 300 files")
def three_hundred(p: Project) -> None:
    """ATTACH takes ten: 300 files go into one anyway."""
    names = []
    for n in range(300):
        names.append(f"node{n:03d}.db")
        p.db(
            names[-1],
            "PRAGMA synchronous = OFF;" + shop.SCHEMA,
            {
                "users": [(1, f"u{n}"), (2, "everybody")],
                "orders": [(1, 1, f"w{n}"), (2, 2, f"e{n}")],
            },
        )
    p.run(*names).done()
    p.expect(
        shop.OWNERS,
        [(f"u{n}", f"w{n}") for n in range(300)] + [("everybody", f"e{n}") for n in range(300)],
    )


@case("files: twelve files with references between conflicts")
def twelve(p: Project) -> None:
    """More than ten files, each with its version of one person: the newest of all twelve."""
    schema = shop.SCHEMA.replace("UNIQUE);", "UNIQUE, name TEXT, updated_at TEXT);", 1)
    order = (3, 7, 1, 12, 5, 9, 2, 11, 4, 8, 6, 10)
    names = [f"n{n:02d}.db" for n in order]
    for n, name in zip(order, names, strict=True):
        p.db(
            name,
            schema,
            {"users": [(n, "ann", f"v{n}", f"2024-{n:02d}-01")], "orders": [(1, n, f"w{n}")]},
        )
    p.run(*names).done()
    p.expect("SELECT email, name FROM users", [("ann", "v12")])
    p.expect(shop.OWNERS, [("ann", f"w{n}") for n in order])


@case("files: an old backup folder in the project")
def backup_folder(p: Project) -> None:
    """Only application data is preselected: what was deleted since the backup does not return."""
    shop.write(p, "data/shop.db", "data/store.db")
    old: Rows = {"users": [(1, "ann"), (9, "zed")], "orders": [(1, 1, "pen"), (9, 9, "old")]}
    p.db("backup_2023-01-01/shop.db", shop.SCHEMA, old)
    p.db("data/shop.db.bak", shop.SCHEMA, old)
    result = p.run()
    result.done()
    shop.check(p)
    result.names("backup_2023-01-01", "shop.db.bak")


@case("files: exact copies")
def copies(p: Project) -> None:
    """Equal files are merged once: nothing is doubled, twins of one file stay twins."""
    p.db("a.db", shop.SCHEMA + "CREATE TABLE log(w);", shop.A | {"log": [("x",), ("x",)]})
    shutil.copy(p.root / "a.db", p.root / "b.db")
    shutil.copy(p.root / "a.db", p.root / "c.db")
    p.run("a.db", "b.db", "c.db").done()
    shop.check(p, only_a=True)
    p.expect("SELECT w FROM log", [("x",), ("x",)])


@case("files: somebody is in the middle of a write")
def locked(p: Project) -> None:
    """An exclusive lock that stays: refused by name, in good time."""
    shop.write(p)
    result = _while_held(p, "BEGIN EXCLUSIVE; INSERT INTO users VALUES (50, 'half');")
    result.must_refuse("b.db")
    if result.finished.seconds > 60:
        raise CaseFailed(f"it waited {result.finished.seconds:.0f} s")


@case("files: somebody writes in WAL mode")
def wal_writer(p: Project) -> None:
    """An open transaction of a WAL database does not hinder readers: committed rows are merged."""
    shop.write(p)
    with p.open("b.db") as con:
        con.execute("PRAGMA journal_mode = WAL")
    result = _while_held(
        p,
        "INSERT INTO users VALUES (51, 'dan'); BEGIN IMMEDIATE;"
        " INSERT INTO users VALUES (50, 'half');",
    )
    if result.refused("b.db"):
        return
    result.done()
    shop.check(p, ("dan", None))


HOLDER = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2].split(';')[:-1]:
    con.execute(statement)
print('ready', flush=True)
sys.stdin.read()
"""


def _while_held(p: Project, script: str) -> Result:
    """Run while another process has run `script` on b.db and keeps its connection."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(p.root / "b.db"), script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        result = p.run()
        holder.kill()
    return result
