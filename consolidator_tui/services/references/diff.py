"""Edits as bytes and as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from consolidator_tui.domain.reference import Edit, FileEdit


def splice(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Carry edits out; everything outside them keeps its bytes.

    Raises ValueError when the bytes at an edit are not the ones it was made for, or edits overlap.
    """
    parts: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < at or data[edit.start : edit.end] != edit.old:
            raise ValueError(f"the text at byte {edit.start} is not what it was")
        parts += [data[at : edit.start], edit.new]
        at = edit.end
    parts.append(data[at:])
    return b"".join(parts)


def with_needs(accepted: Sequence[Edit], all_edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The accepted edits together with those that they need, and without needs nobody has."""
    needed = {start for edit in accepted for start in edit.needs}
    offered = {start for edit in all_edits for start in edit.needs}
    kept = [e for e in accepted if e.start not in offered or e.start in needed or e.old]
    starts = {(e.start, e.end) for e in kept}
    kept += [
        e for e in all_edits if e.start in needed and not e.old and (e.start, e.end) not in starts
    ]
    return tuple(sorted(kept, key=lambda e: (e.start, e.end)))


def unified_diff(edit: FileEdit, data: bytes, *, context: int = 3) -> str:
    """A unified diff of a file's edits; `data` are the bytes the edits were made for.

    Line ends are shown as `\\n`; bytes that are not UTF-8 as replacement characters.
    """
    old = data.decode("utf-8", "replace").splitlines()
    new = splice(data, edit.edits).decode("utf-8", "replace").splitlines()
    lines = difflib.unified_diff(
        old, new, f"a/{edit.file}", f"b/{edit.file}", n=context, lineterm=""
    )
    return "\n".join(lines) + "\n"
