"""Runs that are offered again, and what undoing them means after a process died."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import GateClosed, LockedError
from consolidator_tui.domain.event import Event, Message, Step, ignore
from consolidator_tui.domain.outcome import Outcome, RunOptions
from consolidator_tui.domain.plan import Decision
from consolidator_tui.domain.run import StepStatus
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.rollback import recover as recover_module
from consolidator_tui.services.runs import describe_runs
from consolidator_tui.services.session import Session
from consolidator_tui.services.undoing import undo
from consolidator_tui.storage.run_db import Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs

from .run_project import other_program
from .session_project import OWNERS, hashes, owners, write, write_shop

OPEN = "import sys; f = open(sys.argv[1], 'rb'); print(1, flush=True); sys.stdin.read()"


async def _to_migrate(session: Session, target: str = "app.db") -> None:
    await session.discover()
    await session.select(Selection(target=target))
    await session.inspect(checks=False)
    await session.back_up()
    await session.make_plan()
    await session.migrate()


async def _run(project: Path, **more: object) -> Outcome:
    options = RunOptions(target="app.db", yes=True, **more)  # type: ignore[arg-type]
    return await consolidate(project, options, ignore)


async def _mark_crashed(project: Path, number: int) -> None:
    async with open_run_store(list_runs(project)[number]) as store:
        await store.put(recover_module.CRASHED, "yes")


async def test_a_run_in_place_is_offered_until_it_is_left_or_cleaned_up(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "app.py").write_text('import sqlite3\nsqlite3.connect("a.db")\n')
    async with Session.open(tmp_path) as session:
        await _to_migrate(session)
        await session.verify()
        await session.write_report()
    async with Session.open(tmp_path) as session:
        found = await session.unfinished()
        assert found is not None
        assert (found.step, found.promoted) == (Step.CONFIGURE, True)
        assert found.left == (Step.CONFIGURE, Step.CLEANUP)
        await session.resume(found.name)
        proposal = await session.propose_configuration()
        assert [file.file for file in proposal.files] == ["app.py"]
        await session.configure([("app.py", edit.start) for edit in proposal.files[0].edits])
        assert all(gate.open for gate in await session.gates())
        await session.clean_up(session.confirmation_phrase())
        report = await session.write_report()
        assert "the one database" in report.read_text()
    async with Session.open(tmp_path) as session:
        assert await session.unfinished() is None


async def test_what_hides_an_earlier_run_and_what_does_not(tmp_path: Path) -> None:
    write_shop(tmp_path)
    await _run(tmp_path)
    await _run(tmp_path, dry_run=True)
    await _run(tmp_path)
    first, dry, same = (run.name for run in list_runs(tmp_path))
    async with Session.open(tmp_path) as session:
        found = await session.unfinished()
        assert found is not None
        assert found.name == first
        await session.start_over()
        assert await session.unfinished() is None
    words = {info.name: info.outcome for info in await describe_runs(tmp_path)}
    assert words == {first: "consolidated", dry: "dry run", same: "nothing to change"}


async def test_originals_that_changed_are_backed_up_and_planned_anew(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        await _to_migrate(session)
        await session.decide(Decision("users", {"email": "ann@x"}, "a.db"))
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection:
        connection.execute("INSERT INTO orders VALUES (9, 1, 'late')")
        connection.commit()
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        found = await session.unfinished()
        assert found is not None
        await session.resume(found.name)
        assert session.state.current is Step.BACKUP
        told = [e for e in events if isinstance(e, Message) and e.file == "b.db"]
        assert "changed since its backup" in told[0].text
        assert [d.entity for d in (await session.full_document()).decisions] == [{"email": "ann@x"}]
        with pytest.raises(GateClosed):
            await session.migrate()
        await session.back_up()
        await session.make_plan()
        await session.migrate()
        await session.verify()
    assert sorted([*OWNERS, ("cyd@x", "late")]) == owners(tmp_path / "app.db")


async def test_reports_and_words_follow_a_roll_back(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    outcome = await _run(tmp_path)
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        connection.execute("INSERT INTO orders VALUES (77, 1, 'since')")
        connection.commit()
    undone = await undo(tmp_path, None, ignore)
    assert [name for name, _ in undone.runs] == [outcome.run]
    assert hashes(tmp_path) == before
    for name in ("report.md", "report.html"):
        text = (list_runs(tmp_path)[0].path / name).read_text().replace("\\", "")
        assert "the run was rolled back" in text
        assert "orders +1" in text
        assert "kept/app.db" in text
        assert "is the one database" not in text
    (info,) = await describe_runs(tmp_path)
    assert info.outcome == "rolled back"


async def test_a_roll_back_that_died_is_finished_at_the_next_start_and_told(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    await _run(tmp_path)
    run = list_runs(tmp_path)[0]
    (tmp_path / "a.db").unlink()  # As it may be behind a clean up.
    async with open_run_store(run) as store:
        await store.begin_work(Work(WorkKind.ROLLBACK, {}))
    with other_program(OPEN, tmp_path / "app.db") as process:
        with pytest.raises(LockedError, match=rf"has to be finished first.*{process.pid}"):
            async with Session.open(tmp_path):
                pass
        assert not (tmp_path / "a.db").exists(), "nothing is begun that cannot be finished"
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        assert await session.unfinished() is None
    told = [event.text for event in events if isinstance(event, Message)]
    assert f"The roll back of run {run.name} was interrupted; it is finished now." in told
    assert hashes(tmp_path) == before


async def test_a_run_that_died_before_its_receipt_can_be_repeated(tmp_path: Path) -> None:
    write_shop(tmp_path)
    await _run(tmp_path)
    with closing(sqlite3.connect(list_runs(tmp_path)[0].run_db)) as connection:
        connection.execute("DELETE FROM documents WHERE name = 'receipt'")
        connection.commit()
    before = hashes(tmp_path)
    outcome = await _run(tmp_path)
    assert (outcome.exit_status, outcome.changed) == (0, False), outcome.messages
    assert "already held everything" in Path(outcome.report).read_text()
    assert hashes(tmp_path) == before


async def test_rolling_back_a_run_without_a_receipt_says_nothing_of_one(tmp_path: Path) -> None:
    write_shop(tmp_path)
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        await session.discover()
        await session.select(Selection(target="app.db"))
        await session.inspect(checks=False)
        await session.back_up()
        await session.roll_back()
    assert not [e for e in events if isinstance(e, Message) and "report" in e.text]


async def test_a_run_that_died_and_was_begun_again_is_undone_with_it(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    await _run(tmp_path)
    await _mark_crashed(tmp_path, -1)
    write(tmp_path / "c.db", [(5, "eve@x", "Eve", None)], [(8, 5, "map")])
    late = hashes(tmp_path)["c.db"]
    await _run(tmp_path)
    undone = await undo(tmp_path, None, ignore)
    names = [run.name for run in list_runs(tmp_path)]
    assert [name for name, _ in undone.runs] == names[::-1]
    assert undone.earlier == ()
    assert hashes(tmp_path) == {**before, "c.db": late}


async def test_an_earlier_run_that_ended_well_stays_and_is_told(tmp_path: Path) -> None:
    write_shop(tmp_path)
    await _run(tmp_path)
    between = hashes(tmp_path)
    write(tmp_path / "c.db", [(5, "eve@x", "Eve", None)], [(8, 5, "map")])
    await _run(tmp_path)
    undone = await undo(tmp_path, None, ignore)
    first, second = (run.name for run in list_runs(tmp_path))
    assert [name for name, _ in undone.runs] == [second]
    assert undone.earlier == (first,)
    assert hashes(tmp_path)["app.db"] == between["app.db"]


@pytest.mark.parametrize("number", [0, -1])
async def test_a_damaged_run_database_blocks_nothing(tmp_path: Path, number: int) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    await _run(tmp_path)
    damaged = RunFolder.create(tmp_path) if number else list_runs(tmp_path)[0]
    damaged.run_db.write_bytes(b"not a database" * 1000)
    for suffix in ("-wal", "-shm"):
        damaged.run_db.with_name("run.db" + suffix).unlink(missing_ok=True)
    outcome = await _run(tmp_path)
    assert outcome.exit_status == 0, outcome.messages
    if number:
        await undo(tmp_path, None, ignore)
    else:
        # Its target's hash is lost with its database, so that version is set aside.
        (_, report) = (await undo(tmp_path, damaged.name, ignore)).runs[0]
        assert report.kept == ("kept/app.db",)
        assert (damaged.path / "run.db.damaged").exists()
    assert hashes(tmp_path) == before


def test_what_a_killed_process_left_of_a_new_run_goes(tmp_path: Path) -> None:
    RunFolder.create(tmp_path)
    runs = tmp_path / ".consolidator" / "runs"
    (runs / "new-0123456789ab" / "backup").mkdir(parents=True)
    (runs / "removed-20260101T000000Z").mkdir()
    RunFolder.create(tmp_path)
    assert all(entry.name[0].isdigit() for entry in runs.iterdir())
    assert len(list_runs(tmp_path)) == 2


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from consolidator_tui.domain.event import Step, StepStarted
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.session import Session

async def main(project, last):
    async with Session.open(project) as session:
        def die(event):
            if isinstance(event, StepStarted) and event.step == last:
                os.kill(os.getpid(), 9)
        session.add_listener(die)
        await session.discover()
        await session.select(Selection(target="app.db"))
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        await session.migrate()
        await session.verify()
        await session.configure([])
        await session.gates()
        await session.clean_up(session.confirmation_phrase())
        os.kill(os.getpid(), 9)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize(
    "last", ["backup", "migrate", "verify", "configure", "cleanup", "rollback"]
)
async def test_killed_at_a_step_and_taken_up(tmp_path: Path, last: str) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, str(tmp_path), last
    )
    assert await process.wait() == -9
    in_place = last in ("configure", "cleanup", "rollback")
    async with Session.open(tmp_path) as session:
        found = await session.unfinished()
        if last == "rollback":
            # Killed behind the last step: nothing is left to do but to undo it.
            assert found is None
        else:
            assert found is not None
            assert found.promoted == in_place
            assert found.step == Step(last)
            await session.resume(found.name)
        if last == "backup":
            await session.back_up()
        if not in_place:
            assert session.state.steps[Step.BACKUP] is StepStatus.DONE
            await session.migrate()
            await session.verify()
        assert owners(tmp_path / "app.db") == OWNERS
    await undo(tmp_path, None, ignore)
    assert hashes(tmp_path) == before
