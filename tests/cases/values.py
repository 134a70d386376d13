"""Values keep type and bytes, and only equal values are equal."""

from __future__ import annotations

import hashlib

from .lib import CaseFailed, Project, Row
from .registry import case

NOTE = "CREATE TABLE note(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, v);"
BAG = "CREATE TABLE bag(v);"


def _kept(p: Project, values: list[object]) -> None:
    """Every value sits in both files in keyed rows, half of them shared; all must come through."""
    shared = [(n, f"s{n}", v) for n, v in enumerate(values, 1)]
    only_a = [(n + 100, f"a{n}", v) for n, v in enumerate(values, 1)]
    only_b = [(n + 100, f"b{n}", v) for n, v in enumerate(values, 1)]
    p.both(
        NOTE, {"note": shared + only_a}, {"note": only_b + [(n + 50, c, v) for n, c, v in shared]}
    )
    p.run().done()
    p.expect("SELECT code, v FROM note", [row[1:] for row in shared + only_a + only_b])


def _apart(p: Project, a: list[object], b: list[object], expected: list[object]) -> None:
    """Keyless rows of one column: which of them are the same?"""
    p.both(BAG, {"bag": [(v,) for v in a]}, {"bag": [(v,) for v in b]})
    p.run().done()
    rows: list[Row] = [(v,) for v in expected]
    p.expect("SELECT v FROM bag", rows)


@case("values: invalid UTF-8")
def invalid_utf8(p: Project) -> None:
    """Text that is no UTF-8 keeps its bytes and stays text."""
    _kept(p, ["caf\udce9", "\udcff\udcfe", "ok", "a\udc80b"])


@case("values: invalid UTF-8 in a key")
def invalid_utf8_key(p: Project) -> None:
    """Keys that differ only in invalid bytes are two keys."""
    p.both(
        "CREATE TABLE t(k TEXT PRIMARY KEY, v);",
        {"t": [("x\udcff", 1), ("x", 2)]},
        {"t": [("x\udcfe", 3), ("x\udcff", 1)]},
    )
    p.run().done()
    p.expect("SELECT k, v FROM t", [("x\udcff", 1), ("x", 2), ("x\udcfe", 3)])


@case("values: NUL inside a text")
def nul_inside(p: Project) -> None:
    """Text after a NUL counts: 'a\\0b' and 'a\\0c' differ and stay whole."""
    _kept(p, ["a\0b", "a\0c", "\0", "a", "a\0"])
    p.expect("SELECT length(CAST(v AS BLOB)) FROM note WHERE code = 'a1'", [(3,)])


@case("values: NUL inside rows without a key")
def nul_apart(p: Project) -> None:
    """They are told apart beyond the NUL."""
    _apart(p, ["a\0b", "x"], ["a\0c", "a\0b", "a"], ["a\0b", "a\0c", "a", "x"])


@case("values: infinity and odd floats")
def infinity(p: Project) -> None:
    """±infinity, tiny, huge and exact floats are kept to the last bit."""
    _kept(p, [float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e15, -1.5])


@case("values: 1, 1.0 and '1'")
def one_three_ways(p: Project) -> None:
    """Three values of three types: kept as they are in keyed rows."""
    _kept(p, [1, 1.0, "1", "1.0", True])


@case("values: 1, 1.0 and '1' in rows without a key")
def one_apart(p: Project) -> None:
    """Type and bytes make a value: 1 and 1.0 are not duplicates of each other."""
    _apart(p, [1, "1"], [1.0, "1", b"1"], [1, 1.0, "1", b"1"])


@case("values: one entity with 1 here and '1' there")
def one_conflict(p: Project) -> None:
    """Same key, 1 against '1': a conflict that base decides; the winner keeps its type."""
    p.both(NOTE, {"note": [(1, "x", 1), (2, "y", "1")]}, {"note": [(1, "x", "1"), (2, "y", 1.0)]})
    p.run(args=("--on-conflict", "last")).done()
    p.expect("SELECT code, v FROM note", [("x", "1"), ("y", 1.0)])


@case("values: '', NULL and x''")
def empty_three_ways(p: Project) -> None:
    """Nothing, empty text and an empty blob are three values."""
    _kept(p, ["", None, b"", " "])


@case("values: '', NULL and x'' in rows without a key")
def empty_apart(p: Project) -> None:
    """NULL equals NULL when rows are compared, but neither '' nor x''."""
    _apart(p, ["", None], [b"", None, "", None], ["", None, None, b""])


@case("values: 20 MB blobs")
def big_blobs(p: Project) -> None:
    """Big blobs that differ in one byte in the middle are two; equal ones are one."""
    size = 20_000_000
    one = hashlib.shake_128(b"one").digest(1000) * (size // 1000)
    two = bytearray(one)
    two[size // 2] ^= 1
    schema = "CREATE TABLE blob(id INTEGER PRIMARY KEY, data BLOB);"
    p.both(schema, {"blob": [(1, one)]}, {"blob": [(1, bytes(two)), (2, one)]})
    p.run().done()
    got = sorted(hashlib.sha256(row[0]).hexdigest() for row in p.rows("SELECT data FROM blob"))
    if got != sorted(hashlib.sha256(data).hexdigest() for data in (one, bytes(two))):
        raise CaseFailed(f"{len(got)} blobs, or other bytes")


@case("values: wide rows that differ in one place")
def wide_rows(p: Project) -> None:
    """Long texts are compared whole: a difference anywhere makes two rows."""
    long = "lorem ipsum " * 900
    texts = [long, "X" + long[1:], long[:-1] + "X"]
    texts += [f"{long[:at]}#{long[at + 1 :]}" for at in range(57, len(long), 1500)]
    schema = "CREATE TABLE page(id INTEGER PRIMARY KEY, title TEXT, body TEXT, extra BLOB);"
    p.both(
        schema,
        {"page": [(n, "t", text, b"\1" * 600) for n, text in enumerate(texts[::2], 1)]},
        {"page": [(n, "t", text, b"\1" * 600) for n, text in enumerate(texts[1:], 1)]},
    )
    p.run(plan='[tables.page]\nidentity = "rows"\n').done()
    p.expect("SELECT body FROM page", [(text,) for text in texts])


@case("values: integers over 2^53")
def big_integers(p: Project) -> None:
    """Neighbours beyond 2^53 and floats next to them are told apart."""
    top = 2**53
    _apart(
        p,
        [top, top + 1, 2**63 - 1],
        [top + 1, top + 2, float(top), -(2**63), 2**63 - 1],
        [top, top + 1, top + 2, float(top), 2**63 - 1, -(2**63)],
    )


@case("values: big integers as keys")
def big_integer_keys(p: Project) -> None:
    """Snowflake ids under UNIQUE are keys to the last digit."""
    one = 1_234_567_890_123_456_789
    p.both(
        "CREATE TABLE m(id INTEGER PRIMARY KEY, snow INTEGER NOT NULL UNIQUE, t TEXT);"
        "CREATE TABLE r(id INTEGER PRIMARY KEY, snow INTEGER REFERENCES m(snow), t TEXT);",
        {"m": [(1, one, "a"), (2, one + 1, "b")], "r": [(1, one + 1, "rb")]},
        {"m": [(1, one + 2, "c"), (2, one + 1, "b")], "r": [(1, one + 2, "rc")]},
    )
    p.run().done()
    p.expect("SELECT snow, t FROM m", [(one, "a"), (one + 1, "b"), (one + 2, "c")])
    p.expect("SELECT snow, t FROM r", [(one + 1, "rb"), (one + 2, "rc")])


@case("values: normalisation forms kept apart")
def normal_forms(p: Project) -> None:
    """é as one or two code points: two keys, two people."""
    one, two = "caf\u00e9", "cafe\u0301"
    p.both(
        NOTE,
        {"note": [(1, one, "nfc"), (2, "\ufb01", "ligature")]},
        {"note": [(1, two, "nfd"), (2, "fi", "letters"), (3, one, "nfc")]},
    )
    p.run().done()
    p.expect(
        "SELECT code, v FROM note",
        [(one, "nfc"), (two, "nfd"), ("\ufb01", "ligature"), ("fi", "letters")],
    )


@case("values: separators inside composite keys")
def separators(p: Project) -> None:
    """('a|b','c') is not ('a','b|c'), whatever the separator."""
    marks = ["|", ",", "\x1f", "\0", "'", "::", " ", "\x1e", "\n"]
    a = [(f"a{m}b", "c", f"1{m}") for m in marks]
    b = [("a", f"b{m}c", f"2{m}") for m in marks]
    p.both("CREATE TABLE t(x TEXT, y TEXT, v TEXT, PRIMARY KEY(x, y));", {"t": a}, {"t": b})
    p.run().done()
    p.expect("SELECT x, y, v FROM t", a + b)


@case("values: separators and NULLs in rows without a key")
def separators_keyless(p: Project) -> None:
    """The same for whole rows: ('a', NULL) is not ('a', 'NULL') or (NULL, 'a')."""
    a = [("a|b", "c"), ("a", None), ("", "a")]
    b = [("a", "b|c"), ("a", "NULL"), (None, "a"), ("a", None)]
    p.both("CREATE TABLE t(x TEXT, y TEXT);", {"t": a}, {"t": b})
    p.run().done()
    p.expect("SELECT x, y FROM t", [*a, *b[:3]])


@case("values: text and blob of the same bytes")
def text_and_blob(p: Project) -> None:
    """'abc' and x'616263' are two values."""
    _apart(p, ["abc"], [b"abc", "abc"], ["abc", b"abc"])


@case("values: blanks and case count")
def blanks(p: Project) -> None:
    """'a', 'a ', 'A' are three values under the default collation."""
    _apart(p, ["a", "A"], ["a ", "\ta", "a"], ["a", "A", "a ", "\ta"])


@case("values: a NOCASE or RTRIM column does not blur content")
def collated_content(p: Project) -> None:
    """A collation orders a column; values that differ in case or blanks are still two rows."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM);",
        {"t": [(1, "Ann", "x")]},
        {"t": [(1, "ANN", "x"), (2, "Ann", "x  "), (3, "Ann", "x")]},
    )
    p.run().done()
    p.expect("SELECT a, b FROM t", [("Ann", "x"), ("ANN", "x"), ("Ann", "x  ")])


@case("values: a conflict in case only")
def conflict_in_case(p: Project) -> None:
    """'Ann' against 'ANN' in a NOCASE column is a conflict, never silently one of them."""
    p.both(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, n TEXT COLLATE NOCASE);",
        {"t": [(1, "x", "Ann")]},
        {"t": [(1, "x", "ANN")]},
    )
    p.run().must_ask("t")


@case("values: 1 and 1.0 as one key")
def one_key(p: Project) -> None:
    """SQLite finds them equal, so they are one entity, and its two spellings are a conflict."""
    schema = "CREATE TABLE t(v TEXT, k PRIMARY KEY){};CREATE TABLE c(k REFERENCES t(k), n TEXT);"
    for number, options in enumerate(("", "WITHOUT ROWID")):
        folder = f"{number}/"
        p.db(f"{folder}a.db", schema.format(options), {"t": [("i", 1), ("x", 2)], "c": [(1, "a")]})
        p.db(f"{folder}b.db", schema.format(options), {"t": [("i", 1.0)], "c": [(1.0, "b")]})
        files = (f"{folder}a.db", f"{folder}b.db")
        p.run(*files, target=f"{number}.db").must_ask("t", "k")
        p.run(*files, target=f"{number}.db", args=["--on-conflict", "last"]).done()
        p.expect("SELECT k, v FROM t", [(1.0, "i"), (2, "x")])
        p.expect("SELECT c.n, t.v FROM c JOIN t ON t.k = c.k", [("a", "i"), ("b", "i")])
