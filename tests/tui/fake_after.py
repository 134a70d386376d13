"""The session in memory after its merge: configuration, trials, clean up, roll back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.event import Event, Step
from consolidator_tui.domain.reference import Edit, FileEdit, ManualNote, Proposal
from consolidator_tui.domain.run import RunState
from consolidator_tui.domain.smoke import (
    SmokeCommand,
    SmokeEnded,
    SmokeOutput,
    SmokeReport,
    SmokeStarted,
)
from consolidator_tui.services.cleanup import Gate
from consolidator_tui.services.rollback import RollbackReport
from tests.tui.fake_data import MAIN, OLD, THIRD
from tests.tui.fake_smoke import smoke_commands, smoke_report


class FakeAfter:
    """The part of the session in memory that follows the merge."""

    project: Path
    scratch: Path
    run: Any
    state: RunState
    left_over: object
    calls: list[str]
    blocking: dict[str, asyncio.Event]
    deletable: tuple[str, ...]
    closed_gates: tuple[Gate, ...]
    introduced: list[str | None]
    tried: tuple[SmokeCommand, ...]
    broken: bool
    emit: Callable[[Event], None]
    _do: Any

    async def propose_configuration(self, introduce_key: str | None = None) -> Proposal:
        """As the session."""
        self.introduced.append(introduce_key)
        text = b"SECRET=abc\n# where the data is\nDATABASE_URL=sqlite:///./app.db\nDEBUG=0\n"
        env = self.scratch / "backend" / ".env"
        env.parent.mkdir(exist_ok=True)
        env.write_bytes(text)
        old = b"sqlite:///./app.db"
        start = text.index(old)
        edit = Edit(
            "backend/.env",
            start,
            start + len(old),
            old,
            b"sqlite:////srv/shop/backend/app.db",
            "No longer depends on the folder it is started from.",
            3,
        )
        note = ManualNote(
            "backend/app/agents/prompt_agent.py",
            9,
            "The default db_path still names prompts.db; pass the settings' URL.",
        )
        return Proposal(self.scratch, self.project / MAIN, self.project / "backend/test.db",
                        (FileEdit("backend/.env", "0" * 64, (edit,)),), (note,))  # fmt: skip

    async def configure(self, accepted: Sequence[object]) -> object:
        """As the session."""
        await self._do("configure", Step.CONFIGURE, lambda: f"{len(accepted)} changes")
        return accepted

    async def detect_smoke(self) -> tuple[SmokeCommand, ...]:
        """As the session."""
        return smoke_commands()

    async def smoke(self, commands: Sequence[SmokeCommand]) -> SmokeReport:
        """As the session."""
        self.calls.append("smoke")
        self.tried = tuple(commands)
        report = smoke_report(commands, broken=self.broken)
        for number, found in enumerate(report.results, start=1):
            place = found.command, found.start.folder
            self.emit(SmokeStarted(Step.CONFIGURE, *place, number, len(report.results)))
            self.emit(SmokeOutput(Step.CONFIGURE, found.command, ("[red]14 passed", "\x1b[2Jend")))
            if "smoke" in self.blocking:
                await self.blocking["smoke"].wait()
            self.emit(SmokeEnded(Step.CONFIGURE, *place, found.verdict, found.ok, found.seconds))
        return report

    async def gates(self) -> tuple[Gate, ...]:
        """As the session."""
        self.deletable = (OLD, THIRD)
        return (
            Gate("verified", True),
            Gate("promoted", True),
            Gate("backup", True),
            Gate("target", True, file=MAIN),
            *(
                Gate(name, True, file=path)
                for path in (OLD, THIRD)
                for name in ("unchanged", "not in use")
            ),
            Gate("application", True, "It was not tried, because no command was chosen."),
            *self.closed_gates,
        )

    def confirmation_phrase(self) -> str:
        """As the session."""
        waived = any(gate.waivable for gate in self.closed_gates)
        return "delete 2 files anyway" if waived else "delete 2 files"

    async def clean_up(self, phrase: str) -> object:
        """As the session."""
        assert phrase == self.confirmation_phrase()
        await self._do("clean_up", Step.CLEANUP, lambda: "2 files deleted")
        self.state = machine.with_fact(self.state, machine.Fact.CLEANED)
        return (OLD, THIRD)

    async def write_report(self) -> Path:
        """As the session."""
        assert self.run is not None
        return self.run.path / "report.md"

    async def roll_back(self) -> object:
        """As the session."""
        await self._do("roll_back", Step.ROLLBACK, lambda: "3 files restored")
        self.state = machine.with_fact(self.state, machine.Fact.ROLLED_BACK)
        self.left_over = None
        return RollbackReport((MAIN, OLD), (), (THIRD,), ("kept/app.db",), {"users": 2}, True)
