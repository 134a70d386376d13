"""The review as something to move about in: undecided groups, numbers, filters, search."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from consolidator_tui.domain.conflict import APART_FROM, ConflictQuery, Decided
from consolidator_tui.domain.event import Level
from consolidator_tui.tui.reviewing import ASIDE, FILTERS
from consolidator_tui.tui.screens.review_view import ReviewView
from consolidator_tui.tui.text import safe


class ReviewMoving(ReviewView):
    """Which groups are listed, and which of them is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", "next", tooltip="Next undecided"),
        Binding("N", "previous", "Previous undecided", show=False),
        Binding("colon", "go_to", "Go to number", show=False),
        Binding("slash", "search", "Search", show=False),
        Binding("f", "filter", "Filter: all, open, decided, by rule, …", show=False),
        Binding("F", "filter_table", "Only this table", show=False),
        Binding("escape", "leave", "back", show=False),
    ]

    # Undecided groups

    def go_to_open(self) -> None:
        """Put the cursor on the first undecided group."""
        self._seek(forward=True, number=0)

    def action_next(self) -> None:
        """`n`: the next undecided, from the first again after the last."""
        self._seek(forward=True)

    def action_previous(self) -> None:
        """`N`."""
        self._seek(forward=False)

    def _seek(self, *, forward: bool, number: int | None = None) -> None:
        query = self.reviewing.query
        if query.decided in ASIDE:
            self.app.bell()
            return
        if number is None:
            group = self.current
            number = group.number if group is not None else 0
        here = number
        session = self.reviewing.session

        def done(found: tuple[int, int] | None) -> None:
            deciding, self.busy = self.busy, False
            if found is None or not self.is_attached or not self.reviewing.is_current(query):
                self.waiting.clear()
                return
            self.advancing = deciding
            if query.decided in (Decided.BY_HAND, Decided.BY_RULE):
                self.show_query(replace(query, decided=Decided.ALL), found[0])
                return
            self.groups.move_to(found[1])

        self.reviewing.ask(
            lambda: session.next_open(query, here, forward=forward), done, failed=self.idle
        )

    def idle(self) -> None:
        """What was typed ahead is dropped: the decision before it failed."""
        self.busy = False
        self.waiting.clear()

    # Other lists

    def show_query(self, query: ConflictQuery, number: int = 0) -> None:
        """Another list, with the cursor on that group where it is in it."""
        self.reviewing.query = query
        groups = self.groups
        groups.range_from = None
        session = self.reviewing.session

        def done(place: int) -> None:
            if self.is_attached and self.reviewing.is_current(query):
                groups.jump(place)

        self.reviewing.ask(lambda: session.conflict_place(query, number), done)
        self.draw()

    def action_filter(self) -> None:
        """`f`: all, open, decided, by rule, duplicates, kept apart."""
        query = self.reviewing.query
        kind = FILTERS[(FILTERS.index(query.decided) + 1) % len(FILTERS)]
        group = self.current
        number = group.number if group is not None else 0
        self.show_query(replace(query, decided=kind), number if number < APART_FROM else 0)

    def action_filter_table(self) -> None:
        """`F`: only the table of this group, or all again."""
        query, group = self.reviewing.query, self.current
        if group is not None:
            table = "" if query.table else group.table
            self.show_query(replace(query, table=table), group.number)

    def action_search(self) -> None:
        """`/`: only groups whose key contains a text."""
        from consolidator_tui.tui.modals.line_input import LineInput

        dialog = LineInput(
            "Search", "Show the groups whose key contains:", value=self.reviewing.query.text
        )
        self.app.push_screen(dialog, self._searched)

    def _searched(self, text: str | None) -> None:
        if text is not None:
            self.show_query(replace(self.reviewing.query, text=text))

    def action_go_to(self) -> None:
        """`:`: to a place of the list by its number."""
        from consolidator_tui.tui.modals.line_input import LineInput

        text = f"Number of the group, 1 to {self.groups.total:,}:"
        self.app.push_screen(LineInput("Go to", text), self._went)

    def _went(self, text: str | None) -> None:
        if text is None:
            return
        if not text.isdecimal():
            self.reviewing.tell(f"{safe(text, 20)} is no number.", Level.WARNING)
            return
        self.groups.move_to(int(text) - 1)

    def action_leave(self) -> None:
        """`esc`: clear range, search and filter, one after the other; then back to Migrate."""
        query = self.reviewing.query
        if self.groups.range_from is not None:
            self.groups.range_from = None
            self.groups.refresh()
            self.draw()
            return
        plain = ConflictQuery(decided=Decided.ALL, limit=query.limit)
        if not query.text and not query.table and query.decided is Decided.ALL:
            self.dismiss(False)
            return
        group = self.current
        number = group.number if group is not None else 0
        self.show_query(plain, number if 0 < number < APART_FROM else 0)
