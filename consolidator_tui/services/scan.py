"""Looking without a run: the files of a project side by side, and the automatic plan."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consolidator_tui.domain.catalog import Source
from consolidator_tui.domain.discovery import Discovery
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Emit, Level, Step
from consolidator_tui.domain.inspection import FileInspection, Inspection
from consolidator_tui.domain.manifest import Role
from consolidator_tui.domain.selection import Chosen, Selection
from consolidator_tui.services.cleanup.originals import StayingName, names_that_stay
from consolidator_tui.services.discover import open_unchanged
from consolidator_tui.services.inspect.kinship import find_lineage
from consolidator_tui.services.inspect.matrix import build_matrix
from consolidator_tui.services.inspect.project import inspect_file, tell_findings
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.merge.dry_run import dry_run
from consolidator_tui.services.plan_document.draft import explained_plan
from consolidator_tui.services.planning import make_plan
from consolidator_tui.services.session import Session
from consolidator_tui.services.suggest import suggest
from consolidator_tui.storage.sqlite import explain


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look at a project found."""

    discovery: Discovery
    inspection: Inspection | None
    """None where no file is preselected."""

    def as_object(self) -> dict[str, Any]:
        """The closing object of `scan --json`."""
        matrix = self.inspection.matrix if self.inspection else ()
        files = self.inspection.files if self.inspection else ()
        return {
            "outcome": "scanned",
            "files": [
                {
                    "path": file.path,
                    "size": file.size,
                    "kind": file.kind,
                    "role": file.role,
                    "reason": file.reason,
                    "preselected": file.preselected,
                    "rows": file.rows,
                    "problem": file.problem,
                }
                for file in self.discovery.files
            ],
            "tables": {
                row.table: {"state": row.state, "states": row.states, "rows": row.rows}
                for row in matrix
            },
            "lineage": [
                {
                    "table": seen.table,
                    "files": [seen.first, seen.second],
                    "lineage": seen.lineage,
                    "shared": seen.shared,
                    "agreeing": seen.agreeing,
                }
                for seen in (self.inspection.lineage if self.inspection else ())
            ],
            "integrity": {file.path: file.integrity for file in files},
            "files_checked": self.discovery.files_checked,
            "folders_skipped": self.discovery.folders_skipped,
        }


async def scan(project: Path, emit: Emit) -> Scan:
    """Discover and inspect; nothing is written, and a file that cannot be read is told.

    Raises UsageError for a folder that is missing.
    """
    async with Session.open(project, recover=False) as session:
        session.add_listener(emit)
        discovery = await session.discover()
        files: list[FileInspection] = []
        for file in discovery.preselected:
            try:
                files.append(await inspect_file(session.project, file.path, checks=True))
            except ConsolidatorError as error:
                session.log.say(Step.INSPECT, Level.WARNING, error.sentence, file=file.path)
        if not files:
            return Scan(discovery, None)
        for found in files:
            tell_findings(found, session.emit)
        lineage = await find_lineage(session.project, files, session.emit)
        return Scan(discovery, Inspection(tuple(files), build_matrix(files), lineage))


async def draft_plan(
    project: Path, target: str | None, sources: tuple[str, ...], emit: Emit
) -> str:
    """The automatic plan as TOML, with the evidence and open questions as comments.

    Reads copies in a temporary folder; the project is not written to.
    """
    async with Session.open(project, recover=False) as session:
        session.add_listener(emit)
        discovery = await session.discover()
        chosen = await session.select(Selection(sources=sources, target=target))
        staying = await asyncio.to_thread(_staying, discovery, chosen)
        with tempfile.TemporaryDirectory(prefix="consolidator-plan-") as folder:
            scratch = Path(folder)
            copies: list[Source] = []
            for index, path in enumerate(chosen.sources):
                try:
                    copy = await _copy(session.project, path, scratch / f"{index}.db")
                    copies.append(await load_source(index, path, copy))
                except sqlite3.Error as error:
                    raise explain(error, path) from error
            plan, questions = await make_plan(
                copies, session.document, session.emit, scratch=scratch
            )
            if questions:
                # Rows cannot be matched yet: what may depend on it is asked as well.
                pending = (item.question for item in plan.pending)
                return explained_plan(plan, (*questions, *pending), staying=staying)
            dry = await dry_run(plan, scratch / "maps.db", session.emit)
            alike = await suggest(plan, scratch / "maps.db", plan.document.not_same, session.emit)
            return explained_plan(plan, dry.questions, dry, alike, staying)


def _staying(discovery: Discovery, chosen: Chosen) -> list[StayingName]:
    """Other names of the chosen files that Clean up would keep. Blocking."""
    found: list[StayingName] = []
    for path in chosen.sources:
        names = next(
            (n for f in discovery.files if path in (n := (f.path, *f.other_names))), (path,)
        )
        hard = [n for n in names if n != path and not (discovery.project / n).is_symlink()]
        role = Role.TARGET if path == chosen.target else Role.SOURCE
        found += names_that_stay(path, role, hard)
    return found


async def _copy(project: Path, path: str, copy: Path) -> Path:
    """A consistent copy of a database, as compact as SQLite makes it."""
    original = Path(os.path.join(project, path))  # noqa: PTH118 - keeps `..` as it is written
    async with open_unchanged(original) as database:
        await database.copy_into(copy)
    return copy
