"""Makes the plan of a merge: what belongs together, what is re-keyed, what must be asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.event import Emit, Level, Message, Step
from consolidator_tui.domain.merge import Ancestor, MergePlan, MergeTable, PlannedObject, Question
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.services.planning.computed_references import ask_computed_references
from consolidator_tui.services.planning.declared import declared_references
from consolidator_tui.services.planning.descent import find_descendants
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.identity import choose_identities
from consolidator_tui.services.planning.keys import find_surrogates
from consolidator_tui.services.planning.links import find_links, place_ranges
from consolidator_tui.services.planning.measure import LARGE, Measurements
from consolidator_tui.services.planning.migrations import told_identity
from consolidator_tui.services.planning.missing import settle_absent
from consolidator_tui.services.planning.natural_references import note_found_parents
from consolidator_tui.services.planning.objects import unite_objects
from consolidator_tui.services.planning.order import identity_parents, in_order
from consolidator_tui.services.planning.references import (
    confirmed_references,
    undeclared_references,
)
from consolidator_tui.services.planning.rowid_references import ask_rowid_references
from consolidator_tui.services.planning.tables import unite_tables
from consolidator_tui.services.planning.virtual import find_virtual_tables
from consolidator_tui.services.planning.virtual_past import with_keys
from consolidator_tui.services.workspace import build_pool, open_workspace

_UPDATED = re.compile(
    r"((last|row|record|date|time)_?)?"
    r"((updated?|modified|modification|changed?|mtime|utime)(_?{0}){{0,2}}"
    r"|(upd|edited|edit|mod)(_?{0}){{1,2}})\Z".format(
        "(at|on|time|date|ts|timestamp|when|utc|epoch|unix|ms|dt)"
    ),
    re.I,
)
_STAMP = re.compile(r"(timestamp|ts|date_?modified|revised_at|version_ts)\Z", re.I)


async def make_plan(
    sources: Sequence[Source],
    document: PlanDocument,
    emit: Emit,
    *,
    scratch: Path,
    ancestor: Ancestor | None = None,
) -> tuple[MergePlan, tuple[Question, ...]]:
    """The plan of a merge of these sources, and what must be decided before it is safe.

    Reads snapshots only; `scratch` is a folder for what must be copied to be read; the sources
    that come from `ancestor` are found here. Raises PlanError where the document names what does
    not exist, sqlite3.Error for unreadable files.
    """
    virtuals = await find_virtual_tables(sources, document)
    sources = virtuals.sources
    ancestor = with_keys(ancestor, sources)
    pool = scratch / "pool.db"
    pooled = await build_pool(sources, pool)
    async with open_workspace(sources, pooled, pool=pool, ancestor=ancestor) as workspace:
        planning = Planning(workspace, sources, document, ancestor)
        planning.questions += virtuals.questions
        planning.notes += virtuals.notes
        measure = Measurements(planning)
        await unite_tables(planning)
        _check_names(planning)
        declared_references(planning)
        await find_surrogates(planning)
        await confirmed_references(planning)
        await _scan(planning, measure, pool)
        await undeclared_references(planning, measure)
        await find_links(planning, measure)
        await ask_computed_references(planning)
        await note_found_parents(planning)
        await ask_rowid_references(planning)
        await find_descendants(planning, measure)
        await choose_identities(planning, measure)
        await place_ranges(planning, measure)
        objects, left_out = await settle_absent(planning, unite_objects(planning))
    for note in planning.notes:
        emit(Message(Step.MIGRATE, Level.WARNING, note.text, note.file, note.table, note.column))
    plan = _assemble(planning, pool, pooled, objects)
    plan = replace(plan, virtuals=tuple(virtuals.tables), left_out=(*virtuals.left_out, *left_out))
    return plan, tuple(planning.questions)


async def _scan(planning: Planning, measure: Measurements, pool: Path) -> None:
    if max((sum(s.row_counts.values()) for s in planning.sources), default=0) >= LARGE:
        async with open_workspace(
            planning.sources, planning.workspace.pooled, pool=pool
        ) as workspace:
            await measure.prepare_references(workspace.database)


def _check_names(planning: Planning) -> None:
    for name, plan in planning.document.tables.items():
        draft = planning.drafts.get(fold(name))
        if draft is None:
            raise PlanError(
                f"The plan speaks of a table {name}, and no source has it.",
                todo="Correct the name.",
            )
        for column in (*plan.defaults, *((plan.newest,) if plan.newest else ())):
            if draft.column(column) is None:
                raise PlanError(
                    f"The plan speaks of a column {name}.{column}, and no source has it.",
                    todo="Correct the name.",
                )


def _assemble(
    planning: Planning,
    pool: Path,
    pooled: dict[tuple[int, str], str],
    objects: tuple[PlannedObject, ...],
) -> MergePlan:
    drafts = planning.drafts
    identity_above = {
        key: identity_parents(key, draft.identity, tuple(draft.links)) & set(drafts)
        for key, draft in drafts.items()
    }
    all_above = {key: {link.root for link in draft.links} for key, draft in drafts.items()}
    order, cycles = in_order(identity_above, all_above)
    tables = tuple(_table(planning, number, drafts[key]) for number, key in enumerate(order))
    return MergePlan(
        document=planning.document,
        sources=tuple(planning.sources),
        tables=tables,
        cycles=tuple(cycles),
        ancestor=planning.ancestor,
        pool=str(pool) if pooled else "",
        pooled=pooled,
        notes=tuple(planning.notes),
        objects=objects,
        pending=tuple(planning.pending),
        proposals=tuple(planning.proposals),
    )


def _table(planning: Planning, number: int, draft: Draft) -> MergeTable:
    plan = planning.table_plan(draft)
    count = len(planning.sources)
    spans = [draft.spans.get(index, (0, -1)) for index in range(count)]
    return MergeTable(
        number=number,
        name=draft.name,
        table=draft.table,
        sources=tuple(
            draft.members[index].name if index in draft.members else None for index in range(count)
        ),
        columns=tuple(draft.columns),
        surrogate=draft.surrogate,
        identity=told_identity(planning, draft),
        references=tuple(draft.references),
        newest=_newest(draft, plan.newest),
        fill_nulls=plan.fill_nulls,
        rules=plan.on_conflict or planning.document.on_conflict,
        links=tuple(draft.links),
        shifts=tuple(draft.shifts.get(index, 0) for index in range(count)),
        lows=tuple(span[0] for span in spans),
        highs=tuple(span[1] for span in spans),
        dense=tuple(draft.dense),
        families=draft.lineage,
        computed=tuple(draft.computed),
        widened=tuple(draft.widened),
        histories=tuple(draft.histories),
        shared_history=draft.shared_history,
        notes=tuple(draft.notes),
    )


def _newest(draft: Draft, wanted: str | None) -> str | None:
    """The column that says when a row was last changed."""
    if wanted is not None:
        column = draft.column(wanted)
        return column.name if column else None
    for pattern in (_UPDATED, _STAMP):
        for column in draft.columns:
            if pattern.match(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name)):
                return column.name
    return None
