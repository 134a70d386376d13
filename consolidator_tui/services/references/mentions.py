"""Texts that name a file which is to be deleted, wherever in the project they stand."""

from __future__ import annotations

import glob
import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.services.references.find import walk_all
from consolidator_tui.services.references.globs import is_commands, may_hold, patterns
from consolidator_tui.services.references.pieces import normal
from consolidator_tui.services.references.python_texts import Text, texts_of
from consolidator_tui.services.references.text_files import (
    PYTHON,
    readings,
    said,
    text_of,
    worth_reading,
)
from consolidator_tui.services.references.text_scan import MOST_BYTES
from consolidator_tui.services.references.wildcards import wildcard

_WORD = re.compile(
    r"(?:\$\{[^}\s]*\}|\$\((?:[^()]|\([^()]*\))*\)|\{\{[^{}]*\}\}|\{[^{}]*\}|%\(\w+\)s|"
    r"[^\s\"'`=:,;()<>|\[\]{}])*\Z"
)
"""What stands right before a name: the folder, with variables."""
_LONGEST = 300
_GOES_ON = re.compile(r"[\w(/-]|\.\w")
_VARIABLE = re.compile(
    r"\$\{(?P<a>[^}]*)\}|\$\((?P<b>(?:[^()]|\([^()]*\))*)\)|\$(?P<c>\w+)|\{\{[^{}]*\}\}|"
    r"\{(?P<d>[^{}]*)\}|%\((?P<e>\w+)\)s|%(?P<f>\w+)%"
)
_BESIDE = re.compile(r".*(?:dirname|BASH_SOURCE|%~dp0).*|here|(?:script|here)_?dir", re.I | re.S)
"""What stands for the folder of the file itself."""
_HERE = re.compile(
    r".*\bpwd\b.*|(?:curdir|cd|toxinidir|workspace(?:folder|root)|projectdir|basedir|"
    r"project\.basedir|root_?dir|path\.(?:module|root|cwd))",
    re.I | re.S,
)
"""What stands for the working directory, or the project."""
_ASSIGNED = re.compile(
    r"^\s*(?:export |set |ENV |ARG |readonly |local |- )?(\w+)\s*[:?]?[=: ]\s*([^\n]*)",
    re.M,
)
_MOVES = re.compile(
    r"(?:(?:\b(?:cd|pushd|WORKDIR|--directory)|\s-C)[ =]+[\"']?|\bchdir\([\"'])"
    r"(?P<a>(?:\$\((?:[^()]|\([^()]*\))*\)|[^\s\"';&|])+)|"
    r"\b(?:WorkingDirectory|directory|cwd|working[_-]dir(?:ectory)?)\b[\"']?\s*[=:]\s*[\"']?(?P<b>[^\s\"',;]+)"
)
_MAPPED = ", as a container sees it"
_SCHEME = re.compile(r"([a-zA-Z][\w+.-]*):\Z")


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that names a file which is to be deleted, or may do so."""

    file: str
    line: int
    """0: the file, or the folder, could not be read."""
    database: Path
    how: str
    """What it says."""
    certain: bool = True
    mapped: bool = False
    """Whether it is the path that a container sees."""


Mapped = Callable[[str], Collection[Path]]
"""The files of this machine that an absolute path in a container may be."""


def find_mentions(
    project: Path, target: Path, doomed: Collection[Path], mapped: Mapped
) -> tuple[Mention, ...]:
    """The mentions of files of `doomed` in all texts of the project, by file and line. Blocking.

    Comments, documentation, tests and lock files say nothing; what cannot be read may say it.
    A bare name that is also the target's counts only below a change to the folder of the file.
    """
    finder = _Finder(project, target, doomed, mapped)
    unread: list[str] = []
    found: dict[tuple[str, int, Path], Mention] = {}
    for file in walk_all(project, worth_reading, unread):
        for mention in finder.in_file(file, unread):
            place = mention.file, mention.line, mention.database
            if place not in found or mention.certain:
                found[place] = mention
    some = next(iter(doomed), target)
    lost = [Mention(file, 0, some, "it cannot be read", certain=False) for file in unread]
    return tuple(sorted([*found.values(), *lost], key=lambda m: (m.file, m.line)))


class _Finder:
    def __init__(
        self, project: Path, target: Path, doomed: Collection[Path], mapped: Mapped
    ) -> None:
        self.project = project
        self.target = target
        self.mapped = mapped
        self.names: dict[str, list[Path]] = {}
        for path in doomed:
            self.names.setdefault(unicodedata.normalize("NFC", path.name), []).append(path)
        self.real = {os.path.realpath(path): path for path in doomed}
        self.real.pop(os.path.realpath(target), None)
        self.needles = {_needle(name) for name in self.names}

    def in_file(self, file: str, unread: list[str]) -> Iterator[Mention]:
        """The mentions in one file; its name is added to `unread` when it cannot be read."""
        path = self.project / file
        try:
            if path.stat().st_size > MOST_BYTES:
                return
            data = path.read_bytes()
        except FileNotFoundError:
            return  # It went in the meantime.
        except OSError:
            unread.append(file)
            return
        globs = may_hold(file, data)
        if not globs and not any(needle in data for needle in self.needles):
            return
        text = text_of(file, data)
        if text is None:
            return
        context = _Context(self.project, file, text)
        python = texts_of(text) if file.endswith(PYTHON) else None
        lines = python
        if lines is None:
            lines = [Text(number, line) for number, line in said(file, text)]
        commands = globs and is_commands(file, data) and python is None
        for each in lines:
            for reading in {each.text} if each.code else readings(each.text):
                for name, databases in self.names.items():
                    yield from self._in_line(context, each, reading, name, databases)
                if globs:
                    yield from self._found(context, each.number, reading, commands=commands)

    def _found(
        self, context: _Context, number: int, text: str, *, commands: bool
    ) -> Iterator[Mention]:
        """What a shell puts in for the words with wildcards in a line."""
        for word, at, folder in patterns(text, commands=commands):
            places = self._patterns(context, text[:at], word, folder)
            matches = [wildcard(place).match for place in places]
            for database in (path for paths in self.names.values() for path in paths):
                if any(match(str(database)) for match in matches):
                    how = f"“{word}” is a pattern that finds it"
                    yield Mention(context.file, number, database, how, certain=False)

    def _patterns(self, context: _Context, head: str, word: str, folder: str) -> Iterator[str]:
        """The absolute patterns that a word with wildcards may be; `folder`: below that one."""
        known, unknown = context.filled(folder or word)
        if unknown:
            # In a folder that is not known, a suffix alone says nothing.
            if not folder and ("/" in known or re.search(r"\w{3}", known.partition(".")[0])):
                yield f"/**/{known}"
            return
        if known.startswith("~"):
            known = os.path.expanduser(known)  # noqa: PTH111 - a home that is not known stays
        if known.startswith("/"):
            places = [Path(known), *self.mapped(known)]
        else:
            # A pattern has no name by which another folder than the current one could be known.
            moved = list(context.moved(head, here_only=True)) or [
                *context.moved(head), *context.chain
            ]  # fmt: skip
            places = [normal(known, Path(glob.escape(str(place)))) for place in moved]
        yield from (f"{place}/**/{word}" if folder else str(place) for place in places)

    def _in_line(
        self, context: _Context, line: Text, text: str, name: str, databases: Sequence[Path]
    ) -> Iterator[Mention]:
        at = text.find(name)
        while at >= 0:
            after = at + len(name)
            head, tail = text[max(0, at - _LONGEST) : at], text[after : after + _LONGEST]
            if not _GOES_ON.match(tail):
                for database in databases:
                    meant = self._meant(context, head, tail, name, database, line)
                    if meant is not None:
                        shown, certain = meant
                        mapped = shown.endswith(_MAPPED)
                        yield Mention(context.file, line.number, database, shown, certain, mapped)
            at = text.find(name, at + 1)

    def _meant(
        self, context: _Context, head: str, tail: str, name: str, database: Path, line: Text
    ) -> tuple[str, bool] | None:
        """What stands there, and whether it is that database for certain; None: another file."""
        if not head.endswith("/"):
            if head and (head[-1].isalnum() or head[-1] in "_-.@~}%$"):
                return None
            if not database.suffix or _is_module(head, tail) or context.is_code(head):
                return None
            return self._bare(context, head, name, database)
        word = _before(head, database, self.project)
        begins = head[: len(head) - len(word)]
        scheme = _SCHEME.search(begins)
        if scheme is not None and word.startswith("//"):
            kind = scheme[1].lower()
            if not kind.startswith(("sqlite", "file", "jdbc", "db+", "sqla+")):
                return None
            word = word[2:] if kind == "file" or not word.startswith("///") else word[3:]
        known, unknown = context.filled(word)
        shown = f"“{word}{name}”"
        if unknown:
            return self._may(known, name, database, shown, loose=not line.code)
        return self._path(context, head, known + name, database, shown)

    def _bare(
        self, context: _Context, head: str, name: str, database: Path
    ) -> tuple[str, bool] | None:
        for folder in context.moved(head):
            if self._is(normal(name, folder), database):
                return f"“{name}”", True
        if name == self.target.name:
            return None
        there = [path for path in context.candidates(name) if os.path.lexists(path)]
        if any(self._is(path, database) for path in there):
            return f"“{name}”", True
        return None if there else (f"“{name}”", False)

    def _may(
        self, known: str, name: str, database: Path, shown: str, *, loose: bool
    ) -> tuple[str, bool] | None:
        """What is known behind a part that is not: a folder, or only the name."""
        parts = tuple(part for part in known.split("/") if part not in ("", "."))
        if ".." in parts or (not parts and name == self.target.name and not loose):
            return None
        return (shown, False) if database.parts[-len(parts) - 1 :] == (*parts, name) else None

    def _path(
        self, context: _Context, head: str, path: str, database: Path, shown: str
    ) -> tuple[str, bool] | None:
        if path.startswith("~"):
            path = os.path.expanduser(path)  # noqa: PTH111 - a home that is not known stays
        if path.startswith("/"):
            if self._is(Path(path), database):
                return shown, True
            if any(self._is(place, database) for place in self.mapped(path)):
                return shown + _MAPPED, True
            inside = os.path.relpath(database, self.project)
            ends = "/" in inside and path.endswith("/" + inside)
            ends = ends and not normal(path).is_relative_to(self.project)
            return (shown, False) if ends else None
        for folder in context.moved(head):
            if self._is(normal(path, folder), database):
                return shown, True
        candidates = context.candidates(path)
        if candidates[0] == self.target:
            return None
        if any(self._is(candidate, database) for candidate in candidates):
            return shown, True
        parts = tuple(part for part in posixpath.normpath(path).split("/") if part != "..")
        same = len(parts) > 1 and database.parts[-len(parts) :] == parts
        other = self.target.parts[-len(parts) :] == parts
        if not same or other or any(os.path.lexists(each) for each in candidates):
            return None
        return shown, False

    def _is(self, path: Path, database: Path) -> bool:
        return path == database or self.real.get(os.path.realpath(path)) == database


class _Context:
    """What the rest of a file says about the paths in it."""

    def __init__(self, project: Path, file: str, text: str) -> None:
        self.file = file
        self.folder = (project / file).parent
        self.chain = [project]
        if self.folder != project:
            inner = [f for f in self.folder.parents if f.is_relative_to(project) and f != project]
            self.chain += [self.folder, *inner]
        self.values = {name: self._value(given) for name, given in _ASSIGNED.findall(text)}
        # Each line of a Makefile begins in its own folder again.
        lines = "" if Path(file).name.lower() == "makefile" or file.endswith(".mk") else text
        self.moves = [match["a"] or match["b"] for match in _MOVES.finditer(lines)]
        self.script = file.endswith((".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".rs",
                                     ".java", ".kt", ".cs", ".php", ".rb", ".vue"))  # fmt: skip

    def candidates(self, path: str) -> list[Path]:
        """What a relative path may be, the project first."""
        return [normal(path, folder) for folder in self.chain]

    def moved(self, head: str, *, here_only: bool = False) -> Iterator[Path]:
        """The folders that the file changes to, those of the same line first."""
        here = [match["a"] or match["b"] for match in _MOVES.finditer(head)]
        for move in (*here, *(() if here_only else self.moves)):
            known, unknown = self.filled(move)
            if not unknown and known.strip("./"):
                yield from (normal(known, folder) for folder in self.chain)

    def filled(self, word: str) -> tuple[str, bool]:
        """A folder with its variables filled in, or what stands behind the last unknown one."""
        for _ in range(3):
            match = _VARIABLE.search(word)
            if match is None:
                return word, False
            name = next((found for found in match.groups() if found), "")
            given = self.values.get(name)
            if given is None and ":-" in name:
                given = name.partition(":-")[2]
            if given is None:
                given = self._here(name)
            if given is None:
                break
            word = word[: match.start()] + given.strip() + word[match.end() :]
        found = list(_VARIABLE.finditer(word))
        if not found:
            return word, False
        rest = word[found[-1].end() :]
        return (rest if rest.startswith("/") else rest.partition("/")[2]), True

    def _here(self, text: str) -> str | None:
        """The folder that a variable, or a command for it, stands for by its name."""
        if _BESIDE.fullmatch(text):
            return str(self.folder)
        return "." if _HERE.fullmatch(text) else None

    def _value(self, given: str) -> str:
        """What is assigned, in one word."""
        folder = self._here(given) if "(" in given or "`" in given or "%~" in given else None
        if folder is not None:
            return folder + "/.." * given.count("/..")
        return re.split(r"[\s#;&\"']", given.lstrip("\"'"), maxsplit=1)[0]

    def is_code(self, head: str) -> bool:
        """Whether a bare name in a program's source is no text of it."""
        return self.script and not any(head.count(quote) % 2 for quote in "'\"`")


def _needle(name: str) -> bytes:
    """The longest part of a name that is written alike everywhere."""
    parts: list[str] = re.findall(r"[A-Za-z0-9._-]+", name) or [name]
    return max(parts, key=len).encode("utf-8", "surrogateescape")


def _before(head: str, database: Path, project: Path) -> str:
    """The folder that stands before a name, even one with spaces in it."""
    inside = unicodedata.normalize("NFC", os.path.relpath(database.parent, project))
    for folder in (str(database.parent), inside):
        if folder != "." and head.endswith(folder + "/"):
            rest = head[: len(head) - len(folder) - 1]
            if rest and (rest[-1].isalnum() or rest[-1] in "_-.@~"):
                continue
            match = _WORD.search(rest) if rest.endswith(("/", "}", ")")) else None
            return (match[0] if match else "") + folder + "/"
    match = _WORD.search(head)
    return match[0] if match else "/"


def _is_module(head: str, tail: str) -> bool:
    talk = re.search(r"\b(?:import|from)\s+\Z", head) is not None
    return talk or tail.startswith(" import") or re.match(r":[A-Za-z_]\w*\b(?!/)", tail) is not None
