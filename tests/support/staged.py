"""Merges real files into a staged target by the services, for tests to look at or damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from consolidator_tui.domain.merge import MergePlan, MergeResult, Question
from consolidator_tui.domain.verification import Verification
from consolidator_tui.services.inspect.source import load_source
from consolidator_tui.services.merge import merge
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.planning import make_plan
from consolidator_tui.services.verify import verify


@dataclass(frozen=True, slots=True)
class Staged:
    """A merge that was written but not promoted."""

    plan: MergePlan
    questions: tuple[Question, ...]
    result: MergeResult | None
    staging: Path
    ledger: Path

    async def verify(self, staging: Path | None = None, ledger: Path | None = None) -> Verification:
        """The verdict on the staged target, or on damaged copies of it."""
        made = self.plan
        if self.result is not None:
            made = replace(made, left_out=self.result.left_out)
        return await verify(
            made, staging or self.staging, ledger or self.ledger, lambda event: None
        )


async def stage(
    folder: Path,
    scripts: Mapping[str, str],
    plan: str = "",
    *,
    same_as: Mapping[int, int] | None = None,
) -> Staged:
    """Write the files from SQL scripts, plan and merge them; the first one is the base.

    `same_as` says which files are exact copies of earlier ones, by place.
    """
    sources = []
    for index, (name, script) in enumerate(scripts.items()):
        with closing(sqlite3.connect(folder / name, isolation_level=None)) as con:
            con.executescript(script)
        source = await load_source(index, name, folder / name)
        sources.append(replace(source, same_as=(same_as or {}).get(index)))
    document = plan_file.loads(plan, "plan.toml")
    staging, ledger = folder / "staging.db", folder / "ledger.db"
    made, questions = await make_plan(sources, document, lambda event: None, scratch=folder)
    if questions:
        return Staged(made, questions, None, staging, ledger)
    result = await merge(made, staging, ledger, lambda event: None)
    return Staged(made, result.questions, result, staging, ledger)
