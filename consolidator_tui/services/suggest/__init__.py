"""Finds rows that look like one entity although no key matches them. Nothing is ever applied.

SQL puts rows into blocks that share a simplified value (by sets), and only pairs out of small
blocks are compared in Python. Rows that one file has both of are never suggested: that file
knows them as two.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.event import Emit, Progress, Step
from consolidator_tui.domain.merge import IdentityKind, MergePlan
from consolidator_tui.domain.plan import NotSame
from consolidator_tui.domain.suggestion import PickedRow, Suggestion, Suggestions, not_same
from consolidator_tui.domain.words import plural
from consolidator_tui.services.merge import make_works
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.suggest.block import Blocks, find_pairs, row_count
from consolidator_tui.services.suggest.compare import compare
from consolidator_tui.services.suggest.forms import forms_of
from consolidator_tui.services.suggest.rows import read_rows, search_rows
from consolidator_tui.services.workspace import open_workspace
from consolidator_tui.storage.sqlite import Database

MOST = 500
"""Suggestions that are shown; the best ones."""


async def suggest(
    plan: MergePlan,
    ledger: Path,
    turned_down: Sequence[NotSame],
    emit: Emit,
    most_rows: int | None = None,
) -> Suggestions:
    """Rows of different files that may be one entity, best first.

    `ledger` holds the maps of a dry run or a merge of this plan; tables with more than `most_rows`
    are passed over. Raises sqlite3.Error.
    """
    found: list[Suggestion] = []
    cut: list[str] = []
    compared = 0
    async with _opened(plan, ledger) as (database, translator, works):
        for number, work in enumerate(works):
            forms = forms_of(work)
            if len(work.members) < 2 or work.table.identity.kind is IdentityKind.NONE or not forms:
                continue
            name, rows_there = work.table.name, row_count(work)
            if most_rows is not None and rows_there > most_rows:
                cut.append(f"{name}: not looked for among its {plural(rows_there, 'row')}.")
                continue
            emit(Progress(Step.MIGRATE, name, number, len(works), "tables", "look-alikes"))
            blocks: Blocks = await find_pairs(database, work, forms)
            cut += blocks.cut
            if not blocks.pairs:
                continue
            places = {place for pair in blocks.pairs for place in pair}
            rows = await read_rows(database, translator, work, forms, places)
            compared += len(blocks.pairs)
            found += await asyncio.to_thread(compare, forms, rows, blocks.pairs)
    known = {_mark(pair) for pair in turned_down}
    left = [s for s in found if _mark(not_same(s.first, s.second)) not in known]
    left.sort(key=lambda s: (-s.score, s.key))
    if len(left) > MOST:
        cut.append(
            plural(
                len(left) - MOST,
                "weaker suggestion is not shown.",
                "weaker suggestions are not shown.",
            )
        )
    counts = dict(sorted(Counter(s.table for s in left).items()))
    return Suggestions(tuple(left[:MOST]), tuple(cut), compared, counts)


def _mark(pair: NotSame) -> tuple[str, frozenset[str]]:
    """The pair whichever row is named first."""
    rows = (repr(sorted((fold(c), repr(v)) for c, v in row.items())) for row in _both(pair))
    return fold(pair.table), frozenset(rows)


def _both(pair: NotSame) -> tuple[dict[str, object], dict[str, object]]:
    return dict(pair.entity), dict(pair.other)


async def search(
    plan: MergePlan, ledger: Path, table: str, text: str, limit: int = 100
) -> tuple[PickedRow, ...]:
    """Rows of all sources of a table that hold a text; the first ones for an empty text.

    Raises KeyError for an unknown table, sqlite3.Error.
    """
    async with _opened(plan, ledger) as (database, translator, works):
        work = next((w for w in works if w.key == fold(table)), None)
        if work is None:
            raise KeyError(table)
        return await search_rows(database, translator, work, forms_of(work), text, limit)


@asynccontextmanager
async def _opened(
    plan: MergePlan, ledger: Path
) -> AsyncIterator[tuple[Database, Translator, list[Work]]]:
    """The sources with the maps of a finished matching."""
    async with open_workspace(
        plan.sources, plan.pooled, pool=Path(plan.pool), ledger=ledger, ancestor=plan.ancestor
    ) as workspace:
        works = make_works(plan, workspace)
        translator = Translator({work.key: work for work in works})
        by_number = {work.table.number: work for work in works}
        for work in works:
            await note_mapped(workspace.database, work)
        for number, source, delta in await workspace.database.rows(
            "SELECT number, src, delta FROM pv.delta"
        ):
            by_number[number].deltas[source] = delta
        yield workspace.database, translator, works
