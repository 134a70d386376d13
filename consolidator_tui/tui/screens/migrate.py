"""Migrate: the plan, the merge beside the originals, and what it came to."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.merge import Forecast
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.merge_rows import PLAN_COLUMNS, RESULT_COLUMNS, count_row, plan_row
from consolidator_tui.tui.plan_text import (
    forecast_sentence,
    result_sentence,
    table_text,
    unfollowed_sentence,
    why_not,
)
from consolidator_tui.tui.screens.plan_files import edit_plan, export_plan, import_plan
from consolidator_tui.tui.screens.plan_page import PlanPage
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.text import safe, sign
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable

PLAN_ACTIONS = frozenset(
    {"edit", "table", "references", "alike", "names", "answer", "history", "export", "import"}
)


class MigrateScreen(StepScreen):
    """Plan first, result afterwards, in one table with the reasons below."""

    STEP = Step.MIGRATE
    MAIN = "#tables"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "review", "review", tooltip="Review the conflicts"),
        Binding("t", "table", "table", tooltip="Change what the plan says of this table"),
        Binding("f", "references", "refs", tooltip="References: which are followed, and why"),
        Binding("s", "alike", "alike", tooltip="Look-alikes: rows that may be the same"),
        Binding("v", "toggle_plan", "view", tooltip="Show the plan or the result"),
        Binding("e", "edit", "text", tooltip="Edit the plan as text"),
        Binding("w", "export", "export", tooltip="Export the plan with its decisions to a file"),
        Binding("p", "history", "past", tooltip="The state from which the files diverged"),
        Binding("o", "names", "names", tooltip="Names of tables and objects; leave some out"),
        Binding("a", "answer", "Answer the open questions", show=False),
        Binding("i", "import", "Import a plan with its decisions from a file", show=False),
        *(
            Binding(key, f"why_not('{action}')", show=False)
            for key, action in (("p", "history"), ("a", "answer"), ("t", "table"), ("o", "names"))
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._plan_shown = False
        self._columns: tuple[Col, ...] = ()

    def content(self) -> ComposeResult:
        """Lead, table, detail."""
        yield Static(id="lead", markup=False)
        yield FitTable([Col("Table")], id="tables")
        yield Detail(id="detail")

    def arrived(self) -> None:
        """Plan when there is a backup and no plan."""
        wizard = self.wizard
        if wizard.plan is None and self.idle and wizard.can(self.STEP):
            wizard.make_plan()
        elif self._may_count:
            wizard.count()

    @property
    def _may_count(self) -> bool:
        wizard = self.wizard
        counted = wizard.forecast is not None or wizard.result is not None
        return wizard.plan is not None and self.idle and not counted and not wizard.plan_questions

    def retry(self) -> None:
        """After a failure: count again when it was the counting that failed."""
        self.wizard.failures.pop(self.STEP, None)
        if self._may_count:
            self.wizard.count()
        else:
            self.act()

    def _failure_keys(self) -> str:
        keys = super()._failure_keys()
        # The line has 72 cells, and the log is named below it.
        return f"r review   {keys.replace('   L log', '')}" if self.wizard.reviewable else keys

    def summary(self) -> str:
        """One line on where the merge stands."""
        wizard = self.wizard
        if wizard.result is not None and not wizard.result.needs_decisions:
            counts = wizard.result.counts
            new = sum(c.new for c in counts)
            lost = sum(c.lost for c in counts)
            return f"{plural(len(counts), 'table')}, {plural(new, 'new row')}, {lost:,} lost"
        return "" if wizard.plan is None else f"{plural(len(wizard.plan.tables), 'table')} planned"

    @property
    def _shows_result(self) -> bool:
        result = self.wizard.result
        return result is not None and bool(result.counts) and not self._plan_shown

    def draw(self) -> None:
        """Plan or result."""
        wizard = self.wizard
        table = self.query_one(FitTable)
        columns = RESULT_COLUMNS if self._shows_result else PLAN_COLUMNS
        if columns is not self._columns:
            self._columns = columns
            table.set_columns(columns)
        if self._shows_result and wizard.result is not None:
            table.set_rows(count_row(counts, self.ink) for counts in wizard.result.counts)
        elif wizard.plan is not None:
            open_ = {question.table for question in wizard.plan_questions}
            table.set_rows(
                plan_row(wizard.plan, t, self._forecast(t.name), self.ink, asked=t.name in open_)
                for t in wizard.plan.tables
            )
        self.query_one("#lead", Static).update(self._lead())
        self._draw_detail()
        self.refresh_bindings()

    def _lead(self) -> Text:
        wizard, ink = self.wizard, self.ink
        if wizard.plan_questions:
            text = sign("?", ink.warn)
            number = plural(len(wizard.plan_questions), "question")
            text.append(f"{number} must be answered before the merge is safe. ", "bold")
            text.append("Nothing has been written to the target.")
            return text
        if wizard.undecided:
            text = sign("?", ink.warn)
            text.append(f"{plural(wizard.undecided, 'conflict')} undecided. ", "bold")
            text.append("No rule says which version wins. Nothing undecided is written.")
            return text
        if wizard.conflicts:
            return Text("Every conflict is decided. Merging again takes the decisions in.")
        if wizard.open_questions:
            text = sign("?", ink.warn)
            number = plural(len(wizard.open_questions), "question")
            text.append(f"{number} open. ", "bold")
            text.append("Nothing has been written to the target.")
            return text
        if wizard.result is not None:
            told = unfollowed_sentence(wizard.unfollowed, ink)
            return result_sentence(wizard.result.counts, ink) + told
        if wizard.plan is not None and wizard.forecast is not None:
            told = unfollowed_sentence(wizard.unfollowed, ink)
            return forecast_sentence(wizard.plan, wizard.forecast, ink) + told
        if wizard.plan is None:
            return Text("The plan follows from the backup's snapshots.", str(ink.muted))
        names = ", ".join(safe(source.path) for source in wizard.plan.sources[1:])
        base = safe(wizard.plan.sources[0].path)
        return Text(f"{base} keeps its ids; the rows of {names} join it in a new file beside it.")

    def _forecast(self, table: str) -> Forecast | None:
        dry = self.wizard.forecast
        found = dry.tables if dry is not None else ()
        return next((f for f in found if f.counts.table == table), None)

    def on_fit_table_moved(self) -> None:
        """Another table is under the cursor."""
        self._draw_detail()

    def _draw_detail(self) -> None:
        wizard = self.wizard
        detail = self.query_one(Detail)
        key = self.query_one(FitTable).current_key
        plan = wizard.plan
        table = next((t for t in plan.tables if t.name == key), None) if plan else None
        counts = None
        if wizard.result is not None:
            counts = next((c for c in wizard.result.counts if c.table == key), None)
        asked = wizard.plan_questions or wizard.open_questions
        questions = [q for q in asked if q.table in (key, "")]
        if wizard.remade and counts is not None:
            # Those are from before the decisions; the lead says how many are left.
            counts, questions = replace(counts, undecided=0), []
        if table is None and counts is None and not questions:
            detail.show("", Text(""))
            return
        found = self._forecast(key or "")
        unfollowed = [note for note in wizard.unfollowed if note.table == key]
        text = table_text(plan, table, counts, questions, found, self.ink, unfollowed)
        detail.show(key or "Questions", text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys for what there is."""
        result = self.wizard.result
        if action == "review":
            # Also where the last try failed: what made it fail may have been decided there.
            return self.wizard.reviewable and self.owner.job is None
        if action == "edit" and self.STEP in self.wizard.failures:
            return self.wizard.plan is not None and self.owner.job is None
        if action in PLAN_ACTIONS:
            there = self.wizard.plan is not None and not self.wizard.state.promoted
            if action in ("table", "names") and self._shows_result:
                # They belong to the plan, and the line of keys has 80 cells.
                return False
            if action == "history" and not (self.wizard.offer or self.wizard.document.ancestor):
                return False
            if action == "answer" and not self.wizard.plan_questions:
                return False
            return there and super().check_action(action, parameters)
        if action == "why_not":
            return self.idle and not self.check_action(str(parameters[0]), ())
        if action == "toggle_plan":
            there = result is not None and not self.wizard.state.promoted
            return there and super().check_action(action, parameters)
        return super().check_action(action, parameters)

    def primary(self) -> Primary:
        """Merge, answer, or go on."""
        wizard = self.wizard
        if wizard.plan is None:
            allowed, reason = wizard.may(self.STEP)
            return Primary("Plan the merge", "" if allowed else reason, enabled=allowed)
        if wizard.plan_questions:
            return Primary(
                f"Answer {plural(len(wizard.plan_questions), 'question')}",
                "then the merge is counted",
            )
        if wizard.undecided:
            return Primary(
                f"Review {plural(wizard.undecided, 'conflict')}", "nothing undecided is written"
            )
        if wizard.conflicts:
            return Primary("Merge again", "with the decisions that were made")
        if wizard.result is None or wizard.result.needs_decisions:
            return Primary(
                f"Merge {plural(len(wizard.plan.tables), 'table')}",
                "into a new file; the target is not touched",
            )
        return Primary("Continue to Verify", "the target is not touched yet")

    def act(self) -> None:
        """Do it."""
        wizard = self.wizard
        if wizard.plan is None:
            wizard.make_plan()
        elif wizard.plan_questions:
            self.action_answer()
        elif wizard.undecided:
            self.action_review()
        elif wizard.conflicts:
            wizard.merge_again()
        elif wizard.result is None or wizard.result.needs_decisions:
            wizard.migrate()
        else:
            self.owner.go_to(Step.VERIFY)

    def action_review(self) -> None:
        """`r`: the conflicts."""
        from consolidator_tui.tui.screens.review import ReviewScreen

        self.app.push_screen(ReviewScreen(), self._reviewed)

    def _reviewed(self, again: bool | None) -> None:
        if again:
            self.wizard.merge_again()

    def _page(self, page: PlanPage) -> None:
        self.app.push_screen(page, self._page_left)

    def _page_left(self, changed: bool | None) -> None:
        """A page of the plan was closed: what it changed is planned and counted."""
        if changed:
            self.wizard.planned_anew()

    def action_table(self) -> None:
        """`t`."""
        from consolidator_tui.tui.screens.plan_table import TablePage

        key = self.query_one(FitTable).current_key
        plan = self.wizard.plan
        if plan is None or all(table.name != key for table in plan.tables):
            self.app.bell()
            return
        self._page(TablePage(str(key)))

    def action_references(self) -> None:
        """`f`."""
        from consolidator_tui.tui.screens.plan_references import ReferencesPage

        self._page(ReferencesPage())

    def action_alike(self) -> None:
        """`s`."""
        if self.wizard.plan_questions:
            self.owner.tell("The open questions must be answered first: rows are not matched yet.")
            return
        from consolidator_tui.tui.screens.plan_suggestions import SuggestionsPage

        self._page(SuggestionsPage())

    def action_names(self) -> None:
        """`o`."""
        from consolidator_tui.tui.screens.plan_names import NamesPage

        self._page(NamesPage())

    def action_history(self) -> None:
        """`p`: the common ancestor that was found, or is in the plan."""
        from consolidator_tui.tui.history import ask

        ask(self.owner, self.arrived)

    def action_why_not(self, action: str) -> None:
        """The key of an action that is not there: say why."""
        planned = self.wizard.plan is not None
        self.owner.tell(why_not(action, planned=planned, promoted=self.wizard.state.promoted))

    def action_answer(self) -> None:
        """`a`."""
        from consolidator_tui.tui.screens.plan_questions import QuestionsPage

        if self.wizard.plan_questions:
            self._page(QuestionsPage())

    def action_edit(self) -> None:
        """`e`: the plan as text."""
        edit_plan(self.owner, self._edited)

    def _edited(self, changed: bool | None) -> None:
        if changed:
            self.wizard.make_plan()

    def action_export(self) -> None:
        """`w`."""
        export_plan(self.owner)

    def action_import(self) -> None:
        """`i`."""
        import_plan(self.owner, self.wizard.make_plan)

    def action_toggle_plan(self) -> None:
        """`v`."""
        self._plan_shown = not self._plan_shown
        self.draw()
