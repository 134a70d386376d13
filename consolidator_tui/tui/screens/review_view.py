"""The review as something to look at: the list, the versions of a group, what follows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
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
)
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.model import rail_states
from consolidator_tui.tui.review_text import follow_text, heading, list_heading, nothing_found
from consolidator_tui.tui.reviewing import Reviewing
from consolidator_tui.tui.text import safe, short_paths
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


class ReviewView(Screen[bool]):
    """Ends with True when the merge shall be done again with the decisions."""

    AUTO_FOCUS = "#groups"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "differing", "Only the differing fields", show=False),
        Binding("o", "view", "Show values in full", show=False),
        Binding("h,left", "switch(-1)", "Version before", show=False),
        Binding("l,right", "switch(1)", "Version after", show=False),
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
        self.advancing = False
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
                        yield Static(id="groups-columns", markup=False)
                        yield GroupList(self._read, id="groups")
                    with Vertical(id="review-fields"):
                        yield FieldTable(id="versions")
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
        self.names = short_paths(self.wizard.sources)
        self.groups.names = self.table.names = self.names
        result = self.wizard.result
        with_conflicts = sum(bool(c.settled or c.undecided) for c in result.counts) if result else 0
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
            self.go_to_open()

    def go_to_open(self) -> None:
        """Put the cursor on the first undecided group."""
        raise NotImplementedError

    # Drawing

    def draw(self) -> None:
        """Bring everything but list and versions up to date."""
        app, ink = self.owner, self.ink
        running = app.job.step if app.job is not None else None
        state = self.wizard.state
        states = dict(rail_states(state, Step.MIGRATE, running))
        self.query_one(StepStrip).show(states, Step.MIGRATE, ink)
        self.query_one(StepRail).show(
            states, Step.MIGRATE, self.wizard.notes, self.wizard.safety, app.project.name, ink
        )
        self.query_one(LogPanel).show(app.store, ink)
        query, groups = self.reviewing.query, self.groups
        self.query_one("#review-head", Static).update(heading(query, self.reviewing.sums, ink))
        self.query_one("#groups-head", Static).update(list_heading(query, groups, ink))
        self.query_one("#groups-columns", Static).update(groups.heading())
        self.query_one("#follows", Static).update(self._below())
        self.query_one(ActionBar).show(self.primary(), ink)
        self.refresh_bindings()

    def _below(self) -> Text:
        if self.owner.job is not None:
            return Text(f"{safe(self.owner.job.title)} …", str(self.ink.muted))
        if self.detail is None:
            return Text("") if self.groups.total else nothing_found(self.reviewing.query)
        room = self.query_one("#follows").content_size
        return follow_text(self.detail, self.follows, self.names, self.ink, room.width, room.height)

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

    # The group under the cursor

    @property
    def current(self) -> ConflictGroup | None:
        """The group under the cursor."""
        return self.groups.current

    def on_group_list_moved(self, event: GroupList.Moved) -> None:
        """Another group: read its versions."""
        if event.moved:
            if not self.advancing:
                self.waiting.clear()
            self.advancing = False
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
        if not self.is_attached or not self.groups.total:
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

    def action_log(self) -> None:
        """`L`: the whole log."""
        from consolidator_tui.tui.screens.log import LogScreen

        self.app.push_screen(LogScreen())

    def action_help(self) -> None:
        """`?`."""
        from consolidator_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen("review"))
