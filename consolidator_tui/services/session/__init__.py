"""One project and its current run: the only door of screens and command line to the services."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.discovery import Discovery
from consolidator_tui.domain.errors import GateClosed, VerificationFailed
from consolidator_tui.domain.event import PhaseTimed, Step
from consolidator_tui.domain.inspection import Inspection, Preview
from consolidator_tui.domain.manifest import FileRecord, Manifest
from consolidator_tui.domain.merge import Ancestor, MergePlan, MergeResult
from consolidator_tui.domain.outcome import Repeated
from consolidator_tui.domain.run import Fact
from consolidator_tui.domain.selection import Chosen, Lead, Selection
from consolidator_tui.domain.verification import Verification
from consolidator_tui.domain.words import plural
from consolidator_tui.services.discover import discover
from consolidator_tui.services.inspect import project as inspecting
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.lazy import load
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.project_folder import require_folder
from consolidator_tui.services.session.aftermath import RECEIPT
from consolidator_tui.services.session.backing_up import BackingUp
from consolidator_tui.services.session.plan_exchange import EDITABLE, PlanExchange
from consolidator_tui.services.session.previewing import Previewing
from consolidator_tui.services.session.selecting import choose
from consolidator_tui.services.session.smoking import Smoking
from consolidator_tui.services.space import refuse_to_migrate
from consolidator_tui.storage.journal_mode import is_wal
from consolidator_tui.storage.run_folder import Clock, utc_now
from consolidator_tui.storage.run_marks import CONFLICTS, UNCHANGED
from consolidator_tui.storage.sqlite import check_sqlite_version
from consolidator_tui.storage.worker import in_thread

# The services of later steps are imported when their step begins: the first screen, and a
# command that only looks, need none of them.


class Session(PlanExchange, Smoking, Previewing, BackingUp):
    """What one project's files have become so far, step by step.

    Steps raise errors of domain/errors.py only.
    """

    @classmethod
    @asynccontextmanager
    async def open(
        cls, project: Path, *, clock: Clock = utc_now, recover: bool = True
    ) -> AsyncIterator[Session]:
        """A session on a project's folder.

        A promotion, clean up or roll back that a dead process left half done is finished or
        undone first, unless `recover` is off: then the project is only looked at.
        Raises UsageError when there is no such folder, LockedError when that process still runs.
        """
        check_sqlite_version()
        absolute = Path(os.path.abspath(project))  # noqa: PTH100 - no link is followed
        await asyncio.to_thread(require_folder, project)
        async with AsyncExitStack() as stack:
            session = cls(absolute, clock, stack)
            try:
                if recover:
                    await session.recover()
                yield session
            finally:
                await session.put_away()

    # Discover

    async def discover(self, extra_folders: Sequence[Path] = ()) -> Discovery:
        """Find the project's files; everything later is then out of date."""
        async with self.step(Step.DISCOVER) as say:
            self.discovery = await discover(self.project, self.emit, extra_folders=extra_folders)
            self.references = None
            count = len(self.discovery.files)
            say(f"{plural(count, 'database')} among {plural(self.discovery.files_checked, 'file')}")
        return self.discovery

    async def select(self, selection: Selection) -> Chosen:
        """Choose sources, target and base; they become part of the plan document.

        Raises UsageError, FileRefused or Refused where that cannot work; nothing is changed then.
        """
        discovery = self.discovery or await self.discover()
        with self.explained("The selection"):
            self.chosen = await choose(discovery, selection, await self._leads(selection))
        self.state = machine.invalidate_after(self.state, Step.DISCOVER)
        self._document = replace(
            self._document,
            target=self.chosen.target,
            base=self.chosen.base,
            sources=self.chosen.sources,
        )
        await self.save_chosen()
        return self.chosen

    async def _leads(self, selection: Selection) -> dict[str, Lead]:
        """What of the application leads to each file, where that matters.

        Reading the application's source takes long, so it is done only to choose a target.
        """
        discovery = self.discovery
        candidates = len(selection.sources or (discovery.preselected if discovery else ()))
        if discovery is None or selection.target is not None or candidates < 2:
            return {}
        await self.find_references()
        return self.leads(discovery.files)

    # Inspect

    async def inspect(self, *, checks: bool = True) -> Inspection:
        """Read the chosen files side by side; `checks` adds counts and integrity checks."""
        chosen = self.need_chosen()
        async with self.step(Step.INSPECT) as say:
            self.inspection = await inspecting.inspect(
                self.project, chosen.sources, self.emit, checks=checks
            )
            say(
                f"{plural(len(self.inspection.matrix), 'table')} in "
                f"{plural(len(chosen.sources), 'file')}"
            )
        return self.inspection

    async def preview(self, file: str, table: str, limit: int = 50) -> Preview:
        """The first rows of a table. Raises KeyError for an unknown file or table."""
        inspection = self.inspection or await self.inspect(checks=False)
        schema = next((found.schema for found in inspection.files if found.path == file), None)
        if schema is None:
            raise KeyError(file)
        return await inspecting.preview(self.project, file, schema, fold(table), limit)

    # Migrate

    def check_document(self) -> None:
        """Check the names in the plan document against the files that were inspected.

        Raises PlanError, before anything is copied.
        """
        files = self.inspection.files if self.inspection else ()
        sources = [Source(n, file.path, "", file.schema, {}) for n, file in enumerate(files)]
        text, name = self._written
        plan_file.validate(self._document, sources, text, name)

    async def make_plan(self) -> MergePlan:
        """The plan of the merge, from the snapshots; `questions` holds what it must ask.

        Raises PlanError when the document names what the sources do not have.
        """
        await load("planning")
        from consolidator_tui.services.planning import make_plan

        run, manifest = self.need_run(), self.need_manifest()
        began = time.monotonic()
        with self.explained("The plan"):
            self.sources = await self._load_sources(manifest)
            text, name = self._written
            plan_file.validate(self._document, self.sources, text, name)
            await self.close_review()
            ancestor = await self._ancestor()
            self.plan, self.questions = await make_plan(
                self.sources,
                replace(self._document, decisions=self.lasting_decisions()),
                self.emit,
                scratch=run.staging,
                ancestor=ancestor,
            )
            await self.adopt_decisions(self.plan)
            self.asked = self.questions
        self.emit(PhaseTimed(Step.MIGRATE, "plan", time.monotonic() - began))
        await self._ask_all()
        await self.flush()
        return self.plan

    async def _ask_all(self, templates: str = "") -> None:
        """Tell the questions, with the plan that was followed and the files it was followed for."""
        if not self.questions:
            await self.ask(())
            return
        made = 0 if self.store is None else await self.store.decisions.count()
        left_out = made if made > EDITABLE else 0
        document = self._document if left_out else await self.full_document()
        if left_out:
            await self.keep_plan()
        chosen = self.need_chosen()
        given = replace(
            document, target=chosen.target, base=chosen.base, sources=tuple(chosen.sources)
        )
        await self.ask(self.questions, templates, given, left_out)

    async def _ancestor(self) -> Ancestor | None:
        """The common past that the plan names, made readable."""
        name = self._document.ancestor
        if name is None:
            return None
        from consolidator_tui.services.ancestor import open_ancestor

        return await open_ancestor(self.need_run(), name, self.sources[0].schema.encoding)

    async def _load_sources(self, manifest: Manifest) -> tuple[Source, ...]:
        """The sources as catalog entries, read from their snapshots; equal bytes only once."""
        from consolidator_tui.services.backup.places import named_path

        run = self.need_run()
        first: dict[str, int] = {}
        sources: list[Source] = []
        for index, path in enumerate(self.need_chosen().sources):
            # Outside the project the manifest has the absolute path.
            record = manifest.files[named_path(run, path)]
            source = await load_source(index, path, run.backup / record.snapshot, record.row_counts)
            same = first.setdefault(record.sha256, index)
            sources.append(
                replace(
                    source,
                    same_as=None if same == index else same,
                    index_damage=record.index_damage,
                )
            )
        base = manifest.files[named_path(run, sources[0].path)].main
        if base is not None and await in_thread(lambda _stop: is_wal(run.backup / base.stored)):
            sources[0] = replace(sources[0], wal=True)
        return tuple(sources)

    async def find_repeated(self) -> Repeated | None:
        """The earlier run that Migrate and Verify would only repeat; to be asked after Back up."""
        from consolidator_tui.services.session.repeating import find_repeated

        chosen, run, manifest = self.need_chosen(), self.need_run(), self.need_manifest()
        self._given = self._document
        if not chosen.target_exists:
            return None
        with self.explained("The earlier runs"):
            return await find_repeated(self.project, run, manifest, self._given)

    async def take_repeated(self, found: Repeated) -> None:
        """Take Migrate and Verify as done as an earlier run did them. The target is not touched."""
        chosen, manifest = self.need_chosen(), self.need_manifest()
        self._refuse_unchecked()
        text = f"{chosen.target} is what run {found.run} made of these files and this plan"
        async with self.step(Step.MIGRATE) as say:
            self.result = MergeResult(found.counts, ())
            say(text)
        async with self.step(Step.VERIFY) as say:
            self.unchanged = True
            await self._record_unchanged(manifest.files[chosen.target])
            await self.save(**{RECEIPT: found.receipt})
            say(text)

    def _refuse_unchecked(self) -> None:
        if not self.need_manifest().checked:
            raise GateClosed("The copies of the files are not checked yet.", todo="Back up again.")

    async def migrate(self) -> MergeResult:
        """Build the staged target. With open questions nothing is staged that may be promoted."""
        await load("merge")
        from consolidator_tui.services.merge import merge

        run = self.need_run()
        plan = self.plan or await self.make_plan()
        async with self.step(Step.MIGRATE) as say:
            if self.asked:
                self.result = MergeResult((), self.asked)
            else:
                manifest = self.need_manifest()
                await in_thread(lambda _stop: refuse_to_migrate(run, manifest))
                async with self.renewed_review(plan):
                    self.result = await merge(
                        plan,
                        self._staging,
                        run.ledger_db,
                        self.emit,
                        self.stored_decisions(),
                        spare=self._spare.set,
                    )
                self.tell_unfollowed(self.result.unfollowed)
                left = sum(counts.undecided for counts in self.result.counts)
                await self.save(**{CONFLICTS: str(left + await self.decisions())})
                await self.keep_plan()
                self.questions = self.result.questions
                await self._ask_all(self.result.templates)
                await self.tell_look_alikes(plan)
            if any(counts.settled or counts.undecided for counts in self.result.counts):
                await self.offer_ancestor()
            new = sum(counts.new for counts in self.result.counts)
            asked = len(self.questions)
            open_ = f", {plural(asked, 'question')}" if asked else ""
            say(
                f"{plural(len(self.result.counts), 'table')}, {plural(new, 'row')} new in the "
                f"target{open_}"
            )
        return self.result

    # Verify

    async def verify(self, *, promote_: bool = True) -> Verification:
        """Prove the staged target, then put it in place (unless `promote_` is off).

        A target that would stay the same is left alone: `unchanged` then is true.
        Raises VerificationFailed when a check fails; target and originals are as they were.
        """
        await load("verify", "promote", "promote.unchanged")
        from consolidator_tui.services.verify import verify

        run, plan = self.need_run(), self.plan
        if plan is None or self.result is None or self.result.needs_decisions:
            raise GateClosed("There is no complete staged target.", todo="Migrate first.")
        self._refuse_unchecked()
        async with self.step(Step.VERIFY) as say:
            made = replace(plan, left_out=self.result.left_out)
            self.verification = await verify(made, self._staging, run.ledger_db, self.emit)
            failed = [check for check in self.verification.checks if not check.ok]
            if failed:
                names = ", ".join(f"{c.name} {c.table}".strip() for c in failed[:3])
                raise VerificationFailed(
                    f"{len(failed)} of {plural(len(self.verification.checks), 'check')} "
                    f"failed: {names}.",
                    todo="The target was not touched. Please report it with the run's log.",
                )
            if promote_:
                await self._promote()
                await self._keep_inputs()
            say(plural(len(self.verification.checks), "check holds", "checks hold"))
        return self.verification

    async def _promote(self) -> None:
        """Put the staged target in place, unless the target already is the same."""
        from consolidator_tui.services.promote import promote
        from consolidator_tui.services.promote.unchanged import is_unchanged

        run, chosen, manifest = self.need_run(), self.need_chosen(), self.need_manifest()
        counts = self.result.counts if self.result else ()
        if chosen.target_exists:
            base = run.backup / manifest.files[chosen.target].snapshot
            if await is_unchanged(self._staging, base, counts):
                self.unchanged = True
                await self._record_unchanged(manifest.files[chosen.target])
                return
        seal = self.verification.seal if self.verification else None
        await promote(run, self._staging, Path(chosen.target), self.emit, seal=seal)
        self.changed = True
        self.state = machine.with_fact(self.state, Fact.PROMOTED)

    async def _keep_inputs(self) -> None:
        """Keep what was merged, so that a run that only repeats this one is known."""
        from consolidator_tui.services.session.repeating import INPUTS, inputs_text

        if self._given is not None and self.result is not None:
            await self.save(**{INPUTS: inputs_text(self._given, self.result.counts)})

    async def _record_unchanged(self, record: FileRecord) -> None:
        """The target that is there is the consolidated one: later steps may build on it."""
        from consolidator_tui.services.promote import PROMOTION

        await self._keep_inputs()
        main = record.main
        assert main is not None
        body = {
            "target": record.path,
            "sha256": main.sha256,
            "size": main.size,
            "row_counts": dict(record.row_counts),
        }
        self.state = machine.with_fact(self.state, Fact.PROMOTED)
        await self.save(**{PROMOTION: json.dumps(body), UNCHANGED: "yes"})

    @property
    def _staging(self) -> Path:
        return self.need_run().staging / "target.db"
