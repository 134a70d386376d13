"""The syntax tree's positions, and arithmetic on path expressions."""

from __future__ import annotations

import ast
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from consolidator_tui.domain.reference import FileScan, Piece, PieceKind
from consolidator_tui.services.references.paths import Mentions
from consolidator_tui.services.references.pieces import join, parent, render
from consolidator_tui.services.references.python_scan import scan_python
from consolidator_tui.services.references.python_thin import thin
from consolidator_tui.services.references.python_tree import NotReadable, parse, place_of

SOURCE = '''# é comment
class A:
    """Doc é."""

    def f(self, a=("x.db"), *, b=f"é{1}/y.db"):
        return [("é" "z.db"), g(a, h("n.db"))(1), a / "b" / "c.db"]
'''


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_positions_are_those_of_libcst(newline: str, bom: bytes) -> None:
    data = bom + SOURCE.replace("\n", newline).encode()
    tree = parse(data)
    wrapper = MetadataWrapper(tree.module, unsafe_skip_copy=True)
    spans = wrapper.resolve(ByteSpanPositionProvider)
    checked = 0
    for node in tree.nodes:
        if isinstance(node, cst.SimpleString | cst.Call | cst.ConcatenatedString):
            expected = spans[node]
            start, end = tree.span(node)
            assert (start - len(bom), end - start) == (expected.start, expected.length)
            checked += 1
    assert checked > 8
    assert tree.survives()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x = (", "does not parse"),
        (b"x = 1\0", "null bytes"),
        (b"x = '\xe9'", "encoding"),
        (b"# coding: no-such\nx = 1", "encoding"),
        (b"x = " + b"(" * 3000 + b")" * 3000, "deeply"),
    ],
)
def test_not_readable(data: bytes, why: str) -> None:
    with pytest.raises(NotReadable) as caught:
        parse(data)
    assert why in caught.value.reason


@given(st.text(st.sampled_from("xé\n\r\"'#\\ (),=f{}:/.db\t"), max_size=60))
def test_scanning_never_fails_and_positions_point_at_the_text(source: str) -> None:
    data = ('import sqlite3\nsqlite3.connect("a.db")\n' + source).encode()
    scan = scan_python("a.py", data, "", frozenset())
    for literal in scan.literals:
        assert 0 <= literal.start <= literal.end <= len(data)
        assert place_of(data, literal.start)[0] == literal.line


def _pieces(*texts: str) -> tuple[Piece, ...]:
    return tuple(Piece(PieceKind.TEXT, text) for text in texts)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a/b.db",), "a"),
        (("a", "/", "b"), "a"),
        (("b.db",), "."),
        (("/a",), "/"),
        (("/a/b/",), "/a"),
    ],
)
def test_parent(path: tuple[str, ...], expected: str) -> None:
    assert render(parent(_pieces(*path)), Path("/p")) == expected


def test_join_forgets_the_folder_before_an_absolute_path() -> None:
    assert join(_pieces("a"), _pieces("/b")) == _pieces("/b")
    assert "".join(p.text for p in join(_pieces("a"), _pieces("b"))) == "a/b"
    assert "".join(p.text for p in join(_pieces("a/"), _pieces("b"))) == "a/b"


MENTIONS = Mentions(())


def test_thin_keeps_every_byte_in_its_place() -> None:
    other = '@wraps(f)\ndef work(items):\n    """é"""\n    return [i for i in items]\n\n\n'
    source = "import sqlite3\r\n" + other * 40 + "class Store:\n    db = 'old.db'\n" + other
    data = source.encode()
    small = thin(data, MENTIONS)
    assert small is not None
    assert len(small) == len(data)
    assert small.count(b"\n") == data.count(b"\n")
    assert b"return" not in small
    ast.parse(small)
    assert small.index(b"class Store") == data.index(b"class Store")
    assert [x.start for x in scan_python("a.py", data, "").literals] == [data.index(b"'old.db'")]


def test_only_documentation_mentions_a_database() -> None:
    source = '"""Reads sqlite3.connect("old.db")."""\n# also "b.db"\nclass A:\n    """x.db"""\n'
    assert thin(source.encode(), MENTIONS) is None
    assert scan_python("a.py", source.encode(), "") == FileScan("a.py", "")
    assert thin(source.encode() + b"A('c.db')\n", MENTIONS) is not None


@pytest.mark.parametrize(
    ("source", "worth"),
    [("import sqlite3\nversion = sqlite3.sqlite_version\n", False),
     ("import sqlite3\ncon = sqlite3.connect(where)\n", True),
     ("database_name = parameters.get\n", False),
     ("from names import DB_NAME\npath = BASE / DB_NAME\n", True),
     ("from names import DB_PATH\nos.remove(DB_PATH)\n", True)],
)  # fmt: skip
def test_what_can_hold_a_reference_is_parsed(source: str, worth: bool) -> None:
    assert (thin(source.encode(), MENTIONS) is not None) is worth


def test_thin_keeps_what_names_a_database_without_a_suffix_of_one() -> None:
    source = "from sqlite3 import connect as c\n" + "# filler\n" * 200
    source += "def go():\n    return c('Orders.dat')\n"
    found = scan_python("a.py", source.encode(), "", ["Orders.dat"])
    assert [literal.text for literal in found.literals] == ["Orders.dat"]


@pytest.mark.parametrize(
    "block",
    ["def go():\n    remove(LOCATION)\n", "def go():\n    use(LOCATION)\n",
     "def go(x):\n    work(x)\ndef work(x):\n    sqlite3.connect(x)\n",
     "if LOCATION:\n    use(LOCATION)\n", "def go(x): pass\n", "use('a')\rgo()\n"],
)  # fmt: skip
def test_thin_keeps_what_matters(block: str) -> None:
    source = "LOCATION = 'old.db'\n" + "# filler\n" * 200 + block
    assert thin(source.encode(), MENTIONS) == source.encode()
