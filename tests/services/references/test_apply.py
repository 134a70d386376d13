"""Edits are written byte by byte, atomically, after a backup, and never over a changed file."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.reference import Proposal
from consolidator_tui.services.references import (
    apply,
    explain,
    find_references,
    propose,
    splice,
    unified_diff,
    with_needs,
)

SOURCE = b'import sqlite3\r\nprint(__name__)  # \xc3\xa9\r\ncon = sqlite3.connect("old.db")\r\n'


async def _proposal(root: Path) -> Proposal:
    databases = [root / "old.db", root / "data" / "app.db"]
    report = await find_references(root, ignore, databases=databases)
    return await propose(root, report, target=databases[1], databases=databases)


def _project(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    for name in ("old.db", "data/app.db"):
        (root / name).write_bytes(b"SQLite format 3\0")
    main = root / "main.py"
    main.write_bytes(SOURCE)
    main.chmod(0o755)
    return main


class Backup:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.kept: dict[Path, bytes] = {}

    async def __call__(self, path: Path) -> None:
        self.kept[path] = path.read_bytes()


async def test_backed_up_written_and_mode_kept(tmp_path: Path) -> None:
    main = _project(tmp_path)
    proposal = await _proposal(tmp_path)
    backup = Backup()
    assert await apply(tmp_path, proposal.files, back_up=backup, emit=ignore) == [main]
    assert backup.kept == {main: SOURCE}
    assert main.stat().st_mode & 0o777 == 0o755
    data = main.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == 4
    assert {p.name for p in tmp_path.iterdir()} == {"main.py", "old.db", "data"}


async def test_changed_file_is_refused_and_nothing_written(tmp_path: Path) -> None:
    main = _project(tmp_path)
    other = tmp_path / "z.py"
    other.write_bytes(SOURCE)
    proposal = await _proposal(tmp_path)
    other.write_bytes(SOURCE + b"# more\n")
    backup = Backup()
    with pytest.raises(FileRefused, match=r"z\.py changed"):
        await apply(tmp_path, proposal.files, back_up=backup, emit=ignore)
    assert main.read_bytes() == SOURCE
    assert backup.kept == {}


async def test_file_that_became_a_link_is_refused(tmp_path: Path) -> None:
    main = _project(tmp_path)
    proposal = await _proposal(tmp_path)
    main.rename(tmp_path / "real.py")
    main.symlink_to("real.py")
    with pytest.raises(FileRefused, match="link"):
        await apply(tmp_path, proposal.files, back_up=Backup(), emit=ignore)


async def test_failed_backup_stops_before_the_write(tmp_path: Path) -> None:
    main = _project(tmp_path)
    proposal = await _proposal(tmp_path)

    async def broken(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        await apply(tmp_path, proposal.files, back_up=broken, emit=ignore)
    assert main.read_bytes() == SOURCE


async def test_diff_and_hunks(tmp_path: Path) -> None:
    _project(tmp_path)
    (file,) = (await _proposal(tmp_path)).files
    diff = unified_diff(file, SOURCE)
    assert diff.startswith("--- a/main.py\n+++ b/main.py\n")
    assert '-con = sqlite3.connect("old.db")' in diff
    hunk = next(edit for edit in file.edits if edit.old)
    assert len(with_needs([hunk], file.edits)) == 2
    assert with_needs([], file.edits) == ()
    needless = next(edit for edit in file.edits if not edit.old)
    assert with_needs([needless], file.edits) == ()
    with pytest.raises(ValueError, match="not what it was"):
        splice(b"#" + SOURCE, file.edits)


async def test_explain(tmp_path: Path) -> None:
    _project(tmp_path)
    databases = [tmp_path / "old.db", tmp_path / "data" / "app.db"]
    report = await find_references(tmp_path, ignore, databases=databases)
    assert [(r.file, r.line) for r in explain(report, databases[0])] == [("main.py", 3)]
    assert explain(report, databases[1]) == []


async def test_reading_point_only_where_asked_for(tmp_path: Path) -> None:
    main = _project(tmp_path)
    databases = [tmp_path / "old.db", tmp_path / "data" / "app.db"]
    report = await find_references(tmp_path, ignore, databases=databases)
    assert report.environment_keys == ()
    proposal = await propose(tmp_path, report, target=databases[1], introduce_key="DATABASE_PATH")
    await apply(tmp_path, proposal.files, back_up=Backup(), emit=ignore)
    assert b'os.environ.get("DATABASE_PATH", str(Path(__file__)' in main.read_bytes()
    assert b"import os\r\nfrom pathlib import Path\r\n" in main.read_bytes()
    again = await find_references(tmp_path, ignore, databases=databases)
    assert again.environment_keys == ("DATABASE_PATH",)
    assert (await propose(tmp_path, again, target=databases[1])).files == ()


EVERYTHING = """import argparse
import os
import sqlite3
from pathlib import Path

URL = os.getenv("DATABASE_URL", "sqlite:///./old.db")
DB_PATH = Path("old.db")


class Store:
    def __init__(self, db_path: str = "old.db"):
        self.db_path = db_path


parser = argparse.ArgumentParser()
parser.add_argument("--db", default="old.db")
options = parser.parse_args([])
for path in (URL.removeprefix("sqlite:///"), DB_PATH, Store().db_path, options.db):
    sqlite3.connect(path).execute("create table if not exists t (x)")
sqlite3.connect("file:old.db?mode=rw", uri=True).execute("select 1")
"""


async def test_the_edited_program_opens_only_the_target_from_anywhere(tmp_path: Path) -> None:
    root = tmp_path / "a project ü"
    _project(root)
    (root / "main.py").write_text(EVERYTHING, encoding="utf-8")
    proposal = await _proposal(root)
    assert proposal.notes == ()
    await apply(root, proposal.files, back_up=Backup(), emit=ignore)
    (root / "old.db").unlink()
    (root / "data" / "app.db").unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    for folder in (elsewhere, root):
        command = [sys.executable, str(root / "main.py")]
        await asyncio.to_thread(subprocess.run, command, cwd=folder, check=True, env=environment)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.db")}
    assert found == {"a project ü/data/app.db"}


async def test_notes_say_which_of_two_files_with_one_name(tmp_path: Path) -> None:
    for name in ("app.db", "data/app.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "main.py").write_text("import sqlite3, sys\nsqlite3.connect(sys.argv[1])\n")
    found = [tmp_path / "app.db", tmp_path / "data/app.db"]
    report = await find_references(tmp_path, ignore, databases=found)
    proposal = await propose(tmp_path, report, target=tmp_path / "data/app.db", databases=found)
    (note,) = proposal.notes
    assert note.what.endswith("Check that it is data/app.db.")
