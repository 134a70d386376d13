"""The texts of Python source that something may open or run: no comments, no messages."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_TALKS = re.compile(
    r"print|debug|info|warning|warn|error|exception|critical|log|fail|skip|exit|secho|echo|"
    r"startswith|endswith|SystemExit|\w*(?:Error|Exception|Warning|Exit)|NamedTemporaryFile"
)
_ABOUT = re.compile(r"help|description|epilog|message|msg|metavar|usage|title|label", re.I)
_NOT_USED = re.compile(r"ignore|exclude|skip|help|usage|__doc__|message", re.I)

_MOST_JOINED = 6


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and the line that it stands in."""

    number: int
    text: str
    code: bool = False
    """Whether it is a text of Python, where other scanners know what stands before it."""


def texts_of(source: str) -> list[Text] | None:
    """The texts by line; None when the source does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return [text for node in _used(tree) for text in _told(node)]


def _used(node: ast.AST) -> Iterator[ast.AST]:
    """The texts below a node, and what holds several, but for those that only tell something."""
    if isinstance(node, ast.Raise) or _tells(node):
        return
    if isinstance(node, ast.Constant | ast.JoinedStr):
        yield node
    talks = isinstance(node, ast.Call) and _TALKS.fullmatch(_last_name(node.func))
    if isinstance(node, ast.List | ast.Tuple | ast.Call) and not talks:
        yield node
    for child in _children(node):
        yield from _used(child)


def _tells(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.keyword):
        return node.arg is not None and _ABOUT.fullmatch(node.arg) is not None
    if isinstance(node, ast.Assign):
        return any(_NOT_USED.search(ast.unparse(target)) for target in node.targets)
    return False


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        # What is compared with is not opened.
        yield from _no_texts(node.left, *node.comparators)
    elif isinstance(node, ast.Call) and _TALKS.fullmatch(_last_name(node.func)):
        # What is called for the sake of a message is still called.
        yield from _no_texts(*node.args)
    elif isinstance(node, ast.JoinedStr):
        yield from _no_texts(*node.values)
    elif isinstance(node, ast.Dict):
        yield from node.values
    elif isinstance(node, ast.Assert):
        yield node.test
    else:
        yield from ast.iter_child_nodes(node)


def _no_texts(*nodes: ast.AST) -> Iterator[ast.AST]:
    return (node for node in nodes if not isinstance(node, ast.Constant | ast.JoinedStr))


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _told(node: ast.AST) -> Iterator[Text]:
    if isinstance(node, ast.Constant | ast.JoinedStr):
        lines = _text(node).split("\n")
        last = node.end_lineno or node.lineno
        for number, line in enumerate(lines):
            yield Text(min(node.lineno + number, last), line, code=True)
        return
    items = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
    parts: list[str] = []
    for item in items:
        text = _text(item) if isinstance(item, ast.Constant) else ""
        if text and "\n" not in text:
            parts.append(text)
            for count in range(2, min(len(parts), _MOST_JOINED) + 1):
                # `["sub", "app.db"]` is joined somewhere.
                yield Text(item.lineno, "/".join(parts[-count:]), code=True)
        else:
            parts = []


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bytes):
            return node.value.decode("utf-8", "replace")
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return ""
