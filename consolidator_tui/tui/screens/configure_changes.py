"""Configure's first page: the proposed changes, each accepted or left, and what is by hand."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.domain.event import Level
from consolidator_tui.domain.reference import Edit, ManualNote, Reference
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.diffs import WHOLE, choices
from consolidator_tui.tui.screens.configure_page import Page
from consolidator_tui.tui.signs import CHOSEN, GOOD, NOT_CHOSEN, WARN
from consolidator_tui.tui.text import clip_path, lines, plain, safe, sign
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

Entry = tuple[str, Edit] | ManualNote | Reference
USUAL_KEY = "DATABASE_PATH"


class ChangesPage(Page):
    """Edits to accept first, then what is to be done by hand, then everything else found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "accept", tooltip="Accept this change, or leave it"),
        Binding("f", "file", "file", tooltip="Accept all changes of this file, or none"),
        Binding("a", "all", "all", tooltip="Accept all changes, or none"),
        Binding("d", "whole", "diff", tooltip="Show the whole file's changes, or only this one"),
        Binding("i", "introduce", "key", tooltip="Let the code read an environment variable first"),
        Binding("r", "look_again", "look again", tooltip="Look for what is left to change"),
        Binding("t", "turn", "try it", tooltip="Go on to the application's commands"),
    ]

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._entries: dict[str, Entry] = {}
        self._whole = False

    def compose(self) -> ComposeResult:
        """Lead, list, diff."""
        yield Static(classes="lead", markup=False)
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
        yield Detail(id="change")

    @property
    def main(self) -> FitTable:
        """The list."""
        return self.query_one(FitTable)

    def arrived(self) -> None:
        """Work out the edits."""
        if self.wizard.proposal is None:
            self.wizard.propose(self.wizard.introduced)

    def summary(self) -> str:
        """What is proposed."""
        proposal = self.wizard.proposal
        if proposal is None:
            return ""
        edits = plural(len(choices(proposal)), "change")
        if self.wizard.configured is not None:
            edits = f"{len(self.wizard.accepted):,} of {edits} made"
        return f"{edits}, {len(proposal.notes)} by hand"

    # Drawing

    def draw(self) -> None:
        """List and diff."""
        wizard = self.wizard
        lead = self.query_one(".lead", Static)
        if wizard.proposal is None:
            _, reason = wizard.may(self.step_screen.STEP)
            lead.update(plain(wizard.shown_again or reason, str(self.ink.muted)))
            return
        self._entries = self._collect()
        self.main.set_rows(self._row(key, entry) for key, entry in self._entries.items())
        lead.update(self._lead())
        self._draw_detail()

    def _lead(self) -> Text:
        wizard, ink = self.wizard, self.ink
        proposal = wizard.proposal
        if wizard.configured is not None:
            text = sign(GOOD, ink.good)
            text.append("The accepted changes are made; each file is in the backup.")
            text.append(" r looks again for what is left.", str(ink.muted))
        elif wizard.shown_again:
            text = sign(WARN, ink.warn)
            text.append(f"{lines(wizard.shown_again)} Nothing was written: these are its ")
            text.append("changes as the file is now.")
        elif proposal is None or not proposal.files:
            text = sign(GOOD, ink.good)
            text.append("Nothing has to be changed: every reference leads to the target.")
        else:
            text = Text("Nothing is written before you apply. Each file is backed up first.")
            if wizard.introduced:
                text.append(f" The code reads {safe(wizard.introduced)} first.")
            elif self._may_introduce:
                text.append("\nNo variable says where the database is: i lets the code read one.")
        return text

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
        ink, muted = self.ink, str(self.ink.muted)
        if isinstance(entry, ManualNote):
            reference = self._reference_at(entry.file, entry.line)
            form = str(reference.form) if reference else "by hand"
            says = reference.text if reference else entry.what
            where = _where(entry.file, entry.line)
            return key, (Text(WARN, str(ink.warn)), plain(where), form, plain(says), "by hand")
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
        mark = Text(CHOSEN, str(ink.accent)) if accepted else Text(NOT_CHOSEN, muted)
        if self.wizard.configured is not None:
            # No box any more: nothing can be chosen, it is made or it was left.
            mark = Text(GOOD, str(ink.good)) if accepted else Text("·", muted)
        return key, (
            mark,
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

    @property
    def _current(self) -> Entry | None:
        return self._entries.get(self.main.current_key or "")

    def _draw_detail(self) -> None:
        entry = self._current
        detail = self.query_one(Detail)
        if entry is None:
            return
        if isinstance(entry, ManualNote):
            detail.show(_where(entry.file, entry.line), Text(lines(entry.what)))
        elif isinstance(entry, Reference):
            detail.show(_where(entry.file, entry.line), self._reference_text(entry))
        else:
            file, edit = entry
            title = (
                f"{clip_path(file, 48)}: all changes" if self._whole else _where(file, edit.line)
            )
            place = (file, WHOLE if self._whole else edit.start)
            reason = "" if self._whole else edit.reason
            detail.show(title, diff_text(self.wizard.diffs.get(place, ""), reason, self.ink))

    def _reference_text(self, reference: Reference) -> Text:
        text = Text(end="")
        text.append(f"{reference.form}: ", str(self.ink.muted))
        text.append(f"{safe(reference.text)}\n", "bold")
        text.append(f"resolved against the {reference.anchor}: {safe(self._opens(reference))}")
        if reference.why_not:
            text.append(f"\nnot edited: {safe(reference.why_not)}", str(self.ink.muted))
        return text

    # Actions

    def primary(self) -> Primary:
        """Apply, or go on."""
        wizard = self.wizard
        if wizard.proposal is None:
            allowed, reason = wizard.may(self.step_screen.STEP)
            return Primary("Look at the application", "" if allowed else reason, enabled=allowed)
        if wizard.configured is not None or not wizard.proposal.files:
            return Primary("Try the application", "its commands, on a disposable copy")
        number = len(wizard.accepted)
        if not number:
            return Primary("Continue without changes", "space accepts a change")
        return Primary(f"Apply {plural(number, 'change')}", "ctrl+r undoes them")

    def act(self) -> None:
        """Do it."""
        wizard = self.wizard
        if wizard.proposal is None:
            wizard.propose(wizard.introduced)
        elif wizard.configured is not None or not wizard.accepted:
            self.action_turn()
        else:
            wizard.configure()

    @property
    def _open(self) -> bool:
        """Whether changes can still be accepted or left."""
        return self.wizard.configured is None and self.wizard.proposal is not None

    @property
    def _may_introduce(self) -> bool:
        """Whether there is no variable yet, and code that could read one."""
        proposal = self.wizard.proposal
        if proposal is None or proposal.environment_keys:
            return False
        edited = {(file.file, edit.line) for file, edit in choices(proposal)}
        return any(
            file.endswith(".py") and not getattr(self._reference_at(file, line), "in_tests", False)
            for file, line in edited
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Choices are over once they are applied."""
        if action == "introduce":
            return self._open and (self._may_introduce or self.wizard.introduced is not None)
        if action == "look_again":
            return self.wizard.configured is not None
        return self._open if action in ("choose", "file", "all") else True

    def action_choose(self) -> None:
        """`space`."""
        entry = self._current
        if isinstance(entry, tuple):
            file, edit = entry
            self.wizard.accepted ^= {(file, edit.start)}
            self.owner.changed()

    def action_file(self) -> None:
        """`f`."""
        entry = self._current
        if isinstance(entry, tuple):
            self._toggle({place for place in self._all() if place[0] == entry[0]})

    def action_all(self) -> None:
        """`a`."""
        self._toggle(self._all())

    def _all(self) -> set[tuple[str, int]]:
        return {(e[0], e[1].start) for e in self._entries.values() if isinstance(e, tuple)}

    def _toggle(self, places: set[tuple[str, int]]) -> None:
        accepted = self.wizard.accepted
        self.wizard.accepted = accepted - places if places <= accepted else accepted | places
        self.owner.changed()

    def action_whole(self) -> None:
        """`d`."""
        self._whole = not self._whole
        self._draw_detail()

    def action_introduce(self) -> None:
        """`i`: ask for the variable's name; without one, paths are written as they are."""
        from consolidator_tui.tui.modals.line_input import LineInput

        dialog = LineInput(
            "Read an environment variable first",
            "Each path that is changed in the code is then the value of this variable, and the "
            "target where it is not set. A dash takes it back.",
            value=self.wizard.introduced or USUAL_KEY,
        )
        self.app.push_screen(dialog, self._introduced)

    def _introduced(self, name: str | None) -> None:
        if name is None:
            return
        if name == "-":
            self.wizard.propose()
        elif name.isascii() and name.isidentifier():
            self.wizard.propose(name)
        else:
            self.owner.tell(f"{name} cannot be the name of a variable.", Level.WARNING)

    def action_look_again(self) -> None:
        """`r`: the changes that were left alone can still be accepted."""
        self.wizard.look_again()

    def action_turn(self) -> None:
        """`t`."""
        self.step_screen.turn(on_trial=True)


def _where(file: str, line: int) -> str:
    return f"{clip_path(file, 48)}:{line}"


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="backslashreplace")


def diff_text(diff: str, reason: str, ink: Inks) -> Text:
    """The reason, then removed and added lines; the sign says it as well as the colour."""
    text = Text(end="")
    if reason:
        text.append(f"{lines(reason)}\n", str(ink.muted))
    styles = {"-": str(ink.bad), "+": str(ink.good), "@": str(ink.muted)}
    for line in diff.splitlines()[2:]:
        text.append(f"{safe(line, 400)}\n", styles.get(line[:1], ""))
    return text
