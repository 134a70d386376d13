"""The plan as text and as a file: what the screens ask before it is edited, written or read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from consolidator_tui.domain.words import plural
from consolidator_tui.tui.text import safe

if TYPE_CHECKING:
    from pathlib import Path

    from consolidator_tui.tui.app import ConsolidatorApp

NAME = "plan.toml"


def edit_plan(app: ConsolidatorApp, done: Callable[[bool | None], None]) -> None:
    """Open the plan with its decisions as text; `done` learns whether another was accepted."""
    from consolidator_tui.tui.screens.plan_editor import PlanEditor

    fixes = "\n".join(q.fix for q in app.wizard.plan_questions if q.fix)

    def read(found: tuple[str, int]) -> None:
        app.push_screen(PlanEditor(found[0], fixes, left_out=found[1]), done)

    app.wizard.plan_to_edit(read)


def export_plan(app: ConsolidatorApp) -> None:
    """Ask for a path, and write the plan with all decisions there."""
    from consolidator_tui.tui.modals.line_input import LineInput
    from consolidator_tui.tui.modals.question import Choice, Question

    def write(name: str, *, over: bool = False) -> None:
        def written(path: Path | None) -> None:
            if path is None:
                replace(name)
                return
            app.tell(f"The plan with all decisions is in {path}.")

        app.wizard.export_plan(name, over, written)

    def replace(name: str) -> None:
        def answered(answer: str | None) -> None:
            if answer == "replace":
                write(name, over=True)

        choices = [Choice("keep", "Keep it"), Choice("replace", "Replace it", danger=True)]
        text = "The plan that is there would be replaced."
        app.push_screen(Question(f"{safe(name, 40)} exists", text, choices), answered)

    def named(name: str | None) -> None:
        if name is not None:
            write(name)

    text = (
        "The plan with all decisions is written to this file (relative to the project). "
        "`consolidator-tui run --plan` on it does the same again. It holds values of rows."
    )
    app.push_screen(LineInput("Export the plan", text, value=NAME), named)


def import_plan(app: ConsolidatorApp, then: Callable[[], None]) -> None:
    """Ask for a path, take the plan that is there, and plan anew."""
    from consolidator_tui.tui.modals.line_input import LineInput

    def taken(found: tuple[int, bool]) -> None:
        number, others = found
        said = f"The plan was taken, with {plural(number, 'decision')}."
        if others:
            said += " It names other files; the files that were chosen here stay."
        app.tell(said)
        then()

    def named(name: str | None) -> None:
        if name is not None:
            app.wizard.import_plan(name, taken)

    text = (
        "The choices in this file (relative to the project) replace those made here; "
        "its decisions are added, and u in the review takes them back."
    )
    app.push_screen(LineInput("Import a plan", text, value=NAME), named)
