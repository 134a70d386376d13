"""The sample, consolidated and configured, works from two folders; before that it does not.

Its own tests, its scripts, its server with a login and both agents are run as they are, on the
disposable copy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consolidator_tui.domain.event import Event
from consolidator_tui.domain.selection import Selection
from consolidator_tui.domain.smoke import (
    STORED,
    FindingKind,
    Login,
    SmokeCommand,
    SmokeOutput,
    Verdict,
)
from consolidator_tui.sample.writer import SAMPLE_DECISIONS, SAMPLE_TRUTH, write_sample
from consolidator_tui.services.cleanup import Gate
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.session import Session
from tests.services.session_project import hashes, owners, write_shop

ROOT = Path(__file__).resolve().parents[2]
ADMIN = {"username": "admin", "password": SAMPLE_TRUTH.passwords["admin"]}
AGENTS = ("app.agents.prompt_agent", "app.agents.upload_agent")


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    """The sample, consolidated, not yet configured."""
    project = tmp_path / "demo"
    write_sample(project)
    async with Session.open(project) as session:
        await session.set_document(plan_file.loads(SAMPLE_DECISIONS))
        await session.discover()
        await session.select(Selection(target=SAMPLE_TRUTH.target))
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        assert not (await session.migrate()).needs_decisions
        await session.verify()
        yield session


async def commands(session: Session) -> dict[str, SmokeCommand]:
    """What is detected, with the admin's login filled in."""
    found = {command.name: command for command in await session.detect_smoke()}
    server = found["uvicorn app.main:app"]
    assert server.login is not None
    login = Login(server.login.path, ADMIN)
    return {**found, server.name: replace(server, login=login)}


async def application_gate(session: Session) -> Gate:
    return next(gate for gate in await session.gates() if gate.name == "application")


async def test_before_configuration_the_strays_come_back(session: Session) -> None:
    found = await commands(session)
    assert "not tried" in (await application_gate(session)).reason
    before = hashes(session.project)
    report = await session.smoke([found[agent] for agent in AGENTS])
    assert hashes(session.project) == before
    told = [(r.start.folder, f.kind, f.file) for r in report.results for f in r.findings]
    assert told == [
        ("backend", FindingKind.REAPPEARED, "backend/prompts.db"),
        ("", FindingKind.NEW_DATABASE, "prompts.db"),
        ("backend", FindingKind.REAPPEARED, "backend/data/app.db"),
        ("", FindingKind.NEW_DATABASE, "data/app.db"),
    ]
    (finding,) = report.results[0].findings
    source = (session.project / "backend/app/agents/prompt_agent.py").read_text().splitlines()
    opened = finding.opened_by[0]
    assert opened.file == "backend/app/agents/prompt_agent.py"
    assert "sqlite3.connect(" in source[opened.line - 1]
    (place,) = finding.references
    assert '"prompts.db"' in source[int(place.rpartition(":")[2]) - 1]
    gate = await application_gate(session)
    assert not gate.open
    assert "prompt_agent.py, line" in gate.reason


async def test_after_configuration_everything_works(session: Session) -> None:
    proposal = await session.propose_configuration()
    await session.configure([(f.file, e.start) for f in proposal.files for e in f.edits])
    found = await commands(session)
    before = hashes(session.project)
    events: list[Event] = []
    report = await session.smoke(list(found.values()), events.append)
    assert report.ok, (report.reason, [result.tail[-5:] for result in report.results])
    assert hashes(session.project) == before
    # All of them, from both folders, also where a failure would not have counted.
    assert {(r.command, r.start.folder) for r in report.results} == {
        (name, folder) for name in found for folder in ("backend", "")
    }
    assert {result.verdict for result in report.results} == {Verdict.PASSED}
    assert not [result.findings for result in report.results if result.findings]
    opened = {o.database for r in report.results if "pytest" not in r.command for o in r.openings}
    assert opened == {SAMPLE_TRUTH.target}
    assert report.init is not None
    assert report.init.equal, report.init.differences
    lines = [line for e in events if isinstance(e, SmokeOutput) for line in e.lines]
    assert any("14 passed" in line for line in lines)
    assert any('"POST /auth/login HTTP/1.1" 200' in line for line in lines)
    assert (await application_gate(session)).open
    await nothing_of_the_application_is_kept(session)


async def nothing_of_the_application_is_kept(session: Session) -> None:
    await session.flush()
    assert session.store is not None
    stored = await session.store.get(STORED)
    assert stored is not None
    assert json.loads(stored)["ok"]
    run = session.need_run().path
    kept = b"".join(path.read_bytes() for path in run.rglob("run.db*"))
    assert b"14 passed" not in kept
    assert ADMIN["password"].encode() not in kept


def consolidate(folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """`run --json` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "consolidator_tui", "run", str(folder), "--json", "--yes", *more],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_smoke_on_the_command_line(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    (tmp_path / "job.py").write_text(
        "import sqlite3\nprint(*sqlite3.connect('app.db').execute('SELECT count(*) FROM users'))\n"
    )
    wanted = ("--target", "app.db", "--smoke", "python job.py", "--smoke", "test ! -e b.db")
    status, closing, said = consolidate(tmp_path, *wanted, "--cleanup")
    assert (status, closing["outcome"]) == (0, "consolidated"), closing
    assert '"event": "application_output"' in said
    assert not (tmp_path / "b.db").exists()
    assert "smoke" in closing["timings"]


def test_a_failing_smoke_command_stops_clean_up(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    (tmp_path / "job.py").write_text("import sqlite3\nsqlite3.connect('b.db')\n")
    wanted = ("--target", "app.db", "--cleanup", "--smoke", "python job.py")
    status, closing, _ = consolidate(tmp_path, *wanted)
    assert (status, closing["outcome"], closing["changed"]) == (1, "failed", True)
    texts = " ".join(message["text"] for message in closing["messages"])
    assert "b.db came back (opened by job.py, line 2)" in texts
    assert len(owners(tmp_path / "app.db")) == 4
    assert (tmp_path / "b.db").exists()
    status, closing, _ = consolidate(tmp_path, "--target", "app.db", "--smoke", " ")
    assert (status, closing["outcome"]) == (2, "refused")
