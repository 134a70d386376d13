from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import (
    DiskFull,
    FileRefused,
    GateClosed,
    LockedError,
    Refused,
    UsageError,
)
from consolidator_tui.domain.event import Event, Step, StepFailed
from consolidator_tui.domain.plan import Decision
from consolidator_tui.domain.run import StepStatus
from consolidator_tui.domain.selection import Chosen, Selection
from consolidator_tui.services import merge
from consolidator_tui.services.session import Session

from .session_project import OWNERS, hashes, owners, write, write_shop


async def _to_migrate(session: Session, **selection: str) -> None:
    await session.discover()
    await session.select(Selection(**selection))  # type: ignore[arg-type]
    await session.inspect(checks=False)
    await session.back_up()
    await session.make_plan()
    await session.migrate()


async def test_the_steps_in_order_give_one_database(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        await _to_migrate(session, target="app.db")
        assert not (tmp_path / "app.db").exists()
        await session.verify()
        assert session.state.promoted
        report = await session.write_report()
        assert session.run is not None
        assert list(session.run.staging.iterdir()) == [] or session.state.promoted
    assert owners(tmp_path / "app.db") == OWNERS
    assert {name: before[name] for name in before} == {
        name: value for name, value in hashes(tmp_path).items() if name != "app.db"
    }
    assert "| users | 4 | 2 | 1 | 1 | 0 | 1 | 0 |" in report.read_text()
    assert not any("ann@x" in repr(event) for event in events)


async def test_steps_out_of_order_are_refused(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        with pytest.raises(GateClosed):
            await session.inspect()
        with pytest.raises(GateClosed):
            await session.back_up()
        with pytest.raises(GateClosed):
            await session.verify()
    assert not (tmp_path / ".consolidator").exists()


async def test_a_full_disk_leaves_no_half_made_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(
        _plan: object, _staging: Path, ledger: Path, *_more: object, **_rest: object
    ) -> None:
        for suffix in ("", "-wal"):
            ledger.with_name(ledger.name + suffix).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        with monkeypatch.context() as patched:
            patched.setattr(merge, "merge", full)
            with pytest.raises(DiskFull):
                await _to_migrate(session, target="app.db")
        assert not list(session.need_run().path.glob("ledger.db*"))
        assert not (await session.migrate()).needs_decisions


async def test_a_repeated_run_changes_no_byte(tmp_path: Path) -> None:
    write_shop(tmp_path)
    for number in range(2):
        before = hashes(tmp_path)
        async with Session.open(tmp_path) as session:
            await _to_migrate(session, target="app.db")
            await session.verify()
            assert session.unchanged == (number == 1)
    assert hashes(tmp_path) == before


async def test_an_unfinished_run_is_offered_and_taken_up(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        await _to_migrate(session, target="app.db")
        assert session.run is not None
        name = session.run.name
        await session.decide(Decision("users", {"email": "ann@x"}, "a.db"))
    async with Session.open(tmp_path) as session:
        found = await session.unfinished()
        assert found is not None
        assert (found.name, found.step, found.decided) == (name, Step.MIGRATE, 1)
        await session.resume(name)
        assert (await session.full_document()).decisions[0].entity == {"email": "ann@x"}
        assert session.state.steps[Step.BACKUP] is StepStatus.DONE
        await session.migrate()
        await session.verify()
    assert owners(tmp_path / "app.db") == OWNERS
    async with Session.open(tmp_path) as session:
        found = await session.unfinished()
        assert found is not None
        assert (found.name, found.step, found.promoted) == (name, Step.CONFIGURE, True)


async def test_starting_over_leaves_the_old_run_aside(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        await _to_migrate(session, target="app.db")
    async with Session.open(tmp_path) as session:
        await session.start_over()
        assert await session.unfinished() is None
        assert session.run is None


async def test_roll_back_and_begin_again_in_one_session(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    before = hashes(tmp_path)
    async with Session.open(tmp_path) as session:
        await _to_migrate(session, target="app.db")
        await session.verify()
        assert hashes(tmp_path) != before
        await session.roll_back()
        assert hashes(tmp_path) == before
        await session.start_over()
        await _to_migrate(session, target="app.db")
        await session.verify()
    assert owners(tmp_path / "app.db") == OWNERS


async def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as first, Session.open(tmp_path) as second:
        await first.discover()
        await first.select(Selection(target="app.db"))
        await first.inspect(checks=False)
        await first.back_up()
        await second.discover()
        await second.select(Selection(target="app.db"))
        await second.inspect(checks=False)
        with pytest.raises(LockedError):
            await second.back_up()


async def test_a_failure_is_told_and_the_state_says_so(tmp_path: Path) -> None:
    write_shop(tmp_path)
    events: list[Event] = []
    async with Session.open(tmp_path) as session:
        session.add_listener(events.append)
        await session.discover()
        await session.select(Selection(target="app.db"))
        await session.inspect(checks=False)
        (tmp_path / "b.db").unlink()
        with pytest.raises(FileRefused):
            await session.back_up()
        assert session.state.steps[Step.BACKUP] is StepStatus.FAILED
    assert any(isinstance(event, StepFailed) for event in events)
    assert not (tmp_path / "app.db").exists()


async def _choose(folder: Path, **selection: object) -> Chosen:
    async with Session.open(folder) as session:
        return await session.select(Selection(**selection))  # type: ignore[arg-type]


async def test_the_existing_target_is_the_base_and_a_source(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    chosen = await _choose(tmp_path, sources=("b.db",), target="./app.db")
    assert chosen.sources == ("app.db", "b.db")
    assert chosen.target == "app.db"
    assert chosen.target_exists


async def test_an_empty_target_counts_as_absent(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "app.db").touch()
    chosen = await _choose(tmp_path, target="app.db")
    assert chosen.sources == ("a.db", "b.db")
    assert not chosen.target_exists


async def test_the_target_that_the_application_uses_is_chosen(tmp_path: Path) -> None:
    write_shop(tmp_path)
    write(tmp_path / "c.db", [(i, f"u{i}@x", "", "") for i in range(9)], [])
    assert (await _choose(tmp_path)).target == "c.db"
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///./b.db\n")
    chosen = await _choose(tmp_path)
    assert chosen.target == "b.db"
    assert chosen.sources[0] == "b.db"


_FLASK = """
import os
class Config:
    SQLALCHEMY_DATABASE_URI = os.environ.get("SITE_URL") or "sqlite:///a.db"
    SQLALCHEMY_BINDS = {"log": "sqlite:///c.db"}
"""
_DJANGO = """
from pathlib import Path
BASE = Path(__file__).resolve().parent
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "b.db"},
    "log": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "c.db"},
}
"""


@pytest.mark.parametrize(
    ("texts", "target", "place"),
    [
        ({"config.py": _FLASK}, "a.db", "config.py:4"),
        ({"config.py": _FLASK, ".env": "SITE_URL=sqlite:///b.db"}, "b.db", ".env:1"),
        ({"config.py": _FLASK, ".env.example": "SITE_URL=sqlite:///b.db"}, "a.db", "config.py:4"),
        ({"settings.py": _DJANGO}, "b.db", "settings.py:5"),
        ({"tests/settings.py": _DJANGO.replace("parent", "parent.parent")}, "c.db", ""),
    ],
)
async def test_what_the_settings_name_comes_before_what_is_used_most(
    tmp_path: Path, texts: dict[str, str], target: str, place: str
) -> None:
    write_shop(tmp_path)
    write(tmp_path / "c.db", [(i, f"u{i}@x", "", "") for i in range(9)], [])
    script = "import sqlite3\n" + "sqlite3.connect('c.db')\n" * 3
    for name, text in {"old.py": script, **texts}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    chosen = await _choose(tmp_path)
    assert chosen.target == chosen.base == target
    named = f"the application's settings name it ({place})"
    assert chosen.reason == (named if place else "3 references of the application lead to it")
    assert (await _choose(tmp_path, target="a.db")).target == "a.db"


async def test_a_named_base_comes_first(tmp_path: Path) -> None:
    write_shop(tmp_path)
    assert (await _choose(tmp_path, target="new.db", base="b.db")).sources == ("b.db", "a.db")
    with pytest.raises(UsageError):
        await _choose(tmp_path, target="a.db", base="b.db")
    with pytest.raises(UsageError):
        await _choose(tmp_path, target="new.db", base="x.db")


async def test_one_file_under_two_names_takes_part_once(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "link.db").hardlink_to(tmp_path / "a.db")
    (tmp_path / "soft.db").symlink_to("a.db")
    chosen = await _choose(tmp_path, sources=("a.db", "link.db", "soft.db", "b.db"), target="n.db")
    assert len(chosen.sources) == 2


@pytest.mark.parametrize(
    "target",
    [
        "no/folder.db",
        "../out.db",
        "/etc/app.db",
        "folder",
        "link/app.db",
        "text.db",
        "a.db-WAL",
        "new.db-journal",
        "a.db-shm",
    ],
)
async def test_a_target_that_cannot_be_is_refused(tmp_path: Path, target: str) -> None:
    project = tmp_path / "project"
    write_shop(project)
    (project / "folder").mkdir()
    (project / "link").symlink_to(tmp_path)
    (project / "text.db").write_text("no database, only text\n" * 20)
    with pytest.raises(Refused):
        await _choose(project, target=target)
    assert not (project / ".consolidator").exists()


async def test_named_sources_must_be_usable_and_others_are_told(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0" + bytes(4000))
    (tmp_path / "zero.db").touch()
    for name in ("bad.db", "zero.db", "gone.db"):
        with pytest.raises(FileRefused, match=name):
            await _choose(tmp_path, sources=("a.db", name), target="app.db")
    chosen = await _choose(tmp_path, target="app.db")
    assert set(chosen.skipped) == {"bad.db", "zero.db"}
    assert set(chosen.warned) == {"bad.db"}


async def test_nothing_to_consolidate_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no SQLite databases"):
        await _choose(tmp_path)
    (tmp_path / "tests").mkdir()
    write_shop(tmp_path / "tests")
    with pytest.raises(Refused, match=r"tests/a\.db"):
        await _choose(tmp_path)


async def test_a_project_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        async with Session.open(tmp_path / "no"):
            pass


async def test_rows_in_the_log_only_are_previewed(tmp_path: Path) -> None:
    write_shop(tmp_path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO users VALUES (9, 'zoe@x', NULL, '')")
        connection.commit()
        async with Session.open(tmp_path) as session:
            await session.select(Selection(target="app.db"))
            shown = await session.preview("a.db", "USERS", 10)
    assert [cell.text for cell in shown.rows[-1]] == ["9", "zoe@x", "NULL", "''"]


async def test_a_file_is_no_project_but_its_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "app.db").touch()
    with pytest.raises(UsageError, match="is a file") as caught:
        async with Session.open(tmp_path / "app.db"):
            pass
    assert f"for example `{tmp_path}`." in caught.value.todo
