"""A terminal that may go away: closing it must end the wizard as quitting does.

Textual's driver writes in a thread of its own. The first write to a terminal that is gone ends
that thread, its queue fills up, and the application waits for it forever.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class _Deaf:
    """A stream whose reader may be gone: what cannot be written is dropped."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or drop."""
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, or drop."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def fileno(self) -> int:
        """The descriptor."""
        number: int = self._stream.fileno()
        return number


class PatientDriver(LinuxDriver):
    """Textual's driver, but neither reading nor writing fails when the terminal is gone."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = _Deaf(self._file)  # type: ignore[assignment]

    def _run_input_thread(self) -> None:
        # `is_gone` is asked every second; until then nothing more can be read.
        with suppress(OSError):
            self.run_input_thread()


def is_gone() -> bool:
    """Whether the terminal that the wizard was started in does not exist any more."""
    try:
        return not os.isatty(sys.__stdin__.fileno()) if sys.__stdin__ is not None else True
    except (OSError, ValueError):
        return True
