"""Whether a value of a .env file reaches containers: paths of this machine are not there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from consolidator_tui.services.references.find import walk
from consolidator_tui.services.references.images import Images

_COMPOSE = re.compile(r".*compose.*\.ya?ml")
_WORKING_FOLDER = re.compile(r"\A\$(?:PWD\b|\{PWD\})")
_VARIABLE = re.compile(r"\$(?:\{\w+(?::?-(?P<given>[^{}]*)|[^{}]*)\}|\w+)")
_UNKNOWN = "\0"
"""Stands for the value of a variable."""


class Containers:
    """The compose files and Dockerfiles of a project, each read when it is first asked for."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._images = Images(project)
        self._found: list[str] | None = None
        self._built_here: set[str] = set()
        """Dockerfiles of which a compose file says from which folder they are built."""

    def hands(self, env_file: str, key: str) -> str:
        """How the key of that file (relative to the project) reaches a container: a part of a
        sentence, or an empty text when nothing says so. Blocking.

        Beside a compose file, `.env` only fills in `${KEY}`; a container sees it when the service
        names it as `env_file`, mounts its folder, or is built from a folder that holds it, and
        does not set the key itself.
        """
        for name in self._all():
            how = self._hands(name, env_file, key)
            if how:
                return f"{name} {how}"
        return self._images.takes(env_file, key, self._built_here)

    def _all(self) -> list[str]:
        """The compose files of the project, those nearest to its root first."""
        if self._found is None:
            found = walk(
                self._project,
                lambda path: _COMPOSE.fullmatch(PurePosixPath(path).name) is not None,
            )
            self._found = sorted(found, key=lambda path: (path.count("/"), path))
        return self._found

    def _hands(self, name: str, env_file: str, key: str) -> str:
        text, folder = self._images.text(name), PurePosixPath(name).parent
        filled = env_file == (folder / ".env").as_posix()
        used = rf"(?<!\$)\$(?:{re.escape(key)}\b|\{{{re.escape(key)}[}}:?+-])"
        if filled and re.search(used, text):
            return f"fills it in as ${{{key}}}"
        try:
            whole = YAML(typ="safe", pure=True).load(text)
            services = whole["services"].values()
        except (YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            words = ("env_file", "build", "volumes")
            may = self._images.unread(name) or any(word in text for word in words)
            return "cannot be read, and may hand this file to containers" if may else ""
        known = [service for service in services if isinstance(service, dict)]
        for kind in ("secrets", "configs"):
            if any(self._is(env_file, folder, name) for name in _files(whole.get(kind))):
                return f"gives this file to containers ({kind})"
        builds = {id(service): self._built(service.get("build"), folder) for service in known}
        for service in known:
            own = _environment(service.get("environment"))
            if key in own:
                if own[key] is None and filled:
                    return f"passes {key} on"
                continue
            if any(self._is(env_file, folder, name) for name in _names(service.get("env_file"))):
                return "gives this file to a container (env_file)"
            if any(self._lies_in(env_file, folder, name) for name in _mounts(service)):
                return "mounts the folder of this file into a container, which may read it there"
            built = builds[id(service)]
            if built is not None and self._images.copies(
                built.text, built.name, built.context, env_file, key, built.target
            ):
                return "builds an image that this file is copied into"
        return ""

    def _built(self, build: Any, folder: PurePosixPath) -> _Build | None:
        """What a service is built from; None where it is not built here."""
        told = build if isinstance(build, dict) else {"context": build}
        where = told.get("context") or ("." if isinstance(build, dict) else None)
        if not isinstance(where, str) or "://" in where or where.startswith("git@"):
            return None
        where = _filled(where)
        # What a variable stands for is not known here; most often it is the same folder.
        context = self._place(folder, "." if _UNKNOWN in where else where)
        target = _filled(str(told.get("target") or ""))
        inline = told.get("dockerfile_inline")
        if isinstance(inline, str):
            return _Build(inline, "", context, target)
        given = _filled(str(told.get("dockerfile") or "Dockerfile"))
        name = self._place(PurePosixPath(context), given)
        self._built_here.add(name)
        return _Build(self._images.text(name), name, context, target)

    def _is(self, file: str, folder: PurePosixPath, name: str) -> bool:
        """Whether a name in a compose file is the file, or may be it."""
        pieces = self._place(folder, _filled(name)).split(_UNKNOWN)
        return re.fullmatch(".*".join(map(re.escape, pieces)), file, re.S) is not None

    def _place(self, folder: PurePosixPath, name: str) -> str:
        """A name in a compose file as a path relative to the project."""
        if name.startswith(_UNKNOWN):
            return name  # It may be absolute, or begin anywhere.
        place = os.path.normpath(self._project / folder / Path(name).expanduser())
        return os.path.relpath(place, self._project)

    def _lies_in(self, file: str, folder: PurePosixPath, name: str) -> bool:
        place = Path(os.path.normpath(self._project / folder / name))
        return place.parent != place and (self._project / file).is_relative_to(place)


@dataclass(frozen=True, slots=True)
class _Build:
    text: str
    """Of the Dockerfile."""
    name: str
    """Its path; empty for one that is written into the compose file."""
    context: str
    target: str


def _filled(text: str) -> str:
    """A text with the defaults of its variables; what is not known is `_UNKNOWN`."""
    for _ in range(3):  # A default may hold a variable.
        text = _VARIABLE.sub(lambda m: _UNKNOWN if m["given"] is None else m["given"], text)
    return text


def _files(value: Any) -> list[str]:
    """The files of this machine that top-level secrets or configs name."""
    items = value.values() if isinstance(value, dict) else ()
    return [str(item["file"]) for item in items if isinstance(item, dict) and "file" in item]


def _mounts(service: dict[str, Any]) -> list[str]:
    """The folders and files of this machine that a service sees, relative to its compose file."""
    value = service.get("volumes")
    found = []
    for item in value if isinstance(value, list) else ():
        given = _WORKING_FOLDER.sub(
            ".", str(item.get("source") if isinstance(item, dict) else item)
        )
        source = _filled(given)
        if not isinstance(item, dict):
            source = source.partition(":")[0]
        if source.startswith(_UNKNOWN):
            # Most often the folder of the project, or below it.
            source = f".{source[1:]}"
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
