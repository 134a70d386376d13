"""Clean up waits for the application, unless the person knows better."""

from __future__ import annotations

from pathlib import Path

import pytest

from consolidator_tui.domain.errors import GateClosed
from consolidator_tui.domain.event import Event, Level, PhaseTimed
from consolidator_tui.domain.outcome import RunOptions
from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.consolidate import consolidate
from consolidator_tui.services.session import Session
from tests.services.session_project import write_shop

HARMLESS = {
    "README.md": "The data is in `b.db`.\n",
    ".gitignore": "b.db\n",
    "tests/test_a.py": "import sqlite3\n\ndef test_a():\n    sqlite3.connect('b.db')\n",
    ".github/workflows/ci.yml": "env:\n  DATABASE_URL: sqlite:///b.db\n",
    "names.py": "KNOWN = {'b.db': 'old'}\n",
    "config.yaml": "database_path: app.db\n",
}


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


async def test_what_is_left_alone_is_listed_and_may_be_overruled(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    write(tmp_path, HARMLESS)
    write(tmp_path, {"job.py": "import sqlite3\nsqlite3.connect('b.db')\n",
                     "job.sh": "sqlite3 b.db .dump\n"})  # fmt: skip
    async with Session.open(tmp_path) as session:
        await session.discover()
        await session.select(Selection(target="app.db"))
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        await session.migrate()
        await session.verify()
        await session.propose_configuration()
        await session.configure([])
        closed = [gate for gate in await session.gates() if not gate.open]
        assert [gate.file for gate in closed] == ["b.db", "b.db"]
        assert closed[0].reason.startswith("job.py:2 still names it")
        assert closed[1].reason.startswith("job.sh:1 still names it")
        assert all(gate.waivable for gate in closed)
        assert session.confirmation_phrase() == "delete 1 file anyway"
        with pytest.raises(GateClosed, match=r"job\.py:2 names b\.db"):
            await session.clean_up("delete 1 file")
        assert (tmp_path / "b.db").exists()
        # Corrected by hand in the meantime: the last look counts.
        (tmp_path / "job.py").write_text("")
        (tmp_path / "job.sh").write_text("")
        after = await session.gates()
        assert all(gate.open for gate in after)
        assert session.confirmation_phrase() == "delete 1 file"
        # And spoilt again behind the last look.
        (tmp_path / "names.py").write_text("import sqlite3\nsqlite3.connect('b.db')\n")
        with pytest.raises(GateClosed, match=r"names\.py:2"):
            await session.clean_up("delete 1 file")
        await session.clean_up("delete 1 file anyway")
    assert not (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    ("opened", "ignore", "configure", "status"),
    [
        ("'b.db'", False, False, 4),
        ("'b.db'", True, False, 0),
        ("'b.db'", False, True, 0),
        ("glob.glob('*.db')[0]", False, False, 4),
        ("next(Path().glob('*.db'))", False, False, 4),
    ],
)
async def test_on_the_command_line(
    tmp_path: Path, *, opened: str, ignore: bool, configure: bool, status: int
) -> None:
    write_shop(tmp_path, first="app.db")
    write(tmp_path, HARMLESS)
    imports = "import glob, sqlite3; from pathlib import Path"
    write(tmp_path, {"job.py": f"{imports}\nsqlite3.connect({opened})\n"})
    options = RunOptions(
        target="app.db",
        cleanup=True,
        ignore_references=ignore,
        configure=configure,
        introduce_key="SHOP_DB" if configure else None,
        yes=True,
    )
    events: list[Event] = []
    outcome = await consolidate(tmp_path, options, events.append)
    assert outcome.exit_status == status, outcome.messages
    searches = [e for e in events if isinstance(e, PhaseTimed) and e.phase == "references"]
    assert len(searches) == 1 + configure, "once for the edits, once for what is left"
    assert (tmp_path / "b.db").exists() == (status == 4)
    assert ("os.environ.get('SHOP_DB', " in (tmp_path / "job.py").read_text()) == configure
    if status == 4:
        *_, place, closed = outcome.messages
        assert (place.file, place.line, place.level) == ("job.py", 2, Level.WARNING)
        assert "b.db: “" in place.text
        assert closed.text.endswith("would be deleted, in 1 place.")
        assert "--ignore-references" in closed.fix
    assert outcome.as_object()["still_named"] == (status == 4 or ignore)
    assert (tmp_path / outcome.report).is_file(), "the target is in place, so there is a receipt"
    assert outcome.edited == (("job.py", "tests/test_a.py") if configure else ())
    assert outcome.changed
    if status == 4:
        again = await consolidate(tmp_path, options, lambda _event: None)
        assert (again.exit_status, again.changed) == (4, False)
        assert (tmp_path / again.report).is_file()


async def test_a_file_is_named_by_its_other_names_too(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    write_shop(project, first="app.db")
    (tmp_path / "link").symlink_to(project)
    (project / "alias.db").hardlink_to(project / "b.db")
    (project / "soft.db").symlink_to("b.db")
    names = [str(project / "b.db"), "alias.db", "soft.db"]
    calls = "".join(f"sqlite3.connect({name!r})\n" for name in names)
    write(project, {"job.py": f"import sqlite3\n{calls}"})
    options = RunOptions(target="app.db", sources=("app.db", "b.db"), cleanup=True, yes=True)
    outcome = await consolidate(tmp_path / "link", options, lambda _event: None)
    assert outcome.exit_status == 4
    told = [(m.line, m.text.split("“")[0]) for m in outcome.messages if m.file == "job.py"]
    assert told == [(2, "It still names b.db: "), (3, "It still names alias.db: "),
                    (4, "It still names soft.db: ")]  # fmt: skip


async def test_many_places_are_told_one_by_one_and_counted(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    write(tmp_path, {"job.py": "import sqlite3\n" + "sqlite3.connect('b.db')\n" * 60})
    options = RunOptions(target="app.db", cleanup=True, yes=True)
    outcome = await consolidate(tmp_path, options, lambda _event: None)
    closing = outcome.as_object()
    lines = [message["line"] for message in closing["messages"] if message["file"] == "job.py"]
    assert lines == list(range(2, 52))
    assert closing["messages"][-2]["text"].startswith("10 more places name")
    assert closing["still_named"] == 60


async def test_one_line_that_finds_two_files_is_one_place(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/c.db").write_bytes((tmp_path / "b.db").read_bytes())
    (tmp_path / "b.db").rename(tmp_path / "data/b.db")
    write(tmp_path, {"job.py": "import sqlite3, sys\nsqlite3.connect(f'data/{sys.argv[1]}.db')\n"})
    options = RunOptions(target="app.db", cleanup=True, yes=True)
    outcome = await consolidate(tmp_path, options, lambda _event: None)
    assert (outcome.exit_status, outcome.still_named) == (4, 1)
    told = [m.text for m in outcome.messages if m.file == "job.py"]
    assert len(told) == 2
    assert told[0].startswith("It may still name data/b.db: “f'data/{sys.argv[1]}.db'” has a part")
    assert outcome.messages[-1].text.endswith("would be deleted, in 1 place.")


async def test_paths_that_cannot_be_followed_are_told_and_close_nothing(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    opened = (
        "import os, sqlite3\nfrom x import cfg\nsqlite3.connect(os.path.join(cfg['a'], cfg['b']))\n"
    )
    write(tmp_path, {"job.py": opened, "tests/test_job.py": opened})
    options = RunOptions(target="app.db", cleanup=True, yes=True)
    outcome = await consolidate(tmp_path, options, lambda _event: None)
    assert (outcome.exit_status, outcome.still_named) == (0, 0)
    told = [m for m in outcome.messages if "only known when the program runs" in m.text]
    assert [(m.level, m.text.count(".py:")) for m in told] == [(Level.WARNING, 1)]
    assert "job.py:3." in told[0].text
    assert not (tmp_path / "b.db").exists()
