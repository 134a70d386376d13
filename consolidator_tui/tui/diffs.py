"""Proposed edits as the person sees them: whole lines, and imports with the edit they serve."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consolidator_tui.domain.reference import Edit, FileEdit, Proposal


EditKey = tuple[str, int]
"""File and start of an edit."""

Hunk = tuple[str, bytes, int]
"""File, old text, and which of the places with that text: the same after a new look."""

WHOLE = -1
"""In place of a start: the whole file."""


def serves_others(edit: Edit, file: FileEdit) -> bool:
    """Whether an edit is only there for others (an import), so that it is no choice of its own."""
    return any(edit.start in other.needs for other in file.edits if other is not edit)


def choices(proposal: Proposal) -> list[tuple[FileEdit, Edit]]:
    """The edits that a person accepts or leaves."""
    return [
        (file, edit)
        for file in proposal.files
        for edit in file.edits
        if not serves_others(edit, file)
    ]


def with_needed(proposal: Proposal, accepted: set[EditKey]) -> list[EditKey]:
    """The accepted edits and what they need, ordered."""
    wanted = set(accepted)
    for file in proposal.files:
        for edit in file.edits:
            if (file.file, edit.start) in accepted:
                wanted |= {(file.file, start) for start in edit.needs}
    return sorted(wanted)


def hunks(proposal: Proposal) -> dict[EditKey, Hunk]:
    """What each choice is called whatever else in its file changes."""
    found: dict[EditKey, Hunk] = {}
    seen: Counter[tuple[str, bytes]] = Counter()
    for file, edit in choices(proposal):
        found[file.file, edit.start] = (file.file, edit.old, seen[file.file, edit.old])
        seen[file.file, edit.old] += 1
    return found


def diffs(proposal: Proposal) -> dict[EditKey, str]:
    """A unified diff for each choice, and for each file as a whole under WHOLE. Blocking.

    Raises FileRefused for a file that is gone or changed since it was read.
    """
    from consolidator_tui.domain.errors import FileRefused
    from consolidator_tui.services.references import unified_diff

    found: dict[EditKey, str] = {}
    for file in proposal.files:
        try:
            data = (Path(proposal.project) / file.file).read_bytes()
            found[file.file, WHOLE] = unified_diff(file, data)
            for edit in file.edits:
                if not serves_others(edit, file):
                    needed = tuple(e for e in file.edits if e is edit or e.start in edit.needs)
                    one = replace(file, edits=needed)
                    found[file.file, edit.start] = unified_diff(one, data, context=1)
        except (OSError, ValueError) as error:
            raise FileRefused(
                f"{file.file} changed while it was looked at.", todo="Look at it again."
            ) from error
    return found
