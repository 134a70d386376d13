"""Merges snapshots into a staged copy of the base, by sets, with a ledger of every row's fate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.decided import Batches
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.instant import to_microseconds
from consolidator_tui.domain.manifest import MAIN, SIDECARS
from consolidator_tui.domain.merge import (
    MergePlan,
    MergeResult,
    Note,
    Question,
    TableCounts,
)
from consolidator_tui.services.merge import aliases, deletions, ranges, three_way
from consolidator_tui.services.merge.aliases import find_aliases
from consolidator_tui.services.merge.classify import classify
from consolidator_tui.services.merge.conflicts import (
    TABLES,
    can_disagree,
    find_conflicts,
    note_equal_rows,
    note_odd_times,
)
from consolidator_tui.services.merge.counts import count_table
from consolidator_tui.services.merge.cycles import refine
from consolidator_tui.services.merge.decisions import (
    decide_by_hand,
    decisions_for,
    load_decisions,
    regroup,
)
from consolidator_tui.services.merge.deletions import settle_deletions
from consolidator_tui.services.merge.groups import name_groups
from consolidator_tui.services.merge.maps import create_maps
from consolidator_tui.services.merge.order import in_working_order, is_plain, roots
from consolidator_tui.services.merge.questions import open_questions, pending_questions
from consolidator_tui.services.merge.survivorship import apply_rules, keep_winners
from consolidator_tui.services.merge.three_way import put_onto_winners, settle_one_sided
from consolidator_tui.services.merge.uniqueness import find_collisions
from consolidator_tui.services.merge.virtual import follow_owner
from consolidator_tui.services.merge.work import Translator, Work
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
    matched: Callable[[], object] = lambda: None,
) -> MergeResult:
    """Merge all sources of the plan into `staging` (made here); the maps go to `ledger`.

    `decisions` gives those that are stored outside the plan's document; `matched` is called when
    all rows are compared, and what remains is to write some of them.

    When something is undecided, the result names the questions and nothing is written to
    staging. Raises PlanError for decisions about what does not exist, sqlite3.Error.
    """
    started = time.monotonic()
    shared = await new_ledger(plan, ledger)
    try:
        async with open_workspace(
            plan.sources,
            plan.pooled,
            pool=Path(plan.pool),
            ledger=ledger,
            ancestor=plan.ancestor,
        ) as workspace:
            works = make_works(plan, workspace)
            writing = Writing(plan, staging, ledger, emit, works, at_once=shared)
            try:
                await load_decisions(workspace.database, plan, decisions)
                questions, notes, counts = await _match(workspace.database, works, writing, emit)
            except BaseException:
                await writing.abandon()
                raise
        compared = time.monotonic()
        emit(PhaseTimed(Step.MIGRATE, "match", compared - started))
        matched()
        for note in notes:
            text = note.text
            emit(Message(Step.MIGRATE, Level.WARNING, text, note.file, note.table, note.column))
        if questions:
            await writing.abandon()
            return MergeResult(tuple(counts), tuple(questions), tuple(notes))
        result = await writing.finish()
        emit(PhaseTimed(Step.MIGRATE, "write", time.monotonic() - compared))
    finally:
        await close_ledger(ledger)
    return result


async def _match(
    database: Database, works: list[Work], writing: Writing, emit: Emit
) -> tuple[list[Question], list[Note], list[TableCounts]]:
    """Compare all tables; the counts are made where there are questions, else by the writer."""
    translator = Translator({work.key: work for work in works})
    await database.function("instant", 1, to_microseconds)
    questions, notes = await find_entities(database, translator, works, emit, writing.hand_over)
    counts = [await count_table(database, w, written=False) for w in works if questions]
    return questions, notes, counts


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


async def find_entities(
    database: Database,
    translator: Translator,
    works: list[Work],
    emit: Emit,
    hand_over: Callable[[Work], None] = lambda _work: None,
) -> tuple[list[Question], list[Note]]:
    """Fill the maps, conflicts and verdicts of all tables; what stays open is returned.

    `hand_over` is called for every table, parents not always first, when all that says how its
    rows are written is committed; no more once a question was found.
    """
    await database.execute("PRAGMA pv.synchronous = OFF")
    await database.script([*TABLES, ranges.TABLE, aliases.TABLE, three_way.TABLE, deletions.TABLE])
    await create_maps(database, works)
    for work in works:
        await _number_dense(database, work)
    cyclic = {key for cycle in works[0].plan.cycles for key in cycle} if works else set()
    done: set[str] = set()
    known: set[str] = set()
    settled = _Settled(database, translator, works)
    waiting: list[Work] = []
    for number, work in enumerate(in_working_order(works)):
        emit(Progress(Step.MIGRATE, work.table.name, number, len(works), "tables", "comparing"))
        await database.execute("BEGIN")
        if work.key in cyclic and work.key not in done:
            cycle = next(c for c in work.plan.cycles if work.key in c)
            await refine(database, translator, [w for w in works if w.key in cycle])
            done |= set(cycle)
        elif work.key not in done:
            await classify(database, translator, work)
        decided = await decisions_for(database, work)
        settled.notes[work.key] += await regroup(database, translator, work, decided)
        await ranges.tighten(database, translator, work)
        await database.execute("COMMIT")
        known.add(work.key)
        waiting.append(work)
        # Versions are compared when the entities that they refer to are known.
        for other in [w for w in waiting if is_plain(w) and roots(w) <= known]:
            waiting.remove(other)
            await settled.add(other)
            if not settled.has_questions:
                hand_over(other)
    waiting.sort(key=works.index)
    for work in waiting:
        await settled.add(work)
    for note in await settle_deletions(database, works):
        settled.notes[fold(note.table)].append(note)
    await find_aliases(database, works)
    questions = settled.questions() + await pending_questions(database, translator, works)
    for work in waiting if not questions else ():
        hand_over(work)
    return questions, [note for work in works for note in settled.notes[work.key]]


class _Settled:
    """The tables whose conflicts are found and decided, and what is to be said about them."""

    def __init__(self, database: Database, translator: Translator, works: list[Work]) -> None:
        self._database = database
        self._translator = translator
        self._asked: dict[str, list[Question]] = {work.key: [] for work in works}
        self.notes: dict[str, list[Note]] = {work.key: [] for work in works}
        self.has_questions = False

    def questions(self) -> list[Question]:
        """All questions, in the plan's order of the tables."""
        return [question for asked in self._asked.values() for question in asked]

    async def add(self, work: Work) -> None:
        """Settle a table."""
        await self._database.execute("BEGIN")
        await _settle(self._database, self._translator, work)
        await self._database.execute("COMMIT")
        self.notes[work.key] += await note_odd_times(self._database, work)
        self.notes[work.key] += await note_equal_rows(self._database, work)
        asked = await open_questions(self._database, work)
        self._asked[work.key] += asked
        self.has_questions = self.has_questions or bool(asked)


async def _settle(database: Database, translator: Translator, work: Work) -> None:
    decided = await decisions_for(database, work)
    await find_conflicts(database, translator, work)
    await decide_by_hand(database, work, decided)
    await settle_one_sided(database, translator, work)
    await follow_owner(database, translator, work)
    if can_disagree(work):
        await apply_rules(database, translator, work)
        await put_onto_winners(database, work)
        await keep_winners(database, work)
    work.overridden = bool(
        await database.value(
            f"SELECT EXISTS (SELECT 1 FROM pv.override WHERE number = {work.table.number})"
        )
    )
    await find_collisions(database, translator, work, decided=decided.apart or decided.more)
    await name_groups(database, translator, work)


async def _number_dense(database: Database, work: Work) -> None:
    """Where a constant does not fit, every row gets a number of its own."""
    for source in work.table.dense:
        name = f"pv.dense_{work.table.number}_{source}"
        await database.execute(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, g INTEGER UNIQUE)")
        if source not in work.members:
            # Rows without a parent may ask for it all the same.
            continue
        await database.execute(
            f"INSERT INTO {name} SELECT a, {work.table.lows[source]} - 1 + row_number() OVER "
            f"(ORDER BY a) FROM (SELECT s.{work.address(source)} AS a FROM {work.read(source)})"
        )
