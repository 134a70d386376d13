"""Plausible data for the session in memory: three files of one small shop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from consolidator_tui.domain.catalog import (
    Affinity,
    Column,
    Schema,
    SchemaObject,
    Source,
    Table,
    TableKind,
)
from consolidator_tui.domain.discovery import (
    FileKind,
    FoundFile,
    Holder,
    Role,
    Sidecar,
    TableSummary,
)
from consolidator_tui.domain.inspection import (
    ColumnChange,
    ColumnDiff,
    FileInspection,
    Inspection,
    Lineage,
    LineageEvidence,
    MatrixRow,
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
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.reference import (
    Anchor,
    Form,
    Reference,
)
from consolidator_tui.domain.rule import Rule

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
            "users", 82, 42, 12, 25, 3, 12, 0, 0, undecided, "email", {OLD: 1200, THIRD: 2400}
        ),
        TableCounts("prompts", 428, 230, 40, 158, 0, 40, 0, 0, 0, "rows", {OLD: 230}),
        TableCounts("transactions", 1204, 1204, 0, 0, 0, 0, 0),
        TableCounts("uploads", 78, 61, 17, 0, 0, 17, 0, 0, 0, "rows", {THIRD: 61}),
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
