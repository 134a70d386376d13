"""Rows that look alike although no key matches them: the same, or not, one key each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from consolidator_tui.domain.cells import cell
from consolidator_tui.domain.plan import Decision, NotSame
from consolidator_tui.domain.suggestion import (
    PickedRow,
    Suggestion,
    Suggestions,
    not_same,
    same,
)
from consolidator_tui.domain.words import plural
from consolidator_tui.services.plan_document.edit import (
    with_not_same,
    without_decision,
    without_not_same,
)
from consolidator_tui.tui.modals.pick import Item, PickOne
from consolidator_tui.tui.rows import cell_text
from consolidator_tui.tui.screens.plan_page import PlanPage
from consolidator_tui.tui.signs import BAD, GOOD, TODO
from consolidator_tui.tui.text import clip_path, plain, safe
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row


class SuggestionsPage(PlanPage):
    """Nothing here is applied by itself; going back plans anew and counts."""

    HELP_PAGE = "look-alikes"
    COLUMNS = (
        Col("", most=1),
        Col("Table", least=8, most=24),
        Col("One", least=14, most=44, flex=2),
        Col("Other", least=14, most=44, flex=2),
        Col("Because", least=16, most=70, flex=2),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "same", "same", tooltip="Both rows are one entity"),
        Binding("x", "different", "not same", tooltip="Different: do not suggest it again"),
        Binding("c", "clear", "clear", tooltip="Take the answer back"),
        Binding(
            "slash", "pick", "pick two", key_display="/", tooltip="Pick two rows that are the same"
        ),
        Binding("d", "drop", "by hand", tooltip="What was called the same or not; take it back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: Suggestions | None = None

    def on_mount(self) -> None:
        """Look for them."""
        super().on_mount()

        def done(found: Suggestions) -> None:
            self._found = found
            if self.is_attached:
                self.draw()

        self.wizard.find_suggestions(done)

    @property
    def _all(self) -> tuple[Suggestion, ...]:
        return self._found.found if self._found is not None else ()

    @property
    def _suggestion(self) -> Suggestion | None:
        return next((s for s in self._all if s.key == self.current), None)

    def heading(self) -> tuple[str, str]:
        """How many are open."""
        if self._found is None:
            return "Look-alikes", "looking for rows that may be the same …"
        if not self._all:
            return "Look-alikes", "none found"
        open_ = sum(not self._answer(s) for s in self._all)
        return "Look-alikes", (
            f"{open_:,} open of {plural(len(self._all), 'pair')}; nothing is done without you"
        )

    def _answer(self, s: Suggestion) -> str:
        document = self.wizard.document
        if same(s.first, s.second) in document.decisions:
            return "same"
        return "different" if not_same(s.first, s.second) in document.not_same else ""

    def rows(self) -> Sequence[Row]:
        """The pairs."""
        ink = self.ink
        marks = {"same": Text(GOOD, str(ink.good)), "different": Text(BAD, str(ink.muted))}
        return [
            (
                s.key,
                (
                    marks.get(self._answer(s), Text(TODO, str(ink.warn))),
                    plain(s.table),
                    plain(row_name(s.first)),
                    plain(row_name(s.second)),
                    plain(", ".join(s.evidence), str(ink.muted)),
                ),
            )
            for s in self._all
        ]

    def detail(self) -> tuple[str, Text]:
        """Both rows side by side."""
        s, muted = self._suggestion, str(self.ink.muted)
        if self._found is None:
            return "", Text("Comparing …", muted)
        if s is None:
            text = Text("No rows look alike without being matched. / picks two rows yourself.")
            for sentence in self._found.cut:
                text.append(f"\n{safe(sentence)}", muted)
            return "", text
        text = side_by_side((s.first, s.second), max(self.size.width - 4, 40), self.ink)
        text.append(f"\n{safe('; '.join(s.evidence))}", muted)
        for sentence in self._found.cut:
            text.append(f"\n{safe(sentence)}", muted)
        return f"{clip_path(s.first.source, 30)} and {clip_path(s.second.source, 30)}", text

    def _store(self, s: Suggestion, answer: str) -> None:
        document = self.wizard.document
        decision, pair = same(s.first, s.second), not_same(s.first, s.second)
        document = without_not_same(without_decision(document, decision), pair)
        if answer == "same":
            document = replace(document, decisions=(*document.decisions, decision))
        elif answer == "different":
            document = with_not_same(document, pair)
        self.changed = True
        self.wizard.keep(document, lambda: self._stored(bool(answer)))

    def _stored(self, go_on: bool) -> None:
        if not self.is_attached:
            return
        self.draw()
        if go_on:
            self._next()

    def _next(self) -> None:
        """To the next open one, from the top again after the last."""
        keys = [s.key for s in self._all]
        start = keys.index(self.current) + 1 if self.current in keys else 0
        for s in (*self._all[start:], *self._all[:start]):
            if not self._answer(s):
                self.query_one("#list", FitTable).move_to(s.key)
                return

    def action_same(self) -> None:
        """`y`."""
        if self._suggestion is not None:
            self._store(self._suggestion, "same")

    def action_different(self) -> None:
        """`x`."""
        if self._suggestion is not None:
            self._store(self._suggestion, "different")

    def action_clear(self) -> None:
        """`c`."""
        if self._suggestion is not None:
            self._store(self._suggestion, "")

    # Rows that a person picks

    def action_pick(self) -> None:
        """`/`."""
        items = [Item(t.name, safe(t.name, 60)) for t in self.plan.tables]
        if not items:
            self.app.bell()
            return
        here = self._suggestion.table if self._suggestion is not None else ""
        self.app.push_screen(PickOne("Rows of which table?", "", items, here), self._pick_in)

    def _pick_in(self, table: str | None) -> None:
        if table is None:
            return
        from consolidator_tui.tui.screens.plan_rows import RowsPage

        self.app.push_screen(RowsPage(table), self._picked)

    def _picked(self, picked: tuple[PickedRow, PickedRow] | None) -> None:
        if picked is None:
            return
        decision = same(*picked)
        document = without_decision(self.wizard.document, decision)
        self.changed = True
        self.wizard.keep(
            replace(document, decisions=(*document.decisions, decision)),
            lambda: self._told("Called the same. Going back plans anew and counts."),
        )

    def _told(self, sentence: str) -> None:
        self.owner.tell(sentence)
        if self.is_attached:
            self.draw()

    def action_drop(self) -> None:
        """`d`: take back that rows are the same, or that they are not."""
        made: list[Decision | NotSame] = [
            *(d for d in self.wizard.document.decisions if d.also),
            *self.wizard.document.not_same,
        ]
        if not made:
            self.owner.tell("Nothing was called the same or different by hand.")
            return
        items = [Item(str(n), _words(one)) for n, one in enumerate(made)]
        dialog = PickOne("Take back which?", "", items)
        self.app.push_screen(dialog, lambda key: self._dropped(made, key))

    def _dropped(self, made: Sequence[Decision | NotSame], key: str | None) -> None:
        if key is None:
            return
        one, document = made[int(key)], self.wizard.document
        if isinstance(one, Decision):
            document = without_decision(document, one)
        else:
            document = without_not_same(document, one)
        self.changed = True
        self.wizard.keep(document, lambda: self._told("Taken back."))


def _words(one: Decision | NotSame) -> str:
    rows = (one.entity, *one.also) if isinstance(one, Decision) else (one.entity, one.other)
    sign = " = " if isinstance(one, Decision) else " is not "
    named = sign.join(", ".join(safe(v, 40) for v in row.values()) for row in rows)
    return f"{safe(one.table, 24)}: {named}"


def row_name(row: PickedRow) -> str:
    """A row by the values that name it, or by its first ones."""
    values = [v for v in row.naming.values() if v is not None and v != ""]
    return ", ".join(safe(v, 40) for v in values[:3])


def side_by_side(rows: Sequence[PickedRow], width: int, ink: Inks) -> Text:
    """One or two rows as columns, what differs marked."""
    muted = str(ink.muted)
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    label = min(max((len(safe(n, 24)) for n in names), default=4), 24)
    room = max((width - label - 8) // 2, 10)
    text = Text(end="", no_wrap=True)
    for name in names:
        if len(rows) > 1:
            text.append("≡ " if _equal(rows, name) else "≠ ", muted)
        text.append(f"{safe(name, 24):<{label}}  ", muted)
        for row in rows:
            if name in row.values:
                text.append_text(cell_text(cell(row.values[name]), ink, room))
            else:
                text.append(f"{'(no such column)':<{room}}"[:room], muted)
            text.append("  ")
        text.append("\n")
    text.rstrip()
    return text


def _equal(rows: Sequence[PickedRow], name: str) -> bool:
    """Whether all rows have the same there; 1 and '1' are not."""
    found = [repr(row.values[name]) if name in row.values else None for row in rows]
    return found[0] is not None and len(set(found)) == 1
