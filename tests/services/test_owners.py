"""Whose row a reference leads to, as the review tells it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.services.deciding_project import ALL, merged

SCHEMA = """
CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, code TEXT UNIQUE);
CREATE TABLE notes(slug TEXT PRIMARY KEY, code TEXT REFERENCES people(code), text);
INSERT INTO people VALUES (1, 'ann@x', CAST(x'ff41' AS TEXT));
"""


async def test_a_reference_by_a_text_that_is_no_utf8(tmp_path: Path) -> None:
    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.executescript(SCHEMA)
            connection.execute("INSERT INTO notes SELECT 'one', code, ? FROM people", (name,))
            connection.commit()
    async with merged(tmp_path) as session:
        [group] = (await session.conflict_page(ALL)).groups
        versions = (await session.conflict_group(group.number)).versions
    assert [version.owners for version in versions] == [{"code": ("ann@x",)}] * 2
