"""Commands about runs that were: verify, roll back, list, report; each returns the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.cli.commands import answer, refuse
from consolidator_tui.cli.output import Output
from consolidator_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from consolidator_tui.domain.run import RunInfo
    from consolidator_tui.services.checking import RunCheck
    from consolidator_tui.services.rollback import RollbackReport

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

    def tell(found: RollbackReport) -> None:
        if as_json:
            output.object({"outcome": "rolled_back", **_plain(found)})
            return
        for file in found.files:
            done = "restored" if file.changed else "already as it was"
            kept = f"; kept aside: {', '.join(file.kept)}" if file.kept else ""
            output.result(f"{file.path}: {done}{kept}")

    return answer(output, lambda: undo(project, run, output.event), tell)


def runs(project: Path, *, as_json: bool) -> int:
    """List the runs of a project, oldest first."""
    from consolidator_tui.services.runs import list_run_infos

    output = Output(as_json=as_json)

    def tell(found: list[RunInfo]) -> None:
        if as_json:
            output.object({"outcome": "listed", "runs": [_run_object(info) for info in found]})
            return
        for info in found:
            files = f"{', '.join(info.sources)} -> {info.target}" if info.target else ""
            output.result(f"{info.name}  {_state(info)}  {info.size:,} bytes  {files}".rstrip())
        if not found:
            output.result("No runs yet.")

    return answer(output, lambda: list_run_infos(project), tell)


def report(project: Path, run: str | None) -> int:
    """Print a run's receipt."""
    from consolidator_tui.services.checking import read_report

    output = Output(as_json=False)

    def tell(found: tuple[Path, str]) -> None:
        output.document(found[1])
        output.note(f"From {found[0]}; report.html lies beside it.")

    return answer(output, lambda: read_report(project, run), tell)


def _state(info: RunInfo) -> str:
    """Where a run is, in a few words."""
    state = info.state
    if state is None:
        return info.problem or "unreadable"
    if state.rolled_back:
        return "rolled back"
    if state.promoted:
        return "consolidated, cleaned up" if state.cleaned else "consolidated"
    step = state.interrupted or state.current
    return f"unfinished at {step}" if step else "unfinished"
