"""Commands about runs that were: verify, roll back, list, report; each returns the exit status."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.cli.commands import answer, refuse
from consolidator_tui.cli.output import Output, as_plain
from consolidator_tui.domain.errors import UsageError
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.project_folder import require_folder

if TYPE_CHECKING:
    from consolidator_tui.domain.run import RunInfo
    from consolidator_tui.services.checking import RunCheck
    from consolidator_tui.services.rollback import RollbackReport
    from consolidator_tui.services.undoing import Undone

DAMAGED = 4
"""A backup that is not what it was: nothing may be built on it."""
FAILED = 1


def verify(project: Path, run: str | None, *, as_json: bool) -> int:
    """Check a run's backup and target again."""
    from consolidator_tui.services.checking import check_run

    output = Output(as_json=as_json)

    def tell(found: RunCheck) -> int:
        if as_json:
            output.object(found.as_object())
        else:
            for check in found.checks:
                place = f" {check.table}" if check.table else ""
                mark = "ok  " if check.ok else "FAIL"
                output.result(f"{mark} {check.name}{place}: {check.detail}")
        if found.ok:
            return 0
        return FAILED if found.checks[0].ok else DAMAGED

    return answer(output, lambda: check_run(project, run, output.event), tell)


def rollback(project: Path, run: str | None, *, yes: bool, as_json: bool) -> int:
    """Put everything back as it was before a run."""
    from consolidator_tui.services.undoing import undo

    output = Output(as_json=as_json)
    if not yes:
        error = UsageError(
            "Rolling back replaces files by what they were before the run.", todo="Add --yes."
        )
        return refuse(error, output)

    def tell(found: Undone) -> None:
        if as_json:
            output.object({"outcome": "rolled_back", **_undone_object(found)})
            return
        for name, report in found.runs:
            _tell_undone(name, report, output)
        for name in found.earlier:
            command = f"consolidator-tui rollback {shlex.quote(str(project))} {name} --yes"
            output.result(f"Run {name} before it changed files too and is in force: {command}")

    return answer(output, lambda: undo(project, run, output.event), tell)


def _tell_undone(name: str, report: RollbackReport, output: Output) -> None:
    output.result(f"Run {name} is rolled back.")
    for told, paths in (
        ("put back", report.restored),
        ("removed, it did not exist before", report.removed),
        ("already as it was", report.unchanged),
        ("left as it is: written since its backup, and not by this run", report.left),
    ):
        for path in paths:
            output.result(f"{path}: {told}")
    for path in report.kept:
        output.result(f"What was in its place is kept in the run's folder: {path}")


def _undone_object(found: Undone) -> dict[str, object]:
    """The oldest run, which everything is as before, at the top; all of them under `runs`."""
    name, report = found.runs[-1]
    every = [{"run": run, **as_plain(each)} for run, each in found.runs]
    return {"run": name, **as_plain(report), "runs": every, "earlier": list(found.earlier)}


def runs(project: Path, *, as_json: bool) -> int:
    """List the runs of a project, oldest first."""
    from consolidator_tui.services.runs import describe_runs

    output = Output(as_json=as_json)

    def tell(found: list[RunInfo]) -> None:
        if as_json:
            output.object({"outcome": "listed", "runs": [_run_object(info) for info in found]})
            return
        for info in found:
            size = plural(info.size, "byte")
            output.result(f"{info.name}  {info.outcome}  {size}  {info.files}".rstrip())
            if info.problem:
                output.result(f"    {info.problem}")
        if not found:
            output.result("No runs yet.")
        spare = sum(info.size for info in found if not info.needed)
        if spare:
            place = shlex.quote(str(project))
            output.note(
                f"{plural(spare, 'byte')} {verb(spare, 'is', 'are')} not needed: "
                f"consolidator-tui runs {place} --prune --yes"
            )

    return answer(output, lambda: describe_runs(_folder(project)), tell)


def prune(project: Path, names: Sequence[str], *, yes: bool, as_json: bool) -> int:
    """Delete runs with their backups: those that are named, else those that nothing needs."""
    from consolidator_tui.services.runs import prune_runs

    output = Output(as_json=as_json)

    def tell(found: list[RunInfo]) -> None:
        freed = sum(info.size for info in found)
        if as_json:
            removed = [_run_object(info) for info in found]
            output.object({"outcome": "pruned", "bytes": freed, "removed": removed})
            return
        for info in found:
            output.result(f"{info.name}  {info.outcome}: removed, {plural(info.size, 'byte')}")
        if not found:
            output.result("Every run is needed; name one to remove it all the same.")

    return answer(output, lambda: prune_runs(_folder(project), names, confirmed=yes), tell)


def _folder(project: Path) -> Path:
    require_folder(project)
    return project


def report(project: Path, run: str | None) -> int:
    """Print a run's receipt."""
    from consolidator_tui.services.checking import read_report

    output = Output(as_json=False)

    def tell(found: tuple[Path, str]) -> None:
        output.document(found[1])
        output.note(f"From {found[0]}; report.html lies beside it.")

    return answer(output, lambda: read_report(project, run), tell)


def _run_object(info: RunInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "state": info.outcome,
        "size": info.size,
        "backup_size": info.backup_size,
        "backup_complete": info.backup_complete,
        "only_copy": info.only_copy,
        "needed": info.needed,
        "sources": list(info.sources),
        "target": info.target,
        "problem": info.problem,
    }
