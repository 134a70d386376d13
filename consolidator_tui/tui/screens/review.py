"""The conflicts that no rule decided, one line each, decided with one key each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from consolidator_tui.domain.event import Level
from consolidator_tui.domain.plan import Value
from consolidator_tui.tui.conflicts import BOTH, OpenConflict
from consolidator_tui.tui.signs import GOOD, TODO
from consolidator_tui.tui.text import clip_path, plain, plural, safe
from consolidator_tui.tui.widgets.bars import ActionBar, Primary, TooSmall
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row
from consolidator_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.wizard import Wizard


class ReviewScreen(Screen[bool]):
    """Ends with True when the merge shall be done again with the decisions."""

    AUTO_FOCUS = "#conflicts"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"keep({n})", f"Keep source {n}", show=False) for n in range(3, 10)),
        Binding("1", "keep(1)", "keep 1", tooltip="Keep source 1"),
        Binding("2", "keep(2)", "keep 2", tooltip="Keep source 2"),
        Binding("b", "both", "both", tooltip="Keep both: they are different entities"),
        Binding("x", "clear", "Take the decision back", show=False),
        Binding("A", "all", "all like this", tooltip="The same decision for all of this table"),
        Binding("n", "next", "next", tooltip="Next undecided"),
        Binding("enter", "primary", "Merge again", show=False),
        Binding("escape", "leave", "back", key_display="esc"),
        Binding("question_mark", "help", "help", tooltip="Help for this screen"),
    ]

    @property
    def _app(self) -> ConsolidatorApp:
        return cast("ConsolidatorApp", self.app)

    @property
    def _wizard(self) -> Wizard:
        return self._app.wizard

    def compose(self) -> ComposeResult:
        """Heading, list, detail."""
        yield Static(id="review-head", markup=False)
        yield FitTable(
            [
                Col("", most=1),
                Col("Table", least=8, most=30),
                Col("Entity", least=24, most=60, flex=3),
                Col("Differs in", least=8, most=30, flex=1),
                Col("Keep", least=16, most=40, flex=1),
            ],
            id="conflicts",
        )
        yield Detail(id="detail")
        yield ActionBar(id="actions")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Draw, and go to the first undecided."""
        self._draw()
        self.call_after_refresh(self._seek, 0)

    @property
    def _conflicts(self) -> dict[str, OpenConflict]:
        return {conflict.key: conflict for conflict in self._wizard.conflicts}

    @property
    def _current(self) -> OpenConflict | None:
        return self._conflicts.get(self.query_one(FitTable).current_key or "")

    def _draw(self) -> None:
        wizard, ink = self._wizard, self._app.ink
        conflicts = self._conflicts
        left = sum(not wizard.kept(c) for c in conflicts.values())
        head = Text(" Conflicts  ", "bold", end="")
        head.append(f"{left:,} undecided of {len(conflicts):,}", str(ink.muted))
        self.query_one("#review-head", Static).update(head)
        self.query_one(FitTable).set_rows(self._row(c) for c in conflicts.values())
        self.query_one(ActionBar).show(self._primary(left), ink)
        self._draw_detail()

    def _row(self, conflict: OpenConflict) -> Row:
        ink = self._app.ink
        keep = self._wizard.kept(conflict)
        mark = Text(GOOD, str(ink.good)) if keep else Text(TODO, str(ink.warn))
        said = {"": "undecided", BOTH: "both"}.get(keep, clip_path(keep, 36))
        return conflict.key, (
            mark,
            plain(conflict.table),
            plain(entity_text(conflict)),
            plain(", ".join(conflict.differs), str(ink.muted)),
            plain(said, "" if keep else str(ink.warn)),
        )

    def on_fit_table_moved(self) -> None:
        """Another conflict is under the cursor."""
        self._draw_detail()

    def _draw_detail(self) -> None:
        conflict = self._current
        if conflict is None:
            return
        ink = self._app.ink
        text = Text(end="")
        for number, source in enumerate(conflict.sources, 1):
            text.append(f"{number}  ", str(ink.accent + ink.strong))
            text.append(f"keep the row of {safe(source)}\n")
        text.append("b  ", str(ink.accent + ink.strong))
        text.append("keep both: they are different entities")
        if conflict.unique:
            column = ", ".join(map(safe, conflict.unique))
            text.append(f"; one of them gets another {column}")
        if conflict.unique and set(conflict.unique) == set(conflict.differs):
            text.append(
                f"\n\nDifferent entities share one UNIQUE {column}. Keeping one row makes them one "
                "entity, and what refers to either then refers to it.",
                str(ink.muted),
            )
        self.query_one(Detail).show(entity_text(conflict), text)

    def _primary(self, left: int) -> Primary:
        if left:
            return Primary("Merge again", f"{left:,} still undecided", enabled=False)
        return Primary("Merge again", "with these decisions; the target is not touched")

    def action_keep(self, number: int) -> None:
        """`1` to `9`."""
        conflict = self._current
        if conflict is None:
            return
        if number > len(conflict.sources):
            self._app.bell()
            return
        self._decide([conflict], conflict.sources[number - 1])

    def action_both(self) -> None:
        """`b`; two rows with one UNIQUE value cannot both stay as they are."""
        conflict = self._current
        if conflict is None:
            return
        if not conflict.unique:
            self._decide([conflict], BOTH)
            return
        from consolidator_tui.tui.modals.line_input import LineInput

        column = conflict.unique[0]
        dialog = LineInput(
            "Keep both",
            f"{column} is UNIQUE, so one of the two needs another value.\n"
            f"Another {column} for the row of {safe(conflict.sources[-1])}:",
            value=str(conflict.entity.get(column, "")),
        )
        self.app.push_screen(dialog, lambda value: self._both_with(conflict, column, value))

    def _both_with(self, conflict: OpenConflict, column: str, value: str | None) -> None:
        if value is None:
            return
        if value == conflict.entity.get(column):
            self._app.tell(f"{column} must differ from {value}.", Level.WARNING)
            return
        self._decide([conflict], BOTH, {column: value})

    def action_clear(self) -> None:
        """`x`."""
        if self._current is not None:
            self._decide([self._current], "")

    def action_all(self) -> None:
        """`A`: what was decided here, for every undecided one of this table with that source."""
        current = self._current
        keep = self._wizard.kept(current) if current is not None else ""
        if current is None or not keep:
            self._app.tell("Decide this one first; A then does the same for all like it.")
            return
        if keep == BOTH and current.unique:
            self._app.tell("Each of these needs a value of its own.", Level.WARNING)
            return
        alike = [
            conflict
            for conflict in self._conflicts.values()
            if (conflict.table, conflict.unique) == (current.table, current.unique)
            and (keep == BOTH or keep in conflict.sources)
            and not self._wizard.kept(conflict)
        ]
        self._decide(alike, keep)
        self._app.tell(f"Decided {plural(len(alike), 'conflict')} more.", Level.INFO)

    def _decide(
        self, conflicts: list[OpenConflict], keep: str, values: dict[str, Value] | None = None
    ) -> None:
        self._wizard.decide(conflicts, keep, values, self._decided)

    def _decided(self) -> None:
        self._draw()
        current = self._current
        if current is not None and self._wizard.kept(current):
            self.action_next()

    def action_next(self) -> None:
        """`n`: the next undecided one, from the top again after the last."""
        keys = list(self._conflicts)
        here = self.query_one(FitTable).current_key
        self._seek(keys.index(here) + 1 if here in keys else 0)

    def _seek(self, start: int) -> None:
        keys = list(self._conflicts)
        table = self.query_one(FitTable)
        for key in (*keys[start:], *keys[:start]):
            if not self._wizard.kept(self._conflicts[key]):
                table.move_to(key)
                return

    def action_primary(self) -> None:
        """`enter`: merge with what was decided."""
        wizard = self._wizard
        if any(not wizard.kept(c) for c in wizard.conflicts):
            self._app.bell()
            return
        self.dismiss(True)

    def on_button_pressed(self) -> None:
        """The mouse can press it too."""
        self.action_primary()

    def action_leave(self) -> None:
        """Back to Migrate; what was decided is kept."""
        self.dismiss(False)

    def action_help(self) -> None:
        """`?`."""
        from consolidator_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen("review"))


def entity_text(conflict: OpenConflict) -> str:
    """The entity by its key values."""
    return ", ".join(f"{name} {safe(value, 60)}" for name, value in conflict.entity.items())
