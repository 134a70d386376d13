"""Finds the entities of all tables: in turn, and a large table beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.event import Emit, Progress, Step
from consolidator_tui.domain.instant import to_microseconds
from consolidator_tui.domain.merge import Note, Question
from consolidator_tui.services.merge import aliases, deletions, ranges, three_way
from consolidator_tui.services.merge.aliases import find_aliases
from consolidator_tui.services.merge.classify import classify, needs_no_turn
from consolidator_tui.services.merge.conflicts import TABLES
from consolidator_tui.services.merge.cycles import refine
from consolidator_tui.services.merge.decisions import decisions_for, regroup
from consolidator_tui.services.merge.deletions import settle_deletions
from consolidator_tui.services.merge.maps import create_maps
from consolidator_tui.services.merge.order import in_working_order, is_plain, parents, roots
from consolidator_tui.services.merge.questions import pending_questions
from consolidator_tui.services.merge.settling import Settled
from consolidator_tui.services.merge.turns import Turn
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.workspace import open_workspace
from consolidator_tui.storage.sqlite import Database
from consolidator_tui.storage.worker import for_each

LARGE = 100_000
"""Rows from which on a table is worth a connection of its own."""


_DECIDED = "SELECT DISTINCT place FROM pv.decision"


def _nothing(*_: object) -> None:
    """For who need not be told."""


async def find_entities(
    database: Database,
    works: list[Work],
    emit: Emit,
    *,
    hand_over: Callable[[Work], object] = _nothing,
    all_begun: Callable[[], object] = _nothing,
    ledger: Path | None = None,
) -> tuple[list[Question], list[Note]]:
    """Fill the maps, conflicts and verdicts of all tables; what stays open is returned.

    `hand_over` is called for every table, parents not always first, when all that says how its
    rows are written is committed; no more once a question was found. `all_begun` is called when
    only the last table is still compared. With `ledger`, the file behind `pv`, which can then be
    read while it is written, large tables are compared beside the others.
    """
    translator = Translator({work.key: work for work in works})
    await _prepare(database)
    await database.script([*TABLES, ranges.TABLE, aliases.TABLE, three_way.TABLE, deletions.TABLE])
    await create_maps(database, works)
    for work in works:
        await _number_dense(database, work)
    decided = {str(place) for (place,) in await database.rows(_DECIDED)}
    matching = _Matching(translator, works, decided, emit, hand_over, all_begun)
    waiting = await matching.run(database, ledger)
    settled = matching.settled
    for work in sorted(waiting, key=works.index):
        await settled.add(database, work, matching.lock)
    for note in await settle_deletions(database, works):
        settled.notes[fold(note.table)].append(note)
    await find_aliases(database, works)
    questions = settled.questions() + await pending_questions(database, translator, works)
    for work in waiting if not questions else ():
        hand_over(work)
    return questions, [note for work in works for note in settled.notes[work.key]]


class _Matching:
    """The tables that nobody has compared yet, those that somebody compares, and those known."""

    def __init__(
        self,
        translator: Translator,
        works: list[Work],
        decided: set[str],
        emit: Emit,
        hand_over: Callable[[Work], object],
        all_begun: Callable[[], object],
    ) -> None:
        self.settled = Settled(translator, works)
        self.lock = asyncio.Lock()
        self._translator = translator
        self._works = works
        self._decided = decided
        self._emit = emit
        self._hand_over = hand_over
        self._all_begun = all_begun
        self._open = in_working_order(works)
        self._parents = parents(works)
        self._needed = {key for above in self._parents.values() for key in above}
        self._refined: set[str] = set()
        self._begun = 0
        self._known: set[str] = set()
        self._changed = asyncio.Event()

    async def run(self, database: Database, ledger: Path | None) -> list[Work]:
        """Compare all tables; the result are those whose versions are still to be compared."""
        jobs: list[Callable[[], Awaitable[list[Work]]]]
        jobs = [partial(self._compare_all, database, self._first)]
        large = [work for work in self._open if self._may_go_apart(work)]
        if ledger is not None and large and len(self._works) > 1:
            jobs.append(partial(self._beside, ledger))
        found = await for_each(jobs, lambda job: job(), at_once=len(jobs))
        return [work for waiting in found for work in waiting]

    def _may_go_apart(self, work: Work) -> bool:
        """Whether another connection may compare it while no other table has to wait for it.

        What its decisions speak of is kept in temporary tables.
        """
        return (
            work.total >= LARGE
            and work.key not in self._needed
            and not work.plan.cycles
            and is_plain(work)
            and needs_no_turn(work)
            and work.key not in self._decided
        )

    async def _beside(self, ledger: Path) -> list[Work]:
        """Compare large tables over a connection of their own."""
        plan = self._works[0].plan
        async with open_workspace(
            plan.sources, plan.pooled, pool=Path(plan.pool), ledger=ledger
        ) as workspace:
            await _prepare(workspace.database)
            return await self._compare_all(workspace.database, self._largest)

    def _first(self) -> Work | None:
        """The next table in their order whose parents are known."""
        ready = self._ready()
        return ready[0] if ready else None

    def _largest(self) -> Work | None:
        """The largest of the tables that may go apart and whose parents are known."""
        ready = [work for work in self._ready() if self._may_go_apart(work)]
        return max(ready, key=lambda work: work.total, default=None)

    def _ready(self) -> list[Work]:
        return [work for work in self._open if self._parents[work.key] <= self._known]

    async def _compare_all(
        self, database: Database, choose: Callable[[], Work | None]
    ) -> list[Work]:
        """Compare what `choose` gives, and settle those of them that can be settled."""
        waiting: list[Work] = []
        while True:
            # Versions are compared when the entities that they refer to are known.
            for work in [w for w in waiting if is_plain(w) and roots(w) <= self._known]:
                waiting.remove(work)
                await self.settled.add(database, work, self.lock)
                if not self.settled.has_questions:
                    self._hand_over(work)
            chosen = choose()
            if chosen is not None:
                await self._compare(database, chosen)
                waiting.append(chosen)
            elif len(self._known) == len(self._works):
                return waiting
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _compare(self, database: Database, work: Work) -> None:
        """Fill the map of a table and set its flags."""
        name, count = work.table.name, len(self._works)
        self._emit(Progress(Step.MIGRATE, name, self._begun, count, "tables", "comparing"))
        self._open.remove(work)
        self._begun += 1
        self._say_when_all_begun()
        async with Turn(database, self.lock) as turn:
            await self._classify(database, work, turn)
            await turn.begin()
            decided = await decisions_for(database, work)
            notes = await regroup(database, self._translator, work, decided)
            await ranges.tighten(database, self._translator, work)
        self.settled.notes[work.key] += notes
        self._known.add(work.key)
        self._changed.set()
        self._say_when_all_begun()

    async def _classify(self, database: Database, work: Work, turn: Turn) -> None:
        if work.key in self._refined:
            return
        for cycle in work.plan.cycles:
            if work.key in cycle:
                await turn.begin()
                works = [w for w in self._works if w.key in cycle]
                await refine(database, self._translator, works)
                self._refined |= set(cycle)
                return
        await classify(database, self._translator, work, turn.begin)

    def _say_when_all_begun(self) -> None:
        if not self._open and self._begun - len(self._known) <= 1:
            self._all_begun()


async def _prepare(database: Database) -> None:
    await database.execute("PRAGMA pv.synchronous = OFF")
    await database.function("instant", 1, to_microseconds)


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
