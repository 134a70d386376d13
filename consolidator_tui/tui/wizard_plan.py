"""The plan before the merge: made, counted, changed piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.wizard_state import WizardState

if TYPE_CHECKING:
    from consolidator_tui.domain.merge import DryRun, MergePlan, Note, Question, Reference
    from consolidator_tui.domain.plan import PlanDocument
    from consolidator_tui.domain.suggestion import PickedRow, Suggestions
    from consolidator_tui.services.plan_document.evidence import Sample

ROWS = "[[decisions]]"
"""In the lines of a question: it is about single rows, and the review asks it."""


class PlanEditing(WizardState):
    """What the plan screens ask of the session."""

    editing = False
    """A change of the plan is being worked in."""

    @property
    def document(self) -> PlanDocument:
        """The plan document."""
        return self._session.document

    @property
    def plan_questions(self) -> tuple[Question, ...]:
        """Questions that the plan itself asks: they are settled in its document."""
        if self.result is not None:
            asked = self.result.questions
        else:
            counted = self.forecast.questions if self.forecast is not None else ()
            own = self.session.questions if self.session is not None else ()
            asked = (*own, *(question for question in counted if question not in own))
        return tuple(question for question in asked if ROWS not in question.fix)

    @property
    def unfollowed(self) -> tuple[Note, ...]:
        """Columns whose texts seem to hold ids that change, as last counted or merged."""
        counted = self.result or self.forecast
        return counted.unfollowed if counted is not None else ()

    def make_plan(self) -> None:
        """Work out identities, references and shifts from the snapshots, then count."""

        def done(plan: MergePlan) -> None:
            self.plan = plan
            if not self.plan_questions:
                self.count()

        self.app.start(Job(Step.MIGRATE, "Planning the merge", self._session.make_plan, done))

    def count(self) -> None:
        """Match the rows as the merge will, to say exactly what happens."""

        def done(counted: DryRun) -> None:
            self.forecast = counted

        self.app.start(Job(Step.MIGRATE, "Counting what will happen", self._session.dry_run, done))

    def edit(self, document: PlanDocument, then: Callable[[], None]) -> None:
        """Take another document and plan anew; one that cannot be planned is refused."""
        if self.editing:
            self.app.bell()
            return
        self.editing = True
        session = self._session

        async def run() -> ConsolidatorError | None:
            before = session.document
            try:
                await session.set_document(document)
                await session.make_plan()
            except ConsolidatorError as error:
                await session.set_document(before)
                await session.make_plan()
                return error
            return None

        def done(error: ConsolidatorError | None) -> None:
            self.editing = False
            self._forget_after(Step.BACKUP)
            self.plan = session.plan
            if error is not None:
                self.app.tell(str(error), Level.WARNING)
            then()

        self.app.ask(Query("plan", run, done))

    def keep(self, document: PlanDocument, then: Callable[[], None]) -> None:
        """Take another document and store it; the plan is made anew later."""
        session = self._session

        async def run() -> ConsolidatorError | None:
            try:
                await session.set_document(document)
            except ConsolidatorError as error:
                return error
            return None

        def done(error: ConsolidatorError | None) -> None:
            if error is not None:
                self.app.tell(str(error), Level.WARNING)
            then()

        self.app.ask(Query("decision", run, done))

    def planned_anew(self) -> None:
        """After changes that were only stored: plan and count."""
        self._forget_after(Step.BACKUP)
        self.make_plan()

    def find_suggestions(self, then: Callable[[Suggestions], None]) -> None:
        """Look for rows that look alike."""
        self.app.ask(Query("suggestions", self._session.suggestions, then))

    def search_rows(
        self, table: str, text: str, then: Callable[[tuple[PickedRow, ...]], None]
    ) -> None:
        """Rows of a table that hold a text."""
        session = self._session
        self.app.ask(Query("search", lambda: session.search_rows(table, text), then))

    def sample(self, reference: Reference, then: Callable[[tuple[Sample, ...]], None]) -> None:
        """Some values of a reference."""
        session = self._session
        self.app.ask(Query("sample", lambda: session.reference_samples(reference), then))
