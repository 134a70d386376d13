"""Ids inside texts, which nobody rewrites: said where they change, and nowhere else."""

from __future__ import annotations

from .lib import Project, Result
from .registry import case

SHOP = (
    "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
    "CREATE TABLE tags(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
)
USERS_A, USERS_B = [(1, "ann"), (2, "bob"), (3, "eve")], [(1, "cyd"), (2, "ann"), (3, "dan")]
TAGS_A, TAGS_B = [(1, "red"), (2, "blue")], [(1, "green"), (2, "red")]
QUIET = [
    "an array [1,2] in words", "0123", "12:30", "[1.5,2.5]", '["red","blue"]', "1,2,3", "[1,2]",
    "localhost:8000", '{"page":1,"user":"x"}', "[7,8]", '{"user_id":70}', "users:9", "2024/1",
]  # fmt: skip
"""Texts that hold no ids of users or tags, or nothing that says so."""


def _told(result: Result) -> dict[str, dict[str, str]]:
    """Column -> the warning that its texts hold ids."""
    found = [m for m in result.last["messages"] if " texts " in m["text"]]
    for message in found:
        if message["level"] != "warning" or "not_references" not in message["fix"]:
            raise result.fail("it must warn, with the plan line that turns it off")
    if len({m["column"] for m in found}) != len(found):
        raise result.fail("one warning for each column")
    return {message["column"]: message for message in found}


def _texts(p: Project, column: str, texts: list[str]) -> None:
    """Both files have the texts; those of b.db come into the target."""
    posts = f'CREATE TABLE posts(slug TEXT PRIMARY KEY, "{column}" TEXT);'
    for name, users, tags in (("a", USERS_A, TAGS_A), ("b", USERS_B, TAGS_B)):
        rows = [(f"{name}{n}", text) for n, text in enumerate(texts)]
        p.db(f"{name}.db", SHOP + posts, {"users": users, "tags": tags, "posts": rows})


@case("references: lists of ids in a text, of several spellings")
def lists(p: Project) -> None:
    """JSON, commas, semicolons; the warning names table, column, file and parent."""
    columns = {
        "tag_ids": "[1,2]", "tagIds_json": '["1", 2]', "tags": "1, 2", "tag_list": ",1,2,",
        "user_ids": "3;1", "users": "1|2|3", "userids": "2",
    }  # fmt: skip
    declared = ", ".join(f"{name} TEXT" for name in columns)
    schema = f"{SHOP}CREATE TABLE posts(slug TEXT PRIMARY KEY, {declared}) WITHOUT ROWID;"
    for name, users, tags in (("a", USERS_A, TAGS_A), ("b", USERS_B, TAGS_B)):
        rows = [(f"{name}{n}", *columns.values()) for n in range(2)]
        p.db(f"{name}.db", schema, {"users": users, "tags": tags, "posts": rows})
    result = p.run()
    result.done()
    told = _told(result)
    if told.keys() != columns.keys():
        raise result.fail(f"warned of {sorted(told)}")
    for column, message in told.items():
        parent = "users" if column.startswith("user") else "tags"
        if (message["table"], message["file"]) != ("posts", "b.db") or f"ids of {parent}" not in (
            message["text"]
        ):
            raise result.fail(f"{column}: the warning does not say which table and file")
    p.expect("SELECT tag_ids FROM posts WHERE slug = 'b0'", [("[1,2]",)])


@case("references: ids under names in a JSON text")
def json_names(p: Project) -> None:
    """`user_id`, `{"user": {"id": 3}}` and a list deep inside; a file of another encoding."""
    texts = ['{"user":{"id":3},"n":9}', '{"by":{"userId":1},"lines":[{"tag_ids":[2,1]}]}']
    posts = "CREATE TABLE posts(slug TEXT PRIMARY KEY, payload TEXT);"
    rows = [(f"b{n}", text) for n, text in enumerate(texts)]
    p.db("a.db", SHOP + posts, {"users": USERS_A, "tags": TAGS_A})
    encoding = "PRAGMA encoding = 'UTF-16le';"
    p.db("b.db", encoding + SHOP + posts, {"users": USERS_B, "tags": TAGS_B, "posts": rows})
    result = p.run()
    result.done()
    told = _told(result)
    if told.keys() != {"payload"}:
        raise result.fail(f"warned of {sorted(told)}")
    result.names("users", "tags", "b.db")


@case("references: ids behind a table's name in a text")
def labelled(p: Project) -> None:
    """`user:1` and the like: said of all tables that are named."""
    _texts(p, "subject", ["user:1", "user:3", "tag:2"])
    result = p.run()
    result.done()
    if "ids of tags and users" not in _told(result)["subject"]["text"]:
        raise result.fail("it must say of which tables")


@case("references: a list of ids whose name says of whom only roughly")
def members(p: Project) -> None:
    """`members` may be users: said as a weak sign."""
    _texts(p, "members", ["[1,2]", "[3]"])
    result = p.run()
    result.done()
    if "weak" not in _told(result)["members"]["text"]:
        raise result.fail("it must say how sure the sign is")


@case("references: texts that hold no ids")
def no_ids(p: Project) -> None:
    """Numbers, prose, times, ports, ids that nobody has: nothing is said of any of them."""
    names = [f"c{n}" for n in range(len(QUIET))] + ["scores", "phone", "tag_ids", "payload"]
    texts = [*QUIET, "[1,2]", "030 12", "[1,2,99,98,97]", '{"id":1,"tag":2,"order":1}']
    declared = ", ".join(f"{name} TEXT" for name in names)
    schema = f"{SHOP}CREATE TABLE posts(slug TEXT PRIMARY KEY, {declared});"
    for name, users, tags in (("a", USERS_A, TAGS_A), ("b", USERS_B, TAGS_B)):
        p.db(f"{name}.db", schema, {"users": users, "tags": tags, "posts": [(name, *texts)]})
    result = p.run()
    result.done()
    if told := _told(result):
        raise result.fail(f"warned of {sorted(told)}")


@case("references: ids in texts that do not change, or that the plan knows")
def nothing_changes(p: Project) -> None:
    """Ids of b.db that no other file has stay what they are; a plan line turns the warning off."""
    _texts(p, "tag_ids", ["[1,2]"])
    plan = '[[not_references]]\ntable = "posts"\ncolumns = ["tag_ids"]\n'
    result = p.run(plan=plan)
    result.done()
    if _told(result):
        raise result.fail("the plan says that it is no reference")
    with p.open("c.db") as con:
        con.executescript(SHOP + "CREATE TABLE posts(slug TEXT PRIMARY KEY, tag_ids TEXT);")
        con.execute("INSERT INTO tags VALUES (71, 'pink'), (72, 'grey')")
        con.execute("INSERT INTO posts VALUES ('c0', '[71,72]')")
    result = p.run("a.db", "c.db", target="other.db")
    result.done()
    if _told(result):
        raise result.fail("no id changes")
