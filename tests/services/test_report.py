from __future__ import annotations

import stat
from html.parser import HTMLParser
from pathlib import Path

from consolidator_tui.domain.selection import Selection
from consolidator_tui.services.report import Section, to_html, to_markdown
from consolidator_tui.services.session import Session

from .session_project import write_shop

HOSTILE = "<script>alert(1)</script> | `x` [a](b)\n# \x1b[31m \udcff"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names_stay_text() -> None:
    section = Section(HOSTILE, (HOSTILE,), ("a", "b"), [(HOSTILE, "1")])
    page = Tags()
    page.feed(to_html(HOSTILE, [section]))
    assert "script" not in page.found
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text
    lines = to_markdown(HOSTILE, [section]).splitlines()
    assert all("\\<script\\>" in line for line in lines if "script" in line)
    row = next(line for line in lines if line.endswith("| 1 |"))
    assert row.count("|") - row.count("\\|") == 3


async def test_the_receipt_tells_how_the_application_was_tried(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    (tmp_path / "job.py").write_text("import sqlite3\nsqlite3.connect('b.db')\nprint('s3cret')\n")
    async with Session.open(tmp_path) as session:
        await session.select(Selection(target="app.db"))
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        await session.migrate()
        await session.verify()
        before = (await session.write_report()).read_text()
        await session.smoke(await session.smoke_commands(["KEY=s3cret python job.py"]))
        path = await session.write_report()
    assert "It was not tried" in before
    for name in ("report.md", "report.html"):
        text = path.with_name(name).read_text().replace("\\", "")
        assert "b.db came back (opened by job.py, line 2)" in text
        assert "FAILS" in text
        assert "s3cret" not in text


async def test_the_receipt_is_private_and_has_no_values(tmp_path: Path) -> None:
    write_shop(tmp_path)
    async with Session.open(tmp_path) as session:
        await session.select(Selection(target="app.db"))
        await session.inspect(checks=False)
        await session.back_up()
        await session.make_plan()
        await session.migrate()
        await session.verify()
        path = await session.write_report()
    for name in ("report.md", "report.html"):
        file = path.with_name(name)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        assert "ann@x" not in text
        assert "pen" not in text.replace("depend", "").replace("happen", "").replace("open", "")
    assert "users of b.db | id +2" in path.read_text().replace("\\", "")
