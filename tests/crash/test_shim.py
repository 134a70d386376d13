"""The harness itself: a careless program must be found out, a careful one must not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import power
from tests.crash.projects import make_plain
from tests.crash.scenarios import RUN
from tests.crash.shim import Call, Control, Mode, build, compiler

_CARELESS = """
import os, sys
with open("new", "wb") as file:
    file.write(b"new")
os.rename("new", "file")
"""
_CAREFUL = """
import os, sys
with open("new", "wb") as file:
    file.write(b"new")
    file.flush()
    os.fsync(file.fileno())
os.rename("new", "file")
folder = os.open(".", os.O_RDONLY)
os.fsync(folder)
"""
_THREADS = """
import os, threading
def work(name):
    for number in range(50):
        with open(name, "ab") as file:
            file.write(b"x")
threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if compiler() is None:
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told("A C compiler (cc) is needed to stop the command at every call.")
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    return folder


def _run(
    library: Path, project: Path, arguments: list[str], mode: Mode, stop_at: int = 0
) -> tuple[subprocess.CompletedProcess[str], Control]:
    folder = project.parent / f"control-{mode}-{stop_at}"
    folder.mkdir()
    control = Control(folder, project, mode, stop_at)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "CRASH_CONTROL": str(control.path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TMPDIR": str(folder),
    }
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=project, capture_output=True, text=True, check=False
    )
    return done, control


def _after_power_cuts(library: Path, project: Path, script: str) -> set[bytes]:
    """All contents that `file` may have after the script ended and the power went."""
    before = power.look(project)
    done, control = _run(library, project, ["-c", script], Mode.POWER)
    assert done.returncode == 0, done.stderr
    certain, last = power.synced(before, control.folder), power.look(project)
    found = set()
    for number, (_, disk) in enumerate(power.states(certain, last, seed=1)):
        copy = project.parent / f"after-{number}"
        power.write(disk, copy)
        found.add((copy / "file").read_bytes())
    return found


def test_rename_without_sync_may_leave_an_empty_file(library: Path, project: Path) -> None:
    assert {b"old", b""} <= _after_power_cuts(library, project, _CARELESS)


def test_what_was_synced_is_certain(library: Path, project: Path) -> None:
    assert _after_power_cuts(library, project, _CAREFUL) == {b"new"}


def test_calls_of_all_threads_are_counted(library: Path, project: Path) -> None:
    done, control = _run(library, project, ["-c", _THREADS], Mode.COUNT)
    assert done.returncode == 0, done.stderr
    calls = control.calls()
    assert [call.number for call in calls] == list(range(1, control.count + 1))
    names = [call.name for call in calls]
    assert (names.count("open"), names.count("write")) == (4, 200)


def test_kill_comes_before_the_call(library: Path, project: Path) -> None:
    done, control = _run(library, project, ["-c", _CARELESS], Mode.KILL, 3)
    assert done.returncode == -signal.SIGKILL
    assert control.struck
    assert [call.name for call in control.calls()] == ["open", "write", "rename"]
    assert (project / "file").read_bytes() == b"old"
    assert (project / "new").read_bytes() == b"new"


@pytest.mark.parametrize(("mode", "words"), [(Mode.FULL, "Errno 28"), (Mode.DEAD, "Errno 5")])
def test_disk_fails_from_a_call_on(library: Path, project: Path, mode: Mode, words: str) -> None:
    done, control = _run(library, project, ["-c", _CARELESS], mode, 1)
    assert done.returncode == 1
    assert words in done.stderr
    assert control.struck
    assert (project / "file").read_bytes() == b"old"


def test_full_disk_takes_the_first_part_of_a_write(library: Path, project: Path) -> None:
    done, _ = _run(library, project, ["-c", _CARELESS], Mode.FULL, 2)
    assert "Errno 28" in done.stderr
    assert (project / "new").read_bytes() == b"n"


def test_command_started_as_usual_is_stopped_too(library: Path, project: Path) -> None:
    """The sweep runs commands in forks; a process of its own makes the same calls."""
    make_plain(project)
    arguments = ["-m", "consolidator_tui", *RUN(project)]
    done, control = _run(library, project, arguments, Mode.KILL, 60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert control.count == 60
    assert "run.db" in control.calls()[-1].path


def test_states_of_a_power_cut_are_told_apart_by_what_they_come_from() -> None:
    def calls(*told: str) -> list[Call]:
        return [Call(n, *line.split(" ", 1)) for n, line in enumerate(told, 1)]

    opened = calls("open /1d2a25803aef.tmp", "write /1d2a25803aef.tmp")
    again = calls("open /b4015f87d5ba.tmp", "write /b4015f87d5ba.tmp", "write /b4015f87d5ba.tmp")
    # Nothing synced; the same name; other contents; a coin of its own.
    same = [
        power.origin(variant, opened) == power.origin(variant, again) for variant in power.VARIANTS
    ]
    assert same == [True, True, False, True]
    assert power.origin("mixed", opened) is None
    synced = [*opened, *calls("fsync /1d2a25803aef.tmp")]
    assert power.origin("lost", synced) != power.origin("lost", opened)
    assert power.origin("names", [*opened, *calls("unlink /x")]) != power.origin("names", opened)
    other = calls("open /1d2a25803aef.tmp", "write /b4015f87d5ba.tmp")
    assert power.origin("contents", opened) != power.origin("contents", other)
