"""The review as something to decide in: one group, a range, all alike, rules, undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from consolidator_tui.domain.conflict import (
    APART_FROM,
    Alike,
    Choice,
    Chosen,
    ConflictDetail,
    ConflictGroup,
    ConflictKind,
    Counted,
    Made,
    Range,
    RulePreview,
    TableRules,
)
from consolidator_tui.domain.decided import BOTH
from consolidator_tui.domain.event import Level
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.reviewing import ASIDE
from consolidator_tui.tui.screens.review_moving import ReviewMoving
from consolidator_tui.tui.text import safe


class ReviewDeciding(ReviewMoving):
    """Every decision is stored before the next key is read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "version(1)", "keep", key_display="1-9", tooltip="Keep source 1"),
        *(Binding(str(n), f"version({n})", f"Keep source {n}", show=False) for n in range(2, 10)),
        Binding("b", "both", "both", tooltip="Keep both: they are different entities"),
        Binding("s", "skip", "skip", tooltip="Leave it undecided and go on"),
        Binding("x", "clear", "Take the decision back", show=False),
        Binding("v", "range", "Range: the next decision is for all of it", show=False),
        Binding("A", "alike", "all", tooltip="The same decision for all like this"),
        Binding("R", "rules", "Rules for this table", show=False),
        Binding("u", "undo", "undo", tooltip="Undo the last step"),
        Binding("U", "redo", "Do again what was undone", show=False),
        Binding("enter", "primary", "Continue", show=False),
    ]

    _last: Choice | None = None
    """The decision that `A` repeats."""

    # One group, or a range

    def action_version(self, number: int) -> None:
        """`1` to `9`: this version's row wins."""
        detail = self._ready(lambda: self.action_version(number))
        if detail is None:
            return
        if number > len(detail.versions):
            self.reviewing.tell(
                f"There are {plural(len(detail.versions), 'version')}.", Level.WARNING
            )
            return
        if detail.group.kind is ConflictKind.DUPLICATE:
            self.reviewing.tell("The rows are equal; b says that they are not the same.")
            return
        self.decide(Choice(detail.versions[number - 1].source))

    def _ready(self, again: Callable[[], None]) -> ConflictDetail | None:
        """The group under the cursor, None while something runs.

        While a decision is stored or versions are read, `again` waits: keys typed ahead count, and
        each is about the group that it would be about without hurry.
        """
        group, detail = self.current, self.detail
        if self.owner.job is not None or not self.groups.total:
            self.app.bell()
            return None
        fresh = group is not None and detail is not None and detail.group.number == group.number
        if self.busy or not fresh:
            self.waiting.append(again)
            return None
        return detail

    def action_both(self) -> None:
        """`b`: different entities; asks for the values that have to change."""
        detail = self._ready(self.action_both)
        if detail is None:
            return
        if self.groups.marked is not None:
            self.decide(Choice(BOTH))
            return
        from consolidator_tui.tui.modals.keep_both import KeepBoth

        session, table = self.reviewing.session, detail.group.table

        async def taken(column: str, value: Value) -> bool:
            return await session.value_taken(table, (column,), (value,))

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                self.decide(Choice(BOTH, values))

        self.app.push_screen(KeepBoth(detail, taken), answered)

    def action_clear(self) -> None:
        """`x`: take the decision back."""
        detail = self._ready(self.action_clear)
        if detail is None:
            return
        if self.groups.marked is None and not detail.group.keep:
            self.reviewing.tell("It was not decided by hand.")
            return
        self.decide(Choice(""), stay=True)

    def action_skip(self) -> None:
        """`s`: leave it as it is and go on."""
        self.groups.range_from = None
        self.action_next()

    def action_range(self) -> None:
        """`v`: begin a range here, or give it up."""
        groups = self.groups
        groups.range_from = groups.cursor if groups.range_from is None else None
        groups.refresh()
        self.draw()

    def decide(self, choice: Choice, *, stay: bool = False) -> None:
        """Decide about the range, or the group under the cursor."""
        group, marked = self.current, self.groups.marked
        if group is None:
            return
        chosen: Chosen = group.number
        if marked is not None:
            chosen = Range(self.reviewing.query, *marked)
        self._last = choice if choice.keep else None
        self._make(chosen, choice, group, stay=stay)

    def _make(self, chosen: Chosen, choice: Choice, group: ConflictGroup, *, stay: bool) -> None:
        session = self.reviewing.session
        many = not isinstance(chosen, int)
        label = f"{group.table}: {describe(choice)}" + (" for many" if many else "")

        self.busy = True

        def done(made: Made) -> None:
            self._made(made, choice, many=many, stay=stay)

        self.reviewing.ask(
            lambda: session.decide_groups(chosen, choice, label),
            done,
            "the decision",
            failed=self.idle,
        )

    def _made(self, made: Made, choice: Choice, *, many: bool, stay: bool) -> None:
        if made.count:
            self.wizard.remade = True
        if many:
            word = "Decided" if choice.keep else "Taken back"
            said = f"{word}: {plural(made.count, 'conflict')} ({describe(choice)})."
            if made.left:
                said += f" {made.left:,} cannot be decided like that and stay as they are."
            self.reviewing.tell(said)
        if not self.is_attached:
            return
        self.groups.range_from = None
        self.groups.forget()
        if stay or self.reviewing.query.decided in ASIDE:
            self.busy = False
            self.read_group()
        else:
            self.action_next()

    # All like this

    def action_alike(self) -> None:
        """`A`: the decision of this group (or the last one) for all like it, after a preview."""
        detail = self._ready(self.action_alike)
        if detail is None:
            return
        group = detail.group
        if group.kind in (ConflictKind.DUPLICATE, ConflictKind.APART):
            self.app.bell()
            return
        choice = self._last
        if group.keep:
            choice = Choice(group.keep, detail.values, detail.fields)
        if choice is None:
            self.reviewing.tell("Decide this one first; A then repeats it.", Level.WARNING)
            return
        session = self.reviewing.session

        def counted(found: Counted) -> None:
            self._alike_counted(group, choice, found)

        self.reviewing.ask(lambda: session.conflicts_alike(group.number), counted)

    def _alike_counted(self, group: ConflictGroup, choice: Choice, counted: Counted) -> None:
        if not self.is_attached:
            return
        if not group.keep:
            # This one is decided with the others.
            counted = Counted(
                counted.open + (not group.decided_by),
                counted.by_rule + bool(group.decided_by),
                counted.by_hand,
            )
        if not counted.open and not counted.by_rule:
            self.reviewing.tell("No other conflict like this is left.")
            return
        from consolidator_tui.tui.modals.alike import alike_question

        def answered(answer: str | None) -> None:
            if answer in ("open", "rule"):
                chosen = Alike(group.number, by_rule=answer == "rule")
                self._make(chosen, choice, group, stay=False)

        self.app.push_screen(alike_question(group, counted, describe(choice)), answered)

    # Rules

    def action_rules(self) -> None:
        """`R`: the rules of this table, with what they would decide."""
        group = self.current
        if group is None or self.owner.job is not None:
            self.app.bell()
            return
        session, table = self.reviewing.session, group.table

        def read(found: tuple[TableRules, tuple[str, ...], tuple[str, ...]]) -> None:
            from consolidator_tui.tui.modals.rules import RulesDialog

            dialog = RulesDialog(table, found[0], found[2], self.wizard.sources, preview)
            self.app.push_screen(dialog, answered)

        def preview(rules: TableRules, done: Callable[[RulePreview], None]) -> None:
            self.reviewing.ask(lambda: session.preview_rules(table, rules), done, "the rules")

        def answered(rules: TableRules | None) -> None:
            if rules is not None:
                self.wizard.merge_with_rules(table, rules, self._ruled)
                self.draw()

        self.reviewing.ask(lambda: session.table_rules(table), read, "the rules")

    def _ruled(self) -> None:
        if self.is_attached:
            self.start_again()

    # Undo

    def action_undo(self) -> None:
        """`u`: the last step, however many groups it decided."""
        self._turn(back=True)

    def action_redo(self) -> None:
        """`U`."""
        self._turn(back=False)

    def _turn(self, *, back: bool) -> None:
        if self.owner.job is not None:
            self.app.bell()
            return
        session = self.reviewing.session

        def done(found: tuple[Made, int] | None) -> None:
            if found is None:
                self.reviewing.tell(f"There is nothing to {'undo' if back else 'do again'}.")
                return
            made, number = found
            self.wizard.remade = True
            word = "Undone" if back else "Done again"
            label = safe(made.label, 60)
            if made.rules:
                self.reviewing.tell(f"{word}: {label}.")
                self.wizard.merge_with_rules_before(label, self._ruled)
                self.draw()
                return
            self.reviewing.tell(f"{word}: {label} ({plural(made.count, 'conflict')}).")
            if self.is_attached:
                self._show_again(number)

        run = session.undo_decision if back else session.redo_decision
        self.reviewing.ask(run, done, "undoing")

    def _show_again(self, number: int) -> None:
        query = self.reviewing.query
        aside = query.decided in ASIDE
        if aside or not 0 < number < APART_FROM:
            self.groups.forget()
            self.read_group()
            return
        self.show_query(query, number)

    def action_primary(self) -> None:
        """`enter`: go on, when everything is decided."""
        if not self.primary().enabled:
            self.app.bell()
            self.reviewing.tell(
                f"{plural(self.reviewing.sums.open, 'conflict')} still undecided.", Level.WARNING
            )
            return
        self.dismiss(self.wizard.remade)

    def on_button_pressed(self) -> None:
        """The mouse can press it too."""
        self.action_primary()


def describe(choice: Choice) -> str:
    """A decision in a few words."""
    if not choice.keep:
        return "taken back"
    more = len(choice.values) + len(choice.fields)
    word = "keep both" if choice.keep == BOTH else f"keep {choice.keep}"
    return word + (f", {plural(more, 'field')} set" if more else "")
