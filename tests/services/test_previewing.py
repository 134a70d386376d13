"""What a session tells before the merge is what the merge then does."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consolidator_tui.domain.event import Event, Level, Message
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.selection import Selection
from consolidator_tui.domain.suggestion import not_same, same
from consolidator_tui.sample.writer import SAMPLE_DECISIONS, write_sample
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.drift import drift
from consolidator_tui.services.plan_document.evidence import share
from consolidator_tui.services.plan_document.look_alikes import FILE
from consolidator_tui.services.plan_document.words import forecast_words
from consolidator_tui.services.scan import draft_plan
from consolidator_tui.services.session import Session
from consolidator_tui.services.suggest import block
from tests.services.session_project import write_shop

USERS = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT);"
ORDERS = "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER, what TEXT);"


def write(path: Path, sql: str, **rows: list[tuple[Any, ...]]) -> None:
    """A database with these rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
        for table, given in rows.items():
            marks = ", ".join("?" for _ in given[0])
            connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', given)
        connection.commit()


@asynccontextmanager
async def planned(folder: Path, document: PlanDocument | None = None) -> AsyncIterator[Session]:
    """A session with a plan."""
    async with Session.open(folder) as session:
        await session.set_document(document or PlanDocument())
        await session.discover()
        await session.select(Selection())
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        yield session


def plan_of(session: Session) -> MergePlan:
    """The plan, which must be there."""
    assert session.plan is not None
    return session.plan


async def test_the_dry_run_counts_what_the_merge_then_does(tmp_path: Path) -> None:
    write_sample(tmp_path)
    async with planned(tmp_path) as session:
        dry = await session.dry_run()
        undecided = {t.counts.table: t.counts.undecided for t in dry.tables if t.counts.undecided}
        assert undecided, "the sample has conflicts that only a person decides"
        assert all(t.lost == 0 for t in dry.tables)
        await session.set_document(
            replace(session.document, decisions=plan_file.loads(SAMPLE_DECISIONS).decisions)
        )
        await session.make_plan()
        dry = await session.dry_run()
        result = await session.migrate()
        assert not result.needs_decisions
        merged = {counts.table: counts for counts in result.counts}
        for table in dry.tables:
            assert table.counts == merged[table.counts.table]
        words = forecast_words(plan_of(session), dry)
        assert f"{sum(c.rekeyed for c in result.counts):,} ids change" in words
        assert words.endswith("0 rows lost.")


async def test_rows_that_agree_and_disagree_are_counted_as_entities(tmp_path: Path) -> None:
    write(
        tmp_path / "a.db",
        USERS + ORDERS,
        users=[(1, "ann", "A"), (2, "bob", "B"), (3, "cyd", "C")],
        orders=[(1, 1, "pen")],
    )
    write(
        tmp_path / "b.db",
        USERS + ORDERS,
        users=[(1, "bob", "B"), (2, "cyd", "CC"), (3, "eve", "E")],
        orders=[(1, 3, "pen")],
    )
    async with planned(tmp_path) as session:
        dry = await session.dry_run()
        users = next(t for t in dry.tables if t.counts.table == "users")
        assert (users.same, users.disagree, users.counts.new, users.lost) == (1, 1, 1, 0)
        assert users.counts.undecided == 1
        words = forecast_words(plan_of(session), dry)
        assert words == (
            "1 row of users is the same in both files, 1 disagrees, 2 ids change, 0 rows lost."
        )


async def test_files_of_equal_bytes_are_the_same_in_all_rows(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "c.db").write_bytes((tmp_path / "b.db").read_bytes())
    async with planned(tmp_path) as session:
        dry = await session.dry_run()
        users = next(t for t in dry.tables if t.counts.table == "users")
        # Ann in all three, Cyd in the two that are equal.
        assert (users.same, users.disagree) == (2, 0)


async def test_weak_references_are_asked_only_where_ids_change(tmp_path: Path) -> None:
    tasks = "CREATE TABLE tasks(id INTEGER PRIMARY KEY, assignee INTEGER, t TEXT);"
    people = [(n, f"a{n}", None) for n in range(1, 4)]
    write(tmp_path / "a.db", USERS + tasks, users=people, tasks=[(1, 2, "x"), (2, 3, "y")])
    write(tmp_path / "b.db", USERS + tasks, users=people, tasks=[(1, 2, "z"), (2, 1, "y")])
    async with planned(tmp_path) as session:
        plan = plan_of(session)
        assert [p.columns for p in plan.proposals] == [("assignee",)]
        assert (await session.dry_run()).questions == ()
        candidate = plan.proposals[0].candidates[0]
        samples = await session.reference_samples(candidate)
        assert share(samples) == "4 of 4 values found"
        assert ("2", "a2") in samples[0].examples


async def test_drift_is_told_with_what_is_done(tmp_path: Path) -> None:
    write(tmp_path / "a.db", "CREATE TABLE t(k TEXT NOT NULL UNIQUE, n INT DEFAULT 3, z TEXT);",
          t=[("a", 1, "x")])  # fmt: skip
    write(tmp_path / "b.db", "CREATE TABLE t(k TEXT UNIQUE, more, z INTEGER);", t=[("b", 2, 1)])
    async with planned(tmp_path, PlanDocument(target="a.db")) as session:
        plan = plan_of(session)
        told = {(d.column, d.file): (d.what, d.done) for d in drift(plan, plan.tables[0])}
    assert told["n", "b.db"] == ("not there", "its rows get 3")
    assert told["more", "a.db"] == ("not there", "added; its rows get NULL")
    assert told["z", "b.db"] == ("INTEGER instead of TEXT", "stays TEXT")
    assert told["k", "b.db"] == ("may be NULL", "stays NOT NULL")


def look_alikes(folder: Path) -> None:
    """Ann under two spellings, and two people whom both files know as two."""
    write(
        folder / "a.db",
        USERS + ORDERS,
        users=[(1, "ann@ex.org", "Ann Lee"), (2, "bob@ex.org", "Bob Stone"), (3, "BOB@ex.org", "")],
        orders=[(1, 1, "pen"), (2, 2, "ink")],
    )
    write(
        folder / "b.db",
        USERS + ORDERS,
        users=[(1, "Ann@EX.org ", "Ann Lee"), (2, "bob@ex.org", "Bob Stone"), (3, "x@y", "Zoe")],
        orders=[(1, 1, "cup"), (2, 3, "jar")],
    )


async def test_look_alikes_are_offered_and_never_applied(tmp_path: Path) -> None:
    look_alikes(tmp_path)
    async with planned(tmp_path) as session:
        before = await session.dry_run()
        found = await session.suggestions()
        assert [s.evidence[0] for s in found.found] == ["email differs only in case and spaces"]
        assert (await session.dry_run()).tables == before.tables
        pair = found.found[0]
        assert {pair.first.source, pair.second.source} == {"a.db", "b.db"}
        users = next(t for t in before.tables if t.counts.table == "users")
        assert users.same == 1

        decision = same(pair.first, pair.second)
        await session.set_document(replace(session.document, decisions=(decision,)))
        await session.make_plan()
        users = next(t for t in (await session.dry_run()).tables if t.counts.table == "users")
        assert (users.same + users.disagree, users.lost) == (2, 0)
        assert (await session.suggestions()).found == ()

        text = plan_file.dumps(session.document)
        assert plan_file.loads(text).decisions == (decision,)
        which = replace(decision, keep="a.db")
        await session.set_document(replace(session.document, decisions=(which,)))
        await session.migrate()
        await session.verify()
    with closing(sqlite3.connect(tmp_path / plan_of(session).sources[0].path)) as connection:
        rows = connection.execute(
            "SELECT lower(trim(email)), what FROM orders JOIN users ON users.id = user_id "
            "ORDER BY what"
        ).fetchall()
        count = connection.execute("SELECT count(*) FROM users").fetchone()[0]
    assert rows == [
        ("ann@ex.org", "cup"), ("bob@ex.org", "ink"), ("x@y", "jar"), ("ann@ex.org", "pen"),
    ]  # fmt: skip
    assert count == 4


async def test_a_merge_tells_look_alikes_without_values(tmp_path: Path) -> None:
    look_alikes(tmp_path)
    drafted = await draft_plan(tmp_path, None, (), lambda _event: None)
    assert "# users: 1 pair of rows looks alike although no key matches it" in drafted
    told: list[Event] = []
    async with planned(tmp_path) as session:
        session.add_listener(told.append)
        await session.migrate()
        (message,) = [m for m in session.log.messages if "alike" in m.text]
        assert message in told
        assert (message.table, message.level) == ("users", Level.WARNING)
        assert "ann" not in str(told).lower()
        kept = session.need_run().path / FILE
        assert str(kept) in message.text
        assert kept.stat().st_mode & 0o777 == 0o600
        report = await session.write_report()
        assert message.text.partition(":")[0] in report.read_text()

        lines = kept.read_text().partition("[[decisions]]")[2].replace("\n# ", "\n")
        await session.set_document(plan_file.loads(f"[[decisions]]{lines}"))
        await session.make_plan()
        await session.migrate()
        assert not [m for m in session.log.messages if "alike" in m.text]
        assert not kept.exists()


async def test_a_big_merge_says_that_it_does_not_look_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consolidator_tui.services.plan_document.look_alikes.MOST_IN_ALL", 9)
    look_alikes(tmp_path)
    told: list[Event] = []
    async with planned(tmp_path) as session:
        session.add_listener(told.append)
        await session.migrate()
        assert not (session.need_run().path / FILE).exists()
    said = [e.text for e in told if isinstance(e, Message) and "ook-alikes" in e.text]
    assert [text.partition(":")[0] for text in said] == [
        "Look-alikes were not looked for while 10 rows were merged"
    ]


async def test_a_pair_that_was_turned_down_is_remembered(tmp_path: Path) -> None:
    look_alikes(tmp_path)
    async with planned(tmp_path) as session:
        pair = (await session.suggestions()).found[0]
        # Whichever row is named first.
        word = not_same(pair.second, pair.first)
        await session.set_document(replace(session.document, not_same=(word,)))
        name = session.run.name if session.run else ""
    async with Session.open(tmp_path) as session:
        await session.resume(name)
        await session.make_plan()
        assert (await session.suggestions()).found == ()


async def test_rows_without_a_key_are_named_by_their_content(tmp_path: Path) -> None:
    plain = "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, town TEXT);"
    write(tmp_path / "a.db", plain, people=[(1, "Ann Lee", "Rome"), (2, "Bob", "Oslo")])
    write(tmp_path / "b.db", plain, people=[(1, "Zoe", "Kyiv"), (2, "ann lee", "Roma")])
    async with planned(tmp_path) as session:
        (pair,) = (await session.suggestions()).found
        assert pair.evidence == ("name differs only in case",)
        decision = same(pair.first, pair.second)
        await session.set_document(replace(session.document, decisions=(decision,)))
        await session.make_plan()
        table = (await session.dry_run()).tables[0]
        assert table.counts.new == 1, "only Zoe is new"


async def test_search_finds_rows_of_all_files(tmp_path: Path) -> None:
    look_alikes(tmp_path)
    async with planned(tmp_path) as session:
        rows = await session.search_rows("users", "ANN")
        assert [row.values["email"] for row in rows] == ["ann@ex.org", "Ann@EX.org "]
        assert rows[0].naming == {"email": "ann@ex.org"}
        assert len(await session.search_rows("users", "", limit=2)) == 4
        assert await session.search_rows("users", "%'; --") == ()
        with pytest.raises(KeyError):
            await session.search_rows("nothing", "")


async def test_blocks_that_say_nothing_are_cut_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block, "MOST_PAIRS", 3)
    crowd = block.BLOCK
    write(tmp_path / "a.db", USERS,
          users=[(n, f"a{n}@x", "John Smith") for n in range(1, crowd + 1)])  # fmt: skip
    write(
        tmp_path / "b.db",
        USERS,
        users=[
            *((n, f"b{n}@y", "john smith") for n in range(1, crowd + 1)),
            *((crowd + n, f"A{n}@X", "Other") for n in range(1, 9)),
        ],
    )
    async with planned(tmp_path) as session:
        found = await session.suggestions()
    assert any("share were not looked into" in sentence for sentence in found.cut)
    assert any("only the first 3 pairs" in sentence for sentence in found.cut)
    assert found.compared == 3


async def test_the_file_of_questions_decides_nothing_by_itself(tmp_path: Path) -> None:
    write(tmp_path / "a.db", USERS, users=[(1, "ann", "A"), (2, "bob", "B")])
    write(tmp_path / "b.db", USERS, users=[(1, "ann", "AA"), (2, "bob", "BB")])
    async with planned(tmp_path) as session:
        result = await session.migrate()
        assert result.needs_decisions
        assert session.run is not None
        text = (session.run.path / "questions.toml").read_text()
    assert plan_file.loads(text) == PlanDocument(
        target="a.db", base="a.db", sources=("a.db", "b.db")
    )
    assert '# "a.db": name = "A"\n# "b.db": name = "AA"\nkeep = ""' in text
    assert text.count('keep = ""') == 2
    chosen = plan_file.loads(text.replace('keep = ""', 'keep = "b.db"'))
    assert [d.keep for d in chosen.decisions] == ["b.db", "b.db"]
    rule = plan_file.loads(text.replace("# [tables", "[tables").replace("# on_con", "on_con"))
    assert [str(r) for r in rule.tables["users"].on_conflict or ()] == ["base"]
