"""One project on the bench: set up, stopped at one call, and everything checked afterwards."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.crash import power
from tests.crash.backups import has_manifest, pretenders, run_names
from tests.crash.projects import PROJECTS
from tests.crash.scenarios import RUN, Scenario, rollback
from tests.crash.shim import Call, Control, Mode
from tests.crash.state import (
    Tree,
    copy_tree,
    differences,
    in_between,
    lay_out,
    outside,
    same,
    torn,
)
from tests.crash.worker import Done, Worker

_STATUSES = {0, 1, 2, 3, 4}
_SAYS = {Mode.FULL: r"disk|space", Mode.DEAD: r"disk|input/output|I/O"}
_TRACEBACK = re.compile(r"Traceback|unexpected error|Exception ignored|Error: \[Errno")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    scenario: str
    mode: str
    call: str
    harmful: bool
    """Data, backup or the way on is at risk; otherwise only what was said is wrong."""
    text: str

    def __str__(self) -> str:
        kind = "HARMFUL" if self.harmful else "badly told"
        return f"{kind} {self.scenario}, {self.mode} at call {self.call}: {self.text}"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a scenario comes to when nothing stops it."""

    pristine: Tree
    start: Tree
    end: Tree
    calls: tuple[Call, ...]
    problems: tuple[str, ...] = ()
    """Why it cannot be stopped: it does not end well by itself."""


@dataclass(slots=True)
class Stop:
    """One stop and what was found."""

    reached: bool
    findings: list[Finding] = field(default_factory=list)


class Bench:
    """A scratch folder with a worker."""

    def __init__(self, library: Path, scratch: Path, seen: Path) -> None:
        """`seen` is a folder that all benches of a sweep share."""
        self._scratch = scratch
        self._seen = seen
        self._temporary = scratch / "tmp"
        self._temporary.mkdir()
        self._worker = Worker(library, self._temporary)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def reference(self, scenario: Scenario) -> Reference:
        """Run a scenario without a stop."""
        made = self._scratch / "made"
        made.mkdir()
        PROJECTS[scenario.project](made)
        pristine = outside(made)
        shutil.rmtree(made)
        project, problems = self._set_up(scenario, pristine)
        start = outside(project)
        done, control = self._run(scenario.arguments(project), project, Mode.COUNT)
        if done.status != 0:
            problems.append(f"ended with status {done.status}: {_last_words(done)}")
        if not problems and scenario.ends_with_start:
            problems += differences(outside(project), pristine)
            problems += torn(outside(project), pristine)
        return Reference(pristine, start, outside(project), tuple(control.calls()), tuple(problems))

    def stop(self, scenario: Scenario, expected: Reference, mode: Mode, number: int) -> Stop:
        """Run a scenario, stop it at a call, and check everything."""
        project, problems = self._set_up(scenario, expected.pristine)
        # Files that the commands before it wrote are not the same bytes every time.
        expected = replace(expected, start=outside(project))
        before = power.look(project) if mode is Mode.POWER else None
        done, control = self._run(scenario.arguments(project), project, mode, number)
        calls = control.calls()
        call = str(calls[number - 1]) if control.struck else f"{number} (after the end)"
        found = Stop(control.struck or mode is Mode.POWER)
        inspector = _Inspection(self, scenario, expected, mode, number, call)
        for text in problems:
            inspector.harmful(text)
        if done.status is None:
            inspector.harmful(f"it hung at {_last_words(done)}")
        if control.struck and mode in _SAYS:
            inspector.check_words(done, mode, outside(project))
        elif not control.struck and done.status != 0:
            inspector.harmful(f"ended with status {done.status}: {_last_words(done)}")
        # Asked now: the next command takes the control file away.
        finished = not control.struck
        if before is not None:
            certain, last = power.synced(before, control.folder), power.look(project)
            made = calls if finished else calls[: number - 1]
            states = [
                (variants, disk)
                for variants, disk in power.states(certain, last, number)
                if self._is_new(scenario, variants, made, finished=finished)
            ]
            for place, (variants, disk) in enumerate(states):
                shutil.rmtree(project)
                power.write(disk, project)
                inspector.mode = f"{mode} ({'/'.join(variants)})"
                # What follows the second run is looked at for one of them, each time another.
                inspector.far = place == number % len(states)
                inspector.check_state(project, finished=finished)
        else:
            inspector.check_state(project, finished=finished)
        found.findings = inspector.findings
        return found

    def command(self, arguments: list[str], project: Path) -> Done:
        """Run a command to its end, in a process of its own, without a stop."""
        return self._run(arguments, project, Mode.COUNT)[0]

    def follow(self, arguments: list[str], *, first: bool) -> Done:
        """The same without threads; only the `first` of a row begins a new process."""
        self._sweep_temporary()
        return self._worker.follow(arguments, first=first)

    def copy(self, project: Path) -> Path:
        """A second project that is the same."""
        twin = project.with_name("twin")
        shutil.rmtree(twin, ignore_errors=True)
        copy_tree(project, twin)
        return twin

    def _is_new(
        self, scenario: Scenario, variants: list[str], calls: list[Call], *, finished: bool
    ) -> bool:
        """Whether no bench has checked the state that these variants give after these calls."""
        new = True
        for variant in variants:
            came = power.origin(variant, calls)
            if came is not None:
                told = f"{scenario.name} {finished} {came}"
                try:
                    (self._seen / hashlib.sha256(told.encode()).hexdigest()).touch(exist_ok=False)
                except FileExistsError:
                    new = False
        return new

    def _set_up(self, scenario: Scenario, pristine: Tree) -> tuple[Path, list[str]]:
        project = self._scratch / "project"
        shutil.rmtree(project, ignore_errors=True)
        ready = self._scratch / f"ready {scenario.name}"
        if ready.exists():
            copy_tree(ready, project)
            return project, []
        project.mkdir()
        lay_out(pristine, project)
        problems = []
        for arguments in scenario.before:
            done = self.command(arguments(project), project)
            if done.status != 0:
                problems.append(f"{arguments(project)[0]} failed: {_last_words(done)}")
        if not problems:
            # What went before is the same for every stop.
            copy_tree(project, ready)
        return project, problems

    def _run(
        self, arguments: list[str], project: Path, mode: Mode, number: int = 0
    ) -> tuple[Done, Control]:
        self._sweep_temporary()
        folder = Path(tempfile.mkdtemp(prefix="control-", dir=self._temporary))
        control = Control(folder, project, mode, number)
        return self._worker.run(arguments, control.path), control

    def _sweep_temporary(self) -> None:
        shutil.rmtree(self._temporary)
        self._temporary.mkdir()


class _Inspection:
    """Everything that must hold after one stop."""

    def __init__(
        self,
        bench: Bench,
        scenario: Scenario,
        expected: Reference,
        mode: Mode,
        number: int,
        call: str,
    ) -> None:
        self.mode = str(mode)
        self.far = True
        """Also look at what comes after the command was repeated."""
        self.findings: list[Finding] = []
        self._bench = bench
        self._scenario = scenario
        self._expected = expected
        self._number = number
        self._call = call
        self._alone = True
        """The next command begins a process of its own."""

    def harmful(self, text: str) -> None:
        """Data, backup or the way on is at risk."""
        self._add(text, harmful=True)

    def _add(self, text: str, *, harmful: bool) -> None:
        name = self._scenario.name
        self.findings.append(Finding(name, self.mode, self._call, harmful, text))

    def check_words(self, done: Done, mode: Mode, found: Tree) -> None:
        """A failing disk is told in a plain sentence, and the exit status is true."""
        if done.status not in _STATUSES:
            self._add(f"exit status {done.status}: {_last_words(done)}", harmful=False)
        if _TRACEBACK.search(done.text):
            self._add(f"a traceback: {_last_words(done)}", harmful=False)
        arrived = not same(found, self._expected.end)
        if done.status == 0:
            if not arrived:
                self.harmful("status 0, but it is not done")
            return
        closing = done.closing
        if closing is None:
            self._add(f"no closing object: {_last_words(done)}", harmful=False)
            return
        words = json.dumps(closing.get("messages"))
        if not re.search(_SAYS[mode], words, re.IGNORECASE):
            self._add(f"no sentence about the disk: {words[-300:]}", harmful=False)
        if self._scenario.arguments(Path())[0] != "run":
            return
        moved = bool(same(found, self._expected.start))
        if moved and done.status == 1 and not closing.get("changed"):
            self._add("status 1 says that nothing changed, but files did", harmful=False)

    def check_state(self, project: Path, *, finished: bool) -> None:
        """Old or new and whole; the backup is one; back and forth both still lead there."""
        expected, found = self._expected, outside(project)
        for text in in_between(found, expected.start, expected.end):
            self.harmful(text)
        if finished:
            for text in same(found, expected.end):
                self.harmful(f"after the end: {text}")
        states = [expected.pristine, expected.start, expected.end, found]
        for text in pretenders(project, states):
            self.harmful(text)
        # Where nothing has changed yet, what follows a second run was seen many times.
        self._alone = True
        thorough = self.far and (found != expected.start or self._number % 5 == 0)
        self._check_back(self._bench.copy(project))
        self._check_on(project, thorough=thorough)

    def _check_back(self, project: Path) -> None:
        """Roll back gives the bytes from before."""
        runs = run_names(project)
        if not runs or not has_manifest(project, runs[-1]):
            # Nothing may have been changed yet.
            self._expect("without a backup", differences(outside(project), self._expected.pristine))
            return
        done = self._command(rollback(project), project)
        found, pristine = outside(project), self._expected.pristine
        told = differences(found, pristine) + torn(found, pristine)
        if done.status != 0 and (told or not _refused(done)):
            self.harmful(f"roll back ended with {done.status}: {_last_words(done)}")
        self._expect("roll back", told)

    def _check_on(self, project: Path, *, thorough: bool) -> None:
        """The same command finishes; repeated it changes nothing; all runs can be rolled back."""
        arguments = self._scenario.arguments(project)
        done = self._command(arguments, project)
        if done.status != 0 and "--cleanup" in arguments:
            # Sources may be gone: that is said, and roll back brings them.
            if not _refused(done):
                self.harmful(f"again ended with {done.status}: {_last_words(done)}")
            self._command(rollback(project), project)
            done = self._command(arguments, project)
        if done.status != 0:
            self.harmful(f"again ended with {done.status}: {_last_words(done)}")
        after = outside(project)
        self._expect("again", same(after, self._expected.end))
        if not thorough:
            return
        if self._scenario.arguments is RUN:
            done = self._command(arguments, project)
            if done.status != 0 or (done.closing or {}).get("changed") is not False:
                self.harmful(f"a repeated run ended with {done.status}: {_last_words(done)}")
            self._expect("a repeated run", differences(outside(project), after))
        for run in reversed(run_names(project)):
            if has_manifest(project, run):
                done = self._command(rollback(project, run), project)
                if done.status != 0 and not _refused(done):
                    text = f"ended with {done.status}: {_last_words(done)}"
                    self.harmful(f"roll back of {run} {text}")
        found, pristine = outside(project), self._expected.pristine
        self._expect("all rolled back", differences(found, pristine) + torn(found, pristine))

    def _command(self, arguments: list[str], project: Path) -> Done:
        if self._number % 8 == 0:
            return self._bench.command(arguments, project)
        first, self._alone = self._alone, False
        return self._bench.follow(arguments, first=first)

    def _expect(self, when: str, told: list[str]) -> None:
        for text in told:
            self.harmful(f"{when}: {text}")


def _refused(done: Done) -> bool:
    """It said in plain words why it does nothing."""
    return done.status in {1, 4} and done.closing is not None and not _TRACEBACK.search(done.text)


def _last_words(done: Done) -> str:
    closing = done.closing
    if closing is not None:
        return json.dumps(closing.get("messages", closing))[-400:]
    return done.text.strip()[-400:]
