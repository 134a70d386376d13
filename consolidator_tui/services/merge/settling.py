"""What the versions of an entity come to: conflicts are found, decided, and the rest is asked."""

from __future__ import annotations

import asyncio

from consolidator_tui.domain.merge import Note, Question
from consolidator_tui.services.merge.conflicts import (
    can_disagree,
    find_conflicts,
    note_equal_rows,
    note_odd_times,
)
from consolidator_tui.services.merge.decisions import decide_by_hand, decisions_for
from consolidator_tui.services.merge.groups import name_groups
from consolidator_tui.services.merge.questions import open_questions
from consolidator_tui.services.merge.survivorship import apply_rules, keep_winners
from consolidator_tui.services.merge.three_way import put_onto_winners, settle_one_sided
from consolidator_tui.services.merge.turns import Turn
from consolidator_tui.services.merge.uniqueness import find_collisions
from consolidator_tui.services.merge.virtual import follow_owner
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database


class Settled:
    """The tables whose conflicts are found and decided, and what is to be said about them."""

    def __init__(self, translator: Translator, works: list[Work]) -> None:
        self._translator = translator
        self._asked: dict[str, list[Question]] = {work.key: [] for work in works}
        self.notes: dict[str, list[Note]] = {work.key: [] for work in works}
        self.has_questions = False

    def questions(self) -> list[Question]:
        """All questions, in the plan's order of the tables."""
        return [question for asked in self._asked.values() for question in asked]

    async def add(self, database: Database, work: Work, lock: asyncio.Lock) -> None:
        """Settle a table; `lock` is held while the ledger is changed."""
        async with Turn(database, lock) as turn:
            await turn.begin()
            await _settle(database, self._translator, work)
        self.notes[work.key] += await note_odd_times(database, work)
        self.notes[work.key] += await note_equal_rows(database, work)
        asked = await open_questions(database, work)
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
