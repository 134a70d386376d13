"""Tables of migration tools: one history is kept, the rows of the others are counted."""

from __future__ import annotations

from pathlib import Path

from .drift_schema import ALL, ANN_BOB, CYD_ANN, PEOPLE
from .lib import Project, Result
from .registry import case


@case("drift: alembic_version with two heads")
def alembic(p: Project) -> None:
    """Not united row by row: one head stays, and the difference is shown or asked."""
    schema = PEOPLE + "CREATE TABLE alembic_version(version_num VARCHAR(32) NOT NULL PRIMARY KEY);"
    p.both(
        schema,
        {"users": ANN_BOB, "alembic_version": [("aaa111",)]},
        {"users": CYD_ANN, "alembic_version": [("bbb222",)]},
    )
    result = p.run()
    if result.asked("alembic_version"):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect_any("SELECT version_num FROM alembic_version", [("aaa111",)], [("bbb222",)])
    result.names("alembic_version", "aaa111", "bbb222")
    _history(result, "alembic_version", base=1, duplicate=0, conflict=1)


def _history(result: Result, table: str, *, base: int, duplicate: int, conflict: int) -> None:
    """What became of the rows of all files, where one file's history is kept."""
    wanted = {"base": base, "new": 0, "duplicate": duplicate, "conflict": conflict}
    found = {key: count for key, count in result.counts(table).items() if key in wanted}
    if found != wanted:
        raise result.fail(f"{table} is counted as {found}")


@case("drift: alembic_version, the same head")
def alembic_same(p: Project) -> None:
    """Equal heads are no question; there is one row."""
    schema = PEOPLE + "CREATE TABLE alembic_version(version_num VARCHAR(32) NOT NULL);"
    p.both(
        schema,
        {"users": ANN_BOB, "alembic_version": [("aaa111",)]},
        {"users": CYD_ANN, "alembic_version": [("aaa111",)]},
    )
    result = p.run()
    result.done()
    p.expect("SELECT version_num FROM alembic_version", [("aaa111",)])
    p.expect("SELECT email FROM users", ALL)
    _history(result, "alembic_version", base=1, duplicate=1, conflict=0)


DJANGO = (
    "CREATE TABLE django_migrations(id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,"
    " app VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, applied DATETIME NOT NULL);"
)


@case("drift: django_migrations")
def django(p: Project) -> None:
    """The same migrations at other times are not doubled: the base's rows stay."""
    rows_a = [(1, "auth", "0001", "2024-01-01"), (2, "auth", "0002", "2024-01-01")]
    rows_b = [(1, "auth", "0001", "2024-02-02"), (2, "auth", "0002", "2024-02-02")]
    p.both(
        PEOPLE + DJANGO,
        {"users": ANN_BOB, "django_migrations": rows_a},
        {"users": CYD_ANN, "django_migrations": rows_b},
    )
    result = p.run()
    if result.asked("django_migrations"):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT app, name FROM django_migrations", [("auth", "0001"), ("auth", "0002")])
    _history(result, "django_migrations", base=2, duplicate=2, conflict=0)


@case("drift: django_migrations with other heads")
def django_heads(p: Project) -> None:
    """Of other apps, under the same names: not united silently; shown or asked."""
    rows_a = [(1, "auth", "0001", "2024-01-01"), (2, "blog", "0001", "2024")]
    rows_b = [(1, "auth", "0001", "2024-02-02"), (2, "shop", "0001", "2024")]
    p.both(
        PEOPLE + DJANGO,
        {"users": ANN_BOB, "django_migrations": rows_a},
        {"users": CYD_ANN, "django_migrations": rows_b},
    )
    result = p.run()
    if result.asked("django_migrations"):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT count(*) FROM django_migrations WHERE app = 'auth'", [(1,)])
    result.names("django_migrations", "blog.0001", "shop.0001")
    _history(result, "django_migrations", base=2, duplicate=1, conflict=1)


@case("drift: migration histories of four files, two of them copies")
def histories(p: Project) -> None:
    """A number and a text that spells it are one migration; rows without a name are compared
    whole; every row of every file is counted, and the receipt has it per file."""
    schema = (
        PEOPLE + "CREATE TABLE schema_migrations(version %s PRIMARY KEY) WITHOUT ROWID;"
        "CREATE TABLE _yoyo_version(stamp, said TEXT);"
    )
    p.db(
        "a.db",
        schema % "TEXT",
        {
            "users": ANN_BOB,
            "schema_migrations": [("20240101",), ("20240102",)],
            "_yoyo_version": [(1, "a"), (None, "b")],
        },
    )
    p.db(
        "b.db",
        schema % "INTEGER",
        {
            "users": CYD_ANN,
            "schema_migrations": [(20240101,), (20250101,), (20250102,)],
            "_yoyo_version": [(None, "b"), (1.0, "a")],
        },
    )
    for copy, original in (("c.db", "b.db"), ("d.db", "a.db")):
        (p.root / copy).write_bytes((p.root / original).read_bytes())
    result = p.run("a.db", "b.db", "c.db", "d.db")
    result.done()
    _history(result, "schema_migrations", base=2, duplicate=4, conflict=4)
    _history(result, "_yoyo_version", base=2, duplicate=4, conflict=2)
    result.names("20250101", "20240102", "_yoyo_version")
    receipt = Path(result.last["report"]).read_text()
    for line in ("schema\\_migrations | 2 | 3 | 3 | 2 |", "users | 2 | 2 | 2 | 2 |"):
        if line not in receipt:
            raise result.fail(f"the receipt does not say: {line}")
