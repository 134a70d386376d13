"""Names imported from other files of the project."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from consolidator_tui.domain.reference import Piece, PieceKind, Pieces
from consolidator_tui.services.references.pieces import UNKNOWN, product
from consolidator_tui.services.references.python_patterns import Patterns
from consolidator_tui.services.references.python_tree import NotReadable, parse
from consolidator_tui.services.references.python_values import Evaluator

_DEPTH = 5
_MANY = 12


class Modules:
    """Looks imported names up in the files that define them; reads each file once."""

    def __init__(
        self, project: Path, files: frozenset[str], changed: dict[str, bytes] | None = None
    ) -> None:
        self.project = project
        self.files = files
        self.changed = changed or {}
        self._evaluators: dict[str, Evaluator | None] = {}
        self._values: dict[tuple[str, str], list[Pieces]] = {}

    def expand(self, pieces: Pieces, depth: int = 0) -> list[Pieces]:
        """The alternatives of an expression with every imported name replaced by its value."""
        if not any(piece.kind is PieceKind.IMPORTED for piece in pieces):
            return [pieces]
        parts: list[list[Pieces]] = []
        for piece in pieces:
            if piece.kind is PieceKind.IMPORTED:
                parts.append(self._imported(piece, depth))
            else:
                parts.append([(piece,)])
        return product(parts, lambda left, right: left + right)[:_MANY]

    def _imported(self, piece: Piece, depth: int) -> list[Pieces]:
        if depth > _DEPTH:
            return [UNKNOWN]
        found = self.module_of(piece)
        if found is None:
            return [UNKNOWN]
        file, name = found
        if (file, name) not in self._values:
            self._values[file, name] = [UNKNOWN]  # a cycle of imports ends here
            evaluator = self._evaluator(file)
            values = evaluator.dotted_value(name) if evaluator is not None else [UNKNOWN]
            expanded: list[Pieces] = []
            for value in values:
                expanded += self.expand(value, depth + 1)
            self._values[file, name] = expanded or [UNKNOWN]
        return self._values[file, name]

    def patterns(self, value: Pieces, depth: int = 0) -> list[Pieces]:
        """A path with wildcards, or those that a function of another file looks with."""
        if len(value) > 1 or value[0].kind is not PieceKind.IMPORTED:
            return self.expand(value)
        found = self.module_of(value[0])
        evaluator = self._evaluator(found[0]) if found is not None else None
        if found is None or evaluator is None or depth > _DEPTH:
            return []
        known = Patterns(evaluator).returned(found[1])
        written = [v for v in self.expand(value) if any(set("*?[") & set(p.text) for p in v)]
        return [*written, *(p for pattern in known for p in self.patterns(pattern, depth + 1))]

    def module_of(self, piece: Piece) -> tuple[str, str] | None:
        """The file that a dotted name is from, and the rest of the name."""
        parts = piece.text.split(".")
        folder = PurePosixPath(piece.file).parent
        if piece.up:
            for _ in range(piece.up - 1):
                folder = folder.parent
            folders = [folder]
        else:
            folders = [folder, *folder.parents]
            folders += [base / "src" for base in folders]
        for base in folders:
            for length in range(len(parts) - 1, -1 if piece.up else 0, -1):
                path = base.joinpath(*parts[:length])
                for candidate in (f"{path}.py", f"{path}/__init__.py"):
                    name = candidate.removeprefix("./")
                    if name in self.files and parts[length:]:
                        return name, ".".join(parts[length:])
        return None

    def _evaluator(self, file: str) -> Evaluator | None:
        if file not in self._evaluators:
            try:
                data = self.changed.get(file)
                if data is None:
                    data = (self.project / file).read_bytes()
                self._evaluators[file] = Evaluator(parse(data), file)
            except (NotReadable, OSError):
                # Then the name is not decidable, and the file itself is listed as unreadable.
                self._evaluators[file] = None
        return self._evaluators[file]
