"""Commands are started, asked, timed and stopped, and nothing is left running."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from consolidator_tui.domain.event import Event
from consolidator_tui.domain.smoke import (
    CommandKind,
    Login,
    SmokeOutput,
    SmokeStarted,
    Verdict,
)
from consolidator_tui.services.smoke.run import LEFTOVER
from tests.services.smoke.support import run, script, write_project

SERVER = """\
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
    def do_POST(self):
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/login" and json.loads(sent) == {"user": "ann", "password": "pw"}
        self.send_response(200 if good else 401)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def pids(token: str) -> list[int]:
    """Processes with this text in their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(token in part for part in process.cmdline()):
                found.append(process.pid)
    return found


@pytest.mark.parametrize(
    ("health", "password", "verdict"),
    [
        ("/health", "pw", Verdict.PASSED),
        ("", "", Verdict.PASSED),
        ("/nothing", "pw", Verdict.NOT_HEALTHY),
        ("/health", "wrong-secret", Verdict.NO_LOGIN),
    ],
)
async def test_a_server(tmp_path: Path, health: str, password: str, verdict: Verdict) -> None:
    project = tmp_path / "p"
    write_project(project, {"serve.py": SERVER})
    login = Login("/login", {"user": "ann", "password": password})
    token = f"serve.py {tmp_path.name}"
    command = script(f"python {token}", CommandKind.SERVER, health=health, login=login)
    events: list[Event] = []
    report = await run(project, command, events=events)
    assert report.results[0].verdict is verdict, report.results[0].reason
    assert "secret" not in repr((report, events, command))
    assert pids(tmp_path.name) == []


async def test_a_server_that_ends_at_once(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    began = time.monotonic()
    report = await run(project, script("python -c 'exit(3)'", CommandKind.SERVER))
    assert report.results[0].verdict is Verdict.NOT_HEALTHY
    assert "status 3" in report.results[0].reason
    assert time.monotonic() - began < 10


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        report = await run(project, script("python x.py", CommandKind.SERVER, port=port))
    assert report.results[0].verdict is Verdict.NOT_STARTED
    assert str(port) in report.results[0].reason


async def test_exit_status_and_timeout(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    token = tmp_path.name
    slow = f"sleep 60 & python -c 'import time; time.sleep(60)' {token}"
    report = await run(
        project,
        script("exit 3"),
        script("(exit 4)", expected_exit=4),
        script("no-such-program-at-all"),
        script(slow, timeout=0.5),
    )
    assert [r.verdict for r in report.results] == [
        Verdict.WRONG_EXIT,
        Verdict.PASSED,
        Verdict.WRONG_EXIT,
        Verdict.TIMED_OUT,
    ]
    assert [r.exit_status for r in report.results] == [3, 4, 127, None]
    assert pids(token) == []


async def test_what_ignores_signals_or_leaves_the_group_is_ended(tmp_path: Path) -> None:
    project = tmp_path / "p"
    token = tmp_path.name
    stubborn = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
    )
    write_project(project, {"stubborn.py": stubborn})
    report = await run(project, script(f"setsid python stubborn.py {token} & sleep 1"))
    assert report.results[0].verdict is Verdict.PASSED
    assert pids(token) == []


async def test_cancelling_ends_everything(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {})
    token = tmp_path.name
    events: list[Event] = []
    line = f"echo ready; python -c 'import time; time.sleep(60)' {token}"
    work = asyncio.ensure_future(run(project, script(line, timeout=60.0), events=events))
    while not any(isinstance(event, SmokeOutput) for event in events):
        await asyncio.wait([work], timeout=0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert pids(token) == []
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_killing_the_wizard_ends_everything(tmp_path: Path) -> None:
    token = uuid4().hex
    sleeper = "import time; time.sleep(60)"
    sleeps = f'python -c "{sleeper}" {token}'
    line = f"{sleeps} & setsid {sleeps} & echo ready; wait"
    program = (
        "import asyncio, os\nfrom pathlib import Path\n"
        "from consolidator_tui.services.smoke.process import MARK, started\n"
        "async def main():\n"
        f"    environment = {{**os.environ, MARK: {token!r}}}\n"
        f"    async with started({line!r}, Path({str(tmp_path)!r}), environment, print):\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    wizard = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert wizard.stdout is not None
    try:
        assert b"ready" in await wizard.stdout.readline()
        left = [psutil.Process(pid) for pid in pids(token)]
    finally:
        wizard.kill()
    await wizard.wait()
    assert len(left) == 5, "the wizard, the guard, the shell, and two that sleep"
    _, alive = await asyncio.to_thread(psutil.wait_procs, left, timeout=20)
    assert alive == []


async def test_output_comes_live_whole_and_hostile(tmp_path: Path) -> None:
    project = tmp_path / "p"
    text = (
        "import sys, time\nsys.stdout.buffer.write(b'caf\\xe9 [red]x\\n')\n"
        "sys.stdout.flush()\ntime.sleep(0.5)\nprint('y' * 5000)\n"
        "for n in range(3000): print(n)\nprint('end', end='')\n"
    )
    write_project(project, {"job.py": text})
    events: list[Event] = []
    report = await run(project, script("python job.py"), events=events)
    outputs = [event for event in events if isinstance(event, SmokeOutput)]
    assert outputs[0].lines == ("caf\\xe9 [red]x",)
    assert outputs[-1].lines[-1].endswith("more lines") or outputs[-1].lines[-1] == "end"
    assert max(len(line) for event in outputs for line in event.lines) < 2_100
    assert len(outputs) < 40
    assert report.results[0].tail[-1] == "end"
    assert "caf" not in str(report.as_object())
    assert [e.number for e in events if isinstance(e, SmokeStarted)] == [1]


async def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    project, folder = tmp_path / "p", tmp_path / "run"
    write_project(project, {})
    folder.mkdir()
    left = tmp_path / "consolidator-smoke-left"
    (left / "locked").mkdir(parents=True)
    (left / "locked" / "x").touch()
    (left / "locked").chmod(0o500)
    (folder / LEFTOVER).write_text(str(left))
    report = await run(project, script("true"), run_folder=folder)
    assert report.ok
    assert not left.exists()
    assert list(folder.iterdir()) == []


async def test_an_environment_of_the_project_is_used(tmp_path: Path) -> None:
    project = tmp_path / "p"
    write_project(project, {"app/x.py": "", ".venv/pyvenv.cfg": "home = /nowhere\n"})
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho from the environment: $VIRTUAL_ENV\n")
    python.chmod(0o755)
    report = await run(project, script("python -V"), script(".venv/bin/python -V"))
    said = f"from the environment: {project}/.venv"
    assert [result.tail for result in report.results] == [(said,), (said,)]
