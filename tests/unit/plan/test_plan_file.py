from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.plan import Decision, OnDrift, PlanDocument
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.plan_document.file import dumps, loads
from consolidator_tui.services.plan_document.lines import find_lines

from .strategies import documents

EXAMPLE = """\
target = "app.db"                      # relative to PROJECT
base = "app.db"
sources = ["app.db", "./backend/app.db"]
on_conflict = ["newest", "base"]
on_drift = "unite"

[tables.users]
identity = ["email"]
newest = "updated_at"
fill_nulls = true
[tables.users.defaults]
phone = "unknown"

[mapping."backend/app.db".tables]
items = "todo_items"
[mapping."backend/app.db".columns.users]
full_name = "name"

[[references]]
table = "orders"
columns = ["user_id"]
parent = "users"
parent_columns = ["id"]
where = { owner_type = "user" }
absent = [0]

[[not_references]]
table = "orders"
columns = ["batch_id"]

[[decisions]]
table = "users"
entity = { email = "ann@x" }
keep = "backend/app.db"
values = { phone = "+44 20" }
"""


def test_reads_the_documented_example() -> None:
    document = loads(EXAMPLE)
    assert document.sources == ("app.db", "backend/app.db")
    assert document.on_conflict == (Rule.NEWEST, Rule.BASE)
    assert document.on_drift is OnDrift.UNITE
    assert document.tables["users"].identity == ("email",)
    assert document.tables["users"].defaults == {"phone": "unknown"}
    assert document.mapping["backend/app.db"].tables == {"items": "todo_items"}
    assert document.mapping["backend/app.db"].columns == {"users": {"full_name": "name"}}
    assert document.references[0].where == {"owner_type": "user"}
    assert document.references[0].absent == (0,)
    assert document.not_references[0].columns == ("batch_id",)
    assert document.decisions[0].keep == "backend/app.db"
    assert loads(dumps(document)) == document


def test_an_empty_text_is_the_default_document() -> None:
    assert loads("") == PlanDocument()
    assert loads(dumps(PlanDocument())) == PlanDocument()


@settings(max_examples=150, deadline=None)
@given(documents())
def test_what_is_written_reads_back_the_same(document: PlanDocument) -> None:
    text = dumps(document)
    text.encode()
    again = loads(text)
    assert again == document
    assert repr(again) == repr(document)  # 1, 1.0, True and -0.0 are equal but not the same


@settings(max_examples=100, deadline=None)
@given(documents())
def test_every_key_has_its_line(document: PlanDocument) -> None:
    text = dumps(document)
    lines = text.splitlines() if "\r" not in text else text.split("\n")
    found = find_lines(text)
    for place, decision in enumerate(document.decisions):
        assert decision.keep
        line = text.split("\n")[found["decisions", place, "keep"] - 1]
        assert line.startswith("keep = ")
    assert max(found.values()) <= len(lines) or not found


def test_values_that_toml_lacks_survive() -> None:
    entity = {"a": None, "b": b"\x00\xff", "c": 2**63 - 1, "d": float("inf"), "e": "caf\udce9"}
    document = PlanDocument(decisions=(Decision("t", entity, "both"),))
    text = dumps(document)
    assert "{ null = true }" in text
    assert '{ blob = "00ff" }' in text
    assert loads(text).decisions[0].entity == entity


def test_comments_stand_above_their_place_and_cannot_break_out() -> None:
    document = loads(EXAMPLE)
    comments = {
        (): ("head",),
        ("tables", "users"): ('two\nlines "] \x1b[31m',),
        ("decisions", 0, "keep"): ("why",),
    }
    text = dumps(document, comments)
    assert text.startswith("# head\n")
    assert '# two\n# lines "] \\u001b[31m\n[tables.users]' in text
    assert "# why\nkeep" in text
    assert loads(text) == document


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a = ", 1, "not valid TOML"),
        ("target = 3", 1, "must be a text"),
        ("\ntarget_ = 'a'", 2, "unknown key `target_`"),
        ("[tables.users]\nidentiy = 'key'", 2, "unknown key `identiy`"),
        ("[tables.users]\nidentity = 'mail'", 2, "array of columns"),
        ("[tables.users]\nidentity = []", 2, "at least one name"),
        ("[tables.users]\nfill_nulls = 1", 2, "must be true or false"),
        ("[tables]\nusers = 1", 2, "`users` must be a table"),
        ("[tables.users]\n[tables.Users]", 2, "twice"),
        ("on_conflict = ['newest', 'first']", 1, "no rule"),
        ("on_conflict = ['stop', 'base']", 1, "never be tried"),
        ("on_conflict = ['base', 'base']", 1, "twice"),
        ("on_drift = 'drop'", 1, "stop or unite"),
        ("sources = ['a', './a']", 1, "twice"),
        ("sources = [\n'a',\n3]", 1, "texts only"),
        ("# x\nsources = ['a']\nbase = 'b'", 3, "not among `sources`"),
        ("sources = ['a']\n[mapping.b.tables]\nx = 'y'", 2, "not among `sources`"),
        ("[mapping.b.tables]\nx = 'y'\nz = 'Y'", 3, "cannot both become"),
        ("[mapping.b.columns.t]\nx = 'y'\nz = 'Y'", 3, "cannot both become"),
        ("[mapping.b.columns.t]\nx = 1", 2, "must be a text"),
        ("[[references]]\ntable = 't'\ncolumns = ['a']", 1, "lacks `parent`"),
        (
            "[[references]]\ntable='t'\ncolumns=['a']\nparent='p'\nparent_columns=['a', 'b']",
            5,
            "1 column cannot refer to 2",
        ),
        (
            "[[references]]\ntable = 't'\ncolumns = ['a']\nparent = 'p'\nparent_columns = ['a']\n"
            "[[references]]\ntable = 't'\ncolumns = ['b']\nparent = 'p'\nparent_columns = ['a']\n"
            "[[not_references]]\ntable='T'\ncolumns=['B']\nparent='p'\nparent_columns=['a']",
            6,
            "both a reference and none",
        ),
        ("references = [1]", 1, "[[references]]"),
        ("[[decisions]]\ntable = 't'\nkeep = 'both'", 1, "needs `entity`"),
        ("[[decisions]]\ntable = 't'\nentity = {a = 1}", 1, "lacks `keep`"),
        ("[[decisions]]\ntable = 't'\nkeep = 'both'\nentity = {a = 2020-01-01}", 4, "a value is"),
        ("[[decisions]]\ntable = 't'\nkeep = 'both'\nentity = {a = {x = 1}}", 4, "a table as"),
        ("[[decisions]]\ntable = 't'\nkeep = 'both'\nentity = {a = {blob = 'xy'}}", 4, "hexad"),
        (f"[[decisions]]\ntable = 't'\nkeep = 'both'\nentity = {{a = {2**63}}}", 4, "64 bits"),
        ('[[decisions]]\ntable = "t"\nkeep = "both"\nentity = {a = "\\u001aZZ"}', 4, "U+001A"),
        (
            "sources = ['a']\n[[decisions]]\ntable = 't'\nentity = {a = 1}\nkeep = 'b'",
            5,
            "no source",
        ),
        (
            "[[decisions]]\ntable = 't'\nentity = {a = 1}\nkeep = 'b'\nvalues = {c = 1}\n"
            "fields = {c = 'b'}",
            6,
            "in `values` and in `fields`",
        ),
        (
            "[[decisions]]\ntable='t'\nentity={a=1}\nkeep='b'\n"
            "[[decisions]]\ntable='T'\nentity={A=1}\nkeep='both'",
            5,
            "decided twice",
        ),
        ("target = ''", 1, "not a path"),
    ],
)
def test_refuses_with_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(PlanError) as caught:
        loads(text, "my.toml")
    assert reason in caught.value.sentence
    assert "my.toml" in caught.value.sentence
    assert f"line {line}" in caught.value.sentence
    assert caught.value.exit_status == 2


def test_a_close_name_is_suggested() -> None:
    with pytest.raises(PlanError) as caught:
        loads("[tables.users]\nnewst = 'x'")
    assert "`newest`" in caught.value.todo


def test_lines_are_found_behind_strings_that_look_like_statements() -> None:
    text = (
        'a = """\n[x]\nb = 1 # "\n"""\n'
        "c = [ # ]\n  '''\n]\n''', {d = \"}\"},\n]\n"
        '"d.e" . f = 1\n[[g]]\n[g.h]\ni = 1\n[[g]]\n[g.h]\ni = 2\n'
    )
    tomllib.loads(text)
    lines = find_lines(text)
    assert lines["a",] == 1
    assert lines["c",] == 5
    assert lines["d.e", "f"] == 10
    assert lines["g", 0, "h", "i"] == 13
    assert lines["g", 1, "h", "i"] == 16
