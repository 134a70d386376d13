"""What a merge would come to: the real matching, counted, without writing a target."""

from __future__ import annotations

import time
from pathlib import Path

from consolidator_tui.domain.decided import Batches
from consolidator_tui.domain.event import Emit
from consolidator_tui.domain.merge import DryRun, Forecast, MergePlan
from consolidator_tui.services.merge import (
    close_ledger,
    make_works,
    new_ledger,
)
from consolidator_tui.services.merge.counts import count_table
from consolidator_tui.services.merge.decisions import load_decisions
from consolidator_tui.services.merge.hidden_ids import find_hidden_ids
from consolidator_tui.services.merge.matching import find_entities
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.workspace import open_workspace
from consolidator_tui.storage.sqlite import Database


async def dry_run(
    plan: MergePlan, ledger: Path, emit: Emit, decisions: Batches | None = None
) -> DryRun:
    """Match all rows as the merge does and count what would become of them.

    `decisions` are those stored outside of the plan document.
    The maps stay in `ledger` (made here). Raises PlanError for decisions about what does not
    exist, sqlite3.Error.
    """
    started = time.monotonic()
    shared = await new_ledger(plan, ledger)
    async with open_workspace(
        plan.sources,
        plan.pooled,
        pool=Path(plan.pool),
        ledger=ledger,
        ancestor=plan.ancestor,
    ) as workspace:
        database = workspace.database
        works = make_works(plan, workspace)
        await load_decisions(database, plan, decisions)
        questions, _ = await find_entities(database, works, emit, ledger=ledger if shared else None)
        unfollowed = await find_hidden_ids(database, works)
        tables = [await _forecast(database, work) for work in works]
    await close_ledger(ledger)
    pending = {item.question for item in plan.pending}
    return DryRun(
        tables=tuple(tables),
        # Conflicts are no question of the plan: they are reviewed one by one.
        questions=tuple(question for question in questions if question in pending),
        unfollowed=tuple(unfollowed),
        seconds=time.monotonic() - started,
    )


async def _forecast(database: Database, work: Work) -> Forecast:
    number = work.table.number
    kinds = {
        str(kind): int(count)
        for kind, count in await database.rows(
            f"SELECT kind, count(*) FROM pv.conflict WHERE number = {number} GROUP BY kind"
        )
    }
    disagree, doubtful = kinds.get("values", 0), kinds.get("doubt", 0)
    lost = 0
    if work.mapped:
        lost = int(
            await database.value(
                f"SELECT coalesce(sum(members), 0) FROM (SELECT count(*) AS members FROM {work.map}"
                f" WHERE g NOT IN (SELECT d.g FROM pv.dropped d WHERE d.number = {number})"
                " GROUP BY canon HAVING max(keep) = 0)"
            )
        )
    return Forecast(
        counts=await count_table(database, work, written=False),
        same=max(await _shared(database, work) - disagree - doubtful, work.table.shared_history),
        disagree=disagree,
        doubtful=doubtful,
        clashing=kinds.get("unique", 0),
        lost=lost,
    )


async def _shared(database: Database, work: Work) -> int:
    """Entities that have rows in several files; files of equal bytes are several, too."""
    copied = {
        source.same_as
        for source in work.plan.sources
        if source.same_as is not None and source.same_as in work.members
    }
    shared = sum(work.count(source) for source in copied)
    if not work.mapped:
        return shared
    ours = " OR ".join(work.within(source, "g") for source in sorted(copied)) or "0"
    shared += int(
        await database.value(
            # Rows of a copied file are counted already, each as one entity.
            "SELECT coalesce(sum(CASE WHEN copied = 0 THEN 1 ELSE 1 - copied END), 0) FROM "
            f"(SELECT count(*) FILTER (WHERE {ours}) AS copied FROM {work.map} GROUP BY canon "
            "HAVING count(*) > 1 AND max(keep) = 1)"
        )
    )
    return shared
