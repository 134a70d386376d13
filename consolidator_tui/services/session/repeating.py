"""Whether a run only repeats one before it: the same files, the same plan, the target it made.

A merge that is done once more finds nothing new, except where a row cannot be known again: one
whose reference dangles, one that is nothing but an id, one that was kept beside its equal by
hand. The bytes say more: where they are those that an earlier run read and wrote, nothing is left
to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from consolidator_tui.domain.errors import ConsolidatorError
from consolidator_tui.domain.manifest import Manifest, Role
from consolidator_tui.domain.merge import TableCounts
from consolidator_tui.domain.outcome import Repeated
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.services.backup import load_manifest
from consolidator_tui.services.plan_document.writer import dumps
from consolidator_tui.services.promote import Promotion, load_promotion
from consolidator_tui.services.session.aftermath import RECEIPT
from consolidator_tui.storage.run_db import open_run_store
from consolidator_tui.storage.run_folder import RunFolder, list_runs
from consolidator_tui.storage.worker import in_thread

INPUTS = "inputs"
"""Document of `run.db`: which plan was given, and what the merge counted."""


def fingerprint(document: PlanDocument) -> str:
    """SHA-256 of what a plan document says, but for which files: the backup knows those."""
    plain = replace(document, target=None, base=None, sources=())
    return hashlib.sha256(dumps(plain).encode("utf-8", "surrogateescape")).hexdigest()


def inputs_text(document: PlanDocument, counts: Sequence[TableCounts]) -> str:
    """The document INPUTS."""
    listed = [asdict(count) for count in counts]
    return json.dumps({"plan": fingerprint(document), "counts": listed})


async def find_repeated(
    project: Path, run: RunFolder, manifest: Manifest, document: PlanDocument
) -> Repeated | None:
    """The newest promoted run, when `run` (backed up, not planned) would only repeat it."""
    for folder in reversed(await in_thread(lambda _stop: list_runs(project))):
        if folder.name == run.name:
            continue
        try:
            done = await _read(folder)
        except ConsolidatorError:
            return None  # Who cannot be read cannot be known again: all is done anew.
        if done is not None:
            return _compare(folder.name, done, manifest, document)
    return None


@dataclass(frozen=True, slots=True)
class _Done:
    """What a promoted run kept of itself."""

    manifest: Manifest
    promotion: Promotion
    inputs: dict[str, Any]
    receipt: str | None


async def _read(folder: RunFolder) -> _Done | None:
    """None when the run did not put its target in place, or does not any more."""
    async with open_run_store(folder) as store:
        state = await store.load_state()
        promotion, text = await load_promotion(store), await store.get(INPUTS)
        receipt = await store.get(RECEIPT)
    if not state.promoted or state.rolled_back or promotion is None:
        return None
    inputs = json.loads(text) if text is not None else {"plan": ""}
    return _Done(await load_manifest(folder), promotion, inputs, receipt)


def _compare(name: str, done: _Done, manifest: Manifest, document: PlanDocument) -> Repeated | None:
    target, promotion = manifest.target, done.promotion
    if done.receipt is None:
        return None  # Its process died before it: there is nothing to report from.
    if (
        done.inputs["plan"] != fingerprint(document)
        or target is None
        or target.path != promotion.target
        or target.main is None
        or len(target.parts) != 1
        or target.main.sha256 != promotion.sha256
        or _others(done.manifest) != _others(manifest)
    ):
        return None
    existed = done.manifest.target is not None and done.manifest.target.existed
    counts = [_again(count, promotion.row_counts, existed) for count in done.inputs["counts"]]
    return Repeated(name, tuple(counts), done.receipt)


def _others(manifest: Manifest) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sources beside the target, in their order, with the hashes of all their parts."""
    return [
        (
            record.path,
            [(part.suffix, part.sha256) for part in record.parts if part.suffix != "-shm"],
        )
        for record in manifest.files.values()
        if record.role is Role.SOURCE
    ]


def _again(count: dict[str, Any], now: Mapping[str, int], existed: bool) -> TableCounts:
    """The counts of a table when its merge is repeated: all rows of other files are duplicates,
    but for those of migration histories that the kept one lacks."""
    others = count["source"] - (count["base"] if existed else 0)
    base = now.get(count["table"], count["base"] + count["new"])
    return TableCounts(
        table=count["table"],
        source=base + others,
        base=base,
        new=0,
        duplicate=others - count["deleted"] - count.get("history", 0),
        conflict=count.get("history", 0),
        rekeyed=0,
        lost=0,
        deleted=count["deleted"],
        history=count.get("history", 0),
        identity=count["identity"],
        shifts=count["shifts"],
    )
