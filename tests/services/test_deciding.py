"""Deciding conflicts: by one, by many, undone, resumed, exported, and done again from the plan."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consolidator_tui.domain.conflict import (
    Alike,
    Choice,
    ConflictKind,
    Decided,
    Range,
    TableRules,
)
from consolidator_tui.domain.decided import entity_of, key_of
from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.outcome import Result
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.session import Session
from tests.services.deciding_project import (
    ALL,
    HOSTILE,
    dump,
    merged,
    number_of,
    project,
    run,
    stand,
    write,
)


async def test_groups_are_listed_with_how_they_stand(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        page = await session.conflict_page(ALL)
        assert stand(page) == (3, 1, 0)
        assert [g.entity["email"] for g in page.groups] == ["ann@x", "bob@x", HOSTILE, "eve@x"]
        assert page.groups[0].differs == ("name", "phone")
        assert (page.groups[3].decided_by, page.groups[3].winner) == ("newest", "b.db")
        found = await session.conflict_page(replace(ALL, text="[RED]X'\""))
        assert [g.number for g in found.groups] == [page.groups[2].number]
        detail = await session.conflict_group(page.groups[2].number)
        assert [v.values["name"] for v in detail.versions] == ["1", 1]
        assert detail.unique[0].columns == ("email",)
        assert await session.conflict_follows(detail) == ({"orders": 1}, {"orders": 1})
        assert await session.next_open(ALL, page.groups[2].number) == (page.groups[0].number, 0)
        back = await session.next_open(ALL, page.groups[0].number, forward=False)
        assert back == (page.groups[2].number, 2)
        assert await session.value_taken("people", ("email",), ("bob@x",))
        assert not await session.value_taken("people", ("email",), ("new@x",))


async def test_steps_are_counted_undone_and_survive_a_new_merge(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        ann = await number_of(session, "ann@x")
        bob = await number_of(session, "bob@x")
        made = await session.decide_groups(ann, Choice("b.db", {}, {"name": "a.db"}), "ann")
        assert (made.count, made.left) == (1, 0)
        assert (await session.conflicts_alike(bob)).open == 1
        made = await session.decide_groups(Alike(bob), Choice("a.db"), "alike")
        assert made.count == 2
        assert stand(await session.conflict_page(ALL)) == (0, 1, 3)
        undone = await session.undo_decision()
        assert undone is not None
        assert (undone[0].count, undone[0].label, undone[1]) == (2, "alike", bob)
        assert stand(await session.conflict_page(ALL)) == (2, 1, 1)
        await session.redo_decision()
        result = await session.migrate()
        assert not result.needs_decisions
        page = await session.conflict_page(ALL)
        assert stand(page) == (0, 1, 3)
        assert page.groups[0].edited
        # Undoing a step of an earlier merge, and taking one back, gives the rules their turn.
        await session.undo_decision()
        assert stand(await session.conflict_page(ALL)) == (2, 1, 1)
        eve = await number_of(session, "eve@x")
        await session.decide_groups(eve, Choice("a.db"))
        await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (2, 0, 2)
        await session.decide_groups(eve, Choice(""))
        page = await session.conflict_page(ALL)
        assert (page.groups[3].decided_by, page.groups[3].winner) == ("newest", "b.db")


async def test_a_range_leaves_what_it_cannot_decide(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        whole = Range(ALL, 0, 10)
        made = await session.decide_groups(whole, Choice("both"))
        assert (made.count, made.left) == (0, 4)
        made = await session.decide_groups(Range(ALL, 1, 2), Choice("b.db"))
        assert made.count == 2
        made = await session.decide_groups(whole, Choice(""))
        assert (made.count, made.left) == (2, 2)
        assert stand(await session.conflict_page(ALL)) == (3, 1, 0)


async def test_rules_are_previewed_as_they_then_decide(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        await session.decide_groups(await number_of(session, "bob@x"), Choice("a.db"))
        rules, columns, times = await session.table_rules("people")
        assert (rules.newest, times) == ("updated_at", ("updated_at",))
        assert "id" not in columns
        for tried in (
            TableRules((Rule.MOST_COMPLETE,), None, False),
            TableRules((Rule.NEWEST, Rule.LAST), "updated_at", True),
            TableRules((Rule.STOP,), None, False),
        ):
            seen = await session.preview_rules("people", tried)
            assert stand(await session.conflict_page(ALL))[2] == 1
            await session.set_rules("people", tried)
            result = await session.migrate()
            page = await session.conflict_page(ALL)
            assert (page.by_rule, page.open, page.by_hand) == (seen.decides, seen.leaves, 1)
            assert bool(result.needs_decisions) == bool(seen.leaves)


async def look_at_apart(session: Session) -> None:
    """What was kept apart is listed after the merge, and can be taken back and undone."""
    query = replace(ALL, decided=Decided.APART)
    page = await session.conflict_page(query)
    assert [(g.entity["email"], g.keep) for g in page.groups] == [
        ("bob@x", "both"),
        ("same@x", "both"),
    ]
    bob = page.groups[0].number
    detail = await session.conflict_group(bob)
    assert detail.values == {"email": "bob2@x"}
    assert [version.given for version in detail.versions] == [{}, {"email": "bob2@x"}]
    await session.decide_groups(bob, Choice(""), "back")
    assert [g.keep for g in (await session.conflict_page(query)).groups] == ["", "both"]
    undone = await session.undo_decision()
    assert undone is not None
    assert undone[1] == bob
    assert (await session.conflict_group(bob)).group.keep == "both"


async def test_the_exported_plan_gives_the_same_database(tmp_path: Path) -> None:
    here, there = project(tmp_path / "here"), project(tmp_path / "there")
    async with merged(here) as session:
        await session.decide_groups(
            await number_of(session, "ann@x"), Choice("b.db", {"phone": HOSTILE}, {"name": "a.db"})
        )
        await session.decide_groups(await number_of(session, HOSTILE), Choice("b.db"))
        await session.decide_groups(
            await number_of(session, "bob@x"), Choice("both", {"email": "bob2@x"})
        )
        pairs = await session.conflict_page(replace(ALL, decided=Decided.DUPLICATES))
        assert {g.kind for g in pairs.groups} == {ConflictKind.DUPLICATE}
        same = next(g for g in pairs.groups if g.table == "people")
        assert (same.entity, same.number) == ({"email": "same@x"}, -1)
        await session.decide_groups(same.number, Choice("both", {"email": "other@x"}))
        assert not (await session.migrate()).needs_decisions
        await look_at_apart(session)
        await session.migrate()
        text = await session.plan_text()
        await session.verify()
    outcome = await run(there, text)
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    assert dump(here / "app.db") == dump(there / "app.db")
    with closing(sqlite3.connect(here / "app.db")) as connection:
        orders = dict(connection.execute(
            "SELECT what, email FROM orders JOIN people ON people.id = person_id"
        ))  # fmt: skip
    assert orders["b.db bob@x"] == "bob2@x"
    assert orders["a.db bob@x"] == "bob@x"
    assert orders["b.db same@x"] == "other@x"
    # The same plan once more asks nothing and changes nothing.
    before = dump(there / "app.db")
    settled = text.replace("sources = [", 'sources = ["app.db", ')
    again = await run(there, settled.replace('base = "a.db"', 'base = "app.db"'))
    assert again.result is Result.CONSOLIDATED, again.messages
    assert dump(there / "app.db") == before


@pytest.mark.parametrize("rule", ["newest", "base"])
async def test_keep_both_over_three_files(tmp_path: Path, rule: str) -> None:
    folder = project(tmp_path / "p", "a.db", "b.db", "c.db")
    text = (
        'sources = ["a.db", "b.db", "c.db"]\ntarget = "app.db"\n'
        f'on_conflict = ["{rule}"]\n'
        '[[decisions]]\ntable = "people"\nentity = { email = "ann@x" }\nkeep = "both"\n'
        'values = { email = "ann2@x" }\n'
    )
    outcome = await run(folder, text)
    if rule == "newest":
        # The other two files' rows are one entity now, and disagree: that is asked, by its name.
        assert outcome.result is Result.NEEDS_DECISIONS
        assert any("ann2@x" in path.read_text() for path in folder.rglob("questions.toml"))
        more = '[[decisions]]\ntable = "people"\nentity = { email = "ann2@x" }\nkeep = "c.db"\n'
        for email in ("bob@x", HOSTILE):
            key = email.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            more += f'[[decisions]]\ntable = "people"\nentity = {{ email = "{key}" }}\n'
            more += 'keep = "a.db"\n'
        outcome = await run(folder, text + more)
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        names = dict(connection.execute("SELECT email, name FROM people WHERE email LIKE 'ann%'"))
        orders = dict(connection.execute(
            "SELECT what, email FROM orders JOIN people ON people.id = person_id"
        ))  # fmt: skip
    assert names == {"ann@x": "Ann 0", "ann2@x": "Ann 2" if rule == "newest" else "Ann 1"}
    assert (orders["a.db ann@x"], orders["c.db ann@x"]) == ("ann@x", "ann2@x")


async def test_a_killed_process_loses_no_decision(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.services.deciding_project import ALL, merged, number_of\n"
        "from consolidator_tui.domain.conflict import Choice\n"
        "async def main():\n"
        "    async with merged(Path(sys.argv[1])) as session:\n"
        "        await session.decide_groups(await number_of(session, 'ann@x'), Choice('b.db'))\n"
        "        await session.decide_groups(await number_of(session, 'bob@x'), Choice('a.db'))\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    import sys

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(folder))
    assert await process.wait() == -9
    async with Session.open(folder) as session:
        found = await session.unfinished()
        assert found is not None
        assert (found.decided, found.total) == (2, 3)
        await session.resume(found.name)
        await session.migrate()
        page = await session.conflict_page(ALL)
        assert stand(page) == (1, 1, 2)
        assert [g.keep for g in page.groups[:2]] == ["b.db", "a.db"]
        await session.undo_decision()
        assert stand(await session.conflict_page(ALL)) == (2, 1, 1)


async def test_questions_that_come_at_once_open_the_conflicts_once(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        pages = await asyncio.gather(*(session.conflict_page(ALL) for _ in range(8)))
        assert all(page == pages[0] for page in pages)


def test_a_key_names_its_entity() -> None:
    entity: dict[str, Value] = {"B": 0.1, "a": b"\0\xff", "c": None, "d": "caf\udce9", "e": 2**60}
    assert entity_of(*key_of(entity)) == entity
    assert key_of({"x": 1, "Y": 2}) == key_of({"Y": 2, "x": 1})


async def test_rules_are_a_step_that_is_undone_and_done_again(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        before = session.document
        await session.decide_groups(await number_of(session, "bob@x"), Choice("a.db"), "bob")
        await session.set_rules("people", TableRules((Rule.BASE,), None, True))
        await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (0, 3, 1)
        undone = await session.undo_decision()
        assert undone is not None
        assert (undone[0].rules, undone[0].label) == (True, "people: rules base")
        await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (2, 1, 1)
        assert session.document.tables["people"].on_conflict is None
        undone = await session.undo_decision()
        assert undone is not None
        assert (undone[0].rules, undone[0].label) == (False, "bob")
        await session.redo_decision()
        await session.redo_decision()
        await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (0, 3, 1)
        assert session.document.tables["people"].fill_nulls
        # A decision after an undo is the end of what could be done again.
        await session.undo_decision()
        await session.migrate()
        await session.decide_groups(await number_of(session, "ann@x"), Choice("a.db"))
        assert await session.redo_decision() is None
        assert replace(session.document, tables={}) == replace(before, tables={})


async def test_after_a_failed_merge_the_decision_can_be_taken_back(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        numbers = [await number_of(session, email) for email in ("ann@x", "bob@x", HOSTILE)]
        await session.decide_groups(numbers[0], Choice("b.db", {"email": None}))
        for number in numbers[1:]:
            await session.decide_groups(number, Choice("b.db"))
        with pytest.raises(ConsolidatorError, match=r"people\.email"):
            await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (0, 1, 3)
        assert (await session.conflict_group(numbers[0])).values == {"email": None}
        await session.decide_groups(numbers[0], Choice("b.db"))
        assert not (await session.migrate()).needs_decisions
        assert not list((tmp_path / "p").rglob("*.before"))


async def test_equal_numbers_of_a_reference_say_whose_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for name, email in (("a.db", "ann@x"), ("b.db", "bob@x")):
        write(folder / name, 14, [(email, "N", None, None)])
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute(
                "CREATE TABLE notes(id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, "
                "owner INTEGER REFERENCES people, parent INTEGER REFERENCES notes)"
            )
            connection.execute("INSERT INTO notes VALUES (1, 'one', 15, NULL), (2, 'two', 99, 1)")
            connection.commit()
    async with merged(folder) as session:
        group = (await session.conflict_page(ALL)).groups[0]
        assert (group.table, group.entity, group.differs) == ("notes", {"slug": "one"}, ("owner",))
        detail = await session.conflict_group(group.number)
        assert [version.values["owner"] for version in detail.versions] == [15, 15]
        assert [version.owners for version in detail.versions] == [
            {"owner": ("ann@x",)},
            {"owner": ("bob@x",)},
        ]


CHAIN = """
CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, email TEXT UNIQUE);
CREATE TABLE orders(id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people(id), what TEXT);
"""


def chain_project(folder: Path, key: str) -> Path:
    """Three files with one person each, all of one e-mail; `key` says what their rows share."""
    folder.mkdir()
    for k, name in enumerate(("a.db", "b.db", "c.db")):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.executescript(CHAIN)
            connection.execute("INSERT INTO people VALUES (?, ?, 'x@x')", (k + 1, f"user{k}"))
            connection.execute("INSERT INTO people VALUES (9, 'all', 'all@x')")
            connection.execute("INSERT INTO orders VALUES (1, ?, ?)", (k + 1, name))
            connection.commit()
    plan = f'sources = ["a.db", "b.db", "c.db"]\ntarget = "app.db"\n[tables.people]\n{key}\n'
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    return folder


@pytest.mark.parametrize("key", ["name", "email"])
async def test_three_entities_with_one_unique_value_can_all_stay(tmp_path: Path, key: str) -> None:
    folder = chain_project(tmp_path / "p", f'identity = ["{key}"]')
    decided = "".join(
        f'[[decisions]]\ntable = "people"\nentity = {{ email = "{old}" }}\nkeep = "both"\n'
        f'values = {{ email = "{new}" }}\n'
        # Written in either order: the second speaks of what the first made.
        for old, new in (("y@x", "z@x"), ("x@x", "y@x"))
    )
    text = (folder / "plan.toml").read_text(encoding="utf-8") + decided
    outcome = await run(folder, text)
    assert outcome.result is Result.CONSOLIDATED, outcome.messages
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        people = connection.execute("SELECT name, email FROM people ORDER BY name").fetchall()
        orders = connection.execute(
            "SELECT what, name FROM orders JOIN people ON people.id = person_id ORDER BY what"
        ).fetchall()
    made = [("user0", "x@x"), ("user1", "y@x"), ("user2", "z@x")]
    assert people == [("all", "all@x"), *made]
    assert orders == [("a.db", "user0"), ("b.db", "user1"), ("c.db", "user2")]
    before = dump(folder / "app.db")
    settled = text.replace("sources = [", 'base = "app.db"\nsources = ["app.db", ')
    again = await run(folder, settled)
    assert again.result is Result.CONSOLIDATED, again.messages
    assert dump(folder / "app.db") == before


async def test_a_key_that_ends_in_nul_is_decided(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for k, name in enumerate(("a.db", "b.db")):
        write(folder / name, k * 9, [("nul\0", f"N {k}", None, None), ("two\0x", k, None, None)])
    async with merged(folder) as session:
        await session.decide_groups(await number_of(session, "nul\0"), Choice("b.db"))
        given = Choice("both", {"email": "two\0y"})
        await session.decide_groups(await number_of(session, "two\0x"), given)
        assert not (await session.migrate()).needs_decisions
        text = await session.plan_text()
        await session.verify()
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        found = connection.execute("SELECT email, name FROM people ORDER BY email").fetchall()
    assert found == [("nul\0", "N 1"), ("two\0x", 0), ("two\0y", 1)]
    there = tmp_path / "there"
    there.mkdir()
    for name in ("a.db", "b.db"):
        (there / name).write_bytes((folder / name).read_bytes())
    assert (await run(there, text)).result is Result.CONSOLIDATED
    assert dump(there / "app.db") == dump(folder / "app.db")
