"""A question says which plan lines would settle it: with them the run must end well."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

from .lib import CaseFailed, Project, Result
from .registry import case

_CHOICE = re.compile(r'^(keep = )""  # ("(?:[^"\\]|\\.)*")', re.MULTILINE)


def settle(p: Project, *names: str, without: Iterable[str] = ()) -> Result:
    """Run, read the suggested lines out of the questions, run again with just these lines."""
    first = p.run()
    first.must_ask(*names)
    lines = first.fixes()
    if not lines:
        raise first.fail("no question suggests plan lines")
    plan = "\n".join(dict.fromkeys(lines)) + "\n"
    if not any(line.strip() and not line.startswith("#") for line in plan.splitlines()):
        # Lines that hold values of rows are not printed: a private file of the run has them.
        files = sorted(p.root.glob(".consolidator/runs/*/questions.toml"))
        if not files or files[-1].name not in plan:
            raise first.fail("the suggestion is no plan line and names no file")
        plan = files[-1].read_text(encoding="utf-8")
        # They decide nothing by themselves: take the first that each offers.
        plan = _CHOICE.sub(r"\g<1>\g<2>  #", plan)
    try:
        tomllib.loads(plan)
    except tomllib.TOMLDecodeError as error:
        raise CaseFailed(f"the suggested lines are no TOML ({error}): {plan[:400]}") from error
    second = p.run(plan=plan)
    if second.status != 0:
        raise second.fail(f"with the suggested lines it must consolidate: {plan[:300]!r}")
    second.done(without=without)
    return second


USERS = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT{});"


@case("suggestions: conflicts")
def conflicts(p: Project) -> None:
    """Two people disagree and nothing decides: the lines settle both of them."""
    p.both(
        USERS.format(""),
        {"users": [(1, "ann", "A"), (2, "bob", "B"), (3, "cyd", "C")]},
        {"users": [(1, "bob", "BB"), (2, "ann", "AA"), (3, "cyd", "C")]},
    )
    settle(p, "users", "name")
    p.expect("SELECT email FROM users", [("ann",), ("bob",), ("cyd",)])


@case("suggestions: conflicts in names that need quoting")
def conflicts_quoted(p: Project) -> None:
    """Table, column and key hold quotes, dots and newlines: the lines are still TOML."""
    p.both(
        'CREATE TABLE "a.b ""c"(id INTEGER PRIMARY KEY, "k y" TEXT NOT NULL UNIQUE, v TEXT);',
        {'a.b "c': [(1, 'q"\n\\', "1")]},
        {'a.b "c': [(1, 'q"\n\\', "2")]},
    )
    settle(p, "a.b")
    p.expect('SELECT "k y" FROM "a.b ""c"', [('q"\n\\',)])


@case("suggestions: an undeclared reference")
def undeclared(p: Project) -> None:
    """If it asks, its lines say how to follow; the first run may also be right without."""
    rows = [(n, n, f"t{n}") for n in range(1, 21)]
    p.both(
        USERS.format("") + "CREATE TABLE task(id INTEGER PRIMARY KEY, assignee INTEGER, t TEXT);",
        {"users": [(n, f"a{n}", None) for n in range(1, 21)], "task": rows},
        {"users": [(n, f"b{n}", None) for n in range(1, 21)], "task": rows},
    )
    if p.run().status == 3:
        settle(p, "task", "assignee")
    p.expect(
        "SELECT u.email, t.t FROM task t LEFT JOIN users u ON u.id = t.assignee",
        [(f"{f}{n}", f"t{n}") for f in "ab" for n in range(1, 21)],
    )


@case("suggestions: NOT NULL that nobody can fill")
def not_null(p: Project) -> None:
    """The lines give a default; with them every row is there."""
    p.db("a.db", USERS.format(", phone TEXT NOT NULL"), {"users": [(1, "ann", "A", "1")]})
    p.db("b.db", USERS.format(""), {"users": [(1, "bob", "B"), (2, "cyd", "C")]})
    settle(p, "users", "phone")
    p.expect("SELECT email FROM users", [("ann",), ("bob",), ("cyd",)])
    p.expect("SELECT phone FROM users WHERE email = 'ann'", [("1",)])


@case("suggestions: two meanings of one table name")
def two_meanings(p: Project) -> None:
    """The lines give one of them another name; both are there."""
    p.db(
        "a.db",
        "CREATE TABLE items(id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE, price REAL);",
        {"items": [(1, "s1", 1.5)]},
    )
    p.db(
        "b.db",
        "CREATE TABLE items(id INTEGER PRIMARY KEY, title TEXT, done INTEGER, due TEXT);",
        {"items": [(1, "wash", 0, "mon")]},
    )
    settle(p, "items")
    p.expect("SELECT sku, price FROM items", [("s1", 1.5)])
    tables = [r[0] for r in p.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    others = [name for name in tables if "title" in p.columns(name)]
    if len(others) != 1:
        raise CaseFailed(f"the other items are in {others}")


@case("suggestions: a second UNIQUE key that is taken")
def second_key(p: Project) -> None:
    """Two admins under one username: the lines settle it without losing either person's orders."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE,"
        " username TEXT NOT NULL UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {"users": [(1, "admin@a", "admin")], "orders": [(1, 1, "pen")]},
        {"users": [(1, "admin@b", "admin")], "orders": [(1, 1, "cup")]},
    )
    settle(p, "users")
    p.expect("SELECT w FROM orders o JOIN users u ON u.id = o.user_id", [("pen",), ("cup",)])


@case("suggestions: a retyped column")
def retyped(p: Project) -> None:
    """If a retyped column is asked about, the lines settle it and keep '00123'."""
    p.db(
        "a.db",
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zip INTEGER);",
        {"place": [(1, "x", 12345)]},
    )
    p.db(
        "b.db",
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zip TEXT);",
        {"place": [(1, "z", "00123")]},
    )
    if p.run().status == 3:
        settle(p, "place", "zip")
    p.expect("SELECT zip FROM place WHERE name = 'z'", [("00123",)])
