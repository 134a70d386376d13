"""Proposed edits as the person sees them: whole lines, and imports with the edit they serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consolidator_tui.domain.reference import Edit, FileEdit, Proposal


EditKey = tuple[str, int]
"""File and start of an edit."""


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


def diffs(proposal: Proposal) -> dict[EditKey, str]:
    """A unified diff for each choice. Blocking.

    Raises OSError for a file that is gone, ValueError for one that changed since it was read.
    """
    from consolidator_tui.domain.reference import FileEdit
    from consolidator_tui.services.references import unified_diff

    found = {}
    for file, edit in choices(proposal):
        data = (Path(proposal.project) / file.file).read_bytes()
        needed = tuple(e for e in file.edits if e is edit or e.start in edit.needs)
        one = FileEdit(file.file, file.sha256, needed)
        found[(file.file, edit.start)] = unified_diff(one, data, context=1)
    return found
