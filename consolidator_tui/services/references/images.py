"""Whether a Dockerfile takes a .env file into an image: paths of this machine are not there."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from consolidator_tui.services.references.wildcards import wildcard

_MOST_BYTES = 500_000
_NAMES = ("Dockerfile*", "dockerfile*", "*.[Dd]ockerfile", "Containerfile*")
_INSTRUCTION = re.compile(r"\s*(?P<name>COPY|ADD|ENV)\s+(?P<rest>.*)", re.I | re.S)
_FLAG = re.compile(r"--(?P<name>[\w-]+)(?:=\S*)?\s+")
_LINE_GOES_ON = re.compile(r"[\\`][ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_COMMENT = re.compile(r"^[ \t]*#[^\n]*\n?", re.M)


class Images:
    """The Dockerfiles of a project, each read when it is first asked for. Paths are POSIX,
    relative to the project."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._texts: dict[str, str] = {}

    def takes(self, env_file: str, key: str, but: Collection[str] = ()) -> str:
        """How a Dockerfile takes the file along: a part of a sentence,
        or an empty text. Blocking.

        `but`: Dockerfiles that a compose file builds.
        One may be built from its own folder or from one above it: every one counts that has what
        the Dockerfile copies.
        """
        folder = PurePosixPath(env_file).parent
        for place in (folder, *folder.parents):
            for dockerfile in self._around(place):
                if dockerfile in but:
                    continue
                text = self.text(dockerfile)
                named = PurePosixPath(dockerfile).parent
                contexts = [c for c in (named, *named.parents) if self._fits(text, c)]
                if any(self.copies(text, dockerfile, str(c), env_file, key) for c in contexts):
                    return f"{dockerfile} copies this file into an image"
        return ""

    def copies(self, text: str, dockerfile: str, context: str, file: str, key: str) -> bool:
        """Whether the Dockerfile `text`, built in the folder `context`, copies the file, and does
        not set the environment variable `key` itself, which would come first. Blocking.

        `dockerfile`: its path, empty for one that is written into a compose file.
        """
        inside = os.path.relpath(self._project / file, self._project / context)
        if inside.startswith("../"):
            return False
        lists = [f"{dockerfile}.dockerignore"] if dockerfile else []
        for name in (*lists, posixpath.join(context, ".dockerignore")):
            ignored = self.text(name)
            if ignored:
                if _is_ignored(ignored, inside):
                    return False
                break
        if any(re.search(rf"(?:\A|\s){re.escape(key)}[=\s]", rest) for rest in _set(text)):
            return False
        return any(_covers(source, inside) for source in _sources(text))

    def text(self, path: str) -> str:
        """The text of a small file; empty when there is none. Blocking."""
        if path not in self._texts:
            self._texts[path] = ""
            place = self._project / path
            try:
                if place.is_file() and place.stat().st_size <= _MOST_BYTES:
                    self._texts[path] = place.read_bytes().decode("utf-8-sig", "replace")
            except OSError:
                # What cannot be read cannot be built from here either.
                pass
        return self._texts[path]

    def _around(self, folder: PurePosixPath) -> list[str]:
        """The Dockerfiles of a folder and of the folders right below it."""
        base = self._project / folder
        found = {
            (folder / path.relative_to(base)).as_posix()
            for name in _NAMES
            for pattern in (name, f"*/{name}")
            for path in base.glob(pattern)
            if path.suffix != ".dockerignore"
        }
        return sorted(found)

    def _fits(self, text: str, context: PurePosixPath) -> bool:
        """Whether the folder has everything that is copied under a plain name."""
        return all(
            (self._project / context / source).exists()
            for source in _sources(text)
            if not set("*?[$") & set(source)
        )


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    joined = _LINE_GOES_ON.sub(" ", _COMMENT.sub("", text))
    for line in joined.splitlines():
        match = _INSTRUCTION.match(line)
        if match is not None:
            yield match["name"].upper(), match["rest"].strip()


def _set(text: str) -> list[str]:
    return [rest for name, rest in _instructions(text) if name == "ENV"]


def _sources(text: str) -> list[str]:
    """What is copied out of the context, relative to it; an empty text is all of it."""
    found = []
    for name, whole in _instructions(text):
        rest, flags = whole, set()
        while flag := _FLAG.match(rest):
            flags.add(flag["name"])
            rest = rest[flag.end() :]
        if name == "ENV" or "from" in flags:
            continue
        try:
            items = json.loads(rest) if rest.startswith("[") else rest.split()
        except ValueError:
            items = rest.split()
        for item in items[:-1]:
            source = str(item).strip("\"'")
            if "://" not in source and not source.startswith(("<<", "git@")):
                found.append(posixpath.normpath(f"/{source}").lstrip("/"))
    return found


def _covers(source: str, file: str) -> bool:
    """Whether copying the source takes the file along; what a variable stands for may be it."""
    if not source or "$" in source:
        return True
    path = PurePosixPath(file)
    matches = wildcard(source).match
    return any(matches(place.as_posix()) for place in (path, *path.parents) if place.name)


def _is_ignored(text: str, file: str) -> bool:
    """Whether a list of ignored files names the file or a folder it is in; the last line that
    matches decides."""
    path = PurePosixPath(file)
    places = [place.as_posix() for place in (path, *path.parents) if place.name]
    ignored = False
    for line in text.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = not pattern.startswith("!")
        pattern = posixpath.normpath("/" + pattern.removeprefix("!").strip()).lstrip("/")
        matches = wildcard(pattern or "**").match
        if any(matches(place) for place in places):
            ignored = wanted
    return ignored
