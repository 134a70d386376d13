"""Tables whose identities refer to each other in a circle: refined until nothing changes.

The first round leaves the references within the circle out, so everything that could be the same
is grouped; each further round compares them as the round before left them. Groups only fall
apart, so it ends.
"""

from __future__ import annotations

from consolidator_tui.services.merge.classify import classify
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

MOST_ROUNDS = 50


async def _in_turn() -> None:
    """The transaction was begun before the first round."""


async def refine(database: Database, translator: Translator, works: list[Work]) -> None:
    """Fill the maps of tables in a circle; without an end, nothing is called the same.

    In a transaction on the ledger.
    """
    circle = {work.key for work in works}
    for work in works:
        work.cut = {link.column for link in work.table.links if link.root in circle}
    for work in works:
        await classify(database, translator, work, _in_turn)
    before = await _fingerprint(database, works)
    for work in works:
        work.cut = set()
    for _ in range(MOST_ROUNDS):
        for work in works:
            await classify(database, translator, work, _in_turn)
        now = await _fingerprint(database, works)
        if now == before:
            return
        before = now
    for work in works:
        await database.execute(f"DELETE FROM {work.map}")
        work.mapped = work.base_mapped = False


async def _fingerprint(database: Database, works: list[Work]) -> tuple[object, ...]:
    facts: list[object] = []
    for work in works:
        facts.append(
            await database.row(
                f"SELECT count(*), sum(g % 1000003 * (canon % 1000003)) FROM {work.map}"
            )
        )
    return tuple(facts)
