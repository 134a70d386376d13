"""The decisions of a run in `run.db`, with every step that made them, so that it can be undone.

That a table got other rules is a step too; the rules themselves stand in the plan.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from consolidator_tui.domain.decided import Entry
from consolidator_tui.storage.sqlite import Database

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS verdicts (id INTEGER PRIMARY KEY, place BLOB NOT NULL,"
    " columns BLOB NOT NULL, entity BLOB NOT NULL, body BLOB NOT NULL,"
    " UNIQUE (place, columns, entity))",
    "CREATE TABLE IF NOT EXISTS decision_steps (id INTEGER PRIMARY KEY, label BLOB NOT NULL,"
    " undone INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS decision_changes (step INTEGER NOT NULL, place BLOB NOT NULL,"
    " columns BLOB NOT NULL, entity BLOB NOT NULL, before BLOB, after BLOB,"
    " PRIMARY KEY (step, place, columns, entity)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS decision_rules (step INTEGER PRIMARY KEY, place BLOB NOT NULL,"
    " before BLOB NOT NULL, after BLOB NOT NULL)",
)
"""Texts are bytes, as everywhere in `run.db`; a NULL body means that there is no decision."""

BATCH = 1_000

_PUT = (
    "INSERT INTO verdicts(place, columns, entity, body) SELECT place, columns, entity, {0} "
    "FROM decision_changes WHERE step = ? AND {0} IS NOT NULL "
    "ON CONFLICT(place, columns, entity) DO UPDATE SET body = excluded.body"
)
_TAKE = (
    "DELETE FROM verdicts WHERE EXISTS (SELECT 1 FROM decision_changes c WHERE c.step = ? "
    "AND c.place = verdicts.place AND c.columns = verdicts.columns "
    "AND c.entity = verdicts.entity AND c.{0} IS NULL)"
)


@dataclass(frozen=True, slots=True)
class StoredStep:
    """One step of deciding: one decision, or many at once."""

    id: int
    label: str
    """What it did, in words."""
    entries: int
    table: str = ""
    """The table whose rules the step changed; empty for a step that made decisions."""
    rules: str = ""
    """The rules that hold after the turn, as they were given to `change_rules`."""


Transaction = Callable[..., AbstractAsyncContextManager[None]]


class DecisionStore:
    """Decisions by (table, columns, entity). Methods raise DiskFull, LockedError or Failed."""

    def __init__(self, database: Database, transaction: Transaction) -> None:
        self._database = database
        self._transaction = transaction

    async def change(
        self, label: str, batches: AsyncIterator[Sequence[Entry]], *, undoable: bool = True
    ) -> int:
        """Make decisions as one durable step; its number. An empty body takes one back.

        What was undone before can no longer be done again.
        """
        async with self._transaction(durable=True):
            step = await self._new_step(label)
            count = 0
            async for batch in batches:
                count += len(batch)
                await self._database.many(
                    "INSERT INTO decision_changes SELECT :step, :place, :columns, :entity, "
                    "(SELECT v.body FROM verdicts v WHERE v.place = :place "
                    "AND v.columns = :columns AND v.entity = :entity), :body "
                    "WHERE 1 ON CONFLICT DO UPDATE SET after = excluded.after",
                    [
                        {
                            "step": step,
                            "place": _encode(e.table),
                            "columns": _encode(e.columns),
                            "entity": _encode(e.entity),
                            "body": _encode(e.body) or None,
                        }
                        for e in batch
                    ],
                )
            await self._apply(step, "after")
            if not undoable or not count:
                await self._forget(f"id = {step}")
        return step

    async def change_rules(self, label: str, table: str, before: str, after: str) -> None:
        """Note as a step that a table got other rules; the texts come back when it is turned."""
        async with self._transaction(durable=True):
            step = await self._new_step(label)
            await self._database.execute(
                "INSERT INTO decision_rules VALUES (?, ?, ?, ?)",
                (step, *map(_encode, (table, before, after))),
            )

    async def _new_step(self, label: str) -> int:
        await self._forget("undone")
        await self._database.execute(
            "INSERT INTO decision_steps(label) VALUES (?)", (_encode(label),)
        )
        return int(await self._database.value("SELECT max(id) FROM decision_steps"))

    async def undo(self) -> StoredStep | None:
        """Take the last step back; None when there is none."""
        return await self._turn("SELECT max(id) FROM decision_steps WHERE NOT undone", "before", 1)

    async def redo(self) -> StoredStep | None:
        """Do the step that was undone last again; None when there is none."""
        return await self._turn("SELECT min(id) FROM decision_steps WHERE undone", "after", 0)

    async def _turn(self, which: str, side: str, undone: int) -> StoredStep | None:
        async with self._transaction(durable=True):
            step = await self._database.value(which)
            if step is None:
                return None
            await self._apply(step, side)
            await self._database.execute(
                "UPDATE decision_steps SET undone = ? WHERE id = ?", (undone, step)
            )
            row = await self._database.row(
                "SELECT label, (SELECT count(*) FROM decision_changes WHERE step = id), "
                f"coalesce(r.place, x''), coalesce(r.{side}, x'') "
                "FROM decision_steps LEFT JOIN decision_rules r ON r.step = id WHERE id = ?",
                (step,),
            )
        assert row is not None
        return StoredStep(int(step), _decode(row[0]), int(row[1]), *map(_decode, row[2:]))

    async def _apply(self, step: int, side: str) -> None:
        await self._database.execute(_TAKE.format(side), (step,))
        await self._database.execute(_PUT.format(side), (step,))

    async def _forget(self, condition: str) -> None:
        for table in ("decision_changes", "decision_rules"):
            await self._database.execute(
                f"DELETE FROM {table} WHERE step IN "
                f"(SELECT id FROM decision_steps WHERE {condition})"
            )
        await self._database.execute(f"DELETE FROM decision_steps WHERE {condition}")

    async def of_step(self, step: int) -> AsyncIterator[Sequence[Entry]]:
        """What now holds for the entities that a step touched; an empty body: no decision."""
        async for rows in self._database.batches(
            "SELECT c.place, c.columns, c.entity, coalesce(v.body, x'') FROM decision_changes c "
            "LEFT JOIN verdicts v ON v.place = c.place AND v.columns = c.columns "
            f"AND v.entity = c.entity WHERE c.step = {step}",
            size=BATCH,
        ):
            yield [Entry(*map(_decode, row)) for row in rows]

    async def batches(self) -> AsyncIterator[Sequence[Entry]]:
        """All decisions in the order in which they were made."""
        async for rows in self._database.batches(
            "SELECT place, columns, entity, body FROM verdicts ORDER BY id", size=BATCH
        ):
            yield [Entry(*map(_decode, row)) for row in rows]

    async def count(self) -> int:
        """How many decisions there are."""
        return int(await self._database.value("SELECT count(*) FROM verdicts"))

    async def summary(self) -> list[tuple[str, str, int]]:
        """Table, what is kept, and how often."""
        rows = await self._database.rows(
            "SELECT place, json_extract(CAST(body AS TEXT), '$.keep'), count(*) FROM verdicts "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [(_decode(place), keep, number) for place, keep, number in rows]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")
