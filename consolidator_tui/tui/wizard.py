"""The wizard's state and what it asks of the session; screens read it and call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain.discovery import Discovery, FileFound, FileKind, FoundFile
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Event, Level, Step
from consolidator_tui.domain.inspection import Inspection, Preview
from consolidator_tui.domain.manifest import Manifest
from consolidator_tui.domain.merge import MergePlan, MergeResult, Question
from consolidator_tui.domain.reference import Proposal, ReferenceReport
from consolidator_tui.domain.run import RunState, may
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.model import reachable
from consolidator_tui.tui.picks import Picks
from consolidator_tui.tui.steps import NAMES, ORDER
from consolidator_tui.tui.text import plural

if TYPE_CHECKING:
    from consolidator_tui.services.session import Session
    from consolidator_tui.tui.app import ConsolidatorApp


class Wizard:
    """Results of the steps so far, the choices of the person, and the moves between steps."""

    def __init__(self, app: ConsolidatorApp, project: Path) -> None:
        self.app = app
        self.project = project
        self.session: Session | None = None
        self.failures: dict[Step, ConsolidatorError] = {}
        self.notes: dict[Step, str] = {}
        self.found: dict[str, FoundFile] = {}
        self.picks = Picks()
        self.extra_folders: list[Path] = []
        self.discovery: Discovery | None = None
        self.references: ReferenceReport | None = None
        self.inspection: Inspection | None = None
        self.space: Any = None
        self.manifest: Manifest | None = None
        self.plan: MergePlan | None = None
        self.result: MergeResult | None = None
        self.verification: Any = None
        self.proposal: Proposal | None = None
        self.accepted: set[tuple[str, int]] = set()
        self.configured: Any = None
        self.gates: tuple[Any, ...] = ()
        self.cleaned: Any = None
        self.rolled_back: Any = None

    # Where we are

    @property
    def state(self) -> RunState:
        """Which steps are done, as the session says."""
        return self.session.state if self.session is not None else RunState()

    @property
    def log_place(self) -> str:
        """Where the whole log is."""
        run = self.session.run if self.session is not None else None
        kept = f"   kept in {run.path}" if run is not None else ""
        return f"L shows all of it{kept}"

    def take_event(self, event: Event) -> None:
        """Files appear in the list while the walk goes on."""
        if isinstance(event, FileFound):
            self.found[event.file.path] = event.file

    def opened(self, session: Session) -> None:
        """The session is there: ask about an unfinished run, else look for files."""
        self.session = session
        self.app.ask(Query("unfinished run", session.unfinished, self._unfinished))

    def not_opened(self, error: ConsolidatorError) -> None:
        """The project cannot be opened."""
        self.failed(Step.DISCOVER, error)

    def failed(self, step: Step, error: ConsolidatorError) -> None:
        """A job failed; its screen says so."""
        self.failures[step] = error
        self.app.store.add(step, Level.ERROR, f"{error.title}: {error.sentence}")

    def step_by(self, here: Step, by: int) -> None:
        """`[` and `]`: to a finished step or the first that is not."""
        if here is Step.ROLLBACK:
            self.app.go_to(self.state.current or Step.DISCOVER)
            return
        number = ORDER.index(here) + by
        if not 0 <= number < len(ORDER):
            return
        step = ORDER[number]
        if by > 0 and step not in reachable(self.state):
            allowed, reason = may(self.state, step)
            sentence = f"{NAMES[here]} must be done first." if allowed else reason
            self.app.tell(sentence, Level.WARNING)
            return
        self.app.go_to(step)

    def advance(self, step: Step) -> None:
        """Go on to a step, if the run allows it."""
        self.app.go_to(step)

    # Discover

    def discover(self) -> None:
        """Walk the project; then find what refers to its files, beside whatever comes next."""
        session = self._session
        self.found.clear()
        folders = tuple(self.extra_folders)
        self.app.start(
            Job(
                Step.DISCOVER,
                "Looking for SQLite files",
                lambda: session.discover(folders),
                self._discovered,
                quiet=True,
            )
        )

    def _discovered(self, discovery: Discovery) -> None:
        self.discovery = discovery
        self.found = {file.path: file for file in discovery.files}
        self.picks.preselect(discovery.files)
        self.notes[Step.DISCOVER] = plural(len(discovery.files), "file")
        self.app.ask(
            Query("references", self._session.find_references, self._references_found)
        )

    def _references_found(self, report: ReferenceReport) -> None:
        self.references = report

    def explain(self, file: FoundFile) -> tuple[Any, ...]:
        """The references that lead to a file; empty while they are still looked for."""
        if self.references is None or self.session is None:
            return ()
        return tuple(self.session.explain(file))

    @property
    def target(self) -> str:
        """The target as things stand, chosen or suggested."""
        if self.picks.target is not None:
            return self.picks.target
        uses = {path: len(self.explain(file)) for path, file in self.found.items()}
        return self.picks.suggested_target(self.found, uses)

    @property
    def base(self) -> str:
        """The source whose rows keep their ids, chosen or following from the target."""
        target = self.target
        file = self.found.get(target)
        if file is not None and file.kind is FileKind.DATABASE:
            return target
        if self.picks.base is not None:
            return self.picks.base
        return self.picks.sources[0] if self.picks.sources else ""

    def select(self) -> None:
        """Settle the choice, then look into the files."""
        session = self._session
        selection = self.picks.selection()

        def done(_chosen: object) -> None:
            self._forget_after(Step.DISCOVER)
            self.inspection = None
            self.notes[Step.DISCOVER] = f"{len(self.sources)} of {len(self.found)} files"
            self.app.go_to(Step.INSPECT)

        self.app.start(
            Job(Step.DISCOVER, "Checking the choice", lambda: session.select(selection), done)
        )

    # Inspect

    def inspect(self) -> None:
        """Read schemas, counts and integrity of the chosen files."""

        def done(inspection: Inspection) -> None:
            self.inspection = inspection
            self.notes[Step.INSPECT] = plural(len(inspection.matrix), "table")

        title = f"Inspecting {plural(len(self.sources), 'file')}"
        self.app.start(Job(Step.INSPECT, title, self._session.inspect, done))

    def preview(self, file: str, table: str, done: Callable[[Preview], None]) -> None:
        """Read the first rows of a table."""
        session = self._session
        self.app.ask(Query("preview", lambda: session.preview(file, table), done))

    # Back up

    def look_at_space(self) -> None:
        """How much room the backup needs and has."""

        def done(space: Any) -> None:
            self.space = space

        self.app.ask(Query("space", self._session.space_needed, done))

    def back_up(self) -> None:
        """Copy and verify every file."""

        def done(manifest: Manifest) -> None:
            self._forget_after(Step.BACKUP)
            self.manifest = manifest
            self.notes[Step.BACKUP] = "verified"

        title = f"Backing up {plural(len(self.sources), 'file')}"
        self.app.start(Job(Step.BACKUP, title, self._session.back_up, done))

    @property
    def sources(self) -> Sequence[str]:
        """The files that take part, in order of priority."""
        chosen = self.session.chosen if self.session is not None else None
        return chosen.sources if chosen is not None else tuple(self.picks.sources)

    # Migrate

    def make_plan(self) -> None:
        """Work out identities, references and shifts from the snapshots."""

        def done(plan: MergePlan) -> None:
            self.plan = plan

        self.app.start(Job(Step.MIGRATE, "Planning the merge", self._session.make_plan, done))

    def migrate(self) -> None:
        """Build the merged database beside the originals."""

        def done(result: MergeResult) -> None:
            self._forget_after(Step.MIGRATE)
            self.result = result
            self.notes[Step.MIGRATE] = (
                plural(len(result.questions), "question") + " open"
                if result.needs_decisions
                else plural(len(result.counts), "table")
            )

        self.app.start(Job(Step.MIGRATE, "Merging", self._session.migrate, done))

    # Verify

    def verify(self) -> None:
        """Prove the staged database, and put it in place when every check holds."""

        def done(verification: Any) -> None:
            self.verification = verification
            checks = len(verification.checks)
            self.notes[Step.VERIFY] = plural(checks, "check") + " passed"

        self.app.start(
            Job(
                Step.VERIFY,
                "Verifying the merged database",
                self._session.verify,
                done,
                stopping="the target is replaced only after the last check",
            )
        )

    # Configure

    def propose(self) -> None:
        """Work out what in the application has to change."""

        def done(proposal: Proposal) -> None:
            self.proposal = proposal
            self.accepted = {
                (file.file, edit.start)
                for file in proposal.files
                for edit in file.edits
                if not edit.optional
            }

        self.app.start(
            Job(
                Step.CONFIGURE,
                "Looking at how the application finds its database",
                self._session.propose_configuration,
                done,
            )
        )

    def configure(self) -> None:
        """Apply the accepted edits."""
        session, accepted = self._session, sorted(self.accepted)

        def done(outcome: Any) -> None:
            self.configured = outcome
            self.notes[Step.CONFIGURE] = plural(len(accepted), "change") + " made"

        self.app.start(
            Job(
                Step.CONFIGURE,
                f"Applying {plural(len(accepted), 'change')}",
                lambda: session.configure(accepted),
                done,
                stopping="roll back undoes what was changed",
            )
        )

    # Clean up

    def look_at_gates(self) -> None:
        """Which conditions of deleting hold now."""

        def done(gates: tuple[Any, ...]) -> None:
            self.gates = gates

        self.app.start(
            Job(Step.CLEANUP, "Checking what is safe to delete", self._session.gates, done)
        )

    def clean_up(self, phrase: str) -> None:
        """Delete the originals; the phrase was typed by the person."""
        session = self._session

        def done(outcome: Any) -> None:
            self.cleaned = outcome
            self.notes[Step.CLEANUP] = "done"

        self.app.start(
            Job(
                Step.CLEANUP,
                "Deleting the originals",
                lambda: session.clean_up(phrase),
                done,
                stopping="what is deleted already can be rolled back",
            )
        )

    # Roll back

    def ask_roll_back(self) -> None:
        """Ask, then undo everything that this run did."""
        if self.session is None:
            return
        allowed, reason = may(self.state, Step.ROLLBACK)
        if not allowed:
            self.app.tell(reason, Level.WARNING)
            return
        from consolidator_tui.tui.modals.question import Choice, Question

        question = Question(
            "Roll everything back?",
            "Databases, configuration and deleted files become what they were before this run.\n"
            "What was written into the target since then is kept aside and reported.",
            [Choice("keep", "Keep as it is"), Choice("roll", "Roll back", danger=True)],
        )
        self.app.push_screen(question, self._roll_back_answered)

    def _roll_back_answered(self, answer: str | None) -> None:
        if answer == "roll":
            self.roll_back()

    def roll_back(self) -> None:
        """Undo everything, on its own screen."""

        def done(report: Any) -> None:
            self.rolled_back = report
            self.failures.clear()

        self.app.go_to(Step.ROLLBACK)
        self.app.start(
            Job(
                Step.ROLLBACK,
                "Rolling back",
                self._session.roll_back,
                done,
                stopping="it can be started again and then completes",
            )
        )

    # Unfinished runs

    def _unfinished(self, found: Any) -> None:
        if found is None:
            self.discover()
            return
        from consolidator_tui.tui.modals.unfinished import unfinished_question

        self.app.push_screen(
            unfinished_question(found), lambda answer: self._unfinished_answered(found, answer)
        )

    def _unfinished_answered(self, found: Any, answer: str | None) -> None:
        session = self._session
        if answer == "over":
            self._take_up("Starting over", session.start_over, self.discover)
        elif answer == "roll":
            self._take_up("Resuming", lambda: session.resume(found.name), self.roll_back)
        else:
            self._take_up("Resuming", lambda: session.resume(found.name), self._resumed)

    def _take_up(
        self, title: str, run: Callable[[], Awaitable[None]], then: Callable[[], None]
    ) -> None:
        self.app.start(Job(Step.DISCOVER, title, run, lambda _none: then()))

    def _resumed(self) -> None:
        """Show what the run already knows, at the step where it stopped."""
        session = self._session
        self.discovery = session.discovery
        self.inspection = session.inspection
        self.manifest = session.manifest
        self.plan = session.plan
        self.result = session.result
        self.verification = session.verification
        self.app.go_to(self.state.current or Step.CLEANUP)

    def begin_again(self) -> None:
        """After a roll back: forget everything and look for files."""
        session = self._session

        def then() -> None:
            self._forget_after(Step.DISCOVER)
            self.notes.clear()
            self.failures.clear()
            self.rolled_back = self.inspection = self.discovery = None
            self.app.go_to(Step.DISCOVER)
            self.discover()

        self._take_up("Starting over", session.start_over, then)

    # What screens ask

    def may(self, step: Step) -> tuple[bool, str]:
        """Whether a step may start now, and if not why."""
        return may(self.state, step)

    def can(self, step: Step) -> bool:
        """Whether a step may start now."""
        return self.may(step)[0]

    @property
    def run_place(self) -> str:
        """The run's folder relative to the project."""
        run = self.session.run if self.session is not None else None
        return f".consolidator/runs/{run.name}" if run is not None else ".consolidator"

    @property
    def target_path(self) -> str:
        """The target that was settled, relative to the project."""
        chosen = self.session.chosen if self.session is not None else None
        return chosen.target if chosen is not None else self.target

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What must be decided before the merge is safe."""
        if self.result is not None:
            return self.result.questions
        return self.session.questions if self.session is not None else ()

    @property
    def undecided(self) -> int:
        """Conflict groups that nothing decided."""
        counts = self.result.counts if self.result is not None else ()
        return sum(count.undecided for count in counts)

    @property
    def plan_questions(self) -> tuple[Question, ...]:
        """Questions that the plan itself asks: they are settled in its document."""
        return () if self.undecided else self.open_questions

    @property
    def has_conflicts(self) -> bool:
        """Whether there is something to review."""
        counts = self.result.counts if self.result is not None else ()
        return any(count.conflict or count.undecided for count in counts)

    @property
    def doomed(self) -> tuple[str, ...]:
        """The files that Clean up would delete: every source but the target."""
        return tuple(path for path in self.sources if path != self.target_path)

    @property
    def phrase(self) -> str:
        """What has to be typed."""
        return self._session.confirmation_phrase()

    @property
    def restore_command(self) -> str:
        """What brings the deleted files back from a shell."""
        run = self.session.run if self.session is not None else None
        name = f" {run.name}" if run is not None else ""
        return f"consolidator-tui rollback {self.project}{name} --yes"

    # Helpers

    @property
    def _session(self) -> Session:
        assert self.session is not None, "screens offer no action before the session is open"
        return self.session

    def _forget_after(self, step: Step) -> None:
        """Drop the results that an input change makes wrong."""
        for later in ORDER[ORDER.index(step) + 1 :]:
            self.failures.pop(later, None)
            self.notes.pop(later, None)
        number = ORDER.index(step)
        if number < ORDER.index(Step.INSPECT):
            self.space = self.manifest = None
        if number < ORDER.index(Step.MIGRATE):
            self.plan = self.result = None
        if number < ORDER.index(Step.VERIFY):
            self.verification = None
