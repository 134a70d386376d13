"""Folders that may only be read, as a user for whom modes count (root is told to be another)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.outcome import Outcome, RunOptions
from consolidator_tui.domain.plan import Rule
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.undoing import undo
from tests.crash.projects import make_logged
from tests.services.session_project import hashes

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A project with its databases in `data/`; pytest's own folders are closed to other users."""
    made = Path(tempfile.mkdtemp(prefix="read-only-", dir="/tmp")).resolve()
    made.chmod(0o755)
    (made / "data").mkdir()
    make_logged(made / "data")
    yield made
    (made / "data").chmod(0o755)
    shutil.rmtree(made)


@contextmanager
def for_reading_only(project: Path) -> Iterator[None]:
    """`data/` cannot be written; a superuser owns it, and is somebody else meanwhile."""
    data = project / "data"
    for path in (data, *data.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.chown(project, NOBODY, NOBODY)
        os.setresgid(NOBODY, NOBODY, 0)
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)


async def run(project: Path, target: str, *, cleanup: bool = False) -> Outcome:
    sources = ("data/a.db", "data/b.db", "data/app.db")
    rules = (Rule.NEWEST, Rule.BASE)
    options = RunOptions(
        target=target, sources=sources, yes=True, on_conflict=rules, cleanup=cleanup
    )
    return await consolidate(project, options, ignore)


async def test_sources_are_read_and_a_target_there_is_refused(folder: Path) -> None:
    """Also a log without its index and a hot journal, which SQLite cannot open in place."""
    # Whatever is imported on the way may be out of another user's reach.
    # Clean up stops there: the application names the files.
    first = await run(folder, "all.db", cleanup=True)
    assert (first.exit_status, first.changed) == (4, True)
    assert (await run(folder, "missing/all.db")).exit_status == 4
    await undo(folder, None, ignore)
    shutil.rmtree(folder / ".consolidator")
    before = hashes(folder)
    with for_reading_only(folder):
        refused = await run(folder, "data/all.db")
        assert refused.exit_status == 4
        told = [message.text for message in refused.messages]
        assert any("no permission to write" in text for text in told), told
        assert not (folder / ".consolidator").exists(), "refused before anything starts"
        assert (await run(folder, "all.db")).exit_status == 0
        after = hashes(folder)
        assert {path: after[path] for path in before} == before
        kept = await run(folder, "all.db", cleanup=True)
        assert kept.exit_status == 4, kept.messages[-1]
        place = folder / "data"
        assert f"its folder {place} is read-only for you" in kept.messages[-1].text
        assert kept.messages[-1].fix == "Nothing was deleted."
        await undo(folder, None, ignore)
        assert hashes(folder) == before
