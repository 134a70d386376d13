"""Everything that the plan says of one table, each line changed with one key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import IdentityKind, MergeTable, TargetColumn
from consolidator_tui.domain.plan import TablePlan
from consolidator_tui.domain.rule import Rule
from consolidator_tui.domain.words import plural
from consolidator_tui.services.plan_document.drift import drift
from consolidator_tui.services.plan_document.edit import table_plan, with_table
from consolidator_tui.tui.modals.pick import Item, PickOne, PickOrder
from consolidator_tui.tui.plan_text import identity_words, rules_words
from consolidator_tui.tui.screens.plan_page import PlanPage
from consolidator_tui.tui.text import plain, safe
from consolidator_tui.tui.typed import typed_value
from consolidator_tui.tui.widgets.fit_table import Col, Row

DEFAULT = "default "
AUTOMATIC = "automatic"
NO_COLUMN = " none"
RULES = {
    Rule.NEWEST: "the row with the newest time",
    Rule.BASE: "the row of the first file that has one",
    Rule.LAST: "the row of the last file that has one",
    Rule.MOST_COMPLETE: "the row with the fewest NULLs",
    Rule.STOP: "nothing: a person decides each",
}


class TablePage(PlanPage):
    """The settings of one table."""

    COLUMNS = (
        Col("Setting", least=20, most=34),
        Col("Now", least=16, most=60, flex=2),
        Col("Why", least=12, most=70, flex=2),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change_it", "change", key_display="↩"),
        Binding("i", "identity", "same", tooltip="What makes two rows the same entity"),
        Binding("w", "rules", "wins", tooltip="Rules for conflicts, in their order"),
        Binding("W", "all_rules", "Rules of the whole plan", show=False),
        Binding("n", "newest", "newest", tooltip="The column that says which row is newest"),
        Binding("z", "fill", "NULLs", tooltip="Take values that the winner lacks"),
        Binding("x", "reset", "auto", tooltip="Back to what the tool chooses by itself"),
    ]

    def __init__(self, table: str) -> None:
        super().__init__()
        self._table_name = table

    @property
    def table(self) -> MergeTable:
        """The table as it is planned now."""
        return self.plan.table(fold(self._table_name))

    @property
    def _written(self) -> TablePlan:
        return table_plan(self.wizard.document, self._table_name)

    def heading(self) -> tuple[str, str]:
        """The table's name."""
        files = sum(name is not None for name in self.table.sources)
        return self._table_name, f"in {files} of {plural(len(self.plan.sources), 'file')}"

    def rows(self) -> Sequence[Row]:
        """Identity, rules, newest, NULLs, defaults."""
        table, written = self.table, self._written
        by_plan = "the plan says so"
        rules_why = by_plan if written.on_conflict is not None else "the rule of the whole plan"
        found: list[Row] = [
            ("identity", ("The same entity when", identity_words(table), table.identity.reason)),
            ("rules", ("Which version wins", rules_words(table), rules_why)),
            (
                "newest",
                (
                    "Newest by",
                    plain(table.newest or "no column"),
                    by_plan if written.newest else "its name",
                ),
            ),
            (
                "fill",
                (
                    "NULLs of the winner",
                    "are filled from the others" if table.fill_nulls else "stay",
                    "",
                ),
            ),
        ]
        for column in self._lacking(table):
            value = next(
                (v for c, v in written.defaults.items() if fold(c) == fold(column.name)), ""
            )
            there = any(fold(c) == fold(column.name) for c in written.defaults)
            found.append(
                (
                    f"{DEFAULT}{column.name}",
                    (
                        plain(f"Rows without {column.name}"),
                        plain(f"get {value!r}" if there else "get its own default"),
                        by_plan if there else "some files lack it, or have NULL there",
                    ),
                )
            )
        return found

    def _lacking(self, table: MergeTable) -> list[TargetColumn]:
        """Columns for which some rows may need a value: a file lacks it, or has NULL."""
        differing = {d.column for d in drift(self.plan, table)}
        named = {fold(c) for c in self._written.defaults}
        return [
            c
            for c in table.columns
            if c.name != table.surrogate and (c.name in differing or fold(c.name) in named)
        ]

    def detail(self) -> tuple[str, Text]:
        """What changing the setting means."""
        key = self.current
        muted = str(self.ink.muted)
        words = {
            "identity": "Rows of different files that are the same entity become one row. "
            "Rows of one file never do.",
            "rules": "Tried in order where the rows of one entity differ; what no rule decides is "
            "reviewed by hand. Decisions made by hand always win.",
            "newest": "The rule `newest` compares this column: ISO 8601, or seconds, milliseconds "
            "or microseconds since 1970. NULL counts as oldest.",
            "fill": "With it, a NULL of the winning row takes the value of the next version.",
        }.get(key, "For rows of files that lack the column, and for NULLs where none may be.")
        text = Text(words, muted)
        for difference in drift(self.plan, self.table):
            if key == f"{DEFAULT}{difference.column}":
                text.append(f"\n{safe(difference.file)}: ", muted)
                text.append(f"{safe(difference.what)}; {safe(difference.done)}")
        return "", text

    def action_change_it(self) -> None:
        """`enter`: the setting under the cursor."""
        key = self.current
        if key.startswith(DEFAULT):
            self._default(key.removeprefix(DEFAULT))
            return
        actions = {
            "identity": self.action_identity,
            "rules": self.action_rules,
            "newest": self.action_newest,
            "fill": self.action_fill,
        }
        if key in actions:
            actions[key]()

    # Identity

    def action_identity(self) -> None:
        """`i`."""
        table = self.table
        items = [Item(AUTOMATIC, "choose by itself", "keys first, then history, then content")]
        if table.table.primary_key:
            items.append(Item("key", "primary key", ", ".join(table.table.primary_key)))
        items += [
            Item("columns", "columns …", "choose which must agree"),
            Item("rows", "whole content", "all columns but the id agree"),
        ]
        if table.surrogate is not None:
            items.append(Item("lineage", "same id", "the files are copies of one another"))
        items.append(Item("none", "never", "append all rows"))
        written = self._written.identity
        current = "columns" if isinstance(written, tuple) else written or AUTOMATIC
        dialog = PickOne(f"When are rows of {safe(self._table_name)} the same?", "", items, current)
        self.app.push_screen(dialog, self._identity_chosen)

    def _identity_chosen(self, key: str | None) -> None:
        if key is None:
            return
        if key != "columns":
            self._set(identity=None if key == AUTOMATIC else key)
            return
        table = self.table
        chosen = table.identity.columns if table.identity.kind is IdentityKind.COLUMNS else ()
        items = [
            Item(c.name, safe(c.name, 60), ", ".join(self._lackers(c)))
            for c in table.columns
            if c.name != table.surrogate
        ]
        dialog = PickOrder(
            f"Columns that must agree in {safe(self._table_name)}",
            "Rows with a NULL in one of them are compared by their whole content.",
            items,
            chosen,
        )
        self.app.push_screen(dialog, self._columns_chosen)

    def _lackers(self, column: TargetColumn) -> list[str]:
        return [
            f"not in {safe(source.path, 40)}"
            for source, table, own in zip(
                self.plan.sources, self.table.sources, column.sources, strict=True
            )
            if table is not None and own is None
        ]

    def _columns_chosen(self, chosen: tuple[str, ...] | None) -> None:
        if chosen:
            self._set(identity=chosen)

    # Rules

    def action_rules(self) -> None:
        """`w`."""
        items = [Item(rule.value, rule.value.replace("_", " "), why) for rule, why in RULES.items()]
        dialog = PickOrder(
            f"Which version of {safe(self._table_name)} wins?",
            "They are tried in this order. W sets the rules of all tables.",
            items,
            [rule.value for rule in self.table.rules],
        )
        self.app.push_screen(dialog, self._rules_chosen)

    def _rules_chosen(self, chosen: tuple[str, ...] | None) -> None:
        if chosen:
            self._set(on_conflict=_rules(chosen))

    def action_all_rules(self) -> None:
        """`W`: for every table that has no rules of its own."""
        items = [Item(rule.value, rule.value.replace("_", " "), why) for rule, why in RULES.items()]
        dialog = PickOrder(
            "Which version wins, in every table without rules of its own?",
            "They are tried in this order.",
            items,
            [rule.value for rule in self.wizard.document.on_conflict],
        )
        self.app.push_screen(dialog, self._all_rules_chosen)

    def _all_rules_chosen(self, chosen: tuple[str, ...] | None) -> None:
        if chosen:
            self.change(replace(self.wizard.document, on_conflict=_rules(chosen)))

    # Newest, NULLs, defaults

    def action_newest(self) -> None:
        """`n`."""
        items = [Item(NO_COLUMN, "choose by itself", "a name like updated_at")]
        items += [Item(c.name, safe(c.name, 60)) for c in self.table.columns]
        dialog = PickOne(
            f"Which column of {safe(self._table_name)} says when a row was changed?",
            "",
            items,
            self._written.newest or NO_COLUMN,
        )
        self.app.push_screen(dialog, self._newest_chosen)

    def _newest_chosen(self, key: str | None) -> None:
        if key is not None:
            self._set(newest=None if key == NO_COLUMN else key)

    def action_fill(self) -> None:
        """`z`."""
        self._set(fill_nulls=not self._written.fill_nulls)

    def _default(self, column: str) -> None:
        from consolidator_tui.tui.modals.line_input import LineInput

        dialog = LineInput(
            f"{safe(column, 60)} of {safe(self._table_name, 60)}",
            "The value for rows that have none ('' is the empty text).",
        )
        self.app.push_screen(dialog, lambda text: self._default_typed(column, text))

    def _default_typed(self, column: str, text: str | None) -> None:
        if text is not None:
            value = typed_value(self.plan, self._table_name, column, text)
            self._set(defaults={**self._written.defaults, column: value})

    def action_reset(self) -> None:
        """`x`: the setting under the cursor as the tool chooses it."""
        key = self.current
        if key.startswith(DEFAULT):
            column = key.removeprefix(DEFAULT)
            kept = {c: v for c, v in self._written.defaults.items() if fold(c) != fold(column)}
            self._set(defaults=kept)
            return
        field = {"identity": "identity", "rules": "on_conflict", "newest": "newest"}.get(key)
        if field is not None:
            self._set(**{field: None})
        elif key == "fill":
            self._set(fill_nulls=False)

    def _set(self, **changes: object) -> None:
        if replace(self._written, **changes) == self._written:  # type: ignore[arg-type]
            return
        self.change(with_table(self.wizard.document, self._table_name, **changes))


def _rules(chosen: Sequence[str]) -> tuple[Rule, ...]:
    """The rules in their order; `stop` ends them wherever it was put."""
    rules = [Rule(key) for key in chosen if key != Rule.STOP]
    return (*rules, Rule.STOP) if Rule.STOP in chosen else tuple(rules)
