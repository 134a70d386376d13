"""The frame of every step: rail, title, content, primary action, log, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.model import rail_states
from consolidator_tui.tui.steps import NAMES
from consolidator_tui.tui.text import safe
from consolidator_tui.tui.widgets.bars import ActionBar, Primary, TitleBar, TooSmall
from consolidator_tui.tui.widgets.failure_panel import FailurePanel
from consolidator_tui.tui.widgets.key_bar import KeyBar
from consolidator_tui.tui.widgets.log_panel import LogPanel
from consolidator_tui.tui.widgets.rail import StepRail, StepStrip
from consolidator_tui.tui.widgets.working import Working

Part = TypeVar("Part", Working, FailurePanel)

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.theme import Inks
    from consolidator_tui.tui.wizard import Wizard


class StepScreen(Screen[None]):
    """A step; subclasses give `content`, `primary`, `act` and draw themselves in `draw`."""

    STEP: ClassVar[Step]
    MAIN: ClassVar[str] = ""
    """Selector of the widget that takes the focus."""
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Primary action", show=False),
        Binding("c", "stop", "stop"),
        Binding("left_square_bracket", "step(-1)", "Step back", show=False),
        Binding("right_square_bracket", "step(1)", "Step forward", show=False),
        Binding("escape", "dismiss_failure", "Back to what was there", show=False),
        Binding("L", "log", "log", tooltip="Show the whole event log"),
        Binding("question_mark", "help", "help", tooltip="Help for this screen"),
    ]

    _view = ""
    _composed = False

    @property
    def wizard(self) -> Wizard:
        """What the wizard knows."""
        return self.owner.wizard

    @property
    def owner(self) -> ConsolidatorApp:
        """The app, as what it is."""
        return cast("ConsolidatorApp", self.app)

    @property
    def ink(self) -> Inks:
        """The styles of the current theme."""
        return self.owner.ink

    def compose(self) -> ComposeResult:
        """The frame around the content."""
        yield StepStrip(id="strip", markup=False)
        with Horizontal(id="body"):
            yield StepRail(id="rail")
            with Vertical(id="page"):
                yield TitleBar(id="title")
                with Vertical(id="content"):
                    yield from self.content()
                yield ActionBar(id="actions")
        yield LogPanel(id="log")
        yield KeyBar()
        yield TooSmall()

    def content(self) -> ComposeResult:
        """The step's own widgets."""
        raise NotImplementedError

    def draw(self) -> None:
        """Bring the step's own widgets up to date."""
        raise NotImplementedError

    def primary(self) -> Primary:
        """What `enter` does now."""
        raise NotImplementedError

    def act(self) -> None:
        """Do it."""
        raise NotImplementedError

    def arrived(self) -> None:
        """The step came on the screen: start what it needs by itself."""

    def summary(self) -> str:
        """A few words beside the step's name; empty shows its purpose."""
        return ""

    # Drawing

    def on_mount(self) -> None:
        """Draw once before the first event."""
        self._composed = True
        self.show()

    def on_screen_resume(self) -> None:
        """The step is on the screen (again)."""
        if self.owner.step_screen is self:
            self.arrived()
            self.show()

    def on_resize(self) -> None:
        """Bars and lines know their width only after layout."""
        if self._view == "working":
            self.call_after_refresh(self.show)

    def show(self) -> None:
        """Bring everything up to date with the wizard."""
        if not self._composed:
            return
        app, ink = self.owner, self.ink
        running = app.job.step if app.job is not None else None
        state = self.wizard.state
        states = dict(rail_states(state, self.STEP, running))
        safe_now = self.wizard.safety
        self.query_one(StepStrip).show(states, self.STEP, ink)
        self.query_one(StepRail).show(
            states, self.STEP, self.wizard.notes, safe_now, app.project.name, ink
        )
        self.query_one(TitleBar).show(self.STEP, self.summary(), safe_now, ink)
        self.query_one(LogPanel).show(app.store, ink)
        self._show_view()
        self.query_one(ActionBar).show(self._primary(), ink)

    def _show_view(self) -> None:
        app, job = self.owner, self.owner.job
        error = self.wizard.failures.get(self.STEP)
        view = "content"
        if job is not None and job.step is self.STEP and not job.quiet:
            view = "working"
            working = self._part(Working, "working")
            if working is not None:
                working.show(job.title, app.store, app.stopping, self.ink)
        elif error is not None:
            view = "failure"
            panel = self._part(FailurePanel, "failure")
            if panel is not None:
                place = self.wizard.log_place
                safe_now = self.wizard.safety
                panel.show(error, safe_now, self._failure_keys(), place, self.ink)
        for name in ("content", "working", "failure"):
            self.query(f"#{name}").set(display=name == view)
        if view == "content":
            self.draw()
            if self.focused is None:
                self.call_after_refresh(self.take_focus)
        if view != self._view:
            self._view = view
            self.refresh_bindings()
            if view != "working":
                self.call_after_refresh(self.take_focus)

    def _part(self, kind: type[Part], name: str) -> Part | None:
        """A panel that most screens never need; None until it is mounted."""
        found = self.query(f"#{name}")
        if not found:
            # Making it with the screen would delay the first paint.
            self.query_one("#page").mount(kind(id=name), before="#actions")
        elif found.first(kind).complete:
            return found.first(kind)
        self.call_after_refresh(self.show)
        return None

    def _failure_keys(self) -> str:
        undo = "   ctrl+r roll back" if self.wizard.state.backed_up else ""
        return f"enter try again   [ back{undo}   L log   ctrl+q quit"

    def take_focus(self) -> None:
        """Put the focus on the step's main widget, or on the failure."""
        if self._view == "failure":
            self.query_one(FailurePanel).focus()
        elif self.MAIN and self._view == "content":
            found: Widget = self.query_one(self.MAIN)
            if found.display:
                found.focus()

    # Actions

    @property
    def idle(self) -> bool:
        """Whether the step may start something by itself: nothing runs, nothing failed."""
        wizard = self.wizard
        open_ = wizard.session is not None
        return open_ and self.owner.job is None and self.STEP not in wizard.failures

    def _primary(self) -> Primary:
        job = self.owner.job
        if job is not None and (not job.quiet or job.step is not self.STEP):
            stop = "Stopping …" if self.owner.stopping else "c stops it"
            return Primary("Working", f"{safe(job.title)} · {stop}", enabled=False)
        if self.wizard.session is None:
            return Primary("Opening the project", enabled=False)
        if self.STEP in self.wizard.failures:
            return Primary("Try again", "esc shows what was there before")
        return self.primary()

    @property
    def primary_label(self) -> str:
        """The name of what `enter` does now."""
        return self._primary().label

    def action_primary(self) -> None:
        """`enter`: the primary action, if it is enabled."""
        primary = self._primary()
        if not primary.enabled:
            self.owner.bell()
            return
        if self.STEP in self.wizard.failures:
            self.retry()
            return
        self.act()

    def retry(self) -> None:
        """After a failure: do it again."""
        self.wizard.failures.pop(self.STEP, None)
        self.act()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse can press the primary action too."""
        if event.button.id == "primary":
            event.stop()
            self.action_primary()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`c` is there only while something runs, the step's own keys only when nothing does."""
        job = self.owner.job
        if action == "stop":
            return job is not None
        if action == "dismiss_failure":
            return self.STEP in self.wizard.failures
        return not (self._view in ("working", "failure") and action in self.own_actions())

    @classmethod
    def own_actions(cls) -> frozenset[str]:
        """Actions that make sense only while the content is there."""
        bindings = cls.__dict__.get("BINDINGS", [])
        return frozenset(b.action.partition("(")[0] for b in bindings if isinstance(b, Binding))

    def action_step(self, by: int) -> None:
        """`[` and `]`."""
        self.wizard.step_by(self.STEP, by)

    def action_stop(self) -> None:
        """`c`: ask whether to stop the work."""
        from consolidator_tui.tui.modals.question import Choice, Question

        job = self.owner.job
        if job is None:
            return
        question = Question(
            f"Stop {NAMES[job.step]}?",
            f"{safe(job.title)} is running.",
            [
                Choice("keep", "Keep going"),
                Choice("stop", f"Stop ({job.stopping})", danger=True),
            ],
        )
        self.owner.ask_about_job(question, self._stop_answered)

    def _stop_answered(self, answer: str | None) -> None:
        if answer == "stop":
            self.owner.stop_job()

    def action_dismiss_failure(self) -> None:
        """`esc`: look at the step as it was before its last try failed."""
        self.wizard.failures.pop(self.STEP, None)
        self.owner.changed()

    def action_log(self) -> None:
        """`L`: the whole log."""
        from consolidator_tui.tui.screens.log import LogScreen

        self.app.push_screen(LogScreen())

    def action_help(self) -> None:
        """`?`: the guide's page of this step."""
        from consolidator_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.STEP.value))
