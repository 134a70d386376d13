"""Which files of this machine a container sees, and by what paths: volumes, and what is copied."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from consolidator_tui.services.references.find import walk
from consolidator_tui.services.references.images import Images
from consolidator_tui.services.references.pieces import normal

_COMPOSE = re.compile(r".*compose.*\.ya?ml")
_HERE = re.compile(r"\A\$(?:PWD\b|\{PWD\})")
_DEFAULT = re.compile(r"\$\{\w+:?-([^{}]*)\}")
_MOST_BYTES = 500_000


class Mounts:
    """The bound folders and files of a project's compose files, and what its Dockerfiles copy into
    images; read when first asked for."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._found: list[tuple[str, Path]] | None = None
        self._images = Images(project)
        self._built: dict[str, set[str]] = {}
        """From which folders compose files build a Dockerfile."""

    def files(self, path: str) -> list[Path]:
        """What an absolute path in a container may be here, by volumes and by copies. Blocking."""
        return [*self.bound(path), *self.copied(path)]

    def copied(self, path: str) -> list[Path]:
        """What a Dockerfile copies to that path of an image. Blocking."""
        self.bound(path)
        return list(self._images.files(path, self._built))

    def bound(self, path: str) -> list[Path]:
        """What a volume shows at that path of a container. Blocking."""
        if self._found is None:
            self._found = self._read()
        found = []
        for inside, outside in self._found:
            if path == inside or path.startswith(inside.rstrip("/") + "/"):
                found.append(normal(os.path.relpath(path, inside), outside))
        return found

    def inside(self, file: Path, like: str) -> str:
        """The path in a container of a file of this machine, by a volume by which the container
        path `like` is bound; empty when there is none. Blocking."""
        self.bound(like)
        for inside, outside in self._found or ():
            bound = like.startswith(inside.rstrip("/") + "/")
            if bound and file.is_relative_to(outside):
                return f"{inside.rstrip('/')}/{file.relative_to(outside).as_posix()}"
        return ""

    def _read(self) -> list[tuple[str, Path]]:
        found = []
        for name in walk(self._project, lambda p: _COMPOSE.fullmatch(Path(p).name) is not None):
            folder = self._project / PurePosixPath(name).parent
            try:
                if (self._project / name).stat().st_size > _MOST_BYTES:
                    continue
                data = (self._project / name).read_text(encoding="utf-8")
                services = YAML(typ="safe", pure=True).load(data)["services"].values()
            except (OSError, YAMLError, ValueError, KeyError, TypeError, AttributeError,
                    RecursionError):  # fmt: skip
                continue  # It starts no container either, or the clean up says that it is unread.
            for service in services:
                self._note_build(service, folder)
                volumes = service.get("volumes") if isinstance(service, dict) else None
                for volume in volumes if isinstance(volumes, list) else ():
                    source, inside = _ends(volume)
                    if source.startswith((".", "/", "~")) and inside.startswith("/"):
                        found.append((inside, normal(str(Path(source).expanduser()), folder)))
        return found

    def _note_build(self, service: Any, folder: Path) -> None:
        build = service.get("build") if isinstance(service, dict) else None
        told = build if isinstance(build, dict) else {"context": build}
        context, name = told.get("context"), told.get("dockerfile") or "Dockerfile"
        if isinstance(context, str) and isinstance(name, str) and "://" not in context:
            place = normal(context, folder)
            file = os.path.relpath(normal(name, place), self._project)
            self._built.setdefault(file, set()).add(os.path.relpath(place, self._project))


def _ends(volume: Any) -> tuple[str, str]:
    """Where a volume is on this machine, and in the container; without it, two empty texts."""
    if isinstance(volume, dict):
        ends = str(volume.get("source") or ""), str(volume.get("target") or "")
    else:
        text = _DEFAULT.sub(r"\1", _HERE.sub(".", str(volume)))
        source, _, rest = text.partition(":")
        return source, rest.partition(":")[0]
    return _DEFAULT.sub(r"\1", _HERE.sub(".", ends[0])), ends[1]
