"""All references in one Python file."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

import libcst as cst

from consolidator_tui.domain.reference import (
    FileScan,
    Form,
    FoundUse,
    Literal,
    Piece,
    PieceKind,
    Pieces,
    UnreadableFile,
)
from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.paths import (
    SUFFIX_PATTERN,
    Mentions,
    is_dotted,
    is_memory,
    is_other_url,
    locate,
    names_database,
    tokens,
)
from consolidator_tui.services.references.pieces import UNKNOWN, carrier, decidable, whole_texts
from consolidator_tui.services.references.python_carriers import Context
from consolidator_tui.services.references.python_forms import context_of, root_of
from consolidator_tui.services.references.python_names import expects_error, text_of
from consolidator_tui.services.references.python_thin import thin
from consolidator_tui.services.references.python_tree import (
    NotReadable,
    Scope,
    Tree,
    parse,
    place_of,
    refuse_odd,
)
from consolidator_tui.services.references.python_uses import UseFinder

_ATTACH = re.compile(r"ATTACH\s+(?:DATABASE\s+)?'([^']+)'", re.I)
_FILLED_IN = re.compile(r"[{}?]|%[sr(]|^:")
_MOVES = re.compile(rb"chdir\(|isolated_filesystem\(")
_LIKELY = re.compile(rf"\.{SUFFIX_PATTERN}\b|sqlite|sqlcipher|ATTACH|\\", re.I)
_EXACT_UTF8 = ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "utf_8")


def scan_python(file: str, data: bytes, sha256: str, known: Collection[str] = ()) -> FileScan:
    """Find the literals and the uses in the bytes of a Python file; never raises for bad source."""
    try:
        tree = _parse(data, known)
    except NotReadable as error:
        return _unreadable(file, data, sha256, known, error)
    if tree is None:
        return FileScan(file, sha256)
    return _Scan(tree, file, sha256, frozenset(known)).run()


def _parse(data: bytes, known: Collection[str]) -> Tree | None:
    """None where only documentation and comments mention a database."""
    refuse_odd(data)
    small = thin(data, Mentions(known))
    if small is None:
        return None
    if small != data:
        try:
            return parse(small)
        except NotReadable:
            # Whatever was cut wrongly, or is wrong in the file: the whole file tells.
            pass
    return parse(data)


def _unreadable(
    file: str, data: bytes, sha256: str, known: Collection[str], error: NotReadable
) -> FileScan:
    literals = []
    offset = 0
    reason = f"the file is not edited: {error.reason}"
    for raw in data.splitlines(keepends=True):
        line = raw.decode("utf-8", "replace")
        if "#" not in line.split('"')[0].split("'")[0]:
            for _, text in tokens(line, known):
                at = offset + max(raw.find(text.encode()), 0)
                place = place_of(data, at)
                literals.append(
                    Literal(
                        at,
                        at + len(text.encode()),
                        *place,
                        Form.UNREADABLE,
                        text,
                        "no",
                        reason,
                        None,
                        ((Piece(PieceKind.TEXT, text, file, at),),),
                    )
                )
        offset += len(raw)
    unreadable = UnreadableFile(file, error.line, error.reason)
    return FileScan(file, sha256, tuple(literals), (), unreadable)


class _Scan(UseFinder):
    def __init__(self, tree: Tree, file: str, sha256: str, known: frozenset[str]) -> None:
        super().__init__(tree, file)
        self.sha256 = sha256
        self.known = known
        self.literals: dict[int, Literal] = {}
        self.blocked = ""
        self.selectors = {
            text_of(node)
            for node in tree.nodes
            if isinstance(node, cst.SimpleString)
            and self._likely(node.value)
            and self._selects(node)
        }
        if tree.encoding.lower() not in _EXACT_UTF8:
            self.blocked = f"the file is not edited: its encoding is {tree.encoding}"

    def run(self) -> FileScan:
        for node in self.tree.nodes:
            scope = self.tree.scopes[id(node)]
            if isinstance(node, cst.Call):
                self.call(node, scope)
            elif isinstance(node, cst.Assign | cst.AnnAssign):
                self.assignment(node, scope)
            elif not isinstance(self.tree.parent(node), cst.ConcatenatedString):
                self._string(node, scope)
        self._undecidable()
        literals = tuple(self.literals[key] for key in sorted(self.literals))
        if literals and not self.blocked and not self.tree.survives():
            self.blocked = "the file is not edited: its bytes would not survive parsing"
        if self.blocked:
            literals = tuple(replace(x, allowed="no", why_not=self.blocked) for x in literals)
        return FileScan(
            self.file,
            self.sha256,
            literals,
            tuple(self.uses),
            env_keys=tuple(sorted(self.keys)),
            joined=tuple(sorted(self.tree.joined)),
            moves=_MOVES.search(self.tree.data) is not None,
        )

    # -- strings ---------------------------------------------------------------------------

    def _string(self, node: cst.CSTNode, scope: Scope) -> None:
        up = self.tree.parent(node)
        if isinstance(up, cst.Expr):
            return
        if isinstance(node, cst.FormattedString):
            self._formatted(node, scope)
            return
        if not isinstance(node, cst.SimpleString | cst.ConcatenatedString):
            return
        if isinstance(node, cst.SimpleString) and not self._likely(node.value):
            return
        text = node.evaluated_value
        if isinstance(node, cst.ConcatenatedString) and text is None:
            values = self.evaluator.values(node, scope)
            text = "".join(p.text or "{}" for p in values[0])
        if not isinstance(text, str) or self._attach(node, text):
            return
        if not names_database(text, self.known):
            return
        if self._is_pattern(node, scope, text):
            return
        context = context_of(self.tree, node, scope, self.evaluator)
        if context.form is Form.MENTION and is_dotted(text) and text not in self.known:
            return
        if self._key_or_annotation(node):
            return
        why = context.why_not
        allowed = context.allowed
        if isinstance(node, cst.ConcatenatedString):
            allowed, why = "no", "strings are joined implicitly"
        elif isinstance(node, cst.SimpleString) and node.raw_value != text:
            allowed, why = "no", "the literal has escapes"
        elif context.form is Form.ENV_SET and self._refused(node):
            allowed, why = "no", "the test says that this value is refused"
        elif text in self.selectors and context.form is not Form.MENTION:
            allowed, why = "no", "the same text is compared, or is a key, in this file"
        self._add(node, scope, context, text, allowed, why)

    def _refused(self, node: cst.CSTNode) -> bool:
        return in_tests(self.file) and expects_error(self.tree, node)

    def _is_pattern(self, node: cst.CSTNode, scope: Scope, text: str) -> bool:
        """`"sqlite:///{}".format(DB)`: the name is elsewhere and is listed there."""
        if "{}" not in text and "%s" not in text:
            return False
        values = self.evaluator.values(root_of(self.tree, node, scope, self.evaluator), scope)
        start = self.tree.span(node)[0]
        carriers = [carrier(value) for value in values]
        return all(c is not None and c.start != start for c in carriers)

    def _add(
        self,
        node: cst.CSTNode,
        scope: Scope,
        context: Context,
        text: str,
        allowed: str,
        why: str,
    ) -> None:
        start, end = self.tree.span(node)
        root = root_of(self.tree, node, scope, self.evaluator)
        values = tuple(
            value
            for value in self.evaluator.values(root, scope)
            if any(p.start == start and p.file == self.file for p in value)
        )
        if isinstance(self.tree.parent(root), cst.AugAssign):
            # `url += "app.db"`: what stands before it is not followed.
            values = tuple((*UNKNOWN, *value) for value in values)
        self.literals[start] = Literal(
            start,
            end,
            *self.tree.place(start),
            context.form,
            text,
            allowed,
            why,
            context.env_key,
            values,
            context.name,
        )

    def _formatted(self, node: cst.FormattedString, scope: Scope) -> None:
        values = self.evaluator.values(node, scope)
        whole = "".join(p.text if p.kind is PieceKind.TEXT else "x" for p in values[0])
        texts = [part for part in node.parts if isinstance(part, cst.FormattedStringText)]
        path = locate(whole.partition("?")[0]).path
        prose = " " in path and path.rpartition("/")[2] not in self.known
        if not texts or prose or not names_database(whole, self.known):
            return
        context = context_of(self.tree, node, scope, self.evaluator)
        if context.form is Form.MENTION:
            return
        scheme = "://" in whole
        root = self.evaluator.values(root_of(self.tree, node, scope, self.evaluator), scope)
        last = texts[-1]
        own_name = "." in last.value.split("?")[0] and not last.value.split("?")[0].startswith(".")
        if own_name and node.parts[-1] is last and last.value.strip("./"):
            self._add(last, scope, context, last.value, context.allowed, context.why_not)
        elif scheme or own_name or last.value.startswith("."):
            self._whole(node, scope, context, values, root)

    def _whole(
        self,
        node: cst.FormattedString,
        scope: Scope,
        context: Context,
        values: list[Pieces],
        root: list[Pieces],
    ) -> None:
        """An f-string whose file name comes from elsewhere: listed only where that is unknown.

        `root`: what the whole expression around it can be.
        """
        if any(self._followed(value) for value in values):
            return
        start, end = self.tree.span(node)
        text = self.tree.data[start:end].decode("utf-8", "replace")
        self.literals[start] = Literal(
            start, end, *self.tree.place(start), context.form, text, "no",
            "a part of the path is only known when it runs", context.env_key, tuple(root),
        )  # fmt: skip

    def _followed(self, value: Pieces) -> bool:
        return any(
            p.kind is PieceKind.TEXT and p.start >= 0 and names_database(p.text, self.known)
            for p in value
        ) or any(p.kind is PieceKind.IMPORTED for p in value)

    def _attach(self, node: cst.CSTNode, text: str) -> bool:
        match = _ATTACH.search(text)
        if match is None or is_memory(match[1]):
            return False
        start, end = self.tree.span(node)
        piece = Piece(PieceKind.TEXT, match[1], self.file, start, end, exact=False)
        later = _FILLED_IN.search(match[1]) is not None
        value = UNKNOWN if later else (piece,)
        self.literals[start] = Literal(
            start, end, *self.tree.place(start), Form.SQL_ATTACH, match[1], "no",
            "it stands inside SQL", None, (value,),
        )  # fmt: skip
        return True

    def _likely(self, source: str) -> bool:
        """A quick look at a literal's source, before it is evaluated."""
        return _LIKELY.search(source) is not None or any(name in source for name in self.known)

    def _selects(self, node: cst.CSTNode) -> bool:
        """Whether the text is compared, matched, or used as a key: a name rather than a path."""
        up = self.tree.parent(node)
        if isinstance(up, cst.ComparisonTarget | cst.Comparison | cst.MatchValue | cst.Index):
            return True
        return isinstance(up, cst.DictElement) and up.key is node

    def _key_or_annotation(self, node: cst.CSTNode) -> bool:
        at = node
        for up in self.tree.ancestors(node):
            if isinstance(up, cst.DictElement) and up.key is at:
                return True
            if isinstance(up, cst.Annotation | cst.MatchValue | cst.Index):
                return True
            if isinstance(up, cst.BaseStatement | cst.BaseSmallStatement):
                return False
            at = up
        return False

    def _undecidable(self) -> None:
        """Opening calls whose path is known nowhere in this file are listed as not decidable."""
        for use in self.uses:
            if use.form in (Form.FILE_TEST, Form.FILE_OPERATION):
                self._literal_of_use(use)
                continue
            texts = [p for v in use.values for p in v if p.kind is PieceKind.TEXT and p.start >= 0]
            imported = any(p.kind is PieceKind.IMPORTED for v in use.values for p in v)
            whole = ["".join(p.text for p in v) for v in use.values]
            if any(p[-1].kind is not PieceKind.IMPORTED for p in use.patterns):
                self._by_pattern(use)
                self._literal_of_use(use)
                continue
            if all(is_other_url(text) for text in whole) or whole_texts(use.values) == {""}:
                continue
            if any(is_memory(text) for text in whole) or imported:
                self._literal_of_use(use)
                continue
            if texts and self._literal_of_use(use):
                continue
            if any(use.start <= start < use.end for start in self.literals):
                continue
            if any(p.kind is PieceKind.TEMPORARY for v in use.values for p in v):
                continue
            keys = [p.text for v in use.values for p in v if p.kind is PieceKind.ENVIRONMENT]
            key = keys[0] if keys and keys[0] else None
            why = f"it is what {key} says" if key else "the path is only known when it runs"
            self.literals[use.start] = Literal(
                use.start, use.end, use.line, use.column, use.form, use.text, "no", why, key,
                use.values, patterns=use.patterns,
            )  # fmt: skip

    def _by_pattern(self, use: FoundUse) -> None:
        """List an opening call that is given what a search for files found."""
        for start, literal in self.literals.items():
            if use.start <= start < use.end and not any(map(decidable, literal.values)):
                self.literals[start] = replace(literal, patterns=use.patterns)
                return
        self.literals[use.start] = Literal(
            use.start, use.end, use.line, use.column, use.form, use.text, "no",
            "the path is only known when it runs", patterns=use.patterns,
        )  # fmt: skip

    def _literal_of_use(self, use: FoundUse) -> bool:
        """Add literals without a telling suffix that an opening call is given."""
        added = False
        for value in use.values:
            if any(p.kind is PieceKind.TEMPORARY for p in value):
                added = True
            piece = carrier(value)
            if piece is None or piece.file != self.file:
                continue
            added = True
            if piece.start in self.literals or use.form in (Form.FILE_TEST, Form.FILE_OPERATION):
                continue
            where = locate(piece.text)
            whole = "".join(p.text for p in value)
            if is_other_url(whole) or is_memory(whole) or not where.path.strip("./"):
                continue
            node = self._node_at(piece.start)
            if node is None:
                continue
            scope = self.tree.scopes.get(id(node), self.tree.top)
            context = context_of(self.tree, node, scope, self.evaluator)
            exact = piece.exact and isinstance(node, cst.SimpleString)
            escapes = isinstance(node, cst.SimpleString) and node.raw_value != piece.text
            allowed = context.allowed if exact and not escapes else "no"
            why = context.why_not or ("" if exact else "only a part of it is the path")
            self._add(node, scope, context, piece.text, allowed, why)
        return added

    def _node_at(self, start: int) -> cst.CSTNode | None:
        for node in self.tree.nodes:
            if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
                if isinstance(self.tree.parent(node), cst.ConcatenatedString):
                    continue
                if self.tree.span(node)[0] == start:
                    return node
        return None
