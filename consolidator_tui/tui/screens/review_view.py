"""The review as something to look at: list, versions, what follows, moving, filter, search."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from consolidator_tui.domain.conflict import (
    ConflictDetail,
    ConflictGroup,
    ConflictPage,
    ConflictQuery,
    Decided,
)
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.tui.follow_text import follow_text
from consolidator_tui.tui.model import rail_states, safety
from consolidator_tui.tui.reviewing import FILTERS, Reviewing
from consolidator_tui.tui.text import plural, safe
from consolidator_tui.tui.widgets.bars import ActionBar, Primary, TooSmall
from consolidator_tui.tui.widgets.field_table import FieldTable
from consolidator_tui.tui.widgets.group_list import PAGE, GroupList
from consolidator_tui.tui.widgets.key_bar import KeyBar
from consolidator_tui.tui.widgets.log_panel import LogPanel
from consolidator_tui.tui.widgets.rail import StepRail, StepStrip

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.theme import Inks
    from consolidator_tui.tui.wizard import Wizard

TYPED_AHEAD = 64
"""Keys that wait at most."""
FOLLOW_SECONDS = 0.15
"""How long the cursor rests before the rows that follow are counted."""
BAR_CELLS = 12


class ReviewView(Screen[bool]):
    """Ends with True when the merge shall be done again with the decisions."""

    AUTO_FOCUS = "#groups"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", "next", tooltip="Next undecided"),
        Binding("N", "previous", "Previous undecided", show=False),
        Binding("colon", "go_to", "Go to number", show=False),
        Binding("slash", "search", "Search", show=False),
        Binding("f", "filter", "Filter: all, open, decided, by rule, duplicates", show=False),
        Binding("F", "filter_table", "Only this table", show=False),
        Binding("d", "differing", "Only the differing fields", show=False),
        Binding("o", "view", "Show values in full", show=False),
        Binding("h,left", "switch(-1)", "Version before", show=False),
        Binding("l,right", "switch(1)", "Version after", show=False),
        Binding("escape", "leave", "back", show=False),
        Binding("L", "log", "Show the whole event log", show=False),
        Binding("question_mark", "help", "help", tooltip="Help for this screen"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.detail: ConflictDetail | None = None
        self.follows: Sequence[Mapping[str, int]] | None = None
        self._timer: Timer | None = None
        self._at_start = False
        self.waiting: deque[Callable[[], None]] = deque(maxlen=TYPED_AHEAD)
        """Keys that were pressed before the group that they are about was there."""
        self.busy = False
        """A decision is on its way: until the cursor has moved, keys wait."""
        self._advancing = False
        """The cursor moves because of a decision, so that the keys typed ahead go on."""

    @property
    def owner(self) -> ConsolidatorApp:
        """The app, as what it is."""
        return cast("ConsolidatorApp", self.app)

    @property
    def wizard(self) -> Wizard:
        """What the wizard knows."""
        return self.owner.wizard

    @property
    def ink(self) -> Inks:
        """The styles of the current theme."""
        return self.owner.ink

    @property
    def groups(self) -> GroupList:
        """The list."""
        return self.query_one(GroupList)

    @property
    def table(self) -> FieldTable:
        """The versions."""
        return self.query_one(FieldTable)

    def compose(self) -> ComposeResult:
        """Steps, heading, list and versions, what follows, the primary action."""
        yield StepStrip(id="strip", markup=False)
        with Horizontal(id="body"):
            yield StepRail(id="rail")
            with Vertical(id="page"):
                yield Static(id="review-head", markup=False)
                with Container(id="review-panes"):
                    with Vertical(id="review-list"):
                        yield Static(id="groups-head", markup=False)
                        yield GroupList(self._read, id="groups")
                    yield FieldTable(id="fields")
                yield Static(id="follows", markup=False)
                yield ActionBar(id="actions")
        yield LogPanel(id="log")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Read the first page, and go to the first undecided."""
        session = self.wizard.session
        assert session is not None, "there is nothing to review before the session is open"
        self.reviewing = Reviewing(self.owner, session)
        result = self.wizard.result
        with_conflicts = sum(bool(c.conflict) for c in result.counts) if result else 0
        self.groups.several_tables = with_conflicts > 1
        self.draw()
        self.start_again()

    def start_again(self) -> None:
        """Read the list from its beginning."""
        self.detail = self.follows = None
        self.table.show(None)
        self.groups.restart()
        self._at_start = True
        self._read(0, PAGE)

    @property
    def reads(self) -> bool:
        """Whether something that will be shown is still on its way."""
        group, detail = self.current, self.detail
        if self.busy or not self.groups.is_drawn:
            return True
        if group is None:
            return self.groups.total > 0
        return detail is None or detail.group.number != group.number or self.follows is None

    def _read(self, offset: int, limit: int) -> None:
        self.reviewing.page(offset, limit, self._page)

    def _page(self, query: ConflictQuery, page: ConflictPage) -> None:
        if not self.is_attached:
            return
        if self.reviewing.is_current(query):
            self.groups.take(query.offset, page.groups, page.total)
        self.wizard.undecided = page.open
        self.draw()
        if self._at_start:
            self._at_start = False
            self._seek(forward=True, number=0)

    # Drawing

    def draw(self) -> None:
        """Bring everything but list and versions up to date."""
        app, ink = self.owner, self.ink
        running = app.job.step if app.job is not None else None
        state = self.wizard.state
        states = dict(rail_states(state, Step.MIGRATE, running))
        self.query_one(StepStrip).show(states, Step.MIGRATE, ink)
        self.query_one(StepRail).show(
            states, Step.MIGRATE, self.wizard.notes, safety(state), app.project.name, ink
        )
        self.query_one(LogPanel).show(app.store, ink)
        self.query_one("#review-head", Static).update(self._head())
        self.query_one("#groups-head", Static).update(self._list_head())
        self.query_one("#follows", Static).update(self._below())
        self.query_one(ActionBar).show(self.primary(), ink)
        self.refresh_bindings()

    def _head(self) -> Text:
        """How many are left of how many, as numbers and as a bar."""
        sums, ink, query = self.reviewing.sums, self.ink, self.reviewing.query
        text = Text(f" {safe(query.table or 'Conflicts', 24)}", "bold", no_wrap=True, end="")
        if not sums.all:
            return text
        done = (sums.all - sums.open) / sums.all
        full = int(done * BAR_CELLS)
        text.append(f" · {sums.open:,} undecided of {sums.all:,}")
        if sums.by_rule:
            text.append(f" · {sums.by_rule:,} by rule", str(ink.muted))
        text.append(" ")
        text.append("━" * full, str(ink.good))
        text.append("━" * (BAR_CELLS - full), str(ink.muted))
        # Rounded down: 100 % only when nothing is left.
        text.append(f" {int(done * 100)}%")
        return text

    def _list_head(self) -> Text:
        query, groups, ink = self.reviewing.query, self.groups, self.ink
        place = f"{groups.cursor + 1:,} of {groups.total:,}" if groups.total else "none"
        text = Text(f"   {place}", str(ink.muted), no_wrap=True, end="")
        text.append("  f ", str(ink.accent))
        text.append(query.decided.value, str(ink.muted))
        if query.text:
            text.append("  / ", str(ink.accent))
            text.append(safe(query.text, 30), str(ink.muted))
        marked = groups.marked
        if marked is not None:
            text.append(f"  range of {marked[1] - marked[0] + 1:,}", str(ink.accent))
        return text

    def _below(self) -> Text:
        if self.owner.job is not None:
            return Text(f"{safe(self.owner.job.title)} …", str(self.ink.muted))
        if self.detail is None:
            return Text("") if self.groups.total else self._empty()
        return follow_text(self.detail, self.follows, self.ink)

    def _empty(self) -> Text:
        query = self.reviewing.query
        if query.text or query.table:
            return Text("Nothing fits. esc: clear search and filter.")
        words = {
            Decided.OPEN: "Nothing is undecided. f: other groups, enter: go on.",
            Decided.BY_HAND: "Nothing was decided by hand yet. f: other groups.",
            Decided.BY_RULE: "No rule decided anything. R: rules, f: other groups.",
            Decided.DUPLICATES: "No rows were found to be the same. f: other groups.",
        }
        return Text(words.get(query.decided, "No row disagrees with another. enter: go on."))

    def primary(self) -> Primary:
        """What `enter` does."""
        left = self.reviewing.sums.open
        if self.owner.job is not None:
            return Primary("Working", safe(self.owner.job.title), enabled=False)
        if left:
            hint = f"{left:,} still undecided · R rules  f filter  / search  v range"
            return Primary("Continue", hint, enabled=False)
        if self.wizard.remade:
            return Primary("Merge again", "with these decisions; the target is not touched")
        return Primary("Continue", "everything is decided")

    # Moving

    @property
    def current(self) -> ConflictGroup | None:
        """The group under the cursor."""
        return self.groups.current

    def on_group_list_moved(self, event: GroupList.Moved) -> None:
        """Another group: read its versions."""
        if event.moved:
            if not self._advancing:
                self.waiting.clear()
            self._advancing = False
        self.read_group()

    def read_group(self) -> None:
        """Read the versions of the group under the cursor."""
        group = self.current
        if group is None:
            if not self.groups.total:
                self.detail = self.follows = None
                self.table.show(None)
            self.draw()
            return
        self.reviewing.detail(group.number, self._detail)
        self.draw()

    def _detail(self, detail: ConflictDetail) -> None:
        if not self.is_attached:
            return
        changed = self.detail is None or self.detail.group.number != detail.group.number
        self.detail = detail
        if changed:
            self.follows = None
            if self._timer is not None:
                self._timer.stop()
            self._timer = self.set_timer(FOLLOW_SECONDS, lambda: self._count(detail))
        self.table.show(detail)
        self.draw()
        self._go_on(detail)

    def _go_on(self, detail: ConflictDetail) -> None:
        """Do what was typed ahead, one decision at a time."""
        while self.waiting and not self.busy and self.app.screen is self:
            group = self.current
            if group is None or group.number != detail.group.number:
                return
            self.waiting.popleft()()

    def _count(self, detail: ConflictDetail) -> None:
        def done(follows: Sequence[Mapping[str, int]]) -> None:
            if self.detail is not None and self.detail.group.number == detail.group.number:
                self.follows = follows
                self.draw()

        if self.owner.job is None:
            session = self.reviewing.session
            self.reviewing.ask(lambda: session.conflict_follows(detail), done, "what follows")

    def action_next(self) -> None:
        """`n`: the next undecided, from the first again after the last."""
        self._seek(forward=True)

    def action_previous(self) -> None:
        """`N`."""
        self._seek(forward=False)

    def _seek(self, *, forward: bool, number: int | None = None) -> None:
        query = self.reviewing.query
        if query.decided is Decided.DUPLICATES:
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
            self._advancing = deciding
            if query.decided in (Decided.BY_HAND, Decided.BY_RULE):
                self.show_query(replace(query, decided=Decided.ALL), found[0])
                return
            self.groups.move_to(found[1])

        self.reviewing.ask(
            lambda: session.next_open(query, here, forward=forward), done, failed=self._idle
        )

    def _idle(self) -> None:
        self.busy = False
        self.waiting.clear()

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
        """`f`: all, open, decided, by rule, duplicates."""
        query = self.reviewing.query
        kind = FILTERS[(FILTERS.index(query.decided) + 1) % len(FILTERS)]
        group = self.current
        self.show_query(replace(query, decided=kind), group.number if group else 0)

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

    def action_switch(self, by: int) -> None:
        """`h` and `l`: the version beside the result."""
        if not self.table.switch(by):
            self.app.bell()

    def action_differing(self) -> None:
        """`d`: only the fields that differ, or all."""
        self.table.only_differing = not self.table.only_differing
        self.table.lay_out()

    def action_view(self) -> None:
        """`o`: the values in full."""
        detail = self.detail
        if detail is None:
            return
        from consolidator_tui.tui.modals.viewer import Viewer

        table = self.table
        names = [table.field_name] if table.draft is not None else table.fields
        values = [
            (f"{name} · {number} {version.source}", version.values[name])
            for name in names
            for number, version in enumerate(detail.versions, 1)
            if name in version.values
        ]
        title = names[0] if len(names) == 1 else plural(len(names), "field")
        self.app.push_screen(Viewer(f"{detail.group.table}: {title}", values))

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
        self.show_query(plain, max(number, 0))

    def action_log(self) -> None:
        """`L`: the whole log."""
        from consolidator_tui.tui.screens.log import LogScreen

        self.app.push_screen(LogScreen())

    def action_help(self) -> None:
        """`?`."""
        from consolidator_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen("review"))
