from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.services.session_project import OWNERS, hashes, owners, write, write_shop

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a person runs it."""
    return subprocess.run(
        [sys.executable, "-m", "consolidator_tui", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def closing_object(finished: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    return dict(lines[-1])


def run_json(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    finished = call("run", str(folder), "--json", *arguments)
    assert "Traceback" not in finished.stderr
    return finished.returncode, closing_object(finished)


def test_scan_plan_run_verify_report_runs_rollback(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    before = hashes(tmp_path)
    scanned = call("scan", ".", cwd=tmp_path)
    assert scanned.returncode == 0
    assert "users: the same columns in all files (app.db 2 rows, b.db 2 rows)" in scanned.stdout
    (tmp_path / "main.py").write_text('import sqlite3\nsqlite3.connect("b.db")\n')
    used = call("references", ".", "--target", "app.db", cwd=tmp_path)
    assert used.returncode == 0
    assert "main.py:2  b.db" in used.stdout
    assert "+++ b/main.py" in used.stdout
    found = json.loads(call("references", ".", "--json", cwd=tmp_path).stdout.splitlines()[-1])
    assert found["references"][0]["resolves_to"] == ["b.db"]
    (tmp_path / "main.py").unlink()
    planned = call("plan", ".", "--target", "app.db", cwd=tmp_path)
    assert planned.returncode == 0
    assert hashes(tmp_path) == before
    assert not (tmp_path / ".consolidator").exists()
    (tmp_path / "plan.toml").write_text(planned.stdout)
    done = call("run", ".", "--plan", "plan.toml", "--yes", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "app.db is the one database; 0 rows lost." in done.stdout
    assert "Back up:" in done.stderr
    assert owners(tmp_path / "app.db") == OWNERS
    assert call("verify", str(tmp_path)).returncode == 0
    assert "Rows per table" in call("report", str(tmp_path)).stdout
    assert "consolidated" in call("runs", str(tmp_path)).stdout
    refused = call("rollback", str(tmp_path))
    assert refused.returncode == 2
    assert call("rollback", str(tmp_path), "--yes").returncode == 0
    assert {k: v for k, v in hashes(tmp_path).items() if k != "plan.toml"} == before


def test_configure_and_clean_up_and_all_of_it_undone(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / ".env").write_bytes(b"# db\r\nDATABASE_URL=sqlite:///./b.db # old\r\n")
    before = hashes(tmp_path)
    status, said = run_json(tmp_path, "--target", "app.db", "--configure", "--cleanup", "--yes")
    assert (status, said["outcome"]) == (0, "consolidated"), said
    assert set(hashes(tmp_path)) == {".env", "app.db"}
    configured = (tmp_path / ".env").read_bytes()
    assert b"app.db # old\r\n" in configured
    assert call("verify", str(tmp_path)).returncode == 0
    assert call("rollback", str(tmp_path), said["run"], "--yes").returncode == 0
    assert hashes(tmp_path) == before


def test_a_plan_with_a_wrong_name_is_refused_before_anything_is_copied(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "plan.toml").write_text("\n[tables.usrs]\n")
    plan = str(tmp_path / "plan.toml")
    status, said = run_json(tmp_path, "--target", "app.db", "--plan", plan, "--yes")
    assert (status, said["outcome"]) == (2, "refused")
    assert "line 2" in said["messages"][-1]["text"]
    assert not (tmp_path / ".consolidator").exists()


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    write_shop(tmp_path, first="app.db")
    status, said = run_json(tmp_path, "--target", "app.db", "--yes")
    assert status == 0
    copy = tmp_path / ".consolidator" / "runs" / said["run"] / "backup" / "b.db"
    data = bytearray(copy.read_bytes())
    data[5000] ^= 1
    copy.write_bytes(data)
    after = hashes(tmp_path)
    checked = call("verify", str(tmp_path))
    assert checked.returncode == 4
    assert "b.db" in checked.stdout
    refused = call("rollback", str(tmp_path), "--yes")
    assert refused.returncode == 4
    assert "b.db" in refused.stderr
    assert hashes(tmp_path) == after


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    status, said = run_json(tmp_path, "--target", "app.db", "--dry-run")
    assert (status, said["outcome"], said["changed"]) == (0, "consolidated", False)
    assert said["tables"]["users"]["duplicate"] == 1
    assert hashes(tmp_path) == before
    run = tmp_path / ".consolidator" / "runs" / said["run"]
    assert list((run / "staging").iterdir()) == []


def test_undecided_conflicts_ask_and_the_answer_settles_them(tmp_path: Path) -> None:
    write(tmp_path / "a.db", [(1, "ann@x", "Ann", None)], [])
    write(tmp_path / "b.db", [(1, "ann@x", "Anna", None)], [])
    before = hashes(tmp_path)
    status, said = run_json(tmp_path, "--target", "app.db", "--yes")
    assert (status, said["outcome"]) == (3, "needs_decisions")
    question = next(m for m in said["messages"] if m["level"] == "question")
    assert question["table"] == "users"
    assert "on_conflict" in question["fix"]
    assert "ann@x" not in json.dumps(said)
    lines = (tmp_path / ".consolidator" / "runs" / said["run"] / "questions.toml").read_text()
    assert "ann@x" in lines
    assert hashes(tmp_path) == before
    status, said = run_json(tmp_path, "--target", "app.db", "--yes", "--on-conflict", "base")
    assert (status, said["tables"]["users"]["conflict"]) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "status", "outcome"),
    [
        (["--on-conflict", "first", "--yes"], 2, "refused"),
        (["--on-conflict", "stop,base", "--yes"], 2, "refused"),
        (["--plan", "no.toml", "--yes"], 2, "refused"),
        ([], 2, "refused"),
        (["--target", "../x.db", "--yes"], 4, "refused"),
        (["--target", "no/x.db", "--yes"], 4, "refused"),
        (["--source", "gone.db", "--yes"], 4, "refused"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    tmp_path: Path, arguments: list[str], status: int, outcome: str
) -> None:
    write_shop(tmp_path)
    before = hashes(tmp_path)
    found, said = run_json(tmp_path, *arguments)
    assert (found, said["outcome"]) == (status, outcome)
    assert said["messages"][-1]["level"] == "error"
    assert hashes(tmp_path) == before


def test_no_database_at_all(tmp_path: Path) -> None:
    status, said = run_json(tmp_path, "--yes")
    assert (status, said["outcome"]) == (4, "refused")


def test_usage_and_help() -> None:
    assert call("run", "--bogus").returncode == 2
    assert call("--help").returncode == 0
    assert call("run", "--help").returncode == 0
    assert call("--version").stdout.startswith("consolidator-tui ")


def test_a_project_and_files_with_hostile_names(tmp_path: Path) -> None:
    project = tmp_path / os.fsdecode(b"run ?#%[x]\xff\n")
    write_shop(project)
    (project / "b.db").rename(project / os.fsdecode(b"caf\xe9 'x'.db"))
    status, said = run_json(project, "--target", "app.db", "--yes")
    assert (status, said["outcome"]) == (0, "consolidated"), said
    assert owners(project / "app.db") == OWNERS
    planned = subprocess.run(
        [sys.executable, "-m", "consolidator_tui", "plan", project, "--target", "n.db"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    (tmp_path / "plan.toml").write_bytes(planned.stdout)
    status, said = run_json(project, "--plan", str(tmp_path / "plan.toml"), "--yes")
    assert (status, said["target"]) == (0, "n.db")


def test_a_run_imports_neither_screens_nor_parsers_of_source(tmp_path: Path) -> None:
    write_shop(tmp_path)
    code = (
        "import sys\n"
        "from consolidator_tui.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "heavy = {'textual', 'libcst', 'sqlalchemy', 'ruamel', 'rich', 'typer', 'pydantic'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, "run", str(tmp_path), "--target", "app.db", "--yes"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, body)")
            connection.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
                " INSERT INTO t SELECT i, ? || i, randomblob(200) FROM n",
                (name,),
            )
            connection.commit()
    before = hashes(tmp_path)
    arguments = ["run", str(tmp_path), "--target", "app.db", "--yes", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "consolidator_tui", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("event") == "step_started" and "migrate" in line:
                break
        time.sleep(0.05)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
    said = json.loads(rest.splitlines()[-1])
    assert process.returncode == 1, (said, errors)
    assert said["outcome"] == "failed"
    assert "Traceback" not in errors
    assert hashes(tmp_path) == before
    for run in (tmp_path / ".consolidator" / "runs").iterdir():
        assert list((run / "staging").iterdir()) == []


def test_the_wizard_needs_a_terminal(tmp_path: Path) -> None:
    """Without one it says so instead of waiting for keys that cannot come."""
    done = subprocess.run(
        [sys.executable, "-m", "consolidator_tui", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_what_was_not_taken_is_told_and_nothing_is_called_whole(tmp_path: Path) -> None:
    ann, bob = (1, "ann@x", "Ann", None), (1, "bob@x", "Bob", None)
    write(tmp_path / "notes.db", [ann], [])
    write(tmp_path / "notes copy.db", [bob], [])
    write(tmp_path / "backup" / "same.db", [ann], [])
    write(tmp_path / "tests" / "t.db", [bob], [])
    done = call("run", str(tmp_path), "--yes")
    assert done.returncode == 0, done.stderr
    assert "Only notes.db was read; there is nothing to merge." in done.stdout
    assert "already holds everything" not in done.stdout
    assert "notes copy.db has rows and was not taken" not in done.stdout
    assert "has rows and was not taken: Its name notes copy.db says" in done.stderr
    assert "t.db" not in done.stderr
    _, said = run_json(tmp_path, "--yes")
    told = [m for m in said["messages"] if m["level"] == "warning"]
    assert [m["file"] for m in told] == ["notes copy.db"]
    assert told[0]["fix"] == "--source notes.db --source 'notes copy.db'"
    assert "notes copy.db" in said["skipped"]
    sources = ["--source", "notes.db", "--source", "notes copy.db"]
    status, said = run_json(tmp_path, *sources, "--yes")
    assert (status, said["tables"]["users"]["new"]) == (0, 1)


def test_the_questions_are_a_plan_of_their_own(tmp_path: Path) -> None:
    schema = "CREATE TABLE kv(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE t(k UNIQUE, v);"
    for name, value in (("a.db", "A"), ("b.db", "B")):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.executescript(schema)
            connection.execute("INSERT INTO kv VALUES ('theme', ?)", (f"{'x' * 80}{value}",))
            connection.execute("INSERT INTO t VALUES ('one', ?)", (value,))
            connection.commit()
    plan = tmp_path / "own.toml"
    plan.write_text('[tables.t]\non_conflict = ["base"]\n')
    arguments = ["--source", "a.db", "--source", "b.db", "--target", "app.db"]
    status, said = run_json(tmp_path, *arguments, "--plan", str(plan), "--yes")
    question = next(m for m in said["messages"] if m["level"] == "question")
    assert (status, question["table"]) == (3, "kv")
    assert '"newest"' not in question["fix"]
    asked = (tmp_path / ".consolidator" / "runs" / said["run"] / "questions.toml").read_text()
    assert 'xxxA"\n' in asked
    assert '"both"' not in asked.partition("keep = ")[2].partition("\n")[0]
    plan.write_text(asked.replace('keep = ""', 'keep = "both"'))
    status, said = run_json(tmp_path, "--plan", str(plan), "--yes")
    assert status == 3
    asked = (tmp_path / ".consolidator" / "runs" / said["run"] / "questions.toml").read_text()
    assert 'keep = "both" and, in `values`, another k' in asked
    line = 'values = { k = "another value" }'
    assert f'# keep = "both" and the line: {line}' in asked
    plan.write_text(asked.replace('keep = ""', f'{line}\nkeep = "both"'))
    status, said = run_json(tmp_path, "--plan", str(plan), "--yes")
    assert status == 0, said
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        assert connection.execute("SELECT k, substr(v, -1) FROM kv ORDER BY k").fetchall() == [
            ("another value", "B"),
            ("theme", "A"),
        ]
        assert connection.execute("SELECT v FROM t").fetchall() == [("A",)]
