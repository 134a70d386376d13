"""Which databases a search by a pattern finds."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path

from consolidator_tui.domain.reference import PieceKind, Pieces
from consolidator_tui.services.references.modules import Modules
from consolidator_tui.services.references.pieces import normal, render
from consolidator_tui.services.references.wildcards import wildcard

_TOLD = 4
_KNOWN = (PieceKind.TEXT, PieceKind.FILE, PieceKind.WORKING)


class Matches:
    """The databases of a project by pattern. `chain`: the folders that a file may be run from."""

    def __init__(
        self,
        project: Path,
        databases: Sequence[Path],
        modules: Modules,
        chain: Callable[[str], list[Path]],
    ) -> None:
        self.project = project
        self.databases = sorted(databases)
        self.modules = modules
        self.chain = chain

    def of(self, file: str, patterns: Sequence[Pieces]) -> tuple[Path, ...]:
        """The known databases that patterns in a file match: relative to the folders that it may
        be run from, else, or where the folder is not known, anywhere in the project."""
        found: set[Path] = set()
        for pattern in patterns:
            for value in self.modules.patterns(pattern):
                found |= self._matched(file, value)
        return tuple(sorted(found))

    def _matched(self, file: str, value: Pieces) -> set[Path]:
        kinds = {piece.kind for piece in value}
        if kinds & {PieceKind.TEMPORARY, PieceKind.HOME}:
            return set()
        unknown = [at for at, piece in enumerate(value) if piece.kind not in _KNOWN]
        known = value[unknown[-1] + 1 :] if unknown else value
        parts = [
            piece.text
            if piece.kind is PieceKind.TEXT
            else glob.escape(render((piece,), self.project))
            for piece in known
        ]
        text = "".join(parts)
        if unknown:
            # What stands before it may be a part of the same name.
            return self._anywhere(text.lstrip("/") if text.startswith("/") else f"*{text}")
        places = [normal(text, base) for base in self.chain(file)]
        found = {
            d for place in places for d in self.databases if wildcard(str(place)).match(str(d))
        }
        return found or (set() if text.startswith("/") else self._anywhere(text))

    def _anywhere(self, text: str) -> set[Path]:
        path = str(normal(text))
        if path.startswith("..") or not path.strip("*/"):
            return set(self.databases) if not path.startswith("..") else set()
        return {
            database
            for database in self.databases
            if wildcard(f"**/{path}").match(str(database).lstrip("/"))
        }


def told_matches(found: Sequence[Path], project: Path, *, by_name: bool = False) -> str:
    """A part of a sentence that names what a program finds, or what its path can stand for."""
    names = [
        path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
        for path in found
    ]
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    if by_name:
        shown = f"{', '.join(names[:_TOLD])}{more}"
        return f"a part of the path is only known when it runs, and it may be {shown}"
    return f"it opens what a search for files finds, now {', '.join(names[:_TOLD])}{more}"
