"""A session in memory with plausible data: the screens are tested against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.cells import cell
from consolidator_tui.domain.discovery import (
    Discovery,
    FoundFile,
)
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import (
    Emit,
    Event,
    Level,
    Message,
    Progress,
    Step,
    StepFinished,
    StepStarted,
    TableMerged,
)
from consolidator_tui.domain.inspection import (
    Inspection,
    Preview,
)
from consolidator_tui.domain.lineage import Offer
from consolidator_tui.domain.manifest import Manifest
from consolidator_tui.domain.merge import (
    DryRun,
    MergePlan,
    MergeResult,
    Question,
)
from consolidator_tui.domain.merge import Reference as MergeReference
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.reference import (
    Reference,
    ReferenceReport,
)
from consolidator_tui.domain.run import RunState
from consolidator_tui.domain.selection import Chosen, Lead, Selection, SpaceEstimate
from consolidator_tui.domain.smoke import (
    SmokeCommand,
)
from consolidator_tui.domain.suggestion import PickedRow, Suggestions
from consolidator_tui.domain.verification import Check, Verification
from consolidator_tui.services.cleanup import Gate
from consolidator_tui.services.plan_document.evidence import Sample
from consolidator_tui.tui.jobs import Job
from tests.tui.fake_after import FakeAfter
from tests.tui.fake_data import (
    HOSTILE,
    MAIN,
    OLD,
    THIRD,
    files,
    inspection,
    manifest,
    plan,
    references,
    result,
)
from tests.tui.fake_plan import FakeExchange, dry_run, look_alikes, weak
from tests.tui.fake_review import FakeReviewing, groups

__all__ = ["HOSTILE", "MAIN", "OLD", "THIRD", "FakeSession", "LeftOver", "hostile", "job"]


@dataclass(frozen=True)
class Run:
    """Name and place of the run."""

    name: str
    path: Path


@dataclass(frozen=True)
class LeftOver:
    """As services/resuming.py has it."""

    step: Step
    name: str = "r1"
    started: str = "2026-01-12 09:41 UTC"
    decided: int = 174
    total: int = 212
    promoted: bool = False
    left: tuple[Step, ...] = ()


class FakeSession(FakeReviewing, FakeExchange, FakeAfter):
    """Does nothing to any file; `failing` maps a method's name to its error.

    The only file that it writes is an `.env` in `scratch`, to have something to compare.
    """

    def __init__(self, project: Path, scratch: Path) -> None:
        self.project = project
        self.scratch = scratch
        self.run: Run | None = None
        self.state = RunState()
        self.discovery: Discovery | None = None
        self.chosen: Chosen | None = None
        self.inspection: Inspection | None = None
        self.manifest: Manifest | None = None
        self.plan: MergePlan | None = None
        self.offer: Offer | None = None
        self.questions: tuple[Question, ...] = ()
        self.result: MergeResult | None = None
        self.verification: Verification | None = None
        self.document = PlanDocument()
        self.listeners: list[Emit] = []
        self.failing: dict[str, Exception] = {}
        self.blocking: dict[str, asyncio.Event] = {}
        self.calls: list[str] = []
        self.files = files()
        self.conflicts = groups(0)
        self.left_over: object = None
        self.finished: object = None
        """The newest run in force."""
        self.references: ReferenceReport | None = None
        self.deletable: tuple[str, ...] = ()
        self.closed_gates: tuple[Gate, ...] = ()
        self.unchanged = False
        self.introduced: list[str | None] = []
        self.broken = False
        """Whether the application fails."""
        self.tried: tuple[SmokeCommand, ...] = ()
        self.look_alikes = look_alikes()
        self.weak = False
        """The plan asks, and has references with weak evidence."""

    async def prepare(self, step: Step) -> None:
        """Do everything before `step`, as an earlier start would have left it."""
        work = {
            Step.DISCOVER: self.discover,
            Step.INSPECT: self.inspect,
            Step.BACKUP: self.back_up,
            Step.MIGRATE: self.migrate,
            Step.VERIFY: self.verify,
            Step.CONFIGURE: lambda: self.configure(()),
        }
        for before, do in work.items():
            if before is step:
                break
            await do()
            if before is Step.DISCOVER:
                await self.select(Selection((MAIN, OLD, THIRD)))
        self.left_over = LeftOver(step)

    @property
    def undecided(self) -> int:
        """Conflicts that nothing has decided."""
        return self.conflicts.open

    @undecided.setter
    def undecided(self, number: int) -> None:
        self.conflicts = groups(number)

    def opener(self) -> Callable[[Path], object]:
        """What the app opens instead of the real session."""

        @asynccontextmanager
        async def open_(_project: Path) -> AsyncIterator[FakeSession]:
            if "open" in self.failing:
                raise self.failing["open"]
            yield self
            self.calls.append("closed")

        return open_

    def add_listener(self, emit: Emit) -> None:
        """As the session."""
        self.listeners.append(emit)

    def emit(self, event: Event) -> None:
        """As the session."""
        for listener in self.listeners:
            listener(event)

    async def _do(self, name: str, step: Step, work: Callable[[], str]) -> None:
        self.calls.append(name)
        self.state = machine.started(self.state, step)
        self.emit(StepStarted(step))
        try:
            if name in self.blocking:
                await self.blocking[name].wait()
            if name in self.failing:
                raise self.failing.pop(name)
            summary = work()
        except (ConsolidatorError, asyncio.CancelledError):
            self.state = machine.failed(self.state, step, name)
            raise
        self.state = machine.finished(self.state, step)
        self.emit(StepFinished(step, 0.4, summary))

    async def unfinished(self) -> object:
        """As the session."""
        return self.left_over

    async def resume(self, name: str, *, undo: bool = False) -> None:
        """As the session."""
        self.calls.append(f"resume {name}")

    async def in_force(self) -> object:
        """As the session."""
        return self.finished

    async def go_back_to(self, name: str) -> None:
        """As the session."""
        self.calls.append(f"go back to {name}")
        self.state = machine.with_fact(RunState(backed_up=True), machine.Fact.PROMOTED)

    async def start_over(self) -> None:
        """As the session."""
        self.calls.append("start_over")
        self.state = RunState()

    async def discover(self, extra_folders: Sequence[Path] = ()) -> Discovery:
        """As the session."""

        def work() -> str:
            self.emit(Message(Step.DISCOVER, Level.WARNING, "uvicorn (4711) has it open", MAIN))
            return f"{len(self.files)} files found"

        await self._do("discover", Step.DISCOVER, work)
        self.discovery = Discovery(self.project, self.files, (), 412, 3)
        return self.discovery

    async def find_references(self) -> ReferenceReport:
        """As the session."""
        self.references = ReferenceReport(self.project, references(self.project), (), 96, 14)
        return self.references

    def explain(self, file: FoundFile) -> tuple[Reference, ...]:
        """As the session."""
        place = self.project / file.path
        return tuple(r for r in references(self.project) if place in r.resolves_to)

    def leads(self, files: Collection[FoundFile]) -> dict[str, Lead]:
        """As the session."""
        return {file.path: Lead(len(self.explain(file))) for file in files}

    async def select(self, selection: Selection) -> Chosen:
        """As the session."""
        if "select" in self.failing:
            raise self.failing.pop("select")
        self.state = machine.invalidate_after(self.state, Step.DISCOVER)
        self.chosen = Chosen(selection.sources, selection.target or MAIN, True)
        return self.chosen

    async def inspect(self) -> Inspection:
        """As the session."""
        await self._do("inspect", Step.INSPECT, lambda: "4 tables in 3 files")
        self.inspection = inspection()
        return self.inspection

    async def preview(self, file: str, table: str, limit: int = 50) -> Preview:
        """As the session."""
        rows = [(1, "ann@ex.com", None), (2, "bob@ex.com", ""), (3, "1", b"\0\1")]
        cells = tuple(tuple(cell(value) for value in row) for row in rows)  # type: ignore[arg-type]
        return Preview(file, table, ("id", "email", "phone"), cells, 42)

    async def space_needed(self) -> SpaceEstimate:
        """As the session."""
        return SpaceEstimate(400_000, 200_000, 20_000_000_000)

    async def back_up(self) -> Manifest:
        """As the session."""

        def work() -> str:
            for path in (MAIN, OLD, THIRD):
                self.emit(Progress(Step.BACKUP, path, 126_976, 126_976, "bytes", "read back"))
            return "3 files, 380,928 bytes, read back and equal"

        self.run = Run("2026-01-12T09-41-00Z", self.project / ".consolidator/runs/r")
        await self._do("back_up", Step.BACKUP, work)
        self.manifest = manifest()
        return self.manifest

    async def make_plan(self) -> MergePlan:
        """As the session."""
        self.calls.append("make_plan")
        made = plan(self.document)
        self.plan, self.questions = weak(made, self.document) if self.weak else (made, ())
        return self.plan

    async def set_document(self, document: PlanDocument, text: str = "") -> None:
        """As the session."""
        self.document = document
        self.plan = None
        self.state = machine.invalidate_after(self.state, Step.BACKUP)

    async def dry_run(self) -> DryRun:
        """As the session."""
        if "dry_run" in self.failing:
            raise self.failing.pop("dry_run")
        return dry_run(self.undecided)

    async def suggestions(self) -> Suggestions:
        """As the session."""
        return self.look_alikes

    async def search_rows(self, table: str, text: str, limit: int = 100) -> tuple[PickedRow, ...]:
        """As the session."""
        return tuple(row for pair in look_alikes().found for row in (pair.first, pair.second))

    async def reference_samples(
        self, reference: MergeReference, limit: int = 4
    ) -> tuple[Sample, ...]:
        """As the session."""
        known = (("3", "ann@ex.com"), ("7", "[red]bob\x1b[2J"), ("12", None))
        return (Sample(MAIN, 61, 61, known), Sample(THIRD, 17, 17, known[:1]))

    async def migrate(self) -> MergeResult:
        """As the session."""
        self.plan = self.plan or await self.make_plan()
        outcome = result(self.conflicts.open)

        def work() -> str:
            for c in outcome.counts:
                self.emit(TableMerged(Step.MIGRATE, c.table, c.source, c.base, c.new, c.duplicate,
                                      c.conflict, c.rekeyed, c.lost, 0.1))  # fmt: skip
            return "4 tables, 69 rows new in the target"

        await self._do("migrate", Step.MIGRATE, work)
        self.result = outcome
        return outcome

    async def verify(self) -> Verification:
        """As the session."""
        await self._do("verify", Step.VERIFY, lambda: "5 checks hold")
        self.state = machine.with_fact(self.state, machine.Fact.PROMOTED)
        chosen = self.chosen
        self.unchanged = chosen is not None and chosen.sources == (chosen.target,)
        self.verification = Verification((
            Check("every row accounted for", "users", True, "82 of 82 rows"),
            Check("values equal", "users", True, "54 rows compared"),
            Check("references keep their entity", "prompts", True, "270 references followed"),
            Check("references keep their entity", "uploads", True, "78 references followed"),
            Check("integrity", "", True, "integrity_check and foreign_key_check are clean"),
        ), 0.8)  # fmt: skip
        return self.verification


def hostile(session: FakeSession) -> None:
    """Give every file a name that a terminal or markup could trip over."""
    bad = tuple(
        replace(files()[1], path=name, reason=name, problem=name, inode=n)
        for n, name in enumerate(HOSTILE)
    )
    session.files = bad


def job() -> Job:
    """A job that is not started."""

    async def run() -> None:
        return None

    return Job(Step.DISCOVER, "Looking for SQLite files", run, lambda _none: None)
