"""Four sources of one shop, of any size, that know what their right merge is.

`python -m tests.bench.generate FOLDER --rows 2000000` writes s0.db … s3.db. Everything is computed
from the global number of a thing (a person, an order, an event), so the same arguments give the
same files, and `check` can tell from a merged file alone whether every row is there once and still
belongs to the same person.

People of neighbouring sources overlap by 30 % under other ids (2 % of those disagree, the later
source is newer); events of shared people are copied so that 20 % of all are exact duplicates;
categories refer to themselves and exist everywhere under other ids; blobs are 4 KB.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import math
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

SOURCES = 4
SIZES = {"small": 50_000, "medium": 2_000_000, "large": 10_000_000}

SCHEMA = """
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    city TEXT, updated_at TEXT NOT NULL);
CREATE TABLE categories(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES categories(id),
    name TEXT NOT NULL);
CREATE TABLE tags(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id),
    ref TEXT NOT NULL, placed_at TEXT NOT NULL, total REAL NOT NULL);
CREATE TABLE items(id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
    category_id INTEGER NOT NULL REFERENCES categories(id), sku TEXT NOT NULL, quantity INTEGER,
    price REAL);
CREATE TABLE order_tags(order_id INTEGER NOT NULL REFERENCES orders(id),
    tag_id INTEGER NOT NULL REFERENCES tags(id), PRIMARY KEY(order_id, tag_id)) WITHOUT ROWID;
CREATE TABLE events(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id),
    kind TEXT NOT NULL, payload TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE attachments(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id),
    name TEXT NOT NULL, data BLOB NOT NULL);
"""
INDEXES = """
CREATE INDEX orders_by_user ON orders(user_id);
CREATE INDEX items_by_order ON items(order_id);
CREATE INDEX events_by_user ON events(user_id);
"""
TABLES = ("users", "categories", "tags", "orders", "items", "order_tags", "events", "attachments")


SHARES = (0.25, 0.375, 0.2, 0.175)
"""How the rows are spread over the sources: the naive merge then drops some 58 % of the rows."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many rows of each kind each source has; `shared_*` has one number per neighbours."""

    users: tuple[int, ...]
    shared_users: tuple[int, ...]
    orders: tuple[int, ...]
    events: tuple[int, ...]
    shared_events: tuple[int, ...]
    attachments: tuple[int, ...]
    categories: int
    tags: int = 50

    @property
    def items(self) -> tuple[int, ...]:
        """Two lines per order."""
        return tuple(2 * count for count in self.orders)

    @property
    def persons(self) -> tuple[int, ...]:
        """The global number of the first person of each source."""
        new = [n - s for n, s in zip(self.users, self.shared_users, strict=False)]
        return tuple(accumulate(new, initial=0))

    def rows(self) -> int:
        """All rows of all sources."""
        own = sum(map(sum, (self.users, self.orders, self.items, self.events, self.attachments)))
        half = sum(count // 2 for count in self.orders)
        return own + half + SOURCES * (self.categories + self.tags)

    def logical(self) -> dict[str, int]:
        """The rows of a right merge, per table."""
        return {
            "users": sum(self.users) - sum(self.shared_users),
            "categories": self.categories,
            "tags": self.tags,
            "orders": sum(self.orders),
            "items": sum(self.items),
            "order_tags": sum(count // 2 for count in self.orders),
            "events": sum(self.events) - sum(self.shared_events),
            "attachments": sum(self.attachments),
        }


def shape_of(rows: int) -> Shape:
    """The shape that has about `rows` rows in all: 30 % shared people, 20 % duplicate events."""
    each = [int(rows * share) for share in SHARES]
    users = tuple(max(20, int(one * 0.05)) for one in each)
    events = tuple(int(one * 0.48) for one in each)
    twice = [min(pair) for pair in pairwise(events)]
    return Shape(
        users=users,
        shared_users=tuple(min(pair) * 3 // 10 for pair in pairwise(users)),
        orders=tuple(int(one * 0.13) // 2 * 2 for one in each),
        events=events,
        shared_events=tuple(int(0.2 * sum(events) * n / sum(twice)) for n in twice),
        attachments=tuple(int(one * 0.012) for one in each),
        categories=min(2000, max(40, rows // 8000)),
    )


def _step(count: int, source: int) -> int:
    """A number that shares no factor with `count`: multiplying by it shuffles 0 … count-1."""
    step = int(count * (0.381 + 0.07 * source)) | 1
    while math.gcd(step, count) != 1:
        step += 2
    return step


def _start(counts: tuple[int, ...], source: int) -> int:
    """The global number of the first own thing of a source."""
    return sum(counts[:source])


def _id_of_person(shape: Shape, source: int, person: str) -> str:
    """SQL: the id in this source of the person whose global number is the SQL `person`."""
    count = shape.users[source]
    back = pow(_step(count, source), -1, count)
    return f"1 + (({person} - {shape.persons[source]}) * {back}) % {count}"


def _scattered(number: str, below: int) -> str:
    """SQL: an even-looking number from 0 to `below`-1 that `number` determines."""
    return f"((({number}) * 2654435761 + 12345) % 4294967291) % {below}"


def _owner(shape: Shape, source: int, number: str) -> str:
    """SQL: the global person that owns the own thing `number` of a source."""
    return f"({shape.persons[source]} + {_scattered(number, shape.users[source])})"


def _shared_owner(shape: Shape, link: int, number: str) -> str:
    """SQL: the global person that owns the event `number` which sources link and link+1 share."""
    return f"({shape.persons[link + 1]} + {_scattered(number, shape.shared_users[link])})"


def _numbers(count: int) -> str:
    return f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) "


def _blob(number: int) -> bytes:
    return hashlib.shake_128(b"attachment %d" % number).digest(4096)


def _event(number: str) -> str:
    """SQL: kind, payload and time of the event whose global number is the SQL `number`."""
    payload = (
        'printf(\'{"event":%d,"path":"/shop/%d/item/%d","agent":"Mozilla/5.0 (X11; Linux'
        ' x86_64; rv:128.0) Gecko/20100101 Firefox/128.0","referrer":"https://example.org/'
        'search?q=%d&page=%d","ok":true,"ms":%d,"labels":["a%d","b","c"]}\', '
        f"{number}, {number} % 97, {number} % 9973, {number} % 1009, {number} % 7,"
        f" {number} % 331, {number} % 13)"
    )
    kind = f"CASE {number} % 3 WHEN 0 THEN 'view' WHEN 1 THEN 'click' ELSE 'search' END"
    return f"{kind}, {payload}, 1700000000 + {number} % 10000000"


def _statements(shape: Shape, source: int) -> Iterator[str]:
    count = shape.users[source]
    person = f"({shape.persons[source]} + (i * {_step(count, source)}) % {count})"
    disagree = f"({person} % 50 = 0)"
    yield (
        _numbers(count) + f"INSERT INTO users SELECT i + 1, printf('p%d@example.org', {person}),"
        f" printf('Person %d', {person}),"
        f" CASE WHEN {disagree} THEN 'city {source}' ELSE printf('city %d', {person} % 300) END,"
        f" CASE WHEN {disagree} THEN '2024-0{source + 1}-01T00:00:00Z'"
        " ELSE '2023-06-01T00:00:00Z' END FROM n"
    )
    yield from _trees(shape, source)
    order = f"({_start(shape.orders, source)} + i)"
    yield (
        _numbers(shape.orders[source]) + "INSERT INTO orders SELECT i + 1,"
        f" {_id_of_person(shape, source, _owner(shape, source, order))}, printf('o%d', {order}),"
        f" date('2024-01-01', printf('+%d days', {order} % 700)), {order} % 10007 / 4.0 FROM n"
    )
    back = pow(_step(shape.categories, source), -1, shape.categories)
    item = f"({_start(shape.items, source)} + i)"
    category = f"1 + ({_scattered(item, shape.categories)} * {back}) % {shape.categories}"
    yield (
        _numbers(shape.items[source]) + f"INSERT INTO items SELECT i + 1, i / 2 + 1, {category},"
        f" printf('i%d', {item}), {item} % 9 + 1, {item} % 1009 / 8.0 FROM n"
    )
    back = pow(_step(shape.tags, source), -1, shape.tags)
    label = _scattered(f"({_start(shape.orders, source)} + 2 * i)", shape.tags)
    yield (
        _numbers(shape.orders[source] // 2)
        + f"INSERT INTO order_tags SELECT 2 * i + 1, 1 + ({label} * {back}) % {shape.tags} FROM n"
    )
    yield from _event_statements(shape, source)
    number = f"({_start(shape.attachments, source)} + i)"
    yield (
        _numbers(shape.attachments[source]) + "INSERT INTO attachments SELECT i + 1,"
        f" {_id_of_person(shape, source, _owner(shape, source, number))},"
        f" printf('f%d.bin', {number}), blob_of({number}) FROM n"
    )


def _trees(shape: Shape, source: int) -> Iterator[str]:
    """Categories (a tree of five children each, ids shuffled) and tags."""
    step = _step(shape.categories, source)
    back = pow(step, -1, shape.categories)
    node = f"((i * {step}) % {shape.categories})"
    yield (
        _numbers(shape.categories) + "INSERT INTO categories SELECT i + 1,"
        f" CASE WHEN {node} > 0 THEN 1 + ((({node} - 1) / 5) * {back}) % {shape.categories} END,"
        f" printf('category %d', {node}) FROM n"
    )
    yield (
        _numbers(shape.tags) + "INSERT INTO tags SELECT i + 1,"
        f" printf('tag %d', (i * {_step(shape.tags, source)}) % {shape.tags}) FROM n"
    )


def _event_statements(shape: Shape, source: int) -> Iterator[str]:
    """Shared events with the source before, own events, shared ones with the source after."""
    before = shape.shared_events[source - 1] if source > 0 else 0
    after = shape.shared_events[source] if source < SOURCES - 1 else 0
    blocks = [
        (source - 1, before, True),
        (source, shape.events[source] - before - after, False),
        (source, after, True),
    ]
    start = 1
    for link, count, shared in blocks:
        if not count:
            continue
        number = f"({(2 * link + shared) * max(shape.events)} + i)"
        whose = _shared_owner if shared else _owner
        person = _id_of_person(shape, source, whose(shape, link, number))
        yield (
            _numbers(count)
            + f"INSERT INTO events SELECT i + {start}, {person}, {_event(number)} FROM n"
        )
        start += count


def write(folder: Path, rows: int) -> list[Path]:
    """Write the four sources into `folder`; returns their paths. Existing ones are kept."""
    shape = shape_of(rows)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"s{source}.db" for source in range(SOURCES)]
    for source, path in enumerate(paths):
        if path.exists():
            continue
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as con:
            con.create_function("blob_of", 1, _blob, deterministic=True)
            con.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
            con.execute("BEGIN")
            for statement in _statements(shape, source):
                con.execute(statement)
            con.execute("COMMIT")
            con.executescript(INDEXES)
        draft.rename(path)
    return paths


def _case(ends: list[int], number: str, values: list[str]) -> str:
    """SQL: the first value whose end lies above `number`, else the last."""
    cases = " ".join(f"WHEN {number} < {e} THEN {v}" for e, v in zip(ends, values, strict=False))
    return f"(CASE {cases} ELSE {values[-1]} END)"


def _wrong(shape: Shape) -> dict[str, str]:
    """SQL that counts rows which do not belong to whom they should, per table."""
    order = "CAST(substr(o.ref, 2) AS INTEGER)"
    number = "CAST(substr(x.name, 2) AS INTEGER)"
    event = "CAST(json_extract(e.payload, '$.event') AS INTEGER)"
    item = "CAST(substr(i.sku, 2) AS INTEGER)"

    def own(of: str, counts: tuple[int, ...]) -> str:
        return _case([_start(counts, n + 1) for n in range(SOURCES)], of, [
            _owner(shape, n, of) for n in range(SOURCES)
        ])  # fmt: skip

    block = max(shape.events)
    owners = [
        whose(shape, link, event)
        for link in range(SOURCES)
        for whose in ((_owner, _shared_owner) if link < SOURCES - 1 else (_owner,))
    ]
    whose = _case([(n + 1) * block for n in range(len(owners))], event, owners)
    newest = _case(list(shape.persons[1:]), "p", [str(n) for n in range(SOURCES)])
    mail = "printf('p%d@example.org', {})"
    return {
        "orders": f"SELECT count(*) FROM orders o LEFT JOIN users u ON u.id = o.user_id"
        f" WHERE u.email IS NOT {mail.format(own(order, shape.orders))}",
        "attachments": "SELECT count(*) FROM attachments x LEFT JOIN users u ON u.id = x.user_id"
        f" WHERE u.email IS NOT {mail.format(own(number, shape.attachments))}"
        f" OR blob_of({number}) IS NOT x.data",
        "events": "SELECT count(*) FROM events e LEFT JOIN users u ON u.id = e.user_id"
        f" WHERE u.email IS NOT {mail.format(whose)}",
        "items": "SELECT count(*) FROM items i LEFT JOIN orders o ON o.id = i.order_id"
        " LEFT JOIN categories c ON c.id = i.category_id"
        f" WHERE {order} IS NOT {item} / 2"
        f" OR c.name IS NOT printf('category %d', {_scattered(item, shape.categories)})",
        "order_tags": "SELECT count(*) FROM order_tags x LEFT JOIN orders o ON o.id = x.order_id"
        " LEFT JOIN tags t ON t.id = x.tag_id"
        f" WHERE t.name IS NOT printf('tag %d', {_scattered(order, shape.tags)})",
        "categories": "SELECT count(*) FROM categories c LEFT JOIN categories p"
        " ON p.id = c.parent_id"
        " WHERE p.name IS NOT CASE WHEN c.name <> 'category 0' THEN"
        " printf('category %d', (CAST(substr(c.name, 10) AS INTEGER) - 1) / 5) END",
        "users": "SELECT count(*) FROM"
        " (SELECT CAST(substr(email, 2) AS INTEGER) p, city FROM users)"
        " WHERE city IS NOT CASE WHEN p % 50 THEN printf('city %d', p % 300) ELSE"
        f" printf('city %d', {newest}) END",
    }


UNIQUE = {
    "users": "email",
    "categories": "name",
    "tags": "name",
    "orders": "ref",
    "items": "sku",
    "events": "json_extract(payload, '$.event')",
    "attachments": "name",
}


def check(merged: Path, rows: int) -> list[str]:
    """What is wrong with a merged file, in words; empty when it is the right merge."""
    shape = shape_of(rows)
    found = []
    uri = f"file:{merged.absolute().as_posix().replace('%', '%25').replace('?', '%3f')}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as con:
        con.create_function("blob_of", 1, _blob, deterministic=True)
        for table, want in shape.logical().items():
            distinct = f", count(DISTINCT {UNIQUE[table]})" if table in UNIQUE else ""
            got = con.execute(f"SELECT count(*){distinct} FROM {table} NOT INDEXED").fetchone()
            if any(number != want for number in got):
                found.append(f"{table}: {want} rows wanted, count and distinct are {got}")
        for table, statement in _wrong(shape).items():
            wrong = con.execute(statement).fetchone()[0]
            if wrong:
                found.append(f"{table}: {wrong} rows belong to somebody else or hold other values")
    return found


def main() -> int:
    """Generate, or check a merged file."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generate", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=SIZES["small"])
    parser.add_argument("--check", type=Path, help="a merged file to check instead")
    options = parser.parse_args()
    if options.check:
        wrong = check(options.check, options.rows)
        print("\n".join(wrong) or "right")
        return int(bool(wrong))
    for path in write(options.folder, options.rows):
        print(path, path.stat().st_size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
