"""The smallest edit of a Python file after which a literal means the goal, from any folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from consolidator_tui.domain.reference import Edit, Form, Piece, PieceKind, Pieces
from consolidator_tui.services.references.paths import locate
from consolidator_tui.services.references.pieces import anchor_of, decidable, normal, render
from consolidator_tui.services.references.python_anchor import (
    Anchors,
    CannotEdit,
    Expression,
    relative_text,
)
from consolidator_tui.services.references.python_names import PATH_CLASSES, keyword, text_of
from consolidator_tui.services.references.python_tree import Scope, Tree, dotted
from consolidator_tui.services.references.python_values import Evaluator

_ANCHORED = ("absolute path", "folder of the file")
_JOINS = ("os.path.join", "path.join", "join")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A literal of a Python file that shall mean `goal`."""

    start: int
    goal: Path
    values: tuple[tuple[Form, Pieces, str], ...]
    """Everything that it is used in: form, expression, file of the use."""
    reason: str
    key: str | None = None
    """Environment key that shall be read first (only where asked for)."""


@dataclass(frozen=True, slots=True)
class Change:
    """New source for a span."""

    start: int
    end: int
    code: str
    imports: frozenset[str] = frozenset()


class PythonEditor:
    """Makes edits for one file. `file` is POSIX, relative to `project`."""

    def __init__(self, project: Path, file: str, tree: Tree) -> None:
        self.project = project
        self.file = file
        self.tree = tree
        self.path = project / file
        self.anchors = Anchors(tree, self.path)
        self.evaluator = Evaluator(tree, file)
        self.needed: frozenset[str] = frozenset()

    def imports(self) -> list[Edit]:
        """The one edit that adds the imports needed by all edits made so far."""
        if not self.needed:
            return []
        at, code = self.anchors.import_place(self.needed)
        reason = "the imports that the edits below need"
        return [Edit(self.file, at, at, b"", code.encode("utf-8"), reason, self.tree.place(at)[0])]

    def edits(self, wanted: Wanted) -> list[Edit]:
        """The edit, if one is needed; raises CannotEdit."""
        change = self._change(wanted)
        old = self.tree.data[change.start : change.end]
        new = change.code.encode("utf-8")
        if old == new:
            return []
        line = self.tree.place(change.start)[0]
        if not change.imports:
            return [Edit(self.file, change.start, change.end, old, new, wanted.reason, line)]
        at, _ = self.anchors.import_place(change.imports)
        if at > change.start:
            raise CannotEdit("there is no place for an import before it")
        self.needed |= change.imports
        return [Edit(self.file, change.start, change.end, old, new, wanted.reason, line, (at,))]

    def _change(self, wanted: Wanted) -> Change:
        node = self._node(wanted.start)
        values = [self._rooted(form, value, file) for form, value, file in wanted.values]
        if not values or not all(decidable(value) for value in values):
            raise CannotEdit("a part of the path is only known when it runs")
        parts = [self._split(value, wanted.start) for value in values]
        if any(after and not after.startswith("?") for _, _, after in parts):
            raise CannotEdit("text follows the file name")
        if all(_bare(before) for before, _, _ in parts):
            return self._anchor(node, wanted, parts[0][1].text, parts[0][0])
        anchored = [str(anchor_of(value)) in _ANCHORED for value in values]
        if all(anchored) and not any(_bare(before) for before, _, _ in parts):
            return self._component(node, wanted, parts)
        paths = {_without_prefix(value) for value in values}
        if len(paths) == 1 and not any(anchored):
            return self._joined(node, wanted, paths.pop())
        raise CannotEdit("it is used in ways that need different texts")

    def _rooted(self, form: Form, value: Pieces, file: str) -> Pieces:
        """Pony resolves relative names against the caller's file."""
        if form is Form.PONY and str(anchor_of(value)) == "working directory":
            return (Piece(PieceKind.FILE, file=file, up=1), Piece(PieceKind.TEXT, "/"), *value)
        return value

    def _split(self, value: Pieces, start: int) -> tuple[str, Piece, str]:
        for number, piece in enumerate(value):
            if piece.start == start and piece.file == self.file:
                if not piece.exact:
                    raise CannotEdit("only a part of the literal is the path")
                before = render(value[:number], self.project)
                return before, piece, render(value[number + 1 :], self.project)
        raise CannotEdit("the path is built in a way that is not understood")

    def _node(self, start: int) -> cst.CSTNode:
        for node in self.tree.nodes:
            if isinstance(node, cst.SimpleString) and self.tree.span(node)[0] == start:
                if isinstance(self.tree.parent(node), cst.ConcatenatedString):
                    raise CannotEdit("strings are joined implicitly")
                if node.raw_value != node.evaluated_value:
                    raise CannotEdit("the literal has escapes")
                if any(isinstance(up, cst.FormattedString) for up in self.tree.ancestors(node)):
                    raise CannotEdit("it stands inside an f-string's expression")
                return node
            if isinstance(node, cst.FormattedString):
                for part in node.parts:
                    is_text = isinstance(part, cst.FormattedStringText)
                    if is_text and self.tree.span(part)[0] == start:
                        return part
        raise CannotEdit("the literal is not where it was")

    def _scope(self, node: cst.CSTNode) -> Scope:
        found = self.tree.scopes.get(id(node))
        if found is not None:
            return found
        for up in self.tree.ancestors(node):
            if id(up) in self.tree.scopes:
                return self.tree.scopes[id(up)]
        return self.tree.top

    # -- the literal is a component of an anchored path -------------------------------------

    def _component(
        self, node: cst.CSTNode, wanted: Wanted, parts: list[tuple[str, Piece, str]]
    ) -> Change:
        bases = {normal(locate(before).path or "/") for before, _, _ in parts}
        if len(bases) != 1:
            raise CannotEdit("it is used under different folders")
        base = bases.pop()
        text = parts[0][1].text
        where = locate(locate(parts[0][0]).prefix + text)  # Only of a URL a query is taken off.
        slash = text.startswith("/")
        if not slash and not parts[0][0].endswith("/"):
            raise CannotEdit("the file name is built from pieces")
        folder, literals = base, [node]
        relative = relative_text(wanted.goal, folder)
        while relative.startswith("../") and isinstance(node, cst.SimpleString):
            before = self._literal_before(literals[0])
            if before is None:
                break
            literals.insert(0, before)
            for part in text_of(before).strip("/").split("/"):
                folder = folder.parent if part not in ("", ".") else folder
            relative = relative_text(wanted.goal, folder)
        if relative.startswith("../") and not folder.is_dir():
            raise CannotEdit(f"it is relative to {folder}, which does not exist")
        if relative.startswith("../") and _by_link(folder, relative, wanted.goal):
            raise CannotEdit(f"{folder} is a link, and what is above it is somewhere else")
        if "/" in relative and self._is_name_only(literals[0]):
            raise CannotEdit("with_name() takes a name, not a path")
        start, end = self.tree.span(literals[0])[0], self.tree.span(literals[-1])[1]
        new = ("/" if slash else "") + relative + where.suffix
        if isinstance(node, cst.FormattedStringText):
            return Change(start, end, new)
        climbed = self._climb(literals[0], relative, end) if not slash else None
        return climbed or Change(start, end, _quoted(literals[-1], new))

    def _is_name_only(self, node: cst.CSTNode) -> bool:
        """Whether the literal is given to pathlib's `with_name`, which refuses separators."""
        arg = self.tree.parent(node)
        call = self.tree.parent(arg) if isinstance(arg, cst.Arg) else None
        func = call.func if isinstance(call, cst.Call) else None
        return isinstance(func, cst.Attribute) and func.attr.value == "with_name"

    def _climb(self, first: cst.CSTNode, relative: str, end: int) -> Change | None:
        """`FOLDER / "x.db"` as `FOLDER.parent / "y.db"` when the goal is above the folder."""
        up = self.tree.parent(first)
        if not relative.startswith("../") or not isinstance(up, cst.BinaryOperation):
            return None
        left = up.left
        if not isinstance(up.operator, cst.Divide) or not isinstance(
            left, cst.Name | cst.Attribute | cst.Call
        ):
            return None
        if left.lpar or up.right is not first:
            return None
        begin = self.tree.span(first)[0]
        operator = self.tree.module.code_for_node(up.operator)
        source = self.tree.data[:begin].decode("utf-8")
        if not source.endswith(operator):
            return None
        steps = 0
        while relative.startswith("../"):
            relative, steps = relative[3:], steps + 1
        start = begin - len(operator.encode("utf-8"))
        return Change(start, end, ".parent" * steps + operator + _quoted(first, relative))

    def _literal_before(self, node: cst.CSTNode) -> cst.SimpleString | None:
        """The plain literal right before, in the same join."""
        up = self.tree.parent(node)
        if isinstance(up, cst.BinaryOperation) and isinstance(up.operator, cst.Divide):
            left = up.left
            if not isinstance(left, cst.BinaryOperation) or left.lpar or up.right is not node:
                return None
            return _plain(left.right) if isinstance(left.operator, cst.Divide) else None
        call = self.tree.parent(up) if isinstance(up, cst.Arg) else None
        if isinstance(call, cst.Call):
            positions = [arg.value for arg in call.args]
            at = next((i for i, value in enumerate(positions) if value is node), 0)
            return _plain(positions[at - 1]) if at > 1 else None
        return None

    # -- the literal is all of a path that depends on the working directory -----------------

    def _anchor(self, node: cst.CSTNode, wanted: Wanted, text: str, before: str) -> Change:
        if not isinstance(node, cst.SimpleString):
            raise CannotEdit("the path is the fixed text of an f-string")
        two = before == "" and any(form is Form.TORTOISE for form, _, _ in wanted.values)
        where = locate(text, two_slashes=two) if not before else locate(before + text)
        quote = node.quote[0]
        scope, (start, end) = self._scope(node), self.tree.span(node)
        prefix = where.prefix if not before else ""
        if prefix:
            return self._url(node, wanted, prefix, where.suffix, scope)
        if where.suffix:
            raise CannotEdit("a query follows the path")
        call = self._path_call(node)
        if call is not None:
            plain = self.anchors.path_code(wanted.goal, scope, start, quote)
            expression = self._keyed(wanted, plain, scope, quote)
            if expression is not plain:
                return Change(start, end, expression.code, expression.imports)
            start, end = self.tree.span(call)
            code = _bracket(expression.code, call, self.tree)
            return Change(start, end, code, expression.imports)
        plain = self.anchors.text_code(wanted.goal, scope, start, quote)
        expression = self._keyed(wanted, plain, scope, quote)
        return Change(start, end, expression.code, expression.imports)

    def _keyed(
        self, wanted: Wanted, expression: Expression, scope: Scope, quote: str
    ) -> Expression:
        """The environment first, where the person asked for a reading point."""
        if wanted.key is None:
            return expression
        imports = expression.imports | self.anchors.environment(scope, wanted.start)
        code = f"os.environ.get({quote}{wanted.key}{quote}, {expression.code})"
        return Expression(code, imports)

    def _url(
        self, node: cst.SimpleString, wanted: Wanted, prefix: str, suffix: str, scope: Scope
    ) -> Change:
        start, end = self.tree.span(node)
        other = "'" if node.quote[0] == '"' else '"'
        if "{" in prefix + suffix or "}" in prefix + suffix:
            raise CannotEdit("the URL has braces")
        expression = self.anchors.path_code(wanted.goal, scope, start, other)
        is_uri = prefix.lower().endswith("file:")
        if not is_uri:
            expression = self._keyed(wanted, expression, scope, other)
        code = expression.code
        if is_uri:
            if prefix.lower() != "file:":
                raise CannotEdit("it is a file: URI inside a URL")
            if not self._reads_uri(node):
                raise CannotEdit("it is not seen that the call takes a file: URI (uri=True)")
            prefix, code = "", f"({code}).as_uri()"
        text = f"f{node.quote}{prefix}{{{code}}}{suffix}{node.quote}"
        return Change(start, end, text, expression.imports)

    def _reads_uri(self, node: cst.CSTNode) -> bool:
        arg = self.tree.parent(node)
        call = self.tree.parent(arg) if isinstance(arg, cst.Arg) else None
        return isinstance(call, cst.Call) and dotted(keyword(call, "uri") or node) == "True"

    def _path_call(self, node: cst.CSTNode) -> cst.Call | None:
        """`Path("x.db")` around the literal."""
        arg = self.tree.parent(node)
        call = self.tree.parent(arg) if isinstance(arg, cst.Arg) else None
        if not isinstance(call, cst.Call) or len(call.args) != 1:
            return None
        return call if dotted(call.func).rsplit(".", 1)[-1] in PATH_CLASSES else None

    # -- a join of literals that depends on the working directory ---------------------------

    def _joined(self, node: cst.CSTNode, wanted: Wanted, value: Pieces) -> Change:
        """`os.path.join("data", "x.db")`, `Path("data") / "x.db"` and `FOLDER + "x.db"`, replaced
        as a whole: the expression must be all of the path, wherever its parts come from."""
        if not isinstance(node, cst.SimpleString):
            raise CannotEdit("the path is put together in more than one place")
        for up in self.tree.ancestors(node):
            if not isinstance(up, cst.Call | cst.BinaryOperation | cst.Arg):
                break
            if isinstance(up, cst.Arg):
                continue
            start, end = self.tree.span(up)
            scope = self._scope(node)
            if self.evaluator.values(up, scope) != [value] or not self._constant(up, scope):
                continue
            quote = node.quote[0]
            added = isinstance(up, cst.BinaryOperation) and isinstance(up.operator, cst.Add)
            if added or (isinstance(up, cst.Call) and dotted(up.func) in _JOINS):
                found = self.anchors.text_code(wanted.goal, self._scope(node), start, quote)
                return Change(start, end, found.code, found.imports)
            is_path = isinstance(up, cst.BinaryOperation) and isinstance(up.operator, cst.Divide)
            if isinstance(up, cst.Call):
                is_path = dotted(up.func).rsplit(".", 1)[-1] in PATH_CLASSES
            if is_path:
                found = self.anchors.path_code(wanted.goal, self._scope(node), start, quote)
                return Change(start, end, _bracket(found.code, up, self.tree), found.imports)
            break
        raise CannotEdit("the path is put together in more than one place")

    def _constant(self, node: cst.CSTNode, scope: Scope) -> bool:
        """Whether an expression is the same at every run: nobody hands it another folder."""
        if isinstance(node, cst.SimpleString):
            return True
        if isinstance(node, cst.BinaryOperation):
            return self._constant(node.left, scope) and self._constant(node.right, scope)
        if isinstance(node, cst.Call):
            name = dotted(node.func).rsplit(".", 1)[-1]
            known = name in ("join", "getcwd", "cwd") or name in PATH_CLASSES
            return known and all(self._constant(arg.value, scope) for arg in node.args)
        look: Scope | None = scope
        while look is not None and isinstance(node, cst.Name):
            if node.value in look.parameters or node.value in look.global_names:
                return False
            values = look.assigned.get(node.value, ())
            if values:
                only = values[0]
                return len(values) == 1 and only is not None and self._constant(only, look)
            look = look.parent
        return False


def _by_link(folder: Path, relative: str, goal: Path) -> bool:
    """Whether the system takes a path from a linked folder to another place than it reads."""
    return os.path.realpath(f"{folder}/{relative}") != os.path.realpath(goal)


def _bare(before: str) -> bool:
    """Whether nothing, or only a URL's scheme, stands before the literal."""
    return not before or (bool(locate(before).prefix) and not locate(before).path)


def _without_prefix(value: Pieces) -> Pieces:
    """The path of a URL that is put together from its scheme and a path."""
    first = value[0].text if value else ""
    where = locate(first)
    return value[1:] if where.prefix and not where.path and not where.suffix else value


def _plain(node: cst.CSTNode) -> cst.SimpleString | None:
    if isinstance(node, cst.SimpleString) and node.raw_value == node.evaluated_value:
        return node if ".." not in node.raw_value and not node.lpar else None
    return None


def _quoted(like: cst.CSTNode, text: str) -> str:
    quote = like.quote if isinstance(like, cst.SimpleString) else '"'
    prefix = like.prefix if isinstance(like, cst.SimpleString) else ""
    return f"{prefix}{quote}{text}{quote}"


_LOOSE = (cst.Assign, cst.AnnAssign, cst.Arg, cst.Param, cst.Return, cst.Element, cst.DictElement,
          cst.NamedExpr)  # fmt: skip


def _bracket(code: str, node: cst.BaseExpression, tree: Tree) -> str:
    """Parentheses where the surroundings bind tighter than a division."""
    if isinstance(tree.parent(node), _LOOSE) or node.lpar:
        return code
    return f"({code})"
