"""The plan as text and as a file: exported, imported, edited with the decisions made by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consolidator_tui.domain.conflict import Choice
from consolidator_tui.domain.errors import FileRefused, PlanError, UsageError
from consolidator_tui.services.plan_document import entries as plan_entries
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.session import Session, plan_exchange
from tests.services.deciding_project import ALL, HOSTILE, merged, number_of, project, stand


async def decide(session: Session, **kept: str) -> None:
    """Keep those files' rows of ann@x and bob@x."""
    for name, source in kept.items():
        await session.decide_groups(await number_of(session, f"{name}@x"), Choice(source), name)


async def test_a_plan_goes_from_one_project_to_another(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "here")) as session:
        await decide(session, ann="b.db", bob="a.db")
        path = await session.export_plan("../shared.toml")
        assert path is not None
        assert path.stat().st_mode & 0o777 == 0o600
        assert await session.export_plan("../shared.toml") is None
        await decide(session, ann="a.db")
        assert await session.export_plan("../shared.toml", replace_=True) == path
        assert await session.export_plan("..") == tmp_path / "here" / ".." / "plan.toml"
    async with merged(project(tmp_path / "there", "a.db", "b.db", "c.db")) as session:
        await decide(session, ann="b.db")
        assert await session.import_plan("../shared.toml") == (2, False)
        await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (1, 1, 2)
        ann = await session.conflict_group(await number_of(session, "ann@x"))
        assert ann.group.keep == "a.db"
        undone = await session.undo_decision()
        assert undone is not None
        assert (undone[0].count, undone[0].label) == (2, "import of shared.toml")
        ann = await session.conflict_group(await number_of(session, "ann@x"))
        assert ann.group.keep == "b.db"


async def test_what_cannot_be_written_or_read_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    before = (folder / "a.db").read_bytes()
    async with merged(folder) as session:
        with pytest.raises(UsageError, match=r"does not end in \.toml"):
            await session.export_plan("a.db", replace_=True)
        with pytest.raises(UsageError, match="no folder"):
            await session.export_plan("nowhere/plan.toml")
        for somebody in (session.export_plan, session.import_plan):
            with pytest.raises(UsageError, match="no home folder"):
                await somebody("~nobody-of-that-name/plan.toml")
        with pytest.raises(FileRefused):
            await session.import_plan("nowhere.toml")
        os.mkfifo(folder / "pipe.toml")
        with pytest.raises(FileRefused, match="not a regular file"):
            await session.import_plan("pipe.toml")
        with pytest.raises(PlanError, match="no text"):
            await session.import_plan("a.db")
        (folder / "bad.toml").write_text("[tables.nothing]\nnewest = 'x'\n", encoding="utf-8")
        with pytest.raises(PlanError, match="nothing"):
            await session.import_plan("bad.toml")
        (folder / "other.toml").write_text('sources = ["b.db", "z.db"]\n', encoding="utf-8")
        assert await session.import_plan("other.toml") == (0, True)
        assert session.document.sources == ("a.db", "b.db")
    assert (folder / "a.db").read_bytes() == before


async def test_decisions_are_edited_with_the_plan_as_one_step(tmp_path: Path) -> None:
    async with merged(project(tmp_path / "p")) as session:
        await decide(session, ann="b.db", bob="a.db")
        text, left_out = await session.plan_to_edit()
        assert left_out == 0
        parts = text.split("[[decisions]]")
        assert len(parts) == 3
        key = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        new = f'\ntable = "People"\nentity = {{ EMAIL = "{key}" }}\nkeep = "b.db"\n'
        # ann is changed, bob is gone, another is new.
        edited = "[[decisions]]".join([parts[0], parts[1].replace("b.db", "a.db"), new])
        await session.take_edited(plan_file.loads(edited), edited, whole=True)
        await session.make_plan()
        await session.migrate()
        kept = [g.keep for g in (await session.conflict_page(ALL)).groups]
        assert kept == ["a.db", "", "b.db", ""]
        undone = await session.undo_decision()
        assert undone is not None
        assert (undone[0].count, undone[0].label) == (3, "plan edited as text")
        kept = [g.keep for g in (await session.conflict_page(ALL)).groups]
        assert kept == ["b.db", "a.db", "", ""]


async def test_a_large_plan_is_read_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_entries, "LARGE", 0)
    folder = project(tmp_path / "p")
    async with merged(folder) as session:
        row = '[[decisions]]\ntable = "People"\nentity = {{ EMAIL = "{}@x" }}\nkeep = "b.db"\n'
        (folder / "bad.toml").write_text(
            row.format("ann") + row.replace("EMAIL", "mail").format("bob")
        )
        with pytest.raises(PlanError, match=r"bad\.toml, line 7: there is no column `mail`"):
            await session.import_plan("bad.toml")
        (folder / "good.toml").write_text(row.format("ann") + row.format("bob"))
        assert await session.import_plan("good.toml") == (2, False)
        await session.migrate()
        assert stand(await session.conflict_page(ALL)) == (1, 1, 2)


async def test_decisions_that_are_too_many_to_edit_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_exchange, "EDITABLE", 1)
    async with merged(project(tmp_path / "p")) as session:
        await decide(session, ann="b.db", bob="a.db")
        text, left_out = await session.plan_to_edit()
        assert left_out == 2
        assert "[[decisions]]" not in text
        await session.take_edited(plan_file.loads(text), text, whole=False)
        assert await session.decisions() == 2
