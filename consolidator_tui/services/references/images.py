"""Whether a Dockerfile takes a .env file into an image: paths of this machine are not there."""

from __future__ import annotations

import itertools
import json
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from consolidator_tui.services.references.find import walk
from consolidator_tui.services.references.wildcards import wildcard

_MOST_BYTES = 500_000
_MOST_FOUND = 1_000
_DOCKERFILE = re.compile(r"(?:[Dd]ockerfile|Containerfile).*|.*\.[Dd]ockerfile")
_INSTRUCTION = re.compile(r"\s*(?P<name>FROM|COPY|ADD|ENV|RUN|WORKDIR)\s+(?P<rest>.*)", re.I | re.S)
_FLAG = re.compile(r"--(?P<name>[\w-]+)(?:=(?P<value>\S*))?(?:\s+|\Z)")
_LINE_GOES_ON = re.compile(r"[\\`][ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*")
_COMMENT = re.compile(r"^[ \t]*#[^\n]*\n?", re.M)


@dataclass(slots=True)
class _Stage:
    """What a Dockerfile does from one FROM to the next."""

    name: str
    base: int | None
    """The number of the stage that it begins with, where it is one."""
    uses: set[int] = field(default_factory=set)
    """The stages that it begins with, or takes something from."""
    sources: list[str] = field(default_factory=list)
    """What is copied out of the context, relative to it; an empty text is all of it."""
    mounted: list[str] = field(default_factory=list)
    """What of the context a RUN sees."""
    env: list[str] = field(default_factory=list)
    folder: str = "/"
    """The working directory so far."""
    placed: list[tuple[str, str]] = field(default_factory=list)
    """What of the context is copied to where in the image."""


class Images:
    """The Dockerfiles of a project, each read when it is first asked for. Paths are POSIX,
    relative to the project."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._texts: dict[str, str] = {}
        self._unread: set[str] = set()
        self._dockerfiles: list[str] | None = None

    def takes(self, env_file: str, key: str, but: Collection[str] = ()) -> str:
        """How a Dockerfile takes the file along: a part of a sentence,
        or an empty text. Blocking.

        `but`: Dockerfiles that a compose file builds.
        One may be built from its own folder or from one above it: every one counts that has what
        the Dockerfile copies.
        """
        for dockerfile in self._all():
            if dockerfile in but:
                continue
            text = self.text(dockerfile)
            named = PurePosixPath(dockerfile).parent
            if self.unread(dockerfile):
                places = map(str, (named, *named.parents))
                if any(self.copies("", dockerfile, c, env_file, key) for c in places):
                    return f"{dockerfile} cannot be read, and may copy this file into an image"
                continue
            contexts = [c for c in (named, *named.parents) if self._fits(text, c)]
            if any(self.copies(text, dockerfile, str(c), env_file, key) for c in contexts):
                return f"{dockerfile} copies this file into an image"
        return ""

    def copies(
        self, text: str, dockerfile: str, context: str, file: str, key: str, target: str = ""
    ) -> bool:
        """Whether the Dockerfile `text`, built in the folder `context`, copies the file into an
        image, or shows it to a RUN, that does not set the environment variable `key` itself, which
        would come first; one that cannot be read may do so. Blocking.

        `dockerfile`: its path, empty for one that is written into a compose file. `target`: the
        stage that is built; else it is the last one, or any that no other stage begins with.
        """
        inside = os.path.relpath(self._project / file, self._project / context)
        if inside.startswith("../"):
            return False
        if self._ignored(dockerfile, context, self._project / file):
            return False
        if dockerfile and self.unread(dockerfile):
            return True
        stages = _stages(text)
        used = {number for stage in stages for number in stage.uses}
        holding: set[int] = set()
        setting: set[int] = set()
        for number, stage in enumerate(stages):
            if stage.base in setting or any(_sets(rest, key) for rest in stage.env):
                setting.add(number)
            if stage.uses & holding or any(_covers(source, inside) for source in stage.sources):
                holding.add(number)
            result = number not in used or (target and target.lower() == stage.name)
            seen = any(_covers(source, inside) for source in stage.mounted)
            if ((result and number in holding) or seen) and number not in setting:
                return True
        return False

    def files(self, path: str, built: Mapping[str, Collection[str]]) -> Iterator[Path]:
        """The files of this machine that an absolute path in an image may be. Blocking.

        `built`: from which folders compose files build a Dockerfile; another one is built from
        its own folder, or from the next one above that has what it copies.
        """
        for dockerfile in self._all():
            text = self.text(dockerfile)
            named = PurePosixPath(dockerfile).parent
            fits = (str(c) for c in (named, *named.parents) if self._fits(text, c))
            for context in built.get(dockerfile) or itertools.islice(fits, 1):
                for stage in _stages(text):
                    for source, place in stage.placed:
                        yield from self._placed(dockerfile, context, source, place, path)

    def _placed(
        self, dockerfile: str, context: str, source: str, place: str, path: str
    ) -> Iterator[Path]:
        """What a path in an image is by one copied source."""
        root = self._project / context
        inside = posixpath.relpath(path, place)
        if inside.startswith("../") or "$" in source + place:
            return
        named = root.glob(source) if set("*?[") & set(source) else [root / source]
        for origin in itertools.islice(named, _MOST_FOUND):
            if not origin.is_dir():
                found = origin if inside in (".", origin.name) else None
            else:
                found = origin / inside
            if found is not None and not self._ignored(dockerfile, context, found):
                yield Path(os.path.normpath(found))

    def _ignored(self, dockerfile: str, context: str, file: Path) -> bool:
        inside = os.path.relpath(file, self._project / context)
        lists = [f"{dockerfile}.dockerignore"] if dockerfile else []
        for name in (*lists, posixpath.join(context, ".dockerignore")):
            ignored = self.text(name)
            if ignored:
                return _is_ignored(ignored, inside)
        return False

    def text(self, path: str) -> str:
        """The text of a small file; empty when there is none, or it is not read. Blocking."""
        if path not in self._texts:
            self._texts[path] = ""
            place = self._project / path
            try:
                if place.is_file() and place.stat().st_size <= _MOST_BYTES:
                    self._texts[path] = place.read_bytes().decode("utf-8-sig", "replace")
                elif place.is_file():
                    self._unread.add(path)
            except OSError:
                # Somebody else, root say, may read it and build from here.
                self._unread.add(path)
        return self._texts[path]

    def unread(self, path: str) -> bool:
        """Whether there is such a file whose text is not known. Blocking."""
        self.text(path)
        return path in self._unread

    def _all(self) -> list[str]:
        """The Dockerfiles of the project, those nearest to its root first."""
        if self._dockerfiles is None:
            found = walk(
                self._project,
                lambda path: (
                    _DOCKERFILE.fullmatch(PurePosixPath(path).name) is not None
                    and not path.endswith(".dockerignore")
                ),
            )
            self._dockerfiles = sorted(found, key=lambda path: (path.count("/"), path))
        return self._dockerfiles

    def _fits(self, text: str, context: PurePosixPath) -> bool:
        """Whether the folder has everything that is copied under a plain name."""
        return all(
            (self._project / context / source).exists()
            for stage in _stages(text)
            for source in stage.sources
            if not set("*?[$") & set(source)
        )


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    joined = _LINE_GOES_ON.sub(" ", _COMMENT.sub("", text))
    for line in joined.splitlines():
        match = _INSTRUCTION.match(line)
        if match is not None:
            yield match["name"].upper(), match["rest"].strip()


def _stages(text: str) -> list[_Stage]:
    """The stages of a Dockerfile; what stands before the first FROM is one of them."""
    stages = [_Stage("", None)]
    known: dict[str, int] = {}
    for name, whole in _instructions(text):
        rest, flags = whole, []
        while name not in ("ENV", "WORKDIR") and (flag := _FLAG.match(rest)):
            flags.append((flag["name"], flag["value"] or ""))
            rest = rest[flag.end() :]
        words, stage = rest.lower().split(), stages[-1]
        if name == "FROM":
            base = known.get(words[0]) if words else None
            alias = words[2] if len(words) > 2 and words[1] == "as" else ""
            known |= {str(len(stages) - 1): len(stages)} | ({alias: len(stages)} if alias else {})
            folder = "/" if base is None else stages[base].folder
            stages.append(_Stage(alias, base, set() if base is None else {base}, folder=folder))
        elif name == "WORKDIR":
            stage.folder = _joined(stage.folder, rest.strip("\"'"))
        elif name == "ENV":
            stage.env.append(rest)
        elif name == "RUN":
            stage.mounted += _mounted(value for flag, value in flags if flag == "mount")
        elif origin := dict(flags).get("from", ""):
            stage.uses |= {known[origin.lower()]} if origin.lower() in known else set()
        else:
            sources, place = list(_sources(rest)), _items(rest)[-1:]
            stage.sources += sources
            stage.placed += [(source, _joined(stage.folder, *place)) for source in sources]
    return stages


def _joined(folder: str, *place: str) -> str:
    return posixpath.normpath(posixpath.join(folder, *place))


def _sets(rest: str, key: str) -> bool:
    return re.search(rf"(?:\A|\s){re.escape(key)}[=\s]", rest) is not None


def _mounted(flags: Iterable[str]) -> Iterator[str]:
    """What of the context the `--mount` flags of a RUN show."""
    for flag in flags:
        given = dict(part.partition("=")[::2] for part in flag.split(","))
        if given.get("type", "bind") == "bind" and "from" not in given:
            source = given.get("source") or given.get("src") or ""
            yield _normal(source.strip("\"'"))


def _items(rest: str) -> list[str]:
    try:
        items = json.loads(rest) if rest.startswith("[") else rest.split()
    except ValueError:
        items = rest.split()
    return [str(item).strip("\"'") for item in items]


def _sources(rest: str) -> Iterator[str]:
    for source in _items(rest)[:-1]:
        if "://" not in source and not source.startswith(("<<", "git@")):
            yield _normal(source)


def _normal(source: str) -> str:
    return posixpath.normpath(f"/{source}").lstrip("/")


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
