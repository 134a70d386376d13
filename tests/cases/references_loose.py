"""References that nobody declared, and copies that grew apart."""

from __future__ import annotations

from .lib import CaseFailed, Project, Rows
from .references import ANN_BOB, CYD_ANN, PEOPLE
from .references_ids import OWNERS
from .registry import case

LOOSE = "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER, w TEXT);"
PEN_INK = [(1, 1, "pen"), (2, 2, "ink")]
CUP_JAR = [(1, 1, "cup"), (2, 2, "jar")]
OWNED = [("ann", "pen"), ("bob", "ink"), ("cyd", "cup"), ("ann", "jar")]
FOLLOW = (
    '[[references]]\ntable = "{}"\ncolumns = ["{}"]\nparent = "users"\nparent_columns = ["id"]\n'
)


@case("references: undeclared, confirmed")
def undeclared_confirmed(p: Project) -> None:
    """A reference that the plan confirms is followed like a declared one."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, owner INTEGER, w TEXT);",
        {"users": ANN_BOB, "orders": PEN_INK},
        {"users": CYD_ANN, "orders": CUP_JAR},
    )
    p.run(plan=FOLLOW.format("orders", "owner")).done()
    p.expect("SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.owner", OWNED)


@case("references: undeclared, proposed")
def undeclared_proposed(p: Project) -> None:
    """Strong evidence (the name says it, all values are there): followed and said, or asked."""
    p.both(
        PEOPLE + LOOSE,
        {"users": ANN_BOB, "orders": PEN_INK},
        {"users": CYD_ANN, "orders": CUP_JAR},
    )
    result = p.run()
    if result.asked("orders", "user_id"):
        return
    result.done()
    p.expect(OWNERS, OWNED)
    result.names("orders", "user_id")


@case("references: undeclared, other spellings of the name")
def undeclared_spelled(p: Project) -> None:
    """userId, user and a prefixed created_by_user_id: followed and said, or asked by name."""
    p.both(
        PEOPLE + "CREATE TABLE note(id INTEGER PRIMARY KEY, userId INTEGER, t TEXT);"
        "CREATE TABLE task(id INTEGER PRIMARY KEY, created_by_user_id INTEGER, t TEXT);",
        {"users": ANN_BOB, "note": [(1, 1, "n1"), (2, 2, "n2")], "task": [(1, 2, "t1")]},
        {"users": CYD_ANN, "note": [(1, 1, "n3"), (2, 2, "n4")], "task": [(1, 1, "t2")]},
    )
    result = p.run()
    if result.asked(("note", "task")):
        return
    result.done()
    p.expect(
        "SELECT u.email, x.t FROM note x LEFT JOIN users u ON u.id = x.userId",
        [("ann", "n1"), ("bob", "n2"), ("cyd", "n3"), ("ann", "n4")],
    )
    p.expect(
        "SELECT u.email, x.t FROM task x LEFT JOIN users u ON u.id = x.created_by_user_id",
        [("bob", "t1"), ("cyd", "t2")],
    )


@case("references: undeclared, unanswered")
def undeclared_unanswered(p: Project) -> None:
    """`assignee` says little but all values are user ids that move: asked by name, or right."""
    p.both(
        PEOPLE + "CREATE TABLE task(id INTEGER PRIMARY KEY, assignee INTEGER, t TEXT);",
        {
            "users": [(n, f"a{n}") for n in range(1, 21)],
            "task": [(n, n, f"ta{n}") for n in range(1, 21)],
        },
        {
            "users": [(n, f"b{n}") for n in range(1, 21)],
            "task": [(n, n, f"tb{n}") for n in range(1, 21)],
        },
    )
    result = p.run()
    if result.asked("task", "assignee"):
        if "[[references]]" not in result.text:
            raise CaseFailed("the question does not say which plan lines would settle it")
        return
    result.done()
    p.expect(
        "SELECT u.email, t.t FROM task t LEFT JOIN users u ON u.id = t.assignee",
        [(f"{f}{n}", f"t{f}{n}") for f in "ab" for n in range(1, 21)],
    )


@case("references: undeclared, the suggested plan lines settle it")
def undeclared_settled(p: Project) -> None:
    """What the question suggests is a plan that works (or the first run was right already)."""
    p.both(
        PEOPLE + "CREATE TABLE task(id INTEGER PRIMARY KEY, assignee INTEGER, t TEXT);",
        {
            "users": [(n, f"a{n}") for n in range(1, 21)],
            "task": [(n, n, f"ta{n}") for n in range(1, 21)],
        },
        {
            "users": [(n, f"b{n}") for n in range(1, 21)],
            "task": [(n, n, f"tb{n}") for n in range(1, 21)],
        },
    )
    first = p.run()
    if first.status == 3:
        p.run(plan=FOLLOW.format("task", "assignee")).done()
    else:
        first.done()
    p.expect(
        "SELECT u.email, t.t FROM task t LEFT JOIN users u ON u.id = t.assignee",
        [(f"{f}{n}", f"t{f}{n}") for f in "ab" for n in range(1, 21)],
    )


@case("references: undeclared, a value that is in no file's parent")
def undeclared_partly(p: Project) -> None:
    """The name says it but one value is nobody: followed with that one dangling, or asked."""
    p.both(
        PEOPLE + LOOSE,
        {"users": ANN_BOB, "orders": [*PEN_INK, (3, 8, "odd")]},
        {"users": [*CYD_ANN, (8, "dan")], "orders": CUP_JAR},
    )
    result = p.run()
    if result.asked("orders", "user_id"):
        return
    result.done()
    p.expect(OWNERS, [*OWNED, (None, "odd")])


@case("references: a proposal that was turned down")
def turned_down(p: Project) -> None:
    """[[not_references]]: the numbers stay exactly as they are."""
    p.both(
        "CREATE TABLE batch(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, batch_id INTEGER, w TEXT);",
        {"batch": [(1, "x"), (2, "y")], "orders": PEN_INK},
        {"batch": [(1, "z"), (2, "x")], "orders": CUP_JAR},
    )
    p.run(plan='[[not_references]]\ntable = "orders"\ncolumns = ["batch_id"]\n').done()
    p.expect("SELECT batch_id, w FROM orders", [(1, "pen"), (2, "ink"), (1, "cup"), (2, "jar")])


@case("references: a number that only looks like one")
def coincidence(p: Project) -> None:
    """quantity 1, 2, 3 are contained in users.id, but nothing says so: they stay, unasked."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id),"
        " quantity INTEGER, priority INTEGER, year INTEGER);",
        {"users": ANN_BOB, "orders": [(1, 1, 1, 2, 2024), (2, 2, 2, 1, 2025)]},
        {"users": CYD_ANN, "orders": [(1, 1, 2, 2, 2024), (2, 2, 1, 1, 2023)]},
    )
    p.run().done()
    p.expect(
        "SELECT u.email, quantity, priority, year FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann", 1, 2, 2024), ("bob", 2, 1, 2025), ("cyd", 2, 2, 2024), ("ann", 1, 1, 2023)],
    )


POLY = (
    PEOPLE + "CREATE TABLE shop(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE note(id INTEGER PRIMARY KEY, owner_type TEXT, owner_id INTEGER, t TEXT);"
)
POLY_A: Rows = {
    "users": ANN_BOB,
    "shop": [(1, "north"), (2, "south")],
    "note": [(1, "user", 1, "n1"), (2, "shop", 1, "n2"), (3, "user", 2, "n3")],
}
POLY_B: Rows = {
    "users": CYD_ANN,
    "shop": [(1, "south"), (2, "east"), (3, "west")],
    "note": [
        (1, "user", 1, "n4"),
        (2, "shop", 2, "n5"),
        (3, "shop", 1, "n6"),
        (4, None, None, "-"),
    ],
}


def _check_poly(p: Project) -> None:
    p.expect(
        "SELECT owner_type, coalesce(u.email, s.name), t FROM note "
        "LEFT JOIN users u ON owner_type = 'user' AND u.id = owner_id "
        "LEFT JOIN shop s ON owner_type = 'shop' AND s.id = owner_id",
        [
            ("user", "ann", "n1"),
            ("shop", "north", "n2"),
            ("user", "bob", "n3"),
            ("user", "cyd", "n4"),
            ("shop", "east", "n5"),
            ("shop", "south", "n6"),
            (None, None, "-"),
        ],
    )


@case("references: polymorphic, in the plan")
def polymorphic(p: Project) -> None:
    """`where` says for which rows a reference leads to which parent."""
    p.both(POLY, POLY_A, POLY_B)
    plan = "".join(
        f'[[references]]\ntable = "note"\ncolumns = ["owner_id"]\nparent = "{parent}"\n'
        f'parent_columns = ["id"]\nwhere = {{ owner_type = "{kind}" }}\n'
        for kind, parent in (("user", "users"), ("shop", "shop"))
    )
    p.run(plan=plan).done()
    _check_poly(p)


@case("references: polymorphic, unanswered")
def polymorphic_unanswered(p: Project) -> None:
    """Without an answer it is followed by type or asked by name, never given to a stranger."""
    p.both(POLY, POLY_A, POLY_B)
    result = p.run()
    if result.asked("note", "owner_id"):
        return
    result.done()
    _check_poly(p)


@case("references: ids inside JSON or text are not touched")
def ids_in_text(p: Project) -> None:
    """Nobody can follow an id inside a JSON text: the text stays byte for byte."""
    p.both(
        PEOPLE + "CREATE TABLE event(id INTEGER PRIMARY KEY, body TEXT);",
        {"users": ANN_BOB, "event": [(1, '{"user_id": 1}')]},
        {"users": CYD_ANN, "event": [(1, '{"user_id": 2}'), (2, '{"user_id":1}')]},
    )
    result = p.run()
    if result.asked("event", "body"):
        return
    result.done()
    p.expect(
        "SELECT body FROM event", [('{"user_id": 1}',), ('{"user_id": 2}',), ('{"user_id":1}',)]
    )


@case("references: diverged copies, by natural key")
def diverged_natural(p: Project) -> None:
    """Shared past under equal ids; then both sides gave id 4 and 5 to other people."""
    past = [(1, "ann"), (2, "bob"), (3, "cyd")]
    orders = [(1, 1, "o1"), (2, 2, "o2"), (3, 3, "o3")]
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id),"
        " w TEXT);",
        {"users": [*past, (4, "dan"), (5, "eve")], "orders": [*orders, (4, 4, "a4"), (5, 1, "a5")]},
        {"users": [*past, (4, "eve"), (5, "fay")], "orders": [*orders, (4, 4, "b4"), (5, 5, "b5")]},
    )
    p.run().done()
    p.expect("SELECT email FROM users", [(n,) for n in ("ann", "bob", "cyd", "dan", "eve", "fay")])
    p.expect(
        OWNERS,
        [
            ("ann", "o1"),
            ("bob", "o2"),
            ("cyd", "o3"),
            ("dan", "a4"),
            ("ann", "a5"),
            ("eve", "b4"),
            ("fay", "b5"),
        ],
    )


@case("references: diverged copies, by id and birth")
def diverged_birth(p: Project) -> None:
    """No natural key: the shared past is one, rows appended on both sides under one id are two."""
    past = [(n, f"task {n % 3}", f"2024-01-{n:02d}T08:00:00Z") for n in range(1, 21)]
    steps = [(n, n, f"step {n % 2}") for n in range(1, 21)]
    p.both(
        "CREATE TABLE task(id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, created_at TEXT);"
        "CREATE TABLE step(id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " task_id INTEGER NOT NULL REFERENCES task(id), t TEXT);",
        {
            "task": [
                *past,
                (21, "task 0", "2024-03-01T10:00:00Z"),
                (22, "a", "2024-03-02T10:00:00Z"),
            ],
            "step": [*steps, (21, 21, "sa"), (22, 22, "sb"), (23, 3, "sc")],
        },
        {
            "task": [*past, (21, "task 0", "2024-04-01T10:00:00Z")],
            "step": [*steps, (21, 21, "sa"), (22, 5, "sd")],
        },
    )
    result = p.run()
    if result.asked(("task", "step")):
        return
    result.done()
    born = [(t, b) for _, t, b in past]
    new = [("task 0", "2024-03-01T10:00:00Z"), ("a", "2024-03-02T10:00:00Z")]
    other = ("task 0", "2024-04-01T10:00:00Z")
    p.expect("SELECT title, created_at FROM task", [*born, *new, other])
    p.expect(
        "SELECT t.created_at, s.t FROM step s JOIN task t ON t.id = s.task_id",
        [(born[n - 1][1], f"step {n % 2}") for n in range(1, 21)]
        + [(new[0][1], "sa"), (new[1][1], "sb"), (born[2][1], "sc")]
        + [(other[1], "sa"), (born[4][1], "sd")],
    )


@case("references: diverged copies, by id and birth, with an edit")
def diverged_edit(p: Project) -> None:
    """A title that one side edited is the same task (id and birth agree): newest, or asked."""
    past = [(n, f"task {n}", f"2024-01-{n:02d}", f"2024-01-{n:02d}") for n in range(1, 21)]
    edited = [*past]
    edited[4] = (5, "task five", "2024-01-05", "2024-06-01")
    p.both(
        "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, created_at TEXT, updated_at TEXT);",
        {"task": past},
        {"task": [*edited, (21, "new", "2024-06-02", "2024-06-02")]},
    )
    result = p.run()
    if result.asked("task"):
        return
    result.done()
    p.expect(
        "SELECT title, created_at, updated_at FROM task",
        [row[1:] for row in edited] + [("new", "2024-06-02", "2024-06-02")],
    )


@case("references: a natural key whose row only another file has")
def natural_elsewhere(p: Project) -> None:
    """The value names the entity, so it is kept; that it is no longer without a row is said."""
    p.both(
        "CREATE TABLE staff(id INTEGER PRIMARY KEY, badge INTEGER NOT NULL UNIQUE, name TEXT);"
        "CREATE TABLE door(badge INTEGER REFERENCES staff(badge), at TEXT);",
        {"staff": [(1, 7, "ann")], "door": [(7, "mon"), (8, "tue")]},
        {"staff": [(1, 8, "bob")], "door": [(8, "wed"), (9, "thu")]},
    )
    result = p.run()
    result.done(violations=True)
    result.names("door.badge: 1 values in a.db have no row in staff there; they have that of b.db")
    if "thu" in result.text or "in b.db have no row" in result.text:
        raise result.fail("9 has no row in any file")
    p.expect("SELECT badge, at FROM door", [(7, "mon"), (8, "tue"), (8, "wed"), (9, "thu")])


@case("references: rowids of a table without a number of its own")
def bare_rowids(p: Project) -> None:
    """They change and no key says so: what looks like one is asked about, but not what holds
    another number of that table."""
    p.both(
        "CREATE TABLE doc(path TEXT PRIMARY KEY); CREATE TABLE word(doc_rowid INTEGER, w TEXT);"
        "CREATE TABLE tag(docId INTEGER, t TEXT);"
        "CREATE TABLE code(name TEXT PRIMARY KEY, number INTEGER UNIQUE);"
        "CREATE TABLE hit(code_id INTEGER, w TEXT);",
        {
            "doc": [("a",), ("both",)],
            "word": [(1, "aa"), (2, "ab")],
            "tag": [(1, "ta")],
            "code": [("one", 1), ("two", 2)],
            "hit": [(1, "x")],
        },
        {
            "doc": [("both",), ("b",)],
            "word": [(1, "bb"), (2, "ba")],
            "tag": [(2, "tb")],
            "code": [("three", 3), ("one", 1)],
            "hit": [(1, "y")],
        },
    )
    result = p.run()
    result.must_ask("word.doc_rowid", "tag.docId", "doc", "b.db")
    if "code_id" in result.text:
        raise result.fail("1 is a number of code's own")
    p.run(plan="\n".join(result.fixes())).done()


@case("references: keys that are times, under names that say little")
def times_as_keys(p: Project) -> None:
    """`did` and `kind` hold numbers that only rows of other tables have as keys: asked about, never
    left to lead to the row of another file."""
    t = 1_600_000_000_000
    p.both(
        "CREATE TABLE decks(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE types(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE cards(id INTEGER PRIMARY KEY, did INTEGER, kind INTEGER, due INTEGER,"
        " q TEXT NOT NULL UNIQUE);",
        {
            "decks": [(1, "all"), (2, "german")],
            "types": [(t, "basic"), (t + 1, "cloze")],
            "cards": [(t, 2, t + 1, t + 9, "eins")],
        },
        {
            "decks": [(1, "all"), (2, "french")],
            "types": [(t, "cloze"), (t + 1, "basic")],
            "cards": [(t, 2, t + 1, t, "un"), (t + 1, 1, t, t, "deux")],
        },
    )
    result = p.run()
    result.must_ask("cards", "did", "kind")
    result.must_ask("types", "decks")
    p.run(plan="\n".join(result.fixes())).done()
    p.expect(
        "SELECT q, d.name, t.name FROM cards "
        "JOIN decks d ON d.id = did JOIN types t ON t.id = kind",
        [("eins", "german", "cloze"), ("un", "french", "basic"), ("deux", "all", "cloze")],
    )
