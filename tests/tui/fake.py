"""A session in memory with plausible data: the screens are tested against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.catalog import (
    Affinity,
    Column,
    Schema,
    SchemaObject,
    Source,
    Table,
    TableKind,
)
from consolidator_tui.domain.cells import cell
from consolidator_tui.domain.discovery import (
    Discovery,
    FileKind,
    FoundFile,
    Holder,
    Role,
    Sidecar,
    TableSummary,
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
    ColumnChange,
    ColumnDiff,
    FileInspection,
    Inspection,
    Lineage,
    LineageEvidence,
    MatrixRow,
    Preview,
    SharedKey,
    TableState,
)
from consolidator_tui.domain.manifest import FileRecord, FileStat, Manifest, Part
from consolidator_tui.domain.manifest import Role as FileRole
from consolidator_tui.domain.merge import (
    Identity,
    IdentityKind,
    MergePlan,
    MergeResult,
    MergeTable,
    Question,
    TableCounts,
    TargetColumn,
)
from consolidator_tui.domain.merge import Reference as Followed
from consolidator_tui.domain.plan import PlanDocument, Rule
from consolidator_tui.domain.reference import (
    Anchor,
    Edit,
    FileEdit,
    Form,
    ManualNote,
    Proposal,
    Reference,
    ReferenceReport,
)
from consolidator_tui.domain.run import RunState
from consolidator_tui.domain.selection import Chosen, Selection, SpaceEstimate
from consolidator_tui.domain.verification import Check, Verification
from consolidator_tui.services.cleanup import Gate
from consolidator_tui.services.rollback import RollbackReport
from consolidator_tui.tui.jobs import Job

MAIN, OLD, THIRD = "backend/app.db", "backend/prompts.db", "backend/data/app.db"
HOSTILE = ("[red]x", "[/tmp]", "a\x1b[31m\nb.db", "x" * 10_000, "caf\udce9.db", "{$x} [@click=a]")


def _file(path: str, role: Role, reason: str, **more: object) -> FoundFile:
    values: dict[str, object] = {
        "size": 69_632,
        "mtime_ns": 1_700_000_000_000_000_000,
        "device": 1,
        "inode": sum(map(ord, path[:200])),
        "kind": FileKind.DATABASE,
        "preselected": role is Role.APPLICATION,
        "encoding": "UTF-8",
        "page_size": 4096,
        "tables": (TableSummary("users", 42), TableSummary("prompts", 230)),
    }
    return FoundFile(path=path, role=role, reason=reason, **{**values, **more})  # type: ignore[arg-type]


def files() -> tuple[FoundFile, ...]:
    """As the sample project has them."""
    return (
        _file("app.db", Role.EMPTY, "Zero bytes; a program opened it and wrote nothing.",
              kind=FileKind.EMPTY, size=0, tables=(), encoding=""),
        _file(MAIN, Role.APPLICATION, "5 tables with rows, and 3 references of the code lead to it",
              size=126_976, wal=True, sidecars=(Sidecar("-wal", 41_232), Sidecar("-shm", 32_768)),
              tables=(TableSummary("users", 42), TableSummary("prompts", 230),
                      TableSummary("transactions", 1_204), TableSummary("uploads", 61)),
              holders=(Holder(4711, "uvicorn", True),)),
        _file(THIRD, Role.APPLICATION, "Tables with rows; the settings' default leads to it.",
              tables=(TableSummary("users", 9), TableSummary("uploads", 17))),
        _file(OLD, Role.APPLICATION, "Tables with rows; the agent's default leads to it.",
              size=94_208),
        _file("backend/test.db", Role.TEST, "Its name says test, and only tests refer to it."),
        _file("backend/vectors/chroma.sqlite3", Role.OTHER_PROGRAM,
              "Has the tables of Chroma, a vector store."),
        _file("backup_2025/prompts.db", Role.BACKUP_COPY, "Lies in a folder named backup.",
              same_as=OLD),
    )  # fmt: skip


def references(project: Path) -> tuple[Reference, ...]:
    """Why the files exist."""

    def one(file: str, line: int, form: Form, text: str, to: str) -> Reference:
        return Reference(
            file, line, 12, form, text, Anchor.WORKING_DIRECTORY, (), (project / to,), True
        )

    return (
        one("backend/.env", 3, Form.DOTENV, "sqlite:///./app.db", MAIN),
        one("backend/app/config.py", 14, Form.SETTINGS_FIELD, "sqlite:///./data/app.db", THIRD),
        one("backend/app/agents/prompt_agent.py", 9, Form.FUNCTION_DEFAULT, "prompts.db", OLD),
        one("backend/app/database.py", 21, Form.SQLALCHEMY, "settings.database_url", MAIN),
    )


def _table(name: str, columns: Sequence[str]) -> Table:
    declared = tuple(
        Column(c, "INTEGER" if c == "id" else "TEXT", Affinity.TEXT, False, None, c == "id", False)
        for c in columns
    )
    return Table(name, TableKind.ORDINARY, declared, f"CREATE TABLE {name}")


def schema(*names: str) -> Schema:
    """A schema of small tables."""
    index = SchemaObject("index", "ix_users_email", "users", "CREATE INDEX …")
    return Schema(
        tables={name: _table(name, ("id", "email", "name")) for name in names},
        indexes={"ix": index}, triggers={}, views={}, encoding="UTF-8", page_size=4096,
        user_version=7, application_id=0,
    )  # fmt: skip


def inspection() -> Inspection:
    """Three files with four tables."""
    absent, drift, same = TableState.ABSENT, TableState.DRIFTED, TableState.IDENTICAL
    rows = (
        MatrixRow(
            "users", {MAIN: drift, OLD: drift, THIRD: drift}, {MAIN: 42, OLD: 31, THIRD: 9},
            (
                ColumnDiff("phone", ColumnChange.MISSING, OLD, "", MAIN, "VARCHAR(20)"),
                ColumnDiff("is_active", ColumnChange.DEFAULT, OLD, "1", MAIN, "true"),
                ColumnDiff("updated_at", ColumnChange.MISSING, THIRD, "", MAIN, "DATETIME"),
            ),
            (SharedKey(("id",), True), SharedKey(("email",), False)),
        ),
        MatrixRow("prompts", {MAIN: same, OLD: same, THIRD: absent}, {MAIN: 230, OLD: 198}),
        MatrixRow("transactions", {MAIN: TableState.ONLY_HERE, OLD: absent, THIRD: absent},
                  {MAIN: 1_204}),
        MatrixRow("uploads", {MAIN: same, OLD: absent, THIRD: same}, {MAIN: 61, THIRD: 17}),
    )  # fmt: skip
    inspected = (
        FileInspection(MAIN, schema("users", "prompts", "transactions", "uploads"),
                       {"users": 42, "prompts": 230, "transactions": 1204, "uploads": 61},
                       checked=True),
        FileInspection(OLD, schema("users", "prompts"), {"users": 31, "prompts": 198},
                       violations=(("prompts", "users", 2),), checked=True),
        FileInspection(THIRD, schema("users", "uploads"), {"users": 9, "uploads": 17},
                       checked=True),
    )  # fmt: skip
    evidence = LineageEvidence("users", MAIN, OLD, Lineage.DIVERGED, 28, 25)
    return Inspection(inspected, rows, (evidence,), 0.2)


def manifest() -> Manifest:
    """The backup of the three files."""
    stat = FileStat(126_976, 0, 1, 1, 0o644, 0, 0)
    part = Part("", "raw", 126_976, "9f86d081884c7d65", stat)
    records = [
        FileRecord(path, path, FileRole.TARGET if path == MAIN else FileRole.SOURCE, True,
                   "2026-01-12T09:41:00Z", parts=(part,), snapshot="s", size=126_976,
                   sha256="9f86d081884c7d659a2feaa0c55ad015",
                   row_counts={"users": 42, "prompts": 230})
        for path in (MAIN, OLD, THIRD)
    ]  # fmt: skip
    return Manifest("r", "2026-01-12T09:41:00Z", {record.path: record for record in records})


def plan(document: PlanDocument) -> MergePlan:
    """A plan over four tables."""
    counts = (
        {"users": 42, "prompts": 230, "transactions": 1204, "uploads": 61},
        {"users": 31, "prompts": 198},
        {"users": 9, "uploads": 17},
    )
    paths = (MAIN, OLD, THIRD)
    sources = tuple(
        Source(n, path, f"/tmp/{n}", schema(*c), c)
        for n, (path, c) in enumerate(zip(paths, counts, strict=True))
    )
    columns = (TargetColumn("id", Affinity.INTEGER, ("id",) * 3),)

    def table(number: int, name: str, identity: Identity, **more: object) -> MergeTable:
        values: dict[str, object] = {
            "references": (), "newest": None, "fill_nulls": False,
            "rules": (Rule.NEWEST,), "shifts": (0, 0, 0), "notes": (),
        }  # fmt: skip
        has = tuple(name if name in c else None for c in counts)
        return MergeTable(number, name, _table(name, ("id",)), has, columns, "id", identity,
                          **{**values, **more})  # type: ignore[arg-type]  # fmt: skip

    by_email = Identity(
        IdentityKind.COLUMNS, ("email",), ("BINARY",), "UNIQUE and NOT NULL everywhere"
    )
    whole = Identity(
        IdentityKind.ROWS, (), (), "no key tells entities apart; the whole content does"
    )
    owner = Followed("prompts", ("user_id",), "users", ("id",), True)
    soft = Followed("uploads", ("owner_id",), "users", ("id",), False,
                    "the name says it, and all 78 values are ids of users")  # fmt: skip
    return MergePlan(document, sources, (
        table(0, "users", by_email, shifts=(0, 1200, 2400), newest="updated_at",
              notes=("phone comes from the base only",)),
        table(1, "prompts", whole, shifts=(0, 230, 0), references=(owner,)),
        table(2, "transactions", whole),
        table(3, "uploads", whole, shifts=(0, 0, 61), references=(soft,)),
    ))  # fmt: skip


def result(undecided: int = 0) -> MergeResult:
    """What the merge came to."""
    counts = (
        TableCounts(
            "users", 82, 42, 12, 25, 3, 12, 0, undecided, "email", {OLD: 1200, THIRD: 2400}
        ),
        TableCounts("prompts", 428, 230, 40, 158, 0, 40, 0, 0, "rows", {OLD: 230}),
        TableCounts("transactions", 1204, 1204, 0, 0, 0, 0, 0),
        TableCounts("uploads", 78, 61, 17, 0, 0, 17, 0, 0, "rows", {THIRD: 61}),
    )
    questions = (
        Question(f"{undecided} rows of users disagree and no rule decides (name, phone).", "users",
                 "name, phone", f"{MAIN}, {OLD}",
                 templates(undecided)),
    )  # fmt: skip
    return MergeResult(counts, questions if undecided else ())


def templates(undecided: int) -> str:
    """Decisions to fill in, as the merge offers them."""
    return "".join(
        f'[[decisions]]\ntable = "users"\nentity = {{ email = "user{n}@ex.com" }}\n'
        f'keep = "{MAIN}"  # "{MAIN}" | "{OLD}" | "both"\n'
        for n in range(undecided)
    )


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


class FakeSession:
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
        self.questions: tuple[Question, ...] = ()
        self.result: MergeResult | None = None
        self.verification: Verification | None = None
        self.document = PlanDocument()
        self.listeners: list[Emit] = []
        self.failing: dict[str, Exception] = {}
        self.blocking: dict[str, asyncio.Event] = {}
        self.calls: list[str] = []
        self.files = files()
        self.undecided = 0
        self.left_over: object = None
        self.references: ReferenceReport | None = None
        self.deletable: tuple[str, ...] = ()
        self.closed_gates: tuple[Gate, ...] = ()
        self.unchanged = False

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

    async def resume(self, name: str) -> None:
        """As the session."""
        self.calls.append(f"resume {name}")

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
        self.plan = plan(self.document)
        return self.plan

    async def set_document(self, document: PlanDocument, text: str = "") -> None:
        """As the session."""
        self.document = document
        self.plan = None
        self.state = machine.invalidate_after(self.state, Step.BACKUP)

    async def migrate(self) -> MergeResult:
        """As the session."""
        self.plan = self.plan or await self.make_plan()
        outcome = result(max(self.undecided - len(self.document.decisions), 0))

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
        self.verification = Verification((
            Check("every row accounted for", "users", True, "82 of 82 rows"),
            Check("values equal", "users", True, "54 rows compared"),
            Check("references keep their entity", "prompts", True, "270 references followed"),
            Check("references keep their entity", "uploads", True, "78 references followed"),
            Check("integrity", "", True, "integrity_check and foreign_key_check are clean"),
        ), 0.8)  # fmt: skip
        return self.verification

    async def propose_configuration(self) -> Proposal:
        """As the session."""
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
                for name in ("unchanged", "not open")
            ),
            *self.closed_gates,
        )

    def confirmation_phrase(self) -> str:
        """As the session."""
        return "delete 2 files"

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
