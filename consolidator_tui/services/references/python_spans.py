"""Byte positions of syntax tree nodes."""

from __future__ import annotations

from contextlib import AbstractContextManager

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider
from libcst.metadata.span_provider import SpanProvidingCodegenState, byte_length_in_utf8

WANTED = frozenset(
    {
        cst.SimpleString,
        cst.ConcatenatedString,
        cst.FormattedString,
        cst.FormattedStringText,
        cst.Call,
        cst.BinaryOperation,
        cst.SimpleStatementLine,
    }
)


class _Nothing:
    """A context that records nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class _Mark:
    """A context that records which tokens were written inside it."""

    def __init__(self, state: Spans, node: cst.CSTNode) -> None:
        self.state = state
        self.node = node

    def __enter__(self) -> None:
        self.start = len(self.state.tokens)

    def __exit__(self, *_: object) -> None:
        self.state.marks[id(self.node)] = (self.start, len(self.state.tokens))


_NOTHING = _Nothing()


class Spans(SpanProvidingCodegenState):
    """Records token numbers, and only of the nodes that edits are made of.

    libcst's own position providers record every node, which takes three times as long.
    """

    def __init__(self, module: cst.Module) -> None:
        super().__init__(
            default_indent=module.default_indent,
            default_newline=module.default_newline,
            provider=ByteSpanPositionProvider(),
        )
        self.marks: dict[int, tuple[int, int]] = {}
        self.open: list[int] = []

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)

    def add_token(self, value: str) -> None:
        self.tokens.append(value)

    def before_codegen(self, node: cst.CSTNode) -> None:
        if type(node) in WANTED:
            self.open.append(len(self.tokens))

    def after_codegen(self, node: cst.CSTNode) -> None:
        if type(node) in WANTED:
            start = self.open.pop()
            self.marks.setdefault(id(node), (start, len(self.tokens)))

    def record_syntactic_position(  # type: ignore[override]  # libcst only enters and leaves it
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> AbstractContextManager[None]:
        return _Mark(self, node) if type(node) in WANTED else _NOTHING

    def spans(self) -> dict[int, tuple[int, int]]:
        """Byte offsets by node identity."""
        offsets = [0]
        position = 0
        for token in self.tokens:
            position += len(token) if token.isascii() else byte_length_in_utf8(token)
            offsets.append(position)
        return {key: (offsets[a], offsets[b]) for key, (a, b) in self.marks.items()}
