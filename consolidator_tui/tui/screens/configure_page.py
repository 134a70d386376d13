"""What the pages of Configure have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import Vertical
from textual.widget import Widget

from consolidator_tui.tui.widgets.bars import Primary

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.screens.configure import ConfigureScreen
    from consolidator_tui.tui.theme import Inks
    from consolidator_tui.tui.wizard import Wizard


class Page(Vertical):
    """One of the two; its own keys are there while the focus is on it."""

    @property
    def owner(self) -> ConsolidatorApp:
        """The app, as what it is."""
        return cast("ConsolidatorApp", self.app)

    @property
    def wizard(self) -> Wizard:
        """What the wizard knows."""
        return self.owner.wizard

    @property
    def ink(self) -> Inks:
        """The styles of the current theme."""
        return self.owner.ink

    @property
    def step_screen(self) -> ConfigureScreen:
        """The screen that the page is on."""
        return cast("ConfigureScreen", self.screen)

    @property
    def main(self) -> Widget:
        """What takes the focus."""
        raise NotImplementedError

    def arrived(self) -> None:
        """The page came on the screen and nothing runs."""
        raise NotImplementedError

    def summary(self) -> str:
        """A few words beside the step's name."""
        raise NotImplementedError

    def draw(self) -> None:
        """Bring it up to date."""
        raise NotImplementedError

    def primary(self) -> Primary:
        """What `enter` does now."""
        raise NotImplementedError

    def act(self) -> None:
        """Do it."""
        raise NotImplementedError
