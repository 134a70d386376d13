"""Stands beside one command of the application: when who started it is gone, the command goes.

A program of its own that imports nothing of the package: `kill -9` gives the wizard no chance to
end what it started, but closes the pipe that this program reads. What stands in it is the
command's process group; `ended` says that all is well, and the end without it that nobody is left.
What left the group is found by the mark in its environment, on Linux only: other systems do not
show the environments of processes in files.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def main(mark: bytes, grace: float) -> None:
    """Wait for the pipe to say what to do."""
    said = sys.stdin.buffer.read().split()
    if said and b"ended" not in said:
        end(int(said[0]), mark, grace)


def end(group: int, mark: bytes, grace: float) -> None:
    """End the group, after the grace with SIGKILL, and then what carries the mark."""
    last = time.monotonic() + grace
    _signal(group, signal.SIGTERM)
    while _signal(group, 0) and time.monotonic() < last:
        time.sleep(0.05)
    _signal(group, signal.SIGKILL)
    for process in marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)


def marked(mark: bytes) -> Iterator[int]:
    """The processes of this user with that entry in their environment."""
    for entries in Path("/proc").glob("[0-9]*/environ") if mark else ():
        with contextlib.suppress(OSError):  # Another user's, or gone.
            if mark in entries.read_bytes().split(b"\0"):
                yield int(entries.parent.name)


def _signal(group: int, number: int) -> bool:
    """Whether there was something to send it to."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main(os.fsencode(sys.argv[1]), float(sys.argv[2]))
