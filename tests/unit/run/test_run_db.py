"""The run's database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consolidator_tui.domain.decided import Entry
from consolidator_tui.domain.errors import Failed, FileRefused
from consolidator_tui.domain.event import Event, Level, Message, Progress, Step, TableMerged
from consolidator_tui.domain.run import Fact, RunState, finished, started
from consolidator_tui.storage.run_db import RunStore, Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder

HOSTILE = "caf\udce9 [red]\n' \"\U0001f600"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path)


async def test_state_and_facts(run: RunFolder) -> None:
    async with open_run_store(run) as store:
        assert await store.load_state() == RunState()
        state = finished(started(RunState(), Step.DISCOVER), Step.DISCOVER)
        await store.save_state(state)
        await store.add_fact(Fact.PROMOTED)
        # A screen that still has the old value cannot take the fact away.
        await store.save_state(state)
    async with open_run_store(run) as store:
        loaded = await store.load_state()
    assert loaded.steps == state.steps
    assert loaded.promoted


async def test_documents_keep_any_text(run: RunFolder) -> None:
    async with open_run_store(run) as store:
        await store.put("plan", HOSTILE)
        assert await store.get("plan") == HOSTILE
        assert await store.get("nothing") is None


async def test_decisions_are_steps_that_can_be_undone(run: RunFolder) -> None:
    async def batch(*entries: tuple[str, str]) -> AsyncIterator[list[Entry]]:
        yield [Entry(HOSTILE, '["a"]', f"[{HOSTILE}{key}]", body) for key, body in entries]

    async def kept(store: RunStore) -> dict[str, str]:
        found = [entry async for entries in store.decisions.batches() for entry in entries]
        assert all(entry.table == HOSTILE for entry in found)
        return {entry.entity[-2]: entry.body for entry in found}

    async with open_run_store(run) as store:
        await store.decisions.change("one", batch(("1", "a")))
        await store.decisions.change("two", batch(("1", "b"), ("2", "b"), ("3", "b")))
        await store.decisions.change("back", batch(("2", "")))
        assert await kept(store) == {"1": "b", "3": "b"}
        undone = await store.decisions.undo()
        assert undone is not None
        assert (undone.label, undone.entries) == ("back", 1)
    async with open_run_store(run) as store:
        # Undoing goes on after a new start.
        await store.decisions.undo()
        assert await kept(store) == {"1": "a"}
        await store.decisions.redo()
        assert await kept(store) == {"1": "b", "2": "b", "3": "b"}
        await store.decisions.change("new", batch(("9", "z")))
        assert await store.decisions.redo() is None
        for _ in range(3):
            assert await store.decisions.undo() is not None
        assert await kept(store) == {}
        assert await store.decisions.undo() is None


async def test_events(run: RunFolder) -> None:
    events: list[Event] = [
        Progress(Step.BACKUP, "a.db", 1, 2, "bytes", "copying"),
        Message(Step.BACKUP, Level.WARNING, HOSTILE, file=HOSTILE),
        TableMerged(Step.MIGRATE, "t", 1, 2, 3, 4, 5, 6, 0),
    ]
    async with open_run_store(run) as store:
        await store.append_events(events)
        await store.append_events([])
        assert [stored.event for stored in await store.events()] == events
        warnings = await store.events(Level.WARNING)
        assert [stored.event for stored in warnings] == [events[1]]
        assert [s.event for s in await store.events(step=Step.MIGRATE)] == [events[2]]
        assert [s.event for s in await store.events(limit=1)] == [events[2]]


async def test_thousands_of_events_are_cheap(run: RunFolder) -> None:
    async with open_run_store(run) as store:
        for _ in range(10):
            await store.append_events([Progress(Step.MIGRATE, "t", n) for n in range(1000)])
        assert len(await store.events(limit=20_000)) == 10_000


async def test_work_is_announced_and_ended(run: RunFolder) -> None:
    async with open_run_store(run) as store:
        await store.begin_work(Work(WorkKind.PROMOTE, {"target": HOSTILE}))
    async with open_run_store(run) as store:
        assert await store.work() == Work(WorkKind.PROMOTE, {"target": HOSTILE})
        with pytest.raises(Failed, match="interrupted promote"):
            await store.begin_work(Work(WorkKind.CLEANUP, {}))
        await store.end_work(Fact.PROMOTED, documents={"promotion": "{}"})
        assert await store.work() is None
        assert (await store.load_state()).promoted
        assert await store.get("promotion") == "{}"


async def test_many_tasks_share_a_store(run: RunFolder) -> None:
    async with open_run_store(run) as store, open_run_store(run) as second:
        await asyncio.gather(
            *(store.put(f"a{n}", str(n)) for n in range(20)),
            *(second.put(f"b{n}", str(n)) for n in range(20)),
            *(store.append_events([Progress(Step.MIGRATE, "t", n)]) for n in range(20)),
        )
        assert [await store.get(f"b{n}") for n in range(20)] == [str(n) for n in range(20)]


async def test_mode_and_damage(run: RunFolder) -> None:
    async with open_run_store(run) as store:
        await store.put("a", "b")
        for member in run.path.glob("run.db*"):
            assert member.stat().st_mode & 0o777 == 0o600
    run.run_db.write_bytes(b"x" * 5000)
    with pytest.raises(FileRefused):
        async with open_run_store(run):
            pass


async def test_cancelled_in_a_transaction(run: RunFolder) -> None:
    async with open_run_store(run) as store:
        tasks = [asyncio.create_task(store.put("a", str(n) * 100_000)) for n in range(10)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.put("a", "end")
        assert await store.get("a") == "end"
    connection = sqlite3.connect(run.run_db)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
