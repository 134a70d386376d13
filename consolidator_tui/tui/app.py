"""The wizard as an application: it runs the jobs, owns the state, and shows the steps."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerCancelled, WorkerFailed, WorkerState

from consolidator_tui.domain.errors import Cancelled, ConsolidatorError
from consolidator_tui.domain.event import Event, Level, Step
from consolidator_tui.tui.commands import ActionProvider
from consolidator_tui.tui.event_store import EventStore
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.screens import make
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.steps import NAMES
from consolidator_tui.tui.text import safe
from consolidator_tui.tui.theme import DARK, LIGHT, Inks, inks
from consolidator_tui.tui.wizard import Wizard

if TYPE_CHECKING:
    from textual.driver import Driver

    from consolidator_tui.services.session import Session
    from consolidator_tui.tui.modals.question import Question

REFRESH_SECONDS = 0.1
WIDTHS = [(0, "-cramped"), (80, "-narrow"), (110, "-wide")]
HEIGHTS = [(0, "-flat"), (24, "-short"), (32, "-tall")]
OpenSession = Callable[[Path], "AbstractAsyncContextManager[Session]"]


def open_session(project: Path) -> AbstractAsyncContextManager[Session]:
    """The real session; its modules are loaded here, after the first screen was painted."""
    from consolidator_tui.services.session import Session

    return Session.open(project)


class ConsolidatorApp(App[int]):
    """The wizard on one project."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "consolidator-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = App.COMMANDS | {ActionProvider}
    SCREENS: ClassVar[dict[str, Callable[[], Screen[None]]]] = {
        step.value: make(step) for step in Step
    }
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "all keys", priority=True, show=False),
        Binding("ctrl+q", "ask_quit", "quit", priority=True),
        Binding("ctrl+r", "roll_back", "Roll back everything", show=False),
        Binding("ctrl+e", "earlier_runs", "Runs: sizes, receipts, removal", show=False),
    ]

    def __init__(
        self,
        project: Path,
        *,
        opener: OpenSession = open_session,
        now: Callable[[], datetime] = datetime.now,
        monotonic: Callable[[], float] = time.monotonic,
        stop_on_signals: bool = False,
        driver: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver)
        self._stop_on_signals = stop_on_signals
        # Absolute, as everything that is compared with it.
        self.project = Path(os.path.abspath(project))  # noqa: PTH100 - no link is followed
        self.store = EventStore(now, monotonic)
        self.wizard = Wizard(self, self.project)
        self.job: Job | None = None
        self._about_job: Question | None = None
        self.stopping = False
        self._worker: Worker[object] | None = None
        self._queries: dict[str, tuple[Query, Worker[object]]] = {}
        self._opener = opener
        self._session_over = asyncio.Event()
        self._keeper: Worker[None] | None = None
        self._dirty = False
        self._leaving = False
        self._ink: tuple[str, Inks] | None = None
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    # The session lives in one task from opening to closing, as its context manager must.

    def on_mount(self) -> None:
        """Show Discover at once and open the session behind it."""
        self.push_screen(Step.DISCOVER.value)
        self.set_interval(REFRESH_SECONDS, self._refresh)
        self.theme_changed_signal.subscribe(self, lambda _theme: self.changed())
        self.call_after_refresh(self._open)
        if self._stop_on_signals:
            self._watch_signals()

    def _watch_signals(self) -> None:
        """A request to end, or a closed terminal, stops like a person who quits."""
        from consolidator_tui.tui.terminal import is_gone

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopped_from_outside)

        def look() -> None:
            if is_gone():
                self._stopped_from_outside()

        # Not every terminal that goes away sends a signal.
        self.set_interval(1.0, look)

    def _stopped_from_outside(self) -> None:
        self.run_worker(self.leave(1), group="leave", exit_on_error=False)

    def _open(self) -> None:
        if not gc.isenabled():
            # The first screen is there; what was loaded for it is never garbage.
            gc.freeze()
            gc.enable()
        self._keeper = self.run_worker(
            self._keep_session(), name="session", group="session", exit_on_error=False
        )

    async def _keep_session(self) -> None:
        # Loading the services' modules takes longer than a frame.
        context = await asyncio.to_thread(self._opener, self.project)
        async with context as session:
            session.add_listener(self.take_event)
            self.wizard.opened(session)
            await self._session_over.wait()

    def begin_again(self) -> None:
        """A new session on the same project: the run before is closed, its lock given back."""
        self.run_worker(self._reopen(), group="session", exit_on_error=False)

    async def _reopen(self) -> None:
        self._session_over.set()
        if self._keeper is not None:
            await _settled(self._keeper)
        self._session_over = asyncio.Event()
        self.wizard = Wizard(self, self.project)
        self.go_to(Step.DISCOVER)
        self._open()

    def take_event(self, event: Event) -> None:
        """A service told something; the screen follows at the next refresh."""
        self.store.take(event)
        self.wizard.take_event(event)
        self._dirty = True

    def changed(self) -> None:
        """Something that screens show has changed."""
        self._dirty = True
        self._refresh()

    def _refresh(self) -> None:
        if not (self._dirty or self.job) or not self.screen_stack:
            return
        if not self.is_running:
            # The screens are being taken apart, piece by piece.
            return
        self._dirty = False
        for screen in self.screen_stack:
            if isinstance(screen, StepScreen) and screen.is_attached:
                screen.show()

    @property
    def ink(self) -> Inks:
        """The styles of the current theme."""
        if self._ink is None or self._ink[0] != self.theme:
            self._ink = (self.theme, inks(self))
        return self._ink[1]

    @property
    def step_screen(self) -> StepScreen | None:
        """The step that is on the screen, below any dialog."""
        steps = [screen for screen in self.screen_stack if isinstance(screen, StepScreen)]
        return steps[-1] if steps else None

    # Jobs

    def start(self, job: Job) -> bool:
        """Run a job; False, with a word to the person, while another one runs."""
        if self.job is not None:
            self.tell(f"Wait until this is done: {self.job.title}.", Level.WARNING)
            return False
        self.job = job
        self.stopping = False
        self.wizard.failures.pop(job.step, None)
        self.store.begin()
        self._refresh_keys()
        self._worker = self.run_worker(
            _awaited(job), name=job.title, group="job", exit_on_error=False
        )
        self.changed()
        return True

    def _refresh_keys(self) -> None:
        if self.step_screen is not None:
            self.step_screen.refresh_bindings()

    def ask(self, query: Query) -> None:
        """Run a short question; its answer goes to `query.done`."""
        before = self._queries.pop(query.name, None)
        if before is not None:
            before[1].cancel()
        worker = self.run_worker(
            _awaited(query), name=query.name, group="query", exit_on_error=False
        )
        self._queries[query.name] = (query, worker)

    @property
    def asking(self) -> bool:
        """Whether a question waits for its answer."""
        return bool(self._queries)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A job, a question or the session came to an end."""
        worker, state = event.worker, event.state
        if state not in (WorkerState.SUCCESS, WorkerState.ERROR, WorkerState.CANCELLED):
            return
        if worker is self._worker:
            self._job_ended(worker, state)
        elif worker is self._keeper and state is WorkerState.ERROR:
            self.wizard.not_opened(self._error(worker, "opening the project"))
        else:
            self._query_ended(worker, state)
        self.changed()

    def _job_ended(self, worker: Worker[object], state: WorkerState) -> None:
        job, self.job, self._worker = self.job, None, None
        assert job is not None
        if self._about_job is not None and self.screen is self._about_job:
            # What it asks is no longer so.
            self._about_job.dismiss(None)
        self._refresh_keys()
        if state is WorkerState.SUCCESS:
            try:
                job.done(worker.result)
            except ConsolidatorError as error:
                self.wizard.failed(job.step, error)
            return
        if state is WorkerState.CANCELLED:
            stopped = Cancelled(f"{job.title} was stopped.")
            self.wizard.failed(job.step, stopped)
            return
        self.wizard.failed(job.step, self._error(worker, job.title))

    def _query_ended(self, worker: Worker[object], state: WorkerState) -> None:
        found = [q for q, other in self._queries.values() if other is worker]
        if not found:
            return
        query = found[0]
        del self._queries[query.name]
        if state is WorkerState.SUCCESS:
            query.done(worker.result)
        elif state is WorkerState.ERROR:
            error = self._error(worker, query.name)
            self.tell(f"{error.title}: {error}", Level.ERROR)

    def _error(self, worker: Worker[object] | Worker[None], what: str) -> ConsolidatorError:
        from consolidator_tui.services.failure import translate

        error = worker.error
        if not isinstance(error, Exception):
            return ConsolidatorError(f"{what} ended without a reason ({type(error).__name__}).")
        return translate(error, what)

    def tell(self, sentence: str, level: Level = Level.INFO) -> None:
        """Say something now, and keep it in the log."""
        severity = {Level.WARNING: "warning", Level.ERROR: "error"}.get(level, "information")
        step = self.step_screen.STEP if self.step_screen else Step.DISCOVER
        self.store.add(step, level, sentence)
        self.notify(safe(sentence, 400), severity=severity, markup=False)  # type: ignore[arg-type]
        self._dirty = True

    def action_help_quit(self) -> None:
        """`ctrl+c` leaves nothing by accident; it says what does."""
        if self.screen.is_modal:
            self.tell("esc closes this; ctrl+q leaves the wizard.")
            return
        stops = "; c stops what is running" if self.job is not None else ""
        self.tell(f"ctrl+q leaves the wizard{stops}.")

    # Moving about

    def go_to(self, step: Step) -> None:
        """Put a step on the screen."""
        here = self.step_screen
        if here is not None and here.STEP is step:
            here.arrived()
            return
        if isinstance(self.screen, StepScreen):
            self.switch_screen(step.value)

    def back_to_step(self) -> None:
        """Leave the review, the log and whatever else stands above the step."""
        while self.step_screen is not None and not isinstance(self.screen, StepScreen):
            self.pop_screen()

    def action_roll_back(self) -> None:
        """Ask, then undo everything."""
        self.wizard.ask_roll_back()

    def action_earlier_runs(self) -> None:
        """The runs that there were, on a screen of their own above a step's."""
        if self.wizard.session is None or not isinstance(self.screen, StepScreen):
            return
        if self.job is not None:
            self.tell(f"Wait until this is done: {self.job.title}.", Level.WARNING)
            return
        from consolidator_tui.tui.screens.runs import RunsScreen

        def left(name: str | None) -> None:
            if name is not None:
                self.wizard.ask_roll_back(name)

        self.push_screen(RunsScreen(), left)

    async def action_ask_quit(self) -> None:
        """Leave at once, or ask while work runs."""
        if self.job is None:
            await self.leave()
            return
        from consolidator_tui.tui.modals.question import Choice, Question

        job = self.job
        question = Question(
            f"{safe(job.title)} is still running",
            f"Stopping it now: {job.stopping}. The run can be resumed at the next start.",
            [Choice("keep", "Keep going"), Choice("quit", "Stop and quit", danger=True)],
        )
        self.ask_about_job(question, self._quit_answered)

    def ask_about_job(self, question: Question, answered: Callable[[str | None], None]) -> None:
        """Ask about the work that runs; when that ends first, the question goes with it."""
        self._about_job = question
        self.push_screen(question, answered)

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "quit":
            self.run_worker(self.leave(), group="leave", exit_on_error=False)

    def stop_job(self) -> None:
        """Cancel the running job; it ends when the service has put things right."""
        if self._worker is not None and not self.stopping:
            self.stopping = True
            self._worker.cancel()
            self.changed()

    async def leave(self, status: int = 0) -> None:
        """Stop all work, close the session, and only then exit."""
        if self._leaving:
            return
        self._leaving = True
        running = [worker for _, worker in self._queries.values()]
        if self._worker is not None:
            self.stopping = True
            running.append(self._worker)
        for worker in running:
            worker.cancel()
            await _settled(worker)
        self._session_over.set()
        if self._keeper is not None:
            await _settled(self._keeper)
        self.exit(status)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's own entries: themes, the terminal's keys, quitting."""
        yield SystemCommand("Change the theme", "Colours of the screen", self.action_change_theme)
        yield SystemCommand("Quit", "Leave the wizard (ctrl+q)", self.action_ask_quit)

    def title_of(self, step: Step) -> Text:
        """The name of a step as unparsed text."""
        return Text(NAMES[step])


async def _awaited(work: Job | Query) -> object:
    return await work.run()


async def _settled(worker: Worker[object] | Worker[None]) -> None:
    """Wait until a worker has ended, however it did; its error is shown by its own handler."""
    try:
        await worker.wait()
    except (WorkerCancelled, WorkerFailed):
        return


def run_wizard(project: Path) -> int:
    """Run the wizard until the person leaves; returns the exit status of the command."""
    from consolidator_tui.tui.terminal import PatientDriver

    app = ConsolidatorApp(project, stop_on_signals=True, driver=PatientDriver)
    result = app.run()
    return result if result is not None else app.return_code or 0
