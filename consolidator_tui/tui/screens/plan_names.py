"""What each file's tables, columns, indexes, views and triggers are called in the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.plan import FileMapping
from consolidator_tui.services.plan_document.edit import rename, rename_column
from consolidator_tui.tui.modals.line_input import LineInput
from consolidator_tui.tui.screens.plan_page import PlanPage
from consolidator_tui.tui.text import clip_path, plain, safe
from consolidator_tui.tui.widgets.fit_table import Col, Row


@dataclass(frozen=True, slots=True)
class Named:
    """One object of one file."""

    file: str
    kind: str
    name: str
    table: str
    """The table whose column it is; empty for other objects."""
    target: str
    """Its name in the target; empty when it is left out."""

    @property
    def key(self) -> str:
        """A name that stays the same."""
        return repr((self.file, self.kind, self.table, self.name))


class NamesPage(PlanPage):
    """All objects of all files, or the columns of one table of one file."""

    COLUMNS = (
        Col("File", least=10, most=40, path=True),
        Col("Kind", most=8),
        Col("There", least=12, most=40, flex=1),
        Col("In the target", least=14, most=40, flex=1),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "rename", "rename", tooltip="Another name in the target"),
        Binding("x", "leave_out", "leave out", tooltip="Not in the target at all"),
        Binding("c", "clear", "own name", tooltip="As it is called in its file"),
        Binding("enter", "columns", "columns", key_display="↩", tooltip="Columns of the table"),
    ]

    def __init__(self, file: str = "", table: str = "") -> None:
        """With a file and a table: its columns."""
        super().__init__()
        self._file, self._table = file, table

    @property
    def objects(self) -> list[Named]:
        """What can be renamed here, in the order of the files."""
        found = []
        for source in self.plan.sources:
            if source.same_as is not None or (self._file and source.path != self._file):
                continue
            mapping = self.wizard.document.mapping.get(source.path, FileMapping())
            if self._file:
                found += self._columns(mapping)
                continue
            targets = {fold(name): target for name, target in mapping.tables.items()}
            schema = source.schema
            named = [
                *(("table", t.name) for t in schema.tables.values() if t.has_rows),
                *(("index", o.name) for o in schema.indexes.values()),
                *(("view", o.name) for o in schema.views.values()),
                *(("trigger", o.name) for o in schema.triggers.values()),
            ]
            found += [
                Named(source.path, kind, name, "", targets.get(fold(name), name))
                for kind, name in named
            ]
        return found

    def _columns(self, mapping: FileMapping) -> list[Named]:
        source = next(s for s in self.plan.sources if s.path == self._file)
        table = source.schema.tables[fold(self._table)]
        here = {fold(new): old for old, new in mapping.tables.items()}
        targets: dict[str, str] = {}
        for listed, columns in mapping.columns.items():
            if fold(here.get(fold(listed), listed)) == table.key:
                targets |= {fold(name): target for name, target in columns.items()}
        return [
            Named(self._file, "column", c.name, table.name, targets.get(c.key, c.name))
            for c in table.columns
            if not c.hidden
        ]

    @property
    def _object(self) -> Named | None:
        return next((found for found in self.objects if found.key == self.current), None)

    def heading(self) -> tuple[str, str]:
        """What the list is of."""
        if self._file:
            return f"Columns of {self._table}", f"in {safe(self._file, 60)}"
        changed = sum(o.target != o.name for o in self.objects)
        return "Names", f"what each file's objects are called in the target; {changed:,} changed"

    def rows(self) -> Sequence[Row]:
        """One line each."""
        return [
            (
                o.key,
                (
                    clip_path(o.file, 40),
                    o.kind,
                    plain(o.name),
                    plain("left out", str(self.ink.warn))
                    if not o.target
                    else plain(o.target, str(self.ink.warn) if o.target != o.name else ""),
                ),
            )
            for o in self.objects
        ]

    def detail(self) -> tuple[str, Text]:
        """What the choice means."""
        found, muted = self._object, str(self.ink.muted)
        if found is None:
            return "", Text("")
        if not found.target:
            words = "It is in no target. Its rows stay in the original and in the backup."
        elif found.target != found.name:
            words = f"Becomes {safe(found.target)}; what speaks of it in the schema follows."
        else:
            words = "Keeps its name. Objects of the same name and kind become one."
        return found.name, Text(words, muted)

    def action_rename(self) -> None:
        """`r`."""
        found = self._object
        if found is None:
            return
        dialog = LineInput(
            f"{found.kind} {safe(found.name, 60)}",
            f"Its name in the target. In {safe(found.file)} it stays as it is.",
            value=found.target or found.name,
        )
        self.app.push_screen(dialog, lambda name: self._renamed(found, name))

    def _renamed(self, found: Named, name: str | None) -> None:
        if name is not None:
            self._set(found, name)

    def action_leave_out(self) -> None:
        """`x`."""
        found = self._object
        if found is None:
            return
        if found.table:
            self.owner.tell("A column cannot be left out; its table can.")
            return
        self._set(found, "")

    def action_clear(self) -> None:
        """`c`."""
        found = self._object
        if found is not None:
            self._set(found, None)

    def _set(self, found: Named, target: str | None) -> None:
        document = self.wizard.document
        if found.table:
            self.change(rename_column(document, found.file, found.table, found.name, target))
        else:
            self.change(rename(document, found.file, found.name, target))

    def action_columns(self) -> None:
        """`enter`."""
        found = self._object
        if found is None or found.kind != "table":
            self.app.bell()
            return
        self.app.push_screen(NamesPage(found.file, found.name), self._columns_left)

    def _columns_left(self, changed: bool | None) -> None:
        self.changed = self.changed or bool(changed)
        self.draw()
