from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from consolidator_tui.domain.catalog import Source
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.plan_document.file import loads, validate


@pytest.fixture
async def sources(tmp_path: Path) -> list[Source]:
    scripts = {
        "app.db": "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INT)",
        "old.db": "CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT, full_name TEXT)",
    }
    for name, script in scripts.items():
        connection = sqlite3.connect(tmp_path / name)
        connection.executescript(script)
        connection.close()
    return [await load_source(i, name, tmp_path / name) for i, name in enumerate(scripts)]


async def test_names_of_the_target_are_accepted(sources: list[Source]) -> None:
    text = """
[tables.USERS]
identity = ["Email"]
newest = "name"
[mapping."old.db".tables]
people = "users"
[mapping."old.db".columns.people]
full_name = "name"
[[references]]
table = "orders"
columns = ["user_id"]
parent = "users"
[[decisions]]
table = "users"
entity = { email = "x" }
keep = "old.db"
fields = { name = "app.db" }
"""
    validate(loads(text), sources, text)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("\n[tables.usrs]", 2, "no table `usrs`"),
        ("[tables.users]\nidentity = ['mail']", 2, "no column `mail` in users"),
        ("[tables.users]\nnewest = 'x'", 2, "no column `x`"),
        ("[tables.users.defaults]\nx = 1", 1, "no column `x`"),
        ("[mapping.'new.db'.tables]\na = 'b'", 1, "no file `new.db`"),
        ("[mapping.'old.db'.tables]\nusers = 'b'", 1, "no table `users` in old.db"),
        ("[mapping.'old.db'.columns.people]\nmail = 'b'", 2, "no column `mail`"),
        ("[mapping.'old.db'.columns.x]\nmail = 'b'", 1, "no table `x`"),
        (
            "[[references]]\ntable = 'orders'\ncolumns = ['user']\nparent = 'users'",
            3,
            "no column `user` in orders",
        ),
        ("[[references]]\ntable='orders'\ncolumns=['id']\nparent='user'", 4, "no table `user`"),
        ("[[decisions]]\ntable='users'\nkeep='x.db'\nentity={id=1}", 3, "no file `x.db`"),
        ("[[decisions]]\ntable='users'\nkeep='both'\nentity={i=1}", 4, "no column `i`"),
        ("[[decisions]]\ntable='t'\nkeep='both'\nentity={i=1}", 2, "no table `t`"),
    ],
)
async def test_a_name_that_is_not_there_is_refused_with_its_line(
    sources: list[Source], text: str, line: int, reason: str
) -> None:
    with pytest.raises(PlanError) as caught:
        validate(loads(text), sources, text, "p.toml")
    assert caught.value.sentence.startswith(f"p.toml, line {line}: ")
    assert reason in caught.value.sentence


async def test_a_close_name_is_suggested(sources: list[Source]) -> None:
    with pytest.raises(PlanError) as caught:
        validate(loads("[tables.user]"), sources)
    assert caught.value.todo == "Did you mean `users`?"
