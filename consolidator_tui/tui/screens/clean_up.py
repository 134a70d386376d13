"""Clean up: delete the originals, only where every gate is open and a phrase was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.signs import BAD, GOOD, NONE, WARN
from consolidator_tui.tui.text import clip_path, lines, plain, sign, size
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

if TYPE_CHECKING:
    from consolidator_tui.services.cleanup import Gate

CONDITIONS: dict[str, str] = {
    "verified": "The merge is verified",
    "promoted": "The target is in place",
    "not rolled back": "Not rolled back",
    "backup": "The backup is whole",
    "target": "The target is sound",
    "inside": "It is in the project",
    "deletable": "Its folder can be written to",
    "unchanged": "Unchanged since its backup",
    "not in use": "No process has it open",
    "application": "The application works",
    "other names": "It is deleted by all its names",
    "links": "No link leads to it",
    "references": "Nothing names it any more",
    "paths not followed": "Every path can be read",
}
"""What the gates of services/cleanup are called here; others show their own name."""
_STAYING = ("other names", "links")
"""Gates that name what is kept."""


class CleanUpScreen(StepScreen):
    """The gates with their reasons, and the files that would go."""

    STEP = Step.CLEANUP
    MAIN = "#gates"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "check", "check again", tooltip="Check the gates again"),
    ]

    _cleaned = False

    def content(self) -> ComposeResult:
        """Lead, gates, files."""
        yield Static(id="lead", markup=False)
        yield FitTable(
            [
                Col("", most=1),
                Col("Condition", least=18, most=30),
                Col("File", least=10, most=44, flex=1, path=True),
                Col("What was found", least=24, most=120, flex=3),
            ],
            id="gates",
        )
        yield Static(id="doomed-title", markup=False)
        yield FitTable(
            doomed_columns("Would be deleted"),
            id="doomed-files",
        )

    def arrived(self) -> None:
        """Look at the gates."""
        wizard = self.wizard
        if not wizard.gates and self.idle and wizard.can(self.STEP):
            wizard.look_at_gates()

    def summary(self) -> str:
        """Open or closed."""
        wizard = self.wizard
        if wizard.state.cleaned:
            return "done"
        if not wizard.gates:
            return ""
        good = sum(gate.open and not gate.reason for gate in wizard.gates)
        return f"{good} of {plural(len(wizard.gates), 'condition')} hold"

    def draw(self) -> None:
        """Gates and files."""
        wizard = self.wizard
        self.query_one("#lead", Static).update(self._lead())
        gates = self.query_one("#gates", FitTable)
        gates.display = not wizard.state.cleaned
        gates.set_rows(
            self._gate(number, gate)
            for number, gate in enumerate(
                sorted(wizard.gates, key=lambda gate: (gate.open, not gate.reason))
            )
        )
        doomed = self.query_one("#doomed-files", FitTable)
        files = wizard.doomed
        if wizard.state.cleaned != self._cleaned:
            self._cleaned = wizard.state.cleaned
            title = "Deleted" if self._cleaned else "Would be deleted"
            doomed.set_columns(doomed_columns(title))
        doomed.styles.height = min(len(files) + 1, 8)
        doomed.display = self.query_one("#doomed-title").display = bool(files)
        doomed.set_rows(self._file(path) for path in files)

    def _lead(self) -> Text:
        wizard, ink = self.wizard, self.ink
        if wizard.state.cleaned:
            text = sign("✓", ink.good)
            text.append(f"{clip_path(wizard.target_path, 50)} is the one database left.\n", "bold")
            text.append(f"The receipt: {wizard.run_place}/report.md\n")
            text.append("ctrl+r brings everything back.", str(ink.muted))
            return text
        if not wizard.gates:
            _, reason = wizard.may(self.STEP)
            return plain(reason, str(ink.muted))
        closed = [gate for gate in wizard.gates if not gate.open]
        if closed and self._waivable:
            text = sign("!", ink.warn)
            count = len({gate.place or gate.reason for gate in closed})
            number, names = plural(count, "place"), "names" if count == 1 else "name"
            text.append(f"{number} of the application still {names} these files. ", "bold")
            text.append_text(plain(closed[0].reason.replace("still names it", "says", 1)))
            text.append(
                "\n  Change it and press r, or delete all the same: that is asked once more.",
                str(ink.muted),
            )
            return text
        if closed:
            text = sign("!", ink.warn)
            text.append(f"Not yet safe: {plural(len(closed), 'condition')} not met. ", "bold")
            text.append_text(plain(closed[0].reason))
            text.append("\n  Keeping the originals is fine, too: ctrl+q leaves.", str(ink.muted))
            return text
        text = Text(
            "There is no other file that could be deleted."
            if not wizard.doomed
            else "The originals are no longer needed. Deleting them is asked once more; "
            "keeping them is fine, too: ctrl+q leaves."
        )
        for gate in wizard.gates:
            if gate.reason:
                text.append(f"\n{WARN} ", str(ink.warn))
                text.append(lines(gate.reason))
        return text

    def _gate(self, number: int, gate: Gate) -> Row:
        ink = self.ink
        mark = Text(GOOD, str(ink.good)) if gate.open else Text(BAD, str(ink.bad))
        if gate.waivable or (gate.open and gate.reason):
            # Nothing stands against it, but it is not known either.
            mark = Text(WARN, str(ink.warn))
        style = str(ink.muted) if gate.open and not gate.reason else ""
        finding = plain(gate.reason or "holds", style)
        name = CONDITIONS.get(gate.name, gate.name)
        return str(number), (mark, plain(name), plain(clip_path(gate.file, 44)), finding)

    def _file(self, path: str) -> Row:
        manifest = self.wizard.manifest
        record = manifest.named(path) if manifest is not None else None
        whole = "" if record is None else size(sum(part.size for part in record.parts))
        ink = self.ink
        # The size is that of all that goes, which may be more than the file's own.
        suffixes = [part.suffix for part in record.parts if part.suffix] if record else []
        name = clip_path(path, 60) + (f" and {', '.join(suffixes)}" if suffixes else "")
        return path, (
            plain(name),
            whole,
            Text("✓ verified" if record else NONE, str(ink.good)),
            Text("✓ verified" if self.wizard.state.promoted else NONE, str(ink.good)),
        )

    def primary(self) -> Primary:
        """Delete, or leave."""
        wizard = self.wizard
        if wizard.state.cleaned:
            return Primary("Finish", "leaves the wizard")
        allowed, reason = wizard.may(self.STEP)
        number = plural(len(wizard.doomed), "file")
        if not allowed:
            return Primary(f"Delete {number} …", reason, enabled=False)
        if not wizard.gates:
            return Primary("Check what is safe")
        if not self._waivable:
            return Primary(f"Delete {number} …", "see the conditions above", enabled=False)
        if not wizard.doomed:
            return Primary("Finish", "there is nothing to delete")
        return Primary(f"Delete {number} …", "asks you to type a phrase", danger=True)

    @property
    def _waivable(self) -> bool:
        """Whether nothing stands against it that a person may not overrule."""
        return all(gate.open or gate.waivable for gate in self.wizard.gates)

    def act(self) -> None:
        """Do it."""
        wizard = self.wizard
        if wizard.state.cleaned or (wizard.gates and not wizard.doomed):
            self.run_worker(self.owner.leave(), exit_on_error=False)
        elif not wizard.gates:
            wizard.look_at_gates()
        else:
            self._confirm()

    def _confirm(self) -> None:
        from consolidator_tui.tui.modals.confirm_delete import ConfirmDelete

        wizard = self.wizard
        files = [(path, "backup verified, rows verified") for path in wizard.doomed]
        warnings = [gate.reason for gate in wizard.gates if not gate.open and gate.reason]
        staying = [gate.reason for gate in wizard.gates if gate.open and gate.name in _STAYING]
        dialog = ConfirmDelete(files, wizard.phrase, wizard.restore_command, warnings, staying)
        self.app.push_screen(dialog, self._confirmed)

    def _confirmed(self, answer: bool | None) -> None:
        if answer:
            self.wizard.clean_up(self.wizard.phrase)

    def action_check(self) -> None:
        """`r`."""
        self.wizard.look_at_gates()


def doomed_columns(title: str) -> list[Col]:
    """The columns of the list of files."""
    return [
        Col(title, least=24, most=70, flex=2, path=True),
        Col("Size", right=True, least=8),
        Col("Backup", least=12),
        Col("In the target", least=12),
    ]
