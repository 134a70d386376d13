from __future__ import annotations

import io
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consolidator_tui.cli import summary
from consolidator_tui.cli.main import main
from consolidator_tui.cli.output import Output
from consolidator_tui.domain.discovery import FileFound, FileKind, FoundFile, Role
from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.event import Level, Message, Progress, Step, StepFinished
from consolidator_tui.domain.merge import TableCounts
from consolidator_tui.domain.outcome import Outcome, Result, RunOptions


class Closed(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def _output(*, as_json: bool) -> tuple[Output, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Output(as_json=as_json, out=out, err=err), out, err


def test_events_are_json_lines_and_nothing_else() -> None:
    output, out, err = _output(as_json=True)
    file = FoundFile("a\udcff\n.db", 1, 2, 3, 4, FileKind.DATABASE, Role.TEST, "why", False)
    output.event(FileFound(Step.DISCOVER, file))
    output.event(Progress(Step.MIGRATE, "t", 1, None))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[0]["event"] == "file"
    assert lines[0]["file"]["path"] == "a\udcff\n.db"
    assert lines[1] == {
        "event": "progress",
        "step": "migrate",
        "label": "t",
        "done": 1,
        "total": None,
        "unit": "rows",
        "part": "",
    }
    assert err.getvalue() == ""


def test_people_get_progress_on_stderr_and_hostile_text_is_defused() -> None:
    output, out, err = _output(as_json=False)
    output.event(StepFinished(Step.BACKUP, 1.25, "3 files"))
    output.event(Message(Step.BACKUP, Level.WARNING, "bad", file="\x1b[2Jx.db"))
    output.event(Message(Step.BACKUP, Level.WARNING, "bad", file="\x1b[2Jx.db"))
    output.error(FileRefused("x\ny is bad.", todo="Leave it out."))
    assert out.getvalue() == ""
    assert err.getvalue().splitlines() == [
        "Back up: 3 files (1.2 s)",
        "! \\x1b[2Jx.db: bad",
        "File cannot be used: x\\ny is bad.",
        "  Leave it out.",
    ]


def test_a_message_names_its_place_once() -> None:
    output, _out, err = _output(as_json=False)
    for text in ("note: pinned added", "notes are gone", "pinned added"):
        output.event(Message(Step.MIGRATE, Level.WARNING, text, file="a.db", table="note"))
    # The last one would read like the first, which is told once.
    assert err.getvalue().splitlines() == [
        "! a.db: note: pinned added",
        "! a.db: note: notes are gone",
    ]


def test_one_of_a_thing_is_singular(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a project where nearly everything there is one of, in every output of the command."""
    for number, name in enumerate(("a.db", "b.db")):
        with closing(sqlite3.connect(tmp_path / name)) as database, database:
            database.execute("CREATE TABLE note (code TEXT PRIMARY KEY NOT NULL, updated_at TEXT)")
            database.execute("INSERT INTO note VALUES ('x', ?)", (f"2024-01-0{number + 1}",))
    (tmp_path / "main.py").write_text("import sqlite3\nsqlite3.connect('b.db')\n")
    verbs = "has|is|was|its|disagrees|needs|changes|stays|holds"
    for command, *options in (
        ["scan"],
        ["plan"],
        ["run", "--target", "a.db", "--configure", "--yes"],
        ["report"],
        ["verify"],
        ["runs"],
        ["rollback", "--yes"],
    ):
        with pytest.raises(SystemExit) as left:
            main([command, str(tmp_path), *options])
        told = "".join(capsys.readouterr())
        assert left.value.code == 0, told
        assert not re.findall(rf"(?<![\d,.])1 (?:[a-z]+ )?(?!(?:{verbs})\b)[a-z]+s\b", told)


def test_a_closed_pipe_is_no_error() -> None:
    output = Output(as_json=True, out=Closed(), err=Closed())
    output.object({"a": 1})
    output.note("x")


def test_the_summary_has_the_counts_and_what_to_do() -> None:
    output, out, err = _output(as_json=False)
    outcome = Outcome(
        Result.NEEDS_DECISIONS,
        3,
        target="app.db",
        tables=(TableCounts("users", 4, 2, 1, 1, 0, 1, 0),),
        messages=(Message(Step.MIGRATE, Level.QUESTION, "Which?", fix='a = "b"\nc = 1'),),
    )
    summary.run(Path("a b"), outcome, RunOptions(), output)
    assert out.getvalue().splitlines() == [
        "table  source  base  new  duplicate  conflict  rekeyed  lost",
        "users       4     2    1          1         0        1     0",
        "? Which?",
        '    a = "b"',
        "    c = 1",
    ]
    assert "Decisions are needed" in err.getvalue()


def test_the_closing_object_has_every_key_of_the_contract() -> None:
    outcome = Outcome(
        Result.CONSOLIDATED, 0, tables=(TableCounts("users", 4, 2, 1, 1, 0, 1, 0, shifts={"b": 2}),)
    )
    plain = json.loads(json.dumps(outcome.as_object()))
    wanted = {"outcome", "target", "run", "tables", "skipped", "messages", "timings"}
    assert wanted <= set(plain)
    counts = {"source", "base", "new", "duplicate", "conflict", "rekeyed", "lost"}
    assert counts <= set(plain["tables"]["users"])


def test_paths_are_plain_text(tmp_path: Path) -> None:
    output, out, _err = _output(as_json=True)
    output.object({"path": tmp_path, "blob": b"\xff", "set": (1, 2)})
    assert json.loads(out.getvalue()) == {"path": str(tmp_path), "blob": "ff", "set": [1, 2]}
