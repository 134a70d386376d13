"""The part of a session where the plan is text: shown, edited, exported, imported."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.decided import Entry, decision_of
from consolidator_tui.domain.errors import GateClosed, PlanError, UsageError
from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import Decision, PlanDocument
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.entries import batches_of, entry, names_of, read_plan
from consolidator_tui.services.session.deciding import Deciding, batch_of
from consolidator_tui.storage.atomic import PRIVATE_FILE, explain_os, write_atomically
from consolidator_tui.storage.hashing import open_regular

PLAN = "plan.toml"
"""Name of the plan with all decisions in the run's folder."""
SUFFIX = ".toml"
EDITABLE = 1_000
"""Decisions that are shown with the plan when it is edited as text."""


class PlanExchange(Deciding):
    """Here the plan and the decisions, which are stored apart, are one document."""

    # As text

    async def full_document(self) -> PlanDocument:
        """The plan document with all decisions; `run --plan` on it does the same again."""
        made = list(self._document.decisions)
        if self.store is not None:
            names = self._names
            async for batch in self.store.decisions.batches():
                made += [decision_of(replace(e, table=names.get(e.table, e.table))) for e in batch]
        return replace(self._document, decisions=tuple(made))

    async def plan_text(self) -> str:
        """The plan with all decisions as TOML; `run --plan` on it does the same again."""
        parts = [plan_file.dumps(self._document)]
        if self.store is not None:
            async for batch in self.store.decisions.batches():
                parts.append(await asyncio.to_thread(_decisions_text, batch, self._names))
        return "".join(parts)

    async def keep_plan(self) -> Path:
        """Write the plan with all decisions into the run's folder, and return its path."""
        path = self.need_run().path / PLAN
        data = (await self.plan_text()).encode("utf-8")
        await asyncio.to_thread(write_atomically, path, data, mode=PRIVATE_FILE)
        return path

    @property
    def _names(self) -> Mapping[str, str]:
        """Folded names of tables -> their names."""
        return {fold(t.name): t.name for t in (self.merged.tables if self.merged else ())}

    async def adopt_decisions(self, plan: MergePlan) -> None:
        """Move the document's decisions into the run's database, under the plan's own names."""
        moving = [decision for decision in self._document.decisions if not decision.also]
        if not moving or self.store is None:
            return
        await self.store.decisions.change("plan", batches_of(moving, plan), undoable=False)
        self._document = replace(self._document, decisions=self.lasting_decisions())
        await self.save_plan()

    def lasting_decisions(self) -> tuple[Decision, ...]:
        """The decisions that stay in the document: that rows with different names are the same."""
        return tuple(decision for decision in self._document.decisions if decision.also)

    # Edited

    async def plan_to_edit(self) -> tuple[str, int]:
        """The plan as text, and how many decisions are not in it because they are too many."""
        count = 0 if self.store is None else await self.store.decisions.count()
        if count > EDITABLE:
            return plan_file.dumps(self._document), count
        return await self.plan_text(), 0

    async def take_edited(self, document: PlanDocument, text: str, *, whole: bool) -> None:
        """Take a plan that was edited as text; what it changes in decisions is one undo step.

        `whole`: it held all decisions, so those that are not in it any more are taken back.
        Raises PlanError when it names what the sources do not have.
        """
        plan, store = self.plan or self.merged, self.store
        if not whole or store is None or plan is None:
            await self.set_document(document, text)
            return
        lasting = tuple(decision for decision in document.decisions if decision.also)
        if self.sources:
            plan_file.validate(document, self.sources, text, PLAN)
        before = {_key(e): e async for batch in store.decisions.batches() for e in batch}
        names = names_of(plan)
        made = (entry(d, names) for d in document.decisions if not d.also)
        after = {_key(e): e for e in made}
        changed = [e for key, e in after.items() if before.get(key) != e]
        changed += [replace(e, body="") for key, e in before.items() if key not in after]
        if changed:
            await store.decisions.change("plan edited as text", batch_of(changed))
        await self.set_document(replace(document, decisions=lasting))

    # In a file

    async def export_plan(self, name: str, *, replace_: bool = False) -> Path | None:
        """Write the plan with all decisions to a file; its path.

        `name` is relative to the project. None, and nothing written, when there is a plan already
        and `replace_` is off. Raises UsageError for a place where no plan may be written.
        """
        with self.explained("The export"):
            path = self._place(name)
            if await asyncio.to_thread(path.is_dir):
                path /= PLAN
            if path.suffix != SUFFIX:
                # A slip of the finger must not write over a database.
                raise UsageError(f"{name} does not end in {SUFFIX}.", todo="Name a .toml file.")
            if not await asyncio.to_thread(path.parent.is_dir):
                raise UsageError(f"There is no folder {path.parent}.", todo="Name one that exists.")
            if not replace_ and await asyncio.to_thread(path.exists):
                return None
            data = (await self.plan_text()).encode("utf-8")
            await asyncio.to_thread(write_atomically, path, data, mode=PRIVATE_FILE)
        return path

    def _place(self, name: str) -> Path:
        try:
            return self.project / Path(name).expanduser()
        except RuntimeError as error:
            text = f"{name}: there is no home folder of that name."
            raise UsageError(text, todo="Name the file in full.") from error

    async def import_plan(self, name: str) -> tuple[int, bool]:
        """Take the plan in a file: its choices in place of those made, its decisions with them.

        The chosen files stay. Gives the number of its decisions, and whether it names other files.
        The decisions are one undo step. Raises GateClosed before there is a plan, UsageError,
        FileRefused, PlanError.
        """
        plan, store = self.plan or self.merged, self.store
        if plan is None or store is None:
            raise GateClosed("Nothing is planned yet.", todo="Plan the merge first.")
        path = self._place(name)
        try:
            text = await asyncio.to_thread(_read, path, name)
        except OSError as error:
            raise explain_os(error, name) from error
        except UnicodeDecodeError as error:
            raise PlanError(f"{name} is no text in UTF-8.", todo="Name a plan.toml.") from error
        # A plan may hold 100,000 decisions: nothing here waits for it on the event loop.
        read = await read_plan(text, name, self.sources, plan)
        own, document = self._document, read.document
        others = bool(document.sources) and set(document.sources) != set(own.sources)
        others = others or document.target not in (None, own.target)
        if read.has_entries:
            await store.decisions.change(f"import of {path.name}", read.batches())
        await self.set_document(
            replace(document, target=own.target, base=own.base, sources=own.sources)
        )
        return read.count, others


def _read(path: Path, name: str) -> str:
    """The text of a file; a pipe would never end. Blocking. Raises FileRefused, OSError."""
    with os.fdopen(open_regular(path.resolve(), name), encoding="utf-8-sig") as file:
        return file.read()


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.table, entry.columns, entry.entity


def _decisions_text(batch: Sequence[Entry], names: Mapping[str, str]) -> str:
    """Decisions as TOML, to follow a document. Blocking."""
    made = [decision_of(replace(e, table=names.get(e.table, e.table))) for e in batch]
    text = plan_file.dumps(PlanDocument(decisions=tuple(made)))
    return "\n" + text[text.index("[[decisions]]") :]
