"""A project with conflicts of several kinds, and a session after its first merge."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from consolidator_tui.domain.conflict import ConflictPage, ConflictQuery, Decided
from consolidator_tui.domain.outcome import Outcome, RunOptions
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.session import Session

SCHEMA = """
CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name, phone TEXT,
    updated_at TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people(id), what TEXT);
"""
ALL = ConflictQuery(decided=Decided.ALL)
HOSTILE = "[red]x'\"\n%\\"


def write(path: Path, shift: int, people: list[tuple[Any, ...]]) -> None:
    """People with an order each."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        for n, row in enumerate(people, 1):
            connection.execute("INSERT INTO people VALUES (?, ?, ?, ?, ?)", (n + shift, *row))
            connection.execute(
                "INSERT INTO orders VALUES (?, ?, ?)", (n, n + shift, f"{path.name} {row[0]}")
            )
        connection.commit()


def project(folder: Path, *names: str) -> Path:
    """Files that tell four people differently, each in its own way."""
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(names or ("a.db", "b.db")):
        write(
            folder / name,
            k * 2,
            [
                ("ann@x", f"Ann {k}", None if k else "1", "2024-01-01"),
                ("bob@x", f"Bob {k}", "2", "2024-01-01"),
                (HOSTILE, 1 if k else "1", "3", "2024-01-01"),
                ("eve@x", f"Eve {k}", "4", f"202{k}-01-01"),
                ("same@x", "Same", "5", None),
            ],
        )
    return folder


@asynccontextmanager
async def merged(folder: Path, *sources: str) -> AsyncIterator[Session]:
    """A session after its first merge."""
    async with Session.open(folder) as session:
        await session.discover()
        await session.select(Selection(sources or ("a.db", "b.db"), "app.db"))
        await session.inspect(checks=False)
        await session.back_up()
        await session.migrate()
        yield session


async def number_of(session: Session, key: Value) -> int:
    """The group of that e-mail."""
    page = await session.conflict_page(ALL)
    return next(g.number for g in page.groups if g.entity == {"email": key})


def stand(page: ConflictPage) -> tuple[int, int, int]:
    """Open, by rule, by hand."""
    return page.open, page.by_rule, page.by_hand


def dump(path: Path) -> list[str]:
    """The whole database as text."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


async def run(folder: Path, text: str) -> Outcome:
    """The command on a plan."""
    plan = folder.parent / f"{folder.name}.toml"
    plan.write_text(text, encoding="utf-8")
    return await consolidate(folder, RunOptions(plan=plan, yes=True), lambda _event: None)
