"""Two names of one file go and come back together, and it is backed up once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import UsageError
from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.manifest import FileRecord
from consolidator_tui.domain.outcome import RunOptions
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services import cleanup
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.discover import discover
from consolidator_tui.services.rollback import sentences
from consolidator_tui.services.scan import draft_plan
from consolidator_tui.services.session import Session
from consolidator_tui.services.undoing import undo
from consolidator_tui.storage.run_folder import RunFolder
from tests.services.session_project import OWNERS, hashes, owners, write_shop

COPIES = ("backups/b-2026.db", "b-2026-01-02.db", "tests/data.db", "b.db.bak", "b copy.db")


def linked_shop(project: Path) -> dict[str, str]:
    """A source and an existing target with two names each."""
    write_shop(project, first="app.db")
    (project / "data").mkdir()
    (project / "data" / "alias.db").hardlink_to(project / "b.db")
    (project / "old.db").hardlink_to(project / "app.db")
    return hashes(project)


def same(project: Path, one: str, other: str) -> bool:
    return (project / one).samefile(project / other)


async def test_all_names_are_deleted_and_put_back(tmp_path: Path) -> None:
    before = linked_shop(tmp_path)
    options = RunOptions(
        target="app.db", sources=("app.db", "data/alias.db"), cleanup=True, yes=True
    )
    outcome = await consolidate(tmp_path, options, ignore)
    assert outcome.exit_status == 0, outcome.messages
    assert outcome.sources == ("app.db", "data/alias.db"), "as they were named"
    assert set(hashes(tmp_path)) == {"app.db", "old.db"}
    assert hashes(tmp_path)["old.db"] == before["app.db"], "what the target was has its other name"
    assert owners(tmp_path / "app.db") == OWNERS
    receipt = (tmp_path / outcome.report).read_text().replace("\\", "")
    assert "source, the same file as data/alias.db" in receipt
    assert "target, the same file as app.db, never deleted" in receipt
    assert "old.db is another name of app.db and stays." in receipt
    deleted = {m.file for m in outcome.messages if "deleted; roll back" in m.text}
    assert deleted == {"b.db", "data/alias.db"}
    backup = tmp_path / ".consolidator" / "runs" / outcome.run / "backup"
    assert {path.name for path in backup.rglob("*.db")} == {"app.db", "alias.db"}
    for _ in range(2):
        await undo(tmp_path, outcome.run, ignore)
        assert hashes(tmp_path) == before
        assert same(tmp_path, "b.db", "data/alias.db")
        assert same(tmp_path, "app.db", "old.db")


async def test_names_that_are_copies_stay_and_are_told(tmp_path: Path) -> None:
    """As `cp -al` leaves them: deleting them deletes a backup that nobody chose."""
    write_shop(tmp_path, first="app.db")
    for name in COPIES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).hardlink_to(tmp_path / "b.db")
    (tmp_path / "backups/app-2026-01-01.db").hardlink_to(tmp_path / "app.db")
    plan = await draft_plan(tmp_path, "app.db", (), ignore)
    assert plan.count("and stays.") == len(COPIES) + 1
    before = hashes(tmp_path)
    outcome = await consolidate(
        tmp_path, RunOptions(target="app.db", cleanup=True, yes=True), ignore
    )
    assert outcome.exit_status == 0, outcome.messages
    assert set(before) - set(hashes(tmp_path)) == {"b.db"}
    told = {m.file: m.text for m in outcome.messages if "and stays" in m.text}
    assert set(told) == {*COPIES, "backups/app-2026-01-01.db"}
    assert told["backups/b-2026.db"].endswith("in the folder backups, by its name a backup.")
    await undo(tmp_path, outcome.run, ignore)
    assert hashes(tmp_path) == before


async def test_links_to_what_is_deleted_stay_and_are_told(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    (tmp_path / "b.db").rename(tmp_path / "real.db")
    (tmp_path / "b.db").symlink_to("real.db")
    (tmp_path / "var").mkdir()
    (tmp_path / "var/current.db").symlink_to("../b.db")
    (tmp_path / "app-link.db").symlink_to("app.db")
    options = RunOptions(target="app.db", sources=("app.db", "b.db"), cleanup=True, yes=True)
    outcome = await consolidate(tmp_path, options, ignore)
    assert outcome.exit_status == 0, outcome.messages
    assert not (tmp_path / "real.db").exists()
    assert (tmp_path / "var/current.db").is_symlink()
    told = [m for m in outcome.messages if "a program that opens it afterwards" in m.text]
    assert [m.file for m in told] == ["b.db", "var/current.db"]
    assert "is a link to real.db and stays" in told[1].text
    assert "b.db is a link to real.db" in (tmp_path / outcome.report).read_text().replace("\\", "")


async def test_a_copy_nearer_to_the_root_does_not_hide_the_file(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    for folder in ("backups", "var/lib"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "backups/b.db").hardlink_to(tmp_path / "b.db")
    (tmp_path / "b.db").rename(tmp_path / "var/lib/b.db")
    found = await discover(tmp_path, ignore)
    assert {file.path for file in found.preselected} == {"app.db", "var/lib/b.db"}


async def test_the_plan_names_them_and_their_state_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = linked_shop(tmp_path)
    elsewhere = tmp_path.parent / "elsewhere.db"
    elsewhere.hardlink_to(tmp_path / "b.db")
    async with Session.open(tmp_path) as session:
        await session.discover()
        await session.select(Selection(target="app.db", sources=("app.db", "b.db")))
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        await session.migrate()
        await session.verify()
        gates = await session.gates()
        assert set(session.deletable) == {"b.db", "data/alias.db"}
        assert session.confirmation_phrase() == "delete 2 files"
        assert [g.reason for g in gates if g.open and g.name == "other names"] == [
            "old.db is another name of app.db and stays. It holds what that file was before the"
            " merge.",
            "b.db: the same file has 1 more name outside of what was looked at, and stays there.",
        ]
        with pytest.raises(UsageError):
            await session.clean_up("delete 1 file")
        # An application that goes on by one of the names leaves something there.
        (tmp_path / "data" / "alias.db-wal").write_bytes(b"rows")
        closed = [gate for gate in await session.gates() if not gate.open]
        assert [gate.file for gate in closed] == ["data/alias.db"]
        (tmp_path / "data" / "alias.db-wal").unlink()
        await session.clean_up("delete 2 files")
        assert set(hashes(tmp_path)) == {"app.db", "old.db"}
        # As on a system without hard links: two files with the same content.
        monkeypatch.setattr(os, "link", _refused)
        report = await session.roll_back()
        assert report.apart == ("data/alias.db", "old.db")
        assert sum("another name of one file (a hard link)" in s for s in sentences(report)) == 2
    assert hashes(tmp_path) == before
    assert not same(tmp_path, "b.db", "data/alias.db")
    elsewhere.unlink()


async def test_a_target_is_one_file_with_its_other_name_again(tmp_path: Path) -> None:
    before = linked_shop(tmp_path)
    outcome = await consolidate(tmp_path, RunOptions(target="app.db", yes=True), ignore)
    assert not same(tmp_path, "app.db", "old.db")
    for _ in range(2):
        await undo(tmp_path, outcome.run, ignore)
        assert (same(tmp_path, "app.db", "old.db"), hashes(tmp_path)) == (True, before)


@pytest.mark.parametrize("gone", ["b.db", "data/alias.db"])
async def test_only_one_name_was_deleted_before_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    before = linked_shop(tmp_path)
    options = RunOptions(target="app.db", cleanup=True, yes=True)

    delete = cleanup._delete_one

    async def only_one(run: RunFolder, record: FileRecord) -> None:
        if record.path == gone:
            await delete(run, record)

    monkeypatch.setattr(cleanup, "_delete_one", only_one)
    outcome = await consolidate(tmp_path, options, ignore)
    assert set(before) - set(hashes(tmp_path)) == {gone}
    await undo(tmp_path, outcome.run, ignore)
    assert hashes(tmp_path) == before
    assert same(tmp_path, "b.db", "data/alias.db")


def _refused(*_names: object) -> None:
    raise PermissionError(1, "Operation not permitted")


async def test_a_name_of_the_target_as_it_is_now_is_no_old_file(tmp_path: Path) -> None:
    """A run that finds everything in place leaves the target, and so its other name."""
    write_shop(tmp_path, first="app.db")
    options = RunOptions(target="app.db", yes=True)
    await consolidate(tmp_path, options, ignore)
    (tmp_path / "old.db").hardlink_to(tmp_path / "app.db")
    again = await consolidate(tmp_path, RunOptions(target="app.db", cleanup=True, yes=True), ignore)
    assert (again.exit_status, again.changed) == (0, False)
    assert set(hashes(tmp_path)) == {"app.db", "old.db"}
