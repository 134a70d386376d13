"""What an application does to databases is seen, judged, and named with file and line."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.domain.smoke import OUTSIDE, CommandKind, FindingKind, SmokeCommand, Start
from tests.services.smoke.support import SCHEMA, run, script, write_project


def digest(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


OLD = """\
import sqlite3
NAME = "old.db"
def use():
    c = sqlite3.connect(NAME)
    c.execute("CREATE TABLE IF NOT EXISTS t (a)")
    c.commit()
    c.close()
use()
"""


async def test_an_old_database_that_comes_back(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {"job.py": OLD})
    before = digest(project)
    report = await run(project, script("python job.py"))
    (result,) = report.results
    (finding,) = result.findings
    assert not report.ok
    assert (finding.kind, finding.file) == (FindingKind.REAPPEARED, "old.db")
    assert (finding.opened_by[0].file, finding.opened_by[0].line) == ("job.py", 4)
    assert finding.references == ("job.py:2",)
    assert "job.py, line 4" in report.reason
    assert digest(project) == before


ASYNC = """\
import asyncio, aiosqlite
async def main():
    async with aiosqlite.connect("old.db") as c:
        await c.execute("CREATE TABLE t (a)")
asyncio.run(main())
"""
POOL = """\
import sqlite3
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as pool:
    pool.submit(sqlite3.connect, "old.db").result()
"""


@pytest.mark.parametrize(("text", "line"), [(ASYNC, 3), (POOL, 4)])
async def test_the_line_is_found_across_threads(tmp_path: Path, text: str, line: int) -> None:
    project = tmp_path / "p"
    write_project(project, {"job.py": text})
    report = await run(project, script("python job.py"))
    (finding,) = report.results[0].findings
    assert finding.file == "old.db"
    assert (finding.opened_by[0].file, finding.opened_by[0].line) == ("job.py", line)


async def test_an_empty_file_and_a_new_database(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(
        project,
        {
            "empty.py": "import sqlite3\nsqlite3.connect('data')\n",
            "new.py": "import sqlite3\nsqlite3.connect('x.dat').execute('CREATE TABLE t (a)')\n",
        },
    )
    report = await run(project, script("python empty.py"), script("python new.py"))
    found = [(f.kind, f.file) for r in report.results for f in r.findings]
    assert found == [(FindingKind.NEW_EMPTY, "data"), (FindingKind.NEW_DATABASE, "x.dat")]


async def test_a_relative_path_from_another_folder(tmp_path: Path) -> None:
    project = tmp_path / "p"
    text = "import sqlite3\nsqlite3.connect('app.db').execute('CREATE TABLE IF NOT EXISTS t (a)')\n"
    write_project(project, {"job.py": text})
    there = Start(OUTSIDE, "python {project}/job.py", required=False)
    command = SmokeCommand("job", CommandKind.SCRIPT, (Start("", "python job.py"), there))
    report = await run(project, command)
    assert [result.ok for result in report.results] == [True, False]
    (finding,) = report.results[1].findings
    assert finding.file == "(another folder)/app.db"
    assert finding.references == ("job.py:2",)


TESTS = """\
import sqlite3
def test_one():
    c = sqlite3.connect("{name}")
    c.execute("CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, email TEXT)")
    c.execute("INSERT INTO users (email) VALUES ('secret@x')")
    c.commit()
"""
PYTEST = "python -m pytest -q -p no:cacheprovider"


@pytest.mark.parametrize("name", ["checks.db", "test.db"])
async def test_the_tests_own_database_is_allowed(tmp_path: Path, name: str) -> None:
    project = tmp_path / "p"
    write_project(project, {"tests/test_it.py": TESTS.format(name=name)})
    report = await run(project, script(PYTEST, CommandKind.TESTS))
    assert report.ok, report.reason


async def test_tests_on_the_unified_database(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {"tests/test_it.py": TESTS.format(name="app.db")})
    commands = script(PYTEST, CommandKind.TESTS), script("python count.py")
    (project / "count.py").write_text(
        "import sqlite3\nc = sqlite3.connect('app.db')\n"
        "assert c.execute('SELECT count(*) FROM users').fetchone() == (1,)\n"
    )
    report = await run(project, *commands)
    (finding,) = report.results[0].findings
    assert finding.kind is FindingKind.CHANGED_BY_TESTS
    assert "users (1 row more)" in finding.sentence
    assert "tests/test_it.py, line 3" in finding.sentence
    assert "secret" not in str(report.as_object())
    # The next command finds the database as it was.
    assert report.results[1].ok


async def test_tests_that_only_read_it(tmp_path: Path) -> None:
    project = tmp_path / "p"
    text = (
        "import sqlite3\ndef test_one():\n    c = sqlite3.connect('app.db')\n"
        "    c.execute('PRAGMA journal_mode = WAL')\n    c.execute('SELECT * FROM users')\n"
    )
    write_project(project, {"tests/test_it.py": text})
    report = await run(project, script(PYTEST, CommandKind.TESTS))
    assert report.ok, report.reason


async def test_an_absolute_path_leads_to_the_copy(tmp_path: Path) -> None:
    project = tmp_path / "my p"
    write_project(project, {".env": f"DB={project}/app.db\n"})
    (project / "job.py").write_text(
        "import os, sqlite3\nname = open('.env').read().strip()[3:]\n"
        "assert os.path.samefile(name, 'app.db') and os.environ['OTHER'] == name\n"
        "c = sqlite3.connect(name)\nc.execute('DELETE FROM users')\nc.commit()\n"
    )
    before = digest(project)
    environment = {**os.environ, "OTHER": f"{project}/app.db"}
    report = await run(project, script("python job.py"), environment=environment)
    assert report.ok, (report.reason, report.results[0].tail)
    assert digest(project) == before


async def test_the_real_database_is_out_of_reach(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    name = str(project / "app.db").encode().hex()
    (project / "job.py").write_text(
        f"import sqlite3\nname = bytes.fromhex('{name}').decode()\n"
        "for call in (sqlite3.connect, lambda n: open(n, 'ab'), __import__('os').remove):\n"
        "    try:\n        call(name)\n    except PermissionError:\n        continue\n"
        "    raise SystemExit('reached')\n"
    )
    before = digest(project)
    report = await run(project, script("python job.py"))
    (finding,) = report.results[0].findings
    assert (finding.kind, finding.file) == (FindingKind.REAL_OPENED, "app.db")
    assert finding.opened_by[0].line == 5
    assert report.results[0].exit_status == 0
    assert digest(project) == before


async def test_a_write_that_no_hook_sees_is_noticed(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    name = str(project / "old.db").encode().hex()
    line = f"python -I -c \"open(bytes.fromhex('{name}').decode(), 'ab').write(b'x')\""
    report = await run(project, script(line))
    assert [finding.kind for finding in report.findings] == [FindingKind.REAL_CHANGED]
    assert not report.ok


async def test_links_lead_into_the_copy(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {"real/note.txt": "before"})
    (project / "absolute").symlink_to(project / "real")
    (project / "relative").symlink_to("real")
    (project / "old-link.db").symlink_to("old.db")
    (project / "other-name.db").hardlink_to(project / "old.db")
    (project / "job.py").write_text(
        "import os\nopen('absolute/note.txt', 'w').write('after')\n"
        "assert open('relative/note.txt').read() == 'after'\n"
        "assert not {'old-link.db', 'other-name.db', 'old.db'} & set(os.listdir())\n"
    )
    report = await run(project, script("python job.py"))
    assert report.ok, report.results[0].tail
    assert (project / "real/note.txt").read_text() == "before"


async def test_a_sitecustomize_of_the_person_still_runs(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import os\nos.environ['MINE'] = 'yes'\n")
    environment = {**os.environ, "PYTHONPATH": str(own)}
    line = "python -c \"import os, sitecustomize; assert os.environ['MINE'] == 'yes'\""
    report = await run(project, script(line), environment=environment)
    assert report.ok, report.results[0].tail


MAKE = "import sqlite3\nc = sqlite3.connect('app.db')\nc.execute({sql!r})\nc.commit()\n"


@pytest.mark.parametrize(
    ("sql", "ok", "equal", "differences"),
    [
        (SCHEMA.replace("users", '"Users"').replace(", ", ",\n  "), True, True, []),
        (SCHEMA.replace(" UNIQUE", ""), True, False, ["key users: email: only the unified"]),
        (SCHEMA.replace(")", ", phone TEXT)"), False, False, ["column users.phone: the unified"]),
        (
            SCHEMA.replace("email TEXT NOT NULL", "email VARCHAR"),
            True,
            False,
            ["column users.email: different (VARCHAR in a new database, TEXT NOT NULL here)"],
        ),
    ],
)
async def test_the_database_that_the_application_makes(
    tmp_path: Path, sql: str, ok: bool, equal: bool, differences: list[str]
) -> None:
    project = tmp_path / "p"
    sql = sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
    write_project(project, {"make.py": MAKE.format(sql=sql)})
    report = await run(project, script("python make.py", CommandKind.CREATE))
    assert report.init is not None
    assert (report.init.ok, report.init.equal, report.ok) == (ok, equal, ok)
    told = [str(difference) for difference in report.init.differences]
    assert len(told) == len(differences)
    assert all(a.startswith(b) for a, b in zip(told, differences, strict=True)), told


async def test_a_creation_command_that_makes_another_file(tmp_path: Path) -> None:
    project = tmp_path / "p"
    sql = SCHEMA.replace("TABLE", "TABLE IF NOT EXISTS")
    write_project(project, {"make.py": MAKE.format(sql=sql).replace("app.db", "old.db")})
    report = await run(project, script("python make.py", CommandKind.CREATE))
    assert report.init is not None
    assert not report.init.made
    assert not report.ok


async def test_a_database_in_use_is_copied_whole(tmp_path: Path) -> None:
    project = tmp_path / "p"
    count = "import sqlite3\nc = sqlite3.connect('app.db')\n"
    count += "assert c.execute('SELECT count(*) FROM users').fetchone() == (2,)\n"
    write_project(project, {"count.py": count})
    with closing(sqlite3.connect(project / "app.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO users (email) VALUES ('bob@x')")
        connection.commit()
        report = await run(project, script("python count.py"))
    assert report.ok, report.results[0].tail
