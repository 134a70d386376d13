"""Find, propose and apply on every project of the corpus: no wrong edit, nothing overlooked."""

from __future__ import annotations

from pathlib import Path

import pytest

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.reference import Proposal, ReferenceReport
from consolidator_tui.services.references import apply, find_references, propose
from tests.services.references.corpus import Case, load

CASES = load()


async def _look(case: Case, root: Path) -> tuple[ReferenceReport, Proposal]:
    databases = [root / name for name in case.databases]
    selected = [root / name for name in case.selected or case.databases]
    report = await find_references(root, ignore, databases=databases)
    return report, await propose(root, report, target=root / case.target, databases=selected)


def _meant(root: Path, paths: tuple[Path, ...]) -> str:
    names = [p.relative_to(root).as_posix() if p.is_relative_to(root) else str(p) for p in paths]
    return ", ".join(names)


async def _no_backup(_path: Path) -> None:
    """The corpus is thrown away."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_project(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "project"
    case.write(root)
    report, proposal = await _look(case, root)
    found = [(r.file, r.line, r.form.name, _meant(root, r.resolves_to)) for r in report.references]
    assert found == case.found
    written = await apply(root, proposal.files, back_up=_no_backup, emit=ignore)
    for name in case.files:
        assert (root / name).read_bytes() == case.expected(name, root), name
    assert {p.relative_to(root).as_posix() for p in written} == set(case.after)
    assert sorted({(note.file, note.line) for note in proposal.notes}) == sorted(case.by_hand)
    again, second = await _look(case, root)
    assert second.files == ()
    assert len(again.references) == len(report.references)


def test_corpus_is_large_enough() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
