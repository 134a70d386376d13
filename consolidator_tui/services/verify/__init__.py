"""Proves on the staged target what must hold before it becomes the target."""

from __future__ import annotations

import time
from pathlib import Path

from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.verification import Check, Verification
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.services.verify import virtual
from consolidator_tui.services.verify.rows import RowProof
from consolidator_tui.services.verify.whole import (
    foreign_keys,
    integrity,
    schema_objects,
    sequences,
)
from consolidator_tui.services.workspace import open_workspace
from consolidator_tui.storage.sqlite import open_database


async def verify(plan: MergePlan, staging: Path, ledger: Path, emit: Emit) -> Verification:
    """Check a staged target against the sources' snapshots and the ledger.

    Reads only. Raises sqlite3.Error when a file cannot be read at all.
    """
    started = time.monotonic()
    checks: list[Check] = []
    async with open_workspace(
        plan.sources,
        plan.pooled,
        pool=Path(plan.pool),
        ledger=ledger,
        main=staging,
        read_only=True,
        ancestor=plan.ancestor,
    ) as workspace:
        proof = RowProof(plan, workspace)
        await proof.prepare()
        for number, table in enumerate(plan.tables):
            emit(Progress(Step.VERIFY, table.name, number, len(plan.tables), "tables", "checking"))
            checks += await proof.check(table)
            checks += await proof.deletions(table)
        checks.append(await schema_objects(workspace.database, plan))
        checks.append(await sequences(workspace.database, plan))
        checks += await virtual.entries(workspace, plan, proof)
    emit(PhaseTimed(Step.VERIFY, "meaning", time.monotonic() - started))
    began = time.monotonic()
    checks += await virtual.indexes(staging, plan)
    async with open_database(staging, immutable=True) as database:
        await stand_in(database, plan.sources, functions=True)
        checks.append(await foreign_keys(database, plan))
        emit(Progress(Step.VERIFY, "integrity check", 0, None, "", "checking"))
        checks.append(await integrity(database))
    emit(PhaseTimed(Step.VERIFY, "integrity", time.monotonic() - began))
    emit(PhaseTimed(Step.VERIFY, "verify", time.monotonic() - started))
    for check in checks:
        if not check.ok:
            emit(
                Message(
                    Step.VERIFY, Level.ERROR, f"{check.name}: {check.detail}", table=check.table
                )
            )
    return Verification(tuple(checks), time.monotonic() - started)
