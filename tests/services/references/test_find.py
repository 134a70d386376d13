"""Walking, worker processes, cancelling, progress."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import Failed
from consolidator_tui.domain.event import Event, Progress, ignore
from consolidator_tui.services.references import find_references, propose
from consolidator_tui.services.workers import spread

SOURCE = 'import sqlite3\n\n\ndef go(db_path="old.db"):\n    return sqlite3.connect(db_path)\n'


def _tree(root: Path, count: int) -> None:
    for number in range(count):
        folder = root / f"p{number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"m{number}.py").write_text(SOURCE)
    (root / "old.db").write_bytes(b"SQLite format 3\0")
    (root / "app.db").write_bytes(b"SQLite format 3\0")


async def test_skipped_folders_and_links(tmp_path: Path) -> None:
    for name in (".git", "node_modules", "x/__pycache__", ".consolidator/runs", "env", "lib"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.py").write_text(SOURCE)
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /usr\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.py").symlink_to(tmp_path / "lib" / "a.py")
    report = await find_references(tmp_path, ignore)
    assert [r.file for r in report.references] == ["lib/a.py"]


async def test_processes_and_threads_find_the_same(tmp_path: Path) -> None:
    _tree(tmp_path, 70)
    databases = [tmp_path / "old.db", tmp_path / "app.db"]
    events: list[Event] = []
    many = await find_references(tmp_path, events.append, databases=databases, processes=2)
    one = await find_references(tmp_path, ignore, databases=databases, processes=1)
    assert many == one
    assert len(many.references) == 70
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].done == progress[-1].total == 70
    proposal = await propose(tmp_path, many, target=databases[1], databases=databases, processes=2)
    assert len(proposal.files) == 70


async def test_a_compose_file_that_nothing_can_read(tmp_path: Path) -> None:
    _tree(tmp_path, 0)
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///old.db\n")
    deep = "services: " + "[" * 2_000 + "]" * 2_000
    (tmp_path / "compose.yaml").write_text(f"{deep} # env_file: .env\n")
    databases = [tmp_path / "old.db", tmp_path / "app.db"]
    report = await find_references(tmp_path, ignore, databases=databases)
    proposal = await propose(tmp_path, report, target=databases[1], databases=databases)
    assert proposal.files == ()
    assert "may hand this file to containers" in proposal.notes[0].what


UNDER_A_SCREEN = """
import asyncio, io, sys
from consolidator_tui.services.workers import spread

class Screen(io.StringIO):
    def fileno(self):
        return -1

if __name__ == "__main__":
    sys.stderr = Screen()
    found = asyncio.run(spread(list, ["a", "b"], heavy=True, processes=2))
    print(found, type(sys.stderr).__name__)
"""


async def test_processes_start_where_stderr_is_no_file(tmp_path: Path) -> None:
    """As in the wizard; the tracker of resources is started once per process, so in one anew."""
    script = tmp_path / "screen.py"
    script.write_text(UNDER_A_SCREEN)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert told.decode().strip() == "['a', 'b'] Screen"


async def test_cancelled(tmp_path: Path) -> None:
    _tree(tmp_path, 200)
    started = asyncio.Event()

    def emit(event: Event) -> None:
        if isinstance(event, Progress):
            started.set()

    task = asyncio.create_task(find_references(tmp_path, emit, processes=2))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = b"a\xff.py".decode("utf-8", "surrogateescape")
    (tmp_path / name).write_text(SOURCE)
    (tmp_path / "old.db").write_bytes(b"SQLite format 3\0")
    databases = [tmp_path / "old.db", tmp_path / "app.db"]
    report = await find_references(tmp_path, ignore, databases=databases)
    assert len(report.references) == 1
    proposal = await propose(tmp_path, report, target=databases[1], databases=databases)
    assert len(proposal.files) == 1


def killed(_batch: Sequence[str]) -> list[str]:
    """Ends its process as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return []


async def test_a_worker_that_is_killed_is_an_error_of_ours() -> None:
    with pytest.raises(Failed, match="ended before it was done"):
        await spread(killed, ["a"], heavy=True, processes=2)
