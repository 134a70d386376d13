"""The standard streams before the first and after the last word."""

from __future__ import annotations

import os
import sys


def prepare_streams() -> None:
    """Let stdout and stderr take any text; bytes that are no text appear as escapes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def silence_closed_streams() -> None:
    """Keep Python from complaining at exit about a pipe that nobody reads."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            descriptor = os.open(os.devnull, os.O_WRONLY)
            os.dup2(descriptor, stream.fileno())
            os.close(descriptor)
