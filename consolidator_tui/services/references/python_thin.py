"""Leave out what can have nothing to do with files, before libcst reads a file.

libcst takes 0.6 ms for a kilobyte, the interpreter's own parser a twentieth of that, and most of a
file is about other things. So the own parser says where documentation and bodies of functions are;
what is left out becomes spaces, so that every byte keeps its place. Edits are always made in the
whole file; this is for finding only.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator

from consolidator_tui.services.references.paths import Mentions

_KEEP = re.compile(
    rb"db|database|url|dsn|sqlite|store|engine|connect|__file__|cwd|chdir|environ|setenv|getenv|config|"
    rb"settings|path|_file|_dir|folder|remove|unlink|rename|move|copy|replace|touch|write_|global |"
    rb"nonlocal |instance|attach|tempfile|glob|listdir|scandir|iterdir|walk\(|bind\(|isolated|"
    rb"import |:=|map\(|_sql\w*\(|"
    rb"\b(?:self|cls)\.\w+[^=\n(]*=[^=]"
)
"""In lower case: files, what opens them, and what carries a path from one place to another."""
_OWN = re.compile(rb"(?:Path|pathlib|os|str)\Z")
_NAMED = re.compile(rb"^[ \t]*(\w+)[^=\n]*=[^\n]*(?:\.\w*db|sqlite)", re.M | re.I)
_OPENS = re.compile(rb"sqlite|connect|engine|database")
_CODING = re.compile(rb"coding[:=]")
_LONE_CR = re.compile(rb"\r(?!\n)")
_NOT_NEWLINE = re.compile(rb"[^\r\n]")
_COMMENT = re.compile(rb"^[ \t]*#[^\r\n]*", re.M)
_SMALL = 1500
_PARTS = ("body", "orelse", "finalbody", "handlers", "cases")
_SCANNED = "<scanned source>"

_BIND_NOTHING = frozenset({ast.Expr, ast.Assert})
_FUNCTIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef})
_SIMPLE = frozenset({ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise, ast.Delete,
                     ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass, ast.Break,
                     ast.Continue})  # fmt: skip

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def thin(data: bytes, mentions: Mentions) -> bytes | None:
    """The same bytes with spaces for what names nothing of interest; None if nothing is left
    that mentions a database (documentation and comments do not count)."""
    if _CODING.search(data[:300]) or b"\f" in data or _LONE_CR.search(data):
        return data
    tree = _parsed(data)
    if tree is None:
        return data
    lines = _Lines(data)
    statements: list[ast.stmt] = []
    for found in _statements(tree):
        if _is_text(found):
            lines.blank(found, found)
        else:
            statements.append(found)
    spoken = lines.joined()
    bare = _COMMENT.sub(b"", spoken)
    if not mentions(bare, python=True) or not mentions.worth_parsing(bare):
        return None
    if len(data) >= _SMALL:
        statements.sort(key=lambda statement: statement.lineno)
        _leave_out(lines, statements, spoken, mentions.names)
    return lines.joined()


def _parsed(data: bytes) -> ast.Module | None:
    """None for what this interpreter cannot read; libcst then tells what it is."""
    if b"\0" in data:
        return None
    try:
        data.decode("utf-8")
        # Invalid escapes in somebody else's source are not ours to warn of.
        warnings.filterwarnings("ignore", module=re.escape(_SCANNED))
        return ast.parse(data, _SCANNED)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The functions, and the statements that bind no name: expressions and assertions."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        for name in _PARTS:
            for statement in getattr(node, name, None) or ():
                kind = type(statement)
                if kind in _BIND_NOTHING:
                    yield statement
                elif kind not in _SIMPLE:
                    if kind in _FUNCTIONS:
                        yield statement
                    stack.append(statement)


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text and nothing else: documentation."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return False
    return isinstance(statement.value.value, str)


def _leave_out(
    lines: _Lines, statements: list[ast.stmt], spoken: bytes, known: tuple[bytes, ...]
) -> None:
    """Blank bodies and statements that neither speak of files, those of `known` (in lower case)
    included, nor call what opens some."""
    names = {match[1] for match in _NAMED.finditer(spoken)}
    small = spoken.lower()
    opening = _Hits(small, _OPENS)
    for node in statements:
        if (
            isinstance(node, _Function)
            and not node.name.startswith("__")
            and opening.between(*_body(node))
        ):
            names.add(node.name.encode())
    kept = [_Hits(small, _KEEP)]
    if known:
        kept.append(_Hits(small, re.compile(b"|".join(map(re.escape, known)))))
    if names:
        called = re.compile(rb"\b(?:" + b"|".join(sorted(names)) + rb")\b")
        kept.append(_Hits(spoken, called))
    gone = 0
    for statement in statements:
        if statement.lineno <= gone:
            continue
        first, last = statement, statement
        if isinstance(statement, _Function):
            first, last = _body(statement)
            if first.lineno == statement.lineno or _OWN.match(statement.name.encode()):
                continue
        if not any(hits.between(first, last) for hits in kept):
            lines.blank(first, last)
            gone = last.end_lineno or 0


def _body(function: _Function) -> tuple[ast.stmt, ast.stmt]:
    return function.body[0], function.body[-1]


class _Hits:
    """The lines in which an expression is found."""

    def __init__(self, data: bytes, expression: re.Pattern[bytes]) -> None:
        self._lines: list[int] = []
        line, at = 1, 0
        for match in expression.finditer(data):
            line += data.count(b"\n", at, match.start())
            at = match.start()
            self._lines.append(line)

    def between(self, first: ast.stmt, last: ast.stmt) -> bool:
        """Whether it is found in the lines of some statements."""
        place = bisect_left(self._lines, first.lineno)
        return place < len(self._lines) and self._lines[place] <= (last.end_lineno or 0)


class _Lines:
    """The lines of a file, some of them blanked; the line numbers of `ast` count from 1."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.split(b"\n")

    def joined(self) -> bytes:
        """The whole."""
        return b"\n".join(self._lines)

    def blank(self, first: ast.stmt, last: ast.stmt) -> None:
        """Put a `0` where some statements were."""
        start, end = first.lineno - 1, (last.end_lineno or last.lineno) - 1
        left, right = first.col_offset, last.end_col_offset or 0
        if isinstance(first, _Function | ast.ClassDef) and first.decorator_list:
            start = min(start, first.decorator_list[0].lineno - 1)
        bom = 3 if start == 0 and self._lines[0].startswith(b"\xef\xbb\xbf") else 0
        left += bom
        right += bom if end == 0 else 0
        lines = self._lines
        if start == end:
            line = lines[start]
            lines[start] = line[:left] + b"0" + b" " * (right - left - 1) + line[right:]
            return
        tail = lines[end][right:]
        lines[start] = lines[start][:left] + b"0" + _spaces(lines[start][left + 1 :])
        for number in range(start + 1, end):
            lines[number] = _spaces(lines[number])
        lines[end] = _spaces(lines[end][:right]) + tail


def _spaces(data: bytes) -> bytes:
    return _NOT_NEWLINE.sub(b" ", data)
