"""After the target is in place: configuration, clean up, roll back, and the receipt."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain import run as machine
from consolidator_tui.domain.errors import ConsolidatorError, GateClosed
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.domain.run import Fact, RunState
from consolidator_tui.domain.smoke import STORED
from consolidator_tui.domain.words import plural
from consolidator_tui.services.lazy import load
from consolidator_tui.services.session.stepping import Stepping

if TYPE_CHECKING:
    from consolidator_tui.domain.discovery import FoundFile
    from consolidator_tui.domain.reference import Proposal, Reference, ReferenceReport
    from consolidator_tui.domain.selection import Lead
    from consolidator_tui.services.cleanup import Gate
    from consolidator_tui.services.references import Leftover
    from consolidator_tui.services.rollback import RollbackReport

RECEIPT = "receipt"
"""Name of the document of `run.db` from which the receipt can be written again."""
ANYWAY = " anyway"
"""What the phrase ends with where the application's source still names the files."""
NOT_FOLLOWED = "paths not followed"
"""Name of the gate that tells what could not be read; it is always open."""
_TOLD = 8


class Aftermath(Stepping):
    """The part of a session that follows promotion, and what the application's source says."""

    # References

    async def find_references(self) -> ReferenceReport:
        """Everything in the project's text that names an SQLite file; read once."""
        await load("references")
        from consolidator_tui.services import references

        if self.references is None:
            with self.explained("Looking for references"):
                self.references = await references.find_references(
                    self.project, self.emit, databases=self._database_paths()
                )
        return self.references

    def explain(self, file: FoundFile) -> tuple[Reference, ...]:
        """Why a file exists: the references that lead to it. Empty before they were found."""
        from consolidator_tui.services import references

        if self.references is None:
            return ()
        return tuple(references.explain(self.references, self.project / file.path))

    def leads(self, files: Collection[FoundFile]) -> dict[str, Lead]:
        """What leads to each of the files, by its path. Empty before references were found."""
        if self.references is None:
            return {}
        from consolidator_tui.services.references.leads import leads

        return leads(self.references, files)

    def _database_paths(self) -> list[Path]:
        if self.discovery is None and self.chosen is not None:
            # A run that was taken up behind Discover.
            names = {*self.chosen.sources, self.chosen.target}
            return [self.project / path for path in sorted(names)]
        files = self.discovery.files if self.discovery else ()
        return [self.project / file.path for file in files]

    # Configure

    async def propose_configuration(self, introduce_key: str | None = None) -> Proposal:
        """The edits after which the application uses only the target, and what is left to do.

        `introduce_key`: an environment variable that hard-coded paths shall read first.
        """
        await load("references")
        from consolidator_tui.services import references

        chosen = self.need_chosen()
        if self.references is not None and await asyncio.to_thread(_outdated, self.references):
            self.references = None
        report = await self.find_references()
        with self.explained("The proposal"):
            self.proposal = await references.propose(
                self.project,
                report,
                target=self.project / chosen.target,
                databases=[self.project / path for path in chosen.sources],
                introduce_key=introduce_key,
            )
        return self.proposal

    async def configure(self, accepted: Sequence[tuple[str, int]]) -> tuple[Path, ...]:
        """Apply the accepted edits (file and start of each), each file backed up in the run.

        Returns the files that were written. Raises FileRefused when one changed since the proposal
        was made: nothing is written then, and the next proposal looks at the files again.
        """
        from consolidator_tui.services.backup import load_manifest
        from consolidator_tui.services.configuring import apply_edits

        run = self.need_run()
        proposal = self.proposal or await self.propose_configuration()
        wanted = set(accepted)
        edits = [
            replace(file, edits=tuple(e for e in file.edits if (file.file, e.start) in wanted))
            for file in proposal.files
        ]

        async with self.step(Step.CONFIGURE) as say:
            try:
                written = await apply_edits(run, self.project, edits, self.emit, self._clock)
            finally:
                # Whatever came of it, the files may not be what they were.
                self.references = self.proposal = None
            self.manifest = await load_manifest(run)
            names = (path.relative_to(self.project).as_posix() for path in written)
            self.edited = tuple(dict.fromkeys((*self.edited, *names)))
            say(f"{plural(len(written), 'file')} changed")
        return written

    # Clean up

    async def gates(self) -> tuple[Gate, ...]:
        """What must hold before the sources may be deleted, each with its reason when closed."""
        await load("cleanup")
        from consolidator_tui.services import cleanup

        run = self.need_run()
        with self.explained("The gates"):
            self.deletable = tuple(await cleanup.deletable_files(run))
            found = await cleanup.gates(run, self.deletable, self.emit)
            return (*found, *await self._reference_gates())

    async def _reference_gates(self) -> tuple[Gate, ...]:
        """What the application's source still says about the files to be deleted."""
        from consolidator_tui.services import references
        from consolidator_tui.services.cleanup import Gate

        self.leftovers, self.looked = (), None
        if not self.deletable:
            return ()
        # Files may have come or changed since: what counts is what is there now.
        self.references = None
        self.looked = await asyncio.to_thread(references.fingerprint, self.project)
        report = await self.find_references()
        target = self.project / self.need_chosen().target
        doomed = {self.project / path: path for path in self.deletable}
        self.leftovers = await asyncio.to_thread(references.leftovers, report, target, doomed)
        named = {left.place for left in self.leftovers}
        places = [f"{at.file}:{at.line}" for at in references.not_followed(report)]
        unseen = told_not_followed([place for place in places if place not in named])
        more = (Gate(NOT_FOLLOWED, True, unseen),) if unseen else ()
        if not self.leftovers:
            return (Gate("references", True), *more)
        closed = (
            Gate(
                "references",
                False,
                left.sentence,
                doomed[left.database],
                waivable=True,
                place=left.place,
            )
            for left in self.leftovers
        )
        return (*closed, *more)

    @property
    def still_named(self) -> int:
        """How many lines of the application still name files to be deleted."""
        return len({left.place for left in self.leftovers})

    def confirmation_phrase(self) -> str:
        """What must be typed to delete the files, known after `gates`; it is longer while the
        application's source still names some of them."""
        from consolidator_tui.services import cleanup

        plain = cleanup.confirmation_phrase(len(self.deletable))
        return plain + ANYWAY if self.leftovers else plain

    async def clean_up(self, phrase: str) -> tuple[str, ...]:
        """Delete the sources, when every gate is open and the phrase is right.

        The source is searched again only where a file of it changed since `gates`.
        Returns the sources that are still there. Raises UsageError, GateClosed, LockedError.
        """
        from consolidator_tui.services import cleanup, references

        run = self.need_run()
        if not self.deletable:
            self.deletable = tuple(await cleanup.deletable_files(run))
        with self.explained("The gates"):
            if self.looked is None or self.looked != await asyncio.to_thread(
                references.fingerprint, self.project
            ):
                await self._reference_gates()
        if self.leftovers and not phrase.endswith(ANYWAY):
            raise GateClosed(told_leftovers(self.leftovers), todo="Nothing was deleted.")
        phrase = phrase.removesuffix(ANYWAY)
        async with self.step(Step.CLEANUP) as say:
            left = await cleanup.clean_up(run, self.deletable, phrase, self.emit)
            say(f"{plural(len(self.deletable), 'file')} deleted")
        self.state = machine.with_fact(self.state, Fact.CLEANED)
        return left

    # Roll back

    async def roll_back(self) -> RollbackReport:
        """Put everything back as it was before the run; can be done again."""
        await load("rollback")
        from consolidator_tui.services.rollback import roll_back

        run = self.need_run()
        async with self.step(Step.ROLLBACK) as say:
            report = await roll_back(run, self.emit)
            count = len(report.restored) + len(report.removed) + len(report.unchanged)
            say(plural(count, "file is as it was", "files are as they were"))
        await self._take_facts()
        await self._tell_in_report(report)
        return report

    async def _tell_in_report(self, report: RollbackReport) -> None:
        """Let the receipt say that the run was rolled back; a failure here undoes nothing."""
        from consolidator_tui.services.rollback import sentences

        target = self.chosen.target if self.chosen is not None else "The target"
        try:
            await self._rewrite_report(self._state_sentence(target), *sentences(report))
        except ConsolidatorError as error:
            text = f"The receipt still tells the state before: {error.sentence}"
            self.log.say(Step.ROLLBACK, Level.WARNING, text)

    async def _rewrite_report(self, *state: str) -> Path | None:
        """The receipt with other sentences about the target; None when there is no receipt."""
        from consolidator_tui.services.report import rewrite_report

        run, text = self.need_run(), await self.store.get(RECEIPT) if self.store else None
        if text is None:
            return None
        with self.explained("The receipt"):
            return await rewrite_report(run, text, *state)

    async def _take_facts(self) -> None:
        """Add the facts that services recorded in the run's database."""
        if self.store is not None:
            stored: RunState = await self.store.load_state()
            self.state = replace(self.state, facts=stored.facts)

    # The receipt

    async def write_report(self) -> Path:
        """Write the receipt into the run's folder and return its path (Markdown).

        A run that was taken up again has its first receipt brought up to date.
        Raises GateClosed before there is a plan.
        """
        await load("report")
        from consolidator_tui.services.report import Receipt, write_report

        run, chosen = self.need_run(), self.need_chosen()
        if self.plan is None or self.result is None:
            again = await self._rewrite_report(self._state_sentence(chosen.target))
            if again is None:
                raise GateClosed("There is nothing to report yet.", todo="Migrate first.")
            self.report_place = str(again)
            return again
        receipt = Receipt(
            project=self.project,
            run=run.name,
            target=chosen.target,
            state=self._state_sentence(chosen.target),
            plan=self.plan,
            counts=self.result.counts,
            manifest=self.need_manifest(),
            verification=self.verification,
            messages=self.log.messages,
            smoke=await self._smoke_kept(),
            decided=await self.store.decisions.summary() if self.store is not None else (),
        )
        with self.explained("The receipt"):
            path, text = await write_report(run, receipt)
        await self.save(**{RECEIPT: text})
        self.report_place = str(path)
        return path

    async def _smoke_kept(self) -> dict[str, Any] | None:
        """What the last smoke run came to; None when nothing was tried since a change."""
        kept = await self.store.get(STORED) if self.store is not None else None
        return json.loads(kept) if kept else None

    def _state_sentence(self, target: str) -> str:
        if self.state.rolled_back:
            return f"{target} is what it was before: the run was rolled back."
        if self.unchanged and self.chosen is not None and len(self.chosen.sources) == 1:
            return f"Only {target} was read; there was nothing to merge, and it was left as it is."
        if self.unchanged:
            return f"{target} already held everything and was left as it is."
        if self.state.promoted:
            return f"{target} is the one database."
        if self.verification is not None and self.verification.ok:
            return f"{target} was verified in staging and not put in place."
        return f"{target} was not changed."


def told_not_followed(places: Sequence[str]) -> str:
    """A sentence about places that open what is only known at run time; empty without any."""
    if not places:
        return ""
    more = f" and {len(places) - _TOLD} more" if len(places) > _TOLD else ""
    return (
        f"{plural(len(places), 'place opens', 'places open')} a database by a path that is only "
        f"known when the program runs: {', '.join(places[:_TOLD])}{more}. "
        "Check that it is none of the files to be deleted."
    )


def told_leftovers(found: Sequence[Leftover]) -> str:
    """One sentence for each reference to a file that is to be deleted, not more than some."""
    shown = " ".join(f"{left.place} names {left.path.name}." for left in found[:_TOLD])
    more = f" And {len(found) - _TOLD} more." if len(found) > _TOLD else ""
    return f"The application still names files that would be deleted. {shown}{more}"


def _outdated(report: ReferenceReport) -> bool:
    """Whether a file with references is not what it was when it was read. Blocking."""
    try:
        return any(
            hashlib.sha256((report.project / file).read_bytes()).hexdigest() != known
            for file, known in report.hashes.items()
        )
    except OSError:
        return True
