"""One project and its current run: the only door of screens and command line to the services."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.discovery import Discovery, FoundFile
from consolidator_tui.domain.errors import GateClosed, UsageError, VerificationFailed
from consolidator_tui.domain.event import PhaseTimed, Step
from consolidator_tui.domain.inspection import Inspection, Preview
from consolidator_tui.domain.manifest import Manifest
from consolidator_tui.domain.merge import MergePlan, MergeResult
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.selection import Chosen, Selection
from consolidator_tui.domain.verification import Verification
from consolidator_tui.services import plan_file
from consolidator_tui.services.aftermath import Aftermath
from consolidator_tui.services.discover import discover
from consolidator_tui.services.inspect import project as inspecting
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.resuming import Resuming
from consolidator_tui.services.selecting import choose
from consolidator_tui.storage.run_folder import Clock, utc_now
from consolidator_tui.storage.sqlite import check_sqlite_version

if TYPE_CHECKING:
    from consolidator_tui.domain.reference import Reference, ReferenceReport

# The services of later steps are imported when their step begins: the first screen, and a
# command that only looks, need none of them.


class Session(Resuming, Aftermath):
    """What one project's files have become so far, step by step.

    Steps raise errors of domain/errors.py only.
    """

    @classmethod
    @asynccontextmanager
    async def open(cls, project: Path, *, clock: Clock = utc_now) -> AsyncIterator[Session]:
        """A session on a project's folder. Raises UsageError when there is no such folder."""
        check_sqlite_version()
        absolute = Path(os.path.abspath(project))  # noqa: PTH100 - no link is followed
        if not await asyncio.to_thread(absolute.is_dir):
            raise UsageError(f"There is no folder {project}.", todo="Name a project's folder.")
        async with AsyncExitStack() as stack:
            session = cls(absolute, clock, stack)
            try:
                yield session
            finally:
                await session.flush()

    # Discover

    async def discover(self, extra_folders: Sequence[Path] = ()) -> Discovery:
        """Find the project's files; everything later is then out of date."""
        async with self.step(Step.DISCOVER) as say:
            self.discovery = await discover(self.project, self.emit, extra_folders=extra_folders)
            self.references = None
            count = len(self.discovery.files)
            say(f"{count} databases among {self.discovery.files_checked:,} files")
        return self.discovery

    async def select(self, selection: Selection) -> Chosen:
        """Choose sources, target and base; they become part of the plan document.

        Raises UsageError, FileRefused or Refused where that cannot work; nothing is changed then.
        """
        discovery = self.discovery or await self.discover()
        with self.explained("The selection"):
            self.chosen = await choose(discovery, selection, await self._uses(selection))
        self.state = machine.invalidate_after(self.state, Step.DISCOVER)
        self._document = replace(
            self._document,
            target=self.chosen.target,
            base=self.chosen.base,
            sources=self.chosen.sources,
        )
        await self.save_chosen()
        return self.chosen

    async def _uses(self, selection: Selection) -> dict[str, int]:
        """How many references of the application lead to each file, where that matters.

        Reading the application's source takes long, so it is done only to choose a target.
        """
        discovery = self.discovery
        candidates = len(selection.sources or (discovery.preselected if discovery else ()))
        if discovery is None or selection.target is not None or candidates < 2:
            return {}
        await self.find_references()
        return {
            file.path: sum(not reference.in_tests for reference in self.explain(file))
            for file in discovery.files
        }

    async def find_references(self) -> ReferenceReport:
        """Everything in the project's text that names an SQLite file; read once."""
        from consolidator_tui.services import references

        if self.references is None:
            with self.explained("Looking for references"):
                self.references = await references.find_references(
                    self.project, self.emit, databases=self._database_paths()
                )
        return self.references

    def explain(self, file: FoundFile) -> tuple[Reference, ...]:
        """Why a file exists: the references that lead to it. Empty before they were found."""
        from consolidator_tui.services import references

        if self.references is None:
            return ()
        return tuple(references.explain(self.references, self.project / file.path))

    def _database_paths(self) -> list[Path]:
        files = self.discovery.files if self.discovery else ()
        return [self.project / file.path for file in files]

    # Inspect

    async def inspect(self, *, checks: bool = True) -> Inspection:
        """Read the chosen files side by side; `checks` adds counts and integrity checks."""
        chosen = self.need_chosen()
        async with self.step(Step.INSPECT) as say:
            self.inspection = await inspecting.inspect(
                self.project, chosen.sources, self.emit, checks=checks
            )
            say(f"{len(self.inspection.matrix)} tables in {len(chosen.sources)} files")
        return self.inspection

    async def preview(self, file: str, table: str, limit: int = 50) -> Preview:
        """The first rows of a table. Raises KeyError for an unknown file or table."""
        inspection = self.inspection or await self.inspect(checks=False)
        schema = next((found.schema for found in inspection.files if found.path == file), None)
        if schema is None:
            raise KeyError(file)
        return await inspecting.preview(self.project, file, schema, fold(table), limit)

    # Back up

    async def back_up(self) -> Manifest:
        """Start the run (folder, lock, database) and copy every file that it may change."""
        from consolidator_tui.services.backup import back_up

        chosen = self.need_chosen()
        run = await self.start_run()
        async with self.step(Step.BACKUP) as say:
            self.manifest = await back_up(
                run, chosen.sources, target=chosen.target, emit=self.emit, clock=self._clock
            )
            size = sum(record.size for record in self.manifest.files.values())
            say(f"{len(self.manifest.files)} files, {size:,} bytes, read back and equal")
        await self.save_chosen()
        return self.manifest

    # Migrate

    async def set_document(
        self, document: PlanDocument, text: str = "", name: str = "plan.toml"
    ) -> None:
        """Replace the plan document; `text` is what it was read from, for lines in errors.

        Raises PlanError when it names what the sources do not have (known from Back up on).
        """
        if self.sources:
            plan_file.validate(document, self.sources, text, name)
        self._document, self._written = document, (text, name)
        self.plan = None
        self.state = machine.invalidate_after(self.state, Step.BACKUP)
        await self.save_plan()

    async def make_plan(self) -> MergePlan:
        """The plan of the merge, from the snapshots; `questions` holds what it must ask.

        Raises PlanError when the document names what the sources do not have.
        """
        from consolidator_tui.services.planning import make_plan

        run, manifest = self.need_run(), self.need_manifest()
        began = time.monotonic()
        with self.explained("The plan"):
            self.sources = await self._load_sources(manifest)
            text, name = self._written
            plan_file.validate(self._document, self.sources, text, name)
            self.plan, self.questions = await make_plan(
                self.sources, self._document, self.emit, scratch=run.staging
            )
        self.emit(PhaseTimed(Step.MIGRATE, "plan", time.monotonic() - began))
        await self.ask(self.questions)
        await self.flush()
        return self.plan

    async def _load_sources(self, manifest: Manifest) -> tuple[Source, ...]:
        """The sources as catalog entries, read from their snapshots; equal bytes only once."""
        run = self.need_run()
        first: dict[str, int] = {}
        sources: list[Source] = []
        for index, path in enumerate(self.need_chosen().sources):
            record = manifest.files[path]
            source = await load_source(index, path, run.backup / record.snapshot, record.row_counts)
            same = first.setdefault(record.sha256, index)
            sources.append(replace(source, same_as=None if same == index else same))
        return tuple(sources)

    async def migrate(self) -> MergeResult:
        """Build the staged target. With open questions nothing is staged that may be promoted."""
        from consolidator_tui.services.merge import merge

        run = self.need_run()
        plan = self.plan or await self.make_plan()
        async with self.step(Step.MIGRATE) as say:
            if self.questions:
                self.result = MergeResult((), self.questions)
            else:
                self.result = await merge(plan, self._staging, run.ledger_db, self.emit)
                self.questions = self.result.questions
                await self.ask(self.questions, self.result.templates)
            new = sum(counts.new for counts in self.result.counts)
            open_ = f", {len(self.questions)} questions" if self.questions else ""
            say(f"{len(self.result.counts)} tables, {new:,} rows new in the target{open_}")
        return self.result

    # Verify

    async def verify(self, *, promote_: bool = True) -> Verification:
        """Prove the staged target, then put it in place (unless `promote_` is off).

        A target that would stay the same is left alone: `unchanged` then is true.
        Raises VerificationFailed when a check fails; target and originals are as they were.
        """
        from consolidator_tui.services.verify import verify

        run, plan = self.need_run(), self.plan
        if plan is None or self.result is None or self.result.needs_decisions:
            raise GateClosed("There is no complete staged target.", todo="Migrate first.")
        async with self.step(Step.VERIFY) as say:
            self.verification = await verify(plan, self._staging, run.ledger_db, self.emit)
            failed = [check for check in self.verification.checks if not check.ok]
            if failed:
                names = ", ".join(f"{check.table} ({check.name})" for check in failed[:3])
                raise VerificationFailed(
                    f"{len(failed)} of {len(self.verification.checks)} checks failed: {names}.",
                    todo="The target was not touched. Please report it with the run's log.",
                )
            if promote_:
                await self._promote()
            say(f"{len(self.verification.checks)} checks hold")
        return self.verification

    async def _promote(self) -> None:
        """Put the staged target in place, unless the target already is the same."""
        from consolidator_tui.services.promote import promote
        from consolidator_tui.services.unchanged import is_unchanged

        run, chosen, manifest = self.need_run(), self.need_chosen(), self.need_manifest()
        counts = self.result.counts if self.result else ()
        if chosen.target_exists:
            base = run.backup / manifest.files[chosen.target].snapshot
            if await is_unchanged(self._staging, base, counts):
                self.unchanged = True
                return
        await promote(run, self._staging, Path(chosen.target), self.emit)
        self.changed = True
        self.state = machine.with_fact(self.state, machine.Fact.PROMOTED)

    @property
    def _staging(self) -> Path:
        return self.need_run().staging / "target.db"
