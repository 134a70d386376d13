"""A run from the command line merges while SQLite still checks the copies."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.errors import DiskFull, FileRefused, GateClosed
from consolidator_tui.domain.event import Event, Message, PhaseTimed, Step, StepFailed
from consolidator_tui.domain.merge import MergeResult
from consolidator_tui.domain.outcome import Outcome, Result, RunOptions
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.session import Session
from consolidator_tui.storage.manifest_file import has_manifest

from .run_project import make_plain
from .session_project import OWNERS, hashes, owners, write_shop
from .test_backup import damage_index


async def _backed_up(session: Session) -> None:
    await session.discover()
    await session.select(Selection(target="app.db"))
    await session.inspect(checks=False)
    await session.back_up(check=False)


async def _merge(session: Session) -> MergeResult:
    await session.make_plan()
    return await session.migrate()


async def test_the_copies_are_checked_before_the_target_is_verified(tmp_path: Path) -> None:
    write_shop(tmp_path)
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        await _backed_up(session)
        assert not session.need_manifest().checked
        await _merge(session)
        with pytest.raises(GateClosed, match="not checked"):
            await session.verify()
        await session.beside_checks(lambda: _merge(session))
        assert session.need_manifest().checked
        await session.verify()
    assert owners(tmp_path / "app.db") == OWNERS
    assert any(isinstance(e, PhaseTimed) and e.phase == "snapshots" for e in events)


def _damage_a_leaf(path: Path) -> None:
    """What counting by the index does not notice."""
    with closing(sqlite3.connect(make_plain(path, rows=20_000))) as connection, connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema").fetchone()
        connection.execute("CREATE INDEX i ON t(id)")
    with path.open("r+b") as file:
        file.seek((page + 4) * 4096)
        file.write(b"\xff" * 200)


async def test_a_damaged_copy_is_what_failed_whatever_the_merge_came_to(tmp_path: Path) -> None:
    write_shop(tmp_path)
    _damage_a_leaf(tmp_path / "x.db")
    before = hashes(tmp_path)
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        await _backed_up(session)

        async def fails() -> None:
            raise ValueError("what a merge of damaged pages may come to")

        with pytest.raises(FileRefused, match=r"x\.db: the database is damaged"):
            await session.beside_checks(fails)
        assert [e.step for e in events if isinstance(e, StepFailed)] == [Step.BACKUP]
        assert session.run is not None
        assert not has_manifest(session.run)
        with pytest.raises(GateClosed):
            await session.make_plan()
    assert hashes(tmp_path) == before


async def test_a_full_disk_is_told_where_no_state_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(tmp_path)

    async def full(*_arguments: object) -> None:
        raise DiskFull("The disk is full.")

    async with Session.open(tmp_path) as session:
        await _backed_up(session)

        async def fails() -> None:
            session.state = machine.started(session.state, Step.MIGRATE)
            await full()

        monkeypatch.setattr("consolidator_tui.services.backup.check_backup", full)
        with pytest.raises(DiskFull):
            await session.beside_checks(fails)
        assert session.run is not None
        assert not has_manifest(session.run)


async def test_what_an_index_lacks_is_merged_all_the_same(tmp_path: Path) -> None:
    damage_index(tmp_path / "x.db")
    with closing(sqlite3.connect(tmp_path / "y.db")) as other, other:
        other.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
        other.execute("INSERT INTO t VALUES (1, 'elsewhere')")
    times = 0
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        await _backed_up(session)
        assert not session.need_manifest().files["x.db"].index_damage

        async def merge() -> MergeResult:
            nonlocal times
            times += 1
            return await _merge(session)

        result = await session.beside_checks(merge)
        assert times == 2
        assert not result.needs_decisions
        assert session.need_manifest().files["x.db"].row_counts == {"t": 2001}
        await session.verify()
    assert any(isinstance(e, Message) and "indexes are damaged" in e.text for e in events)
    with closing(sqlite3.connect(tmp_path / "app.db")) as target:
        assert target.execute("SELECT count(*) FROM t NOT INDEXED").fetchone() == (2002,)


async def test_copies_that_were_never_checked_are_made_again(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        await _backed_up(session)
        name = session.need_run().name
    async with Session.open(tmp_path) as session:
        await session.resume(name)
        assert session.manifest is None
        await session.inspect(checks=False)
        await session.back_up()
        await _merge(session)
        await session.verify()
    assert owners(tmp_path / "app.db") == OWNERS


async def _run(project: Path) -> Outcome:
    options = RunOptions(target="app.db", yes=True)
    return await consolidate(project, options, lambda _event: None)


async def test_a_repeated_run_with_a_damaged_index_changes_nothing(tmp_path: Path) -> None:
    write_shop(tmp_path)
    damage_index(tmp_path / "x.db")
    first = await _run(tmp_path)
    assert (first.exit_status, first.changed) == (0, True)
    before = hashes(tmp_path)
    again = await _run(tmp_path)
    assert (again.exit_status, again.changed) == (0, False)
    assert [t.new for t in again.tables] == [0] * len(again.tables)
    assert hashes(tmp_path) == before


@pytest.mark.parametrize("phase", ["plan", "promote"])
async def test_whoever_stops_a_run_is_told_what_had_been_done(tmp_path: Path, phase: str) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    running: list[asyncio.Task[Outcome]] = []

    def stop(event: Event) -> None:
        if isinstance(event, PhaseTimed) and event.phase == phase:
            running[0].cancel()

    options = RunOptions(target="app.db", yes=True)
    running.append(asyncio.create_task(consolidate(tmp_path, options, stop)))
    outcome = await running[0]
    assert (outcome.exit_status, outcome.result) == (1, Result.FAILED)
    assert outcome.changed == (phase == "promote") == (hashes(tmp_path) != before)
    assert "Stopped" in outcome.messages[-1].text
