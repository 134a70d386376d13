"""The survivorship rules of one table, with what they would decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.domain.conflict import RulePreview, TableRules
from consolidator_tui.domain.rule import Rule
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.signs import CHOSEN, NOT_CHOSEN
from consolidator_tui.tui.text import safe

Preview = Callable[[TableRules, Callable[[RulePreview], None]], None]
CHOICES: tuple[Rule, ...] = (Rule.NEWEST, Rule.BASE, Rule.LAST, Rule.MOST_COMPLETE)
FILL = len(CHOICES)


class RulesDialog(Dialog[TableRules]):
    """Ends with the rules, or None. Their order is the order of the lines that are chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("space", "choose", "choose", show=False),
        Binding("J,plus", "shift(1)", "later", show=False),
        Binding("K,minus", "shift(-1)", "earlier", show=False),
        Binding("t", "column", "column", show=False),
        Binding("enter", "accept", "accept", show=False),
    ]

    def __init__(
        self,
        table: str,
        rules: TableRules,
        times: Sequence[str],
        sources: Sequence[str],
        preview: Preview,
    ) -> None:
        """`times` are the columns that hold times; `preview` counts what rules would decide."""
        super().__init__(f"Rules for {safe(table, 40)}")
        self._sources, self._preview = sources, preview
        wanted = [rule for rule in rules.rules if rule is not Rule.STOP]
        self._order = [*wanted, *(rule for rule in CHOICES if rule not in wanted)]
        self._chosen: set[Rule] = set(wanted)
        self._newest = rules.newest
        self._times = list(times)
        if rules.newest is not None and rules.newest not in self._times:
            self._times.insert(0, rules.newest)
        if self._newest is None and self._times:
            self._newest = self._times[0]
        self._fill = rules.fill_nulls
        self._cursor = 0
        self._seen: RulePreview | None = None
        self._asked = 0

    def content(self) -> ComposeResult:
        """The rules, what they would decide, the keys."""
        yield Static(id="rules", markup=False)
        yield Static(id="rules-preview", markup=False)
        keys = "space choose  J K order  t column  enter apply  esc cancel"
        yield Static(keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Count at once."""
        self.set_focus(None)
        self._draw()
        self._count()

    @property
    def rules(self) -> TableRules:
        """As chosen now."""
        chosen = tuple(rule for rule in self._order if rule in self._chosen) or (Rule.STOP,)
        return TableRules(chosen, self._newest, self._fill)

    def _count(self) -> None:
        self._seen = None
        self._asked += 1
        asked = self._asked

        def done(seen: RulePreview) -> None:
            if asked == self._asked and self.is_attached:
                self._seen = seen
                self._draw()

        self._preview(self.rules, done)
        self._draw()

    def _draw(self) -> None:
        text = Text(end="")
        place = 0
        for number, rule in enumerate(self._order):
            chosen = rule in self._chosen
            place += chosen
            mark = f"{CHOSEN} {place}" if chosen else f"{NOT_CHOSEN}  "
            self._line(text, number, f"{mark} {self._words(rule)}")
        mark = CHOSEN if self._fill else NOT_CHOSEN
        self._line(text, FILL, f"{mark}   fill NULLs of the winner from the other versions")
        self.query_one("#rules", Static).update(text)
        self.query_one("#rules-preview", Static).update(self._sentence())

    def _line(self, text: Text, number: int, words: str) -> None:
        here = number == self._cursor
        text.append(f"{'▶' if here else ' '} {words}\n", "bold" if here else "")

    def _words(self, rule: Rule) -> str:
        names = ", ".join(safe(path, 24) for path in self._sources)
        if rule is Rule.NEWEST:
            if self._newest is None:
                return "newest (no column holds times, so it decides nothing)"
            return f"newest by {safe(self._newest, 40)}"
        return {
            Rule.BASE: f"first source wins ({names})",
            Rule.LAST: "last source wins",
            Rule.MOST_COMPLETE: "most complete: fewest NULLs",
        }[rule]

    def _sentence(self) -> Text:
        seen = self._seen
        if seen is None:
            return Text("counting …")
        text = Text(f"Decides {seen.decides:,}, leaves {seen.leaves:,}, ", "bold", end="")
        text.append("overwrites 0 manual decisions")
        text.append(f" ({seen.manual:,} made).")
        if seen.settled:
            text.append(
                f"\n{plural(seen.settled, 'is no conflict', 'are no conflicts')} then: only "
                "NULLs differ."
            )
        if seen.by_rule:
            parts = ", ".join(f"{rule} {number:,}" for rule, number in seen.by_rule.items())
            text.append(f"\nBy rule: {parts}. Ties go to the next rule, then stay undecided.")
        return text

    def action_move(self, by: int) -> None:
        """`j` and `k`."""
        self._cursor = (self._cursor + by) % (FILL + 1)
        self._draw()

    def action_choose(self) -> None:
        """`space`."""
        if self._cursor == FILL:
            self._fill = not self._fill
        else:
            self._chosen ^= {self._order[self._cursor]}
        self._count()

    def action_shift(self, by: int) -> None:
        """`J` and `K`: try this rule later or earlier."""
        here, there = self._cursor, self._cursor + by
        if FILL in (here, there) or there < 0:
            self.app.bell()
            return
        order = self._order
        order[here], order[there] = order[there], order[here]
        self._cursor = there
        self._count()

    def action_column(self) -> None:
        """`t`: another column of times."""
        if not self._times:
            self.app.bell()
            return
        here = self._times.index(self._newest) if self._newest in self._times else -1
        self._newest = self._times[(here + 1) % len(self._times)]
        self._count()

    def action_accept(self) -> None:
        """`enter`."""
        self.dismiss(self.rules)
