"""The sample's application really runs, and its stray databases really come about as told.

Every command is a process of its own, started in the folder where a person starts it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from consolidator_tui.sample import schema
from consolidator_tui.sample.truth import DATA, MAIN, OLD
from consolidator_tui.sample.writer import SAMPLE_TRUTH, write_sample

AGENTS = ("app.agents.prompt_agent", "app.agents.upload_agent")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_sample(tmp_path / "demo")
    return tmp_path / "demo"


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would change what the application does."""
    dropped = {"DATABASE_URL", "SECRET_KEY", "TOKEN_HOURS", "PYTHONPATH", "PYTEST_ADDOPTS"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith("PYTEST_")
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


def python(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def hashes(project: Path) -> dict[str, str]:
    """The databases of the project, sidecars included."""
    return {
        path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in project.rglob("*")
        if path.is_file() and re.search(r"\.(db|sqlite3)(-|$)", path.name)
    }


def declarations(path: Path) -> set[str]:
    """The SQL of all schema objects, told without white space."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return {re.sub(r"\s+", "", sql) for (sql,) in rows}


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


@contextmanager
def server(folder: Path) -> Iterator[httpx.Client]:
    """The application under uvicorn, on a free port."""
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                address = re.search(r"running on (http://\S+)", line)
                if address:
                    break
            else:
                pytest.fail("the server did not start:\n" + "".join(said))
            with httpx.Client(base_url=address[1], timeout=20, trust_env=False) as client:
                yield client
        finally:
            process.terminate()
            process.communicate(timeout=20)


def login(client: httpx.Client, username: str, password: str) -> dict[str, str]:
    answer = client.post("/auth/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_its_own_tests_use_databases_of_their_own(project: Path) -> None:
    before = hashes(project)
    done = python(project / "backend", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    after = hashes(project)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == set(SAMPLE_TRUTH.tests)


def test_the_site_on_its_database(project: Path) -> None:
    # As the upload agent writes times: after a merge the site reads such rows, too.
    ask(
        project / MAIN,
        "INSERT INTO users (email, username, password_hash, created_at, updated_at) VALUES"
        " ('z@example.com', 'z', '!', '2026-02-18T09:00:00+00:00', '2026-02-18T09:00:00+00:00')",
    )
    strays = {name: text for name, text in hashes(project).items() if name != MAIN}
    with server(project / "backend") as client:
        assert client.get("/health").json() == {"status": "ok"}
        admin = login(client, "admin", SAMPLE_TRUTH.passwords["admin"])
        users = client.get("/users", headers=admin).json()
        assert len(users) == SAMPLE_TRUTH.rows[MAIN]["users"] + 1
        ann = login(client, "ann.whitfield", SAMPLE_TRUTH.passwords["ann.whitfield"])
        assert client.get("/users", headers=ann).status_code == 403
        assert client.get("/uploads", headers=ann).json()
        assert client.get("/transactions", headers=ann).json()
        assert len(client.get("/prompts").json()) == SAMPLE_TRUTH.rows[MAIN]["prompts"]
        wrong = client.post("/auth/login", json={"username": "z", "password": "!"})
        assert wrong.status_code == 401
    after = hashes(project)
    assert {name: text for name, text in after.items() if name != MAIN} == strays
    assert declarations(project / MAIN) == declarations_of(schema.WEB)


def declarations_of(ddl: str) -> set[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(ddl)
        rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return {re.sub(r"\s+", "", sql) for (sql,) in rows}


def test_without_a_database_it_makes_one(project: Path) -> None:
    backend = project / "backend"
    (project / MAIN).unlink()
    made = python(backend, "scripts/create_tables.py")
    assert made.returncode == 0, made.stderr
    assert declarations(project / MAIN) == declarations_of(schema.WEB)
    for word in ("created", "new password"):
        admin = python(backend, "scripts/create_admin.py", "--password", "another-one")
        assert admin.returncode == 0, admin.stderr
        assert word in admin.stdout
    with server(backend) as client:
        assert client.get("/users", headers=login(client, "admin", "another-one")).json()


def test_agents_use_the_strays(project: Path) -> None:
    before = hashes(project)
    unreviewed = SAMPLE_TRUTH.rows[OLD]["prompts"] - SAMPLE_TRUTH.rows[OLD]["prompt_reviews"]
    for agent, word in zip(AGENTS, (f"{unreviewed} prompts", "1 uploads"), strict=True):
        done = python(project / "backend", "-m", agent)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(word)
    after = hashes(project)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {OLD, DATA}
    report = python(project / "backend", "scripts/report.py")
    assert report.returncode == 0, report.stderr
    assert "purchase" in report.stdout


def test_agents_elsewhere_make_new_strays(project: Path) -> None:
    before = hashes(project)
    for agent in AGENTS:
        done = python(project, "-m", agent, PYTHONPATH=str(project / "backend"))
        assert done.returncode == 0, done.stderr
    assert hashes(project).keys() - before.keys() == {"prompts.db", "data/app.db"}


def test_agents_on_the_sites_database(project: Path) -> None:
    """What the wizard's last step arrives at: the same file for all parts."""
    script = (
        "from app.agents.prompt_agent import PromptAgent\n"
        "from app.agents.upload_agent import UploadAgent\n"
        "print(PromptAgent('app.db').run(), UploadAgent('app.db').run())\n"
    )
    done = python(project / "backend", "-c", script)
    assert done.stdout.split() == [str(SAMPLE_TRUTH.rows[MAIN]["prompts"]), "0"], done.stderr


def test_the_empty_file_comes_from_the_wrong_folder(project: Path) -> None:
    (project / "app.db").unlink()
    done = python(project, "backend/scripts/create_admin.py")
    assert done.returncode == 1
    assert done.stderr.startswith("no such table: users")
    assert (project / "app.db").stat().st_size == 0
