"""Python expressions that name a file relative to the source file they stand in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import libcst as cst

from consolidator_tui.services.references.python_tree import Scope, Tree, dotted

_UNSAFE = set("\"'\\{}\r\n%?\0")


class CannotEdit(Exception):
    """There is no edit that is right for sure; the message says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Source text, and the import lines that it needs."""

    code: str
    imports: frozenset[str] = frozenset()


def relative_text(goal: Path, folder: Path) -> str:
    """POSIX path from a folder to the goal; raises CannotEdit for names that would need escapes."""
    text = PurePosixPath(os.path.relpath(goal, folder)).as_posix()
    if _UNSAFE & set(text) or not text.isprintable():
        raise CannotEdit("the target's name has characters that source text cannot hold plainly")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CannotEdit("the target's name is not UTF-8") from error
    return text


class Anchors:
    """What one file offers to build anchored paths with."""

    def __init__(self, tree: Tree, path: Path) -> None:
        self.tree = tree
        self.path = path
        self.newline = "\r\n" if b"\r\n" in tree.data else "\n"

    def path_code(self, goal: Path, scope: Scope, at: int, quote: str) -> Expression:
        """An expression of type Path for the goal."""
        text = relative_text(goal, self.path.parent)
        steps = 0
        while text.startswith("../"):
            text, steps = text[3:], steps + 1
        name, imports = self._path_name(scope, at)
        folder = "parent" if steps == 0 else f"parents[{steps}]"
        return Expression(f"{name}(__file__).resolve().{folder} / {quote}{text}{quote}", imports)

    def text_code(self, goal: Path, scope: Scope, at: int, quote: str) -> Expression:
        """An expression of type str for the goal; uses os.path where only os is imported."""
        if not self._has_path(scope, at) and self._bound(scope, "os", "os", at):
            text = relative_text(goal, self.path.parent)
            folder = "os.path.dirname(os.path.abspath(__file__))"
            while text.startswith("../"):
                text, folder = text[3:], f"os.path.dirname({folder})"
            return Expression(f"os.path.join({folder}, {quote}{text}{quote})")
        if self._shadowed(scope, "str"):
            raise CannotEdit("the name str means something else here")
        inner = self.path_code(goal, scope, at, quote)
        return Expression(f"str({inner.code})", inner.imports)

    def _has_path(self, scope: Scope, at: int) -> bool:
        return self._bound(scope, "Path", "pathlib.Path", at) or self._bound(
            scope, "pathlib", "pathlib", at
        )

    def _path_name(self, scope: Scope, at: int) -> tuple[str, frozenset[str]]:
        if self._bound(scope, "Path", "pathlib.Path", at):
            return "Path", frozenset()
        if self._bound(scope, "pathlib", "pathlib", at):
            return "pathlib.Path", frozenset()
        if self._free(scope, "Path", "pathlib.Path"):
            return "Path", frozenset({"from pathlib import Path"})
        if self._free(scope, "pathlib", "pathlib"):
            return "pathlib.Path", frozenset({"import pathlib"})
        raise CannotEdit("the names Path and pathlib mean something else here")

    def environment(self, scope: Scope, at: int) -> frozenset[str]:
        """The import that `os.environ` needs."""
        if self._bound(scope, "os", "os", at):
            return frozenset()
        if self._free(scope, "os", "os"):
            return frozenset({"import os"})
        raise CannotEdit("the name os means something else here")

    def _free(self, scope: Scope, name: str, origin: str) -> bool:
        """Whether a new import of the name would change nothing else."""
        there = self.tree.top.imported.get(name)
        return (there is None or there == (origin, 0)) and not self._shadowed(scope, name)

    def _bound(self, scope: Scope, name: str, origin: str, at: int) -> bool:
        """Whether a top-level import before the place binds the name, and nothing else does."""
        if self._shadowed(scope, name) or self.tree.top.imported.get(name) != (origin, 0):
            return False
        return any(name in names and start < at for start, names in self._imports())

    def _shadowed(self, scope: Scope, name: str) -> bool:
        look: Scope | None = scope
        while look is not None:
            if name in look.assigned or name in look.parameters or name in look.functions:
                return True
            if name in look.classes or (look.parent is not None and name in look.imported):
                return True
            look = look.parent
        return False

    def _imports(self) -> list[tuple[int, set[str]]]:
        """Unconditional top-level imports: (byte offset, names they bind)."""
        found = []
        for statement in self.tree.module.body:
            if not isinstance(statement, cst.SimpleStatementLine):
                continue
            names: set[str] = set()
            for small in statement.body:
                if isinstance(small, cst.Import | cst.ImportFrom) and not isinstance(
                    small.names, cst.ImportStar
                ):
                    for alias in small.names:
                        full = dotted(alias.asname.name if alias.asname else alias.name)
                        names.add(full.split(".")[0])
            if names:
                found.append((self.tree.span(statement)[0], names))
        return found

    def import_place(self, lines: frozenset[str]) -> tuple[int, str]:
        """Byte offset and text of new import lines."""
        code = self.newline.join(sorted(lines, key=lambda line: (line.startswith("from"), line)))
        after = None
        last: cst.SimpleStatementLine | None = None
        for statement in self.tree.module.body:
            if not isinstance(statement, cst.SimpleStatementLine):
                break
            if last is None and _is_preamble(statement):
                after = statement
                continue
            small = statement.body[0]
            if not isinstance(small, cst.Import | cst.ImportFrom) or (
                last is not None and statement.leading_lines
            ):
                break
            last = statement
        if last is not None:
            # After the first block of imports, which is where isort has the standard library.
            return self._line_end(last), f"{self.newline}{code}"
        if after is not None:
            return self._line_end(after), f"{self.newline}{self.newline}{code}"
        header = "".join(self.tree.module.code_for_node(line) for line in self.tree.module.header)
        at = self.tree.bom + len(header.encode("utf-8"))
        return at, f"{code}{self.newline}{self.newline}"

    def _line_end(self, statement: cst.SimpleStatementLine) -> int:
        data, at = self.tree.data, self.tree.span(statement)[1]
        while at < len(data) and data[at : at + 1] not in (b"\n", b"\r"):
            at += 1
        return at


def _is_preamble(statement: cst.SimpleStatementLine) -> bool:
    """A docstring or a `__future__` import."""
    first = statement.body[0]
    if isinstance(first, cst.Expr):
        return isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)
    return (
        isinstance(first, cst.ImportFrom)
        and first.module is not None
        and dotted(first.module) == "__future__"
    )
