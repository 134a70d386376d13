"""What the wizard knows, and what screens ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain.discovery import Discovery, FileFound, FileKind, FoundFile
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.event import Event, Level, Step
from consolidator_tui.domain.run import RunState, may
from consolidator_tui.tui.jobs import Query
from consolidator_tui.tui.model import Safety, reachable, safety
from consolidator_tui.tui.picks import Picks
from consolidator_tui.tui.steps import NAMES, ORDER
from consolidator_tui.tui.text import safe

if TYPE_CHECKING:
    from consolidator_tui.domain.inspection import Inspection
    from consolidator_tui.domain.lineage import Offer
    from consolidator_tui.domain.manifest import Manifest
    from consolidator_tui.domain.merge import DryRun, MergePlan, MergeResult, Question
    from consolidator_tui.domain.reference import Proposal, ReferenceReport
    from consolidator_tui.domain.selection import Lead, SpaceEstimate
    from consolidator_tui.domain.verification import Verification
    from consolidator_tui.services.cleanup import Gate
    from consolidator_tui.services.rollback import RollbackReport
    from consolidator_tui.services.session import Session
    from consolidator_tui.tui.app import ConsolidatorApp


class WizardState:
    """Results so far, choices, and the moves between steps; subclasses call the services."""

    def __init__(self, app: ConsolidatorApp, project: Path) -> None:
        self.app = app
        self.project = project
        self.session: Session | None = None
        self.earlier = False
        """There is an unfinished run that was not taken up yet."""
        self.failures: dict[Step, ConsolidatorError] = {}
        self.notes: dict[Step, str] = {}
        self.found: dict[str, FoundFile] = {}
        self.picks = Picks()
        self.extra_folders: list[Path] = []
        self.discovery: Discovery | None = None
        self.references: ReferenceReport | None = None
        self.leads: dict[str, Lead] = {}
        """What of the application leads to each file, as soon as that is known."""
        self.inspection: Inspection | None = None
        self.space: SpaceEstimate | None = None
        self.manifest: Manifest | None = None
        self.plan: MergePlan | None = None
        self.forecast: DryRun | None = None
        self.result: MergeResult | None = None
        self.undecided = 0
        """Conflicts that neither a rule nor a person has decided so far."""
        self.remade = False
        """Something was decided since the last merge."""
        self.verification: Verification | None = None
        self.proposal: Proposal | None = None
        self.accepted: set[tuple[str, int]] = set()
        self.diffs: dict[tuple[str, int], str] = {}
        self.receipt: Path | None = None
        self.configured: tuple[Path, ...] | None = None
        self.gates: tuple[Gate, ...] = ()
        self.cleaned: tuple[str, ...] | None = None
        self.rolled_back: RollbackReport | None = None

    # Where we are

    @property
    def state(self) -> RunState:
        """Which steps are done, as the session says."""
        return self.session.state if self.session is not None else RunState()

    @property
    def log_place(self) -> str:
        """Where the whole log is."""
        run = self.session.run if self.session is not None else None
        kept = f"; it is kept in {self.run_place}" if run is not None else ""
        return f"L shows all of it{kept}"

    def take_event(self, event: Event) -> None:
        """Files appear in the list while the walk goes on."""
        if isinstance(event, FileFound):
            self.found[event.file.path] = event.file

    def not_opened(self, error: ConsolidatorError) -> None:
        """The project cannot be opened."""
        self.failed(Step.DISCOVER, error)

    def failed(self, step: Step, error: ConsolidatorError) -> None:
        """A job failed; its screen says so."""
        self.failures[step] = error
        line = f"{error.title}: {error.sentence}"
        last = self.app.store.last()
        if last is None or last.text != safe(line):
            # The session tells failures of its steps itself.
            self.app.store.add(step, Level.ERROR, line)

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

    def explain(self, file: FoundFile) -> tuple[Any, ...]:
        """The references that lead to a file; empty while they are still looked for."""
        if self.references is None or self.session is None:
            return ()
        return tuple(self.session.explain(file))

    @property
    def target(self) -> str:
        """The target as things stand, chosen or suggested."""
        return self.aim[0]

    @property
    def aim(self) -> tuple[str, str]:
        """The target, and why it is suggested; without a reason where it was chosen."""
        if self.picks.target is not None:
            return self.picks.target, ""
        return self.picks.suggested_target(self.found, self.leads)

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

    @property
    def sources(self) -> Sequence[str]:
        """The files that take part, in order of priority."""
        chosen = self.session.chosen if self.session is not None else None
        return chosen.sources if chosen is not None else tuple(self.picks.sources)

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
    def offer(self) -> Offer | None:
        """A common ancestor that was found."""
        return self.session.offer if self.session is not None else None

    @property
    def conflicts(self) -> bool:
        """Whether there is something to decide, or decided that the merge does not know yet."""
        return bool(self.undecided or self.remade)

    @property
    def reviewable(self) -> bool:
        """Whether there was a merge whose matches and conflicts can be looked at."""
        return self.result is not None and bool(self.result.counts) and not self.state.promoted

    @property
    def unchanged(self) -> bool:
        """The target held everything already and was left as it is."""
        return self.session is not None and self.session.unchanged

    @property
    def new_target(self) -> bool:
        """The target was not there before this run."""
        chosen = self.session.chosen if self.session is not None else None
        return chosen is not None and not chosen.target_exists

    @property
    def alone(self) -> bool:
        """The target, which was there, is the only source: nothing can be merged into it."""
        chosen = self.session.chosen if self.session is not None else None
        return chosen is not None and chosen.target_exists and chosen.sources == (chosen.target,)

    @property
    def safety(self) -> Safety:
        """What has happened to the files that matter."""
        return safety(
            self.state, earlier=self.earlier, unchanged=self.unchanged, new=self.new_target
        )

    def write_receipt(self) -> None:
        """Write the run's report beside whatever comes next."""

        def done(path: Path) -> None:
            self.receipt = path

        self.app.ask(Query("the receipt", self._session.write_report, done))

    @property
    def doomed(self) -> tuple[str, ...]:
        """The files that Clean up would delete; known with the gates."""
        return self._session.deletable

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
            self.plan = self.result = self.forecast = None
            self.undecided, self.remade = 0, False
        if number < ORDER.index(Step.VERIFY):
            self.verification = None
