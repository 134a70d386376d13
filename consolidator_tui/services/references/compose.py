"""Whether docker compose hands a value of a .env file to containers: host paths are not there."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_MOST_BYTES = 500_000
_WORKING_FOLDER = re.compile(r"\A\$(?:PWD\b|\{PWD\})")


class ComposeFiles:
    """The compose files of a project, each read when it is first asked for."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._found: dict[PurePosixPath, list[tuple[str, str]]] = {}

    def hands(self, env_file: str, key: str) -> str:
        """How the key of that file (relative to the project) reaches a container: a part of a
        sentence, or an empty text when no compose file says so. Blocking.

        Beside a compose file, `.env` only fills in `${KEY}`; a container sees it when the service
        names it as `env_file`, or mounts its folder, and does not set the key itself.
        """
        folder = PurePosixPath(env_file).parent
        for place in (folder, *folder.parents):
            for name, text in self._in(place):
                how = _hands(text, place, env_file, key)
                if how:
                    return f"{name} {how}"
        return ""

    def _in(self, folder: PurePosixPath) -> list[tuple[str, str]]:
        if folder not in self._found:
            self._found[folder] = []
            for pattern in ("*compose*.yml", "*compose*.yaml"):
                for path in sorted((self._project / folder).glob(pattern)):
                    self._read(folder, path)
        return self._found[folder]

    def _read(self, folder: PurePosixPath, path: Path) -> None:
        try:
            if path.is_file() and path.stat().st_size <= _MOST_BYTES:
                text = path.read_bytes().decode("utf-8-sig", "replace")
                self._found[folder].append(((folder / path.name).as_posix(), text))
        except OSError:
            # What cannot be read is nothing that compose could start here either.
            return


def _hands(text: str, folder: PurePosixPath, env_file: str, key: str) -> str:
    filled = env_file == (folder / ".env").as_posix()
    if filled and re.search(rf"(?<!\$)\$(?:{re.escape(key)}\b|\{{{re.escape(key)}[}}:?+-])", text):
        return f"fills it in as ${{{key}}}"
    try:
        services = YAML(typ="safe", pure=True).load(text)["services"].values()
    except (YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "cannot be read, and may hand this file to containers" if "env_file" in text else ""
    for service in services:
        if not isinstance(service, dict):
            continue
        own = _environment(service.get("environment"))
        if key in own:
            if own[key] is None and filled:
                return f"passes {key} on"
            continue
        if env_file in {_normal(folder, name) for name in _names(service.get("env_file"))}:
            return "gives this file to a container (env_file)"
        if any(_holds(_normal(folder, name), env_file) for name in _mounts(service)):
            return "mounts the folder of this file into a container, which may read it there"
    return ""


def _normal(folder: PurePosixPath, name: str) -> str:
    return posixpath.normpath((folder / name).as_posix())


def _mounts(service: dict[str, Any]) -> list[str]:
    """The folders and files of this machine that a service sees, relative to its compose file."""
    value = service.get("volumes")
    found = []
    for item in value if isinstance(value, list) else ():
        source = item.get("source") if isinstance(item, dict) else str(item).partition(":")[0]
        source = _WORKING_FOLDER.sub(".", str(source))
        # What does not begin like a path is the name of a volume.
        if source.startswith("."):
            found.append(source)
    return found


def _holds(place: str, file: str) -> bool:
    return place in (".", file) or file.startswith(f"{place}/")


def _names(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    names = [item.get("path") if isinstance(item, dict) else item for item in items]
    return [name for name in names if isinstance(name, str)]


def _environment(value: Any) -> dict[str, Any]:
    """The variables that a service sets; None for one that is passed on."""
    if isinstance(value, dict):
        return {str(name): given for name, given in value.items()}
    found: dict[str, Any] = {}
    for item in value if isinstance(value, list) else ():
        name, given, text = str(item).partition("=")
        found[name] = text if given else None
    return found
