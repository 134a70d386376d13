"""Killed at (a sample of) every change of a file: the target is whole, and the way back works.

CONSOLIDATOR_SWEEP_STEP=1 tries every point.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consolidator_tui.domain.event import ignore
from consolidator_tui.services.backup import back_up, verify_backup
from consolidator_tui.services.backup.config import write_config_file
from consolidator_tui.services.cleanup import clean_up, confirmation_phrase
from consolidator_tui.services.promote import promote
from consolidator_tui.services.rollback import roll_back
from consolidator_tui.services.rollback.recover import recover
from consolidator_tui.storage.manifest_file import has_manifest
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs
from tests.services.run_project import (
    contents,
    dump,
    make_hot_journal,
    make_plain,
    make_wal_left_over,
    verified,
)
from tests.services.stopping import sweep

MEMORY = Path("/dev/shm")
SOURCES = ["plain.db", "wal.db"]
NEW_ROWS = [(i, f"v{i}") for i in range(1, 8)]
MAKERS = [make_plain, make_wal_left_over, make_hot_journal]

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of syncs would wait for the disk."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def template(tmp_path: Path, make: Callable[[Path], Path]) -> Path:
    project = tmp_path / "template"
    make(project / "app.db")
    make_plain(project / "plain.db")
    make_wal_left_over(project / "wal.db")
    (project / ".env").write_text("A=1\n")
    return project


def the_run(project: Path) -> RunFolder:
    return list_runs(project)[-1]


async def do_back_up(project: Path) -> None:
    run = (list_runs(project) or [RunFolder.create(project)])[-1]
    await back_up(run, SOURCES, target="app.db", emit=ignore)


async def do_promote(project: Path) -> None:
    run = the_run(project)
    await promote(run, run.staging / "staging.db", project / "app.db", ignore)


async def do_configure(project: Path) -> None:
    run = the_run(project)
    await write_config_file(run, ".env", b"A=1\n", b"A=2\n")
    await write_config_file(run, "new.env", None, b"B=1\n")


async def do_clean_up(project: Path) -> None:
    await clean_up(the_run(project), SOURCES, confirmation_phrase(2), ignore)


async def do_roll_back(project: Path) -> None:
    await roll_back(the_run(project), ignore)


def prepare(project: Path, *, until: str) -> None:
    async def work() -> None:
        await do_back_up(project)
        make_plain(the_run(project).staging / "staging.db", rows=7)
        if until in ("configure", "cleanup", "rollback"):
            await do_promote(project)
            async with open_run_store(the_run(project)) as store:
                await store.save_state(verified(await store.load_state()))
        if until in ("cleanup", "rollback"):
            await do_configure(project)
        if until == "rollback":
            await do_clean_up(project)

    asyncio.run(work())


def look_at(project: Path, name: str, scratch: Path) -> list[tuple[object, ...]]:
    """The rows as an application sees them, looked at in a copy."""
    scratch.mkdir()
    for member in project.glob(name + "*"):
        shutil.copy(member, scratch)
    rows = dump(scratch / name) if (scratch / name).exists() else []
    shutil.rmtree(scratch)
    return rows


@pytest.mark.parametrize("make", MAKERS)
def test_back_up(scratch: Path, make: Callable[[Path], Path]) -> None:
    project = template(scratch, make)
    before = contents(project)
    for _, killed in sweep(project, scratch, do_back_up):
        assert contents(killed) == before
        for run in list_runs(killed):
            if has_manifest(run):
                asyncio.run(verify_backup(run, ignore))
        asyncio.run(do_back_up(killed))
        asyncio.run(verify_backup(the_run(killed), ignore))
        assert contents(killed) == before


@pytest.mark.parametrize("make", MAKERS)
def test_promote(scratch: Path, make: Callable[[Path], Path]) -> None:
    project = template(scratch, make)
    old_rows = look_at(project, "app.db", scratch / "look")
    before = contents(project)
    prepare(project, until="promote")
    for point, killed in sweep(project, scratch, do_promote):
        rows = look_at(killed, "app.db", scratch / "look")
        assert rows in (old_rows, NEW_ROWS), point
        recovery = asyncio.run(recover(the_run(killed), ignore))
        if recovery.state.promoted:
            assert look_at(killed, "app.db", scratch / "look") == NEW_ROWS
            assert {*contents(killed)} == {"app.db", "plain.db", ".env"} | {
                name for name in before if name.startswith("wal.db")
            }
        else:
            assert contents(killed) == before, point
            asyncio.run(do_promote(killed))
        assert look_at(killed, "app.db", scratch / "look") == NEW_ROWS
        asyncio.run(do_roll_back(killed))
        assert contents(killed) == before, point


def test_configure(scratch: Path) -> None:
    project = template(scratch, make_plain)
    before = contents(project)
    prepare(project, until="configure")
    for point, killed in sweep(project, scratch, do_configure):
        assert (killed / ".env").read_bytes() in (b"A=1\n", b"A=2\n")
        asyncio.run(recover(the_run(killed), ignore))
        asyncio.run(do_roll_back(killed))
        assert contents(killed) == before, point


def test_clean_up(scratch: Path) -> None:
    project = template(scratch, make_plain)
    before = contents(project)
    prepare(project, until="cleanup")
    for point, killed in sweep(project, scratch, do_clean_up):
        assert look_at(killed, "app.db", scratch / "look") == NEW_ROWS
        asyncio.run(recover(the_run(killed), ignore))
        left = [path for path in contents(killed) if path.startswith("wal.db")]
        assert left == [] or "wal.db" in left, point
        asyncio.run(do_roll_back(killed))
        assert contents(killed) == before, point


@pytest.mark.parametrize("make", MAKERS)
def test_roll_back(scratch: Path, make: Callable[[Path], Path]) -> None:
    project = template(scratch, make)
    old_rows = look_at(project, "app.db", scratch / "look")
    before = contents(project)
    prepare(project, until="rollback")
    for point, killed in sweep(project, scratch, do_roll_back):
        assert look_at(killed, "app.db", scratch / "look") in (old_rows, NEW_ROWS), point
        if point % 2:
            asyncio.run(recover(the_run(killed), ignore))
        asyncio.run(do_roll_back(killed))
        assert contents(killed) == before, point
        assert not (the_run(killed).kept / "app.db").exists()
