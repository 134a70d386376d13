"""The groups of the review: a list that reads only the page that is looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from consolidator_tui.domain.cells import cell
from consolidator_tui.domain.conflict import ConflictGroup, ConflictKind
from consolidator_tui.domain.decided import BOTH, SAME
from consolidator_tui.tui.signs import GOOD, NONE, TODO
from consolidator_tui.tui.text import clip_path
from consolidator_tui.tui.widgets.virtual import Part, line

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.theme import Inks

PAGE = 100
KEPT_PAGES = 12
NAMES_FROM = 55
"""Cells from which on the list names the sources."""
LEAD = 3
"""Cells for the mark of a range and the sign."""
COLUMNS = ("table", "key", "sources", "differs", "kept")
HEADINGS = {
    "table": "table",
    "key": "key",
    "sources": "sources",
    "differs": "differs",
    "kept": "result",
}
BY_HAND = "●"
SAME_SIGN = "≡"
Names = Mapping[str, str]
PLAIN = Style()
GAP: Part = (" ", 1, PLAIN)


class GroupList(ScrollView, can_focus=True):
    """Shows any number of groups; asks for a page when a row of it comes into view."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"group-list--cursor", "group-list--range"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "by(-1)", "Up", show=False),
        Binding("down,j", "by(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "to(0)", "First", show=False),
        Binding("end,G", "to(-1)", "Last", show=False),
    ]

    class Moved(Message):
        """Another group is under the cursor, or it has been read now."""

        def __init__(self, *, moved: bool) -> None:
            super().__init__()
            self.moved = moved
            """The cursor was moved."""

    def __init__(self, ask: Callable[[int, int], None], *, id: str | None = None) -> None:  # noqa: A002
        """`ask(offset, limit)` starts reading a page that is then given to `take`."""
        super().__init__(id=id)
        self._ask = ask
        self._pages: OrderedDict[int, tuple[ConflictGroup, ...]] = OrderedDict()
        self._asked: set[int] = set()
        self._goal: int | None = None
        self.total = 0
        self.cursor = 0
        self.range_from: int | None = None
        self.several_tables = False
        self.names: Names = {}
        """Paths of sources -> what they are called here."""
        self._needs = Widths()

    @property
    def _beside(self) -> bool:
        """Whether the versions stand beside the list, with their numbers."""
        return self.size.width < NAMES_FROM

    @property
    def current(self) -> ConflictGroup | None:
        """The group under the cursor, None while it is read."""
        return self.group_at(self.cursor)

    @property
    def marked(self) -> tuple[int, int] | None:
        """First and last place of the range, None when none is begun."""
        if self.range_from is None:
            return None
        return min(self.range_from, self.cursor), max(self.range_from, self.cursor)

    @property
    def is_drawn(self) -> bool:
        """Whether everything in view has been read."""
        return not self._asked and self._goal is None

    def group_at(self, index: int) -> ConflictGroup | None:
        """The group at a place, if its page is there."""
        page = self._pages.get(index // PAGE)
        if page is None or index % PAGE >= len(page):
            return None
        return page[index % PAGE]

    def restart(self) -> None:
        """Nothing is known of the list any more."""
        self._pages.clear()
        self._asked.clear()
        self._goal = None
        self.cursor = self.total = 0
        self._needs = Widths()
        self.range_from = None
        self.refresh()

    def jump(self, index: int) -> None:
        """Another list: read it, and put the cursor on a place of it."""
        self._pages.clear()
        self._asked.clear()
        self._goal = index
        self._want(index // PAGE)

    def forget(self) -> None:
        """What was read is out of date; it is read again, and shown until then."""
        self._asked.clear()
        for number in list(self._pages):
            if number != self.cursor // PAGE:
                del self._pages[number]
        self._want(self.cursor // PAGE, again=True)

    def take(self, offset: int, groups: tuple[ConflictGroup, ...], total: int) -> None:
        """A page has been read."""
        number = offset // PAGE
        self._asked.discard(number)
        goal, self._goal = self._goal, None
        if total < self.total:
            # Places behind have moved up.
            self._pages.clear()
        self._pages[number] = groups
        # Columns only grow, so that they do not jump while one moves down the list.
        self._needs = widest(groups, self.names, self._needs, beside=self._beside)
        self._pages.move_to_end(number)
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        self.total = total
        self.virtual_size = Size(self.size.width, total)
        if self.cursor >= total:
            self.cursor = max(total - 1, 0)
        self.refresh()
        if goal is not None:
            self.move_to(goal)
        elif number == self.cursor // PAGE or not total:
            self.post_message(self.Moved(moved=False))

    def _want(self, number: int, *, again: bool = False) -> None:
        if number in self._asked or (number in self._pages and not again):
            return
        self._asked.add(number)
        self._ask(number * PAGE, PAGE)

    # Moving

    def move_to(self, index: int) -> None:
        """Put the cursor on a place and bring it into view."""
        self.cursor = max(0, min(index, self.total - 1)) if self.total else 0
        self._want(self.cursor // PAGE)
        self.scroll_to_region(
            Region(0, self.cursor, max(self.size.width, 1), 1), animate=False, force=True
        )
        self.refresh()
        self.post_message(self.Moved(moved=True))

    def action_by(self, rows: int) -> None:
        """`j`, `k`, arrows."""
        self.move_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """A screenful."""
        self.move_to(self.cursor + pages * max(self.size.height - 1, 1))

    def action_to(self, index: int) -> None:
        """`g` and `G`."""
        self.move_to(self.total - 1 if index < 0 else index)

    def on_click(self, event: events.Click) -> None:
        """The mouse can choose a group."""
        index = event.y + int(self.scroll_offset.y)
        if index < self.total:
            self.move_to(index)

    def on_resize(self) -> None:
        """The width is part of what is drawn."""
        self.virtual_size = Size(self.size.width, self.total)
        self.call_after_refresh(self._keep_in_view)

    def _keep_in_view(self) -> None:
        if self.total:
            region = Region(0, self.cursor, max(self.size.width, 1), 1)
            self.scroll_to_region(region, animate=False, force=True)

    # Drawing

    @property
    def _ink(self) -> Inks:
        return cast("ConsolidatorApp", self.app).ink

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        index = y + int(self.scroll_offset.y)
        width = self.size.width
        base = self.rich_style
        if index >= self.total:
            return Strip.blank(width, base)
        marked = self.marked
        if index == self.cursor:
            base = self.get_component_rich_style("group-list--cursor")
        elif marked is not None and marked[0] <= index <= marked[1]:
            base = self.get_component_rich_style("group-list--range")
        group = self.group_at(index)
        if group is None:
            self._want(index // PAGE)
            return line([(" …", width, self._ink.muted)], width, base)
        return line(self._parts(group, index, width), width, base)

    def _parts(self, group: ConflictGroup, index: int, width: int) -> list[Part]:
        ink = self._ink
        sign, sign_style = self._stand(group)
        in_range = self.marked is not None and self.marked[0] <= index <= self.marked[1]
        lead = "▶" if in_range else " "
        cells = column_widths(width, self._needs, self.several_tables)
        said = cells_of(group, self.names, beside=self._beside)
        styles = {"key": PLAIN, "kept": PLAIN if group.keep else ink.muted}
        parts: list[Part] = [(lead, 1, ink.accent), (f"{sign} ", 2, sign_style)]
        for name in COLUMNS:
            room = getattr(cells, name)
            if room:
                parts += [(said[name], room - 1, styles.get(name, ink.muted)), GAP]
        return parts

    def heading(self) -> Text:
        """The names of the columns."""
        cells = column_widths(self.size.width, self._needs, self.several_tables)
        text = " " * LEAD + "".join(
            f"{HEADINGS[name]:<{getattr(cells, name)}}" for name in COLUMNS if getattr(cells, name)
        )
        return Text(text, str(self._ink.accent), no_wrap=True, end="")

    def _stand(self, group: ConflictGroup) -> tuple[str, Style]:
        """How the group stands, as a sign and its style."""
        ink = self._ink
        if group.keep:
            return BY_HAND, ink.accent
        if group.kind is ConflictKind.DUPLICATE:
            return SAME_SIGN, ink.muted
        if group.kind is ConflictKind.APART:
            return TODO, ink.muted
        return (GOOD, ink.good) if group.decided_by else (TODO, ink.warn)


@dataclass(frozen=True, slots=True)
class Widths:
    """The width of each column of the list, the gap behind it included."""

    table: int = 0
    key: int = 0
    sources: int = 0
    differs: int = 0
    kept: int = 0


LEAST = Widths(8, 18, 10, 9, 10)
MOST = Widths(18, 60, 30, 40, 34)


def column_widths(width: int, needs: Widths, several_tables: bool) -> Widths:
    """How the width of the list is shared out: each column gets what it needs, as far as there is
    room, and the widest gives first."""
    room = max(width - LEAD, 20)
    names = [name for name in COLUMNS if name != "table" or several_tables]
    wanted = {n: min(max(getattr(needs, n), getattr(LEAST, n)), getattr(MOST, n)) for n in names}
    if sum(wanted.values()) > room and width < NAMES_FROM:
        # Side by side with the versions there is no room for their sources, and no need.
        del wanted["sources"]
    while (over := sum(wanted.values()) - room) > 0:
        name = max(wanted, key=lambda n: wanted[n] / getattr(LEAST, n))
        if wanted[name] <= 4:
            break
        wanted[name] -= min(over, max(wanted[name] // 8, 1))
    wanted["kept"] += max(room - sum(wanted.values()), 0)
    return Widths(**wanted)


def widest(
    groups: tuple[ConflictGroup, ...], names: Names, so_far: Widths, *, beside: bool
) -> Widths:
    """The width that each column needs for these groups, and needed before."""
    found = {name: getattr(so_far, name) for name in COLUMNS}
    for group in groups:
        for name, text in cells_of(group, names, beside=beside).items():
            found[name] = max(found[name], min(cell_len(text), getattr(MOST, name)) + 1)
    return Widths(**found)


def cells_of(group: ConflictGroup, names: Names, *, beside: bool) -> dict[str, str]:
    """What stands in each column of a group's line; `beside`: its versions are in view."""
    return {
        "table": group.table,
        "key": ", ".join(cell(value, limit=80).text for value in group.entity.values()),
        "sources": ",".join(names.get(path, path) for path in group.sources),
        "differs": ", ".join(group.differs)
        or ("equal" if group.kind is ConflictKind.DUPLICATE else NONE),
        "kept": kept_words(group, names, by_number=beside),
    }


def kept_words(group: ConflictGroup, names: Names, *, by_number: bool) -> str:
    """What the target will have, in a few words; `by_number`: a version is told by its key."""

    def told(path: str) -> str:
        if by_number and path in group.sources:
            return f"→ {group.sources.index(path) + 1}"
        return f"→ {clip_path(names.get(path, path), 30)}"

    if group.keep == BOTH:
        return "both +values" if group.edited else "both"
    if group.keep:
        word = SAME if group.keep == SAME else told(group.keep)
        return word + (" +fields" if group.edited else "")
    if group.kind is ConflictKind.DUPLICATE:
        return "one entity"
    if group.kind is ConflictKind.APART:
        return "taken back"
    return f"{group.decided_by} {told(group.winner)}" if group.decided_by else "undecided"
