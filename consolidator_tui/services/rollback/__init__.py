"""Roll back: every file of a run as it was before, from any step, as often as wanted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from consolidator_tui.domain.event import Emit, Level, Message, PhaseTimed, Progress, Step
from consolidator_tui.domain.manifest import FileRecord, Manifest, Role
from consolidator_tui.domain.run import Fact
from consolidator_tui.services.backup import load_manifest, verify_backup
from consolidator_tui.services.backup.config import written_contents
from consolidator_tui.services.cleanup import recover_cleanup
from consolidator_tui.services.cleanup.originals import staying_names
from consolidator_tui.services.promote import (
    Promotion,
    load_promotion,
    recover_promotion,
)
from consolidator_tui.services.promote.target import changed_rows, count_target
from consolidator_tui.services.restore import Restored, refuse_users, restore_file
from consolidator_tui.services.restore.hard_links import restore_name
from consolidator_tui.storage.family import LOGS
from consolidator_tui.storage.hashing import hash_file
from consolidator_tui.storage.holders import sidecar
from consolidator_tui.storage.run_db import RunStore, Work, WorkKind, open_run_store
from consolidator_tui.storage.run_folder import RunFolder
from consolidator_tui.storage.run_marks import UNCHANGED
from consolidator_tui.storage.worker import Stop, in_thread

_ORDER = (Role.SOURCE, Role.TARGET, Role.CONFIG)
"""Originals first and configuration last: an application that starts in between finds its files."""


@dataclass(frozen=True, slots=True)
class RollbackReport:
    """What roll back did."""

    restored: tuple[str, ...]
    """Files whose original bytes were put back."""
    removed: tuple[str, ...]
    """Files that did not exist before the run."""
    unchanged: tuple[str, ...]
    """Files that already were as before."""
    kept: tuple[str, ...]
    """What was set aside, relative to the run's folder."""
    written: Mapping[str, int] = field(default_factory=dict)
    """Rows that came into (or, negative, went from) the target since promotion, per table."""
    apart: tuple[str, ...] = ()
    """Names that were one file with another before, and are files of their own now."""
    left: tuple[str, ...] = ()
    """Files that the run did not change and others wrote to: they are as these left them."""
    target_changed: bool = False
    """The application wrote into the target since promotion."""


async def roll_back(run: RunFolder, emit: Emit) -> RollbackReport:
    """Restore originals, old target and configuration, each verified by its hash afterwards.

    The whole backup is hashed before anything is touched. What somebody changed since the run
    made or saw it is set aside in `kept/`; what the run itself did not change (an original that it
    did not delete, a target that it did not replace, anything after a complete roll back), and
    somebody wrote to since, stays as it is. Idempotent, and may be repeated after any error.
    Raises GateClosed (no backup: then nothing was changed), BackupDamaged naming the file,
    LockedError when a program uses a file that must be exchanged, DiskFull, Failed.
    """
    started = time.perf_counter()
    manifest = await load_manifest(run)
    await verify_backup(run, emit, Step.ROLLBACK)
    async with open_run_store(run) as store:
        deleted = await _finish_other_work(run, store)
        state = await store.load_state()
        deleted = deleted or state.cleaned
        own = await written_contents(store)
        promotion = await _replaced(store)
        if promotion is not None:
            own |= {promotion.sha256}
        undone, forgotten = state.rolled_back, run.damaged_db.exists()
        changed, written = await _written(run, manifest, None if undone else promotion)
        if changed:
            _tell_written(promotion, written, emit)
        records = sorted(manifest.files.values(), key=lambda r: _ORDER.index(r.role))
        # Before anything is begun: what is refused as a whole need not be finished later.
        theirs = {
            record.path
            for record in records
            if undone
            or (record.role is Role.SOURCE and not deleted)
            or (record.role is Role.TARGET and promotion is None and not forgotten)
        }
        exchanged = [record for record in records if record.path not in theirs]
        staying = {name.path for name in staying_names(manifest)}
        if undone or not deleted:
            staying |= {other.path for record in records for other in record.others}
        others = [o for r in records for o in r.others if o.path not in staying]
        await refuse_users(run, [*exchanged, *others])
        await store.begin_work(Work(WorkKind.ROLLBACK, {}))
        done = []
        for number, record in enumerate(records):
            # What the run did not change was changed by who works with it.
            leave = record.path in theirs
            result = await restore_file(run, record, own, leave_foreign=leave)
            done.append((record, result))
            emit(Progress(Step.ROLLBACK, record.path, number + 1, len(records), "files"))
            _tell(record, result, emit)
            for other in record.others:
                leave = other.path in staying
                again = await restore_name(run, record, other, own, leave_foreign=leave)
                done.append((other, again))
                _tell(other, again, emit)
        await store.end_work(Fact.ROLLED_BACK)
    emit(PhaseTimed(Step.ROLLBACK, "rollback", time.perf_counter() - started))
    return _report(done, written, target_changed=changed)


async def _replaced(store: RunStore) -> Promotion | None:
    """What the run put in the target's place; None when it left the target alone."""
    unchanged = await store.get(UNCHANGED) is not None
    return None if unchanged else await load_promotion(store)


async def _finish_other_work(run: RunFolder, store: RunStore) -> bool:
    """Finish or undo what was interrupted; whether that was the deletion of originals."""
    work = await store.work()
    if work is not None and work.kind is WorkKind.PROMOTE:
        await recover_promotion(run, store, work)
    elif work is not None and work.kind is WorkKind.CLEANUP:
        await recover_cleanup(run, store, work)
        return True
    return False


async def _written(
    run: RunFolder, manifest: Manifest, promotion: Promotion | None
) -> tuple[bool, dict[str, int]]:
    """Whether the target differs from what was promoted (and from what it was before), and how."""
    if promotion is None:
        return False, {}
    record = manifest.files[promotion.target]
    real = run.resolve(record.real)

    def known(stop: Stop) -> bool:
        found = hash_file(real, record.path, stop)
        logged = any(sidecar(real, suffix).exists() for suffix in LOGS)
        if found is None:
            return True
        main = record.main
        before = main is not None and found == (main.size, main.sha256)
        return before or (found == (promotion.size, promotion.sha256) and not logged)

    if await in_thread(known):
        return False, {}
    now = await count_target(run, real, record.path)
    return True, {} if now.problem else changed_rows(promotion.row_counts, now.row_counts)


def _tell_written(promotion: Promotion | None, written: Mapping[str, int], emit: Emit) -> None:
    name = promotion.target if promotion else ""
    rows = ", ".join(f"{table} {count:+d}" for table, count in written.items())
    what = f"rows per table: {rows}" if rows else "no table has more or fewer rows"
    text = f"{name}: it was written since it was put in place ({what}); this version is kept."
    emit(Message(Step.ROLLBACK, Level.WARNING, text, file=name))


def _tell(record: FileRecord, result: Restored, emit: Emit) -> None:
    if result.foreign:
        text = (
            f"{record.path}: it was written since its backup, and not by this run; it is left as"
            " it is. Its state before is in the run's backup."
        )
        emit(Message(Step.ROLLBACK, Level.WARNING, text, file=record.path))
    if result.changed:
        what = "put back as it was" if record.existed else "removed; it did not exist before"
        text = f"{record.path}: {what}."
        emit(Message(Step.ROLLBACK, Level.INFO, text, file=record.path))
    if result.apart:
        emit(Message(Step.ROLLBACK, Level.WARNING, _apart(record.path), file=record.path))
    for kept in result.kept:
        text = f"{record.path}: what was there is kept as {kept} in the run's folder."
        emit(Message(Step.ROLLBACK, Level.WARNING, text, file=record.path))


def _apart(path: str) -> str:
    return (
        f"{path}: it was another name of one file (a hard link), and is a file of its own now: "
        "what is written to one is not in the other."
    )


def sentences(report: RollbackReport) -> tuple[str, ...]:
    """What a receipt says about it: where the versions are that were there before."""
    found = [f"What was in its place is kept in the run's folder: {path}." for path in report.kept]
    found += map(_apart, report.apart)
    if report.written:
        rows = ", ".join(f"{table} {count:+d}" for table, count in report.written.items())
        found.append(f"Rows that came into the target, or left it, before that: {rows}.")
    return tuple(found)


def _report(
    done: list[tuple[FileRecord, Restored]], written: Mapping[str, int], *, target_changed: bool
) -> RollbackReport:
    changed = [record for record, result in done if result.changed]
    return RollbackReport(
        restored=tuple(record.path for record in changed if record.existed),
        removed=tuple(record.path for record in changed if not record.existed),
        unchanged=tuple(r.path for r, result in done if not (result.changed or result.foreign)),
        left=tuple(record.path for record, result in done if result.foreign),
        kept=tuple(name for _, result in done for name in result.kept),
        written=written,
        apart=tuple(record.path for record, result in done if result.apart),
        target_changed=target_changed,
    )
