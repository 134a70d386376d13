"""A warmed-up process that runs the real command in forked children.

Starting Python and importing everything takes longer than a whole run of a small project, so it
is done once; each command then runs in a fork, with the shim armed.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType

from tests.crash.inline import without_threads
from tests.crash.projects import PROJECTS
from tests.crash.scenarios import RUN, rollback
from tests.crash.shim import arm

_ROOT = Path(__file__).parents[2]
_UNUSED = ("consolidator_tui.tui", "consolidator_tui.sample", "consolidator_tui.__main__")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int | None
    """Exit status, negative the signal that ended it, None when it hung and was ended."""
    seconds: float
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.stdout + self.stderr

    @property
    def closing(self) -> dict[str, object] | None:
        """The closing object of `--json`, or None."""
        lines = self.stdout.strip().splitlines()
        try:
            found = json.loads(lines[-1]) if lines else None
        except ValueError:
            return None
        return found if isinstance(found, dict) and "outcome" in found else None


class Worker:
    """The worker process, seen from the outside."""

    def __init__(self, library: Path, scratch: Path) -> None:
        self._scratch = scratch
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "PYTHONPATH": str(_ROOT),
            "TMPDIR": str(scratch),
        }
        environment.pop("CRASH_CONTROL", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker", str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=_ROOT,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, arguments: list[str], control: Path, seconds: float = 60) -> Done:
        """Run one command, in a process of its own, under a control file; wait for its end."""
        return self._ask(arguments, seconds, control=str(control))

    def follow(self, arguments: list[str], *, first: bool, seconds: float = 60) -> Done:
        """Run a command without threads and out of reach of the shim.

        The `first` of a row begins a process of its own; those that follow run in it too.
        """
        return self._ask(arguments, seconds, first=first)

    def _ask(self, arguments: list[str], seconds: float, **how: object) -> Done:
        out, err = self._scratch / "stdout", self._scratch / "stderr"
        request = {
            "arguments": arguments,
            "out": str(out),
            "err": str(err),
            "seconds": seconds,
            **how,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Done(
            answer["status"],
            answer["seconds"],
            out.read_text(errors="backslashreplace"),
            err.read_text(errors="backslashreplace"),
        )


def _serve(library: Path) -> None:
    _warm_up()
    follower: _Follower | None = None
    for line in sys.stdin:
        request = json.loads(line)
        began = time.monotonic()
        if "control" in request:
            child = os.fork()
            if child == 0:
                _child(request, library)
            status = _wait(child, request["seconds"])
        else:
            if follower is None or request["first"]:
                if follower is not None:
                    follower.end()
                follower = _Follower()
            status = follower.run(line, request["seconds"])
            if status is None or status < 0:
                follower = None
        print(json.dumps({"status": status, "seconds": time.monotonic() - began}), flush=True)


class _Follower:
    """A forked process that runs commands one after the other, without threads."""

    def __init__(self) -> None:
        there, self._requests = os.pipe()
        self._answers, here = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(self._requests)
            os.close(self._answers)
            _follow(there, here)
        os.close(there)
        os.close(here)

    def run(self, line: str, seconds: float) -> int | None:
        """The status; the process has ended when it is None (it hung) or negative (a signal)."""
        os.write(self._requests, line.encode())
        ready, _, _ = select.select([self._answers], [], [], seconds)
        answer = os.read(self._answers, 100) if ready else b""
        if answer:
            return int(answer)
        status = self.end()
        return status if ready else None

    def end(self) -> int:
        """End the process and all that it started; its status."""
        os.close(self._requests)
        os.close(self._answers)
        with suppress(ProcessLookupError):
            os.killpg(self._child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])


def _follow(requests: int, answers: int) -> None:
    try:
        os.setpgid(0, 0)
        without_threads()
        with os.fdopen(requests) as lines:
            for line in lines:
                os.write(answers, b"%d" % _perform(json.loads(line)))
    finally:
        os._exit(70)


def _warm_up() -> None:
    import consolidator_tui

    for module in pkgutil.walk_packages(consolidator_tui.__path__, "consolidator_tui."):
        if not module.name.startswith(_UNUSED):
            import_module(module.name)
    _try_once()
    # A fork copies every page that is written to, and the collector writes to all.
    gc.collect()
    gc.freeze()


def _try_once() -> None:
    """Run a few commands: the interpreter is then as quick in the forks as it gets."""
    from consolidator_tui.cli.main import main as command

    with tempfile.TemporaryDirectory() as scratch, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        project = Path(scratch).resolve() / "project"
        project.mkdir()
        PROJECTS["plain"](project)
        with redirect_stdout(nowhere):
            for arguments in (RUN(project), rollback(project)) * 2:
                with suppress(SystemExit):
                    command(arguments)


def _child(request: dict[str, object], library: Path) -> None:
    status = 70
    try:
        os.setpgid(0, 0)
        arm(Path(str(request["control"])), library)
        status = _perform(request)
    finally:
        os._exit(status)


def _perform(request: dict[str, object]) -> int:
    """Run the command with its streams in files; its exit status."""
    from consolidator_tui.cli.main import main as command
    from tests.crash.direct import main as direct

    _redirect(os.devnull, 0, os.O_RDONLY)
    _redirect(str(request["out"]), 1, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _redirect(str(request["err"]), 2, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    status = 0
    try:
        arguments = request["arguments"]
        assert isinstance(arguments, list)
        (direct if arguments[0].startswith("@") else command)(arguments)
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001 - told as a traceback, and found there
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _redirect(path: str, descriptor: int, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


def _wait(child: int, seconds: float) -> int | None:
    """The child's status; what hangs is ended, with all that it started."""
    descriptor = os.pidfd_open(child)
    ready, _, _ = select.select([descriptor], [], [], seconds)
    os.close(descriptor)
    if not ready:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ready else None


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
