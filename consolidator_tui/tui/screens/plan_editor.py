"""The plan document as text: every choice of a run can be edited here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static, TextArea

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.text import lines
from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from consolidator_tui.tui.app import ConsolidatorApp


class PlanEditor(Screen[bool]):
    """Ends with True when another plan was accepted; a wrong one is refused with its line."""

    AUTO_FOCUS = "TextArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "accept", tooltip="Accept the plan", priority=True),
        # The text would take it to give the focus away.
        Binding("escape", "leave", "discard", key_display="esc", priority=True),
    ]

    def __init__(self, text: str, fixes: str, *, left_out: int = 0) -> None:
        """`text` is the plan, `fixes` what would settle the open questions, `left_out` the number
        of decisions that are kept and not in the text."""
        super().__init__()
        self._text, self._fixes, self._left_out = text, fixes, left_out

    @property
    def _app(self) -> ConsolidatorApp:
        return cast("ConsolidatorApp", self.app)

    def compose(self) -> ComposeResult:
        """Heading, text, problem."""
        head = Text(" Plan  ", "bold", end="")
        head.append("every key is optional; the merge is planned anew from it", "not bold")
        if self._left_out:
            head.append(
                f"\n {plural(self._left_out, 'decision is', 'decisions are')} kept and too "
                "many to be shown here"
            )
        yield Static(head, id="plan-head", markup=False)
        comments = "".join(f"# {line}\n" for line in self._fixes.splitlines())
        offered = f"\n# These lines would settle what is open:\n{comments}" if comments else ""
        yield TextArea(self._text + offered, tab_behavior="indent", show_line_numbers=True)
        yield Static(id="plan-problem", markup=False)
        yield KeyBar()
        yield TooSmall()

    def action_accept(self) -> None:
        """`ctrl+s`."""
        from consolidator_tui.services.plan_document import file as plan_file

        text = self.query_one(TextArea).text
        try:
            document = plan_file.loads(text)
        except PlanError as error:
            self._refused(error)
            return
        whole = not self._left_out
        self._app.wizard.take_edited(document, text, whole, self._accepted, self._refused)

    def _accepted(self) -> None:
        self.dismiss(True)

    def _refused(self, error: PlanError) -> None:
        problem = Text(f"× {lines(error)}", str(self._app.ink.bad))  # noqa: RUF001
        self.query_one("#plan-problem", Static).update(problem)

    def action_leave(self) -> None:
        """`esc`."""
        self.dismiss(False)
