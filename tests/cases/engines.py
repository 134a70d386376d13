"""The ways in which a case can run the command: they all answer the same contract.

`subprocess` is what a user does and the default. `inprocess` calls the same entry without a new
interpreter. `naive` is `INSERT OR IGNORE` over ATTACH, what people do by hand: it is here to prove
that the cases notice wrong merges, and most of them must fail with it. `reference` is the slow
merge in plain Python: it knows no drift, no plan and no odd file, but where it applies a case must
pass, which proves that the cases accept right merges.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from ..support import reference_merge
from . import naive

TIMEOUT = 120.0
ROOT = Path(__file__).resolve().parents[2]
KIND_VARIABLE = "CONSOLIDATOR_CASES_RUN"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run of the command left behind."""

    status: int
    stdout: str
    stderr: str
    seconds: float


def run_command(arguments: list[str], kind: str | None = None) -> Finished:
    """Run `consolidator-tui` with `arguments`; `kind` or the environment says how."""
    how = kind or os.environ.get(KIND_VARIABLE, "subprocess")
    runner = {
        "subprocess": _subprocess,
        "inprocess": _inprocess,
        "naive": _naive,
        "reference": _reference,
    }[how]
    return runner(arguments)


def _subprocess(arguments: list[str]) -> Finished:
    environment = dict(os.environ)
    path = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{path}" if path else str(ROOT)
    environment["PYTHONWARNINGS"] = "default"
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "consolidator_tui", *arguments],
            capture_output=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode("utf-8", "replace")
        return Finished(-1, output, f"no end within {TIMEOUT:.0f} s", TIMEOUT)
    return Finished(
        done.returncode,
        done.stdout.decode("utf-8", "surrogateescape"),
        done.stderr.decode("utf-8", "surrogateescape"),
        time.perf_counter() - started,
    )


def _inprocess(arguments: list[str]) -> Finished:
    """Not for several threads at once: it redirects the output of the whole process."""
    main = import_module("consolidator_tui.cli.main").main
    out, err = io.StringIO(), io.StringIO()
    status: object = 0
    before = sys.argv
    started = time.perf_counter()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.argv = ["consolidator-tui", *arguments]
        try:
            status = main()
        except SystemExit as end:
            status = end.code
        except Exception:  # noqa: BLE001 - a traceback is a finding of the case, not ours
            traceback.print_exc()
            status = 1
        finally:
            sys.argv = before
    code = status if isinstance(status, int) else int(status is not None)
    return Finished(code, out.getvalue(), err.getvalue(), time.perf_counter() - started)


def _paths(arguments: list[str]) -> tuple[list[Path], Path]:
    """Sources and target of a `run` command line."""
    project, target, sources = Path(arguments[1]), "", []
    for flag, value in pairwise(arguments):
        if flag == "--target":
            target = value
        if flag == "--source":
            sources.append(project / value)
    return sources, project / target


def _answer(status: int, outcome: str, target: Path, *messages: str) -> Finished:
    answer: dict[str, object] = {
        "outcome": outcome,
        "target": target.name,
        "run": "none",
        "messages": messages,
    }
    answer |= {"tables": {}, "skipped": {}, "timings": {}}
    return Finished(status, json.dumps(answer), "", 0.0)


def _naive(arguments: list[str]) -> Finished:
    sources, target = _paths(arguments)
    try:
        naive.merge(sources, target)
    except Exception as error:  # noqa: BLE001 - the naive way may crash in any manner
        return _answer(1, "failed", target, str(error))
    return _answer(0, "consolidated", target)


def _reference(arguments: list[str]) -> Finished:
    sources, target = _paths(arguments)
    try:
        reference_merge.write(reference_merge.merge(sources), target)
        naive.copy_objects(sources, target)
    except reference_merge.UndecidedError as error:
        return _answer(3, "needs_decisions", target, str(error))
    except Exception as error:  # noqa: BLE001 - it is made for ordinary tables only
        target.unlink(missing_ok=True)
        return _answer(1, "failed", target, str(error))
    return _answer(0, "consolidated", target)
