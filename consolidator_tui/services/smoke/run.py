"""Running smoke commands on a disposable copy of the project."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from consolidator_tui.domain.errors import FileRefused
from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.smoke import (
    CommandKind,
    Finding,
    FindingKind,
    InitCheck,
    SmokeCommand,
    SmokeEnded,
    SmokeReport,
    SmokeStarted,
    Start,
    StartResult,
    Verdict,
    started_in,
)
from consolidator_tui.services.smoke import contents, copying, process
from consolidator_tui.services.smoke.copying import Scratch
from consolidator_tui.services.smoke.schema import schema_differences
from consolidator_tui.services.smoke.starting import Starter
from consolidator_tui.services.smoke.surroundings import World, make_world
from consolidator_tui.services.smoke.watch import Judge, Knowledge
from consolidator_tui.storage.worker import in_thread, to_the_end

LEFTOVER = "smoke"
"""File in the run's folder that names the scratch folder while there is one."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a smoke run works on."""

    project: Path
    """Absolute."""
    target: str
    """The unified database, relative to the project."""
    sources: tuple[str, ...]
    """The old databases (the target may be among them), relative to the project."""
    knowledge: Knowledge = field(default_factory=Knowledge)
    run: Path | None = None
    """The run's folder, where the place of the copy is noted until it is removed."""
    temporary: Path | None = None
    """Where the copy is made; None: where the system keeps temporary files."""
    environment: Mapping[str, str] | None = None
    """The variables that commands inherit; None: those of this process."""


async def smoke(ground: Ground, commands: Sequence[SmokeCommand], emit: Emit) -> SmokeReport:
    """Run the commands one after the other, each from all its places, and judge what they did.

    The project itself is only read. Emits SmokeStarted, SmokeOutput, SmokeEnded, Message and
    Progress. Cancelling ends all processes and removes the copy. Raises DiskFull, FileRefused,
    sqlite3.Error (the target cannot be read).
    """
    began = time.monotonic()
    await clear_leftover(ground.run)
    real = await in_thread(lambda _stop: _real_state(ground))
    parent = ground.temporary or Path(tempfile.gettempdir())
    scratch = await in_thread(lambda _stop: copying.make_scratch(parent))
    try:
        await in_thread(lambda _stop: _note(ground.run, scratch))
        world = await _prepare(ground, commands, scratch)
        _tell_unreadable(world, emit)
        results, init = await _run_all(world, ground, commands, emit)
    finally:
        await to_the_end(_clear(scratch, ground.run, emit))
    found = await in_thread(lambda _stop: _real_changes(ground, real))
    report = SmokeReport(tuple(results), init, tuple(found), time.monotonic() - began)
    _tell(report, emit)
    emit(PhaseTimed(Step.CONFIGURE, "smoke", report.seconds))
    return report


async def _prepare(ground: Ground, commands: Sequence[SmokeCommand], scratch: Scratch) -> World:
    left_out = [path for path in ground.sources if path != ground.target]
    folder = scratch.root / (ground.project.name or "project")
    copy = await in_thread(
        lambda stop: copying.make_copy(
            ground.project, folder, target=ground.target, left_out=left_out, stop=stop
        )
    )
    target = ground.project / ground.target
    if not await in_thread(lambda _stop: target.is_file()):
        raise FileRefused(f"{ground.target}: it is not there any more.", todo="Roll back.")
    await contents.take(target, scratch.pristine)
    await in_thread(lambda _stop: contents.put_back(scratch.pristine, folder / ground.target))
    folders = [start.folder for command in commands for start in command.starts]
    outer = os.environ if ground.environment is None else ground.environment
    return await in_thread(lambda _stop: make_world(scratch, copy, folders, outer))


async def _run_all(
    world: World, ground: Ground, commands: Sequence[SmokeCommand], emit: Emit
) -> tuple[list[StartResult], InitCheck | None]:
    starter = Starter(world, Judge(world.scratch, world.copy, ground.knowledge), emit)
    jobs = [(command, start) for command in commands for start in command.starts]
    creator = next((c for c in commands if c.kind is CommandKind.CREATE), None)
    creator = creator or next((c for c in commands if c.kind is CommandKind.SERVER), None)
    if creator is not None:
        creator = replace(creator, name=f"{creator.name}, without a database")
    total = len(jobs) + (creator is not None)
    results: list[StartResult] = []
    for number, (command, start) in enumerate(jobs, start=1):
        emit(Progress(Step.CONFIGURE, command.name, number - 1, total, "commands", "running"))
        emit(SmokeStarted(Step.CONFIGURE, command.name, start.folder, number, total))
        results.append(await starter.start(command, start))
        emit(_ended(results[-1]))
    init = None
    if creator is not None and creator.starts:
        emit(Progress(Step.CONFIGURE, creator.name, total - 1, total, "commands", "creating"))
        emit(SmokeStarted(Step.CONFIGURE, creator.name, creator.starts[0].folder, total, total))
        init = await _init_check(starter, creator, creator.starts[0])
        if init is not None:
            emit(_ended(init.result))
    return results, init


async def _init_check(starter: Starter, command: SmokeCommand, start: Start) -> InitCheck | None:
    """Run the creation command without a database; a server that makes none proves nothing."""
    copy, pristine = starter.world.copy, starter.world.scratch.pristine
    target = copy.folder / copy.target
    await in_thread(lambda _stop: contents.remove(target))
    result = await starter.start(command, start)
    made = await in_thread(lambda _stop: target.is_file() and target.stat().st_size > 0)
    differences = await schema_differences(target, pristine) if made else ()
    await in_thread(lambda _stop: contents.put_back(pristine, target))
    if not made and command.kind is CommandKind.SERVER:
        return None
    return InitCheck(result, made, differences)


def _ended(result: StartResult) -> SmokeEnded:
    files = tuple(finding.file for finding in result.findings)
    return SmokeEnded(
        Step.CONFIGURE,
        result.command,
        result.start.folder,
        result.verdict,
        result.ok,
        result.seconds,
        result.reason,
        files,
    )


def _tell(report: SmokeReport, emit: Emit) -> None:
    """Each thing that is wrong, once, as a message."""

    def say(level: Level, text: str, file: str = "") -> None:
        emit(Message(Step.CONFIGURE, level, text, file=file))

    results = [*report.results, *([report.init.result] if report.init else [])]
    for result in results:
        for finding in result.findings:
            say(Level.WARNING, f"{result.command}: {_finding_text(finding)}", finding.file)
        if result.verdict is not Verdict.PASSED:
            text = f"{started_in(result.command, result.start.folder)}: {result.reason}"
            if not result.start.required:
                text += " It is not normally started there, so that alone stops nothing."
            say(Level.WARNING, text)
    for finding in report.findings:
        say(Level.WARNING, _finding_text(finding), finding.file)
    for difference in report.init.differences if report.init else ():
        say(Level.WARNING, f"A new database would differ: {difference}.")
    if report.init is not None and not report.init.made:
        say(Level.WARNING, report.reason)


def _finding_text(finding: Finding) -> str:
    named = f" It is named in {', '.join(finding.references[:3])}." if finding.references else ""
    return finding.sentence + named


def _tell_unreadable(world: World, emit: Emit) -> None:
    for path in world.copy.unreadable:
        text = f"{path} could not be read, so it is not in the copy."
        emit(Message(Step.CONFIGURE, Level.WARNING, text, file=path))


def _real_state(ground: Ground) -> dict[str, tuple[int, int] | None]:
    """Size and time of change of the real databases. Blocking."""
    return {path: _stat(ground.project / path) for path in {*ground.sources, ground.target}}


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None  # Not there: that it still is not is compared as well.
    return status.st_size, status.st_mtime_ns


def _real_changes(ground: Ground, before: Mapping[str, tuple[int, int] | None]) -> list[Finding]:
    now = _real_state(ground)
    return [
        Finding(
            FindingKind.REAL_CHANGED,
            path,
            f"{path} of the project itself changed while the commands ran on the copy: one of"
            " them, or another program, wrote to it.",
        )
        for path in sorted(now)
        if now[path] != before[path]
    ]


def _note(run: Path | None, scratch: Scratch) -> None:
    if run is not None:
        (run / LEFTOVER).write_bytes(os.fsencode(scratch.root))


async def clear_leftover(run: Path | None) -> None:
    """Remove the copy that a process which died left, and end what it started."""
    if run is not None:
        await in_thread(lambda _stop: _clear_leftover(run))


def _clear_leftover(run: Path) -> None:
    note = run / LEFTOVER
    try:
        root = Path(os.fsdecode(note.read_bytes()))
    except FileNotFoundError:
        return
    if root.name.startswith("consolidator-smoke-"):
        process.kill_marked(root.name)
        if root.is_dir():
            remove_tree(root)
    note.unlink()


async def _clear(scratch: Scratch, run: Path | None, emit: Emit) -> None:
    def work() -> str:
        process.kill_marked(scratch.root.name)
        try:
            remove_tree(scratch.root)
        except OSError as error:
            return f"The disposable copy {scratch.root} could not be removed: {error.strerror}."
        if run is not None:
            (run / LEFTOVER).unlink(missing_ok=True)
        return ""

    problem = await in_thread(lambda _stop: work())
    if problem:
        emit(Message(Step.CONFIGURE, Level.WARNING, problem))


def remove_tree(root: Path) -> None:
    """Remove a folder, folders without write permission in it as well. Blocking. OSError."""
    for folder, _, _ in os.walk(root):
        with suppress(PermissionError):
            os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101
    shutil.rmtree(root)
