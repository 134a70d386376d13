"""References when ids collide, swap, shift, or mean something special."""

from __future__ import annotations

from .lib import Project
from .references import ALL, ANN_BOB, CYD_ANN, PEOPLE
from .registry import case

ORDERS = (
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w TEXT);"
)
OWNERS = "SELECT u.email, o.w FROM orders o LEFT JOIN users u ON u.id = o.user_id"


@case("references: swapped ids")
def swapped(p: Project) -> None:
    """1 is Ann here and Bob there, 2 the other way round."""
    p.both(
        PEOPLE + ORDERS,
        {"users": ANN_BOB, "orders": [(1, 1, "pen"), (2, 2, "ink")]},
        {"users": [(1, "bob"), (2, "ann")], "orders": [(1, 1, "cup"), (2, 2, "jar")]},
    )
    p.run().done()
    p.expect("SELECT email FROM users", [("ann",), ("bob",)])
    p.expect(OWNERS, [("ann", "pen"), ("bob", "ink"), ("bob", "cup"), ("ann", "jar")])


@case("references: shifted ids")
def shifted(p: Project) -> None:
    """The same people one id further: the naive merge gives every order to the neighbour."""
    names = [f"user{n}" for n in range(1, 30)]
    p.both(
        PEOPLE + ORDERS,
        {
            "users": [(n, name) for n, name in enumerate(names, 1)],
            "orders": [(n, n, f"{name} a") for n, name in enumerate(names, 1)],
        },
        {
            "users": [(n + 1, name) for n, name in enumerate(names, 1)],
            "orders": [(n, n + 1, f"{name} b") for n, name in enumerate(names, 1)],
        },
    )
    p.run().done()
    p.expect("SELECT email FROM users", [(name,) for name in names])
    p.expect(OWNERS, [(n, f"{n} a") for n in names] + [(n, f"{n} b") for n in names])


@case("references: 0 for none, declared as absent")
def zero_absent(p: Project) -> None:
    """`absent = [0]`: 0 stays 0 and hits nobody, not even a user that has id 0 elsewhere."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, w TEXT);",
        {"users": ANN_BOB, "orders": [(1, 1, "pen"), (2, 0, "nobody a")]},
        {"users": CYD_ANN, "orders": [(1, 1, "cup"), (2, 0, "nobody b")]},
    )
    p.run(
        plan='[[references]]\ntable = "orders"\ncolumns = ["user_id"]\nparent = "users"\n'
        'parent_columns = ["id"]\nabsent = [0]\n'
    ).done()
    p.expect(OWNERS, [("ann", "pen"), (None, "nobody a"), ("cyd", "cup"), (None, "nobody b")])
    p.expect("SELECT w FROM orders WHERE user_id = 0", [("nobody a",), ("nobody b",)])


@case("references: 0 for none, unsaid")
def zero_unsaid(p: Project) -> None:
    """0 can mean none: followed with 0 kept, or asked naming the column; never captured."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, w TEXT);",
        {"users": ANN_BOB, "orders": [(1, 1, "pen"), (2, 0, "nobody a"), (3, 2, "ink")]},
        {"users": CYD_ANN, "orders": [(1, 1, "cup"), (2, 0, "nobody b"), (3, 2, "jar")]},
    )
    result = p.run()
    if result.asked("orders", "user_id"):
        return
    result.done()
    p.expect(
        OWNERS,
        [
            ("ann", "pen"),
            (None, "nobody a"),
            ("bob", "ink"),
            ("cyd", "cup"),
            (None, "nobody b"),
            ("ann", "jar"),
        ],
    )


@case("references: a shared primary key (one-to-one)")
def shared_key(p: Project) -> None:
    """profile.user_id is primary key and reference: it moves with its user."""
    p.both(
        PEOPLE + "CREATE TABLE profile(user_id INTEGER PRIMARY KEY REFERENCES users(id), bio TEXT);"
        "CREATE TABLE badge(id INTEGER PRIMARY KEY, profile_id INTEGER REFERENCES profile(user_id),"
        " b TEXT);",
        {
            "users": ANN_BOB,
            "profile": [(1, "I am ann"), (2, "I am bob")],
            "badge": [(1, 2, "gold")],
        },
        {"users": CYD_ANN, "profile": [(1, "I am cyd"), (2, "I am ann")], "badge": [(1, 1, "tin")]},
    )
    p.run().done()
    p.expect(
        "SELECT u.email, p.bio, b.b FROM users u JOIN profile p ON p.user_id = u.id "
        "LEFT JOIN badge b ON b.profile_id = p.user_id",
        [("ann", "I am ann", None), ("bob", "I am bob", "gold"), ("cyd", "I am cyd", "tin")],
    )


@case("references: an implicit parent key")
def implicit(p: Project) -> None:
    """REFERENCES users without a column means its primary key, also a composite one."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users,"
        " w TEXT);"
        "CREATE TABLE room(house TEXT, no INTEGER, PRIMARY KEY(house, no));"
        "CREATE TABLE bed(id INTEGER PRIMARY KEY, house TEXT, no INTEGER, k TEXT,"
        " FOREIGN KEY(house, no) REFERENCES room);",
        {
            "users": ANN_BOB,
            "orders": [(1, 2, "ink")],
            "room": [("A", 1)],
            "bed": [(1, "A", 1, "x")],
        },
        {
            "users": CYD_ANN,
            "orders": [(1, 1, "cup")],
            "room": [("B", 1)],
            "bed": [(1, "B", 1, "x")],
        },
    )
    p.run().done()
    p.expect(OWNERS, [("bob", "ink"), ("cyd", "cup")])
    p.expect("SELECT house, no, k FROM bed", [("A", 1, "x"), ("B", 1, "x")])


@case("references: two references to one parent")
def two_to_one(p: Project) -> None:
    """Sender and receiver move independently."""
    p.both(
        PEOPLE + "CREATE TABLE mail(id INTEGER PRIMARY KEY, sender INTEGER REFERENCES users(id),"
        " receiver INTEGER REFERENCES users(id), t TEXT);",
        {"users": ANN_BOB, "mail": [(1, 1, 2, "hi"), (2, 2, 1, "yo")]},
        {"users": CYD_ANN, "mail": [(1, 1, 2, "hi"), (2, 2, 1, "hi"), (3, 2, 2, "note")]},
    )
    p.run().done()
    p.expect(
        "SELECT s.email, r.email, t FROM mail JOIN users s ON s.id = sender "
        "JOIN users r ON r.id = receiver",
        [
            ("ann", "bob", "hi"),
            ("bob", "ann", "yo"),
            ("cyd", "ann", "hi"),
            ("ann", "cyd", "hi"),
            ("ann", "ann", "note"),
        ],
    )


@case("references: text '1' to integer 1")
def text_to_integer(p: Project) -> None:
    """SQLite applies the parent's affinity: '1' references 1; the reference stays text."""
    p.both(
        PEOPLE
        + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id TEXT REFERENCES users(id), w);",
        {"users": ANN_BOB, "orders": [(1, "1", "pen"), (2, "2", "ink")]},
        {"users": CYD_ANN, "orders": [(1, "1", "cup"), (2, "2", "pen")]},
    )
    p.run().done()
    p.expect(
        "SELECT u.email, o.w, typeof(o.user_id) FROM orders o "
        "JOIN users u ON u.id = CAST(o.user_id AS INTEGER)",
        [("ann", "pen", "text"), ("bob", "ink", "text"), ("cyd", "cup", "text")],
    )


@case("references: dangling ones are not captured, declared")
def dangling(p: Project) -> None:
    """b's order 9 pointed at nobody; after the merge it still points at nobody."""
    p.both(
        PEOPLE + ORDERS,
        {"users": [*ANN_BOB, (9, "ina"), (10, "jim")], "orders": [(1, 1, "pen")]},
        {"users": CYD_ANN, "orders": [(1, 9, "lost"), (2, 1, "cup"), (3, 3, "gone")]},
    )
    result = p.run()
    if result.asked("orders", "user_id"):
        return
    result.done(violations=True)
    p.expect(OWNERS, [("ann", "pen"), (None, "lost"), ("cyd", "cup"), (None, "gone")])
    result.names("orders")


@case("references: dangling ones of the base are not captured")
def dangling_base(p: Project) -> None:
    """The base's order pointed at nobody: nobody who moved there by a shift may own it."""
    p.both(
        PEOPLE + ORDERS,
        {"users": ANN_BOB, "orders": [(n, n, f"w{n}") for n in range(1, 9)]},
        {"users": [(n, f"user{n}") for n in range(1, 7)], "orders": [(1, 1, "cup")]},
    )
    result = p.run()
    if result.asked("orders", "user_id"):
        return
    result.done(violations=True)
    p.expect(
        OWNERS,
        [("ann", "w1"), ("bob", "w2"), ("user1", "cup")] + [(None, f"w{n}") for n in range(3, 9)],
    )


@case("references: dangling undeclared ones are not captured")
def dangling_undeclared(p: Project) -> None:
    """A confirmed undeclared reference that hits nothing in its file hits nothing afterwards."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER, w TEXT);",
        {"users": [*ANN_BOB, (9, "ina")], "orders": [(1, 1, "pen"), (2, 4, "lost a")]},
        {"users": [*CYD_ANN, (4, "kim")], "orders": [(1, 9, "lost b"), (2, 1, "cup")]},
    )
    result = p.run(
        plan='[[references]]\ntable = "orders"\ncolumns = ["user_id"]\nparent = "users"\n'
        'parent_columns = ["id"]\n'
    )
    if result.asked("orders", "user_id"):
        return
    result.done()
    p.expect(OWNERS, [("ann", "pen"), (None, "lost a"), (None, "lost b"), ("cyd", "cup")])


@case("references: violations that the source already had")
def old_violation(p: Project) -> None:
    """They are listed as the source's own and do not stop the merge, or are asked by name."""
    p.both(
        PEOPLE + "CREATE TABLE orders(id INTEGER PRIMARY KEY,"
        " user_id INTEGER NOT NULL REFERENCES users(id), w TEXT);",
        {"users": ANN_BOB, "orders": [(1, 1, "pen"), (2, 77, "orphan")]},
        {"users": CYD_ANN, "orders": [(1, 1, "cup")]},
    )
    result = p.run()
    if result.asked("orders"):
        return
    result.done(violations=True)
    result.names("orders")
    p.expect("SELECT email FROM users", ALL)
    p.expect(OWNERS, [("ann", "pen"), (None, "orphan"), ("cyd", "cup")])


@case("references: the parent table is in another file")
def parent_elsewhere(p: Project) -> None:
    """a.db has the orders, b.db the users: the numbers stay as they are or it asks; no shift."""
    p.db("a.db", ORDERS, {"orders": [(1, 1, "pen"), (2, 2, "ink")]})
    p.db("b.db", PEOPLE, {"users": ANN_BOB})
    result = p.run()
    if result.asked("orders"):
        return
    result.done(violations=True)
    p.expect("SELECT email FROM users", [("ann",), ("bob",)])
    p.expect_any(
        OWNERS,
        [("ann", "pen"), ("bob", "ink")],
        [(None, "pen"), (None, "ink")],
    )


@case("references: no parents at all in a file, and ids that leave no room")
def dense_without_parents(p: Project) -> None:
    """Ids at both ends of what fits are numbered one by one; the third file has only children."""
    p.db("a.db", PEOPLE + ORDERS, {"users": [(1, "ann"), (2**63 - 1, "bob")], "orders": []})
    p.db("b.db", PEOPLE + ORDERS, {"users": [(1, "cyd"), (2**63 - 2, "dan")], "orders": []})
    p.db("c.db", ORDERS, {"orders": [(1, 777, "lost")]})
    p.run().done(violations=True)
    p.expect("SELECT email FROM users", [("ann",), ("bob",), ("cyd",), ("dan",)])
    p.expect(OWNERS, [(None, "lost")])


@case("references: text that spells large numbers in several ways")
def spelled_numbers(p: Project) -> None:
    """'1', '01', '1.0' and '1e0' all refer to 1 (the parent's affinity says so), and above 2^53 no
    floating point comes between; what is no number stays as it is."""
    top = 2**53 + 1
    schema = (
        "CREATE TABLE who(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE thing(who TEXT REFERENCES who(id), what TEXT);"
    )
    spelled = ["1", "01", "1.0", " 1", "1e0", str(top)]
    p.both(
        schema,
        {"who": [(1, "ann"), (top, "bob")], "thing": [(t, f"a{t}") for t in spelled]},
        {
            "who": [(1, "cyd"), (top, "dan")],
            "thing": [(t, f"b{t}") for t in [*spelled, "abc", ""]],
        },
    )
    p.db("c.db", schema, {"who": [(5, "eve")], "thing": [("05", "c05"), ("5", "c5")]})
    p.run().done(violations=True)
    names = {"1": ("ann", "cyd", "eve"), str(top): ("bob", "dan", "")}
    owned = [
        (f"{side}{text}", names.get(text, names["1"])[place])
        for place, side in enumerate("ab")
        for text in spelled
    ]
    owned += [("babc", None), ("b", None), ("c05", "eve"), ("c5", "eve")]
    p.expect("SELECT t.what, w.name FROM thing t LEFT JOIN who w ON w.id = t.who", owned)
    p.expect("SELECT who FROM thing WHERE what = 'babc'", [("abc",)])


@case("references: ids and dangling references at both ends of the numbers")
def dangling_ends(p: Project) -> None:
    """Rows move into free numbers; a reference to -2^63 or beside 2^63-1 hits nobody's row."""
    top = 2**63 - 1
    schema = (
        "CREATE TABLE who(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE thing(who INTEGER REFERENCES who(id), what TEXT);"
    )
    p.both(
        schema,
        {"who": [(top, "ann"), (1, "bob")], "thing": [(top, "a"), (2, "a2"), (-top - 1, "a3")]},
        {"who": [(top, "cyd"), (2, "dan")], "thing": [(top, "b"), (2, "b2"), (1, "b3"), (3, "b4")]},
    )
    p.run().done(violations=True)
    p.expect(
        "SELECT t.what, w.name FROM thing t LEFT JOIN who w ON w.id = t.who",
        [
            *[("a", "ann"), ("a2", None), ("a3", None)],
            *[("b", "cyd"), ("b2", "dan"), ("b3", None), ("b4", None)],
        ],
    )
