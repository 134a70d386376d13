"""The review of conflicts; this class adds the field mode."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from consolidator_tui.domain.conflict import Choice, ConflictKind
from consolidator_tui.domain.decided import BOTH, SAME
from consolidator_tui.domain.event import Level
from consolidator_tui.tui.screens.review_deciding import ReviewDeciding
from consolidator_tui.tui.text import safe
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.field_table import Draft

NO_FIELDS = (ConflictKind.DUPLICATE, ConflictKind.UNIQUE, ConflictKind.APART)
ELSEWHERE = frozenset(
    {
        *("both", "skip", "clear", "range", "alike", "rules", "undo", "redo", "next", "previous"),
        *("go_to", "search", "filter", "filter_table", "fields"),
    }
)
"""Actions that wait until field mode has ended."""


class ReviewScreen(ReviewDeciding):
    """In field mode a draft of the result is put together; only `enter` makes it a decision."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "fields", "fields", tooltip="Choose values field by field"),
        Binding("e", "edit", "edit", tooltip="Type a value of your own for this field"),
        Binding("j,down", "field(1)", "Next field", show=False, priority=True),
        Binding("k,up", "field(-1)", "Previous field", show=False, priority=True),
    ]

    @property
    def in_fields(self) -> bool:
        """Whether field mode is on."""
        return self.table.draft is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of field mode are there in field mode, the others outside of it."""
        if not self.query("#versions"):
            return True
        if action in ("field", "edit"):
            return self.in_fields and self.app.screen is self
        return not (self.in_fields and action in ELSEWHERE)

    def action_fields(self) -> None:
        """`m`: begin with the version that is kept, or the first."""
        detail = self._ready(self.action_fields)
        if detail is None:
            return
        if detail.group.kind in NO_FIELDS:
            self.reviewing.tell(
                "Fields are chosen where rows are one entity; decide that first.", Level.WARNING
            )
            return
        keep = detail.group.keep if detail.group.keep not in (BOTH, SAME) else ""
        keep = keep or detail.group.winner or detail.versions[0].source
        taken = (detail.values, detail.fields) if detail.group.keep == keep else ({}, {})
        self.groups.range_from = None
        self.table.draft = Draft(keep, *taken)
        self.table.cursor = 0
        self.table.refresh()
        self.draw()

    def _leave_fields(self) -> None:
        self.table.draft = None
        self.table.refresh()
        self.draw()

    def action_field(self, by: int) -> None:
        """`j` and `k` in field mode."""
        self.table.move(by)

    def action_version(self, number: int) -> None:
        """In field mode a number takes that version's value of the field."""
        draft, detail = self.table.draft, self.detail
        if draft is None or detail is None:
            super().action_version(number)
            return
        name = self.table.field_name
        if number > len(detail.versions) or name == detail.key:
            self.app.bell()
            return
        version = detail.versions[number - 1]
        if name not in version.values:
            self.reviewing.tell(f"{version.source} has no such column.", Level.WARNING)
            return
        self.table.draft = draft.taking(name, version.source)
        self.table.refresh()

    def action_edit(self) -> None:
        """`e`: a value of one's own."""
        draft, detail, name = self.table.draft, self.detail, self.table.field_name
        if draft is None or detail is None:
            return
        if name == detail.key:
            self.app.bell()
            return
        from consolidator_tui.tui.modals.edit_value import Edited, EditValue

        def edited(answer: Edited | None) -> None:
            if answer is not None and self.table.draft is not None:
                self.table.draft = self.table.draft.setting(name, answer.value)
                self.table.refresh()

        self.app.push_screen(EditValue(name, self.table.result(name)[1]), edited)

    def action_primary(self) -> None:
        """`enter`: accept the draft in field mode, else go on."""
        draft = self.table.draft
        if draft is None:
            super().action_primary()
            return
        self._leave_fields()
        self.decide(Choice(draft.keep, draft.values, draft.fields))

    def action_leave(self) -> None:
        """`esc`: discard the draft in field mode, else as elsewhere."""
        if self.in_fields:
            self._leave_fields()
            return
        super().action_leave()

    def primary(self) -> Primary:
        """In field mode `enter` accepts."""
        if self.in_fields:
            hint = "j k field  1-9 take  e edit  o view  esc discard"
            return Primary("Accept these values", hint)
        return super().primary()

    def _below(self) -> Text:
        draft = self.table.draft
        if draft is None:
            return super()._below()
        name = self.names.get(draft.keep, draft.keep)
        text = Text("Field by field.\n", "bold", end="")
        text.append(f"The row of {safe(name, 30)} wins where nothing else is chosen.", "not bold")
        return text
