"""Merges snapshots into a staged copy of the base, by sets, with a ledger of every row's fate."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.decided import Batches
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Step
from consolidator_tui.domain.manifest import MAIN, SIDECARS
from consolidator_tui.domain.merge import MergePlan, MergeResult, Note, TableCounts
from consolidator_tui.services.merge.counts import count_table
from consolidator_tui.services.merge.decisions import load_decisions
from consolidator_tui.services.merge.hidden_ids import find_hidden_ids
from consolidator_tui.services.merge.kept_totals import note_kept_totals
from consolidator_tui.services.merge.matching import find_entities
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.merge.writing import Writing
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.sqlite import Database, open_database


async def merge(
    plan: MergePlan,
    staging: Path,
    ledger: Path,
    emit: Emit,
    decisions: Batches | None = None,
    *,
    spare: Callable[[], object] = lambda: None,
) -> MergeResult:
    """Merge all sources of the plan into `staging` (made here); the maps go to `ledger`.

    `decisions` gives those that are stored outside the plan's document; `spare` is called when
    only one table is left to compare, or to write, so that a processor has little to do.

    When something is undecided, the result names the questions and nothing is written to
    staging. Raises PlanError for decisions about what does not exist, sqlite3.Error.
    """
    started = time.monotonic()
    shared = await new_ledger(plan, ledger)
    writing: Writing | None = None
    try:
        async with open_workspace(
            plan.sources,
            plan.pooled,
            pool=Path(plan.pool),
            ledger=ledger,
            ancestor=plan.ancestor,
        ) as workspace:
            works = make_works(plan, workspace)
            left = _Left(spare)
            writing = Writing(plan, staging, ledger, emit, works, left.to_write, at_once=shared)
            await load_decisions(workspace.database, plan, decisions)
            questions, notes = await find_entities(
                workspace.database,
                works,
                emit,
                hand_over=writing.hand_over,
                all_begun=left.none_to_begin,
                ledger=ledger if shared else None,
            )
            compared = time.monotonic()
            emit(PhaseTimed(Step.MIGRATE, "match", compared - started))
            spare()
            notes += note_kept_totals(works)
            unfollowed = tuple(await find_hidden_ids(workspace.database, works))
            counts = await _forecast(workspace.database, works if questions else ())
        _warn(notes, emit)
        if questions:
            await writing.abandon()
            result = MergeResult(tuple(counts), tuple(questions), tuple(notes))
        else:
            result = await writing.finish()
            emit(PhaseTimed(Step.MIGRATE, "write", time.monotonic() - compared))
    except BaseException:
        if writing is not None:
            await writing.abandon()
        # A statement that was interrupted may hold the ledger still: the error before says more.
        with suppress(sqlite3.Error):
            await close_ledger(ledger)
        raise
    await close_ledger(ledger)
    return replace(result, unfollowed=unfollowed)


def _warn(notes: Sequence[Note], emit: Emit) -> None:
    for note in notes:
        text = note.text
        emit(Message(Step.MIGRATE, Level.WARNING, text, note.file, note.table, note.column))


async def _forecast(database: Database, asked: Sequence[Work]) -> list[TableCounts]:
    """The counts of tables where something is asked; elsewhere the writer counts."""
    return [await count_table(database, work, written=False) for work in asked]


class _Left:
    """What is left to do: with one table to compare and none to write, a processor is free."""

    def __init__(self, spare: Callable[[], object]) -> None:
        self._spare = spare
        self._begun = False
        self._idle = False

    def none_to_begin(self) -> None:
        """Only one table is still compared."""
        self._begun = True
        self._look()

    def to_write(self, *, some: bool) -> None:
        """Whether the writer has a table."""
        self._idle = not some
        self._look()

    def _look(self) -> None:
        if self._begun and self._idle:
            self._spare()


def make_works(plan: MergePlan, workspace: Workspace) -> list[Work]:
    """The tables of a plan over an open workspace."""
    return [Work(table, plan, workspace) for table in plan.tables]


async def new_ledger(plan: MergePlan, ledger: Path) -> bool:
    """Make an empty private ledger for the maps of a merge.

    True when it can be read while it is written (WAL). Raises sqlite3.Error.
    """
    for suffix in (MAIN, *SIDECARS):
        sidecar(ledger, suffix).unlink(missing_ok=True)
    async with open_database(ledger, mode="rwc") as database:
        await database.execute(f"PRAGMA encoding = '{plan.sources[0].schema.encoding}'")
        await database.execute("PRAGMA synchronous = OFF")
        # Some network file systems have no shared memory: then the writer begins afterwards.
        shared = bool(await database.value("PRAGMA journal_mode = WAL") == "wal")
        await database.execute("CREATE TABLE made(at TEXT)")
        await asyncio.to_thread(ledger.chmod, 0o600)
    return shared


async def close_ledger(ledger: Path) -> None:
    """Leave one file that can be opened read-only."""
    async with open_database(ledger, mode="rw") as database:
        await database.execute("PRAGMA synchronous = OFF")
        await database.execute("PRAGMA journal_mode = DELETE")
