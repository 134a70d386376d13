"""Verify: prove the merged database, then put it in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.signs import BAD, GOOD
from consolidator_tui.tui.text import clip_path, duration, lines, plain, sign
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

if TYPE_CHECKING:
    from consolidator_tui.domain.verification import Check

_STAY = "the originals are still there"
PROMISES = (
    ("Every row", "each source row is in the target or the ledger names why not"),
    ("Every value", "kept rows equal their source, or the decision that was made"),
    ("Every reference", "each row still belongs to the entity that it had in its source"),
    ("The database", "integrity_check, foreign_key_check, schema objects, sequences"),
)


class VerifyScreen(StepScreen):
    """Before: what is checked and what happens then. After: each check."""

    STEP = Step.VERIFY
    MAIN = "#checks"
    BINDINGS: ClassVar[list[BindingType]] = []

    def content(self) -> ComposeResult:
        """Lead and checks."""
        yield Static(id="lead", markup=False)
        yield FitTable(
            [
                Col("", most=2),
                Col("Check", least=14, most=32),
                Col("Table", least=8, most=24),
                Col("What was found", least=20, most=120, flex=1),
            ],
            id="checks",
        )
        yield Detail(id="detail")

    def summary(self) -> str:
        """How it went."""
        verification = self.wizard.verification
        if verification is None:
            return ""
        good = sum(check.ok for check in verification.checks)
        return (
            f"{good:,} of {plural(len(verification.checks), 'check')} hold, "
            f"{duration(verification.seconds)}"
        )

    def draw(self) -> None:
        """Plan or result."""
        wizard, ink = self.wizard, self.ink
        lead = self.query_one("#lead", Static)
        table = self.query_one(FitTable)
        table.display = True
        target = clip_path(wizard.target_path, 60)
        self._draw_detail()
        if wizard.verification is None:
            lead.update(Text(self._promise(target)))
            table.set_rows(
                (name, (Text("○", str(ink.muted)), name, "all", plain(what, str(ink.muted))))
                for name, what in PROMISES
            )
            return
        if wizard.unchanged:
            text = sign(GOOD, ink.good)
            why = "is the only file" if wizard.alone else "already held everything"
            text.append(f"{target} {why} and was left as it is.", "bold")
        elif wizard.state.promoted:
            text = sign(GOOD, ink.good)
            text.append(f"{target} is now the one database. ", "bold")
            text.append(f"ctrl+r {'removes it' if wizard.new_target else 'puts the old one back'}.")
        else:
            text = sign(BAD, ink.bad)
            text.append("The target was not replaced.", "bold")
        lead.update(text)
        table.set_rows(self._row(number, check) for number, check in enumerate(self._sorted()))
        self._draw_detail()

    def _promise(self, target: str) -> str:
        """What is going to happen."""
        wizard = self.wizard
        if wizard.alone:
            return (
                f"{target} is the only file, so nothing is merged into it. Its copy is "
                "questioned all the same; where nothing differs, the file is left as it is."
            )
        kept = "" if wizard.new_target else "; the old one stays in the backup"
        return (
            "The merged file is questioned by queries of their own. Only if every check "
            f"holds, it becomes {target}{kept}."
        )

    def on_fit_table_moved(self) -> None:
        """Another check is under the cursor."""
        self._draw_detail()

    def _draw_detail(self) -> None:
        verification = self.wizard.verification
        detail = self.query_one(Detail)
        key = self.query_one(FitTable).current_key or ""
        detail.display = verification is not None
        if verification is None or not key.isdecimal():
            return
        check = self._sorted()[int(key)]
        about = f"{check.table}: {check.name}" if check.table else check.name
        detail.show(about, Text(lines(check.detail)))

    def _sorted(self) -> list[Check]:
        """Failed checks first."""
        verification = self.wizard.verification
        checks = verification.checks if verification is not None else ()
        return sorted(checks, key=lambda check: check.ok)

    def _row(self, number: int, check: Check) -> Row:
        ink = self.ink
        mark = Text("✓", str(ink.good)) if check.ok else Text(BAD, str(ink.bad))
        return str(number), (
            mark,
            plain(check.name),
            plain(check.table or "all"),
            plain(check.detail, str(ink.muted) if check.ok else ""),
        )

    def primary(self) -> Primary:
        """Verify, or go on."""
        wizard = self.wizard
        if wizard.state.promoted or wizard.unchanged:
            hint = "the file is as it was" if wizard.alone and wizard.unchanged else _STAY
            return Primary("Continue to Configure", hint)
        allowed, reason = wizard.may(self.STEP)
        target = clip_path(wizard.target_path, 30)
        label = "Verify" if wizard.alone else "Verify and put in place"
        hint = "nothing is merged" if wizard.alone else f"as {target}"
        return Primary(label, hint if allowed else reason, enabled=allowed)

    def act(self) -> None:
        """Do it."""
        if self.wizard.state.promoted or self.wizard.unchanged:
            self.owner.go_to(Step.CONFIGURE)
        else:
            self.wizard.verify()
