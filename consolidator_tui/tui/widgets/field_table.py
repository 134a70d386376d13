"""The versions of one group side by side, field by field, with what the target will have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar, cast

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from consolidator_tui.domain.cells import Cell, CellKind, cell, text_cell
from consolidator_tui.domain.conflict import ConflictDetail, ConflictKind
from consolidator_tui.domain.decided import BOTH, SAME
from consolidator_tui.domain.plan import Value
from consolidator_tui.tui.signs import NONE
from consolidator_tui.tui.text import clip_path
from consolidator_tui.tui.widgets.group_list import GAP, Names
from consolidator_tui.tui.widgets.virtual import Part, line

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp
    from consolidator_tui.tui.theme import Inks

EQUAL, DIFFERENT = "≡", "≠"
OWNER = "→"
LOOKED_AT = 2_000
"""Characters of long texts among which their first difference is looked for."""
BEFORE = 6
"""Characters that are shown before the first difference of long texts."""
SIDE_BY_SIDE = 14
"""Cells that a version needs beside the others."""
PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Draft:
    """What is being put together field by field, before it is accepted."""

    keep: str
    values: Mapping[str, Value] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def taking(self, name: str, source: str) -> Draft:
        """With that source's value of a field."""
        values = {k: v for k, v in self.values.items() if k != name}
        fields = {k: v for k, v in self.fields.items() if k != name}
        if source != self.keep:
            fields[name] = source
        return replace(self, values=values, fields=fields)

    def setting(self, name: str, value: Value) -> Draft:
        """With a value of its own for a field."""
        fields = {k: v for k, v in self.fields.items() if k != name}
        return replace(self, values={**self.values, name: value}, fields=fields)


class FieldTable(ScrollView, can_focus=False):
    """Differing fields first, each with its sign; `draft` is shown as the result while it lives."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"field-table--cursor"}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.detail: ConflictDetail | None = None
        self.draft: Draft | None = None
        self.names: Names = {}
        """Paths of sources -> what they are called here."""
        self.only_differing = False
        self.cursor = 0
        self.version = 0
        """The version beside the result where not all have room."""

    def show(self, detail: ConflictDetail | None) -> None:
        """Another group."""
        before = self.detail.group.number if self.detail is not None else None
        if detail is not None and detail.group.number != before:
            self.version = 0
            self.scroll_to(0, 0, animate=False)
        self.detail = detail
        self.version = min(self.version, max(len(detail.versions) - 1, 0) if detail else 0)
        self.lay_out()

    def lay_out(self) -> None:
        """Lay the fields out again."""
        self.cursor = max(0, min(self.cursor, len(self.fields) - 1))
        self.virtual_size = Size(self.size.width, len(self.fields) + 1)
        self.refresh()

    @property
    def fields(self) -> list[str]:
        """The fields in the order shown."""
        detail = self.detail
        if detail is None:
            return []
        differing = [name for name in detail.columns if self.differs(name)]
        if self.only_differing and differing:
            return differing
        rest = [n for n in detail.columns if n not in differing and n != detail.key]
        return [*differing, *rest, *([detail.key] if detail.key in detail.columns else [])]

    def differs(self, name: str) -> bool:
        """Whether the versions disagree about a field, as far as that matters."""
        detail = self.detail
        if detail is None or name == detail.key:
            return False
        if detail.group.kind not in (ConflictKind.UNIQUE, ConflictKind.APART):
            return name in detail.group.differs
        found = {repr(version.values.get(name)) for version in detail.versions}
        return len(found) > 1

    @property
    def field_name(self) -> str:
        """The field under the cursor."""
        fields = self.fields
        return fields[self.cursor] if self.cursor < len(fields) else ""

    def move(self, rows: int) -> None:
        """Another field."""
        self.cursor = max(0, min(self.cursor + rows, len(self.fields) - 1))
        region = Region(0, self.cursor, max(self.size.width, 1), 2)
        self.scroll_to_region(region, animate=False, force=True)
        self.refresh()

    def switch(self, by: int) -> bool:
        """`h` and `l`: another version beside the result; False where all are in view."""
        detail = self.detail
        if detail is None or self.all_fit:
            return False
        self.version = (self.version + by) % len(detail.versions)
        self.refresh()
        return True

    @property
    def all_fit(self) -> bool:
        """Whether all versions have room side by side."""
        count = len(self.detail.versions) if self.detail else 2
        if count <= 2:
            return True
        # At 80 columns long values matter more than seeing all versions at once.
        narrow = self.screen.has_class("-narrow")
        return not narrow and self.size.width - 18 >= (count + 1) * SIDE_BY_SIDE

    def on_resize(self) -> None:
        """The width is part of what is drawn."""
        self.virtual_size = Size(self.size.width, len(self.fields) + 1)
        self.refresh()

    # What the target will have

    def result(self, name: str) -> tuple[str, Value]:
        """How the result of a field comes about (`both`, `open`, `value`) and the value."""
        detail = self.detail
        assert detail is not None
        group = detail.group
        keep, values, fields = group.keep, detail.values, detail.fields
        if self.draft is not None:
            keep, values, fields = self.draft.keep, self.draft.values, self.draft.fields
        if keep == BOTH:
            return "both", values.get(name)
        if not keep or keep == SAME:
            keep = group.winner
        given = detail.versions[0].given
        if name in given and name not in values and name not in fields:
            # An earlier decision named this entity so.
            return "value", given[name]
        having = [version for version in detail.versions if name in version.values]
        equal = {repr(version.values[name]) for version in having}
        if not keep and (len(equal) > 1 or name == detail.key):
            return "open", None
        if name in values:
            return "value", values[name]
        source = fields.get(name, keep)
        for version in detail.versions:
            if version.source == source or not source:
                if name not in version.values:
                    # A column that its file lacks comes from the next version.
                    return "value", having[0].values[name] if having else None
                # The entity keeps the id of its first row, whichever version wins.
                value = version.values[name]
                return "value", detail.versions[0].values[name] if name == detail.key else value
        return "open", None

    # Drawing

    @property
    def _ink(self) -> Inks:
        return cast("ConsolidatorApp", self.app).ink

    @property
    def _shown(self) -> list[int]:
        if self.detail is None:
            return []
        return list(range(len(self.detail.versions))) if self.all_fit else [self.version]

    def render_line(self, y: int) -> Strip:
        """One line of the view; the first is the heading and stays."""
        width, base = self.scrollable_content_region.width, self.rich_style
        detail = self.detail
        if detail is None:
            return Strip.blank(width, base)
        if y == 0:
            return line(self._heading(detail, width), width, base)
        index = y - 1 + int(self.scroll_offset.y)
        fields = self.fields
        if index >= len(fields):
            return Strip.blank(width, base)
        if self.draft is not None and index == self.cursor:
            base = self.get_component_rich_style("field-table--cursor")
        return line(self._row(detail, fields[index], width), width, base)

    def _widths(self, detail: ConflictDetail, width: int) -> tuple[int, int]:
        """Width of the names and of each value."""
        longest = max((len(name) for name in detail.columns), default=8)
        names = min(max(longest + 1, 8), max(width // 5, 10))
        return names, (width - names - 3) // (len(self._shown) + 1)

    def _heading(self, detail: ConflictDetail, width: int) -> list[Part]:
        ink = self._ink
        names, cells = self._widths(detail, width)
        paths = tuple(version.source for version in detail.versions)
        parts: list[Part] = [("", 3, PLAIN), ("field", names, ink.accent)]
        for place in self._shown:
            label = f"{place + 1} "
            if not self.all_fit:
                label = f"{place + 1} of {len(paths)} (h l) "
            label += clip_path(
                self.names.get(paths[place], paths[place]), max(cells - 1 - len(label), 4)
            )
            parts += [(label, cells - 1, ink.accent + ink.strong), GAP]
        parts.append(("result", cells, ink.accent))
        return parts

    def _row(self, detail: ConflictDetail, name: str, width: int) -> list[Part]:
        ink = self._ink
        names, cells = self._widths(detail, width)
        differs = self.differs(name)
        mark, style = (DIFFERENT, ink.warn) if differs else (EQUAL, ink.muted)
        parts: list[Part] = [
            (f" {mark} ", 3, style),
            (name, names - 1, ink.strong if differs else ink.muted),
            GAP,
        ]
        skip = self._skipped(detail, name, cells - 1) if differs else 0
        for place in self._shown:
            version = detail.versions[place]
            if name not in version.values:
                parts.append((f"{NONE} no such column", cells - 1, ink.muted))
            else:
                value, owner = version.values[name], version.owners.get(name)
                parts.append(self._value(value, cells - 1, owner, skip))
            parts.append(GAP)
        parts.append(self._result(detail, name, cells, skip))
        return parts

    def _skipped(self, detail: ConflictDetail, name: str, cells: int) -> int:
        """How many characters are left out where texts begin alike and differ out of sight."""
        found = [v.values[name] for v in detail.versions if name in v.values]
        texts = [value for value in found if isinstance(value, str)]
        if len(texts) < len(found) or len(texts) < 2:
            return 0
        columns = zip(*(text[:LOOKED_AT] for text in texts), strict=False)
        same = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
        return same - BEFORE if same > max(cells - BEFORE, 2 * BEFORE) else 0

    def _result(self, detail: ConflictDetail, name: str, cells: int, skip: int) -> Part:
        ink = self._ink
        how, value = self.result(name)
        if how == "both":
            if name not in detail.values:
                told = "both rows stay" if len(detail.versions) == 2 else "kept apart"
                return told, cells, ink.accent
            # Only one of the rows gets the other value, so both are told.
            head = detail.versions[0]
            first = cell(head.given.get(name, head.values.get(name)), limit=max(cells, 8)).text
            return f"{first} and {cell(value, limit=max(cells, 8)).text}", cells, ink.accent
        owner = self._owner(name)
        if how == "open" and owner is None:
            return "?", cells, ink.warn
        if owner is not None:
            # Its number there may be another one than here.
            return f"{OWNER} {owner}", cells, PLAIN
        text, width, style = self._value(value, cells, skip=skip)
        values = self.draft.values if self.draft is not None else detail.values
        by_hand = name in values or name in detail.versions[0].given
        return (text, width, style + (ink.accent if by_hand else PLAIN))

    def _value(
        self, value: Value, cells: int, owner: tuple[Value, ...] | None = None, skip: int = 0
    ) -> Part:
        ink = self._ink
        if skip and isinstance(value, str):
            return f"…{text_cell(value[skip:], len(value), max(cells, 8)).text}", cells, PLAIN
        shown: Cell = cell(value, limit=max(cells, 8))
        muted = shown.kind in (CellKind.NULL, CellKind.BLOB)
        text = shown.text if owner is None else f"{shown.text} {OWNER} {named(owner)}"
        return text, cells, ink.muted if muted else PLAIN

    def _owner(self, name: str) -> str | None:
        """The row that the result of a reference leads to, where that is known."""
        draft, detail = self.draft, self.detail
        assert detail is not None
        keep, values, fields = detail.group.keep, detail.values, detail.fields
        if draft is not None:
            keep, values, fields = draft.keep, draft.values, draft.fields
        if name in values:
            return None
        source = fields.get(name, keep if keep != SAME else "") or detail.group.winner
        owners = [v.owners.get(name) for v in detail.versions if source in ("", v.source)]
        told = {named(owner) if owner is not None else None for owner in owners}
        return told.pop() if len(told) == 1 else None


def named(owner: tuple[Value, ...]) -> str:
    """What tells the row that a reference leads to from others, in words."""
    return ", ".join(cell(value, limit=40).text for value in owner)
