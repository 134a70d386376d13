"""Proves on the staged target what must hold before it becomes the target."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from consolidator_tui.domain.errors import Failed
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.manifest import FileStat
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.verification import Check, Seal, Verification
from consolidator_tui.services.stand_ins import stand_in
from consolidator_tui.services.verify import virtual
from consolidator_tui.services.verify.claims import Claims
from consolidator_tui.services.verify.histories import histories
from consolidator_tui.services.verify.places import size_of
from consolidator_tui.services.verify.rows import Fates, RowProof
from consolidator_tui.services.verify.whole import (
    count_rows,
    foreign_keys,
    integrity,
    schema_objects,
    sequences,
)
from consolidator_tui.services.workspace import open_workspace
from consolidator_tui.storage.atomic import sync_file
from consolidator_tui.storage.hashing import file_stat, hash_descriptor
from consolidator_tui.storage.journal_mode import in_wal, is_wal, set_wal
from consolidator_tui.storage.sqlite import open_database
from consolidator_tui.storage.worker import Stop, for_each, in_thread

INTEGRITY_CACHE_KIB = 16 * 1024
"""Comparing an index with its table jumps about; more than this gains nothing."""


async def verify(plan: MergePlan, staging: Path, ledger: Path, emit: Emit) -> Verification:
    """Check a staged target against the sources' snapshots and the ledger.

    Reads only, over two connections at once: SQLite's own checks on one, the rows of the tables
    on the other and, when the first is done, on both. Raises sqlite3.Error when a file cannot be
    read at all, Failed when another program changes staging meanwhile.
    """
    started = time.monotonic()
    before = await in_thread(lambda _stop: _look(staging))
    proof = _Proof(plan, staging, ledger, emit)
    jobs: list[Callable[[], Awaitable[None]]] = [proof.the_rows, proof.the_whole]
    # Promotion then has little to wait for.
    jobs.append(lambda: in_thread(lambda _stop: sync_file(staging)))
    await for_each(jobs, lambda job: job(), at_once=len(jobs))
    checks = [*proof.checks(), *await virtual.indexes(staging, plan)]
    if proof.seal is None or proof.seal.stat != before:
        raise Failed(
            f"{staging.name}: it was changed while it was verified.",
            todo="Stop what writes to the run's folder, and migrate again.",
        )
    emit(PhaseTimed(Step.VERIFY, "verify", time.monotonic() - started))
    for check in checks:
        if not check.ok:
            emit(
                Message(
                    Step.VERIFY, Level.ERROR, f"{check.name}: {check.detail}", table=check.table
                )
            )
    return Verification(tuple(checks), time.monotonic() - started, proof.seal)


class _Proof:
    """What two connections find out together."""

    def __init__(self, plan: MergePlan, staging: Path, ledger: Path, emit: Emit) -> None:
        self._plan = plan
        self._staging = staging
        self._ledger = ledger
        self._emit = emit
        self._open = sorted(plan.tables, key=lambda table: size_of(plan, table))
        """Tables that nobody has begun; the largest is last and taken first."""
        self._of_table: dict[int, list[Check]] = {}
        self._fates: dict[int, Fates] = {}
        self._claims: dict[str, Claims] = {}
        self._there: dict[str, int] = {}
        """The rows of the target's tables."""
        self._of_schema: list[Check] = []
        self._of_file: list[Check] = []
        self._hashing = False
        self.seal: Seal | None = None

    def checks(self) -> list[Check]:
        """All that was found, in the order of the plan."""
        found = []
        for table in self._plan.tables:
            found.append(self._fates[table.number].check(self._there[table.name]))
            found += self._of_table[table.number]
        return [*found, *self._of_schema, *self._of_file]

    async def the_rows(self) -> None:
        """Prove the rows of all tables that are left, then the schema."""
        await self._tables(schema=True)
        await self._the_bytes()

    async def the_whole(self) -> None:
        """SQLite's own checks of the file, then a share of the tables."""
        began = time.monotonic()
        async with open_database(
            self._staging, immutable=True, cache_kib=INTEGRITY_CACHE_KIB
        ) as database:
            await stand_in(database, self._plan.sources, functions=True)
            self._of_file.append(await foreign_keys(database, self._plan))
            check, compared = await integrity(database)
            self._of_file.append(check)
            self._there = await count_rows(database, self._plan, believe_indexes=compared)
        self._emit(PhaseTimed(Step.VERIFY, "integrity", time.monotonic() - began))
        if self._open:
            await self._tables(schema=False)
        await self._the_bytes()

    async def _the_bytes(self) -> None:
        """The hash by which the verified file is known later; made by who has nothing else."""
        if not self._hashing:
            self._hashing = True
            wal = self._plan.sources[0].wal
            self.seal = await in_thread(lambda stop: _seal(self._staging, stop, wal=wal))

    async def _tables(self, *, schema: bool) -> None:
        plan, emit, count = self._plan, self._emit, len(self._plan.tables)
        began = time.monotonic()
        async with open_workspace(
            plan.sources,
            plan.pooled,
            pool=Path(plan.pool),
            ledger=self._ledger,
            main=self._staging,
            read_only=True,
            ancestor=plan.ancestor,
        ) as workspace:
            proof = RowProof(plan, workspace)
            self._claims = await proof.prepare(self._claims)
            while self._open:
                table = self._open.pop()
                done = count - len(self._open) - 1
                emit(Progress(Step.VERIFY, table.name, done, count, "tables", "checking"))
                self._fates[table.number], found = await proof.check(table)
                self._of_table[table.number] = [*found, *await proof.deletions(table)]
            if schema:
                self._of_schema.append(await schema_objects(workspace.database, plan))
                self._of_schema.append(await sequences(workspace.database, plan))
                self._of_schema += await virtual.entries(workspace, plan, proof)
                self._of_schema += await histories(workspace, plan)
        emit(PhaseTimed(Step.VERIFY, "meaning", time.monotonic() - began))


def _look(staging: Path) -> FileStat:
    """The stat of a staged database, which is in no WAL mode: reading it then makes no files.

    It may be in that mode when it was about to be put in place before. Blocking.
    """
    if is_wal(staging):
        set_wal(staging, wal=False)
    return file_stat(staging.stat())


def _seal(staging: Path, stop: Stop, *, wal: bool) -> Seal:
    """Hash a staged database that nobody writes any more, as it will be when it is put in place.

    `wal`: it will be in WAL mode. Blocking. Raises OSError.
    """
    descriptor = os.open(staging, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size, sha256 = hash_descriptor(descriptor, stop, head=in_wal if wal else None)
        return Seal(size, sha256, file_stat(os.fstat(descriptor)), wal)
    finally:
        os.close(descriptor)
