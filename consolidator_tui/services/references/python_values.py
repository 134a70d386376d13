"""What a Python expression can be, as path pieces: follows names, defaults, joins, f-strings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import libcst as cst

from consolidator_tui.domain.reference import Piece, PieceKind, Pieces
from consolidator_tui.services.references.pieces import (
    CUT,
    UNKNOWN,
    concatenate,
    cut,
    join,
    parent,
    product,
)
from consolidator_tui.services.references.python_lookup import MANY, Lookup
from consolidator_tui.services.references.python_names import (
    CONFIG_READERS,
    CUTTING,
    ENV_READERS,
    PATH_CLASSES,
    TEMPORARY,
    TRANSPARENT,
    TRANSPARENT_METHODS,
    is_scheme,
    keyword,
    text_of,
    without_scheme,
)
from consolidator_tui.services.references.python_tree import Scope, Tree, dotted

_HOLE = re.compile(r"\{[^{}]*\}|%(?:\(\w+\))?[sdr]")
"""What `format` or `%` fills in."""
_DEPTH = 14
_STEPS = 1_500
"""Expressions that are looked at for one answer. Code that hands its parameters round in circles
has exponentially many ways: what is not known by then counts as unknown."""


class Evaluator(Lookup):
    """Evaluates expressions of one file. `file` is POSIX, relative to the project."""

    def __init__(self, tree: Tree, file: str) -> None:
        super().__init__(tree, file)
        self._active: set[int] = set()
        self._steps = 0
        self._known: dict[int, list[Pieces]] = {}

    def values(self, node: cst.CSTNode | None, scope: Scope, depth: int = 0) -> list[Pieces]:
        """The alternatives that an expression can be, each as path pieces."""
        if node is None or depth > _DEPTH or id(node) in self._active:
            return [UNKNOWN]
        outermost = not self._active
        if outermost:
            if id(node) in self._known:
                return self._known[id(node)]
            self._steps = 0
        self._steps += 1
        if self._steps > _STEPS:
            return [UNKNOWN]
        self._active.add(id(node))
        try:
            found = self._values(node, scope, depth + 1)[:MANY] or [UNKNOWN]
        finally:
            self._active.discard(id(node))
        if outermost:
            self._known[id(node)] = found
        return found

    def _values(self, node: cst.CSTNode, scope: Scope, depth: int) -> list[Pieces]:
        if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
            return [self._literal(node, scope, depth)]
        if isinstance(node, cst.FormattedString):
            return self._formatted(node, scope, depth)
        if isinstance(node, cst.Name):
            return self.name(node.value, scope, depth)
        if isinstance(node, cst.Attribute):
            return self._attribute(node, scope, depth)
        if isinstance(node, cst.Call):
            return self._call(node, scope, depth)
        if isinstance(node, cst.BinaryOperation):
            return self._binary(node, scope, depth)
        if isinstance(node, cst.BooleanOperation):
            return self.values(node.left, scope, depth) + self.values(node.right, scope, depth)
        if isinstance(node, cst.IfExp):
            return self.values(node.body, scope, depth) + self.values(node.orelse, scope, depth)
        if isinstance(node, cst.Await):
            return self.values(node.expression, scope, depth)
        if isinstance(node, cst.NamedExpr):
            return self.values(node.value, scope, depth)
        if isinstance(node, cst.Subscript):
            return self._subscript(node, scope, depth)
        return [UNKNOWN]

    def _literal(
        self, node: cst.SimpleString | cst.ConcatenatedString, scope: Scope, depth: int
    ) -> Pieces:
        value = node.evaluated_value
        if isinstance(node, cst.ConcatenatedString) and value is None:
            parts = [self.values(node.left, scope, depth), self.values(node.right, scope, depth)]
            first = product(parts, concatenate)[0]
            return tuple(
                Piece(p.kind, p.text, p.file, p.start, p.end, p.up, exact=False) for p in first
            )
        if not isinstance(value, str):
            return UNKNOWN
        start, end = self.tree.span(node)
        exact = isinstance(node, cst.SimpleString)
        return (Piece(PieceKind.TEXT, value, self.file, start, end, exact=exact),)

    def _formatted(self, node: cst.FormattedString, scope: Scope, depth: int) -> list[Pieces]:
        parts: list[list[Pieces]] = []
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                start, end = self.tree.span(part)
                text = part.value.replace("{{", "{").replace("}}", "}")
                exact = text == part.value and "\\" not in text
                parts.append([(Piece(PieceKind.TEXT, text, self.file, start, end, exact=exact),)])
            elif isinstance(part, cst.FormattedStringExpression):
                plain = part.format_spec is None and part.conversion in (None, "s")
                parts.append(self.values(part.expression, scope, depth) if plain else [UNKNOWN])
        return product(parts, concatenate)

    def _attribute(self, node: cst.Attribute, scope: Scope, depth: int) -> list[Pieces]:
        name = node.attr.value
        if name == "database" and isinstance(node.value, cst.Call):
            url = self.qualified(node.value.func, scope).rsplit(".", 1)[-1] == "make_url"
            return self.values(node.value, scope, depth) if url else [UNKNOWN]
        if name == "parent":
            return [parent(value) for value in self.values(node.value, scope, depth)]
        owner = self.class_of(node.value, scope)
        if owner is not None:
            return self.member(owner, name, depth)
        if name in ("instance_path", "root_path"):
            return self._flask_folder(name) if self.is_flask(node.value, scope) else [UNKNOWN]
        if name in ("value", "name", "stem", "parents"):
            return [UNKNOWN] if name != "value" else self.values(node.value, scope, depth)
        if (dotted(node) or "").startswith("sys."):
            return [UNKNOWN]
        bases = self.values(node.value, scope, depth)
        if any(b[0].text.startswith("argparse.") for b in bases if b):
            parsed = self._option(name, depth)
            if parsed:
                return parsed
        return [
            (Piece(PieceKind.IMPORTED, f"{b[0].text}.{name}", b[0].file, up=b[0].up),)
            if len(b) == 1 and b[0].kind is PieceKind.IMPORTED
            else b
            if (len(b) == 1 and b[0].kind is PieceKind.TEMPORARY) or b[-1:] == (CUT,)
            else UNKNOWN
            for b in bases
        ]

    def _option(self, name: str, depth: int) -> list[Pieces]:
        """The defaults of a command-line option that argparse parses in this file."""
        values: list[Pieces] = []
        for call in self.tree.calls().get("add_argument", ()):
            names = [text_of(arg.value).lstrip("-").replace("-", "_") for arg in call.args
                     if arg.keyword is None]  # fmt: skip
            names.append(text_of(keyword(call, "dest")))
            default = keyword(call, "default")
            if name in names:
                scope = self.tree.scopes[id(call)]
                values += [UNKNOWN] if default is None else self.values(default, scope, depth)
        return values

    def _flask_folder(self, name: str) -> list[Pieces]:
        """Flask's folders: of a package beside it, of a module beside it, and for the module that
        is run as a script the working directory's instance folder (flask.scaffold: no spec of
        `__main__`); the root path is always the folder of the file."""
        package = self.file.endswith("__init__.py")
        below = (Piece(PieceKind.TEXT, "/instance"),) if name == "instance_path" else ()
        up = 2 if package and below else 1
        values: list[Pieces] = [(Piece(PieceKind.FILE, file=self.file, up=up), *below)]
        if below and not package:
            values.append((Piece(PieceKind.WORKING), *below))
        return values

    def _subscript(self, node: cst.Subscript, scope: Scope, depth: int) -> list[Pieces]:
        index = node.slice[0].slice
        inner = index.value if isinstance(index, cst.Index) else None
        if isinstance(node.value, cst.Attribute) and node.value.attr.value == "parents":
            if not isinstance(inner, cst.Integer):
                return [UNKNOWN]
            values = self.values(node.value.value, scope, depth)
            for _ in range(int(inner.evaluated_value) + 1):
                values = [parent(value) for value in values]
            return values
        whole = without_scheme(node)
        if whole is not None:
            return self.values(whole, scope, depth)
        if self.qualified(node.value, scope) in ("os.environ", "environ"):
            key = text_of(inner)
            return [(Piece(PieceKind.ENVIRONMENT, key),)] if key else [UNKNOWN]
        key = text_of(inner)
        if not key:
            return cut(self.values(node.value, scope, depth))
        items: list[Pieces] = []
        for value, place in self.items(node.value, key, scope):
            items += self.values(value, place, depth)
        return items or self._of_other_file(node.value, key, scope, depth)

    def _of_other_file(self, node: cst.CSTNode, key: str, scope: Scope, depth: int) -> list[Pieces]:
        """`CONFIG["db_path"]` of a dictionary that another file of the project writes out."""
        found = self.values(node, scope, depth) if key.isidentifier() else [UNKNOWN]
        return [
            (Piece(PieceKind.IMPORTED, f"{v[0].text}.{key}", v[0].file, up=v[0].up),)
            if len(v) == 1 and v[0].kind is PieceKind.IMPORTED
            else UNKNOWN
            for v in found
        ]

    def _binary(self, node: cst.BinaryOperation, scope: Scope, depth: int) -> list[Pieces]:
        left = self.values(node.left, scope, depth)
        if isinstance(node.operator, cst.Modulo):
            return self._percent(left, node.right, scope, depth)
        right = self.values(node.right, scope, depth)
        if isinstance(node.operator, cst.Divide):
            return product([left, right], join)
        if isinstance(node.operator, cst.Add):
            return product([left, right], concatenate)
        return [UNKNOWN]

    def _percent(
        self, left: list[Pieces], right: cst.CSTNode, scope: Scope, depth: int
    ) -> list[Pieces]:
        arguments: list[cst.CSTNode] = [right]
        if isinstance(right, cst.Tuple):
            arguments = [element.value for element in right.elements]
        filled = self._fill(left, "%s", [self.values(item, scope, depth) for item in arguments])
        return filled if filled != [UNKNOWN] else self._holed(left)

    def _holed(self, left: list[Pieces]) -> list[Pieces]:
        """A template of which it is not followed what is filled in."""
        if len(left) != 1 or len(left[0]) != 1 or left[0][0].kind is not PieceKind.TEXT:
            return [UNKNOWN]
        holes = len(_HOLE.findall(left[0][0].text))
        marked = replace(left[0][0], text=_HOLE.sub("\0", left[0][0].text))
        return self._fill([(marked,)], "\0", [[UNKNOWN]] * holes) if holes else [UNKNOWN]

    def _fill(
        self, left: list[Pieces], mark: str, arguments: Sequence[list[Pieces]]
    ) -> list[Pieces]:
        if len(left) != 1 or len(left[0]) != 1 or left[0][0].kind is not PieceKind.TEXT:
            return [UNKNOWN]
        whole = left[0][0]
        texts = whole.text.split(mark)
        if len(texts) != len(arguments) + 1:
            return [UNKNOWN]
        parts: list[list[Pieces]] = []
        for number, text in enumerate(texts):
            # Only a part of the literal: never edited, but it says where the reference is.
            piece = Piece(PieceKind.TEXT, text, whole.file, whole.start, whole.end, exact=False)
            parts.append([(piece,) if text else ()])
            if number < len(arguments):
                parts.append(arguments[number])
        return product(parts, concatenate)

    def _call(self, node: cst.Call, scope: Scope, depth: int) -> list[Pieces]:
        name = self.qualified(node.func, scope)
        last = name.rsplit(".", 1)[-1]
        arguments = [arg.value for arg in node.args if arg.keyword is None and not arg.star]
        if name in TEMPORARY:
            return [(Piece(PieceKind.TEMPORARY),)]
        if name in ENV_READERS or (name in CONFIG_READERS and arguments):
            return self._environment(node, scope, depth)
        if (last in PATH_CLASSES and "." in name) or name in PATH_CLASSES:
            return (
                self._joined(arguments, scope, depth)
                if arguments
                else [(Piece(PieceKind.WORKING),)]
            )
        if name in ("os.path.join", "posixpath.join", "path.join") or (
            last == "safe_join" and arguments
        ):
            return self._joined(arguments, scope, depth)
        if name in ("os.path.dirname", "dirname", "path.dirname") and arguments:
            return [parent(value) for value in self.values(arguments[0], scope, depth)]
        if name in TRANSPARENT and arguments:
            return self.values(arguments[0], scope, depth)
        if name in ("os.getcwd", "getcwd", "pathlib.Path.cwd", "Path.cwd"):
            return [(Piece(PieceKind.WORKING),)]
        if name in ("pathlib.Path.home", "Path.home"):
            return [(Piece(PieceKind.HOME),)]
        return self._method(node, name, arguments, scope, depth)

    def _method(
        self,
        node: cst.Call,
        name: str,
        arguments: list[cst.BaseExpression],
        scope: Scope,
        depth: int,
    ) -> list[Pieces]:
        if name.rsplit(".", 1)[-1] == "Field" or name in ("dataclasses.field", "field"):
            default = keyword(node, "default") or (arguments[0] if arguments else None)
            return self.values(default, scope, depth)
        if name in ("typer.Option", "typer.Argument") and arguments:
            return self.values(arguments[0], scope, depth)
        function = self.function(node.func, scope)
        if function is not None:
            return self._returns(function, depth)
        if isinstance(node.func, cst.Attribute):
            method = node.func.attr.value
            if method in CUTTING and arguments and not is_scheme(text_of(arguments[0])):
                return cut(self.values(node.func.value, scope, depth))
            if method in TRANSPARENT_METHODS or method in ("replace", "removeprefix"):
                return self.values(node.func.value, scope, depth)
            if method == "as_uri":
                scheme = (Piece(PieceKind.TEXT, "file:"),)
                return product([[scheme], self.values(node.func.value, scope, depth)], concatenate)
            if method == "joinpath":
                parts = [node.func.value, *arguments]
                return self._joined(parts, scope, depth)
            if method == "with_name" and arguments:
                folders = [parent(v) for v in self.values(node.func.value, scope, depth)]
                return product([folders, self.values(arguments[0], scope, depth)], join)
            if method == "format":
                left = self.values(node.func.value, scope, depth)
                plain = [self.values(a, scope, depth) for a in arguments]
                filled = self._fill(left, "{}", plain)
                named = any(arg.keyword for arg in node.args)
                return self._holed(left) if named or filled == [UNKNOWN] else filled
        if name.rsplit(".", 1)[-1] in ("urlparse", "urlsplit", "partition") and arguments:
            return cut(self.values(arguments[0], scope, depth))
        values = self.values(node.func, scope, depth)
        return [v for v in values if len(v) == 1 and v[0].kind is PieceKind.IMPORTED]

    def _joined(
        self, arguments: Sequence[cst.BaseExpression], scope: Scope, depth: int
    ) -> list[Pieces]:
        return product([self.values(item, scope, depth) for item in arguments], join)

    def _environment(self, node: cst.Call, scope: Scope, depth: int) -> list[Pieces]:
        arguments = [arg.value for arg in node.args if arg.keyword is None]
        key = text_of(arguments[0]) if arguments else text_of(keyword(node, "key"))
        default = keyword(node, "default") or (arguments[1] if len(arguments) > 1 else None)
        values: list[Pieces] = [(Piece(PieceKind.ENVIRONMENT, key or ""),)]
        if default is not None and dotted(default) != "None":
            values += self.values(default, scope, depth)
        return values

    def dotted_value(self, path: str) -> list[Pieces]:
        """What a dotted name of this module (`settings.database_url`) can be, seen from outside."""
        first, _, rest = path.partition(".")
        scope = self.tree.top
        if not rest:
            function = scope.functions.get(first)
            if function is not None:
                return self._returns(function, 0)
            return self.name(first, scope, 0)
        node: cst.BaseExpression = cst.Name(first)
        items = [(value, scope) for value in scope.assigned.get(first, ()) if value is not None]
        if any(isinstance(value, cst.Dict) for value, _ in items):
            for key in rest.split("."):
                items = [found for value, place in items for found in self.items(value, key, place)]
            return [found for value, place in items for found in self.values(value, place, 0)] or [
                UNKNOWN
            ]
        owner = self.class_of(node, scope)
        if owner is None and first in scope.functions:
            inner = self.tree.scopes[id(scope.functions[first])]
            owners = [
                self.class_of(value, inner) for value in self.returned(scope.functions[first])
            ]
            owner = next((found for found in owners if found is not None), None)
        if owner is not None:
            names = rest.split(".")
            while len(names) > 1 and names[0] in owner.classes:
                owner = owner.classes[names.pop(0)]
            return self.member(owner, names[0], 0)
        values = self.name(first, scope, 0)
        return [
            (Piece(PieceKind.IMPORTED, f"{v[0].text}.{rest}", v[0].file, up=v[0].up),)
            if len(v) == 1 and v[0].kind is PieceKind.IMPORTED
            else UNKNOWN
            for v in values
        ]
