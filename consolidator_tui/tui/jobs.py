"""Work of the services as the app runs it: one job at a time, and small questions beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from consolidator_tui.domain.event import Step

MAY_STOP = "nothing has changed yet"


@dataclass(frozen=True, slots=True)
class Job:
    """A call of a service that takes over the screen of its step."""

    step: Step
    title: str
    """What is being done, as a phrase: `Backing up 3 files`."""
    run: Callable[[], Awaitable[Any]]
    done: Callable[[Any], None]
    """Takes the result, on the app, when all went well."""
    stopping: str = MAY_STOP
    """What is true after stopping it."""
    quiet: bool = False
    """The screen's content stays while it runs."""


@dataclass(frozen=True, slots=True)
class Query:
    """A short question to a service whose answer one widget waits for."""

    name: str
    """A later query of the same name replaces one that still runs."""
    run: Callable[[], Awaitable[Any]]
    done: Callable[[Any], None]
