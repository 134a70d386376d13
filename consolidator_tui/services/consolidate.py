"""A whole run without a screen: from the files of a project to its one database."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.errors import (
    Cancelled,
    ConsolidatorError,
    Failed,
    GateClosed,
    UsageError,
)
from consolidator_tui.domain.event import Emit, Level, Message, Step
from consolidator_tui.domain.merge import MergeResult, TableCounts
from consolidator_tui.domain.outcome import Outcome, Repeated, Result, RunOptions
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.selection import Selection
from consolidator_tui.domain.words import plural
from consolidator_tui.services.failure import translate
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.session import Session
from consolidator_tui.services.session.aftermath import NOT_FOLLOWED
from consolidator_tui.services.session.selecting import refuse_outside
from consolidator_tui.storage.atomic import explain_os
from consolidator_tui.storage.run_folder import Clock, utc_now

MAX_PLAN_BYTES = 256 * 2**20
_MOST_PLACES = 50
"""Messages about places that still name files to be deleted; the others are counted."""


async def consolidate(
    project: Path, options: RunOptions, emit: Emit, *, clock: Clock = utc_now
) -> Outcome:
    """Do the whole run and say what came of it; errors are outcomes, not exceptions.

    Every event goes to `emit`. Cancelling is a failure, too: what is staged is dropped, and what
    was put in place before stays.
    """
    messages: list[Message] = []
    timings: dict[str, float] = {}
    session: Session | None = None
    try:
        async with Session.open(project, clock=clock) as session:
            session.add_listener(emit)
            messages, timings = session.log.messages, session.log.timings
            return await _Run(session, options).go()
    except asyncio.CancelledError:
        # Whoever stopped it is told what had been done by then.
        return _failed(_stopped(session), session, messages, timings)
    except Exception as error:  # noqa: BLE001 - the contract: every failure is an outcome
        folder = None if session is None or session.run is None else session.run.path
        failure = translate(error, "The run", folder)
        return _failed(failure, session, messages, timings)


def _stopped(session: Session | None) -> Cancelled:
    if session is not None and (session.changed or session.edited):
        return Cancelled("What had been done by then is whole and stays.", todo="")
    return Cancelled("Nothing was changed.", todo="Run it again.")


def _failed(
    error: ConsolidatorError,
    session: Session | None,
    messages: Sequence[Message],
    timings: dict[str, float],
) -> Outcome:
    chosen = session.chosen if session else None
    told = Message(Step.DISCOVER, Level.ERROR, f"{error.title}: {error.sentence}", fix=error.todo)
    return Outcome(
        result=Result(error.outcome),
        exit_status=error.exit_status,
        target=chosen.target if chosen else "",
        run=session.run.name if session and session.run else "",
        tables=session.result.counts if session and session.result else (),
        skipped=chosen.skipped if chosen else {},
        messages=(*messages, told),
        timings=timings,
        changed=bool(session and session.changed),
        edited=session.edited if session else (),
        report=session.report_place if session else "",
        still_named=session.still_named if session else 0,
    )


class _Run:
    """One run on its way."""

    def __init__(self, session: Session, options: RunOptions) -> None:
        self.session = session
        self.options = options

    async def go(self) -> Outcome:
        """All steps in order. Raises ConsolidatorError."""
        session, options = self.session, self.options
        if not options.yes and not options.dry_run:
            raise UsageError(
                "A run writes the target.", todo="Add --yes, or --dry-run to see what would happen."
            )
        document, text = await self._document()
        await session.set_document(document, text, str(options.plan or "plan.toml"))
        await session.discover()
        await self._select(document)
        await session.inspect(checks=False)
        session.check_document()
        await session.back_up(check=False)
        result = await session.beside_checks(self._merge)
        if isinstance(result, Repeated):
            await session.take_repeated(result)
            await self._after()
            return await self._outcome(Result.CONSOLIDATED, 0)
        if result.needs_decisions:
            return await self._outcome(Result.NEEDS_DECISIONS, 3)
        await session.verify(promote_=not options.dry_run)
        if options.dry_run:
            await session.leave()
        else:
            await self._after()
        return await self._outcome(Result.CONSOLIDATED, 0)

    async def _merge(self) -> MergeResult | Repeated:
        """The staged target, or the earlier run that made the same of the same files."""
        session = self.session
        found = None if self.options.dry_run else await session.find_repeated()
        if found is not None:
            return found
        await session.make_plan()
        return await session.migrate()

    async def _after(self) -> None:
        """What was asked for beyond the target."""
        session, options = self.session, self.options
        # There is a receipt even when a gate ends the run behind this.
        await session.write_report()
        if options.configure:
            proposal = await session.propose_configuration(options.introduce_key)
            accepted = [
                (file.file, edit.start)
                for file in proposal.files
                for edit in file.edits
                if not edit.optional
            ]
            await session.configure(accepted)
            for note in proposal.notes:
                session.log.say(
                    Step.CONFIGURE, Level.WARNING, note.what, line=note.line, file=note.file
                )
        commands = await session.smoke_commands(options.smoke) if options.smoke else ()
        if commands:
            report = await session.smoke(commands)
            if not report.ok:
                await session.write_report()
                raise Failed(
                    report.reason,
                    title="The application does not work with it yet",
                    todo="Nothing was deleted. Correct it and run again, or roll back.",
                )
        if options.cleanup:
            gates = await session.gates()
            closed = [gate for gate in gates if not gate.open]
            hard = [gate for gate in closed if not gate.waivable]
            if hard:
                raise GateClosed(hard[0].reason, todo="Nothing was deleted.")
            self._tell_leftovers()
            for gate in gates:
                if gate.name == NOT_FOLLOWED:
                    session.log.say(Step.CLEANUP, Level.WARNING, gate.reason)
            if closed and not options.ignore_references:
                raise GateClosed(
                    "The application still names files that would be deleted, in "
                    f"{plural(session.still_named, 'place')}.",
                    todo=f"Nothing was deleted. Change these places{self._help()}, or add "
                    "--ignore-references.",
                )
            if session.deletable:
                await session.clean_up(session.confirmation_phrase())

    def _help(self) -> str:
        """What else may change the places, where it was not tried yet."""
        may = any(left.reference.editable for left in self.session.leftovers)
        return " (`--configure` makes the edits that are safe)" * (
            may and not self.options.configure
        )

    def _tell_leftovers(self) -> None:
        """A message for each place that still names a file which would be deleted."""
        found = self.session.leftovers
        for left in found[:_MOST_PLACES]:
            self.session.log.say(
                Step.CLEANUP,
                Level.WARNING,
                left.told(self.session.project),
                line=left.reference.line,
                file=left.reference.file,
            )
        told = {left.place for left in found[:_MOST_PLACES]}
        more_places = {left.place for left in found} - told
        if more_places:
            more = plural(len(more_places), "more place names", "more places name")
            text = f"{more} files that would be deleted."
            self.session.log.say(Step.CLEANUP, Level.WARNING, text)

    async def _document(self) -> tuple[PlanDocument, str]:
        """The plan that was given, with what the command line says on top."""
        document, text = PlanDocument(), ""
        if self.options.plan is not None:
            path = await asyncio.to_thread(plan_place, self.session.project, self.options.plan)
            text = await asyncio.to_thread(read_plan_text, path)
            # Ctrl-C is heard while a plan with very many decisions is read.
            document = await asyncio.to_thread(plan_file.loads, text, str(path))
        if self.options.on_conflict is not None:
            document = replace(document, on_conflict=self.options.on_conflict)
        return document, text

    async def _select(self, document: PlanDocument) -> None:
        options = self.options
        if not options.sources and not options.allow_outside:
            await asyncio.to_thread(refuse_outside, self.session.project, document.sources)
        wanted = Selection(
            sources=options.sources or document.sources,
            target=options.target or document.target,
            base=options.base or document.base,
        )
        kept = await asyncio.to_thread(with_existing_target, self.session.project, wanted)
        if kept is not wanted:
            self.session.log.say(
                Step.DISCOVER,
                Level.WARNING,
                f"{kept.target} exists, so it is the base; {wanted.base} comes next.",
                file=str(kept.target),
            )
        chosen = await self.session.select(kept)
        if chosen.reason:
            self.session.log.say(
                Step.DISCOVER,
                Level.INFO,
                f"The target is {chosen.target}: {chosen.reason}.",
                file=chosen.target,
            )
        for path, reason in chosen.warned.items():
            self.session.log.say(
                Step.DISCOVER, Level.WARNING, f"{path} is left out: {reason}", file=path
            )
        for path, reason in chosen.passed_over.items():
            named = " ".join(f"--source {shlex.quote(name)}" for name in (*chosen.sources, path))
            self.session.log.say(
                Step.DISCOVER,
                Level.WARNING,
                f"{path} has rows and was not taken: {reason} `--source` takes it; every file "
                "that is to take part must be named then.",
                file=path,
                fix=named,
            )

    async def _outcome(self, result: Result, status: int) -> Outcome:
        session = self.session
        await session.write_report()
        chosen = session.chosen
        assert chosen is not None
        counts: tuple[TableCounts, ...] = session.result.counts if session.result else ()
        return Outcome(
            result=result,
            exit_status=status,
            target=chosen.target,
            run=session.run.name if session.run else "",
            tables=counts,
            skipped=chosen.skipped,
            sources=chosen.sources,
            messages=tuple(session.log.messages),
            timings=session.log.timings,
            changed=session.changed,
            edited=session.edited,
            report=session.report_place,
            still_named=session.still_named,
        )


def with_existing_target(project: Path, wanted: Selection) -> Selection:
    """The selection when a run is repeated: its target is there now, and is the base.

    A base that is named beside it keeps the first place among the other sources. Blocking.
    """
    if wanted.base is None or wanted.target is None:
        return wanted
    base, target = (os.path.normpath(project / name) for name in (wanted.base, wanted.target))
    paths = [os.path.normpath(project / name) for name in wanted.sources]
    if base == target or base not in paths or not Path(target).is_file():
        return wanted
    if Path(target).stat().st_size == 0 or Path(target).samefile(base):
        return wanted
    first = wanted.sources[paths.index(base)]
    others = tuple(name for name in wanted.sources if name != first)
    return replace(wanted, sources=(first, *others), base=None)


def plan_place(project: Path, plan: Path) -> Path:
    """Where the plan is: from here, as a shell says it, else from the project. Blocking."""
    inside = project / plan
    return inside if not plan.exists() and inside.is_file() else plan


def read_plan_text(path: Path) -> str:
    """The text of a plan document. Blocking. Raises UsageError when it cannot be read."""
    try:
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise UsageError(f"{path} is too large for a plan.")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", todo="Check the path after --plan.") from None
    except OSError as error:
        told = explain_os(error, str(path))
        raise UsageError(told.sentence, todo="Check the path after --plan.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text, so it is no TOML.") from error
