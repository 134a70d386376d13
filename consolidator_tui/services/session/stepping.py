"""The run behind a session: its folder, lock and database, and one way to do a step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.catalog import Source
from consolidator_tui.domain.discovery import Discovery
from consolidator_tui.domain.errors import Cancelled, ConsolidatorError, GateClosed
from consolidator_tui.domain.event import Emit, Level, Step, StepFailed, StepFinished, StepStarted
from consolidator_tui.domain.inspection import Inspection
from consolidator_tui.domain.manifest import Manifest
from consolidator_tui.domain.merge import MergePlan, MergeResult, Question
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.run import RunState
from consolidator_tui.domain.selection import Chosen
from consolidator_tui.domain.verification import Verification
from consolidator_tui.services.failure import translate
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.question_file import (
    QUESTIONS,
    made_elsewhere,
    questions_text,
    without_values,
)
from consolidator_tui.services.session.event_log import EventLog
from consolidator_tui.storage.atomic import PRIVATE_FILE, write_atomically
from consolidator_tui.storage.lock import project_lock
from consolidator_tui.storage.run_db import RunStore, open_run_store
from consolidator_tui.storage.run_folder import Clock, RunFolder
from consolidator_tui.storage.worker import in_thread

if TYPE_CHECKING:
    from consolidator_tui.domain.lineage import Offer
    from consolidator_tui.domain.reference import Proposal, ReferenceReport
    from consolidator_tui.services.references import Leftover
    from consolidator_tui.services.references.find import Fingerprint

Say = Callable[[str], None]
"""Takes the sentence that sums a step up."""


class Stepping:
    """What the steps of one project came to so far; a run exists from Back up on."""

    def __init__(self, project: Path, clock: Clock, stack: AsyncExitStack) -> None:
        self.project = project
        self.log = EventLog()
        self._clock = clock
        self._stack = stack
        self._locked = False
        self._spare = asyncio.Event()
        """Set when a merge keeps one processor busy, not two: only its last table is left."""
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next step starts anew, in a run of its own."""
        self.run: RunFolder | None = None
        self.state = RunState()
        self.store: RunStore | None = None
        self.discovery: Discovery | None = None
        self.references: ReferenceReport | None = None
        self.chosen: Chosen | None = None
        self.inspection: Inspection | None = None
        self.manifest: Manifest | None = None
        self.sources: tuple[Source, ...] = ()
        self.plan: MergePlan | None = None
        self.merged: MergePlan | None = None
        """The plan of the last merge, whose conflicts the ledger holds."""
        self.questions: tuple[Question, ...] = ()
        """What must be decided before anything is written, from the last plan or merge."""
        self.asked: tuple[Question, ...] = ()
        """What the plan itself asks."""
        self.result: MergeResult | None = None
        self.offer: Offer | None = None
        """A common ancestor that was found and is not in the plan."""
        self.verification: Verification | None = None
        self.changed = False
        """Whether the target was replaced."""
        self.unchanged = False
        """Whether it was not because it already was the same."""
        self.proposal: Proposal | None = None
        self.edited: tuple[str, ...] = ()
        """The application's files that were written, relative to the project."""
        self.report_place = ""
        """Path of the receipt as last written."""
        self.deletable: tuple[str, ...] = ()
        """The sources that clean up would delete, as last looked at."""
        self.leftovers: tuple[Leftover, ...] = ()
        """What still names them, as last looked at."""
        self.looked: Fingerprint | None = None
        """The application's source as it was when `leftovers` were found in it."""
        self._document = PlanDocument()
        self._given: PlanDocument | None = None
        """The plan document as it was when the files were backed up, of a run without a person."""
        self._written = ("", "plan.toml")

    @property
    def document(self) -> PlanDocument:
        """The plan document as it is now."""
        return self._document

    @property
    def emit(self) -> Emit:
        """Takes events of this session."""
        return self.log.emit

    def add_listener(self, emit: Emit) -> None:
        """Hand every later event to `emit` as well, and what was told while it was opened."""
        self.log.add_listener(emit)

    async def flush(self) -> None:
        """Write waiting events into the run's database."""
        if self.store is not None:
            await self.log.store(self.store)

    async def put_away(self) -> None:
        """Drop what was staged, which is built anew when needed, and keep waiting events."""
        if self.run is not None:
            staging = self.run.staging
            await in_thread(lambda _stop: _empty(staging))
        await self.flush()

    async def save(self, **documents: str) -> None:
        """Keep the state, the waiting events and the documents in the run's database."""
        if self.store is not None:
            await self.store.save_state(self.state)
            for name, text in documents.items():
                await self.store.put(name, text)
            await self.log.store(self.store)

    def lock(self) -> None:
        """Hold the project until the session ends. Raises LockedError, FileRefused."""
        if not self._locked:
            self._stack.enter_context(project_lock(self.project, self._clock))
            self._locked = True

    async def start_run(self) -> RunFolder:
        """The run's folder, made now (with lock and database) when there is none yet.

        Raises LockedError when the project is being worked on, FileRefused, DiskFull.
        """
        if self.run is None:
            self.lock()
            folder = await asyncio.to_thread(RunFolder.create, self.project, self._clock)
            await self.use_run(folder)
        assert self.run is not None
        return self.run

    async def use_run(self, folder: RunFolder) -> None:
        """Work on an existing run from here on; the state in memory is kept there."""
        self.store = await self._stack.enter_async_context(open_run_store(folder, self._clock))
        self.run = folder

    @asynccontextmanager
    async def step(self, step: Step) -> AsyncIterator[Say]:
        """One step of the run: checked against the state machine, timed, told, kept.

        Yields a function that takes the step's summary. Foreign errors leave it as
        ConsolidatorError. Raises GateClosed when the step may not start.
        """
        self.state = machine.started(self.state, step)
        await self.save()
        self.emit(StepStarted(step))
        began = time.monotonic()
        summary = ""

        def say(text: str) -> None:
            nonlocal summary
            summary = text

        try:
            with self.explained(machine.step_name(step)):
                yield say
        except (ConsolidatorError, asyncio.CancelledError) as error:
            await self._fail(step, error)
            raise
        self.state = machine.finished(self.state, step)
        self.emit(StepFinished(step, time.monotonic() - began, summary))
        await self.save()

    async def _fail(self, step: Step, error: BaseException) -> None:
        told = error if isinstance(error, ConsolidatorError) else Cancelled("It was stopped.")
        self.state = machine.failed(self.state, step, told.sentence)
        self.emit(StepFailed(step, told.title, told.sentence, told.todo))
        try:
            await self.save()
        except ConsolidatorError as second:
            # A full disk is told once, and as what it did to the step.
            error.add_note(f"The run's state could not be kept: {second}")

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn whatever is raised inside into ConsolidatorError; the log goes to the run."""
        try:
            yield
        except ConsolidatorError:
            raise
        except Exception as error:
            folder = None if self.run is None else self.run.path
            raise translate(error, what, folder) from error

    async def save_plan(self) -> None:
        """Keep the plan document in the run's database."""
        await self.save(plan=plan_file.dumps(self._document))

    def need_chosen(self) -> Chosen:
        """The selection. Raises GateClosed without one."""
        if self.chosen is None:
            raise GateClosed("No files are chosen yet.", todo="Choose sources and a target.")
        return self.chosen

    def need_run(self) -> RunFolder:
        """The run's folder. Raises GateClosed without one."""
        if self.run is None:
            raise GateClosed("No run has begun yet.", todo="Back up first.")
        return self.run

    def need_manifest(self) -> Manifest:
        """The backup's manifest. Raises GateClosed without one."""
        if self.manifest is None:
            raise GateClosed("There is no backup yet.", todo="Back up first.")
        return self.manifest

    async def ask(
        self,
        questions: Sequence[Question],
        templates: str = "",
        given: PlanDocument | None = None,
        left_out: int = 0,
    ) -> None:
        """Tell what must be decided; plan lines that hold row values go to a private file only.

        `templates` are decisions to fill in, as TOML. `given` is the plan that was followed so
        far: with it the private file is a plan for the same files. `left_out` decisions that were
        made are not in it.
        """
        path = self.need_run().path / QUESTIONS
        if not questions:
            with self.explained("The questions of before"):
                await asyncio.to_thread(path.unlink, missing_ok=True)
            return
        text = await asyncio.to_thread(questions_text, questions, given, left_out)
        data = (text + templates).encode("utf-8", "replace")
        await asyncio.to_thread(write_atomically, path, data, mode=PRIVATE_FILE)
        for question in questions:
            self.log.say(
                Step.MIGRATE,
                Level.QUESTION,
                question.text,
                table=question.table,
                column=question.column,
                file=question.file,
                fix=without_values(question.fix, path),
            )
        if left_out:
            text = f"{made_elsewhere(left_out)} Put the answers at the end of that plan: {path}."
            self.log.say(Step.MIGRATE, Level.WARNING, text)
        if templates:
            text = f"Decisions to fill in, one for each open conflict, are in {path}."
            self.log.say(Step.MIGRATE, Level.INFO, text)


def _empty(folder: Path) -> None:
    """Delete the files of a folder. Blocking."""
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
