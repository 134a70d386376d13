"""Merges with a known common ancestor, against a slow three-way merge in plain Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consolidator_tui.domain.outcome import Result
from tests.support.histories import expected, make_world, read, run_with

SEEDS = int(os.environ.get("CONSOLIDATOR_EXAMPLES", "100")) // 6


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_random_histories(seed: int, tmp_path: Path) -> None:
    states = make_world(seed, tmp_path)
    honour = seed % 2 == 0
    deletions = "honour" if honour else "keep"
    outcome = await run_with(
        tmp_path,
        'ancestor = "old/app.db"\ndescendants = ["app.db", "backend/app.db"]\n'
        f'deletions = "{deletions}"\non_conflict = ["base"]\n',
    )
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    assert read(tmp_path / "app.db") == expected(*states, honour=honour)
    for table in outcome.tables:
        parts = (table.base, table.new, table.duplicate, table.conflict, table.deleted)
        assert table.source == sum(parts)
        assert table.lost == 0
        assert honour or not table.deleted
