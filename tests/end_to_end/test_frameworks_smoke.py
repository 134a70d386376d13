"""A Flask project with an instance folder and a Django project, consolidated and configured.

Both are scattered because a bare name means another file in each working directory. Afterwards
their own tests, creation of tables and of an admin, server, login and scripts run from two
folders, and no old file comes back.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.selection import Selection
from consolidator_tui.domain.smoke import CommandKind, Login, SmokeCommand, SmokeReport, Verdict
from consolidator_tui.services.session import Session

APPS = Path(__file__).parent / "apps"
SECRET = "let me in"


def write_app(name: str, folder: Path) -> Path:
    """The files of an application, as apps/NAME.txt has them."""
    for part in re.split(r"^--- file ", (APPS / f"{name}.txt").read_text("utf-8"), flags=re.M)[1:]:
        path, _, content = part.partition("\n")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, "utf-8")
    return folder


def fill(path: Path, statements: Sequence[str]) -> None:
    """Execute statements in a database that is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";\n".join(statements))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What a query gives."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


async def consolidate(session: Session, target: str, sources: tuple[str, ...]) -> None:
    """Everything up to and including the accepted changes."""
    await session.discover()
    await session.select(Selection(sources, target))
    await session.inspect(checks=False)
    await session.back_up()
    await session.make_plan()
    result = await session.migrate()
    assert not result.needs_decisions, result.questions
    await session.verify()
    proposal = await session.propose_configuration()
    await session.configure([(f.file, e.start) for f in proposal.files for e in f.edits])


async def tried(session: Session, wanted: Sequence[str], login: Login) -> SmokeReport:
    """The named commands, each from its two places, with the admin's login where one serves.

    Tests run from one place only, to keep this quick.
    """
    found = {command.name: command for command in await session.detect_smoke()}
    assert set(wanted) <= set(found), sorted(found)
    commands: list[SmokeCommand] = []
    for name in wanted:
        command = found[name]
        if name.startswith(("flask", "manage.py runserver")):
            command = replace(command, login=login)
        if command.kind is CommandKind.TESTS:
            command = replace(command, starts=command.starts[:1])
        commands.append(command)
    return await session.smoke(commands)


def all_is_well(report: SmokeReport, target: str, starts: int) -> None:
    """Everything passed from everywhere, the one database alone was opened, and it can be made."""
    told = [(r.command, r.start.folder, r.verdict, r.reason, r.tail[-4:]) for r in report.results]
    assert report.ok, (report.reason, told)
    assert len(report.results) == starts
    assert {result.verdict for result in report.results} == {Verdict.PASSED}, told
    assert not [result.findings for result in report.results if result.findings]
    opened = {o.database for r in report.results for o in r.openings if "test" not in r.command}
    assert opened == {target}
    assert report.init is not None
    assert report.init.made
    assert not [difference for difference in report.init.differences if difference.breaks]


async def test_flask_with_an_instance_folder(tmp_path: Path) -> None:
    root = write_app("flask_notes", tmp_path / "notes-app")
    schema = (root / "notes/schema.sql").read_text("utf-8")
    target, strays = "instance/notes.sqlite", ("notes.sqlite", "jobs/notes.sqlite")
    for number, path in enumerate((target, *strays)):
        users = f"INSERT INTO users VALUES (1, 'ann@x', 'p', 0), (2, 'only{number}@x', 'p', 0)"
        notes = f"INSERT INTO notes VALUES (1, 1, 'ann in {number}'), (2, 2, 'own of {number}')"
        fill(root / path, (schema, users, notes))
    async with Session.open(root) as session:
        await consolidate(session, target, (target, *strays))
        report = await tried(
            session,
            (
                "pytest",
                "init_db.py",
                "create_admin.py",
                "flask notes:create_app()",
                "count_notes.py",
            ),
            Login("/auth/login", {"username": "admin@notes", "password": SECRET}),
        )
    all_is_well(report, target, starts=9)
    owners = "SELECT body, email FROM notes JOIN users ON users.id = user_id ORDER BY body"
    assert rows(root / target, owners) == [
        *((f"ann in {n}", "ann@x") for n in range(3)),
        *((f"own of {n}", f"only{n}@x") for n in range(3)),
    ]


async def test_django(tmp_path: Path) -> None:
    root = write_app("django_ledger", tmp_path / "ledger-app")
    target, stray = "db.sqlite3", "tools/db.sqlite3"
    migrate = [sys.executable, "manage.py", "migrate", "--noinput", "-v0"]
    await asyncio.to_thread(subprocess.run, migrate, cwd=root, check=True, timeout=60)
    shutil.copy(root / target, root / stray)
    for number, path in enumerate((target, stray)):
        user = (
            "INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name,"
            " email, is_staff, is_active, date_joined)"
            f" VALUES (1, 'user{number}', 'p', 0, '', '', '', 0, 1, '2026-01-0{number + 1}')"
        )
        entry = f"INSERT INTO entries_entry (id, text, owner_id) VALUES (1, 'of {number}', 1)"
        fill(root / path, (user, entry))
    async with Session.open(root) as session:
        await consolidate(session, target, (target, stray))
        report = await tried(
            session,
            (
                "manage.py test",
                "manage.py migrate",
                "create_admin.py",
                "manage.py runserver",
                "tools/report.py",
            ),
            Login("/login/", {"username": "admin", "password": SECRET}),
        )
    all_is_well(report, target, starts=9)
    owners = "SELECT text, username FROM entries_entry JOIN auth_user ON auth_user.id = owner_id"
    assert sorted(rows(root / target, owners)) == [("of 0", "user0"), ("of 1", "user1")]
