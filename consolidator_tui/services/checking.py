"""Checking a run again, long after it: its backup byte by byte, and what became of its target."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consolidator_tui.domain.errors import ConsolidatorError, UsageError
from consolidator_tui.domain.event import Emit, Step
from consolidator_tui.domain.manifest import Manifest, Role
from consolidator_tui.domain.run import RunState
from consolidator_tui.domain.verification import Check
from consolidator_tui.services.backup import load_manifest, verify_backup
from consolidator_tui.services.discover import open_unchanged
from consolidator_tui.services.failure import translate
from consolidator_tui.services.project_folder import require_folder
from consolidator_tui.services.promote import Promotion, load_promotion
from consolidator_tui.storage.family import LOGS
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs
from consolidator_tui.storage.sqlite import quote
from consolidator_tui.storage.worker import in_thread

REPORT = "report.md"


@dataclass(frozen=True, slots=True)
class RunCheck:
    """What checking a run again came to."""

    run: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    def as_object(self) -> dict[str, Any]:
        """The closing object of `verify --json`."""
        return {
            "outcome": "verified" if self.ok else "failed",
            "run": self.run,
            "checks": [
                {"name": c.name, "file": c.table, "ok": c.ok, "detail": c.detail}
                for c in self.checks
            ],
        }


def find_run(project: Path, name: str | None) -> RunFolder:
    """The run of that name, else the newest. Blocking. Raises UsageError when there is none."""
    require_folder(project)
    if name is not None:
        return RunFolder.open(project, name)
    runs = list_runs(project)
    if not runs:
        raise UsageError(
            f"There is no run in {project} yet.", todo="Start one with `consolidator-tui run`."
        )
    return runs[-1]


async def check_run(project: Path, name: str | None, emit: Emit) -> RunCheck:
    """Hash the whole backup of a run, and compare the target with what was put there.

    Nothing is changed. Raises UsageError when there is no such run.
    """
    run = await asyncio.to_thread(find_run, project, name)
    backup = await _check_backup(run, emit)
    if not backup.ok:
        return RunCheck(run.name, (backup,))
    manifest = await load_manifest(run)
    async with open_run_store(run) as store:
        state, promotion = await store.load_state(), await load_promotion(store)
    checks = [backup]
    if promotion is not None and not state.rolled_back:
        checks += await _check_target(run, promotion)
    checks += await _check_originals(run, manifest, state)
    return RunCheck(run.name, tuple(checks))


async def _check_backup(run: RunFolder, emit: Emit) -> Check:
    try:
        await verify_backup(run, emit, Step.VERIFY)
    except ConsolidatorError as error:
        return Check("backup", "", ok=False, detail=error.sentence)
    return Check("backup", "", ok=True, detail="every file has the bytes that were copied")


async def _check_target(run: RunFolder, promotion: Promotion) -> list[Check]:
    """The target is there, sound, and holds at least the rows that were put there."""
    path = run.resolve(promotion.target)
    found = await in_thread(lambda stop: hash_file(path, promotion.target, stop))
    if found is None:
        return [Check("target", promotion.target, ok=False, detail="it is not there any more")]
    if found == (promotion.size, promotion.sha256) and not await in_thread(
        lambda _stop: _has_log(path)
    ):
        return [Check("target", promotion.target, ok=True, detail="the bytes that were verified")]
    try:
        async with open_unchanged(path) as database:
            integrity = [row[0] for row in await database.rows("PRAGMA integrity_check(1)")]
            fewer: list[str] = []
            for table, rows in promotion.row_counts.items():
                now = await database.value(f"SELECT count(*) FROM {quote(table)}")
                if int(now or 0) < rows:
                    fewer.append(f"{table} ({rows - int(now or 0):,} fewer)")
    except (sqlite3.Error, OSError, ConsolidatorError) as error:
        sentence = translate(error, promotion.target).sentence
        return [Check("target", promotion.target, ok=False, detail=sentence)]
    sound = integrity == ["ok"]
    detail = "written to since it was put in place"
    if not sound:
        detail += f"; integrity_check: {integrity[0]}"
    if fewer:
        detail += f"; it has fewer rows than then: {', '.join(fewer)}"
    return [Check("target", promotion.target, ok=sound, detail=detail)]


def _has_log(path: Path) -> bool:
    """Whether something may wait beside a database: its bytes then are not all of it. Blocking."""
    logs = (sidecar(path, suffix) for suffix in LOGS)
    return any(log.exists() and log.stat().st_size for log in logs)


async def _check_originals(run: RunFolder, manifest: Manifest, state: RunState) -> list[Check]:
    checks: list[Check] = []
    target = manifest.target
    for record in manifest.files.values():
        if record.main is None or record is target:
            continue
        main = record.main
        look: Callable[..., Any] = lambda stop, r=record: hash_file(  # noqa: E731
            run.resolve(r.real), r.path, stop
        )
        found = await in_thread(look)
        if found is None:
            detail = "deleted by clean up" if state.cleaned else "it is not there any more"
        else:
            same = found == (main.size, main.sha256)
            detail = "as it was backed up" if same else "changed since its backup"
        kind = "configuration" if record.role is Role.CONFIG else "original"
        checks.append(Check(kind, record.path, ok=True, detail=detail))
    return checks


async def read_report(project: Path, name: str | None) -> tuple[Path, str]:
    """A run's receipt: where it is, and its Markdown. Raises UsageError when there is none."""

    def read() -> tuple[Path, str]:
        run = find_run(project, name)
        path = run.path / REPORT
        try:
            return path, path.read_text("utf-8", "backslashreplace")
        except FileNotFoundError:
            raise UsageError(
                f"Run {run.name} has no receipt: it did not get that far.",
                todo="`consolidator-tui runs PROJECT` lists the runs.",
            ) from None

    return await asyncio.to_thread(read)
