"""The part of a session that tries the application on a disposable copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.discovery import Role
from consolidator_tui.domain.errors import GateClosed, UsageError
from consolidator_tui.domain.event import Emit, Event, Level, Step, ignore
from consolidator_tui.domain.smoke import STORED, SmokeCommand, SmokeReport
from consolidator_tui.services.session.aftermath import Aftermath

if TYPE_CHECKING:
    from consolidator_tui.services.smoke import Knowledge


class Smoking(Aftermath):
    """Smoke commands: detected, edited by the person, run, and their result kept in the run."""

    def reset(self) -> None:
        """Forget everything, the last smoke run as well."""
        super().reset()
        self.smoke_report: SmokeReport | None = None
        """What the last smoke run came to; None when the configuration changed since."""

    async def detect_smoke(self) -> tuple[SmokeCommand, ...]:
        """The commands that the project offers; each field may be edited before `smoke`."""
        from consolidator_tui.services.smoke import detect

        with self.explained("Looking for commands"):
            return await detect(self.project)

    async def smoke_commands(self, texts: Sequence[str]) -> tuple[SmokeCommand, ...]:
        """What `--smoke TEXT` means, for each text; that `auto` finds nothing is told.

        Raises UsageError for an empty one.
        """
        from consolidator_tui.services.smoke import from_text

        detected = await self.detect_smoke()
        found: list[SmokeCommand] = []
        for text in texts:
            if not text.strip():
                raise UsageError("--smoke names no command.", todo="Name one, as in a shell.")
            commands = from_text(text, self.project, detected)
            if not commands:
                self.log.say(
                    Step.CONFIGURE,
                    Level.WARNING,
                    "No command of the application was found to try it with.",
                    fix="--smoke 'COMMAND'",
                )
            found += commands
        return tuple(found)

    async def smoke(
        self, commands: Sequence[SmokeCommand], emit: Emit | None = None
    ) -> SmokeReport:
        """Run commands on a disposable copy with the unified database and without the old files.

        A failing application is no exception: the report says so, and Clean up's gate is closed.
        Events go to the session's listeners, and to `emit`; the application's output is in
        `SmokeOutput` and in the report's tails only, never in the run's database.
        Raises GateClosed (the target is not in place yet), DiskFull, FileRefused.
        """
        from consolidator_tui.services.smoke import Ground, smoke

        allowed, reason = machine.may(self.state, Step.CONFIGURE)
        if not allowed:
            raise GateClosed(reason)
        run, chosen = self.need_run(), self.need_chosen()

        def told(event: Event) -> None:
            self.emit(event)
            if emit is not None:
                emit(event)

        with self.explained("The smoke run"):
            ground = Ground(
                project=self.project,
                target=chosen.target,
                sources=chosen.sources,
                knowledge=await self._knowledge(),
                run=run.path,
            )
            report = await smoke(ground, commands, told)
        self.smoke_report = report
        await self.save(**{STORED: json.dumps(report.as_object())})
        return report

    async def configure(self, accepted: Sequence[tuple[str, int]]) -> tuple[Path, ...]:
        """As in Aftermath; what was tried before the change counts no more."""
        written = await super().configure(accepted)
        if written:
            self.smoke_report = None
            await self.save(**{STORED: ""})
        return written

    async def _knowledge(self) -> Knowledge:
        from consolidator_tui.services.discover import discover
        from consolidator_tui.services.smoke import Knowledge

        found = self.discovery or await discover(self.project, ignore)
        if self.discovery is None:
            self.discovery = found
        report = await self.find_references()
        tests = frozenset(file.path for file in found.files if file.role is Role.TEST)
        return Knowledge(report.references, tests)
