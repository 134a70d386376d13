"""Configure: make the application use only the target, then see whether it still works."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from consolidator_tui.domain.event import Step
from consolidator_tui.tui.screens.configure_changes import ChangesPage
from consolidator_tui.tui.screens.configure_page import Page
from consolidator_tui.tui.screens.configure_trial import TrialPage
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.widgets.bars import Primary


class ConfigureScreen(StepScreen):
    """Two pages: the changes, and the commands that try them."""

    STEP = Step.CONFIGURE
    BINDINGS: ClassVar[list[BindingType]] = []

    def content(self) -> ComposeResult:
        """Both pages; one is shown."""
        yield ChangesPage(id="changes-page")
        yield TrialPage(id="trial-page")

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self.query_one(TrialPage if self.wizard.on_trial else ChangesPage)

    def turn(self, *, on_trial: bool) -> None:
        """Show the other page."""
        self.wizard.on_trial = on_trial
        self.owner.changed()
        self.arrived()
        self.call_after_refresh(self.take_focus)

    def arrived(self) -> None:
        """Look for what the page shows."""
        if self.idle and self.wizard.can(self.STEP):
            self.page.arrived()

    def summary(self) -> str:
        """What the page is about."""
        return self.page.summary()

    def draw(self) -> None:
        """The page that is shown."""
        page = self.page
        for other in self.query(Page):
            other.display = other is page
        page.draw()

    def take_focus(self) -> None:
        """The page's list."""
        if self._view == "content":
            self.page.main.focus()
        else:
            super().take_focus()

    def primary(self) -> Primary:
        """As the page says."""
        return self.page.primary()

    def act(self) -> None:
        """As the page says."""
        self.page.act()

    def retry(self) -> None:
        """After a failure: with what is there now."""
        wizard = self.wizard
        wizard.failures.pop(self.STEP, None)
        if wizard.proposal is None and not wizard.on_trial:
            wizard.propose(wizard.introduced)
        else:
            self.act()

    def action_dismiss_failure(self) -> None:
        """`esc`: what was there; changes of a file that is not the same any more are looked at."""
        super().action_dismiss_failure()
        self.arrived()
