"""Whether a value of a .env file reaches containers: paths of this machine are not there."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from consolidator_tui.services.references.images import Images

_WORKING_FOLDER = re.compile(r"\A\$(?:PWD\b|\{PWD\})")


class Containers:
    """The compose files and Dockerfiles of a project, each read when it is first asked for."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._images = Images(project)
        self._found: dict[PurePosixPath, list[str]] = {}
        self._built_here: set[str] = set()
        """Dockerfiles of which a compose file says from which folder they are built."""

    def hands(self, env_file: str, key: str) -> str:
        """How the key of that file (relative to the project) reaches a container: a part of a
        sentence, or an empty text when nothing says so. Blocking.

        Beside a compose file, `.env` only fills in `${KEY}`; a container sees it when the service
        names it as `env_file`, mounts its folder, or is built from a folder that holds it, and
        does not set the key itself.
        """
        folder = PurePosixPath(env_file).parent
        for place in (folder, *folder.parents):
            for name in self._in(place):
                how = self._hands(name, env_file, key)
                if how:
                    return f"{name} {how}"
        return self._images.takes(env_file, key, self._built_here)

    def _in(self, folder: PurePosixPath) -> list[str]:
        """The compose files of a folder and of the folders right below it."""
        if folder not in self._found:
            base = self._project / folder
            self._found[folder] = [
                (folder / path.relative_to(base)).as_posix()
                for pattern in ("*compose*.y*ml", "*/*compose*.y*ml")
                for path in sorted(base.glob(pattern))
            ]
        return self._found[folder]

    def _hands(self, name: str, env_file: str, key: str) -> str:
        text, folder = self._images.text(name), PurePosixPath(name).parent
        filled = env_file == (folder / ".env").as_posix()
        used = rf"(?<!\$)\$(?:{re.escape(key)}\b|\{{{re.escape(key)}[}}:?+-])"
        if filled and re.search(used, text):
            return f"fills it in as ${{{key}}}"
        try:
            services = YAML(typ="safe", pure=True).load(text)["services"].values()
        except (YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            may = any(word in text for word in ("env_file", "build", "volumes"))
            return "cannot be read, and may hand this file to containers" if may else ""
        known = [service for service in services if isinstance(service, dict)]
        builds = {id(service): self._built(service.get("build"), folder) for service in known}
        for service in known:
            own = _environment(service.get("environment"))
            if key in own:
                if own[key] is None and filled:
                    return f"passes {key} on"
                continue
            if env_file in {_normal(folder, name) for name in _names(service.get("env_file"))}:
                return "gives this file to a container (env_file)"
            if any(self._lies_in(env_file, folder, name) for name in _mounts(service)):
                return "mounts the folder of this file into a container, which may read it there"
            built = builds[id(service)]
            if built is not None and self._images.copies(*built, env_file, key):
                return "builds an image that this file is copied into"
        return ""

    def _built(self, build: Any, folder: PurePosixPath) -> tuple[str, str, str] | None:
        """The text of the Dockerfile of a service, its path, and the folder it is built from."""
        told = build if isinstance(build, dict) else {"context": build}
        where = told.get("context") or ("." if isinstance(build, dict) else None)
        if not isinstance(where, str) or "://" in where or where.startswith("git@"):
            return None
        # What a variable stands for is not known here; most often it is the same folder.
        context = _normal(folder, "." if "$" in where else where)
        inline = told.get("dockerfile_inline")
        if isinstance(inline, str):
            return inline, "", context
        name = _normal(PurePosixPath(context), str(told.get("dockerfile") or "Dockerfile"))
        self._built_here.add(name)
        return self._images.text(name), name, context

    def _lies_in(self, file: str, folder: PurePosixPath, name: str) -> bool:
        place = Path(os.path.normpath(self._project / folder / name))
        return place.parent != place and (self._project / file).is_relative_to(place)


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
        if source.startswith((".", "/")):
            found.append(source)
    develop = service.get("develop")
    watched = develop.get("watch") if isinstance(develop, dict) else None
    for item in watched if isinstance(watched, list) else ():
        # `docker compose watch` copies what is below into the running container.
        if isinstance(item, dict) and str(item.get("action")).startswith("sync"):
            found.append(str(item.get("path")))
    return found


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
