"""Merges snapshots into a staged copy of the base, by sets, with a ledger of every row's fate."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from consolidator_tui.domain.decided import Batches
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.instant import to_microseconds
from consolidator_tui.domain.merge import (
    IdentityKind,
    MergePlan,
    MergeResult,
    Note,
    Question,
)
from consolidator_tui.services.merge import aliases, ranges
from consolidator_tui.services.merge.aliases import find_aliases
from consolidator_tui.services.merge.classify import classify
from consolidator_tui.services.merge.conflicts import TABLES, find_conflicts, note_odd_times
from consolidator_tui.services.merge.counts import count_table
from consolidator_tui.services.merge.cycles import refine
from consolidator_tui.services.merge.decisions import (
    decide_by_hand,
    decisions_for,
    load_decisions,
    regroup,
)
from consolidator_tui.services.merge.groups import name_groups
from consolidator_tui.services.merge.questions import open_questions, pending_questions
from consolidator_tui.services.merge.staging import write_staging
from consolidator_tui.services.merge.survivorship import apply_rules, keep_winners
from consolidator_tui.services.merge.uniqueness import find_collisions
from consolidator_tui.services.merge.virtual import follow_owner
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.sqlite import Database, open_database


async def merge(
    plan: MergePlan, staging: Path, ledger: Path, emit: Emit, decisions: Batches | None = None
) -> MergeResult:
    """Merge all sources of the plan into `staging` (made here); the maps go to `ledger`.

    `decisions` gives those that are stored outside the plan's document.

    When something is undecided, the result names the questions and nothing is written to
    staging. Raises PlanError for decisions about what does not exist, sqlite3.Error.
    """
    started = time.monotonic()
    await _new_ledger(plan, ledger)
    async with open_workspace(
        plan.sources, plan.pooled, pool=Path(plan.pool), ledger=ledger
    ) as workspace:
        works = make_works(plan, workspace)
        translator = Translator({work.key: work for work in works})
        await workspace.database.function("instant", 1, to_microseconds)
        await load_decisions(workspace.database, plan, decisions)
        questions, notes = await find_entities(workspace.database, translator, works, emit)
        counts = [await count_table(workspace.database, w, written=False) for w in works]
    emit(PhaseTimed(Step.MIGRATE, "match", time.monotonic() - started))
    for note in notes:
        emit(Message(Step.MIGRATE, Level.WARNING, note.text, note.file, note.table, note.column))
    if questions:
        return MergeResult(tuple(counts), tuple(questions), tuple(notes))
    return await write_staging(plan, staging, ledger, emit, works)


def make_works(plan: MergePlan, workspace: Workspace) -> list[Work]:
    """The tables of a plan over an open workspace."""
    return [Work(table, plan, workspace) for table in plan.tables]


async def _new_ledger(plan: MergePlan, ledger: Path) -> None:
    ledger.unlink(missing_ok=True)
    async with open_database(ledger, mode="rwc") as database:
        await database.execute(f"PRAGMA encoding = '{plan.sources[0].schema.encoding}'")
        await database.execute("PRAGMA journal_mode = OFF")
        await database.execute("CREATE TABLE made(at TEXT)")
    await asyncio.to_thread(ledger.chmod, 0o600)


async def find_entities(
    database: Database, translator: Translator, works: list[Work], emit: Emit
) -> tuple[list[Question], list[Note]]:
    """Fill the maps, conflicts and verdicts of all tables; what stays open is returned."""
    await database.execute("PRAGMA pv.journal_mode = OFF")
    await database.execute("PRAGMA pv.synchronous = OFF")
    await database.script([*TABLES, ranges.TABLE, aliases.TABLE])
    for work in works:
        await _number_dense(database, work)
    cyclic = {key for cycle in works[0].plan.cycles for key in cycle} if works else set()
    done: set[str] = set()
    questions: list[Question] = []
    notes: list[Note] = []
    for number, work in enumerate(works):
        emit(Progress(Step.MIGRATE, work.table.name, number, len(works), "tables", "comparing"))
        await database.execute("BEGIN")
        if work.key in cyclic and work.key not in done:
            cycle = next(c for c in work.plan.cycles if work.key in c)
            await refine(database, translator, [w for w in works if w.key in cycle])
            done |= set(cycle)
        elif work.key not in done:
            await classify(database, translator, work)
        decided = await decisions_for(database, work)
        notes += await regroup(database, translator, work, decided)
        await ranges.tighten(database, translator, work)
        await database.execute("COMMIT")
    # Versions are compared when all entities are known: a reference may lead to a later table.
    for work in works:
        await database.execute("BEGIN")
        await _settle(database, translator, work)
        await database.execute("COMMIT")
        notes += await note_odd_times(database, work)
        questions += await open_questions(database, work)
    await find_aliases(database, works)
    questions += await pending_questions(database, translator, works)
    return questions, notes


async def _settle(database: Database, translator: Translator, work: Work) -> None:
    decided = await decisions_for(database, work)
    await find_conflicts(database, translator, work)
    await decide_by_hand(database, work, decided)
    work.overridden = bool(
        await database.value(
            f"SELECT EXISTS (SELECT 1 FROM pv.override WHERE number = {work.table.number})"
        )
    )
    await follow_owner(database, translator, work)
    if work.mapped and work.table.identity.kind is not IdentityKind.ROWS:
        await apply_rules(database, translator, work)
        await keep_winners(database, work)
    await find_collisions(database, translator, work)
    await name_groups(database, translator, work)


async def _number_dense(database: Database, work: Work) -> None:
    """Where a constant does not fit, every row gets a number of its own."""
    for source in work.table.dense:
        if source not in work.members:
            continue
        name = f"pv.dense_{work.table.number}_{source}"
        await database.execute(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, g INTEGER UNIQUE)")
        await database.execute(
            f"INSERT INTO {name} SELECT a, {work.table.lows[source]} - 1 + row_number() OVER "
            f"(ORDER BY a) FROM (SELECT s.{work.address(source)} AS a FROM {work.read(source)})"
        )
