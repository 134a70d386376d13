"""Merges that once went wrong: right rows, or the right question."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from consolidator_tui.domain.errors import PlanError
from tests.support.merge_worlds import USERS, WORLDS, rows
from tests.support.staged import stage


@pytest.mark.parametrize("what", WORLDS)
async def test_world(tmp_path: Path, what: str) -> None:
    """The merge of these files is right and verified, or it asks."""
    world = WORLDS[what]
    files = {f"{'abcdef'[place]}.db": script for place, script in enumerate(world.files)}
    staged = await stage(tmp_path, files, world.plan)
    if world.asked:
        assert [q.text for q in staged.questions if world.asked in q.text]
        assert all("identity = []" not in question.fix for question in staged.questions)
        return
    assert not staged.questions
    proof = await staged.verify()
    assert [check for check in proof.checks if not check.ok] == []
    with closing(sqlite3.connect(staged.staging)) as con:
        for sql, expected in world.expected.items():
            assert Counter(con.execute(sql).fetchall()) == Counter(expected), sql


async def test_two_tables_of_a_file_under_one_name(tmp_path: Path) -> None:
    """Neither of them may be forgotten."""
    files = {
        "a.db": USERS,
        "b.db": USERS + "CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT);",
    }
    with pytest.raises(PlanError, match="Two tables of"):
        await stage(tmp_path, files, '[mapping."b.db".tables]\npeople = "users"\n')


@pytest.mark.parametrize(
    "choice", ['keep = "c.db"', 'keep = "a.db"\nfields = { v = "c.db" }'], ids=["keep", "field"]
)
async def test_a_decision_for_an_exact_copy(tmp_path: Path, choice: str) -> None:
    """A decision may name the copy instead of the file that it is a copy of."""
    schema = "CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT);"
    files = {"a.db": schema + rows("t", ("a", "1")), "b.db": schema + rows("t", ("a", "2"))}
    files["c.db"] = files["b.db"]
    plan = f'[[decisions]]\ntable = "t"\nentity = {{ k = "a" }}\n{choice}\n'
    staged = await stage(tmp_path, files, plan, same_as={2: 1})
    assert not staged.questions
    assert (await staged.verify()).ok
    with closing(sqlite3.connect(staged.staging)) as con:
        assert con.execute("SELECT * FROM t").fetchall() == [("a", "2")]


COPY = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, city TEXT, made_at TEXT, created_at);"
SHARED = [(i, f"n{i}", "c", "m", f"2020-{i:02}") for i in range(1, 11)]
STRANGERS = [(i, f"z{i}", "q", "w", f"2024-{i:02}") for i in range(1, 11)]


@pytest.mark.parametrize(
    ("third", "entity", "other"),
    [
        (STRANGERS, 5, "z5"),
        ([*SHARED, (11, "carl", "p", "q", "2023-11")], 11, "carl"),
    ],
    ids=["a file that is no copy", "a row that a third copy appended"],
)
@pytest.mark.parametrize("keep", ["a.db", "b.db", "both"])
async def test_a_decision_by_id_leaves_other_rows_under_it_alone(
    tmp_path: Path, third: list[tuple[Any, ...]], entity: int, other: str, keep: str
) -> None:
    first, second = dict(enumerate(SHARED, 1)), dict(enumerate(SHARED, 1))
    for copy, city in ((first, "A"), (second, "B")):
        copy[entity] = (entity, "ann", city, "m", "2021-01")
    files = {
        "a.db": COPY + rows("t", *first.values()),
        "b.db": COPY + rows("t", *second.values()),
        "c.db": COPY + rows("t", *third),
    }
    assert (await stage(tmp_path, files)).questions
    for name in files:
        (tmp_path / name).unlink()
    plan = f'[[decisions]]\ntable = "t"\nentity = {{ id = {entity} }}\nkeep = "{keep}"\n'
    staged = await stage(tmp_path, files, plan)
    assert not staged.questions
    assert (await staged.verify()).ok
    with closing(sqlite3.connect(staged.staging)) as con:
        found = con.execute("SELECT name, city FROM t WHERE name IN ('ann', ?)", (other,))
        names = Counter(found.fetchall())
    cities = ["A", "B"] if keep == "both" else [keep[0].upper()]
    city = next(row[2] for row in third if row[1] == other)
    assert names == Counter([*(("ann", c) for c in cities), (other, city)])


async def test_further_rows_by_an_id_that_is_another_row_elsewhere(tmp_path: Path) -> None:
    plan = '[[decisions]]\ntable = "t"\nentity = { id = 5 }\nalso = [{ id = 11 }]\nkeep = "same"\n'
    files = {
        "a.db": COPY + rows("t", *SHARED, (11, "ann", "p", "q", "2021-01")),
        "b.db": COPY + rows("t", *SHARED, (11, "carl", "r", "s", "2022-02")),
    }
    with pytest.raises(PlanError, match="another row"):
        await stage(tmp_path, files, plan)


async def test_columns_may_be_called_like_those_of_the_ledger(tmp_path: Path) -> None:
    made = "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT UNIQUE, kind, differs, g, canon);"
    files = {name: made + rows("t", (1, "x@y", name, name, name, name)) for name in ("a", "b")}
    staged = await stage(tmp_path, files)
    assert "disagree" in staged.questions[0].text
    (tmp_path / "again").mkdir()
    staged = await stage(tmp_path / "again", files, 'on_conflict = ["base"]')
    assert (await staged.verify()).ok
