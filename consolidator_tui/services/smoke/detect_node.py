"""Scripts of package.json. npm starts them in the package's folder, wherever it is started."""

from __future__ import annotations

import json
import posixpath

from consolidator_tui.domain.smoke import CommandKind, SmokeCommand, Start
from consolidator_tui.services.smoke.sources import Project

_KINDS = {
    "test": (CommandKind.TESTS, 900.0),
    "seed": (CommandKind.SCRIPT, 120.0),
    "db:seed": (CommandKind.SCRIPT, 120.0),
    "migrate": (CommandKind.CREATE, 120.0),
    "db:migrate": (CommandKind.CREATE, 120.0),
    "start": (CommandKind.SERVER, 60.0),
}
_NO_TESTS = "no test specified"


def node_commands(project: Project) -> list[SmokeCommand]:
    """test, start, seed and migrate of each package; selected where packages are installed.

    A server is told its port by the variable PORT.
    """
    made = []
    for path, text in sorted(project.texts.items()):
        folder, name = posixpath.split(path)
        if name != "package.json":
            continue
        try:
            scripts = json.loads(text).get("scripts", {})
        except (ValueError, AttributeError):
            continue  # Not what npm reads either.
        installed = (project.folder / folder / "node_modules").is_dir()
        for script, (kind, timeout) in _KINDS.items():
            line = scripts.get(script) if isinstance(scripts, dict) else None
            if not isinstance(line, str) or _NO_TESTS in line:
                continue
            made.append(
                SmokeCommand(
                    f"npm run {script}" + (f" in {folder}" if folder else ""),
                    kind,
                    (Start(folder, f"npm run {script}"),),
                    timeout=timeout,
                    selected=installed and kind is not CommandKind.SERVER,
                    reason=path,
                )
            )
    return made
