"""Names that SQLite allows."""

from __future__ import annotations

from .lib import Project, Rows, quoted
from .registry import case


def _shop(p: Project, users: str, email: str, orders: str, owner: str) -> None:
    """Two files with colliding ids whose tables and columns have the given names; run; judge."""
    u, e, o, w = quoted(users), quoted(email), quoted(orders), quoted(owner)
    schema = f"""
    CREATE TABLE {u}(id INTEGER PRIMARY KEY, {e} TEXT NOT NULL UNIQUE);
    CREATE TABLE {o}(id INTEGER PRIMARY KEY, {w} INTEGER NOT NULL REFERENCES {u}(id), what TEXT);
    CREATE INDEX {quoted(orders + " by " + owner)} ON {o}({w});
    """
    p.both(
        schema,
        {users: [(1, "ann"), (2, "bob")], orders: [(1, 1, "pen"), (2, 2, "ink")]},
        {users: [(1, "cyd"), (2, "ann")], orders: [(1, 1, "cup"), (2, 2, "pen")]},
    )
    p.run().done()
    p.expect(f"SELECT {e} FROM {u}", [("ann",), ("bob",), ("cyd",)])
    p.expect(
        f"SELECT u.{e}, o.what FROM {o} o JOIN {u} u ON u.id = o.{w}",
        [("ann", "pen"), ("bob", "ink"), ("cyd", "cup")],
    )


@case("names: spaces")
def spaces(p: Project) -> None:
    """A name with spaces is an ordinary name."""
    _shop(p, "our users", " e mail ", "order lines", "user id")


@case("names: quotes")
def quotes(p: Project) -> None:
    """Quotes, brackets and backticks inside names are ordinary characters."""
    _shop(p, "us\"er's", "e`mail]", '"orders"', "o'wner\"")


@case("names: keywords")
def keywords(p: Project) -> None:
    """SQL keywords are names when quoted."""
    _shop(p, "group", "select", "order", "from")


@case("names: unicode")
def unicode_names(p: Project) -> None:
    """Letters beyond ASCII are letters."""
    _shop(p, "größen", "почта", "注文", "владелец")


@case("names: emoji")
def emoji(p: Project) -> None:
    """Emoji are letters too."""
    _shop(p, "👤", "📧", "📦 orders", "🔑")


@case("names: markup and SQL in names")
def hostile(p: Project) -> None:
    """Semicolons, comments, markup, percent signs and dots do nothing."""
    _shop(p, "users; DROP TABLE x --", "[red]e%s", "a.b/*", "main.id {0}")


@case("names: names that the engine itself may use")
def working_names(p: Project) -> None:
    """Tables called like databases or working tables of a merge are ordinary tables."""
    names = ("main", "temp", "s0", "pv", "cls", "sh_users", "ledger", "map", "json_each")
    names += ("pragma_table_xinfo", "pragma_index_list", "pragma_index_xinfo")
    schema = "".join(
        f"CREATE TABLE {quoted(n)}(g INTEGER PRIMARY KEY, src TEXT NOT NULL UNIQUE, canon, lo, k0);"
        f'CREATE TABLE "{n} x"(id INTEGER PRIMARY KEY, f0 INTEGER REFERENCES {quoted(n)}(g), c);'
        for n in names
    )
    a = {n: [(1, "ann", 1, 2, 3)] for n in names} | {f"{n} x": [(1, 1, "a")] for n in names}
    b = {n: [(1, "bob", 1, 2, 3)] for n in names} | {f"{n} x": [(1, 1, "b")] for n in names}
    p.both(schema, a, b)
    p.run().done()
    for name in names:
        t = f"main.{quoted(name)}"
        p.expect(
            f'SELECT t.src, t.k0, x.c FROM main."{name} x" x JOIN {t} t ON t.g = x.f0',
            [("ann", 3, "a"), ("bob", 3, "b")],
        )


@case("names: an empty column name")
def empty_column(p: Project) -> None:
    """An empty name is a name: values of that column survive."""
    schema = 'CREATE TABLE t(id INTEGER PRIMARY KEY, "" TEXT NOT NULL UNIQUE, "x" TEXT)'
    p.both(schema, {"t": [(1, "a", "1"), (2, "b", "2")]}, {"t": [(1, "c", "3"), (2, "a", "1")]})
    p.run().done()
    p.expect('SELECT "", x FROM t', [("a", "1"), ("b", "2"), ("c", "3")])


@case("names: an empty column name of the key")
def empty_key_name(p: Project) -> None:
    """Rows whose key is called '' move, and what refers to them follows."""
    schema = """CREATE TABLE t("" INTEGER PRIMARY KEY, v TEXT NOT NULL UNIQUE);
    CREATE TABLE r(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(""), w TEXT);"""
    p.both(
        schema,
        {"t": [(1, "a")], "r": [(1, 1, "ra")]},
        {"t": [(1, "b"), (2, "a")], "r": [(1, 1, "rb"), (2, 2, "ra")]},
    )
    p.run().done()
    p.expect('SELECT w, v FROM r JOIN t ON t."" = r.t_id', [("ra", "a"), ("rb", "b")])


@case("names: an empty table name")
def empty_table(p: Project) -> None:
    """SQLite allows a table called ''."""
    schema = 'CREATE TABLE ""(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)'
    p.both(schema, {"": [(1, "a")]}, {"": [(1, "b")]})
    p.run().done()
    p.expect('SELECT name FROM ""', [("a",), ("b",)])


@case("names: `Users` in one file and `users` in the other")
def table_case(p: Project) -> None:
    """Names match as SQLite compares them: ASCII letters fold, so it is one table."""
    rows: Rows = {"Users": [(1, "ann"), (2, "bob")], "Orders": [(1, 2, "pen")]}
    p.db(
        "a.db",
        "CREATE TABLE Users(Id INTEGER PRIMARY KEY, Email TEXT NOT NULL UNIQUE);"
        "CREATE TABLE Orders(Id INTEGER PRIMARY KEY, User_Id INTEGER REFERENCES Users(Id), W);",
        rows,
    )
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES USERS(ID), w);",
        {"users": [(1, "bob"), (2, "cyd")], "orders": [(1, 1, "pen"), (2, 2, "cup")]},
    )
    p.run().done()
    p.expect("SELECT email FROM users", [("ann",), ("bob",), ("cyd",)])
    p.expect(
        "SELECT u.email, o.w FROM orders o JOIN users u ON u.id = o.user_id",
        [("bob", "pen"), ("cyd", "cup")],
    )


@case("names: unicode names that differ in case only")
def unicode_case(p: Project) -> None:
    """SQLite folds ASCII only: Ä and ä are two tables, É and é two columns."""
    schema = (
        'CREATE TABLE "Ä"(id INTEGER PRIMARY KEY, "É" TEXT NOT NULL UNIQUE, "é" TEXT);'
        'CREATE TABLE "ä"(id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE);'
    )
    p.both(
        schema,
        {"Ä": [(1, "x", "big")], "ä": [(1, "small")]},
        {"Ä": [(1, "y", "BIG")], "ä": [(1, "SMALL"), (2, "small")]},
    )
    p.run().done()
    p.expect('SELECT "É", "é" FROM "Ä"', [("x", "big"), ("y", "BIG")])
    p.expect('SELECT n FROM "ä"', [("small",), ("SMALL",)])


@case("names: unicode names that differ in case only, one in each file")
def unicode_case_apart(p: Project) -> None:
    """`ÄPFEL` here and `äpfel` there are two tables: both stay."""
    p.db("a.db", "CREATE TABLE ÄPFEL(id INTEGER PRIMARY KEY, n TEXT)", {"ÄPFEL": [(1, "boskop")]})
    p.db("b.db", "CREATE TABLE äpfel(id INTEGER PRIMARY KEY, n TEXT)", {"äpfel": [(1, "gala")]})
    p.run().done()
    p.expect("SELECT n FROM ÄPFEL", [("boskop",)])
    p.expect("SELECT n FROM äpfel", [("gala",)])


@case("names: a column called rowid")
def column_rowid(p: Project) -> None:
    """A column may hide the rowid; all three names may be taken."""
    schema = (
        "CREATE TABLE t(rowid TEXT, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE u(rowid TEXT, oid INTEGER, _rowid_ BLOB, name TEXT);"
        "CREATE TABLE v(id INTEGER PRIMARY KEY, rowid TEXT);"
    )
    p.both(
        schema,
        {"t": [("r1", "a"), ("r2", "b")], "u": [("1", 1, b"\1", "a")], "v": [(1, "x"), (2, "y")]},
        {"t": [("r9", "c"), ("r1", "a")], "u": [("1", 1, b"\2", "a")], "v": [(1, "z")]},
    )
    p.run().done()
    p.expect('SELECT "rowid", name FROM t', [("r1", "a"), ("r2", "b"), ("r9", "c")])
    p.expect(
        "SELECT rowid, oid, _rowid_, name FROM u", [("1", 1, b"\1", "a"), ("1", 1, b"\2", "a")]
    )
    p.expect("SELECT rowid FROM v", [("x",), ("y",), ("z",)])


@case("names: an index name taken by a table elsewhere")
def index_is_table(p: Project) -> None:
    """Both rows and index must stay: the index gets another name, or the plan asks naming it."""
    p.db(
        "a.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        "CREATE INDEX stats ON users(email);",
        {"users": [(1, "ann")]},
    )
    p.db(
        "b.db",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
        "CREATE TABLE stats(day TEXT PRIMARY KEY, hits INTEGER);",
        {"users": [(1, "bob")], "stats": [("monday", 7)]},
    )
    result = p.run()
    if result.asked("stats"):
        return
    result.done(without=["stats"])
    p.expect("SELECT email FROM users", [("ann",), ("bob",)])
    p.expect("SELECT day, hits FROM stats", [("monday", 7)])
    result.names("stats")


@case("names: a table here that is a view there")
def table_is_view(p: Project) -> None:
    """One name cannot be both: ask by name, or keep all rows reachable under a said name."""
    p.db(
        "a.db",
        "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        {"people": [(1, "ann"), (2, "bob")]},
    )
    p.db(
        "b.db",
        "CREATE TABLE persons(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE VIEW people AS SELECT id, name FROM persons;",
        {"persons": [(1, "cyd")]},
    )
    result = p.run()
    if result.asked("people") or result.refused("people"):
        return
    result.done(without=["people"])
    result.names("people")
    p.expect("SELECT name FROM people WHERE name <> 'cyd'", [("ann",), ("bob",)])
    p.expect("SELECT name FROM persons", [("cyd",)])


@case("names: very long names, names with newlines")
def odd_names(p: Project) -> None:
    """A name may be long and hold control characters."""
    _shop(p, "u" * 300, "e\nmail", "or\tders", "owner\r")


@case("names: columns of one letter")
def one_letter(p: Project) -> None:
    """Whatever short names the merge itself uses, a table of copies may have them, too."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    schema = (
        f"CREATE TABLE t(id INTEGER PRIMARY KEY, {', '.join(letters)}, above, canon, key, value);"
    )
    shared = [(n, *(f"{n}{place}" for place in range(30))) for n in range(1, 6)]
    own = [(6, *(side for _ in range(30))) for side in ("only here", "not there")]
    p.both(schema, {"t": [*shared, own[0]]}, {"t": [*shared, own[1]]})
    p.run().done()
    p.expect("SELECT a, i, z, value FROM t", [(r[1], r[9], r[26], r[30]) for r in [*shared, *own]])
