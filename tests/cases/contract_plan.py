"""The plan as a document: what is refused, what it replaces, that it repeats."""

from __future__ import annotations

import tomllib

from . import shop
from .lib import CaseFailed, Project
from .registry import case


def _bad_plan(p: Project, plan: str, *names: str) -> None:
    shop.write(p)
    p.run(plan=plan).must_be_bad_usage(*names)


@case("contract: a plan with an unknown key")
def plan_unknown_key(p: Project) -> None:
    """Refused with line and reason."""
    _bad_plan(p, 'on_conflict = ["newest"]\ncolour = "red"\n', "colour", "2")


@case("contract: a plan with an unknown table")
def plan_unknown_table(p: Project) -> None:
    """Refused by name."""
    _bad_plan(p, '[tables.customers]\nidentity = ["email"]\n', "customers")


@case("contract: a plan with an unknown column")
def plan_unknown_column(p: Project) -> None:
    """Refused by name."""
    _bad_plan(p, '[tables.users]\nidentity = ["mail"]\n', "mail")


@case("contract: a plan that is no TOML")
def plan_broken(p: Project) -> None:
    """Refused with the line."""
    _bad_plan(p, '[tables.users\nidentity = "key"\n')


@case("contract: a plan that names its own target and sources")
def plan_sources(p: Project) -> None:
    """What the plan says needs no flags."""
    shop.write(p)
    (p.scratch / "plan.toml").write_text('target = "app.db"\nsources = ["a.db", "b.db"]\n')
    p.command(
        ["run", str(p.root), "--plan", str(p.scratch / "plan.toml"), "--yes", "--json"],
        ("a.db", "b.db"),
    ).done()
    shop.check(p)


@case("contract: a plan in the project, named from there")
def plan_inside(p: Project) -> None:
    """Paths are relative to PROJECT where nothing is at the place that a shell means."""
    shop.write(p)
    (p.root / "my plan.toml").write_text('target = "app.db"\nsources = ["a.db", "b.db"]\n')
    p.command(["run", str(p.root), "--plan", "my plan.toml", "--yes", "--json"]).done()
    shop.check(p)


@case("contract: the automatic plan is a plan")
def plan_round_trip(p: Project) -> None:
    """`plan` prints TOML; running with it gives the same."""
    shop.write(p)
    printed = p.tool(
        "plan", str(p.root), "--target", "app.db", "--source", "a.db", "--source", "b.db"
    )
    if printed.status != 0:
        raise CaseFailed(f"plan: exit {printed.status}: {printed.stderr[-300:]}")
    try:
        tomllib.loads(printed.stdout)
    except tomllib.TOMLDecodeError as error:
        raise CaseFailed(f"plan prints no TOML: {error}") from error
    p.run(plan=printed.stdout).done()
    shop.check(p)


@case("contract: the automatic plan of an odd schema")
def plan_of_odd_schema(p: Project) -> None:
    """Generated columns that a VACUUM stumbles over, and names without a letter, are planned."""
    p.both(
        'CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL, "\'" TEXT,'
        " whole TEXT AS (a || ' ' || b), slug TEXT AS (lower(a || '-' || b)) STORED UNIQUE,"
        " n INT, twice INT AS (n * 2) CHECK (twice < 100));"
        "CREATE INDEX p_whole ON p(whole) WHERE twice > 3;",
        {"p": [(1, "Ann", "X", "!", 1), (2, "Bob", "Y", "?", 2)]},
        {"p": [(1, "Bob", "Y", "?", 2), (2, "Cyd", "Z", "!", 3)]},
    )
    files = ["--target", "a.db", "--source", "a.db", "--source", "b.db"]
    printed = p.tool("plan", str(p.root), *files)
    if printed.status != 0:
        raise CaseFailed(f"plan: exit {printed.status}: {printed.stderr[-300:]}")
    p.run(plan=printed.stdout).done()
    p.expect(
        "SELECT whole, slug, twice FROM p",
        [("Ann X", "ann-x", 2), ("Bob Y", "bob-y", 4), ("Cyd Z", "cyd-z", 6)],
    )
