"""What the plan must ask: one question a line, answered with one key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from consolidator_tui.domain.merge import Question
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.words import plural
from consolidator_tui.services.plan_document.answers import Answer, answers, apply
from consolidator_tui.tui.screens.plan_page import PlanPage
from consolidator_tui.tui.text import clip_path, lines, plain, safe
from consolidator_tui.tui.typed import typed_value
from consolidator_tui.tui.widgets.fit_table import Col, Row


class QuestionsPage(PlanPage):
    """Ends when nothing is open; every answer plans anew, which may settle or ask others."""

    COLUMNS = (
        Col("", most=1),
        Col("Table", least=8, most=24),
        Col("File", least=8, most=30, from_width=100),
        Col("Question", least=30, most=120, flex=1),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "answer(1)", "first answer", tooltip="Take the first answer"),
        Binding("2", "answer(2)", "second", tooltip="Take the second answer"),
        *(Binding(str(n), f"answer({n})", f"Answer {n}", show=False) for n in range(3, 10)),
    ]

    @property
    def _questions(self) -> dict[str, Question]:
        return {str(n): question for n, question in enumerate(self.wizard.plan_questions)}

    def heading(self) -> tuple[str, str]:
        """How many are open."""
        number = plural(len(self._questions), "question")
        return "Questions", f"{number} open; each key answers the one under the cursor"

    def rows(self) -> Sequence[Row]:
        """The open questions."""
        return [
            (
                key,
                (
                    Text("?", str(self.ink.warn)),
                    plain(q.table),
                    clip_path(q.file, 30),
                    plain(q.text),
                ),
            )
            for key, q in self._questions.items()
        ]

    def detail(self) -> tuple[str, Text]:
        """The whole question and its answers."""
        question = self._questions.get(self.current)
        if question is None:
            return "", Text("Nothing is open. esc goes back.")
        text = Text(end="")
        for number, answer in enumerate(self._answers(question), 1):
            text.append(f"{number}  ", str(self.ink.accent + self.ink.strong))
            text.append(f"{safe(answer.label)}\n")
        text.append(lines(question.text), str(self.ink.muted))
        return question.table or "Question", text

    def _answers(self, question: Question) -> tuple[Answer, ...]:
        return answers(question)

    def action_answer(self, number: int) -> None:
        """`1` to `9`."""
        question = self._questions.get(self.current)
        offered = self._answers(question) if question is not None else ()
        if number > len(offered) or self.wizard.editing:
            self.app.bell()
            return
        answer = offered[number - 1]
        if answer.asks is None:
            self._take(answer, None)
            return
        from consolidator_tui.tui.modals.line_input import LineInput

        table, column = answer.asks
        dialog = LineInput(
            f"{column} of {table}",
            f"The value for rows that have none, in {safe(question.file if question else '')}.",
        )
        self.app.push_screen(dialog, lambda value: self._typed(answer, value))

    def _typed(self, answer: Answer, text: str | None) -> None:
        if text is not None and answer.asks is not None:
            table, column = answer.asks
            self._take(answer, typed_value(self.plan, table, column, text))

    def _take(self, answer: Answer, value: Value) -> None:
        self.change(apply(self.wizard.document, answer, value))

    def planned(self) -> None:
        """Go back when nothing is left."""
        if self.is_attached and not self._questions:
            self.dismiss(True)
            return
        super().planned()
