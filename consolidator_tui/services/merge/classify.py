"""Finds which rows of different sources are the same entity, one sort per table.

Rows are grouped over all sources by their identity, references replaced by the parents' entities.
In a group the k-th row of one source is the k-th row of another; rows of one source are never
merged with each other. Only rows whose parents are shared can be duplicates: the rest is skipped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from consolidator_tui.domain.merge import IdentityKind
from consolidator_tui.services.merge.classes import Key, arm, group, store_classes
from consolidator_tui.services.merge.heirs import find_heirs, join_heirs
from consolidator_tui.services.merge.lineage import match_by_lineage
from consolidator_tui.services.merge.maps import note_mapped
from consolidator_tui.services.merge.probes import compare_shortened, shorten, store_shortened
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database

Begin = Callable[[], Awaitable[None]]
"""Called before the ledger is changed, once or more often."""


def needs_no_turn(work: Work) -> bool:
    """Whether rows can be compared without changing the ledger, until the map is filled."""
    return (
        work.table.identity.kind in (IdentityKind.COLUMNS, IdentityKind.ROWS)
        and all(link.root != work.key for link in work.table.links)
        and work.fixed_key is None
        and work.plan.ancestor is None
        and not work.mapped
    )


async def classify(database: Database, translator: Translator, work: Work, begin: Begin) -> None:
    """Fill the map of a table with the rows that are the same entity in several sources."""
    if not needs_no_turn(work):
        await begin()
    if work.mapped:
        await database.execute(f"DELETE FROM {work.map}")
        work.mapped = False
    work.deltas, work.final = {}, {}
    identity = work.table.identity
    past = await find_heirs(database, work)
    if len(work.members) > 1 and identity.kind is not IdentityKind.NONE:
        if identity.kind is IdentityKind.LINEAGE:
            await match_by_lineage(database, translator, work, past)
        elif identity.kind is IdentityKind.COLUMNS:
            keys = [Key(identity.columns, identity.collations, True)]
            nullable = await _nullable(database, work, identity.columns)
            if nullable:
                keys.append(_content(work, nullable))
            await _match(database, translator, work, keys, begin)
            if past is not None:
                await join_heirs(database, work)
        else:
            await _match(database, translator, work, [_content(work, ())], begin)
    if work.fixed_key is not None:
        await _move_to_parents(database, translator, work)
    await note_mapped(database, work)


def _content(work: Work, only_incomplete: tuple[str, ...]) -> Key:
    columns = tuple(c.name for c in work.table.columns if c.name != work.table.surrogate)
    return Key(columns, tuple("BINARY" for _ in columns), False, only_incomplete)


async def _nullable(database: Database, work: Work, columns: Sequence[str]) -> tuple[str, ...]:
    """The key columns that are NULL in some row."""
    places = [(name, k) for name in columns for k in work.members if work.own(k, name) is not None]
    found = await database.values(
        f"SELECT EXISTS (SELECT 1 FROM {work.read(k)} WHERE {work.own(k, name)} IS NULL)"
        for name, k in places
    )
    nulls = {name for (name, _), there in zip(places, found, strict=True) if there}
    return tuple(name for name in columns if name in nulls)


async def _match(
    database: Database, translator: Translator, work: Work, keys: Sequence[Key], begin: Begin
) -> None:
    """Match by each of the keys; from the first that contains references to the table itself on,
    level by level."""
    for place, key in enumerate(keys):
        if not key.columns:
            continue
        if work.self_links(key.columns):
            from consolidator_tui.services.merge.levels import match_by_levels

            await match_by_levels(database, translator, work, keys[place:])
            return
        await _match_by(database, translator, work, key, begin)


async def _match_by(
    database: Database, translator: Translator, work: Work, key: Key, begin: Begin
) -> None:
    many = False
    for short in await shorten(database, work, key):
        if await compare_shortened(database, translator, work, short):
            await begin()
            await store_shortened(database, translator, work, key)
            return
        many = len(work.members) > 2
    arms = [arm(translator, work, key, k) for k in work.members]
    await group(database, work, key, arms, many=many)
    await begin()
    await store_classes(database, work)


async def _move_to_parents(database: Database, translator: Translator, work: Work) -> None:
    """Rows whose key is not free stand where the key says, alone or merged."""
    column = work.fixed_key
    assert column is not None
    for link in work.links_of(column):
        work.deltas = dict(translator.works[link.root].deltas)
        work.final = dict(translator.works[link.root].final)
    for source in work.members:
        if work.table.surrogate is not None:
            place = f"s.{work.address(source)}"
        else:
            place = translator.value(work, source, column)
        await database.execute(
            f"INSERT INTO {work.map} SELECT g, place, 1 FROM "
            f"(SELECT {work.g(source)} AS g, {place} AS place FROM {work.read(source)} "
            f"WHERE {place} IS NOT {work.placed(source, 's.' + work.address(source))}) WHERE 1 "
            "ON CONFLICT(g) DO UPDATE SET canon = excluded.canon"
        )
        await database.execute(
            f"UPDATE {work.map} SET canon = (SELECT {place} FROM {work.seek(source)} "
            f"WHERE s.{work.address(source)} = {work.raw(source, 'g')}) "
            f"WHERE {work.within(source, 'g')}"
        )
