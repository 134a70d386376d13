"""Back up: a verified copy of every file before anything is written."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.manifest import FileRecord
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.signs import BAD, GOOD
from consolidator_tui.tui.text import clip_path, count, plain, safe, sign, size
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row


class BackUpScreen(StepScreen):
    """Before: what will be copied and the room for it. After: the copies and their proof."""

    STEP = Step.BACKUP
    MAIN = "#copies"
    BINDINGS: ClassVar[list[BindingType]] = []

    def content(self) -> ComposeResult:
        """Lead, table, notes."""
        yield Static(id="lead", markup=False)
        yield FitTable(
            [
                Col("File", least=18, most=60, flex=3, path=True),
                Col("Part", most=8),
                Col("Size", right=True, least=8),
                Col("Rows", right=True, least=7),
                Col("Tables", right=True, from_width=90),
                Col("SHA-256", least=8, most=20),
                Col("Checked", least=11, most=40, flex=1),
            ],
            id="copies",
        )
        yield Static(id="tail", markup=False)

    def arrived(self) -> None:
        """Ask for the room while the person reads."""
        wizard = self.wizard
        if wizard.manifest is None and wizard.space is None and wizard.session is not None:
            wizard.look_at_space()

    def summary(self) -> str:
        """What was copied."""
        manifest = self.wizard.manifest
        if manifest is None:
            return ""
        whole = sum(record.size for record in manifest.files.values())
        return f"{plural(len(manifest.files), 'file')}, {size(whole)}, read back and equal"

    def draw(self) -> None:
        """Plan or result."""
        manifest = self.wizard.manifest
        table = self.query_one(FitTable)
        if manifest is None:
            table.set_rows(self._planned(path) for path in self.wizard.sources)
            self._draw_plan()
            return
        table.set_rows(map(self._record, manifest.files.values()))
        lead = sign("✓", self.ink.good)
        lead.append("Every copy was read back: hash, integrity and row counts are right.")
        self.query_one("#lead", Static).update(lead)
        self.query_one("#tail", Static).update(
            plain(f"Kept in {self.wizard.run_place}/backup", str(self.ink.muted))
        )

    def _draw_plan(self) -> None:
        ink, space = self.ink, self.wizard.space
        lead = "Each file is copied as one consistent snapshot, rows of its -wal included, "
        lead += "and read back. The originals are only read."
        self.query_one("#lead", Static).update(Text(lead))
        text = Text(end="")
        if space is None:
            text.append("Room on the disk: …", str(ink.muted))
        else:
            text.append(
                f"{GOOD if space.enough else BAD} ", str(ink.good if space.enough else ink.bad)
            )
            text.append(f"{size(space.needed)} needed, {size(space.free)} free")
        self.query_one("#tail", Static).update(text)

    def _planned(self, path: str) -> Row:
        found = self.wizard.found.get(path)
        whole = "" if found is None else size(found.size + sum(s.size for s in found.sidecars))
        part = "target" if path == self.wizard.target_path else "source"
        rows = "" if found is None else count(found.rows)
        return path, (plain(clip_path(path, 60)), part, whole, rows, "", "", "to do")

    def _record(self, record: FileRecord) -> Row:
        ink = self.ink
        name = plain(clip_path(record.path, 60))
        if not record.existed:
            return record.path, (name, safe(record.role), "", "", "", "", "not there before")
        if record.integrity:
            checked = Text(f"! {plural(len(record.integrity), 'finding')}", str(ink.warn))
        else:
            checked = Text("✓ equal", str(ink.good))
        return record.path, (
            name,
            safe(record.role),
            size(record.size),
            count(sum(record.row_counts.values())),
            count(len(record.row_counts)),
            Text(record.sha256[:12], str(ink.muted)),
            checked,
        )

    def primary(self) -> Primary:
        """Copy, or go on."""
        if self.wizard.manifest is not None:
            return Primary("Continue to Migrate", "the originals stay as they are")
        number = plural(len(self.wizard.sources), "file")
        space = self.wizard.space
        if space is not None and not space.enough:
            return Primary(f"Back up {number}", "there is not enough room on the disk", False)
        return Primary(f"Back up {number}", "nothing has been written so far")

    def act(self) -> None:
        """Copy, or go on."""
        if self.wizard.manifest is None:
            self.wizard.back_up()
        else:
            self.owner.go_to(Step.MIGRATE)
