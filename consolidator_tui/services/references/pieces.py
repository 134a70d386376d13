"""Arithmetic on path expressions: join, parent, render."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from pathlib import Path

from consolidator_tui.domain.reference import Anchor, Piece, PieceKind, Pieces
from consolidator_tui.services.references.paths import Location, locate

SEPARATOR = Piece(PieceKind.TEXT, "/")
UNKNOWN: Pieces = (Piece(PieceKind.UNKNOWN),)
CUT = Piece(PieceKind.UNKNOWN, "cut")
"""Stands behind a text that is taken apart: what is left of it depends on how it is written."""
_LIMIT = 24
_VARIABLE = re.compile(r"%\w+%|\$\w|\$\{|\{\w*\}")
"""What str.format, the shell, Windows or os.path.expandvars put something in for."""


def starts_absolute(pieces: Pieces) -> bool:
    """Whether joining these to a folder would forget the folder."""
    first = next((p for p in pieces if p.kind is not PieceKind.TEXT or p.text), None)
    if first is None:
        return False
    if first.kind in (PieceKind.FILE, PieceKind.HOME, PieceKind.WORKING):
        return True
    return first.kind is PieceKind.TEXT and first.text.startswith("/")


def join(left: Pieces, right: Pieces) -> Pieces:
    """What `os.path.join` and pathlib's `/` make of two parts."""
    if not any(p.text or p.kind is not PieceKind.TEXT for p in left):
        return right
    if starts_absolute(right):
        return right
    if left[-1].kind is PieceKind.TEXT and left[-1].text.endswith("/"):
        return left + right
    return (*left, SEPARATOR, *right)


def parent(pieces: Pieces) -> Pieces:
    """What `os.path.dirname` and pathlib's `.parent` make of a path."""
    rest = list(pieces)
    while rest:
        last = rest.pop()
        if last.kind is PieceKind.FILE:
            return (*rest, Piece(PieceKind.FILE, file=last.file, up=last.up + 1))
        if last.kind in (PieceKind.UNKNOWN, PieceKind.ENVIRONMENT, PieceKind.IMPORTED):
            return (*rest, *UNKNOWN)
        if last.kind is not PieceKind.TEXT:
            return (*rest, last, Piece(PieceKind.TEXT, "/.."))
        text = last.text if rest or last.text == "/" else last.text.rstrip("/") or "/"
        if "/" not in text:
            continue
        head = text[: text.rindex("/")]
        if head:
            rest.append(Piece(PieceKind.TEXT, head, last.file, last.start, last.end, exact=False))
        elif not rest:
            rest.append(Piece(PieceKind.TEXT, "/"))
        return tuple(rest)
    return (Piece(PieceKind.WORKING),)


def product(parts: list[list[Pieces]], combine: Callable[[Pieces, Pieces], Pieces]) -> list[Pieces]:
    """All combinations of the alternatives of each part, at most 24."""
    values: list[Pieces] = [()]
    for alternatives in parts:
        values = [combine(value, other) for value in values for other in alternatives][:_LIMIT]
    return values


def cut(values: list[Pieces]) -> list[Pieces]:
    """What is left of texts that are taken apart in a way that is not followed."""
    return [
        (*value, CUT) if any(p.kind is PieceKind.TEXT and p.start >= 0 for p in value) else UNKNOWN
        for value in values
    ]


def concatenate(left: Pieces, right: Pieces) -> Pieces:
    """Text after text."""
    return left + right


def decidable(pieces: Pieces) -> bool:
    """Whether every piece has a known text."""
    return not any(
        p.kind in (PieceKind.UNKNOWN, PieceKind.ENVIRONMENT, PieceKind.IMPORTED)
        or (p.kind is PieceKind.TEXT and _VARIABLE.search(p.text) is not None)
        for p in pieces
    )


def render(
    pieces: Pieces, project: Path, replacing: tuple[str, int] | None = None, by: str = ""
) -> str:
    """The text of a decidable expression, folders as absolute POSIX paths.

    `replacing`: (file, start) of a literal that is read as `by`.
    """
    parts = []
    for piece in pieces:
        if piece.kind is PieceKind.TEXT:
            replaced = replacing is not None and piece.start >= 0
            if replaced and (piece.file, piece.start) == replacing:
                parts.append(by)
            else:
                parts.append(piece.text)
        elif piece.kind is PieceKind.FILE:
            path = project / piece.file
            for _ in range(piece.up):
                path = path.parent
            parts.append(path.as_posix())
        elif piece.kind is PieceKind.WORKING:
            parts.append(".")
        else:
            parts.append(f"<{piece.kind}>")
    return "".join(parts)


def anchor_of(pieces: Pieces, *, two_slashes: bool = False) -> Anchor:
    """What a path expression hangs on, whatever opens it."""
    kinds = {p.kind for p in pieces}
    if PieceKind.TEMPORARY in kinds:
        return Anchor.TEMPORARY
    if kinds & {PieceKind.UNKNOWN, PieceKind.IMPORTED}:
        return Anchor.UNKNOWN
    if PieceKind.ENVIRONMENT in kinds:
        return Anchor.ENVIRONMENT
    if PieceKind.HOME in kinds:
        return Anchor.HOME
    if PieceKind.FILE in kinds:
        return Anchor.FILE_FOLDER
    if PieceKind.WORKING in kinds:
        return Anchor.WORKING_DIRECTORY
    text = "".join(p.text for p in pieces)
    later = _VARIABLE.search(text)
    if later is not None:
        return Anchor.UNKNOWN if later[0].startswith("{") else Anchor.ENVIRONMENT
    path = locate(text, two_slashes=two_slashes).path
    if path.startswith("~"):
        return Anchor.HOME
    if path.startswith("/") or (len(path) > 2 and path[1] == ":" and path[2] in "\\/"):
        return Anchor.ABSOLUTE
    return Anchor.WORKING_DIRECTORY


def location(pieces: Pieces, project: Path, *, two_slashes: bool = False) -> Location:
    """The rendered expression, taken apart."""
    return locate(render(pieces, project), two_slashes=two_slashes)


def normal(path: str, base: Path | None = None) -> Path:
    """A path without `.` and `..`, made absolute against `base`; links are not followed."""
    text = path.replace("\\", "/") if "\\" in path and "/" not in path else path
    whole = posixpath.join(base.as_posix(), text) if base is not None else text
    whole = posixpath.normpath(whole)
    return Path("/" + whole.lstrip("/") if whole.startswith("//") else whole)


def name_piece(pieces: Pieces) -> Piece | None:
    """The literal that carries the file's name: the last one that stands in source."""
    query = False
    for piece in pieces:
        if piece.kind is PieceKind.TEXT and "?" in piece.text and "://" in pieces[0].text:
            query = True
    found = None
    for piece in pieces:
        if piece.kind is PieceKind.TEXT and piece.start >= 0 and piece.text:
            if query and piece.text.startswith("?"):
                break
            if piece.text.strip("./") or found is None:
                found = piece
    return found


def whole_texts(values: Collection[Pieces]) -> set[str]:
    """The values that are known as a whole; without a name SQLite opens a temporary database."""
    return {
        "".join(piece.text for piece in value)
        if all(piece.kind is PieceKind.TEXT for piece in value)
        else "?"
        for value in values
    }


def carrier(value: Pieces) -> Piece | None:
    """The literal that carries the file's name, if the name is known."""
    last = value[-1] if value else None
    if last is None or last.kind is not PieceKind.TEXT or last.start < 0:
        return None
    if last.text.startswith("?") and len(value) > 1:
        last = value[-2]
    if last.kind is not PieceKind.TEXT or last.start < 0 or not last.text.strip("./"):
        return None
    before = value[-2] if len(value) > 1 else None
    loose = before is not None and before.kind in (PieceKind.UNKNOWN, PieceKind.IMPORTED)
    return None if loose and not last.text.startswith("/") else last
