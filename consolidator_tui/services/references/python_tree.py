"""Python source as a syntax tree with byte positions, parents and bindings."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import libcst as cst

from consolidator_tui.services.references.python_spans import Spans

_PATH_MAKER = re.compile(r"(?:^|[a-z]_)(?:path|dir|folder)\Z|\w_(?:path|dir|folder)_for\Z")


class NotReadable(Exception):
    """The bytes are not Python that can be read; the message says why."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


_BRACKET = re.compile(rb"[()\[\]{}]")
_MOST_BRACKETS = 200
"""CPython's own limit (MAXLEVEL of its tokenizer)."""
_MOST_BYTES = 1_000_000


@dataclass(slots=True)
class Scope:
    """The names bound in a module, class or function."""

    node: cst.CSTNode | None
    parent: Scope | None
    kind: str
    name: str = ""
    assigned: dict[str, list[cst.BaseExpression | None]] = field(default_factory=dict)
    """Right-hand sides by name; None for a binding that gives no expression."""
    parameters: dict[str, cst.BaseExpression | None] = field(default_factory=dict)
    imported: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Dotted origin and number of leading dots by local name."""
    functions: dict[str, cst.FunctionDef] = field(default_factory=dict)
    classes: dict[str, Scope] = field(default_factory=dict)
    attributes: dict[str, list[cst.BaseExpression | None]] = field(default_factory=dict)
    """What `self.name = …` assigns in a class's methods."""
    attribute_scopes: dict[int, Scope] = field(default_factory=dict)
    drawn: dict[str, list[cst.BaseExpression]] = field(default_factory=dict)
    """What a loop or a `with` takes a name's values out of."""
    yielded: list[cst.BaseExpression] = field(default_factory=list)
    global_names: set[str] = field(default_factory=set)

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def enclosing_class(self) -> Scope | None:
        """The class whose method this scope is in."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope


@dataclass(slots=True)
class Tree:
    """A parsed file."""

    module: cst.Module
    data: bytes
    bom: int
    """Bytes of the byte order mark before the first token."""
    encoding: str
    parents: dict[int, cst.CSTNode]
    scopes: dict[int, Scope]
    """The scope that each string, call or name of interest stands in, by node identity."""
    nodes: list[cst.CSTNode]
    """Strings, calls and bindings in source order."""
    top: Scope
    joined: set[str] = field(default_factory=set)
    """Names that are appended to a folder somewhere, and so are no whole paths."""
    _calls: dict[str, list[cst.Call]] | None = None
    _spans: dict[int, tuple[int, int]] | None = None
    _survives: bool = False

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Byte offsets of a node in the file, without its parentheses."""
        if self._spans is None:
            self.survives()
        assert self._spans is not None
        start, end = self._spans[id(node)]
        return start + self.bom, end + self.bom

    def survives(self) -> bool:
        """Whether the tree, written out again, is the file byte for byte."""
        if self._spans is None:
            state = Spans(self.module)
            self.module._codegen(state)
            self._spans = state.spans()
            code = "".join(state.tokens).encode("utf-8")
            self._survives = code == self.data[self.bom :]
        return self._survives

    def calls(self) -> dict[str, list[cst.Call]]:
        """The calls of the file by the last name of what they call."""
        if self._calls is None:
            self._calls = {}
            for node in self.nodes:
                if isinstance(node, cst.Call):
                    name = dotted(node.func).rsplit(".", 1)[-1]
                    self._calls.setdefault(name, []).append(node)
        return self._calls

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a byte offset."""
        return place_of(self.data, offset)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around a node."""
        return self.parents.get(id(node))

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """All nodes around a node, inside out."""
        up = self.parents.get(id(node))
        while up is not None:
            yield up
            up = self.parents.get(id(up))


def place_of(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column (in characters), both from 1, of a byte offset; CR, LF and CRLF end lines."""
    before = data[:offset]
    line = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
    start = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
    text = before[start:].removeprefix(codecs.BOM_UTF8) if start == 0 else before[start:]
    return line, len(text.decode("utf-8", "replace")) + 1


_FIELDS: dict[type, tuple[str, ...]] = {}
_BORING = ("whitespace", "lpar", "rpar", "comma", "semicolon", "leading_lines", "header", "footer",
           "lines_after_decorators", "trailing", "equal", "colon", "lbracket", "rbracket", "lbrace",
           "rbrace", "star", "asynchronous", "dot", "operator")  # fmt: skip


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes inside a node in source order, without white space and punctuation."""
    kind = type(node)
    names = _FIELDS.get(kind)
    if names is None:
        names = tuple(f.name for f in fields(node) if not f.name.startswith(_BORING))
        if isinstance(node, cst.BinaryOperation):
            names = ("left", "operator", "right")
        _FIELDS[kind] = names
    for name in names:
        value: Any = getattr(node, name)
        if value is None or type(value) is str:
            continue
        if type(value) in (tuple, list):
            yield from value
        elif hasattr(value, "_codegen_impl"):
            yield value


def parse(data: bytes) -> Tree:
    """Parse the bytes of a Python file.

    Raises NotReadable when they are no Python that libcst knows, hold null bytes, or are not in
    the encoding that they declare (PEP 263).
    """
    bom = 3 if data.startswith(codecs.BOM_UTF8) else 0
    refuse_odd(data)
    try:
        module = cst.parse_module(data[bom:])
    except cst.ParserSyntaxError as error:
        line = error.editor_line
        raise NotReadable(f"it does not parse (line {line})", line) from error
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:
        raise NotReadable(f"it is not in the encoding that it declares ({error})") from error
    except RecursionError as error:
        raise NotReadable("it is nested too deeply") from error
    tree = Tree(module, data, bom, module.encoding, {}, {}, [], Scope(None, None, "module"))
    try:
        _Binder(tree).walk(module, tree.top)
    except RecursionError as error:
        raise NotReadable("it is nested too deeply") from error
    return tree


def refuse_odd(data: bytes) -> None:
    """Raise NotReadable for bytes that no parser should be given."""
    if b"\0" in data:
        raise NotReadable("it holds null bytes", place_of(data, data.index(b"\0"))[0])
    # libcst's parser recurses on the C stack: what is nested too deeply ends the process.
    if len(data) > _MOST_BYTES or _depth(data) > _MOST_BRACKETS:
        raise NotReadable("it is too large or nested too deeply")


def _depth(data: bytes) -> int:
    """How deep brackets are nested, those in strings and comments included."""
    depth = most = 0
    for match in _BRACKET.finditer(data):
        depth = depth + 1 if match[0] in b"([{" else max(depth - 1, 0)
        most = max(most, depth)
    return most


def dotted(node: cst.CSTNode) -> str:
    """`a.b.c` of a chain of names, else an empty text."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr.value}" if left else ""
    return ""


_KEPT = frozenset({cst.SimpleString, cst.ConcatenatedString, cst.FormattedString, cst.Call,
                   cst.Assign, cst.AnnAssign})  # fmt: skip
_OUTSIDE = frozenset({cst.Decorator, cst.Arg, cst.Parameters, cst.Annotation})
_BINDS = frozenset({cst.Assign, cst.AnnAssign, cst.NamedExpr, cst.AugAssign, cst.Del, cst.For,
                    cst.CompFor, cst.AsName, cst.Global, cst.Import, cst.ImportFrom,
                    cst.Yield})  # fmt: skip


class _Binder:
    """One walk that notes parents, scopes and bindings."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def walk(self, node: cst.CSTNode, scope: Scope) -> None:
        tree = self.tree
        inner = scope
        kind = type(node)
        if kind in _KEPT:
            tree.nodes.append(node)
            tree.scopes[id(node)] = scope
        if isinstance(node, cst.Name):
            if self._is_joined(node):
                tree.joined.add(node.value)
            return
        if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            inner = self._open(node, scope)
        elif kind in _BINDS:
            self._bind(node, scope)
        for child in children(node):
            tree.parents[id(child)] = node
            # Defaults, decorators and base classes are evaluated outside.
            outside = inner is not scope and type(child) in _OUTSIDE
            self.walk(child, scope if outside else inner)

    def _is_joined(self, name: cst.Name) -> bool:
        """Whether a folder is put before what the name stands for."""
        node: cst.CSTNode = name
        up = self.tree.parent(node)
        if isinstance(up, cst.Attribute) and up.attr is name:
            node, up = up, self.tree.parent(up)
        if isinstance(up, cst.BinaryOperation):
            if isinstance(up.left, cst.SimpleString) and "sqlite" in up.left.value:
                return False
            return up.right is node and isinstance(up.operator, cst.Divide | cst.Add)
        if isinstance(up, cst.Arg):
            call = self.tree.parent(up)
            last = dotted(call.func).rsplit(".", 1)[-1] if isinstance(call, cst.Call) else ""
            if isinstance(call, cst.Call) and last in ("join", "joinpath", "safe_join", "Path"):
                return call.args[0] is not up or last == "joinpath"
            # `config.path(NAME)`, `get_data_path(NAME)`: whose folder comes first is not known.
            return _PATH_MAKER.search(last) is not None
        if isinstance(up, cst.FormattedStringExpression):
            text = self.tree.parent(up)
            parts = text.parts if isinstance(text, cst.FormattedString) else ()
            at = next((i for i, part in enumerate(parts) if part is up), 0)
            before = parts[at - 1] if at else None
            return isinstance(before, cst.FormattedStringText) and (
                before.value.endswith("/") and "sqlite" not in before.value
            )
        return False

    def _open(self, node: cst.FunctionDef | cst.ClassDef | cst.Lambda, scope: Scope) -> Scope:
        if isinstance(node, cst.ClassDef):
            inner = Scope(node, scope, "class", node.name.value)
            scope.classes[node.name.value] = inner
            return inner
        name = "" if isinstance(node, cst.Lambda) else node.name.value
        inner = Scope(node, scope, "function", name)
        if isinstance(node, cst.FunctionDef):
            scope.functions[name] = node
        self.tree.scopes[id(node)] = inner
        parameters = node.params
        for parameter in (
            *parameters.posonly_params,
            *parameters.params,
            *parameters.kwonly_params,
        ):
            inner.parameters[parameter.name.value] = parameter.default
        for star in (parameters.star_arg, parameters.star_kwarg):
            if isinstance(star, cst.Param):
                inner.parameters[star.name.value] = None
        return inner

    def _bind(self, node: cst.CSTNode, scope: Scope) -> None:
        if isinstance(node, cst.Assign):
            for target in node.targets:
                self._target(target.target, node.value, scope)
        elif isinstance(node, cst.AnnAssign):
            if node.value is not None:
                self._target(node.target, node.value, scope)
        elif isinstance(node, cst.NamedExpr):
            self._target(node.target, node.value, scope)
        elif isinstance(node, cst.AugAssign | cst.Del):
            self._target(node.target, None, scope)
            if isinstance(node, cst.AugAssign):
                _draw(node.target, node.value, scope)
        elif isinstance(node, cst.For | cst.CompFor):
            items = node.iter
            if isinstance(items, cst.List | cst.Tuple) and isinstance(node.target, cst.Name):
                for element in items.elements:
                    self._target(node.target, element.value, scope)
            else:
                self._target(node.target, None, scope)
                _draw(node.target, items, scope)
        elif isinstance(node, cst.AsName):
            around = self.tree.parent(node)
            if not isinstance(around, cst.ImportAlias):
                self._target(node.name, None, scope)
            if isinstance(around, cst.WithItem):
                _draw(node.name, around.item, scope)
        elif isinstance(node, cst.Yield):
            value = node.value.item if isinstance(node.value, cst.From) else node.value
            scope.yielded += [value] if value is not None else []
        elif isinstance(node, cst.Global):
            scope.global_names.update(item.name.value for item in node.names)
        elif isinstance(node, cst.Import):
            for alias in node.names:
                origin = dotted(alias.name)
                if alias.asname is None:
                    scope.imported[origin.split(".")[0]] = (origin.split(".")[0], 0)
                else:
                    scope.imported[dotted(alias.asname.name)] = (origin, 0)
        elif isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
            module = dotted(node.module) if node.module is not None else ""
            for alias in node.names:
                local = dotted(alias.asname.name) if alias.asname else dotted(alias.name)
                origin = f"{module}.{dotted(alias.name)}".lstrip(".")
                scope.imported[local] = (origin, len(node.relative))

    def _target(self, target: cst.CSTNode, value: cst.BaseExpression | None, scope: Scope) -> None:
        if isinstance(target, cst.Name):
            owner = scope.module() if target.value in scope.global_names else scope
            owner.assigned.setdefault(target.value, []).append(value)
            if value is not None:
                owner.attribute_scopes.setdefault(id(value), scope)
        elif isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name):
            owner_class = scope.enclosing_class()
            if target.value.value in ("self", "cls") and owner_class is not None:
                owner_class.attributes.setdefault(target.attr.value, []).append(value)
                if value is not None:
                    owner_class.attribute_scopes[id(value)] = scope
        elif isinstance(target, cst.Tuple | cst.List):
            values: Sequence[cst.BaseElement | None] = [None] * len(target.elements)
            if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(values):
                values = value.elements
            for element, part in zip(target.elements, values, strict=True):
                self._target(element.value, part.value if part else None, scope)


def _draw(target: cst.CSTNode, source: cst.BaseExpression, scope: Scope) -> None:
    """Note where the names of a target come from, whichever part of it they are."""
    if isinstance(target, cst.Name):
        scope.drawn.setdefault(target.value, []).append(source)
    elif isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            _draw(element.value, source, scope)
