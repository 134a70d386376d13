"""What a dead process left behind: finished or undone when the run is opened again."""

from __future__ import annotations

from dataclasses import dataclass

from consolidator_tui.domain.errors import ConsolidatorError, GateClosed
from consolidator_tui.domain.event import Emit, Level, Message, Step
from consolidator_tui.domain.manifest import Role
from consolidator_tui.domain.run import RunState, after_crash
from consolidator_tui.services.backup import load_manifest
from consolidator_tui.services.backup.config import remove_temporaries
from consolidator_tui.services.cleanup import recover_cleanup
from consolidator_tui.services.promote import recover_promotion
from consolidator_tui.services.rollback import RollbackReport, roll_back
from consolidator_tui.storage.atomic import explain_os
from consolidator_tui.storage.manifest_file import has_manifest
from consolidator_tui.storage.run_db import Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.worker import in_thread
from consolidator_tui.storage.workshop import Workshop

CRASHED = "crashed"
"""Name of the mark that the process of this run died, and another one put things right."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the run is found."""

    state: RunState
    rollback: RollbackReport | None = None
    """An interrupted roll back was finished."""


async def recover(run: RunFolder, emit: Emit) -> Recovery:
    """Finish or undo what was interrupted, and mark the running step as interrupted.

    Call it with the project's lock held, before anything else is done with a run. Without
    anything to recover it changes nothing. Raises what `promote`, `clean_up` and `roll_back`
    raise; then it may be called again.
    """
    async with open_run_store(run) as store:
        work = await store.work()
        if work is not None and work.kind is WorkKind.PROMOTE:
            finished = await recover_promotion(run, store, work)
            _tell_promotion(work, emit, finished=finished)
        elif work is not None and work.kind is WorkKind.CLEANUP:
            await recover_cleanup(run, store, work)
            text = "Clean up was interrupted; the file it was deleting is gone as a whole."
            emit(Message(Step.CLEANUP, Level.WARNING, text))
    report = None
    if work is not None and work.kind is WorkKind.ROLLBACK:
        try:
            report = await roll_back(run, emit)
        except ConsolidatorError as error:
            error.sentence = (
                f"The roll back of run {run.name} was interrupted, and has to be finished first."
                f" {error.sentence}"
            )
            raise
        text = f"The roll back of run {run.name} was interrupted; it is finished now."
        emit(Message(Step.ROLLBACK, Level.WARNING, text))
    await _tidy(run)
    async with open_run_store(run) as store:
        before = await store.load_state()
        state = after_crash(before)
        if state != before:
            await store.save_state(state)
        if (work is not None or state != before) and (state.promoted or state.cleaned):
            await store.put(CRASHED, "yes")
    return Recovery(state, report)


def _tell_promotion(work: Work, emit: Emit, *, finished: bool) -> None:
    name = work.body["promotion"]["target"]
    done = "it was complete and is now recorded" if finished else "the target is the old one"
    text = f"{name}: putting the new database in place was interrupted; {done}."
    emit(Message(Step.VERIFY, Level.WARNING, text, file=name))


async def _tidy(run: RunFolder) -> None:
    """Remove temporary files that a dead process left beside files of the run."""
    if not has_manifest(run):
        return
    try:
        manifest = await load_manifest(run)
    except GateClosed:
        return

    def work() -> None:
        for record in manifest.files.values():
            real = run.resolve(record.real)
            if not real.parent.is_dir():
                continue
            try:
                if record.role is not Role.CONFIG:
                    Workshop(run, real).clear()
                else:
                    remove_temporaries(real.parent)
            except OSError as error:
                raise explain_os(error, record.path) from error

    await in_thread(lambda _stop: work())
