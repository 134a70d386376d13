"""The session keeps what a smoke run came to, and Clean up's gate knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from consolidator_tui.domain.errors import GateClosed, UsageError
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.cleanup import Gate
from consolidator_tui.services.session import Session
from tests.services.session_project import write_shop


async def promoted(session: Session) -> None:
    await session.discover()
    await session.select(Selection(target="app.db"))
    await session.inspect(checks=False)
    await session.back_up()
    await session.make_plan()
    await session.migrate()
    await session.verify()


async def gate(session: Session) -> Gate:
    return next(gate for gate in await session.gates() if gate.name == "application")


async def test_the_gate(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    (tmp_path / "job.py").write_text("DB = 'b.db'\nimport sqlite3\nsqlite3.connect(DB)\n")
    async with Session.open(tmp_path) as session:
        commands = await session.smoke_commands(["python job.py"])
        with pytest.raises(GateClosed):
            await session.smoke(commands)
        await promoted(session)
        assert (await gate(session)).open
        failed = await session.smoke(commands)
        assert not failed.ok
        assert session.smoke_report is failed
        closed = await gate(session)
        assert not closed.open
        assert "b.db came back (opened by job.py, line 3)" in closed.reason
        with pytest.raises(GateClosed, match=r"job\.py, line 3"):
            await session.clean_up(session.confirmation_phrase())
        name = session.need_run().name
    async with Session.open(tmp_path) as session:
        await session.resume(name)
        assert not (await gate(session)).open
        proposal = await session.propose_configuration()
        await session.configure([(f.file, e.start) for f in proposal.files for e in f.edits])
        assert "not tried" in (await gate(session)).reason
        worked = await session.smoke(commands)
        assert worked.ok, worked.reason
        assert (await gate(session)).open
        assert await session.clean_up(session.confirmation_phrase()) == ()
    assert not (tmp_path / "b.db").exists()


async def test_no_command(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    async with Session.open(tmp_path) as session:
        with pytest.raises(UsageError):
            await session.smoke_commands([""])
        assert await session.smoke_commands(["auto"]) == ()
        assert "No command" in session.log.messages[-1].text
