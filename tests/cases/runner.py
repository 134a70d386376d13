"""Run one case in a folder of its own and say how it went."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from .lib import CaseFailed, Project
from .registry import all_cases


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case went; `reason` is empty when it passed."""

    name: str
    passed: bool
    outcome: str
    reason: str
    seconds: float


def judge(name: str, kind: str | None = None, keep: bool = False) -> Verdict:
    """Build, run and judge the case called `name`; its folder goes away unless kept."""
    body = next(case.body for case in all_cases() if case.name == name)
    folder = Path(tempfile.mkdtemp(prefix=f"case-{name}-"))
    project = Project(folder, kind)
    started = time.perf_counter()
    reason = ""
    try:
        body(project)
    except CaseFailed as error:
        reason = str(error)
    except Exception:  # noqa: BLE001 - a broken case is reported like a failed one
        reason = "the case itself broke: " + traceback.format_exc(limit=-3)
    seconds = time.perf_counter() - started
    outcome = project.last.outcome if project.last else "none"
    if reason and keep:
        reason += f" (kept: {folder})"
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return Verdict(name, not reason, outcome, reason, seconds)
