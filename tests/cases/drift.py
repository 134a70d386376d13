"""Tables of one name whose columns differ."""

from __future__ import annotations

from .lib import CaseFailed, Project
from .registry import case

BASE = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT{});"
ALL = [("ann",), ("bob",), ("cyd",)]


@case("drift: columns added")
def added(p: Project) -> None:
    """Columns are united: a lacking one gets its default or NULL, values of both sides stay."""
    p.db(
        "a.db", BASE.format(", age INTEGER"), {"users": [(1, "ann", "A", 30), (2, "bob", "B", 40)]}
    )
    p.db(
        "b.db",
        BASE.format(", city TEXT, level INTEGER NOT NULL DEFAULT 7, note TEXT DEFAULT 'none'"),
        {"users": [(1, "cyd", "C", "Rome", 3, None), (2, "bob", "B", "Bonn", 5, "x")]},
    )
    p.run().done()
    p.expect(
        "SELECT email, name, age, city FROM users",
        [("ann", "A", 30, None), ("bob", "B", 40, "Bonn"), ("cyd", "C", None, "Rome")],
    )
    p.expect("SELECT email, level FROM users", [("ann", 7), ("bob", 5), ("cyd", 3)])
    p.expect_any(
        "SELECT email, note FROM users",
        [("ann", "none"), ("bob", "x"), ("cyd", None)],
        [("ann", None), ("bob", "x"), ("cyd", None)],
    )


@case("drift: columns added with a default that is computed")
def added_computed(p: Project) -> None:
    """ALTER TABLE cannot add DEFAULT CURRENT_TIMESTAMP: no row and no value is lost."""
    p.db("a.db", BASE.format(""), {"users": [(1, "ann", "A"), (2, "bob", "B")]})
    p.db(
        "b.db",
        BASE.format(", made TEXT DEFAULT CURRENT_TIMESTAMP"),
        {"users": [(1, "cyd", "C", "2024-01-01 00:00:00")]},
    )
    result = p.run()
    if result.asked("users", "made"):
        return
    result.done()
    p.expect("SELECT email FROM users", ALL)
    p.expect("SELECT made FROM users WHERE email = 'cyd'", [("2024-01-01 00:00:00",)])


@case("drift: added columns with their own constraints")
def added_constraints(p: Project) -> None:
    """A UNIQUE, a CHECK and a REFERENCES column exist in b.db only: all of it arrives."""
    p.db("a.db", BASE.format(""), {"users": [(1, "ann", "A"), (2, "bob", "B")]})
    p.db(
        "b.db",
        "CREATE TABLE team(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        + BASE.format(", badge TEXT UNIQUE, team_id INTEGER REFERENCES team(id)"),
        {
            "team": [(1, "red"), (2, "blue")],
            "users": [(1, "cyd", "C", "b1", 2), (2, "ann", "A", "b2", 1)],
        },
    )
    result = p.run()
    if result.asked("users", ("badge", "team_id")):
        return
    result.done()
    p.expect(
        "SELECT u.email, u.badge, t.name FROM users u LEFT JOIN team t ON t.id = u.team_id",
        [("ann", "b2", "red"), ("bob", None, None), ("cyd", "b1", "blue")],
    )


@case("drift: a column renamed, mapped in the plan")
def renamed_mapped(p: Project) -> None:
    """[mapping] says that full_name there is name here: one column, nothing lost."""
    p.db("a.db", BASE.format(""), {"users": [(1, "ann", "A"), (2, "bob", "B")]})
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT);",
        {"users": [(1, "cyd", "C"), (2, "bob", "B")]},
    )
    p.run(plan='[mapping."b.db".columns.users]\nfull_name = "name"\n').done()
    p.expect("SELECT email, name FROM users", [("ann", "A"), ("bob", "B"), ("cyd", "C")])
    if "full_name" in p.columns("users"):
        raise CaseFailed("the mapped column is still there under its old name")


@case("drift: a column renamed, unmapped")
def renamed_unmapped(p: Project) -> None:
    """Without a mapping both columns are united (values kept), or it asks naming the column."""
    p.db("a.db", BASE.format(""), {"users": [(1, "ann", "A"), (2, "bob", "B")]})
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT);",
        {"users": [(1, "cyd", "C"), (2, "bob", "Bob")]},
    )
    result = p.run()
    if result.asked("users", ("full_name", "name")):
        return
    result.done()
    p.expect(
        "SELECT email, name, full_name FROM users",
        [("ann", "A", None), ("bob", "B", "Bob"), ("cyd", None, "C")],
    )


@case("drift: a key column renamed, unmapped")
def renamed_key(p: Project) -> None:
    """One value cannot fill a UNIQUE column of two rows: its other name is what settles it."""
    schema = "CREATE TABLE users(id INTEGER PRIMARY KEY, {} TEXT NOT NULL UNIQUE, name TEXT);"
    p.db("a.db", schema.format("email"), {"users": [(1, "ann", "A"), (2, "bob", "B")]})
    p.db("b.db", schema.format("mail"), {"users": [(1, "cyd", "C"), (2, "ann", "A")]})
    result = p.run()
    result.must_ask("users", "mail", "email")
    p.run(plan="\n".join(result.fixes())).done()
    p.expect("SELECT email FROM users", ALL)


@case("drift: a table mapped to another name")
def table_mapped(p: Project) -> None:
    """[mapping] of tables: items there are todo_items here; references follow."""
    p.db(
        "a.db",
        BASE.format("")
        + "CREATE TABLE todo_items(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, t);",
        {"users": [(1, "ann", "A"), (2, "bob", "B")], "todo_items": [(1, 1, "x")]},
    )
    p.db(
        "b.db",
        BASE.format("")
        + "CREATE TABLE items(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, t TEXT);",
        {"users": [(1, "cyd", "C"), (2, "ann", "A")], "items": [(1, 1, "y"), (2, 2, "x")]},
    )
    p.run(plan='[mapping."b.db".tables]\nitems = "todo_items"\n').done(without=["items"])
    p.expect(
        "SELECT u.email, t.t FROM todo_items t JOIN users u ON u.id = t.user_id",
        [("ann", "x"), ("cyd", "y")],
    )
    if p.has_table("items"):
        raise CaseFailed("the mapped table is still there under its old name")


@case("drift: a column retyped: '00123' stays '00123'")
def retyped(p: Project) -> None:
    """TEXT here, INTEGER there: kept as text with its zeros, or asked naming the column."""
    p.db(
        "a.db",
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zip INTEGER);",
        {"place": [(1, "x", 12345), (2, "y", 99)]},
    )
    p.db(
        "b.db",
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zip TEXT);",
        {"place": [(1, "z", "00123"), (2, "w", "1e5")]},
    )
    result = p.run()
    if result.asked("place", "zip"):
        return
    result.done()
    p.expect("SELECT name, zip FROM place WHERE name IN ('z', 'w')", [("z", "00123"), ("w", "1e5")])
    p.expect_any(
        "SELECT name, zip FROM place WHERE name IN ('x', 'y')",
        [("x", 12345), ("y", 99)],
        [("x", "12345"), ("y", "99")],
    )


@case("drift: a column retyped, the base has the text")
def retyped_base_text(p: Project) -> None:
    """Numbers that go into a TEXT column keep their digits; the text keeps its zeros."""
    p.db(
        "a.db",
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zip TEXT);",
        {"place": [(1, "x", "00123")]},
    )
    p.db(
        "b.db",
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, zip INTEGER);",
        {"place": [(1, "y", 123), (2, "z", 9007199254740993)]},
    )
    result = p.run()
    if result.asked("place", "zip"):
        return
    result.done()
    p.expect("SELECT CAST(zip AS TEXT) FROM place", [("00123",), ("123",), ("9007199254740993",)])
    p.expect("SELECT zip FROM place WHERE name = 'x'", [("00123",)])


@case("drift: REAL here, INTEGER there")
def retyped_number(p: Project) -> None:
    """An integer over 2^53 must not be squeezed through a float: kept exactly, or asked."""
    p.db(
        "a.db",
        "CREATE TABLE m(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v REAL);",
        {"m": [(1, "x", 1.5)]},
    )
    p.db(
        "b.db",
        "CREATE TABLE m(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v INTEGER);",
        {"m": [(1, "y", 9007199254740993)]},
    )
    result = p.run()
    if result.asked("m", "v"):
        return
    result.done()
    p.expect("SELECT CAST(v AS TEXT) FROM m WHERE k = 'y'", [("9007199254740993",)])
    p.expect("SELECT v FROM m WHERE k = 'x'", [(1.5,)])


@case("drift: columns in another order")
def reordered(p: Project) -> None:
    """Columns match by name, not by place."""
    p.db(
        "a.db", BASE.format(", phone TEXT"), {"users": [(1, "ann", "A", "1"), (2, "bob", "B", "2")]}
    )
    p.db(
        "b.db",
        "CREATE TABLE users(phone TEXT, name TEXT, email TEXT NOT NULL UNIQUE,"
        " id INTEGER PRIMARY KEY);",
        {"users": [("3", "C", "cyd", 1), ("1", "A", "ann", 2)]},
    )
    p.run().done()
    p.expect(
        "SELECT email, name, phone FROM users",
        [("ann", "A", "1"), ("bob", "B", "2"), ("cyd", "C", "3")],
    )


@case("drift: NOT NULL without default")
def not_null(p: Project) -> None:
    """b.db's rows have no phone and nobody can fill it: asked, naming the column and the way."""
    p.db("a.db", BASE.format(", phone TEXT NOT NULL"), {"users": [(1, "ann", "A", "1")]})
    p.db("b.db", BASE.format(""), {"users": [(1, "bob", "B"), (2, "ann", "A")]})
    result = p.run()
    result.must_ask("users", "phone")
    if "defaults" not in result.text:
        raise CaseFailed("the question does not name the plan lines that would settle it")


@case("drift: NOT NULL without default, the plan says the value")
def not_null_default(p: Project) -> None:
    """[tables.users.defaults] fills it for the rows that lack it; the others keep theirs."""
    p.db("a.db", BASE.format(", phone TEXT NOT NULL"), {"users": [(1, "ann", "A", "1")]})
    p.db("b.db", BASE.format(""), {"users": [(1, "bob", "B"), (2, "ann", "A")]})
    p.run(plan='[tables.users.defaults]\nphone = "unknown"\n').done()
    p.expect("SELECT email, phone FROM users", [("ann", "1"), ("bob", "unknown")])


@case("drift: NOT NULL on one side, NULLs on the other")
def not_null_one_side(p: Project) -> None:
    """Here name is NOT NULL, there it may be NULL and is: asked or the constraint yields, said."""
    p.db(
        "a.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE,"
        " name TEXT NOT NULL);",
        {"users": [(1, "ann", "A")]},
    )
    p.db("b.db", BASE.format(""), {"users": [(1, "bob", None), (2, "cyd", "C")]})
    result = p.run()
    if result.asked("users", "name"):
        return
    result.done()
    p.expect("SELECT email, name FROM users", [("ann", "A"), ("bob", None), ("cyd", "C")])
    result.names("users")


@case("drift: two meanings of one table name")
def two_meanings(p: Project) -> None:
    """Unrelated columns under one name: asked, naming the table, with lines that settle it."""
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
    result = p.run()
    result.must_ask("items")
    if "mapping" not in result.text:
        raise CaseFailed("the question does not name the plan lines that would settle it")


@case("drift: two meanings of one table name, mapped")
def two_meanings_mapped(p: Project) -> None:
    """The plan gives one of them another name: both are there, each with its references."""
    p.db(
        "a.db",
        "CREATE TABLE items(id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE, price REAL);"
        "CREATE TABLE sale(id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES items(id));",
        {"items": [(1, "s1", 1.5)], "sale": [(1, 1)]},
    )
    p.db(
        "b.db",
        "CREATE TABLE items(id INTEGER PRIMARY KEY, title TEXT, done INTEGER, due TEXT);"
        "CREATE TABLE step(id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES items(id), t TEXT);",
        {"items": [(1, "wash", 0, "mon")], "step": [(1, 1, "soap")]},
    )
    p.run(plan='[mapping."b.db".tables]\nitems = "todo_items"\n').done()
    p.expect("SELECT i.sku FROM sale s JOIN items i ON i.id = s.item_id", [("s1",)])
    p.expect(
        "SELECT i.title, s.t FROM step s JOIN todo_items i ON i.id = s.item_id", [("wash", "soap")]
    )
    with p.open(p.target) as con:
        parent = con.execute("SELECT \"table\" FROM pragma_foreign_key_list('step')").fetchall()
    if parent != [("todo_items",)]:
        raise CaseFailed(f"step's foreign key leads to {parent}")


@case("drift: the key's type changed")
def key_type(p: Project) -> None:
    """Integer ids here, UUIDs there: both people are there with their orders, or asked by name."""
    orders = "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id {} REFERENCES users(id), w TEXT);"
    p.db(
        "a.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        + orders.format("INTEGER"),
        {"users": [(1, "ann"), (2, "bob")], "orders": [(1, 1, "pen")]},
    )
    p.db(
        "b.db",
        "CREATE TABLE users(id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        + orders.format("TEXT"),
        {
            "users": [("c0ffee", "cyd"), ("beef", "ann")],
            "orders": [(1, "c0ffee", "cup"), (2, "beef", "jar")],
        },
    )
    result = p.run()
    if result.asked("users", "id"):
        return
    result.done()
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("ann", "pen"), ("cyd", "cup"), ("ann", "jar")],
    )


@case('drift: on_drift = "stop"')
def drift_stop(p: Project) -> None:
    """The plan says stop at drift: a changed type is asked, nothing is written."""
    p.db("a.db", BASE.format(", age INTEGER"), {"users": [(1, "ann", "A", 3)]})
    p.db("b.db", BASE.format(", age TEXT"), {"users": [(1, "bob", "B", "007")]})
    p.run(plan='on_drift = "stop"\n').must_ask("users", "age")


@case("drift: several questions at once")
def pasted_answers(p: Project) -> None:
    """The lines of all questions, pasted one after the other, settle them all."""
    p.db(
        "a.db",
        BASE.format(", zip INTEGER") + "CREATE TABLE log(id INTEGER PRIMARY KEY, title, place);"
        "CREATE TABLE m(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE);",
        {"users": [(1, "ann", "A", 5)], "log": [(1, "party", "here")], "m": [(1, "x")]},
    )
    p.db(
        "b.db",
        BASE.format(", zip TEXT") + "CREATE TABLE log(id INTEGER PRIMARY KEY, level, text);"
        "CREATE TABLE m(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, must TEXT NOT NULL);",
        {"users": [(1, "bob", "B", "005")], "log": [(1, 3, "boom")], "m": [(1, "y", "z")]},
    )
    result = p.run()
    result.must_ask("users", "zip", "log", "must")
    p.run(plan="\n".join(result.fixes())).done()
    p.expect("SELECT email, zip FROM users", [("ann", 5), ("bob", "005")])
    p.expect("SELECT k, must FROM m", [("x", "..."), ("y", "z")])
