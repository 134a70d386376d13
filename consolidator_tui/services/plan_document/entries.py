"""The decisions of a plan as they are stored, also of a plan with very many of them."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.decided import Entry, entry_of
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import Decision, PlanDocument
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.workers import spread
from consolidator_tui.storage.worker import in_thread

LARGE = 300_000
"""Characters; a thread that reads a longer text holds the interpreter, and so the event loop, for
more than 50 ms: when it looks for cycles among so many objects, and when it lets go of them."""
_BATCH = 1_000

Names = Mapping[str, Mapping[str, str]]
"""Folded names of tables -> folded names of their columns -> the plan's own names."""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """A plan that was read and checked."""

    document: PlanDocument
    """Without the decisions that are stored apart."""
    count: int
    """How many decisions it holds."""
    _batches: tuple[bytes, ...]

    async def batches(self) -> AsyncIterator[Sequence[Entry]]:
        """The decisions that are stored apart, some at a time."""
        for packed in self._batches:
            # What is unpacked is what this program packed.
            yield await in_thread(lambda _stop, packed=packed: pickle.loads(packed))  # type: ignore[misc]

    @property
    def has_entries(self) -> bool:
        """Whether there are decisions that are stored apart."""
        return bool(self._batches)


@dataclass(frozen=True, slots=True)
class _Work:
    text: str
    name: str
    sources: tuple[Source, ...]
    names: Names


async def read_plan(text: str, name: str, sources: Sequence[Source], plan: MergePlan) -> ReadPlan:
    """Read a plan's text and check it against the sources; `name` is the file's, for errors.

    A large one is read by another process. Raises PlanError, Failed when that process is killed.
    """
    work = _Work(text, name, tuple(sources), names_of(plan))
    (found,) = await spread(_read, [work], heavy=len(text) > LARGE, processes=2)
    return found


def names_of(plan: MergePlan) -> Names:
    """The names of a plan's tables and columns."""
    return {fold(t.name): {fold(c.name): c.name for c in t.columns} for t in plan.tables}


def entry(decision: Decision, names: Names) -> Entry:
    """A decision as it is stored: under the plan's own names."""
    known = names.get(fold(decision.table), {})
    entity = {known.get(fold(k), k): v for k, v in decision.entity.items()}
    return replace(entry_of(replace(decision, entity=entity)), table=fold(decision.table))


async def batches_of(
    decisions: Sequence[Decision], plan: MergePlan
) -> AsyncIterator[Sequence[Entry]]:
    """Decisions as they are stored, some at a time."""
    names = names_of(plan)
    for start in range(0, len(decisions), _BATCH):
        part = decisions[start : start + _BATCH]
        yield await in_thread(lambda _stop, part=part: [entry(d, names) for d in part])  # type: ignore[misc]


def _read(batch: Sequence[_Work]) -> list[ReadPlan]:
    return [_read_one(work) for work in batch]


def _read_one(work: _Work) -> ReadPlan:
    document = plan_file.loads(work.text, work.name)
    plan_file.validate(document, work.sources, work.text, work.name)
    made = [decision for decision in document.decisions if not decision.also]
    lasting = tuple(decision for decision in document.decisions if decision.also)
    packed = tuple(
        pickle.dumps([entry(d, work.names) for d in made[start : start + _BATCH]])
        for start in range(0, len(made), _BATCH)
    )
    return ReadPlan(replace(document, decisions=lasting), len(document.decisions), packed)
