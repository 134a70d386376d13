"""The places of one Python file that open, test, move or delete a file."""

from __future__ import annotations

import libcst as cst

from consolidator_tui.domain.reference import Form, FoundUse, Piece, PieceKind
from consolidator_tui.services.references.pieces import decidable
from consolidator_tui.services.references.python_carriers import is_django, speaks_of_database
from consolidator_tui.services.references.python_names import ENV_READERS, keyword, text_of
from consolidator_tui.services.references.python_patterns import Patterns
from consolidator_tui.services.references.python_sinks import argument, file_use, mapped, sink_of
from consolidator_tui.services.references.python_tree import Scope, Tree, dotted
from consolidator_tui.services.references.python_values import Evaluator

_FILE_USES = (Form.FILE_TEST, Form.FILE_OPERATION)


def _told(piece: Piece) -> bool:
    """Whether a piece can lead to a place that names the file."""
    if piece.kind is PieceKind.TEXT:
        return piece.start >= 0
    return piece.kind in (PieceKind.IMPORTED, PieceKind.ENVIRONMENT)


class UseFinder:
    """Collects the uses, and the environment keys that they read."""

    def __init__(self, tree: Tree, file: str) -> None:
        self.tree = tree
        self.file = file
        self.evaluator = Evaluator(tree, file)
        self.patterns = Patterns(self.evaluator)
        self.uses: list[FoundUse] = []
        self.keys: set[str] = set()

    def call(self, call: cst.Call, scope: Scope) -> None:
        """Note what a call does with a file."""
        uri = keyword(call, "SQLALCHEMY_DATABASE_URI")
        if uri is not None:
            self._use(Form.FLASK, call, uri, scope)
        name = self.evaluator.qualified(call.func, scope)
        if name in ENV_READERS and call.args:
            key = text_of(call.args[0].value)
            if key and speaks_of_database(key):
                self.keys.add(key)
        sink = sink_of(call, scope, self.evaluator)
        if sink is not None:
            given = argument(call, sink[0])
            if given is not None and "alembic" not in name:
                tortoise = sink[0].form is Form.TORTOISE
                self._use(sink[0].form, call, given, scope, two_slashes=tortoise)
            return
        each = mapped(call, scope, self.evaluator)
        if each is not None:
            self._use(each[0], call, each[1], scope)
            return
        use = file_use(call, scope, self.evaluator)
        if use is not None:
            form, given_files, endangers = use
            for item in given_files:
                self._use(form, call, item, scope, endangers=endangers)

    def assignment(self, node: cst.Assign | cst.AnnAssign, scope: Scope) -> None:
        """Note configuration that a framework opens."""
        if node.value is None or dotted(node.value) == "None":
            return
        target = node.target if isinstance(node, cst.AnnAssign) else node.targets[0].target
        name = dotted(target).rsplit(".", 1)[-1]
        if isinstance(target, cst.Subscript):
            index = target.slice[0].slice
            name = text_of(index.value) if isinstance(index, cst.Index) else ""
            if name == "NAME" and is_django(target):
                self._use(Form.DJANGO, node, node.value, scope)
        if name == "SQLALCHEMY_DATABASE_URI":
            self._use(Form.FLASK, node, node.value, scope)
        if name == "DATABASES" and isinstance(node.value, cst.Dict):
            self._django(node.value, scope)
        if name == "SQLALCHEMY_BINDS" and isinstance(node.value, cst.Dict):
            for item in node.value.elements:
                if isinstance(item, cst.DictElement) and not isinstance(item.value, cst.Dict):
                    self._use(Form.FLASK, item, item.value, scope)

    def _django(self, databases: cst.Dict, scope: Scope) -> None:
        for element in databases.elements:
            inner = element.value
            if not isinstance(inner, cst.Dict):
                continue
            for item in inner.elements:
                if isinstance(item, cst.DictElement) and text_of(item.key) == "NAME":
                    self._use(Form.DJANGO, item, item.value, scope)

    def _use(
        self,
        form: Form,
        node: cst.CSTNode,
        given: cst.BaseExpression,
        scope: Scope,
        *,
        endangers: bool = False,
        two_slashes: bool = False,
    ) -> None:
        values = tuple(self.evaluator.values(given, scope))
        if form in _FILE_USES and not any(_told(piece) for value in values for piece in value):
            return
        span = self._around(node)
        text = self.tree.module.code_for_node(given)[:200]
        line, column = self.tree.place(span[0])
        looks = form not in _FILE_USES and not all(decidable(value) for value in values)
        patterns = self.patterns.of(given, scope) if looks else ()
        self.uses.append(
            FoundUse(form, line, column, *span, text, values, endangers, two_slashes, patterns)
        )
        for value in values:
            for piece in value:
                if piece.kind is PieceKind.ENVIRONMENT and piece.text:
                    opens = form not in _FILE_USES
                    if opens and not endangers:
                        self.keys.add(piece.text)

    def _around(self, node: cst.CSTNode) -> tuple[int, int]:
        if isinstance(node, cst.Call):
            return self.tree.span(node)
        for up in self.tree.ancestors(node):
            if isinstance(up, cst.SimpleStatementLine | cst.Call):
                return self.tree.span(up)
        return 0, 0
