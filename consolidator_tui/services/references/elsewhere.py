"""Opening calls whose path comes from where it cannot be read: listed as not decidable."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from consolidator_tui.domain.reference import (
    Anchor,
    FileScan,
    Form,
    FoundUse,
    PieceKind,
    Pieces,
    Reference,
)
from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.matches import Matches, told_matches
from consolidator_tui.services.references.modules import Modules
from consolidator_tui.services.references.pieces import decidable
from consolidator_tui.services.references.shapes import Shapes

NOT_OPENING = (Form.FILE_TEST, Form.FILE_OPERATION, Form.MENTION)
_TOLD_ELSEWHERE = ("alembic.", "pytest.")
"""alembic's `get_main_option` gives what alembic.ini says, and that is listed itself."""


def elsewhere(
    scan: FileScan,
    modules: Modules,
    matches: Matches,
    shapes: Shapes,
    told: Collection[str] = (),
) -> Iterator[Reference]:
    """The opening calls of a file that are given an imported name which no file of the project
    gives a value to.

    `told`: names under which a path stands in some file (`DATABASE` of Flask's configuration);
    what is looked up under one of them is listed there.
    """
    listed = [literal.start for literal in scan.literals]
    for use in scan.uses:
        if use.form in NOT_OPENING or any(use.start <= at < use.end for at in listed):
            continue
        imported = [name for value in use.values for name in _imported(value)]
        if not imported or any(name.rsplit(".", 1)[-1] in told for name in imported):
            continue
        found = [value for plain in use.values for value in modules.expand(plain)]
        made = [v for v in found if not decidable(v) or _ends_here(v, scan.file)]
        fits = shapes.of(scan.file, [(use.form, v, use.two_slashes, scan.file) for v in made])
        if fits or all(_unknown(value) for value in found):
            yield _reference(scan.file, use, found, matches, fits)


def _imported(value: Pieces) -> list[str]:
    return [
        piece.text
        for piece in value
        if piece.kind is PieceKind.IMPORTED and not piece.text.startswith(_TOLD_ELSEWHERE)
    ]


def _ends_here(value: Pieces, file: str) -> bool:
    """`f"data/{NAME}.db"`: a text of this file makes the path of a name from another one."""
    return value[-1].kind is PieceKind.TEXT and value[-1].file == file


def _unknown(value: Pieces) -> bool:
    kinds = {piece.kind for piece in value}
    told = any(piece.kind is PieceKind.TEXT and piece.start >= 0 for piece in value)
    return not told and bool(kinds & {PieceKind.UNKNOWN, PieceKind.ENVIRONMENT})


def _reference(
    file: str, use: FoundUse, values: list[Pieces], matches: Matches, fits: tuple[Path, ...]
) -> Reference:
    found = matches.of(file, use.patterns)
    may_be, by_name = found or fits, bool(fits and not found)
    keys = [p.text for v in values for p in v if p.kind is PieceKind.ENVIRONMENT and p.text]
    key = keys[0] if keys else None
    why = f"it is what {key} says" if key else "the path is only known when it runs"
    return Reference(
        file=file,
        line=use.line,
        column=use.column,
        form=use.form,
        text=use.text,
        anchor=Anchor.ENVIRONMENT if key else Anchor.UNKNOWN,
        may_be=may_be,
        by_name=by_name,
        in_tests=in_tests(file),
        env_key=key,
        why_not=told_matches(may_be, matches.project, by_name=by_name) if may_be else why,
        start=use.start,
        end=use.end,
    )
