"""Looking without a run: how the application refers to its databases, and what would change."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consolidator_tui.domain.errors import Refused, UsageError
from consolidator_tui.domain.event import Emit
from consolidator_tui.domain.reference import Proposal, Reference, ReferenceReport
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.references import why
from consolidator_tui.services.references.diff import unified_diff
from consolidator_tui.services.session import Session


@dataclass(frozen=True, slots=True)
class Uses:
    """What a look at the references of a project found."""

    report: ReferenceReport
    proposal: Proposal | None
    """None where no target can be chosen."""
    diffs: tuple[str, ...] = ()
    """One for each file that would be edited."""

    def as_object(self) -> dict[str, Any]:
        """The closing object of `references --json`."""
        root, proposal = self.report.project, self.proposal
        return {
            "outcome": "looked",
            "target": None if proposal is None else relative(root, proposal.target),
            "references": [_plain(root, reference) for reference in self.report.references],
            "edits": [
                {
                    "file": edit.file,
                    "line": edit.line,
                    "old": edit.old.decode("utf-8", "replace"),
                    "new": edit.new.decode("utf-8", "replace"),
                    "reason": edit.reason,
                    "optional": edit.optional,
                }
                for file in (proposal.files if proposal else ())
                for edit in file.edits
            ],
            "by_hand": [
                {"file": note.file, "line": note.line, "what": note.what}
                for note in (proposal.notes if proposal else ())
            ],
            "environment_keys": list(self.report.environment_keys),
            "databases": [relative(root, path) for path in self.report.databases],
            "unreadable": {item.file: item.reason for item in self.report.unreadable},
            "files_seen": self.report.files_seen,
        }


def relative(root: Path, path: Path) -> str:
    """A path as people of the project name it."""
    return os.path.relpath(path, root)


def _plain(root: Path, reference: Reference) -> dict[str, Any]:
    return {
        "file": reference.file,
        "line": reference.line,
        "form": reference.form,
        "text": reference.text,
        "depends_on": reference.anchor,
        "started_in": [relative(root, path) for path in reference.working_directories],
        "resolves_to": [relative(root, path) for path in reference.resolves_to],
        "when": {
            relative(root, path): why(reference, path, root) for path in reference.resolves_to
        },
        "exists": reference.exists,
        "may_mean": [relative(root, path) for path in reference.may_be],
        "in_tests": reference.in_tests,
        "environment_key": reference.env_key,
        "why_not_edited": reference.why_not,
    }


async def find_uses(
    project: Path,
    target: str | None,
    sources: tuple[str, ...],
    emit: Emit,
    introduce_key: str | None = None,
) -> Uses:
    """Find all references and propose edits; nothing is written.

    `introduce_key`: an environment variable that edited paths in the code shall read first.
    Raises UsageError for a folder that is missing, or a target that cannot be.
    """
    async with Session.open(project, recover=False) as session:
        session.add_listener(emit)
        await session.discover()
        try:
            await session.select(Selection(sources=sources, target=target))
        except (Refused, UsageError):
            if target is not None or sources:
                raise
            # Nothing to consolidate is no reason not to look.
            return Uses(await session.find_references(), None)
        proposal = await session.propose_configuration(introduce_key)
        report = await session.find_references()
        diffs = [
            unified_diff(file, await asyncio.to_thread((session.project / file.file).read_bytes))
            for file in proposal.files
        ]
        return Uses(report, proposal, tuple(diffs))
