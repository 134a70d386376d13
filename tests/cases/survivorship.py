"""Which version wins: times in all their forms."""

from __future__ import annotations

from typing import Any

from .lib import Project
from .registry import case

SCHEMA = (
    "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,"
    " updated_at {});"
)
NAMES = "SELECT email, name FROM users"


def _versions(p: Project, *pairs: tuple[Any, Any], kind: str = "") -> list[str]:
    """Person n has the time pairs[n][0] in a.db and pairs[n][1] in b.db; returns the e-mails."""
    emails = [f"u{n}@x" for n in range(len(pairs))]
    rows_a = [(n, f"u{n - 1}@x", "from a", pairs[n - 1][0]) for n in range(1, len(pairs) + 1)]
    rows_b = [(n + 7, f"u{n - 1}@x", "from b", pairs[n - 1][1]) for n in range(1, len(pairs) + 1)]
    p.both(SCHEMA.format(kind), {"users": rows_a}, {"users": rows_b})
    return emails


def _newest(p: Project, winners: str, *pairs: tuple[Any, Any], kind: str = "") -> None:
    """Run; person n must be the version of file winners[n]."""
    emails = _versions(p, *pairs, kind=kind)
    p.run().done()
    p.expect(NAMES, [(e, f"from {w}") for e, w in zip(emails, winners, strict=True)])


@case("survivorship: newest, once the base, once the other")
def newest(p: Project) -> None:
    """Default rule: newest by the recognised time column."""
    _newest(
        p,
        "ab",
        ("2024-02-01 10:00:00", "2024-01-01 10:00:00"),
        ("2024-01-01 10:00:00", "2024-02-01 10:00:00"),
        kind="TEXT",
    )


@case("survivorship: ISO with and without zone")
def zones(p: Project) -> None:
    """Without a zone means UTC; offsets count; text order would say the opposite each time."""
    _newest(
        p,
        "babab",
        ("2024-01-02T00:30:00+02:00", "2024-01-01T23:00:00Z"),
        ("2024-01-01T23:00:00", "2024-01-02T00:30:00+02:00"),
        ("2024-01-01T10:00:00-05:00", "2024-01-01T15:00:01Z"),
        ("2024-03-01T00:00:00.000001Z", "2024-03-01T00:00:00Z"),
        ("2024-03-01", "2024-03-01T00:00:01Z"),
        kind="TEXT",
    )


@case("survivorship: a blank or a T, fractions, no seconds")
def iso_forms(p: Project) -> None:
    """Text order of ' ' and 'T' means nothing; the moments decide."""
    _newest(
        p,
        "abab",
        ("2024-01-01 12:00:00", "2024-01-01T09:00:00"),
        ("2024-01-01T09:00:00", "2024-01-01 12:00:00"),
        ("2024-01-01 12:00:00.250", "2024-01-01 12:00:00"),
        ("2024-01-01 12:00", "2024-01-01 12:00:30"),
        kind="TEXT",
    )


@case("survivorship: epoch seconds, milliseconds, microseconds")
def epochs(p: Project) -> None:
    """From 1e11 milliseconds, from 1e14 microseconds: 1700000000 is after 1600000000000 ms."""
    _newest(
        p,
        "abab",
        (1700000000, 1600000000000),
        (1600000000000000, 1700000000),
        (1700000001000, 1700000000),
        (1700000000.25, 1700000000.75),
        kind="",
    )


@case("survivorship: epoch numbers as text")
def epoch_text(p: Project) -> None:
    """'999999999' is before '1700000000' although its text is greater."""
    _newest(
        p,
        "bab",
        ("999999999", "1700000000"),
        ("1700000000", "999999999"),
        ("1600000000000", "1700000000"),
        kind="TEXT",
    )


@case("survivorship: ISO against epoch")
def mixed_forms(p: Project) -> None:
    """Different formats in one column are compared as moments, never as texts."""
    _newest(
        p,
        "abba",
        ("2024-01-01T00:00:00Z", 1600000000),
        ("2015-01-01T00:00:00Z", 1600000000),
        (1600000000000, "2024-01-01"),
        (1710000000, "2024-01-01"),
    )


@case("survivorship: NULL is oldest")
def null_oldest(p: Project) -> None:
    """A version without a time loses against one that has one, however old."""
    _newest(p, "ab", ("1971-01-01", None), (None, "1971-01-01"), kind="TEXT")


@case("survivorship: what is no time is oldest, and named")
def not_a_time(p: Project) -> None:
    """'yesterday' and '' lose against a time; messages name table and column."""
    emails = _versions(
        p, ("yesterday", "2020-01-01"), ("2020-01-01", "n/a"), ("", "1990-01-01"), kind="TEXT"
    )
    result = p.run()
    result.done()
    p.expect(NAMES, [(e, f"from {w}") for e, w in zip(emails, "bab", strict=True)])
    result.names("users", "updated_at")


@case("survivorship: a tie stays undecided")
def tie(p: Project) -> None:
    """Equal times, other values, no further rule: asked, naming the table."""
    _versions(p, ("2024-01-01", "2024-01-01"), ("2024-01-01", "2024-02-01"), kind="TEXT")
    p.run().must_ask("users")


@case("survivorship: a tie of equal moments in other forms")
def tie_of_forms(p: Project) -> None:
    """12:00+02:00 and 10:00Z are the same moment: a tie, whatever the text order says."""
    _versions(p, ("2024-01-01T12:00:00+02:00", "2024-01-01T10:00:00Z"), kind="TEXT")
    p.run().must_ask("users")


@case("survivorship: both NULL stays undecided")
def both_null(p: Project) -> None:
    """Two versions without any time are a tie."""
    _versions(p, (None, None), kind="TEXT")
    p.run().must_ask("users")


@case("survivorship: a tie goes to the next rule")
def tie_next_rule(p: Project) -> None:
    """newest,base: ties fall to the first source, the rest is decided by time."""
    emails = _versions(
        p, ("2024-01-01", "2024-01-01"), ("2024-01-01", "2024-02-01"), (None, None), kind="TEXT"
    )
    p.run(args=("--on-conflict", "newest,base")).done()
    p.expect(NAMES, [(e, f"from {w}") for e, w in zip(emails, "aba", strict=True)])


@case("survivorship: no time column")
def no_time(p: Project) -> None:
    """Nothing can be newest: asked, naming the table; rows that agree are no conflict."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT);",
        {"users": [(1, "ann", "Ann"), (2, "bob", "Bob")]},
        {"users": [(1, "ann", "Ann"), (2, "bob", "Bobby")]},
    )
    p.run().must_ask("users")


@case("survivorship: a time column of another name, in the plan")
def named_column(p: Project) -> None:
    """[tables.users] newest = "seen": the plan says which column is the time."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name, seen);",
        {"users": [(1, "ann", "a", "2024-01-01"), (2, "bob", "a", "2024-05-05")]},
        {"users": [(1, "ann", "b", "2024-01-02"), (2, "bob", "b", "2024-05-04")]},
    )
    p.run(plan='[tables.users]\nnewest = "seen"\n').done()
    p.expect(NAMES, [("ann", "b"), ("bob", "a")])


@case("survivorship: only the times differ")
def only_time_differs(p: Project) -> None:
    """A conflict like any other: the newest row is there, once."""
    p.both(
        SCHEMA.format("TEXT"),
        {"users": [(1, "ann", "Ann", "2024-01-01")]},
        {"users": [(5, "ann", "Ann", "2024-01-02")]},
    )
    p.run().done()
    p.expect("SELECT email, name, updated_at FROM users", [("ann", "Ann", "2024-01-02")])


@case("survivorship: three versions in three files")
def three_versions(p: Project) -> None:
    """One group of three: the newest of all wins, wherever it is; one row stays."""
    times = {"a": (3, 1, 2, 2), "b": (1, 3, 1, 2), "c": (2, 2, 3, 3)}
    for name, order in times.items():
        rows = [(n + 1, f"u{n}", f"from {name}", f"2024-0{m}-01") for n, m in enumerate(order)]
        p.db(f"{name}.db", SCHEMA.format("TEXT"), {"users": rows})
    p.run().done()
    p.expect(NAMES, [("u0", "from a"), ("u1", "from b"), ("u2", "from c"), ("u3", "from c")])


@case("survivorship: three versions, two of them equal")
def three_two_equal(p: Project) -> None:
    """Equal versions are one; the newest of what is left wins, ties of equal rows are no ties."""
    rows = {"a": ("old", "2024-01-01"), "b": ("new", "2024-02-01"), "c": ("new", "2024-02-01")}
    for name, (value, time) in rows.items():
        p.db(f"{name}.db", SCHEMA.format("TEXT"), {"users": [(1, "ann", value, time)]})
    p.run().done()
    p.expect(NAMES, [("ann", "new")])


@case("survivorship: three versions, the newest two tie")
def three_tie(p: Project) -> None:
    """The oldest loses, the two newest tie: undecided."""
    rows = {"a": ("x", "2024-01-01"), "b": ("y", "2024-02-01"), "c": ("z", "2024-02-01")}
    for name, (value, time) in rows.items():
        p.db(f"{name}.db", SCHEMA.format("TEXT"), {"users": [(1, "ann", value, time)]})
    p.run().must_ask("users")
