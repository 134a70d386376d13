"""The wizard in a terminal of its own that is closed, or told to end."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.services.session_project import hashes, write_shop

SECONDS = 60


def _start(project: Path) -> tuple[int, int]:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "consolidator_tui", str(project)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return child, terminal


def _read_until(terminal: int, word: bytes) -> None:
    seen = b""
    deadline = time.monotonic() + SECONDS
    while word not in seen:
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536)


def _status(child: int) -> int:
    descriptor = os.pidfd_open(child)
    try:
        assert select.select([descriptor], [], [], SECONDS)[0], "the wizard goes on"
    finally:
        os.close(descriptor)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("how", ["close", "SIGTERM"])
def test_the_wizard_ends_and_leaves_everything_as_it_is(tmp_path: Path, how: str) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    child, terminal = _start(tmp_path)
    try:
        _read_until(terminal, b"Inspect 2 files")
        os.write(terminal, b"\r")
        _read_until(terminal, b"Continue to Back up")
        if how != "close":
            os.kill(child, getattr(signal, how))
            # A terminal that nobody reads would hold the last words back.
            time.sleep(0.1)
    finally:
        os.close(terminal)
    assert _status(child) == 1
    assert hashes(tmp_path) == before
