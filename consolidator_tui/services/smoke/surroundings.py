"""The world of a smoke command: its interpreter, its environment, the audit hook."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from consolidator_tui.domain.smoke import OUTSIDE, PORT, PROJECT, Start
from consolidator_tui.services.smoke.copying import Copy, Scratch, find_python
from consolidator_tui.services.smoke.process import MARK, shell_path

_DROPPED = ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PWD", "OLDPWD", "PORT")
_DROPPED_PREFIXES = ("PYTEST_", "COV_CORE_", "COVERAGE_")
_HOOK = "sitecustomize.py"


@dataclass(frozen=True, slots=True)
class World:
    """What all starts of one smoke run share."""

    scratch: Scratch
    copy: Copy
    python: Path
    base: Mapping[str, str]
    """The person's environment, without what would change what the application does."""

    @property
    def mark(self) -> str:
        """Value of the variable that marks this run's processes."""
        return self.scratch.root.name

    def folder(self, start: Start) -> Path:
        """The working directory of a start (absolute)."""
        if start.folder == OUTSIDE:
            return self.scratch.outside
        return self.copy.folder / start.folder

    def command(self, start: Start, port: int | None) -> str:
        """The shell line of a start."""
        text = start.command.replace(PROJECT, shlex.quote(os.fspath(self.copy.folder)))
        text = text.replace(PORT, str(port or 0))
        return os.fsdecode(self.copy.relocate(os.fsencode(text)))

    def environment(self, start: Start, port: int | None) -> dict[str, str]:
        """The variables of a start."""
        made = dict(self.base)
        for name, value in start.environment.items():
            filled = value.replace(PROJECT, os.fspath(self.copy.folder))
            filled = filled.replace(PORT, str(port or 0))
            made[name] = os.fsdecode(self.copy.relocate(os.fsencode(filled)))
        if port is not None:
            made.setdefault("PORT", str(port))
        path = made.get("PYTHONPATH", "")
        made["PYTHONPATH"] = shell_path([self.scratch.hook], path)
        made[MARK] = self.mark
        return made


def make_world(
    scratch: Scratch, copy: Copy, folders: Sequence[str], outer: Mapping[str, str]
) -> World:
    """Find the interpreter, write the hook and a `python` that runs it. Blocking.

    `folders`: where the commands are started; an environment near them is taken first, then the
    one that is active in `outer`, then the interpreter of this program.
    """
    inside = [folder for folder in folders if folder != OUTSIDE]
    python = find_python(copy.project, inside) or _active(outer) or Path(sys.executable)
    _write_hook(scratch, copy)
    for name in ("python", "python3"):
        # A link would hide the environment from the interpreter.
        tool = scratch.tools / name
        tool.write_text(f'#!/bin/sh\nexec {shlex.quote(os.fspath(python))} "$@"\n')
        tool.chmod(0o700)
    return World(scratch, copy, python, _base(scratch, copy, python, outer))


def _active(outer: Mapping[str, str]) -> Path | None:
    place = outer.get("VIRTUAL_ENV")
    python = Path(place, "bin", "python") if place else None
    return python if python is not None and os.access(python, os.X_OK) else None


def _base(scratch: Scratch, copy: Copy, python: Path, outer: Mapping[str, str]) -> dict[str, str]:
    made = {
        name: value if name == "PATH" else os.fsdecode(copy.relocate(os.fsencode(value)))
        for name, value in outer.items()
        if name not in _DROPPED and not name.startswith(_DROPPED_PREFIXES)
    }
    made["PATH"] = shell_path([scratch.tools, python.parent], outer.get("PATH", os.defpath))
    if (python.parent.parent / "pyvenv.cfg").is_file():
        made["VIRTUAL_ENV"] = os.fspath(python.parent.parent)
    return {
        **made,
        "TMPDIR": os.fspath(scratch.temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        # Neither may reach out of the copy: into the real repository or environment.
        "GIT_CEILING_DIRECTORIES": os.fspath(scratch.root),
        "UV_NO_SYNC": "1",
    }


def _write_hook(scratch: Scratch, copy: Copy) -> None:
    source = files("consolidator_tui.services.smoke") / "hook" / _HOOK
    (scratch.hook / _HOOK).write_bytes(source.read_bytes())
    real = os.path.realpath(copy.project)
    folders = sorted({os.fspath(copy.project), real})
    old = [os.path.realpath(copy.project / path) for path in (*copy.left_out, copy.target)]
    free = [os.fspath(folder) for folder in copy.free]
    links = [
        os.path.join(folder, os.path.relpath(place, real))  # noqa: PTH118
        for place in free
        for folder in (*folders, os.fspath(copy.folder))
        if place.startswith(real + os.sep)
    ]
    settings = {
        "copy": os.fspath(copy.folder),
        "scratch": os.fspath(scratch.root),
        "log": os.fspath(scratch.log),
        "real": folders,
        "real_files": old,
        "free": [*free, *links],
    }
    (scratch.hook / "smoke.json").write_text(json.dumps(settings), encoding="ascii")
