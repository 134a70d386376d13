"""The references between tables: which are followed, which are asked, what speaks for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Reference
from consolidator_tui.domain.plan import ReferencePlan, Value
from consolidator_tui.domain.words import plural
from consolidator_tui.services.plan_document.edit import follow, forget_reference, turn_down
from consolidator_tui.services.plan_document.evidence import Sample, share
from consolidator_tui.tui.modals.line_input import LineInput
from consolidator_tui.tui.modals.pick import Item, PickOne
from consolidator_tui.tui.screens.plan_page import PlanPage
from consolidator_tui.tui.signs import BAD, GOOD
from consolidator_tui.tui.text import plain, safe
from consolidator_tui.tui.typed import typed_value
from consolidator_tui.tui.widgets.fit_table import Col, Row


class State(StrEnum):
    """What is done with a reference."""

    DECLARED = "declared"
    FOLLOWED = "followed"
    WEAK = "not followed"
    TURNED_DOWN = "turned down"


@dataclass(frozen=True, slots=True)
class Line:
    """One reference of the list."""

    state: State
    reference: Reference
    others: tuple[Reference, ...] = ()
    """Other parents that it may have."""

    @property
    def key(self) -> str:
        """A name that stays the same."""
        r = self.reference
        return repr((r.table, r.columns, r.parent, dict(r.where)))


class ReferencesPage(PlanPage):
    """Undeclared references are followed or turned down here."""

    COLUMNS = (
        Col("", most=1),
        Col("Column", least=16, most=40, flex=1),
        Col("Refers to", least=12, most=40, flex=1),
        Col("State", least=12),
        Col("Evidence", least=14, most=90, flex=2),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "follow", "follow", tooltip="Follow the reference"),
        Binding("x", "turn_down", "none", tooltip="It is no reference: values stay"),
        Binding("c", "clear", "auto", tooltip="As the tool judges it"),
        Binding("p", "parent", "parent", tooltip="It refers to another table"),
        Binding("a", "absent", "absent", tooltip="Values that mean: none"),
        Binding("n", "new", "new", tooltip="Add a reference that was not found"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._samples: dict[str, tuple[Sample, ...]] = {}

    @property
    def lines(self) -> list[Line]:
        """Undeclared ones first: they are what is to be looked at."""
        document = self.wizard.document
        found = [
            Line(State.WEAK, proposal.candidates[0], proposal.candidates[1:])
            for proposal in self.plan.proposals
        ]
        refused = {(fold(r.table), tuple(map(fold, r.columns))) for r in document.not_references}
        for table in self.plan.tables:
            for reference in table.references:
                state = State.DECLARED if reference.declared else State.FOLLOWED
                found.append(Line(state, reference))
        for table_name, columns in sorted(refused):
            gone = Reference(table_name, columns, "", (), declared=False)
            found.append(Line(State.TURNED_DOWN, gone))
        order = (State.WEAK, State.FOLLOWED, State.TURNED_DOWN, State.DECLARED)
        return sorted(found, key=lambda line: order.index(line.state))

    @property
    def _line(self) -> Line | None:
        return next((line for line in self.lines if line.key == self.current), None)

    def heading(self) -> tuple[str, str]:
        """How many there are."""
        lines = self.lines
        weak = sum(line.state is State.WEAK for line in lines)
        followed = sum(line.state in (State.FOLLOWED, State.DECLARED) for line in lines)
        return "References", f"{followed:,} followed, {weak:,} with weak evidence"

    def rows(self) -> Sequence[Row]:
        """One line each."""
        return [(line.key, self._row(line)) for line in self.lines]

    def _row(self, line: Line) -> tuple[Text, ...]:
        ink, r = self.ink, line.reference
        mark = {
            State.WEAK: Text("?", str(ink.warn)),
            State.TURNED_DOWN: Text(BAD, str(ink.muted)),
        }.get(line.state, Text(GOOD, str(ink.good)))
        only = "".join(f" [{safe(c)} = {safe(v)}]" for c, v in r.where.items())
        parent = f"{r.parent}({', '.join(r.parent_columns)})" if r.parent else "–"  # noqa: RUF001
        return (
            mark,
            plain(f"{r.table}.{', '.join(r.columns)}{only}"),
            plain(parent),
            plain(line.state),
            plain("by a FOREIGN KEY" if r.declared else r.evidence, str(ink.muted)),
        )

    def detail(self) -> tuple[str, Text]:
        """Name, share, sample values."""
        line = self._line
        if line is None:
            return "", Text("No table refers to another. n adds a reference.")
        r, muted = line.reference, str(self.ink.muted)
        text = Text(end="")
        if line.state is State.TURNED_DOWN:
            return r.table, Text("Its values stay as they are. y or c takes that back.")
        if r.evidence:
            text.append(f"{safe(r.evidence)}\n")
        if r.absent:
            text.append("Absent       ", muted)
            text.append(f"{', '.join(repr(value) for value in r.absent)} mean none\n")
        if line.others:
            text.append("Or           ", muted)
            text.append(f"{', '.join(safe(o.parent) for o in line.others)} (p chooses)\n")
        known = self._samples.get(line.key)
        if known is None:
            text.append("reading values …", muted)
            self._ask(line)
        for sample in known or ():
            text.append(f"{safe(sample.source, 40)}  ", muted)
            counted = share([sample])
            text.append(f"{counted}: " if counted else "")
            shown = (
                f"{safe(value)} → {safe(label) if label is not None else 'no row'}"
                for value, label in sample.examples
            )
            text.append(f"{', '.join(shown) or 'no values'}\n")
        text.rstrip()
        return f"{r.table}.{', '.join(r.columns)}", text

    def _ask(self, line: Line) -> None:
        def done(found: tuple[Sample, ...]) -> None:
            self._samples[line.key] = found
            if self.is_attached:
                self.draw_detail()

        if not self.wizard.editing:
            self.wizard.sample(line.reference, done)

    # Changes

    def _plan_of(self, r: Reference) -> ReferencePlan:
        return ReferencePlan(r.table, r.columns, r.parent, r.parent_columns, r.where, r.absent)

    def _settle(self, reference: ReferencePlan) -> None:
        self._samples.clear()
        self.change(follow(self.wizard.document, reference))

    def action_follow(self) -> None:
        """`y`."""
        line = self._line
        if line is None or line.state is State.DECLARED:
            self.app.bell()
        elif line.state is State.TURNED_DOWN:
            self._choose_parent(line)
        else:
            self._settle(self._plan_of(line.reference))

    def action_turn_down(self) -> None:
        """`x`."""
        line = self._line
        if line is None:
            return
        if line.state is State.DECLARED:
            self.owner.tell("A declared foreign key is always followed.")
            return
        self.change(turn_down(self.wizard.document, self._plan_of(line.reference)))

    def action_clear(self) -> None:
        """`c`."""
        line = self._line
        if line is not None:
            self.change(forget_reference(self.wizard.document, self._plan_of(line.reference)))

    def action_parent(self) -> None:
        """`p`."""
        line = self._line
        if line is None or line.state is State.DECLARED:
            self.app.bell()
            return
        self._choose_parent(line)

    def _choose_parent(self, line: Line) -> None:
        likely = [r.parent for r in (line.reference, *line.others) if r.parent]
        tables = [t for t in self.plan.tables if t.surrogate or t.table.primary_key]
        tables.sort(key=lambda t: (t.name not in likely, t.name))
        items = [
            Item(t.name, safe(t.name, 60), "may be it" if t.name in likely else "") for t in tables
        ]
        columns = ", ".join(safe(c) for c in line.reference.columns)
        dialog = PickOne(f"What does {safe(line.reference.table)}.{columns} refer to?", "", items)
        self.app.push_screen(dialog, lambda name: self._parent_chosen(line.reference, name))

    def _parent_chosen(self, reference: Reference, name: str | None) -> None:
        if name is None:
            return
        parent = self.plan.table(fold(name))
        key = (parent.surrogate,) if parent.surrogate else parent.table.primary_key
        if len(key) != len(reference.columns):
            self.owner.tell(f"The key of {name} has {plural(len(key), 'column')}.")
            return
        self._settle(
            ReferencePlan(
                reference.table,
                reference.columns,
                parent.name,
                tuple(map(str, key)),
                reference.where,
                reference.absent,
            )
        )

    def action_absent(self) -> None:
        """`a`."""
        line = self._line
        if line is None or line.state in (State.DECLARED, State.TURNED_DOWN):
            self.app.bell()
            return
        r = line.reference
        dialog = LineInput(
            "Values that mean: refers to nothing",
            f"In {safe(r.table)}.{', '.join(map(safe, r.columns))}, separated by commas.\n"
            "'' is the empty text. A single - clears them.",
            value=", ".join("''" if v == "" else str(v) for v in r.absent),
            placeholder="0, -1",
        )
        self.app.push_screen(dialog, lambda text: self._absent_typed(r, text))

    def _absent_typed(self, r: Reference, text: str | None) -> None:
        if text is None:
            return
        parts = [] if text == "-" else [part.strip() for part in text.split(",")]
        absent: list[Value] = [
            typed_value(self.plan, r.table, r.columns[0], part) for part in parts if part
        ]
        self._settle(
            ReferencePlan(
                r.table,
                r.columns,
                r.parent,
                r.parent_columns,
                r.where,
                tuple(dict.fromkeys(absent)),
            )
        )

    def action_new(self) -> None:
        """`n`: table, column, parent."""
        items = [Item(t.name, safe(t.name, 60)) for t in self.plan.tables]
        dialog = PickOne("Which table holds the reference?", "", items)
        self.app.push_screen(dialog, self._new_table)

    def _new_table(self, name: str | None) -> None:
        if name is None:
            return
        table = self.plan.table(fold(name))
        known = {fold(c) for r in table.references for c in r.columns}
        items = [
            Item(c.name, safe(c.name, 60))
            for c in table.columns
            if c.name != table.surrogate and fold(c.name) not in known
        ]
        if not items:
            self.owner.tell(f"No column of {name} is left for a reference.")
            return
        dialog = PickOne(f"Which column of {safe(name)}?", "", items)
        self.app.push_screen(dialog, lambda column: self._new_column(name, column))

    def _new_column(self, name: str, column: str | None) -> None:
        if column is not None:
            made = Reference(name, (column,), "", (), declared=False)
            self._choose_parent(Line(State.WEAK, made))
