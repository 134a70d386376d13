"""Databases as real frameworks and well-known samples make them, and copies of them.

Django and SQLAlchemy make their own schemas here; the shops follow the shape of the samples that
every SQL course uses; all rows are made up.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.sample.writer import write_sample

_DJANGO = """
import sys
from django.conf import settings
apps = ["admin", "auth", "contenttypes", "messages", "sessions"]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib." + app for app in apps], SECRET_KEY="x", USE_TZ=True,
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
staff, readers = (Group.objects.create(name=name) for name in ("staff", "readers"))
staff.permissions.set(Permission.objects.filter(codename__startswith="change"))
kind = ContentType.objects.get_for_model(User)
for number in range(12):
    user = User.objects.create_user(f"user{number}", f"user{number}@example.org", "secret")
    user.groups.add(readers if number % 3 else staff)
    LogEntry.objects.create(user=user, content_type=kind, object_id=str(user.pk),
                            object_repr=str(user), action_flag=1, change_message="[]")
    session = SessionStore()
    session["number"] = number
    session.create()
"""

_BLOG = """
import sys
from sqlalchemy import Column, ForeignKey, String, Table, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
class Base(DeclarativeBase):
    pass
tagged = Table("tagged", Base.metadata, Column("post_id", ForeignKey("post.id"), primary_key=True),
               Column("tag_id", ForeignKey("tag.id"), primary_key=True))
class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(80), unique=True, index=True)
class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    title: Mapped[str]
    tags: Mapped[list[Tag]] = relationship(secondary=tagged)
class Comment(Base):
    __tablename__ = "comment"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"))
    text: Mapped[str]
engine = create_engine("sqlite:///" + sys.argv[1])
Base.metadata.create_all(engine)
with Session(engine) as session:
    tags = [Tag(name=name) for name in ("sql", "python", "tea")]
    session.add_all([*tags, *[Author(email=f"a{n}@example.org") for n in range(5)]])
    session.flush()
    for n in range(15):
        session.add(Post(id=n + 1, author_id=n % 5 + 1, title=f"Post {n}", tags=tags[: n % 4]))
    session.flush()
    for n in range(40):
        session.add(Comment(post_id=n % 15 + 1, answers_id=n // 2 or None, text=f"No {n % 7}"))
        session.flush()
    session.commit()
"""

_MUSIC = """
CREATE TABLE Artist(ArtistId INTEGER PRIMARY KEY NOT NULL, Name NVARCHAR(120));
CREATE TABLE Album(AlbumId INTEGER PRIMARY KEY NOT NULL, Title NVARCHAR(160) NOT NULL,
    ArtistId INTEGER NOT NULL, FOREIGN KEY (ArtistId) REFERENCES Artist(ArtistId));
CREATE TABLE Track(TrackId INTEGER PRIMARY KEY NOT NULL, Name NVARCHAR(200) NOT NULL,
    AlbumId INTEGER REFERENCES Album(AlbumId), Milliseconds INTEGER, UnitPrice NUMERIC(10,2));
CREATE TABLE Playlist(PlaylistId INTEGER PRIMARY KEY NOT NULL, Name NVARCHAR(120));
CREATE TABLE PlaylistTrack(PlaylistId INTEGER NOT NULL REFERENCES Playlist(PlaylistId),
    TrackId INTEGER NOT NULL REFERENCES Track(TrackId),
    CONSTRAINT PK_PlaylistTrack PRIMARY KEY (PlaylistId, TrackId));
CREATE TABLE Employee(EmployeeId INTEGER PRIMARY KEY NOT NULL, LastName NVARCHAR(20) NOT NULL,
    ReportsTo INTEGER REFERENCES Employee(EmployeeId), HireDate DATETIME);
CREATE TABLE Customer(CustomerId INTEGER PRIMARY KEY NOT NULL, Email NVARCHAR(60) NOT NULL,
    SupportRepId INTEGER REFERENCES Employee(EmployeeId));
CREATE TABLE Invoice(InvoiceId INTEGER PRIMARY KEY NOT NULL, InvoiceDate DATETIME NOT NULL,
    CustomerId INTEGER NOT NULL REFERENCES Customer(CustomerId), Total NUMERIC(10,2) NOT NULL);
CREATE TABLE InvoiceLine(InvoiceLineId INTEGER PRIMARY KEY NOT NULL,
    InvoiceId INTEGER NOT NULL REFERENCES Invoice(InvoiceId),
    TrackId INTEGER NOT NULL REFERENCES Track(TrackId), Quantity INTEGER NOT NULL);
CREATE INDEX IFK_AlbumArtistId ON Album(ArtistId);
CREATE INDEX IFK_InvoiceLineTrackId ON InvoiceLine(TrackId);
"""

_TRADE = """
CREATE TABLE Categories(CategoryID INTEGER PRIMARY KEY AUTOINCREMENT, CategoryName TEXT,
    Picture BLOB);
CREATE TABLE Customers(CustomerID TEXT, CompanyName TEXT, PRIMARY KEY(CustomerID));
CREATE TABLE Products(ProductID INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    ProductName TEXT NOT NULL, CategoryID INTEGER,
    UnitPrice NUMERIC DEFAULT 0 CHECK (UnitPrice >= 0),
    FOREIGN KEY(CategoryID) REFERENCES Categories(CategoryID));
CREATE TABLE Orders(OrderID INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, CustomerID TEXT
    REFERENCES Customers(CustomerID), OrderDate DATETIME);
CREATE TABLE "Order Details"(OrderID INTEGER NOT NULL REFERENCES Orders(OrderID),
    ProductID INTEGER NOT NULL REFERENCES Products(ProductID), Quantity INTEGER NOT NULL DEFAULT 1,
    Discount REAL NOT NULL DEFAULT 0, PRIMARY KEY(OrderID, ProductID));
CREATE VIEW "Products by Category" AS SELECT c.CategoryName, p.ProductName
    FROM Categories c JOIN Products p ON p.CategoryID = c.CategoryID;
"""

_NOTES = """
CREATE TABLE alembic_version(version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE notebook(id TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE note(id INTEGER PRIMARY KEY, notebook_id TEXT NOT NULL REFERENCES notebook(id),
    body TEXT NOT NULL, length INTEGER GENERATED ALWAYS AS (length(body)) STORED) STRICT;
CREATE VIRTUAL TABLE note_text USING fts5(body, content='note', content_rowid='id');
CREATE TRIGGER note_new AFTER INSERT ON note BEGIN
    INSERT INTO note_text(rowid, body) VALUES (new.id, new.body); END;
CREATE TABLE setting(key TEXT NOT NULL, value, UNIQUE(key COLLATE NOCASE));
"""


def _python(code: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)

    return make


def _fill(path: Path, script: str, rows: dict[str, Iterable[tuple[object, ...]]]) -> None:
    with closing(sqlite3.connect(path)) as con, con:
        con.executescript(script)
        for table, values in rows.items():
            for row in values:
                con.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _music(path: Path) -> None:
    _fill(
        path,
        _MUSIC,
        {
            "Artist": [(n, f"Artist {n % 9}") for n in range(1, 12)],
            "Album": [(n, f"Album {n % 13}", n % 11 + 1) for n in range(1, 31)],
            "Track": [(n, f"Song {n % 40}", n % 30 + 1, n * 997, 0.99) for n in range(1, 121)],
            "Playlist": [(1, "Music"), (2, "Quiet"), (3, "Music")],
            "PlaylistTrack": [(p, t) for p in (1, 2, 3) for t in range(p, 121, p * 5)],
            "Employee": [(n, f"E{n}", n // 2 or None, f"200{n}-01-01") for n in range(1, 9)],
            "Customer": [(n, f"c{n}@example.org", n % 8 + 1) for n in range(1, 25)],
            "Invoice": [(n, f"2011-{n % 12 + 1:02d}-01", n % 24 + 1, 1.98) for n in range(1, 61)],
            "InvoiceLine": [(n, n % 60 + 1, n % 120 + 1, 1) for n in range(1, 200)],
        },
    )


def _trade(path: Path) -> None:
    _fill(
        path,
        _TRADE,
        {
            "Categories": [(n, f"Kind {n}", bytes([n]) * 50) for n in range(1, 9)],
            "Customers": [(f"CUS{n:02d}", f"Company {n}") for n in range(20)],
            "Products": [(n, f"Product {n}", n % 8 + 1, n * 1.5) for n in range(1, 41)],
            "Orders": [(10_247 + n, f"CUS{n % 20:02d}", f"2016-07-{n % 28 + 1:02d}")
                       for n in range(1, 51)],
            '"Order Details"': [(10_247 + n, p, n % 9 + 1, 0.05 * (p % 3))
                                for n in range(1, 51) for p in (n % 40 + 1, (n + 7) % 40 + 1)],
        },
    )  # fmt: skip


def _notes(path: Path) -> None:
    _fill(
        path,
        _NOTES,
        {
            "alembic_version": [("1975ea83b712",)],
            "notebook": [(f"{n:032x}", f"Book {n}") for n in range(6)],
            "setting": [("Theme", "dark"), ("zoom", 1.25), ("last", None)],
        },
    )
    with closing(sqlite3.connect(path)) as con, con:
        for n in range(1, 31):
            con.execute(
                "INSERT INTO note(id, notebook_id, body) VALUES (?, ?, ?)",
                (n, f"{n % 6:032x}", f"Buy {('milk', 'tea', 'bread')[n % 3]} {n // 2}"),
            )


def _sample(path: Path) -> None:
    folder = path.parent / "sample"
    write_sample(folder)
    shutil.copyfile(folder / "backend" / "app.db", path)


@dataclass(frozen=True, slots=True)
class RealDatabase:
    """How one database is made."""

    name: str
    make: Callable[[Path], None]
    undeclared: tuple[tuple[str, str, str], ...] = ()
    """(table, column, parent) of references that the schema does not declare."""


REAL_DATABASES = (
    # All log entries are about users.
    RealDatabase("django", _python(_DJANGO), (("django_admin_log", "object_id", "auth_user"),)),
    RealDatabase("sqlalchemy blog", _python(_BLOG)),
    RealDatabase("music shop", _music),
    RealDatabase("trading company", _trade),
    RealDatabase("notes with full text", _notes),
    RealDatabase(
        "the sample's web application",
        _sample,
        (
            ("transactions", "user_id", "users"),
            ("transactions", "prompt_id", "prompts"),
            ("uploads", "user_id", "users"),
        ),
    ),
)


def vacuumed(path: Path, copy: Path) -> None:
    """The same rows in a file of other bytes."""
    with closing(sqlite3.connect(path)) as con:
        con.execute("VACUUM INTO ?", (str(copy),))


def given_other_ids(path: Path, copy: Path, undeclared: tuple[tuple[str, str, str], ...]) -> None:
    """The same rows, each surrogate key moved by a number of its own table; references follow."""
    shutil.copyfile(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as con:
        con.execute("BEGIN")
        triggers = con.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        kept = triggers.fetchall()
        for name, _ in kept:
            con.execute(f'DROP TRIGGER "{name}"')
        moves = _moves(con)
        for table, (column, move) in moves.items():
            con.execute(f'UPDATE "{table}" SET "{column}" = -"{column}" - {move}')
            con.execute(f'UPDATE "{table}" SET "{column}" = -"{column}"')
        for table, column, parent in [*_declared(con), *undeclared]:
            if parent in moves:
                con.execute(f'UPDATE "{table}" SET "{column}" = "{column}" + {moves[parent][1]}')
        for _, sql in kept:
            con.execute(sql)
        for (name,) in con.execute(
            "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%content=%'"
        ).fetchall():
            con.execute(f"INSERT INTO {name}({name}) VALUES ('rebuild')")
        assert con.execute("PRAGMA foreign_key_check").fetchall() == []
        con.execute("COMMIT")


def _moves(con: sqlite3.Connection) -> dict[str, tuple[str, int]]:
    """Per table with a lone integer key: the key column, and by how much its ids move."""
    found = {}
    tables = (
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT wr"
    )
    for number, (table,) in enumerate(con.execute(tables).fetchall(), 1):
        keys = con.execute(
            "SELECT name, type FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,)
        ).fetchall()
        if len(keys) == 1 and keys[0][1].upper() == "INTEGER":
            found[table] = (keys[0][0], 1_000 * number + number)
    return found


def _declared(con: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """(table, column, parent) of every declared reference to an integer key."""
    rows = con.execute(
        'SELECT m.name, f."from", f."table" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f'
        " WHERE m.type = 'table'"
    )
    return [(table, column, parent) for table, column, parent in rows]
