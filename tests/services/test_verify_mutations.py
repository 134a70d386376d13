"""The verification must notice every kind of damage: a right merge is spoiled in one place."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from consolidator_tui.storage.sqlite import Database
from tests.support.staged import Staged, stage

SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT, updated_at TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), w TEXT, v);
CREATE TABLE notes(t TEXT, n INTEGER);
CREATE TABLE odd(rowid TEXT, oid TEXT, _rowid_ TEXT);
CREATE TABLE tags(tag TEXT PRIMARY KEY, color TEXT) WITHOUT ROWID;
CREATE TABLE marks(order_id INTEGER REFERENCES orders(id), tag TEXT REFERENCES tags(tag),
  weight REAL, PRIMARY KEY(order_id, tag)) WITHOUT ROWID;
CREATE TABLE comments(id INTEGER PRIMARY KEY, owner_type TEXT, owner_id INTEGER, body TEXT);
CREATE TABLE profiles(user_id INTEGER PRIMARY KEY REFERENCES users(id), bio TEXT);
CREATE TABLE badges(id INTEGER PRIMARY KEY, user_id INTEGER, kind TEXT);
CREATE INDEX badges_user ON badges(user_id);
CREATE INDEX orders_w ON orders(w);
CREATE VIEW names AS SELECT name FROM users;
CREATE TRIGGER tick AFTER INSERT ON notes BEGIN SELECT 1; END;
"""
A = (
    SCHEMA
    + """
CREATE TABLE items(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, size INTEGER DEFAULT 7);
INSERT INTO users VALUES (1,'ann','Ann','2024-01-01'), (2,'bob','Bob','2024-01-01'),
  (3,'eve','Eve','2024-01-01');
INSERT INTO orders VALUES (1,1,'pen',1), (2,2,'ink',2.0), (3,77,'lost',x'00ff'), (4,NULL,'none',0);
INSERT INTO notes VALUES ('twin',1), ('twin',1), ('one',2);
INSERT INTO odd VALUES ('a','b','c'), ('a','b','c'), ('d','e','f');
INSERT INTO tags VALUES ('red','#f00'), ('old','#000');
INSERT INTO marks VALUES (1,'red',1.5), (2,'red',2.5);
INSERT INTO comments VALUES (1,'user',1,'on ann'), (2,'order',2,'on ink'), (3,'planet',9,'on mars');
INSERT INTO profiles VALUES (1,'ann bio'), (3,'eve bio');
INSERT INTO items VALUES (1,'nut',3);
INSERT INTO badges VALUES (1,1,'of ann'), (2,2,'of bob');
"""
)
B = (
    SCHEMA
    + """
CREATE TABLE items(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
INSERT INTO users VALUES (1,'cyd','Cyd','2024-01-01'), (2,'ann','Anna','2025-01-01'),
  (3,'eve','Eva','2023-01-01'), (4,'dan','Dan','2024-01-01');
INSERT INTO orders VALUES (1,1,'cup','1'), (2,2,'jar',3), (3,4,'tin',4), (4,88,'gone',5);
INSERT INTO notes VALUES ('twin',1), ('two',3);
INSERT INTO odd VALUES ('a','b','c'), ('g','h','i');
INSERT INTO tags VALUES ('red','#f00'), ('blue','#00f');
INSERT INTO marks VALUES (1,'red',1.5), (1,'blue',0.5), (3,'blue',9.0);
INSERT INTO comments VALUES (1,'user',1,'on cyd'), (2,'order',3,'on tin'), (3,'planet',9,'on moon');
INSERT INTO profiles VALUES (1,'cyd bio'), (4,'dan bio');
INSERT INTO items VALUES (1,'bolt'), (2,'nut');
INSERT INTO badges VALUES (1,2,'of b''s ann'), (2,1,'of cyd'), (3,3,'of b''s eve'), (4,4,'of dan'),
  (5,NULL,'of nobody');
"""
)
PLAN = """
[tables.comments]
identity = "none"
[tables.odd]
identity = "rows"
[[references]]
table = "comments"
columns = ["owner_id"]
parent = "users"
parent_columns = ["id"]
where = { owner_type = "user" }
[[references]]
table = "comments"
columns = ["owner_id"]
parent = "orders"
parent_columns = ["id"]
where = { owner_type = "order" }
[[references]]
table = "badges"
columns = ["user_id"]
parent = "users"
parent_columns = ["id"]
[[decisions]]
table = "users"
entity = { email = "eve" }
keep = "b.db"
values = { name = "Evelyn" }
"""

OF = "(SELECT id FROM users WHERE email = '{}')"
ORDER = "(SELECT id FROM orders WHERE w = '{}')"
DAMAGE = {
    "a value of a new row": "UPDATE orders SET w = 'cap' WHERE w = 'cup'",
    "a value of a base row": "UPDATE orders SET w = 'pan' WHERE w = 'pen'",
    "only the case of a value": "UPDATE users SET email = 'CYD' WHERE email = 'cyd'",
    "only the type of a value": "UPDATE orders SET v = 1 WHERE w = 'cup'",
    "one byte of a blob": "UPDATE orders SET v = x'00fe' WHERE w = 'lost'",
    "a value made NULL": "UPDATE orders SET w = NULL WHERE w = 'jar'",
    "the version that lost": "UPDATE users SET name = 'Ann' WHERE email = 'ann'",
    "the value that a person set": "UPDATE users SET name = 'Eva' WHERE email = 'eve'",
    "an invented value": "UPDATE items SET size = 8 WHERE code = 'bolt'",
    "an owner swapped": f"UPDATE orders SET user_id = {OF.format('bob')} WHERE w = 'cup'",
    "an owner of a base row": f"UPDATE orders SET user_id = {OF.format('cyd')} WHERE w = 'pen'",
    "an owner lost": "UPDATE orders SET user_id = NULL WHERE w = 'tin'",
    "an owner for nobody's row": f"UPDATE orders SET user_id = {OF.format('ann')} WHERE w = 'none'",
    "a dangling value captured": f"UPDATE orders SET user_id = {OF.format('dan')} WHERE w = 'gone'",
    "a dangling base value captured": (
        f"UPDATE orders SET user_id = {OF.format('dan')} WHERE w = 'lost'"
    ),
    "an indexed owner swapped": (
        f"UPDATE badges SET user_id = {OF.format('bob')} WHERE kind = 'of dan'"
    ),
    "an indexed owner of a row that is shared": (
        f"UPDATE badges SET user_id = {OF.format('cyd')} WHERE kind = 'of b''s ann'"
    ),
    "an indexed owner where its row would stand alone": (
        f"UPDATE badges SET user_id = {OF.format('cyd')} + 1 WHERE kind = 'of b''s ann'"
    ),
    "an indexed owner lost": "UPDATE badges SET user_id = NULL WHERE kind = 'of cyd'",
    "an indexed owner for nobody": (
        f"UPDATE badges SET user_id = {OF.format('cyd')} WHERE kind = 'of nobody'"
    ),
    "a polymorphic owner": (
        f"UPDATE comments SET owner_id = {OF.format('bob')} WHERE body = 'on cyd'"
    ),
    "a polymorphic value that refers to nothing": (
        "UPDATE comments SET owner_id = 10 WHERE body = 'on moon'"
    ),
    "the type of a polymorphic owner": (
        "UPDATE comments SET owner_type = 'order' WHERE body = 'on cyd'"
    ),
    "owner of a shared key": "UPDATE profiles SET bio = 'dan bio' WHERE bio = 'cyd bio'",
    "two rows exchanged": (
        "UPDATE orders SET w = CASE w WHEN 'cup' THEN 'tin' ELSE 'cup' END "
        "WHERE w IN ('cup', 'tin')"
    ),
    "a row deleted": "DELETE FROM orders WHERE w = 'tin'",
    "a base row deleted": "DELETE FROM notes WHERE t = 'one'",
    "a row invented": "INSERT INTO orders VALUES (9000, NULL, 'ghost', 1)",
    "a row twice": "INSERT INTO notes SELECT * FROM notes WHERE t = 'two'",
    "a row deleted, another one twice": (
        "DELETE FROM notes WHERE t = 'two'; INSERT INTO notes SELECT * FROM notes WHERE t = 'one'"
    ),
    "a twin lost": "DELETE FROM notes WHERE rowid = (SELECT min(rowid) FROM notes WHERE t='twin')",
    "a row without address deleted": "DELETE FROM odd WHERE oid = 'h'",
    "a twin without address exchanged": (
        "CREATE TEMP TABLE o AS SELECT DISTINCT * FROM odd; DELETE FROM odd; "
        "INSERT INTO odd SELECT * FROM temp.o; INSERT INTO odd VALUES ('g','h','i')"
    ),
    "a composite key moved": (
        f"UPDATE marks SET order_id = {ORDER.format('jar')} WHERE weight = 9.0"
    ),
    "a value under a composite key": "UPDATE marks SET weight = 9.5 WHERE weight = 9.0",
    "a value under a text key": "UPDATE tags SET color = '#00e' WHERE tag = 'blue'",
    "an index dropped": "DROP INDEX orders_w",
    "a view dropped": "DROP VIEW names",
    "a trigger dropped": "DROP TRIGGER tick",
    "a table dropped": "DROP TABLE odd; CREATE TABLE odd(rowid TEXT, oid TEXT, _rowid_ TEXT)",
    "a sequence set back": "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'users'",
}


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    """The merge of both files, written once."""
    with TemporaryDirectory() as folder:
        yield asyncio.run(stage(Path(folder), {"a.db": A, "b.db": B}, PLAN))


def _damaged(staged: Staged, folder: Path, script: str) -> Path:
    copy = folder / "damaged.db"
    shutil.copy(staged.staging, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as con:
        before = con.total_changes + con.execute("PRAGMA schema_version").fetchone()[0]
        con.executescript(script)
        assert con.total_changes + con.execute("PRAGMA schema_version").fetchone()[0] > before
    return copy


async def test_the_merge_is_right(staged: Staged) -> None:
    """Undamaged, every check passes."""
    assert not staged.questions
    proof = await staged.verify()
    assert [check for check in proof.checks if not check.ok] == []


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_noticed(staged: Staged, tmp_path: Path, what: str) -> None:
    """One statement on the staged file, and some check fails."""
    proof = await staged.verify(_damaged(staged, tmp_path, DAMAGE[what]))
    assert not proof.ok


async def test_a_ledger_that_merges_rows_of_one_file(staged: Staged, tmp_path: Path) -> None:
    """A row is gone and the ledger calls it a duplicate of another row of the same file."""
    number = staged.plan.table("notes").number
    ledger = tmp_path / "ledger.db"
    shutil.copy(staged.ledger, ledger)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as con:
        con.execute(f"INSERT OR REPLACE INTO map_{number} VALUES (3, 1, 0)")
    copy = _damaged(staged, tmp_path, "DELETE FROM notes WHERE t = 'one'")
    assert not (await staged.verify(copy, ledger)).ok


async def test_a_ledger_that_merges_different_rows(staged: Staged, tmp_path: Path) -> None:
    """A row of the other file is gone, called a duplicate of a row with other values."""
    table = staged.plan.table("notes")
    ledger = tmp_path / "ledger.db"
    shutil.copy(staged.ledger, ledger)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as con:
        con.execute(
            f"INSERT OR REPLACE INTO map_{table.number} VALUES (?, 3, 0), (3, 3, 1)",
            (2 + table.shifts[1],),
        )
    copy = _damaged(staged, tmp_path, "DELETE FROM notes WHERE t = 'two'")
    assert not (await staged.verify(copy, ledger)).ok


async def test_a_damaged_page(staged: Staged, tmp_path: Path) -> None:
    """Bytes overwritten in the middle of the file are an error or a failed check, never ok."""
    copy = tmp_path / "damaged.db"
    data = bytearray(staged.staging.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 8] = b"\xff" * 8
    copy.write_bytes(data)
    try:
        proof = await staged.verify(copy)
    except sqlite3.DatabaseError:
        return
    assert not proof.ok


TAKEN = "CREATE TABLE u(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, a, b, boss REFERENCES u);"
TAKEN_A = TAKEN + "INSERT INTO u VALUES (1,'x','A','A',NULL), (2,'y','p','q',1), (3,'z',1,1,1);"
TAKEN_B = TAKEN + "INSERT INTO u VALUES (1,'x','B','B',NULL), (2,'y','p','q',3), (3,'z',1,1,1);"
TAKEN_PLAN = "".join(
    f'[[decisions]]\ntable = "u"\nentity = {{ k = "{key}" }}\nkeep = "a.db"\n'
    f'fields = {{ {column} = "b.db" }}\n'
    for key, column in (("x", "b"), ("y", "boss"))
)


@pytest.mark.parametrize(
    "damage",
    [
        "b = 'ghost' WHERE k = 'x'",
        "b = 'A' WHERE k = 'x'",
        "b = NULL WHERE k = 'x'",
        "a = 'B' WHERE k = 'x'",
        "boss = 2 WHERE k = 'y'",
        "boss = 1 WHERE k = 'y'",
    ],
)
async def test_a_field_taken_from_another_version(tmp_path: Path, damage: str) -> None:
    taken = await stage(tmp_path, {"a.db": TAKEN_A, "b.db": TAKEN_B}, TAKEN_PLAN)
    assert (await taken.verify()).ok
    assert not (await taken.verify(_damaged(taken, tmp_path, f"UPDATE u SET {damage}"))).ok


LOOKED_UP = """
CREATE TABLE u(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE);
CREATE TABLE c(id INTEGER PRIMARY KEY, u_id INTEGER COLLATE NOCASE REFERENCES u, w TEXT NOT NULL);
CREATE INDEX c_u ON c(u_id COLLATE BINARY);
INSERT INTO u VALUES ({0}, 'ann'), ({1}, 'bob'), ({2}, 'cyd');
"""


@pytest.mark.parametrize("rows", [3, 1])
async def test_places_that_rows_left_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """One by one in an index, whatever the column's collation, and not more than there are rows."""
    ways: list[str] = []
    value = Database.value

    async def explained(self: Database, sql: str, parameters: Iterable[object] = ()) -> object:
        if " v CROSS JOIN " in sql:
            ways.extend(row[3] for row in await self.rows(f"EXPLAIN QUERY PLAN {sql}"))
        return await value(self, sql, parameters)

    own = LOOKED_UP + "".join(f"INSERT INTO c VALUES ({n}, 1, '{{0}}:{n}');" for n in range(rows))
    staged = await stage(tmp_path, {"a.db": own.format(1, 2, 3), "b.db": own.format(2, 3, 1)})
    monkeypatch.setattr(Database, "value", explained)
    assert (await staged.verify()).ok
    found = {way.split(" USING")[0] for way in ways if "INDEX c_u" in way}
    assert found == ({"SEARCH t"} if rows == 3 else set())
