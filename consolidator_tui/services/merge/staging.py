"""Builds the staged target: a copy of the base, and on it what the maps say."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from consolidator_tui.domain.event import (
    Emit,
    Level,
    Message,
    Progress,
    Step,
    TableMerged,
)
from consolidator_tui.domain.merge import MergePlan, MergeResult, Note, TableCounts
from consolidator_tui.services.merge.counts import count_table
from consolidator_tui.services.merge.indexes import drop_plain_indexes
from consolidator_tui.services.merge.missing import settle_base
from consolidator_tui.services.merge.order import roots
from consolidator_tui.services.merge.target import (
    Dropped,
    continue_sequences,
    create_objects,
    drop_triggers,
    prepare_tables,
    restore_triggers,
)
from consolidator_tui.services.merge.views import leave_out_views, rename_base, settle_objects
from consolidator_tui.services.merge.virtual import write_virtual_tables
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.merge.write import CannotWrite, write_table
from consolidator_tui.services.planning.renamed import leave_out
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.services.workspace import Workspace, open_workspace
from consolidator_tui.storage.files import copy_file
from consolidator_tui.storage.sqlite import Database, open_database

WRITING_CACHE_KIB = 16 * 1024
"""Rows go into UNIQUE indexes in any order."""
SORTING_CACHE_KIB = 2 * 1024
"""SQLite sorts as much at once as its cache holds; what fits the processor's own is faster."""


async def write_staging(
    plan: MergePlan,
    staging: Path,
    ledger: Path,
    emit: Emit,
    planned: list[Work],
    ready: Callable[[], Awaitable[Work]],
) -> MergeResult:
    """Write all rows into `staging` (made here) as the maps in `ledger` say.

    `ready` gives all of the `planned` tables in turn, each when it may be written.
    Raises sqlite3.Error. Rows that a constraint of the target refuses become a question.
    """
    await copy_file(Path(plan.sources[0].snapshot), staging, mode=0o600)
    async with open_workspace(
        plan.sources,
        plan.pooled,
        pool=Path(plan.pool),
        ledger=ledger,
        main=staging,
        ancestor=plan.ancestor,
    ) as workspace:
        building = _Building(plan, workspace, planned, emit)
        await building.begin()
        try:
            await building.fill(ready)
        except CannotWrite as refused:
            await workspace.database.execute("ROLLBACK")
            counts, notes = tuple(building.counts), tuple(building.notes)
            return MergeResult(counts, (refused.question,), notes)
        await building.finish()
    if plan.sources[0].index_damage:
        async with open_database(staging, mode="rw") as database:
            await stand_in(database, plan.sources, functions=True)
            await database.execute("REINDEX")
    for note in building.notes:
        emit(Message(Step.MIGRATE, Level.WARNING, note.text, note.file, note.table, note.column))
    left_out = (*plan.left_out, *building.left_out)
    return MergeResult(tuple(building.counts), (), tuple(building.notes), left_out=left_out)


class _Building:
    """The staged target on its way: in one transaction a table, and one for each end."""

    def __init__(
        self, plan: MergePlan, workspace: Workspace, planned: list[Work], emit: Emit
    ) -> None:
        self.counts: list[TableCounts] = []
        self.notes: list[Note] = []
        self.left_out: list[str] = []
        """Indexes, views and triggers that cannot be made."""
        self._plan = plan
        self._workspace = workspace
        self._database = workspace.database
        self._emit = emit
        self._planned = {work.key: work for work in planned}
        works = [work.over(workspace) for work in planned]
        self._translator = Translator({work.key: work for work in works})
        self._dropped: list[Dropped] = []

    async def begin(self) -> None:
        """Make the base's schema that of the target; a transaction is open afterwards."""
        database, plan = self._database, self._plan
        await _prepare_connection(database)
        await database.execute("BEGIN")
        await leave_out(database, plan.document, plan.sources[0])
        await rename_base(database, plan)
        await settle_objects(database, plan)
        await database.execute("PRAGMA legacy_alter_table = ON")
        self._dropped = await drop_triggers(database)
        await settle_base(database, plan)
        await prepare_tables(database, plan, list(self._translator.works.values()))

    async def fill(self, ready: Callable[[], Awaitable[Work]]) -> None:
        """Write all tables in the order in which `ready` gives them. Raises CannotWrite."""
        database, count = self._database, len(self._planned)
        for number in range(count):
            # A transaction sees the ledger as it was when it began.
            await database.execute("COMMIT")
            work = self._final(await ready())
            await database.execute("BEGIN")
            began = time.monotonic()
            name = work.table.name
            self._emit(Progress(Step.MIGRATE, name, number, count, "tables", "writing"))
            table, told = await _write_rows(database, self._translator, work)
            self.counts.append(table)
            self.notes += told
            self._emit(_merged(table, time.monotonic() - began))

    async def finish(self) -> None:
        """Make what stands on the rows: indexes, views, search tables, sequences, triggers."""
        database, plan = self._database, self._plan
        works = [self._translator.works[key] for key in self._planned]
        places = {work.table.name: number for number, work in enumerate(works)}
        self.counts.sort(key=lambda table: places[table.table])
        problems = await create_objects(database, plan, ("index", "view"))
        problems += await leave_out_views(database, plan)
        works_by_key = self._translator.works
        filled, told = await write_virtual_tables(database, plan, works_by_key, self.counts)
        self.counts += filled
        self.notes += told
        await continue_sequences(database, works)
        missing = {*plan.left_out, *(name for name, _ in problems)}
        await restore_triggers(database, self._dropped, missing)
        problems += await create_objects(database, plan, ("trigger",))
        await database.execute("COMMIT")
        self.left_out = [name for name, _ in problems]
        self.notes += [note for _, note in problems]

    def _final(self, work: Work) -> Work:
        """The table as it was handed over, in the writer's workspace, and its parents as well."""
        works = self._translator.works
        for key in (*roots(work), work.key):
            works[key] = self._planned[key].over(self._workspace)
        return works[work.key]


async def _write_rows(
    database: Database, translator: Translator, work: Work
) -> tuple[TableCounts, list[Note]]:
    """Write and count one table, its indexes made anew where that is quicker."""
    indexes = await drop_plain_indexes(database, work)
    notes = await write_table(database, translator, work)
    if indexes:
        await database.script([_cache(SORTING_CACHE_KIB), *indexes, _cache(WRITING_CACHE_KIB)])
    return await count_table(database, work, written=True), notes


def _cache(kib: int) -> str:
    return f"PRAGMA main.cache_size = -{kib}"


async def _prepare_connection(database: Database) -> None:
    """Settings for a file that is thrown away unless it is finished and synced."""
    for statement in (
        "PRAGMA main.journal_mode = DELETE",
        "PRAGMA main.synchronous = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA secure_delete = OFF",
        _cache(WRITING_CACHE_KIB),
    ):
        await database.execute(statement)


def _merged(table: TableCounts, seconds: float) -> TableMerged:
    return TableMerged(
        Step.MIGRATE,
        table.table,
        table.source,
        table.base,
        table.new,
        table.duplicate,
        table.conflict,
        table.rekeyed,
        table.lost,
        seconds,
    )
