"""Which files a Python program looks for by a pattern before it opens them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from consolidator_tui.domain.reference import Piece, PieceKind, Pieces
from consolidator_tui.services.references.paths import SUFFIX_PATTERN
from consolidator_tui.services.references.pieces import join, product
from consolidator_tui.services.references.python_names import EACH, each_of, keyword, text_of
from consolidator_tui.services.references.python_tree import Scope, children, dotted
from consolidator_tui.services.references.python_values import Evaluator

_STEPS = 600
"""Expressions that are followed for one answer."""
_MANY = 12
_WORKING: Pieces = (Piece(PieceKind.WORKING),)
_GLOBS = ("glob.glob", "glob.iglob")
_LISTS = {"os.listdir": "*", "os.scandir": "*", "os.walk": "**/*", "os.fwalk": "**/*"}
_METHODS = {"glob": "", "rglob": "**/", "iterdir": "*", "walk": "**/*"}
_COLLECT = ("append", "extend", "add", "update", "insert", "appendleft")
_SUFFIX = re.compile(rf"\*?(\.{SUFFIX_PATTERN})", re.I)
_OTHER_SUFFIX = re.compile(rf"\.(?!{SUFFIX_PATTERN}\Z)\w+\Z", re.I)


class Patterns:
    """Follows an expression back to `glob`, `listdir` and the like, through loops, comprehensions,
    functions and lists of the same file."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.tree = evaluator.tree

    def of(self, node: cst.CSTNode, scope: Scope) -> tuple[Pieces, ...]:
        """The patterns whose matches an expression can be, as path pieces with wildcards in
        them; a piece alone that is imported is a function of another file that may know more."""
        found: list[Pieces] = []
        seen: set[int] = set()
        stack: list[tuple[cst.CSTNode, Scope]] = [(node, scope)]
        while stack and len(seen) < _STEPS:
            at, where = stack.pop()
            if id(at) in seen:
                continue
            seen.add(id(at))
            if isinstance(at, cst.Call):
                found += self._call(at, where)
            stack += self._behind(at, where)
            stack += [(child, where) for child in children(at)]
        return tuple(dict.fromkeys(value for value in found if _may_be_database(value)))[:_MANY]

    def returned(self, name: str) -> tuple[Pieces, ...]:
        """The patterns whose matches a function of this file returns, or a name of it holds."""
        top = self.tree.top
        function = top.functions.get(name)
        if function is None:
            return self.of(cst.Name(name), top)
        inner = self.tree.scopes[id(function)]
        found = [p for value in self.evaluator.returned(function) for p in self.of(value, inner)]
        found += [p for value in inner.yielded for p in self.of(value, inner)]
        return tuple(dict.fromkeys(found))

    def _behind(self, node: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
        """The expressions that a name, a member or a call stands for."""
        if isinstance(node, cst.Call):
            function = self.evaluator.function(node.func, scope)
            if function is not None:
                inner = self.tree.scopes[id(function)]
                for value in (*self.evaluator.returned(function), *inner.yielded):
                    yield value, inner
        elif isinstance(node, cst.Name):
            yield from self._bound(node.value, scope)
        elif isinstance(node, cst.Attribute):
            owner = self.evaluator.class_of(node.value, scope)
            name = node.attr.value
            if owner is None:
                return
            for value in (*owner.assigned.get(name, ()), *owner.attributes.get(name, ())):
                if value is not None:
                    yield value, owner.attribute_scopes.get(id(value), owner)

    def _bound(self, name: str, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
        look: Scope | None = scope
        while look is not None:
            values = [*look.assigned.get(name, ()), *look.drawn.get(name, ())]
            for value in values:
                if value is not None:
                    yield value, look.attribute_scopes.get(id(value), look)
            if name in look.parameters:
                yield from self.evaluator.given(name, look)
                yield from self._each(look)
            if values or name in look.parameters:
                break
            look = look.parent
        for method in _COLLECT:
            for call in self.tree.calls().get(method, ()):
                if isinstance(call.func, cst.Attribute) and dotted(call.func.value) == name:
                    around = self.tree.scopes[id(call)]
                    yield from ((arg.value, around) for arg in call.args)

    def _each(self, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
        """What a function is given by `map(function, files)`."""
        for name in (*EACH, ""):  # `Pool().map` has no dotted name.
            for call in self.tree.calls().get(name, ()):
                found = each_of(call)
                if found is None:
                    continue
                named = isinstance(scope.node, cst.FunctionDef) and (
                    dotted(found[0]).rsplit(".", 1)[-1] == scope.name
                )
                if found[0] is scope.node or named:
                    yield found[1], self.tree.scopes[id(call)]

    def _call(self, call: cst.Call, scope: Scope) -> list[Pieces]:
        """The patterns of one call that looks for files."""
        values, name = self.evaluator.values, self.evaluator.qualified(call.func, scope)
        plain = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
        if name in _GLOBS:
            given = plain[0] if plain else keyword(call, "pathname")
            root = keyword(call, "root_dir")
            texts = values(given, scope)
            return product([values(root, scope), texts], join) if root is not None else texts
        if name in _LISTS:
            folders = values(plain[0], scope) if plain else [_WORKING]
            return self._within(folders, _LISTS[name], scope)
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in _METHODS:
            method = call.func.attr.value
            folders = values(call.func.value, scope)
            if method in ("iterdir", "walk"):
                return self._within(folders, _METHODS[method], scope)
            if not plain:
                return []
            deep = (Piece(PieceKind.TEXT, _METHODS[method]),)
            texts = [(*deep, *text) for text in values(plain[0], scope)]
            return product([folders, texts], join)
        origin = _import_of(call.func, scope)
        if origin is not None and self.evaluator.function(call.func, scope) is None:
            return [(Piece(PieceKind.IMPORTED, origin[0], self.evaluator.file, up=origin[1]),)]
        return []

    def _within(self, folders: list[Pieces], names: str, scope: Scope) -> list[Pieces]:
        """All files of folders, or those with the suffixes that the same function asks for."""
        texts = [names + suffix for suffix in self._suffixes(scope)] or [names]
        return product([folders, [(Piece(PieceKind.TEXT, text),) for text in texts]], join)

    def _suffixes(self, scope: Scope) -> list[str]:
        """Suffixes of databases that names are compared with in a scope."""
        found = []
        for node in self.tree.nodes:
            if isinstance(node, cst.SimpleString) and self.tree.scopes.get(id(node)) is scope:
                match = _SUFFIX.fullmatch(text_of(node))
                if match is not None and self._is_asked(node):
                    found.append(match[1])
        return list(dict.fromkeys(found))

    def _is_asked(self, node: cst.CSTNode) -> bool:
        for up in self.tree.ancestors(node):
            if isinstance(up, cst.ComparisonTarget | cst.Comparison):
                return True
            if isinstance(up, cst.Call):
                last = dotted(up.func).rsplit(".", 1)[-1]
                method = up.func.attr.value if isinstance(up.func, cst.Attribute) else ""
                return {last, method} & {"endswith", "fnmatch", "fnmatchcase", "match"} != set()
            if isinstance(up, cst.BaseStatement | cst.BaseSmallStatement):
                return False
        return False


def _import_of(callee: cst.BaseExpression, scope: Scope) -> tuple[str, int] | None:
    """Dotted origin and leading dots of an imported callee."""
    first, _, rest = dotted(callee).partition(".")
    look: Scope | None = scope
    while look is not None and first:
        if first in look.imported:
            origin, dots = look.imported[first]
            return (f"{origin}.{rest}" if rest else origin), dots
        look = look.parent
    return None


def _may_be_database(value: Pieces) -> bool:
    """Whether a match can be a database: `*.csv` matches none."""
    last = value[-1]
    if last.kind is PieceKind.IMPORTED:
        return len(value) == 1
    name = last.text.rsplit("/", 1)[-1]
    return last.kind is PieceKind.TEXT and _OTHER_SUFFIX.search(name) is None
