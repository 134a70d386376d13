"""What the session in memory says of its plan: counts, questions, look-alikes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.merge import (
    DryRun,
    Forecast,
    MergePlan,
    Question,
    Reference,
    ReferenceProposal,
)
from consolidator_tui.domain.plan import PlanDocument, TablePlan
from consolidator_tui.domain.suggestion import PickedRow, Suggestion, Suggestions
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.planning.fixes import alternatives, another_name
from tests.tui.fake_data import HOSTILE, MAIN, OLD, THIRD, result

HOSTILE_QUESTION = "The index [red]x[/] of a\x1b[31m\nb.db is another one."


def dry_run(undecided: int = 0) -> DryRun:
    """The counts of the merge, before it."""
    return DryRun(
        tuple(
            Forecast(counts, counts.duplicate, counts.conflict, 0, 0, 0)
            for counts in result(undecided).counts
        )
    )


def look_alikes() -> Suggestions:
    """Two pairs; one of them with values that a terminal could trip over."""

    def row(path: str, number: int, email: str, name: str | bytes | None) -> PickedRow:
        values = {"email": email, "name": name, "id": number}
        return PickedRow("users", path, {"email": email}, values)

    return Suggestions(
        (
            Suggestion(
                row(MAIN, 3, "Ann@ex.com", "Ann Lee"),
                row(OLD, 9, "ann@ex.com", "Ann Lee"),
                100,
                ("email differs only in case", "name equal"),
            ),
            Suggestion(
                row(MAIN, 4, HOSTILE[0], "{$x} [@click=a]"),
                row(OLD, 11, HOSTILE[2], b"\0\1"),
                60,
                ("name 91 % alike [/b]",),
            ),
        ),
        ("users: 3 values that more than 40 rows share were not looked into.",),
        2,
    )


def weak(plan: MergePlan, document: PlanDocument) -> tuple[MergePlan, tuple[Question, ...]]:
    """The plan with a weak reference, and questions that the document may have answered."""
    found: list[Question] = []
    named = 'table = "prompts"\ncolumns = ["batch_id"]'
    if not (document.references or document.not_references):
        follow = f'[[references]]\n{named}\nparent = "uploads"\nparent_columns = ["id"]'
        found.append(
            Question(
                "prompts.batch_id may refer to uploads: 9 of 12 values found.",
                "prompts",
                "batch_id",
                OLD,
                alternatives(follow, f"[[not_references]]\n{named}"),
            )
        )
    if "phone" not in document.tables.get("users", TablePlan()).defaults:
        fix = '[tables.users.defaults]\nphone = "..."'
        text = "users.phone must not be NULL, and 9 rows have no value for it."
        found.append(Question(text, "users", "phone", THIRD, fix))
    if OLD not in document.mapping:
        found.append(
            Question(HOSTILE_QUESTION, "[red]x", "", OLD, another_name(OLD, "[red]x", "[b]y"))
        )
    proposed = Reference("prompts", ("batch_id",), "uploads", ("id",), False, "9 of 12 values")
    other = replace(proposed, parent="users")
    proposal = ReferenceProposal("prompts", ("batch_id",), (proposed, other))
    open_ = any(q.table == "prompts" for q in found)
    followed = tuple(
        Reference(r.table, r.columns, r.parent, r.parent_columns, False, "confirmed", {}, r.absent)
        for r in document.references
    )
    plan = replace(
        plan,
        tables=tuple(
            replace(t, references=t.references + followed) if t.name == "prompts" else t
            for t in plan.tables
        ),
    )
    return replace(plan, proposals=(proposal,) if open_ else ()), tuple(found)


class FakeExchange:
    """The plan as text and as a file, of which nothing is written."""

    project: Path
    calls: list[str]
    document: PlanDocument
    left_out = 0
    """Decisions that are too many to be edited as text."""

    async def set_document(self, document: PlanDocument, text: str = "") -> None:
        """As the session."""
        raise NotImplementedError

    async def plan_to_edit(self) -> tuple[str, int]:
        """As the session."""
        return plan_file.dumps(self.document), self.left_out

    async def take_edited(self, document: PlanDocument, text: str, *, whole: bool) -> None:
        """As the session."""
        self.calls.append(f"take_edited whole={whole}")
        await self.set_document(document, text)

    async def export_plan(self, name: str, *, replace_: bool = False) -> Path | None:
        """As the session; `there.toml` is there already."""
        self.calls.append(f"export {name} {replace_}")
        return self.project / name if replace_ or name != "there.toml" else None

    async def import_plan(self, name: str) -> tuple[int, bool]:
        """As the session."""
        self.calls.append(f"import {name}")
        await self.set_document(self.document)
        return 3, True
