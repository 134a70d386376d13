"""The screens of the wizard, one per step."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from textual.screen import Screen

from consolidator_tui.domain.event import Step

CLASSES: dict[Step, tuple[str, str]] = {
    Step.DISCOVER: ("discover", "DiscoverScreen"),
    Step.INSPECT: ("inspect", "InspectScreen"),
    Step.BACKUP: ("back_up", "BackUpScreen"),
    Step.MIGRATE: ("migrate", "MigrateScreen"),
    Step.VERIFY: ("verify", "VerifyScreen"),
    Step.CONFIGURE: ("configure", "ConfigureScreen"),
    Step.CLEANUP: ("clean_up", "CleanUpScreen"),
    Step.ROLLBACK: ("roll_back", "RollBackScreen"),
}


def make(step: Step) -> Callable[[], Screen[None]]:
    """What makes a step's screen; its module is loaded when it is first shown."""

    def build() -> Screen[None]:
        module, name = CLASSES[step]
        screen: Screen[None] = getattr(import_module(f"{__name__}.{module}"), name)()
        return screen

    return build
