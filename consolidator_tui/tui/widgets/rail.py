"""The steps and where each stands: a column on wide terminals, one line on narrow ones."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.model import Safety
from consolidator_tui.tui.steps import ICONS, NAMES, ORDER, State
from consolidator_tui.tui.text import plain
from consolidator_tui.tui.theme import Inks


def state_style(state: State, ink: Inks) -> str:
    """The colour of a step's state; its icon says the same."""
    styles = {
        State.TODO: ink.muted,
        State.CURRENT: ink.accent + ink.strong,
        State.RUNNING: ink.accent + ink.strong,
        State.DONE: ink.good,
        State.ATTENTION: ink.warn + ink.strong,
        State.FAILED: ink.bad,
    }
    return str(styles[state])


class StepStrip(Static):
    """All steps in one line of at most 80 cells."""

    def show(self, states: dict[Step, State], here: Step, ink: Inks) -> None:
        """Draw the states; `here` is the step on the screen."""
        line = Text(" ", no_wrap=True, end="")
        for step in ORDER:
            state = states[step]
            name_style = state_style(state, ink) if step is here else str(ink.muted)
            line.append(ICONS[state], state_style(state, ink))
            line.append(NAMES[step], f"{name_style} bold" if step is here else name_style)
            line.append("  ")
        if here is Step.ROLLBACK:
            line = Text.assemble((" ▶Roll back  ", str(ink.accent + ink.strong)), line)
        self.update(line)


class StepRail(Vertical):
    """The steps one below the other, and below them what is safe."""

    def compose(self) -> ComposeResult:
        """Heading, steps, safety."""
        yield Static(id="rail-name", markup=False)
        yield Static(id="rail-steps", markup=False)
        yield Static(id="rail-safety", markup=False)

    def show(
        self,
        states: dict[Step, State],
        here: Step,
        notes: dict[Step, str],
        safety: Safety,
        project: str,
        ink: Inks,
    ) -> None:
        """Draw the states with a note (a count, a reason) below each step that has one."""
        muted = str(ink.muted)
        steps = Text(end="")
        shown = (*ORDER, Step.ROLLBACK) if here is Step.ROLLBACK else ORDER
        for step in shown:
            state = states[step]
            style = state_style(state, ink)
            steps.append(f" {ICONS[state]} ", style)
            steps.append(NAMES[step], f"{style} bold" if step is here else "")
            note = notes.get(step) or ("to do again" if state is State.ATTENTION else "")
            steps.append("\n   ")
            steps.append_text(plain(note[:20], muted))
            steps.append("\n")
        self.query_one("#rail-steps", Static).update(steps)
        name = Text(" consolidator-tui\n", str(ink.accent + ink.strong), end="")
        name.append_text(plain(f" {project}", muted))
        self.query_one("#rail-name", Static).update(name)
        self.query_one("#rail-safety", Static).update(_safety(safety, ink))


def _safety(safety: Safety, ink: Inks) -> Text:
    text = Text(end="")
    for label, value in safety.facts:
        text.append(f" {label}\n", str(ink.muted))
        text.append(f"   {value}\n")
    text.append(" Undo all\n", str(ink.muted))
    text.append(f"   {safety.undo}")
    return text
