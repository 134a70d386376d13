"""Copies, diverged copies and independent files, told apart per table."""

from __future__ import annotations

import shutil
import subprocess

from .lib import Project
from .registry import case

TASK = "CREATE TABLE task(id INTEGER PRIMARY KEY{}, title TEXT, created_at TEXT);"
PAST = [(n, f"task {n}", f"2024-01-{n:02d}T00:00:00Z") for n in range(1, 21)]


@case("lineage: independent files without natural keys")
def independent(p: Project) -> None:
    """Equal ids mean nothing between independent files: every row of both is there."""
    p.both(
        TASK.format("") + "CREATE TABLE step(id INTEGER PRIMARY KEY, task_id INTEGER REFERENCES"
        " task(id), t TEXT);",
        {
            "task": [(n, f"a{n}", f"2024-02-{n:02d}") for n in range(1, 21)],
            "step": [(n, n, "do") for n in range(1, 21)],
        },
        {
            "task": [(n, f"b{n}", f"2024-03-{n:02d}") for n in range(1, 21)],
            "step": [(n, n, "do") for n in range(1, 21)],
        },
    )
    p.run().done()
    p.expect(
        "SELECT t.title, s.t FROM step s JOIN task t ON t.id = s.task_id",
        [(f"{f}{n}", "do") for f in "ab" for n in range(1, 21)],
    )


@case("lineage: independent files with the same rows of reference data")
def reference_data(p: Project) -> None:
    """Roles were seeded alike in both: they are one; what people made is not."""
    roles = [(1, "admin"), (2, "editor"), (3, "reader")]
    p.both(
        "CREATE TABLE role(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE member(id INTEGER PRIMARY KEY, role_id INTEGER REFERENCES role(id), n TEXT);",
        {"role": roles, "member": [(1, 1, "ann"), (2, 3, "bob")]},
        {"role": [*roles, (4, "guest")], "member": [(1, 2, "cyd"), (2, 4, "dan"), (3, 1, "ann")]},
    )
    p.run().done()
    p.expect("SELECT name FROM role", [("admin",), ("editor",), ("reader",), ("guest",)])
    p.expect(
        "SELECT m.n, r.name FROM member m JOIN role r ON r.id = m.role_id",
        [("ann", "admin"), ("bob", "reader"), ("cyd", "editor"), ("dan", "guest")],
    )


@case("lineage: the same few rows in another order")
def shuffled(p: Project) -> None:
    """One of three shared ids agrees by chance: content decides, every colour is there once."""
    p.both(
        "CREATE TABLE colour(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE car(id INTEGER PRIMARY KEY, colour_id INTEGER REFERENCES colour(id), n);",
        {
            "colour": [(1, "red"), (2, "blue"), (3, "green")],
            "car": [(1, 1, "r"), (2, 2, "b"), (3, 3, "g")],
        },
        {
            "colour": [(1, "red"), (2, "green"), (3, "blue"), (4, "pink")],
            "car": [(1, 1, "r"), (2, 2, "g"), (3, 3, "b"), (4, 4, "p")],
        },
    )
    result = p.run()
    if result.asked("colour"):
        return
    result.done()
    p.expect("SELECT name FROM colour", [("red",), ("blue",), ("green",), ("pink",)])
    p.expect(
        "SELECT c.n, d.name FROM car c JOIN colour d ON d.id = c.colour_id",
        [("r", "red"), ("b", "blue"), ("g", "green"), ("p", "pink")],
    )


@case("lineage: the same rows, half of them in another order")
def half_shuffled(p: Project) -> None:
    """Two files seeded by one list, half of it in another order: every row once, or asked."""
    names = [f"n{n}" for n in range(12)]
    other = names[:6] + names[:5:-1]
    p.both(
        "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);",
        {"item": list(enumerate(names, 1))},
        {"item": list(enumerate(other, 1))},
    )
    result = p.run()
    if result.asked("item"):
        return
    result.done()
    p.expect("SELECT name FROM item", [(name,) for name in names])


@case("lineage: told apart per table")
def per_table(p: Project) -> None:
    """One table has a shared past, another was filled independently: each by its own evidence."""
    schema = TASK.format("") + "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);"
    p.both(
        schema,
        {"task": [*PAST, (21, "mine", "2024-05-01")], "note": [(n, f"a{n}") for n in range(1, 15)]},
        {
            "task": [*PAST, (21, "yours", "2024-06-01")],
            "note": [(n, f"b{n}") for n in range(1, 15)],
        },
    )
    result = p.run()
    if result.asked("task"):
        return
    result.done()
    p.expect("SELECT title FROM task", [(row[1],) for row in PAST] + [("mine",), ("yours",)])
    p.expect("SELECT body FROM note", [(f"{f}{n}",) for f in "ab" for n in range(1, 15)])


@case("lineage: a row deleted in one copy")
def deleted(p: Project) -> None:
    """A merge cannot see deletions: the row stays because the other copy has it."""
    p.db("a.db", TASK.format(""), {"task": PAST})
    p.db("b.db", TASK.format(""), {"task": [row for row in PAST if row[0] not in (5, 20)]})
    p.run().done()
    p.expect("SELECT title FROM task", [(row[1],) for row in PAST])


@case("lineage: a deleted row's id was given again")
def id_reused(p: Project) -> None:
    """Without AUTOINCREMENT the last id is reused: 20 is another task in each copy; both stay."""
    p.both(
        TASK.format("")
        + "CREATE TABLE step(id INTEGER PRIMARY KEY, task_id INTEGER REFERENCES task(id), t TEXT);",
        {"task": PAST, "step": [(1, 20, "old step"), (2, 3, "both")]},
        {
            "task": [*PAST[:19], (20, "quite another", "2024-07-07T07:00:00Z")],
            "step": [(1, 20, "new step"), (2, 3, "both")],
        },
    )
    result = p.run()
    if result.asked("task"):
        return
    result.done()
    p.expect("SELECT title FROM task", [(row[1],) for row in PAST] + [("quite another",)])
    p.expect(
        "SELECT t.title, s.t FROM step s JOIN task t ON t.id = s.task_id",
        [("task 20", "old step"), ("quite another", "new step"), ("task 3", "both")],
    )


CONFIG = "CREATE TABLE config(key TEXT PRIMARY KEY, value TEXT);"
OLD = [("colour", "red"), ("size", "10"), ("shape", "round"), ("gone", "x")]
EDIT_A = [("colour", "blue"), ("size", "10"), ("shape", "round"), ("gone", "x")]
EDIT_B = [("colour", "red"), ("size", "20"), ("shape", "round")]


def _three_way(p: Project, *sources: str) -> None:
    """The ancestor is known: both one-sided edits hold, or it asks; an old value never wins."""
    result = p.run(*sources)
    if result.asked("config"):
        return
    result.done()
    rows = [("colour", "blue"), ("size", "20"), ("shape", "round")]
    p.expect_any("SELECT key, value FROM config", rows, [*rows, ("gone", "x")])


@case("lineage: the common ancestor is among the files")
def ancestor_among(p: Project) -> None:
    """Three-way: a change on one side only is no conflict; a deletion is honoured if wanted."""
    p.db("old.db", CONFIG, {"config": OLD})
    p.db("a.db", CONFIG, {"config": EDIT_A})
    p.db("b.db", CONFIG, {"config": EDIT_B})
    _three_way(p, "old.db", "a.db", "b.db")


@case("lineage: the common ancestor is in git history")
def ancestor_git(p: Project) -> None:
    """`git log` of the path has it: offered; without an answer it asks or merges three-way."""
    p.db("a.db", CONFIG, {"config": OLD})
    shutil.copy(p.root / "a.db", p.root / "b.db")
    git = ["git", "-C", str(p.root), "-c", "user.name=t", "-c", "user.email=t@x"]
    for arguments in (["init", "-q"], ["add", "a.db"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    (p.root / "a.db").unlink()
    (p.root / "b.db").unlink()
    p.db("a.db", CONFIG, {"config": EDIT_A})
    p.db("b.db", CONFIG, {"config": EDIT_B})
    _three_way(p, "a.db", "b.db")


@case("lineage: both sides changed one row")
def both_changed(p: Project) -> None:
    """A change on both sides is a conflict, with or without an ancestor: asked by table."""
    p.db("a.db", CONFIG, {"config": [("colour", "blue"), ("size", "10")]})
    p.db("b.db", CONFIG, {"config": [("colour", "green"), ("size", "10")]})
    p.run().must_ask("config")


@case("lineage: a copy that only grew")
def grown(p: Project) -> None:
    """b.db is a.db with more rows: the result is b.db's content; the base's ids stay."""
    schema = TASK.format(" AUTOINCREMENT")
    more = [(n, f"task {n}", f"2024-02-{n - 20:02d}") for n in range(21, 31)]
    p.both(schema, {"task": PAST}, {"task": PAST + more})
    p.run().done()
    p.expect("SELECT title, created_at FROM task", [row[1:] for row in PAST + more])
    p.expect("SELECT id, title FROM task WHERE id <= 20", [row[:2] for row in PAST])


@case("lineage: three copies that grew apart")
def three_copies(p: Project) -> None:
    """The shared past once, every appended row once, references with their parents."""
    schema = TASK.format(" AUTOINCREMENT") + (
        "CREATE TABLE step(id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER NOT NULL"
        " REFERENCES task(id), t TEXT);"
    )
    for month, name in enumerate("abc", 3):
        task = [*PAST, *[(n, f"{name}{n}", f"2024-{month:02d}-{n - 20:02d}") for n in (21, 22)]]
        step = [(n, n, f"s{n}") for n in range(1, 23)]
        p.db(f"{name}.db", schema, {"task": task, "step": step})
    result = p.run()
    if result.asked(("task", "step")):
        return
    result.done()
    p.expect(
        "SELECT t.title, s.t FROM step s JOIN task t ON t.id = s.task_id",
        [(f"task {n}", f"s{n}") for n in range(1, 21)]
        + [(f"{name}{n}", f"s{n}") for name in "abc" for n in (21, 22)],
    )


@case("lineage: three copies with an equal row under two ids")
def moved_in_one(p: Project) -> None:
    """Two copies have a row under one id, the third has the same row under another: it is one."""
    schema = "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT);"
    past = [(n, f"tag {n}") for n in range(1, 21)]
    p.db("a.db", schema, {"tag": [*past, (21, "mine"), (22, "moved")]})
    p.db("b.db", schema, {"tag": [*past, (21, "moved"), (22, "twin"), (23, "twin")]})
    p.db("c.db", schema, {"tag": [*past, (21, "mine"), (22, "moved"), (23, "twin")]})
    p.run().done()
    names = [*(row[1] for row in past), "mine", "moved", "twin", "twin"]
    p.expect("SELECT name FROM tag", [(name,) for name in names])
    p.run().done()
    p.expect("SELECT name FROM tag", [(name,) for name in names])


@case("lineage: three copies, and two versions of one row are two rows in the third")
def both_versions_moved(p: Project) -> None:
    """A row joins the entity that it equals; another row of its file stays a row of its own."""
    schema = "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, created_at TEXT);"
    day = "2024-02-01T00:00:00Z"
    p.db("a.db", schema, {"task": [*PAST, (21, "one", day)]})
    p.db("b.db", schema, {"task": [*PAST, (21, "two", day)]})
    later = [(21, "other", "2024-03-01T00:00:00Z"), (22, "one", day), (23, "two", day)]
    p.db("c.db", schema, {"task": [*PAST, *later]})
    p.run(args=("--on-conflict", "base")).done()
    p.expect("SELECT title FROM task WHERE id > 20", [("one",), ("other",), ("two",)])


@case("lineage: independent files that share one person")
def one_in_common(p: Project) -> None:
    """Ids that two files gave to different people below the shared one: no copies, no question."""
    schema = (
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), t);"
    )
    for name in "abc":
        rows = [(1, 1, f"{name} first"), (2, 2, "both"), (3, 2, f"{name} third")]
        p.db(f"{name}.db", schema, {"users": [(1, name), (2, "shared")], "orders": rows})
    p.run().done()
    p.expect(
        "SELECT u.email, o.t FROM orders o JOIN users u ON u.id = o.user_id",
        [(name, f"{name} first") for name in "abc"]
        + [("shared", f"{name} third") for name in "abc"]
        + [("shared", "both")],
    )


@case("lineage: rows appended to both copies that agree in what nearly all rows agree in")
def appended_alike(p: Project) -> None:
    """Nobody takes two orders for one because both are new, single and without a note."""
    schema = (
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT, what TEXT, number INTEGER,"
        " status TEXT, note TEXT);"
    )
    past = [(n, f"who {n}", f"what {n}", 1, "new", None) for n in range(1, 11)]
    p.both(
        schema,
        {"orders": [*past, (11, "ann", "pen", 1, "new", None)]},
        {"orders": [*past, (11, "bob", "ink", 1, "new", None)]},
    )
    p.run().done()
    p.expect("SELECT what FROM orders WHERE id > 10", [("pen",), ("ink",)])
    p.expect("SELECT count(*) FROM orders", [(12,)])


@case("drift: histories of a migration tool that keeps more than names")
def other_migrations(p: Project) -> None:
    """Two histories are not put together, whatever the tool; that is said."""
    script = (
        "CREATE TABLE aerich(id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT, app TEXT,"
        " content TEXT); CREATE TABLE t(k TEXT PRIMARY KEY);"
    )
    p.both(
        script,
        {"aerich": [(1, "0_init.py", "models", "{}")], "t": [("a",)]},
        {"aerich": [(1, "0_init.py", "models", "{ }"), (2, "1_more.py", "models", "")]},
    )
    result = p.run()
    result.done()
    result.names("aerich")
    p.expect("SELECT version FROM aerich", [("0_init.py",)])


@case("lineage: a natural key changed in one of two small copies")
def key_changed(p: Project) -> None:
    """One of two people got another address; fifty notes with equal ids say what the files are."""
    schema = (
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE);"
        "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, place TEXT, body TEXT,"
        " updated_at TEXT);"
    )
    notes = [(n, f"title {n}", f"p{n}", f"body {n}", "2024-01-01") for n in range(1, 51)]
    edited = [(1, "title 1", "p1", "edited", "2024-02-01"), *notes[1:]]
    p.both(
        schema,
        {"users": [(1, "old@x"), (2, "bob@x")], "note": notes},
        {"users": [(1, "new@x"), (2, "bob@x")], "note": edited},
    )
    p.run().done()
    p.expect("SELECT count(*), max(body) FROM note", [(50, "edited")])


@case("lineage: a row of few columns edited in both copies")
def edited_twice(p: Project) -> None:
    """The time of change differs wherever a row was edited, and does not make it another row."""
    people = [(n, f"n{n}", f"c{n % 7}", "2024-01-01") for n in range(1, 41)]
    p.both(
        "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, city TEXT, updated_at TEXT);",
        {"person": [(1, "n1", "here", "2024-02-01"), *people[1:], (41, "a", "x", "2024-02-02")]},
        {"person": [(1, "n1", "there", "2024-03-01"), *people[1:], (41, "b", "y", "2024-02-02")]},
    )
    p.run().done()
    p.expect("SELECT city FROM person WHERE name = 'n1'", [("there",)])
    p.expect("SELECT name FROM person WHERE id > 40", [("a",), ("b",)])
    p.expect("SELECT count(*) FROM person", [(42,)])
