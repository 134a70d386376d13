"""Which version wins: rules, filled NULLs, decisions by hand."""

from __future__ import annotations

from .lib import Project
from .registry import case

SCHEMA = (
    "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, phone TEXT,"
    " updated_at TEXT);"
)
A = [(1, "ann", "Ann a", None, "2024-05-05"), (2, "bob", "Bob a", "2", "2024-01-01")]
B = [(1, "bob", "Bob b", "22", "2024-06-06"), (2, "ann", "Ann b", "1", "2024-01-01")]
READ = "SELECT email, name, phone, updated_at FROM users"


def _built(p: Project) -> Project:
    p.both(SCHEMA, {"users": A}, {"users": B})
    return p


@case("survivorship: base")
def base(p: Project) -> None:
    """The first source wins, whatever the times say."""
    _built(p).run(args=("--on-conflict", "base")).done()
    p.expect(READ, [row[1:] for row in A])


@case("survivorship: base is what --base says")
def base_other(p: Project) -> None:
    """--base b.db: its rows keep their ids and win."""
    _built(p).run(args=("--on-conflict", "base", "--base", "b.db")).done()
    p.expect("SELECT id, email, name, phone, updated_at FROM users", B)


@case("survivorship: last")
def last(p: Project) -> None:
    """The last source wins."""
    _built(p).run(args=("--on-conflict", "last")).done()
    p.expect(READ, [row[1:] for row in B])


@case("survivorship: most_complete")
def most_complete(p: Project) -> None:
    """The version with fewer NULLs wins; a tie is left to the next rule."""
    _built(p).run(args=("--on-conflict", "most_complete,newest")).done()
    p.expect(READ, [B[1][1:], B[0][1:]])


@case("survivorship: stop")
def stop(p: Project) -> None:
    """stop asks at every conflict, even where times would decide."""
    _built(p).run(args=("--on-conflict", "stop")).must_ask("users")


@case("survivorship: an unknown rule")
def unknown_rule(p: Project) -> None:
    """A rule that does not exist is bad usage."""
    _built(p).run(args=("--on-conflict", "oldest")).must_be_bad_usage("oldest")


@case("survivorship: the winner is a whole row")
def whole_row(p: Project) -> None:
    """Without fill_nulls the winner's NULL stays NULL: fields are not mixed."""
    _built(p).run().done()
    p.expect(READ, [A[0][1:], B[0][1:]])


@case("survivorship: fill_nulls")
def fill_nulls(p: Project) -> None:
    """With fill_nulls a NULL of the winner is taken from the next version."""
    _built(p).run(plan="[tables.users]\nfill_nulls = true\n").done()
    p.expect(READ, [("ann", "Ann a", "1", "2024-05-05"), B[0][1:]])


@case("survivorship: fill_nulls over three files")
def fill_nulls_three(p: Project) -> None:
    """The next version is the next newest, not the next file."""
    rows = {
        "a": (1, "ann", "new", None, "2024-09-09"),
        "b": (1, "ann", "old", "old phone", "2024-01-01"),
        "c": (1, "ann", "mid", "mid phone", "2024-05-05"),
    }
    for name, row in rows.items():
        p.db(f"{name}.db", SCHEMA, {"users": [row]})
    p.run(plan="[tables.users]\nfill_nulls = true\n").done()
    p.expect(READ, [("ann", "new", "mid phone", "2024-09-09")])


@case("survivorship: a column that the winner's file does not have")
def missing_column(p: Project) -> None:
    """It comes from the next version that has it; no value of that column is lost."""
    p.db("a.db", SCHEMA, {"users": A})
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,"
        " updated_at TEXT);",
        {"users": [(1, "bob", "Bob b", "2024-06-06"), (2, "cyd", "Cyd", "2024-01-01")]},
    )
    p.run().done()
    p.expect(
        READ,
        [A[0][1:], ("bob", "Bob b", "2", "2024-06-06"), ("cyd", "Cyd", None, "2024-01-01")],
    )


@case("survivorship: the losing version's reference")
def reference_in_conflict(p: Project) -> None:
    """The winner's reference leads to the winner's entity, by its own file's ids."""
    p.both(
        SCHEMA + "CREATE TABLE orders(id INTEGER PRIMARY KEY, no TEXT NOT NULL UNIQUE,"
        " user_id INTEGER REFERENCES users(id), updated_at TEXT);",
        {
            "users": [(1, "ann", "A", None, None), (2, "bob", "B", None, None)],
            "orders": [(1, "n1", 1, "2024-01-01"), (2, "n2", 2, "2024-05-05")],
        },
        {
            "users": [(1, "cyd", "C", None, None), (2, "ann", "A", None, None)],
            "orders": [(1, "n2", 1, "2024-01-01"), (2, "n1", 1, "2024-05-05"), (3, "n3", 2, "x")],
        },
    )
    p.run().done()
    p.expect(
        "SELECT o.no, u.email FROM orders o JOIN users u ON u.id = o.user_id",
        [("n1", "cyd"), ("n2", "bob"), ("n3", "ann")],
    )


@case("survivorship: equal rows whose references only look different")
def no_false_conflict(p: Project) -> None:
    """user_id 1 here and 2 there are the same person: the order is a duplicate, no conflict."""
    p.both(
        SCHEMA + "CREATE TABLE orders(id INTEGER PRIMARY KEY, no TEXT NOT NULL UNIQUE,"
        " user_id INTEGER REFERENCES users(id));",
        {"users": [(1, "ann", "A", None, None)], "orders": [(1, "n1", 1)]},
        {
            "users": [(1, "cyd", "C", None, None), (2, "ann", "A", None, None)],
            "orders": [(1, "n1", 2)],
        },
    )
    p.run().done()
    p.expect("SELECT o.no, u.email FROM orders o JOIN users u ON u.id = o.user_id", [("n1", "ann")])


@case("survivorship: a conflict that only the references show")
def hidden_conflict(p: Project) -> None:
    """user_id 1 in both files, but another person each: a conflict although the rows look equal."""
    p.both(
        SCHEMA + "CREATE TABLE orders(id INTEGER PRIMARY KEY, no TEXT NOT NULL UNIQUE,"
        " user_id INTEGER REFERENCES users(id));",
        {"users": [(1, "ann", "A", None, None)], "orders": [(1, "n1", 1)]},
        {"users": [(1, "cyd", "C", None, None)], "orders": [(1, "n1", 1)]},
    )
    p.run().must_ask("orders")


DECISION = '[[decisions]]\ntable = "users"\nentity = {{ email = "{}" }}\n{}\n'


@case("survivorship: a decision by hand")
def decided(p: Project) -> None:
    """keep = a source: that version wins against every rule; the others go by rule."""
    _built(p).run(plan=DECISION.format("ann", 'keep = "b.db"')).done()
    p.expect(READ, [B[1][1:], B[0][1:]])


@case("survivorship: a decision about one field")
def decided_field(p: Project) -> None:
    """values = {...} edits single fields of what is kept."""
    _built(p).run(
        plan=DECISION.format("ann", 'keep = "a.db"\nvalues = { phone = "+44 20" }')
    ).done()
    p.expect(READ, [("ann", "Ann a", "+44 20", "2024-05-05"), B[0][1:]])


@case("survivorship: a decision to keep both")
def decided_both(p: Project) -> None:
    """keep = "both": where a UNIQUE column forbids it the plan must be refused or asked."""
    result = _built(p).run(plan=DECISION.format("ann", 'keep = "both"'))
    if result.status == 2:
        return
    result.must_ask("users")


@case("survivorship: keep both where nothing forbids it")
def decided_both_free(p: Project) -> None:
    """The identity is the plan's choice, no UNIQUE: both versions stay as two rows."""
    p.both(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w);",
        {"users": [(1, "ann", "Ann a"), (2, "bob", "Bob")], "orders": [(1, 1, "pen")]},
        {"users": [(1, "ann", "Ann b")], "orders": [(1, 1, "cup")]},
    )
    p.run(
        plan='[tables.users]\nidentity = ["email"]\n' + DECISION.format("ann", 'keep = "both"')
    ).done()
    p.expect("SELECT name FROM users", [("Ann a",), ("Ann b",), ("Bob",)])
    p.expect(
        "SELECT u.name, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("Ann a", "pen"), ("Ann b", "cup")],
    )


@case("survivorship: a decision about nobody")
def decided_nobody(p: Project) -> None:
    """A decision whose entity does not exist is said (bad plan, question, message), not hidden."""
    result = _built(p).run(plan=DECISION.format("zoe", 'keep = "b.db"'))
    if result.status == 2:
        return
    if result.asked("users"):
        return
    result.done()
    result.names("users", ("zoe", "decision"))
