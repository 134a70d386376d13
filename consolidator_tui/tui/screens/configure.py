"""Configure: make the application use only the target."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Step
from consolidator_tui.domain.reference import Edit, ManualNote, Reference
from consolidator_tui.tui.diffs import choices
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.text import clip_path, lines, plain, plural, safe
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

Entry = tuple[str, Edit] | ManualNote | Reference


class ConfigureScreen(StepScreen):
    """Edits to accept first, then what is to be done by hand, then everything else found."""

    STEP = Step.CONFIGURE
    MAIN = "#changes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "accept", tooltip="Accept this change, or leave it"),
        Binding("a", "all", "all / none", tooltip="Accept all changes, or none"),
        Binding("n", "next_step", "skip", tooltip="Go on without changing anything"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, Entry] = {}

    def content(self) -> ComposeResult:
        """Lead, list, diff."""
        yield Static(id="lead", markup=False)
        yield FitTable(
            [
                Col("", most=1),
                Col("Where", least=18, most=56, flex=2, path=True),
                Col("What it is", least=10, most=24, from_width=100),
                Col("Says", least=10, most=44, flex=2),
                Col("Opens", least=10, most=44, flex=1),
            ],
            id="changes",
        )
        yield Detail(id="detail")

    def arrived(self) -> None:
        """Work out the edits."""
        wizard = self.wizard
        if wizard.proposal is None and self.idle and wizard.can(self.STEP):
            wizard.propose()

    def summary(self) -> str:
        """What is proposed."""
        proposal = self.wizard.proposal
        if proposal is None:
            return ""
        edits = len(choices(proposal))
        return f"{plural(edits, 'change')}, {len(proposal.notes)} by hand"

    def draw(self) -> None:
        """List and diff."""
        proposal = self.wizard.proposal
        lead = self.query_one("#lead", Static)
        table = self.query_one(FitTable)
        if proposal is None:
            _, reason = self.wizard.may(self.STEP)
            lead.update(plain(reason, str(self.ink.muted)))
            return
        self._entries = self._collect()
        table.set_rows(self._row(key, entry) for key, entry in self._entries.items())
        if self.wizard.configured is not None:
            lead.update(Text("✓ The accepted changes are made; each file is in the backup."))
        elif not proposal.files:
            lead.update(Text("✓ Nothing has to be changed: every reference leads to the target."))
        else:
            lead.update(Text("Nothing is written before you apply. Each file is backed up first."))
        self._draw_detail()

    def _collect(self) -> dict[str, Entry]:
        proposal, report = self.wizard.proposal, self.wizard.references
        entries: dict[str, Entry] = {}
        edited: set[tuple[str, int]] = set()
        noted: set[tuple[str, int]] = set()
        if proposal is not None:
            for file, edit in choices(proposal):
                entries[f"e:{file.file}:{edit.start}"] = (file.file, edit)
                edited.add((file.file, edit.line))
            for number, note in enumerate(proposal.notes):
                entries[f"n:{number}"] = note
                noted.add((note.file, note.line))
        for number, reference in enumerate(report.references if report is not None else ()):
            if (reference.file, reference.line) not in edited | noted:
                entries[f"r:{number}"] = reference
        return entries

    def _reference_at(self, file: str, line: int) -> Reference | None:
        report = self.wizard.references
        if report is None:
            return None
        return next((r for r in report.references if (r.file, r.line) == (file, line)), None)

    def _row(self, key: str, entry: Entry) -> Row:
        ink = self.ink
        muted = str(ink.muted)
        if isinstance(entry, ManualNote):
            reference = self._reference_at(entry.file, entry.line)
            form = str(reference.form) if reference else "by hand"
            says = reference.text if reference else entry.what
            where = _where(entry.file, entry.line)
            return key, (Text("!", str(ink.warn)), plain(where), form, plain(says), "by hand")
        if isinstance(entry, Reference):
            where = _where(entry.file, entry.line)
            return key, (
                Text("·", muted),
                plain(where, muted),
                Text(entry.form, muted),
                plain(entry.text, muted),
                plain(self._opens(entry), muted),
            )
        file, edit = entry
        reference = self._reference_at(file, edit.line)
        accepted = (file, edit.start) in self.wizard.accepted
        return key, (
            Text("☑", str(ink.accent)) if accepted else Text("☐", muted),
            plain(_where(file, edit.line), "bold" if accepted else ""),
            plain(str(reference.form) if reference else "edit"),
            plain(reference.text if reference else _decoded(edit.old)),
            plain(self._opens(reference) if reference else ""),
        )

    def _opens(self, reference: Reference) -> str:
        if not reference.resolves_to:
            return "not decidable"
        names = []
        for path in reference.resolves_to:
            inside = path.is_relative_to(self.wizard.project)
            names.append(str(path.relative_to(self.wizard.project) if inside else path))
        return ", ".join(names)

    def on_fit_table_moved(self) -> None:
        """Another entry is under the cursor."""
        self._draw_detail()

    def _draw_detail(self) -> None:
        key = self.query_one(FitTable).current_key
        entry = self._entries.get(key or "")
        detail = self.query_one(Detail)
        if entry is None:
            return
        if isinstance(entry, ManualNote):
            detail.show(_where(entry.file, entry.line), Text(lines(entry.what)))
        elif isinstance(entry, Reference):
            detail.show(_where(entry.file, entry.line), self._reference_text(entry))
        else:
            file, edit = entry
            diff = self.wizard.diffs.get((file, edit.start), "")
            detail.show(_where(file, edit.line), diff_text(diff, edit.reason, self.ink))

    def _reference_text(self, reference: Reference) -> Text:
        text = Text(end="")
        text.append(f"{reference.form}: ", str(self.ink.muted))
        text.append(f"{safe(reference.text)}\n", "bold")
        text.append(f"resolved against the {reference.anchor}: {safe(self._opens(reference))}")
        if reference.why_not:
            text.append(f"\nnot edited: {safe(reference.why_not)}", str(self.ink.muted))
        return text

    def primary(self) -> Primary:
        """Apply, or go on."""
        wizard = self.wizard
        if wizard.proposal is None:
            allowed, reason = wizard.may(self.STEP)
            return Primary("Look at the application", "" if allowed else reason, enabled=allowed)
        if wizard.configured is not None or not wizard.proposal.files:
            return Primary("Continue to Clean up", "nothing is deleted before you confirm it")
        number = len(wizard.accepted)
        if not number:
            return Primary("Continue without changes", "space accepts a change")
        return Primary(f"Apply {plural(number, 'change')}", "ctrl+r undoes them")

    def act(self) -> None:
        """Do it."""
        wizard = self.wizard
        if wizard.proposal is None:
            wizard.propose()
        elif wizard.configured is not None or not wizard.accepted:
            self.owner.go_to(Step.CLEANUP)
        else:
            wizard.configure()

    def action_choose(self) -> None:
        """`space`."""
        entry = self._entries.get(self.query_one(FitTable).current_key or "")
        if isinstance(entry, tuple):
            file, edit = entry
            self.wizard.accepted ^= {(file, edit.start)}
            self.owner.changed()

    def action_all(self) -> None:
        """`a`."""
        edits = {(e[0], e[1].start) for e in self._entries.values() if isinstance(e, tuple)}
        self.wizard.accepted = set() if self.wizard.accepted == edits else edits
        self.owner.changed()

    def action_next_step(self) -> None:
        """`n`."""
        self.owner.go_to(Step.CLEANUP)


def _where(file: str, line: int) -> str:
    return f"{clip_path(file, 48)}:{line}"


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="backslashreplace")


def diff_text(diff: str, reason: str, ink: Inks) -> Text:
    """The reason, then removed and added lines; the sign says it as well as the colour."""
    text = Text(end="")
    text.append(f"{lines(reason)}\n", str(ink.muted))
    styles = {"-": str(ink.bad), "+": str(ink.good), "@": str(ink.muted)}
    for line in diff.splitlines()[2:]:
        text.append(f"{safe(line, 400)}\n", styles.get(line[:1], ""))
    return text
