"""What a Python name can stand for: scopes, parameters, classes, members; one file."""

from __future__ import annotations

import libcst as cst

from consolidator_tui.domain.reference import Piece, PieceKind, Pieces
from consolidator_tui.services.references.pieces import UNKNOWN
from consolidator_tui.services.references.python_names import (
    TEMPORARY_NAMES,
    env_name,
    is_settings,
    keyword,
    returned,
    text_of,
)
from consolidator_tui.services.references.python_tree import Scope, Tree, dotted

MANY = 12
"""Alternatives that are followed."""


_DEPTH = 14


class Lookup:
    """Follows names of one file; what an expression can be, its subclass knows."""

    def __init__(self, tree: Tree, file: str) -> None:
        self.tree = tree
        self.file = file
        self._returned: dict[int, list[cst.BaseExpression]] = {}

    def returned(self, function: cst.FunctionDef) -> list[cst.BaseExpression]:
        """The expressions that a function returns; looked for once."""
        if id(function) not in self._returned:
            self._returned[id(function)] = returned(function)
        return self._returned[id(function)]

    def values(self, node: cst.CSTNode | None, scope: Scope, depth: int = 0) -> list[Pieces]:
        """The alternatives that an expression can be, each as path pieces."""
        raise NotImplementedError

    def name(self, name: str, scope: Scope, depth: int) -> list[Pieces]:
        """What a name can stand for, as Python's scopes look it up."""
        if name == "__file__":
            return [(Piece(PieceKind.FILE, file=self.file),)]
        look: Scope | None = scope
        first = True
        while look is not None:
            if look.kind != "class" or first:
                found = self._bound(name, look, depth)
                if found is not None:
                    return found
            first = False
            look = look.parent
        return [UNKNOWN]

    def _bound(self, name: str, scope: Scope, depth: int) -> list[Pieces] | None:
        values: list[Pieces] = []
        if name in scope.global_names:
            return None
        if name in scope.parameters:
            default = scope.parameters[name]
            values += self._passed(name, scope, depth)
            if name in TEMPORARY_NAMES:
                values.append((Piece(PieceKind.TEMPORARY),))
            elif default is not None and dotted(default) != "None":
                values += self.values(default, scope.parent or scope, depth)
            elif not values and name not in scope.assigned:
                values.append(UNKNOWN)
        for value in scope.assigned.get(name, ()):
            if value is not None and dotted(value) == "None":
                continue
            owner = scope.attribute_scopes.get(id(value), scope)
            values += self.values(value, owner, depth)
        if name in scope.imported:
            origin, dots = scope.imported[name]
            values.append((Piece(PieceKind.IMPORTED, origin, self.file, up=dots),))
        known = name in scope.functions or name in scope.classes
        return values or ([UNKNOWN] if known or name in scope.assigned else None)

    def _passed(self, name: str, scope: Scope, depth: int) -> list[Pieces]:
        """What the arguments for a parameter can be."""
        values: list[Pieces] = []
        for given, place in self.given(name, scope):
            values += self.values(given, place, depth)
        return values

    def given(self, name: str, scope: Scope) -> list[tuple[cst.BaseExpression, Scope]]:
        """What the calls in this file pass for a parameter of the function of a scope."""
        function = scope.node
        if not isinstance(function, cst.FunctionDef):
            return []
        owner = scope.parent
        method = owner is not None and owner.kind == "class"
        callee = owner.name if method and owner and scope.name == "__init__" else scope.name
        names = [p.name.value for p in (*function.params.posonly_params, *function.params.params)]
        names = names[1:] if method and names[:1] in (["self"], ["cls"]) else names
        found: list[tuple[cst.BaseExpression, Scope]] = []
        for call in self.tree.calls().get(callee, ())[:MANY]:
            given = keyword(call, name)
            if given is None and name in names:
                plain = [arg.value for arg in call.args if arg.keyword is None]
                at = names.index(name)
                given = plain[at] if at < len(plain) else None
            if given is not None:
                found.append((given, self.tree.scopes[id(call)]))
        return found

    def class_of(self, node: cst.CSTNode | None, scope: Scope, depth: int = 0) -> Scope | None:
        """The class of this file that an expression is an instance of, or is."""
        if node is None or depth > 6:
            return None
        name = dotted(node)
        if name in ("self", "cls"):
            return scope.enclosing_class()
        look: Scope | None = scope
        while look is not None and isinstance(node, cst.Name):
            if name in look.classes:
                return look.classes[name]
            for value in look.assigned.get(name, ()):
                found = self.class_of(value, look, depth + 1)
                if found is not None:
                    return found
            look = look.parent
        if isinstance(node, cst.Attribute):
            outer = self.class_of(node.value, scope, depth + 1)
            return outer.classes.get(node.attr.value) if outer is not None else None
        if isinstance(node, cst.Call):
            function = self.function(node.func, scope)
            if function is None:
                return self.class_of(node.func, scope, depth + 1)
            inner = self.tree.scopes[id(function)]
            for value in self.returned(function):
                found = self.class_of(value, inner, depth + 1)
                if found is not None:
                    return found
        return None

    def is_flask(self, node: cst.CSTNode, scope: Scope) -> bool:
        """Whether a name is a Flask application made in this file: the folders of one that is
        imported, and of `current_app`, are those of another file."""
        look: Scope | None = scope
        while look is not None and isinstance(node, cst.Name):
            if node.value in look.assigned:
                made = [v.func for v in look.assigned[node.value] if isinstance(v, cst.Call)]
                return any(dotted(func).rsplit(".", 1)[-1] == "Flask" for func in made)
            look = look.parent
        return False

    def items(
        self, node: cst.CSTNode | None, key: str, scope: Scope
    ) -> list[tuple[cst.BaseExpression, Scope]]:
        """What stands under a key of a dictionary that is written out in this file: `node` is
        it, a name of it, or an item of another one."""
        found: list[tuple[cst.BaseExpression, Scope]] = []
        for owner, place in self._dictionaries(node, scope):
            found += [
                (element.value, place)
                for element in owner.elements
                if isinstance(element, cst.DictElement) and key and text_of(element.key) == key
            ]
        return found

    def _dictionaries(self, node: cst.CSTNode | None, scope: Scope) -> list[tuple[cst.Dict, Scope]]:
        if isinstance(node, cst.Dict):
            return [(node, scope)]
        if isinstance(node, cst.Subscript):
            index = node.slice[0].slice
            inner = text_of(index.value) if isinstance(index, cst.Index) else ""
            found = self.items(node.value, inner, scope)
            return [(value, place) for value, place in found if isinstance(value, cst.Dict)]
        look: Scope | None = scope
        name = dotted(node) if node is not None else ""
        while look is not None and name:
            assigned = [value for value in look.assigned.get(name, ()) if value is not None]
            if assigned:
                return [(value, look) for value in assigned if isinstance(value, cst.Dict)]
            look = look.parent
        return []

    def function(self, callee: cst.CSTNode, scope: Scope) -> cst.FunctionDef | None:
        """The function of this file that a callee names."""
        if isinstance(callee, cst.Name):
            look: Scope | None = scope
            while look is not None:
                if callee.value in look.functions:
                    return look.functions[callee.value]
                look = look.parent
        if isinstance(callee, cst.Attribute) and dotted(callee.value) in ("self", "cls"):
            owner = scope.enclosing_class()
            return owner.functions.get(callee.attr.value) if owner is not None else None
        return None

    def member(self, owner: Scope, name: str, depth: int) -> list[Pieces]:
        """What an attribute of an instance of a class can be; settings fields may come from the
        environment."""
        values: list[Pieces] = []
        if is_settings(owner) and name in owner.assigned:
            values += [(Piece(PieceKind.ENVIRONMENT, env_name(owner, name)),)]
        for value in owner.assigned.get(name, ()):
            values += self.values(value, owner, depth)
        for value in owner.attributes.get(name, ()):
            if value is None or dotted(value) == "None":
                continue
            values += self.values(value, owner.attribute_scopes.get(id(value), owner), depth)
        if not values and name in owner.functions:
            values = self._returns(owner.functions[name], depth)
        return values or self._inherited(owner, name, depth)

    def _inherited(self, owner: Scope, name: str, depth: int) -> list[Pieces]:
        """What a base class, of this file or another one, says about a member."""
        node, around = owner.node, owner.parent
        if not isinstance(node, cst.ClassDef) or around is None or depth > _DEPTH:
            return [UNKNOWN]
        values: list[Pieces] = []
        for base in node.bases:
            found = self.class_of(base.value, around)
            first, _, rest = dotted(base.value).partition(".")
            if found is not None and found is not owner:
                values += self.member(found, name, depth + 1)
            elif first in around.module().imported:
                origin, dots = around.module().imported[first]
                whole = ".".join(part for part in (origin, rest, name) if part)
                values.append((Piece(PieceKind.IMPORTED, whole, self.file, up=dots),))
        return values or [UNKNOWN]

    def _returns(self, function: cst.FunctionDef, depth: int) -> list[Pieces]:
        inner = self.tree.scopes[id(function)]
        values: list[Pieces] = []
        for value in self.returned(function):
            values += self.values(value, inner, depth)
        return values or [UNKNOWN]

    def qualified(self, node: cst.CSTNode, scope: Scope) -> str:
        """The dotted name of a callee with imports resolved (`import sqlite3 as s` too)."""
        name = dotted(node)
        if not name:
            return ""
        first, _, rest = name.partition(".")
        look: Scope | None = scope
        while look is not None:
            if first in look.imported:
                origin = look.imported[first][0]
                return f"{origin}.{rest}" if rest else origin
            if first in look.assigned or first in look.parameters:
                return name
            look = look.parent
        return name
