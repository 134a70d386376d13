"""Small applications to try."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from consolidator_tui.domain.event import Event
from consolidator_tui.domain.smoke import CommandKind, SmokeCommand, SmokeReport, Start
from consolidator_tui.services.references import find_references
from consolidator_tui.services.smoke import Ground, Knowledge, smoke

SCHEMA = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE)"


def write_project(folder: Path, files: Mapping[str, str]) -> None:
    """`app.db` with one user, the old file `old.db`, and the given sources."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("app.db", "old.db"):
        with closing(sqlite3.connect(folder / name)) as connection, connection:
            connection.execute(SCHEMA)
            connection.execute("INSERT INTO users (email) VALUES ('ann@x')")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def script(line: str, kind: CommandKind = CommandKind.SCRIPT, **more: object) -> SmokeCommand:
    """A command that is started in the project's folder."""
    values: dict[str, object] = {"timeout": 20.0, **more}
    return SmokeCommand(line, kind, (Start("", line),), **values)  # type: ignore[arg-type]


async def run(
    project: Path,
    *commands: SmokeCommand,
    events: list[Event] | None = None,
    environment: Mapping[str, str] | None = None,
    run_folder: Path | None = None,
    tests: Sequence[str] = (),
) -> SmokeReport:
    """Run commands with `app.db` as the unified database and `old.db` as an old one."""
    heard: list[Event] = [] if events is None else events
    databases = [project / "app.db", project / "old.db"]
    report = await find_references(project, heard.append, databases=databases, processes=1)
    scratch = project.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    ground = Ground(
        project=project,
        target="app.db",
        sources=("app.db", "old.db"),
        knowledge=Knowledge(report.references, frozenset(tests)),
        run=run_folder,
        temporary=scratch,
        environment=environment,
    )
    found = await smoke(ground, commands, heard.append)
    assert list(scratch.iterdir()) == []
    return found
