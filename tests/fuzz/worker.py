"""A process that makes attempts; one that hangs or dies costs only itself."""

from __future__ import annotations

import faulthandler
import multiprocessing
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.projects import templates
from tests.fuzz.trial import SECONDS, Trial, attempt


class Worker:
    """A process that makes one attempt after the other; one that hangs is ended."""

    def __init__(self, seed: int, scratch: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        folder = Path(tempfile.mkdtemp(dir=scratch))
        self._process = context.Process(target=_serve, args=(there, seed, folder), daemon=True)
        self._process.start()
        there.close()
        self._here.recv()

    def attempt(self, number: int) -> Trial | None:
        """The trial, or None when the process had to be ended or died."""
        self._here.send(number)
        try:
            if self._here.poll(2 * SECONDS):
                found: Trial = self._here.recv()
                return found
        except EOFError:
            pass
        self._process.kill()
        return None

    def close(self) -> None:
        """End the process."""
        self._here.close()
        self._process.join()


def _serve(pipe: Connection, seed: int, scratch: Path) -> None:
    made = templates(scratch / "templates")
    pipe.send("ready")
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        faulthandler.dump_traceback_later(SECONDS, exit=False)
        pipe.send(attempt(number, seed, made, scratch))
        faulthandler.cancel_dump_traceback_later()
