"""Inspect: what is in each file, and where the files differ."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.inspection import (
    ColumnChange,
    ColumnDiff,
    FileInspection,
    LineageEvidence,
    MatrixRow,
    Preview,
    TableState,
)
from consolidator_tui.domain.words import plural
from consolidator_tui.services.inspect.words import difference_words, lineage_words
from consolidator_tui.tui.rows import preview_text
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.signs import BAD, NONE
from consolidator_tui.tui.text import clip_path, count, plain, safe
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

SIGNS: dict[TableState, str] = {
    TableState.ABSENT: "",
    TableState.ONLY_HERE: "●",
    TableState.IDENTICAL: "≡",
    TableState.DRIFTED: "≠",
    TableState.UNRELATED: BAD,
}


class InspectScreen(StepScreen):
    """The files, the table by file matrix, and the differences of what is under the cursor."""

    STEP = Step.INSPECT
    MAIN = "#matrix"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "pane", tooltip="Next pane"),
        Binding("d", "differences", "differences", tooltip="Differences of this table"),
        Binding("p", "rows", "rows", tooltip="First rows of this table in this file"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._preview: Preview | None = None
        self._show_rows = False
        self._columns: tuple[str, ...] = ()

    def content(self) -> ComposeResult:
        """Files, matrix, detail."""
        yield FitTable(
            [
                Col("File", least=16, most=60, flex=1, path=True),
                Col("Tables", right=True),
                Col("Rows", right=True),
                Col("Views", right=True, from_width=100),
                Col("Triggers", right=True, from_width=100),
                Col("Indexes", right=True, from_width=100),
                Col("Version", right=True, from_width=100),
                Col("Encoding"),
                Col("Sound", least=9, most=34),
            ],
            id="sources",
        )
        yield FitTable([Col("Table")], cursor="cell", fixed=1, id="matrix")
        yield Detail(id="detail")

    def arrived(self) -> None:
        """Look into the files when that was not done for this choice."""
        wizard = self.wizard
        if wizard.inspection is None and self.idle and wizard.can(self.STEP):
            wizard.inspect()

    def summary(self) -> str:
        """How many tables are alike."""
        inspection = self.wizard.inspection
        if inspection is None:
            return ""
        parts = [plural(len(inspection.matrix), "table")]
        for state in (TableState.DRIFTED, TableState.UNRELATED, TableState.ONLY_HERE):
            number = sum(row.state is state for row in inspection.matrix)
            if number:
                parts.append(f"{number} {SIGNS[state]} {state}")
        return " · ".join(parts)

    def draw(self) -> None:
        """Everything."""
        inspection = self.wizard.inspection
        if inspection is None:
            return
        self.query_one("#sources", FitTable).set_rows(map(self._file_row, inspection.files))
        matrix = self.query_one("#matrix", FitTable)
        paths = tuple(file.path for file in inspection.files)
        if paths != self._columns:
            self._columns = paths
            files = [Col(safe(clip_path(p, 22)), least=10, most=22, right=True) for p in paths]
            matrix.set_columns([Col("Table", least=14, most=40, flex=1), *files])
        matrix.set_rows(self._matrix_row(row, paths) for row in inspection.matrix)
        self._draw_detail()

    def _file_row(self, file: FileInspection) -> Row:
        schema, ink = file.schema, self.ink
        if file.integrity or file.violations:
            wrong = len(file.integrity) + sum(number for _, _, number in file.violations)
            sound = Text(f"! {plural(wrong, 'finding')}", str(ink.warn))
        else:
            sound = Text("✓ sound" if file.checked else "not checked", str(ink.good))
        return file.path, (
            plain(clip_path(file.path, 60)),
            count(len(schema.tables)),
            count(file.total_rows),
            count(len(schema.views)),
            count(len(schema.triggers)),
            count(len(schema.indexes)),
            str(schema.user_version),
            plain(schema.encoding),
            sound,
        )

    def _matrix_row(self, row: MatrixRow, paths: tuple[str, ...]) -> Row:
        ink = self.ink
        styles = {
            TableState.ABSENT: str(ink.muted),
            TableState.ONLY_HERE: str(ink.accent),
            TableState.IDENTICAL: str(ink.good),
            TableState.DRIFTED: str(ink.warn),
            TableState.UNRELATED: str(ink.bad),
        }
        cells: list[Text] = [plain(row.table)]
        for path in paths:
            state = row.states.get(path, TableState.ABSENT)
            cell = Text(end="")
            if state is TableState.ABSENT:
                cell.append(NONE, styles[state])
            else:
                rows = row.rows.get(path)
                cell.append("?" if rows is None else count(rows))
                cell.append(f" {SIGNS[state]}", styles[state])
            cells.append(cell)
        return row.table, cells

    def on_fit_table_moved(self) -> None:
        """Another table or file is under the cursor."""
        self._draw_detail()

    def on_descendant_focus(self) -> None:
        """The detail belongs to the pane with the focus."""
        self._draw_detail()

    def _draw_detail(self) -> None:
        inspection = self.wizard.inspection
        if inspection is None:
            return
        detail = self.query_one(Detail)
        sources = self.query_one("#sources", FitTable)
        if self.focused is sources:
            found = next((f for f in inspection.files if f.path == sources.current_key), None)
            if found is not None:
                detail.show(found.path, inspected_text(found, self.ink))
            return
        row = self._current_row()
        if row is None:
            return
        if self._show_rows:
            self._draw_rows(detail, row)
            return
        lineage = tuple(e for e in inspection.lineage if e.table == row.table)
        detail.show(f"{row.table}: differences", differences_text(row, lineage, self.ink))

    def _current_row(self) -> MatrixRow | None:
        inspection = self.wizard.inspection
        key = self.query_one("#matrix", FitTable).current_key
        if inspection is None:
            return None
        return next((row for row in inspection.matrix if row.table == key), None)

    def _draw_rows(self, detail: Detail, row: MatrixRow) -> None:
        column = self.query_one("#matrix", FitTable).current_column
        has = [path for path in self._columns if path in row.rows]
        if not has:
            detail.show(row.table, Text("Its rows cannot be read."))
            return
        wanted = self._columns[column - 1] if column >= 1 else has[0]
        if wanted not in row.rows:
            detail.show(f"{row.table} in {wanted}", Text("This file does not have the table."))
            return
        shown = self._preview
        if shown is not None and (shown.file, shown.table) == (wanted, row.table):
            detail.show(
                f"{row.table} in {wanted}: {len(shown.rows):,} of {plural(shown.total, 'row')}",
                preview_text(shown, self.ink),
                wide=True,
            )
            return
        detail.show(f"{row.table} in {wanted}", Text("Reading …", str(self.ink.muted)))
        self.wizard.preview(wanted, row.table, self._previewed)

    def _previewed(self, preview: Preview) -> None:
        self._preview = preview
        self._draw_detail()

    def action_rows(self) -> None:
        """`p`."""
        self._show_rows = True
        self.query_one("#matrix", FitTable).focus()
        self._draw_detail()

    def action_differences(self) -> None:
        """`d`."""
        self._show_rows = False
        self.query_one("#matrix", FitTable).focus()
        self._draw_detail()

    def primary(self) -> Primary:
        """On to the backup."""
        if self.wizard.inspection is None:
            return Primary("Inspect again", "the files were not looked into yet")
        return Primary("Continue to Back up", "nothing is written to the originals")

    def act(self) -> None:
        """Go on."""
        if self.wizard.inspection is None:
            self.wizard.inspect()
        else:
            self.owner.go_to(Step.BACKUP)


def differences_text(row: MatrixRow, lineage: tuple[LineageEvidence, ...], ink: Inks) -> Text:
    """The schema differences of one table and what is known of its rows' origin."""
    text = Text(end="")
    muted = str(ink.muted)
    if row.state is TableState.ONLY_HERE:
        where = next((path for path in row.rows), "")
        text.append(f"● only in {safe(where)}: it is taken over as it is")
    elif not row.diffs:
        text.append("≡ ", str(ink.good))
        text.append("the same columns, types and constraints in every file")
    else:
        width = max(len(safe(d.column)) for d in row.diffs)
        same: dict[ColumnDiff, list[str]] = {}
        for diff in row.diffs:
            same.setdefault(replace(diff, file=""), []).append(diff.file)
        for number, (diff, files) in enumerate(same.items()):
            text.append("\n" if number else "")
            text.append("≠ ", str(ink.warn))
            text.append(f"{safe(diff.column):<{width}}  ", "bold")
            text.append_text(difference(replace(diff, file=", ".join(files)), muted))
    for key in row.shared_keys:
        kind = "primary key" if key.primary else "unique"
        text.append("\nshared key  ", muted)
        text.append(f"{', '.join(map(safe, key.columns))} ({kind})")
    for evidence in lineage:
        text.append("\nrows        ", muted)
        text.append(f"{safe(evidence.first)} ↔ {safe(evidence.second)}: {lineage_words(evidence)}")
    return text


def difference(diff: ColumnDiff, muted: str) -> Text:
    """What differs and where, as a phrase."""
    text = Text(end="")
    if diff.change is ColumnChange.MISSING:
        lacking, other, what = diff.file, diff.reference, diff.here or diff.there
        if not diff.here:
            lacking, other = other, lacking
        text.append(f"not in {safe(lacking)}")
        text.append(f"   {safe(what)} in {safe(other)}", muted)
        return text
    here, there = difference_words(diff)
    text.append(f"{safe(there)} in {safe(diff.file)}")
    text.append(f"   {safe(here)} in {safe(diff.reference)}", muted)
    return text


def inspected_text(file: FileInspection, ink: Inks) -> Text:
    """One file by itself: objects and findings."""
    text = Text(end="")
    muted = str(ink.muted)
    schema = file.schema
    facts = (
        ("Encoding", f"{schema.encoding}, {schema.page_size:,} B pages"),
        ("Tables", ", ".join(safe(t.name) for t in schema.tables.values()) or "none"),
        ("Views", ", ".join(safe(v.name) for v in schema.views.values()) or "none"),
        ("Triggers", ", ".join(safe(v.name) for v in schema.triggers.values()) or "none"),
        ("Indexes", ", ".join(safe(v.name) for v in schema.indexes.values()) or "none"),
    )
    for label, value in facts:
        text.append(f"{label:<10}", muted)
        text.append(f"{value}\n")
    for finding in file.integrity:
        text.append("! ", str(ink.warn))
        text.append(f"{safe(finding)}\n")
    for table, parent, number in file.violations:
        text.append("! ", str(ink.warn))
        text.append(f"{plural(number, 'row')} of {safe(table)} refer to no row of {safe(parent)}\n")
    return text
