"""Absolute paths of the project, wherever they are written, as those of its copy.

A configuration often names its database by an absolute path; without this a command that is run
in the copy would work on the real database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

_GOES_ON = rb"(?![A-Za-z0-9_\-\x80-\xff])(?!\.[A-Za-z0-9_])"
"""What follows must not belong to the name: `/srv/app` is not in `/srv/app2` or `/srv/app.old`."""

Relocate = Callable[[bytes], bytes]


def relocation(spellings: Sequence[Path], copy: Path) -> Relocate:
    """A function that replaces each of `spellings` (absolute folders) by `copy` in any text.

    Percent-encoded spellings (in URIs) and those of JSON (escaped slashes) are replaced as well.
    """
    pairs: dict[bytes, bytes] = {}
    for folder in spellings:
        raw, new = os.fsencode(folder), os.fsencode(copy)
        if len(folder.parts) < 2:
            continue  # A project in `/`: every absolute path would be one of its.
        pairs[raw] = new
        pairs[quote(raw).encode()] = quote(new).encode()
        pairs[raw.replace(b"/", rb"\/")] = new.replace(b"/", rb"\/")
    if not pairs:
        return lambda data: data
    known = b"|".join(re.escape(text) for text in sorted(pairs, key=len, reverse=True))
    # A path that only ends like the project's (`/mnt/srv/app`) is another one.
    pattern = re.compile(rb"(?<![A-Za-z0-9_\-.\x80-\xff])(" + known + rb")" + _GOES_ON)
    return lambda data: pattern.sub(lambda match: pairs[match[1]], data)


def spellings_of(project: Path) -> tuple[Path, ...]:
    """The folder as it was named, and without links. Blocking."""
    absolute = Path(os.path.abspath(project))  # noqa: PTH100 - no link is followed
    real = Path(os.path.realpath(project))
    return (absolute,) if absolute == real else (absolute, real)
