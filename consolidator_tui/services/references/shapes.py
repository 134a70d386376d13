"""Paths of which a part is only known when the program runs, such as `data/{tenant}.db`."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from consolidator_tui.domain.reference import Form, PieceKind, Pieces
from consolidator_tui.services.references.paths import SUFFIX_PATTERN, locate
from consolidator_tui.services.references.pieces import CUT, normal, render
from consolidator_tui.services.references.wildcards import wildcard

Bases = Callable[[Form, str, str, bool], Sequence[Path]]
"""The folders that a relative path hangs on: form, its file, the file that opens it, `file:`."""
Value = tuple[Form, Pieces, bool, str]
"""Form, what it can be, whether two slashes begin a path, the file that opens it."""

_UNKNOWN = "\0"
_LATER = (PieceKind.UNKNOWN, PieceKind.ENVIRONMENT, PieceKind.IMPORTED)
_NOWHERE = (PieceKind.TEMPORARY, PieceKind.HOME)
_READ_AS_TEXT = (Form.SHELL, Form.JAVASCRIPT, Form.COMPOSE, Form.DOCKERFILE, Form.CI, Form.TEXT)
"""Where the search of texts knows more of the variables."""
_VARIABLE = re.compile(r"\$\{\w+\}|\$\w+|%\w+%")
_DATABASE = re.compile(rf"(?P<before>[^\0]*)(?:\0.*)?\.{SUFFIX_PATTERN}", re.S | re.I)


class Shapes:
    """Reads what is not known as `*`, and says which databases that finds."""

    def __init__(self, project: Path, databases: Iterable[Path], bases: Bases) -> None:
        self.project = project
        self.databases = sorted(databases)
        self.bases = bases

    def of(self, file: str, values: Iterable[Value]) -> tuple[Path, ...]:
        """The known databases that values in a file can mean, by the part of them that is known:
        a folder, or the beginning of a name, and a suffix of databases."""
        found: set[Path] = set()
        for form, value, two_slashes, used_in in values:
            found |= self._matched(file, form, value, used_in, two_slashes=two_slashes)
        return tuple(sorted(found))

    def _matched(
        self, file: str, form: Form, value: Pieces, used_in: str, *, two_slashes: bool
    ) -> set[Path]:
        where = locate(self._text(value), two_slashes=two_slashes)
        parts = _DATABASE.fullmatch(where.path)
        if parts is None:
            return set()
        if not parts["before"]:
            # A folder that is not known, and what is in it: by its name it may be any such file.
            _, _, behind = where.path.rpartition(_UNKNOWN)
            if form in _READ_AS_TEXT or not behind.startswith("/") or not behind.strip("./"):
                return set()
            return self._below([f"/**{glob.escape(str(normal(behind)))}"])
        pattern = "*".join(map(glob.escape, where.path.split(_UNKNOWN)))
        bases = self.bases(form, file, used_in, where.is_file_uri)
        found = self._below(str(normal(pattern, base)) for base in bases)
        named = "/" in parts["before"] and not pattern.startswith(("/", ".."))
        return found or (self._below([f"/**/{normal(pattern)}"]) if named else set())

    def _text(self, value: Pieces) -> str:
        """The value with a mark for what is not known; empty for what is somewhere else."""
        if CUT in value or any(piece.kind in _NOWHERE for piece in value):
            return ""
        return "".join(
            _UNKNOWN
            if piece.kind in _LATER
            else _VARIABLE.sub(_UNKNOWN, render((piece,), self.project))
            for piece in value
        )

    def _below(self, patterns: Iterable[str]) -> set[Path]:
        matches = [wildcard(pattern).match for pattern in patterns]
        return {path for path in self.databases if any(match(str(path)) for match in matches)}
