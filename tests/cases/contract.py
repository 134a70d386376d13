"""What scripts rely on: arguments, statuses, the target, repetition, silence about values."""

from __future__ import annotations

from . import shop
from .lib import CaseFailed, Project
from .registry import case

COUNTED = ("discover", "backup", "write", "verify")


@case("contract: one source")
def one_source(p: Project) -> None:
    """One file alone becomes the target whole."""
    p.db("a.db", shop.SCHEMA, shop.A)
    p.run("a.db").done()
    shop.check(p, only_a=True)


@case("contract: a target that exists is the base")
def existing_target(p: Project) -> None:
    """Its rows stay under their ids; the sources come to it."""
    p.db("app.db", shop.SCHEMA, shop.A)
    p.db("b.db", shop.SCHEMA, shop.B)
    p.run("b.db").done()
    shop.check(p)
    p.expect("SELECT id, email FROM users WHERE email <> 'cyd'", [(1, "ann"), (2, "bob")])


@case("contract: the target is one of the sources")
def target_is_source(p: Project) -> None:
    """--target a.db --source a.db --source b.db: a.db is the base and the result."""
    shop.write(p)
    p.run("a.db", "b.db", target="a.db").done()
    shop.check(p)


@case("contract: an existing target's rows are never overwritten unseen")
def target_conflict(p: Project) -> None:
    """Target and source disagree without a time: asked, the old target stays."""
    schema = "CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT);"
    p.db("app.db", schema, {"t": [("x", "target")]})
    p.db("a.db", schema, {"t": [("x", "source")]})
    p.run("a.db").must_ask("t")


@case("contract: the same run again")
def again(p: Project) -> None:
    """A second run finds everything there: nothing is doubled."""
    p.db("a.db", shop.SCHEMA + "CREATE TABLE log(w);", shop.A | {"log": [("x",), ("x",)]})
    p.db("b.db", shop.SCHEMA + "CREATE TABLE log(w);", shop.B | {"log": [("x",), ("y",)]})
    p.run().done()
    p.run().done()
    shop.check(p)
    p.expect("SELECT w FROM log", [("x",), ("x",), ("y",)])


@case("contract: --dry-run")
def dry_run(p: Project) -> None:
    """The real run without its last rename: exact counts, no target."""
    shop.write(p)
    result = p.run(args=("--dry-run",))
    if result.status != 0:
        raise result.fail("a dry run that could be done ends with 0")
    if (p.root / "app.db").exists():
        raise CaseFailed("a dry run wrote the target")
    if result.counts("users")["source"] != 4 or result.counts("users")["duplicate"] != 1:
        raise CaseFailed(f"counts of users: {result.counts('users')}")


@case("contract: --dry-run of a target that exists")
def dry_run_existing(p: Project) -> None:
    """The old target stays byte for byte."""
    shop.write(p, a="app.db")
    result = p.run("b.db", args=("--dry-run",))
    if result.status != 0:
        raise result.fail("a dry run that could be done ends with 0")


@case("contract: without --yes")
def without_yes(p: Project) -> None:
    """Nothing is written without --yes."""
    shop.write(p)
    finished = p.tool(
        "run", str(p.root), "--target", "app.db", "--source", "a.db", "--source", "b.db"
    )
    if finished.status not in (2, 3, 4) or (p.root / "app.db").exists():
        raise CaseFailed(f"exit {finished.status}, target written: {(p.root / 'app.db').exists()}")


@case("contract: roll back")
def rollback(p: Project) -> None:
    """After it the project is as it was: the old target is back, the originals untouched."""
    shop.write(p, a="app.db")
    old = (p.root / "app.db").read_bytes()
    p.run("b.db").done()
    finished = p.tool("rollback", str(p.root), "--yes")
    if finished.status != 0:
        raise CaseFailed(f"rollback: exit {finished.status}: {finished.stderr[-300:]}")
    shop.check(p, only_a=True)
    if _stable(old) != _stable((p.root / "app.db").read_bytes()):
        raise CaseFailed("the target is not the old one")


def _stable(data: bytes) -> bytes:
    """A database's bytes without the counters that a backup may change (DESIGN: backup)."""
    return data[:24] + data[28:40] + data[44:92] + data[96:]


@case("contract: verify, runs, report")
def after_run(p: Project) -> None:
    """They answer after a run, without a traceback."""
    shop.write(p)
    p.run().done()
    for command in ("verify", "runs", "report"):
        finished = p.tool(command, str(p.root))
        if finished.status != 0:
            raise CaseFailed(f"{command}: exit {finished.status}: {finished.stderr[-300:]}")


@case("contract: timings and events")
def timings(p: Project) -> None:
    """timings has seconds per phase; every line of stdout is a JSON object."""
    shop.write(p)
    result = p.run()
    result.done()
    spent = result.last["timings"]
    if missing := [phase for phase in COUNTED if phase not in spent]:
        raise CaseFailed(f"timings lack {missing}: {spent}")


@case("contract: no values of rows in what is printed")
def silence(p: Project) -> None:
    """Events, messages and errors carry no row values, also when it asks."""
    schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v TEXT);"
    p.both(
        schema,
        {"t": [(1, "SECRET-key", "SECRET-a"), (2, "SECRET-x", "v")]},
        {"t": [(1, "SECRET-key", "SECRET-b"), (2, "SECRET-y", "w")]},
    )
    result = p.run()
    result.must_ask("t")
    if "SECRET" in result.finished.stdout + result.finished.stderr:
        raise CaseFailed("a row's value was printed")


@case("contract: the run's folder is private")
def private(p: Project) -> None:
    """.consolidator ignores itself in git; its folders are 0700, its files 0600."""
    shop.write(p)
    p.run().done()
    own = p.root / ".consolidator"
    if (own / ".gitignore").read_text().strip() != "*":
        raise CaseFailed(".gitignore does not hold *")
    for path in [own, *own.rglob("*")]:
        mode = path.lstat().st_mode & 0o077
        if mode and path.name != ".gitignore" and not path.is_symlink():
            raise CaseFailed(f"{path.relative_to(p.root)} is open to others ({mode:03o})")


@case("contract: the receipt's counts add up")
def counts_add_up(p: Project) -> None:
    """source = base + new + duplicate + conflict per table, and source is what the files hold."""
    shop.write(p)
    result = p.run()
    result.done()
    for table, total in (("users", 4), ("orders", 4)):
        counts = result.counts(table)
        parts = sum(counts[key] for key in ("base", "new", "duplicate", "conflict"))
        if counts["source"] != total or parts != total:
            raise CaseFailed(f"{table}: {counts}")
