"""What is said of places that no edit is made for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consolidator_tui.domain.event import Level, Message, Step, ignore
from consolidator_tui.services.references import find_references, leftovers, propose

COMPOSE = """services:
  a:
    command: sqlite3 sub/app.db
    volumes: ["./sub:/data"]
    environment: {DATABASE_URL: sqlite:////data/app.db}
  b:
    volumes: [".:/code"]
    environment: {DATABASE_URL: sqlite:////code/app.db}
  c:
    environment: {DATABASE_URL: sqlite:////code/sub/app.db}
"""
FILES = {
    "compose.yaml": COMPOSE,
    "run.toml": 'run = "sqlite3 sub/app.db"\n',
    "a.py": "if not there():\n    raise SystemExit('no sub/app.db')\n",
    "Dockerfile": "FROM x\nENV DATABASE_URL=sqlite:///sub/app.db\n",
    "a.cfg": "database = sub/app.db\n",
    ".envrc": "export DATABASE_URL=sqlite:///sub/app.db\n",
    "tox.ini": "[testenv]\nsetenv =\n    A=1\n    DATABASE_URL=sqlite:///sub/app.db\n",
}
SAID = {
    ".envrc:1": "“sqlite:///sub/app.db”: a script of direnv is not edited. Let it use app.db.",
    "Dockerfile:2": "“sqlite:///sub/app.db”: Dockerfile is not edited. Let it use app.db.",
    "a.cfg:1": "“sub/app.db”: it stands in no section, and it is not seen how the file is read. "
    "Let it use app.db.",
    "compose.yaml:3": "“sqlite3 sub/app.db” names sub/app.db. Let it use app.db.",
    "compose.yaml:5": "“sqlite:////data/app.db” is sub/app.db by a volume of a compose file. Bind "
    "the folder of app.db to /data instead, and let it name /data/app.db.",
    "compose.yaml:10": "“sqlite:////code/sub/app.db” is sub/app.db by a volume of a compose file. "
    "Let it name /code/app.db.",
    "run.toml:1": "“sqlite3 sub/app.db” names sub/app.db. Let it use app.db.",
    "tox.ini:4": "“sqlite:///sub/app.db”: the variable is set for tests. It must be another file "
    "than app.db.",
}


def write(root: Path, files: dict[str, str], *databases: str) -> list[Path]:
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    for name in databases:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"SQLite format 3\0")
    return [root / name for name in databases]


async def test_every_place_says_what_to_do(tmp_path: Path) -> None:
    databases = write(tmp_path, FILES, "app.db", "sub/app.db")
    report = await find_references(tmp_path, ignore, databases=databases, processes=1)
    proposal = await propose(tmp_path, report, target=databases[0], databases=databases)
    assert {f"{note.file}:{note.line}": note.what for note in proposal.notes} == SAID
    note = next(note for note in proposal.notes if note.file == "Dockerfile")
    message = Message(Step.CONFIGURE, Level.WARNING, note.what, file=note.file, line=note.line)
    assert message.unnamed == ("Dockerfile:2",)


async def test_what_is_right_already_is_not_asked_for(tmp_path: Path) -> None:
    files = {"a.py": "import sqlite3\nsqlite3.connect('what?.db')\n"}
    databases = write(tmp_path, files, "what?.db", "sub/app.db")
    report = await find_references(tmp_path, ignore, databases=databases, processes=1)
    proposal = await propose(tmp_path, report, target=databases[0], databases=databases)
    assert [note.what.rpartition(". It is ")[2] for note in proposal.notes] == [
        "what?.db when started in the project."
    ]


async def test_what_cannot_be_read_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = write(tmp_path, {"a.py": "", "in/b.py": ""}, "app.db", "sub/app.db")
    scandir, read = os.scandir, Path.read_bytes

    def refuse_folder(path: Path) -> object:
        if Path(path).name == "in":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def refuse_file(path: Path) -> bytes:
        if path.name == "a.py":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(os, "scandir", refuse_folder)
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "a.py")
    monkeypatch.setattr(Path, "read_bytes", refuse_file)
    report = await find_references(tmp_path, ignore, databases=databases, processes=1)
    proposal = await propose(tmp_path, report, target=databases[0], databases=databases)
    assert [(note.file, note.what.partition(".")[0]) for note in proposal.notes] == [
        ("a.py", "the file cannot be read"),
        ("in", "the folder cannot be read"),
    ]
    assert [left.sentence for left in leftovers(report, databases[0], databases[1:])] == [
        "a.py may still name it: it cannot be read.",
        "in may still name it: it cannot be read.",
    ]
