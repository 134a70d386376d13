"""Discover: which files are there, what each is for, and which of them take part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from consolidator_tui.domain.discovery import FileKind, FoundFile, Role
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.signs import CHOSEN, NOT_CHOSEN, WORK
from consolidator_tui.tui.text import clip_path, count, plain, safe, size
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.widgets.bars import Primary
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable, Row

if TYPE_CHECKING:
    from consolidator_tui.domain.reference import Reference

ROLES: dict[Role, str] = {
    Role.APPLICATION: "application",
    Role.TEST: "test",
    Role.BACKUP_COPY: "backup copy",
    Role.OTHER_PROGRAM: "other program",
    Role.EMPTY: "empty",
    Role.UNREADABLE: "not readable",
}
MOST_REFERENCES = 200


class DiscoverScreen(StepScreen):
    """The files in a table, and below it what is known of the one under the cursor."""

    STEP = Step.DISCOVER
    MAIN = "#files"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "choose", tooltip="Choose this file, or leave it out"),
        Binding("t", "target", "target", tooltip="Make this file the target"),
        Binding("b", "base", "base", tooltip="Keep the row ids of this file (base)"),
        Binding("n", "new_target", "new", tooltip="Use a new file as the target"),
        Binding("a", "add_folder", "folder", tooltip="Look into another folder as well"),
        Binding("r", "rescan", "Look again", show=False),
        Binding("p", "first", "First in the order of priority", show=False),
    ]

    _placed = False
    _first = ""
    """Where the cursor was put before the person moved it."""

    def content(self) -> ComposeResult:
        """Table, empty state, detail."""
        yield FitTable(
            [
                Col("", most=1),
                Col("File", least=18, most=52, flex=3, path=True),
                Col("Role", most=13),
                Col("Rows", right=True, most=11),
                Col("Size", right=True, most=8),
                Col("Use", most=8),
                Col("Why", least=20, most=90, flex=5, from_width=110),
            ],
            id="files",
        )
        yield Static(id="empty", markup=False)
        yield Detail(id="detail")

    def arrived(self) -> None:
        """Nothing to start: the app looks for files by itself."""

    def summary(self) -> str:
        """What was found and chosen."""
        wizard = self.wizard
        if wizard.discovery is None and self.owner.job is None:
            return ""
        if wizard.discovery is None:
            found = len(wizard.found)
            return f"looking for SQLite files … {plural(found, 'file')} so far"
        skipped = wizard.discovery.folders_skipped
        passed = f" · {plural(skipped, 'folder')} passed over" if skipped else ""
        return f"{len(wizard.picks.sources)} of {plural(len(wizard.found), 'file')} chosen{passed}"

    def draw(self) -> None:
        """Files and detail."""
        wizard = self.wizard
        files = sorted(wizard.found.values(), key=lambda file: file.path)
        table = self.query_one(FitTable)
        target, base = wizard.target, wizard.base
        table.set_rows(self._row(file, target, base) for file in files)
        untouched = self._first in ("", table.current_key)
        if wizard.discovery is not None and not self._placed and untouched:
            # The first look belongs to what matters most: the target, which may be another one
            # as soon as the references are known.
            self._first, self._placed = target, wizard.references is not None
            table.move_to(target)
        empty = self.query_one("#empty", Static)
        empty.display = not files
        table.display = self.query_one(Detail).display = bool(files)
        if not files:
            empty.update(self._nothing())
        self._draw_detail()

    def _nothing(self) -> Text:
        discovery = self.wizard.discovery
        session = self.wizard.session
        if discovery is None and session is not None and session.chosen is not None:
            files = "\n".join(f"  {safe(path)}" for path in self.wizard.sources)
            return Text(f"This run was taken up again. It works on:\n{files}")
        if discovery is None and session is not None and self.owner.job is None:
            return Text("")
        if discovery is None:
            return Text(f"{WORK} Looking through the project …")
        place = safe(discovery.project)
        checked = plural(discovery.files_checked, "file")
        return Text(f"No SQLite files under {place} ({checked} checked).\na: add a folder")

    def _row(self, file: FoundFile, target: str, base: str) -> Row:
        ink = self.ink
        chosen = file.path in self.wizard.picks.sources
        usable = file.kind is FileKind.DATABASE
        style = "" if chosen else str(ink.muted)
        mark = (
            Text(CHOSEN, str(ink.accent)) if chosen else Text(NOT_CHOSEN if usable else "·", style)
        )
        use = Text(end="")
        if file.path == target:
            use.append("target", str(ink.accent))
        elif file.path == base:
            use.append("base", str(ink.accent))
        elif chosen:
            use.append("source", style)
        path = plain(clip_path(file.path, 52), "bold" if chosen else style)
        return file.path, (
            mark,
            path,
            Text(ROLES[file.role], style),
            Text(count(file.rows) if usable else "", style),
            Text(size(file.size), style),
            use,
            plain(file.reason, str(ink.muted)),
        )

    def on_fit_table_moved(self) -> None:
        """Another file is under the cursor."""
        self._draw_detail()

    @property
    def current(self) -> FoundFile | None:
        """The file under the cursor."""
        key = self.query_one(FitTable).current_key
        return self.wizard.found.get(key) if key is not None else None

    def _draw_detail(self) -> None:
        file = self.current
        if file is None:
            return
        references = self.wizard.explain(file)
        known = self.wizard.references is not None
        target, why = self.wizard.aim
        aim = why if file.path == target else ""
        text = file_text(file, references, known, self.wizard.project, self.ink, aim)
        self.query_one(Detail).show(f"{file.path}", text)

    def primary(self) -> Primary:
        """Go on with what is chosen."""
        wizard = self.wizard
        number = len(wizard.picks.sources)
        if wizard.state.promoted:
            return Primary("Inspect", "the target is in place: ctrl+r rolls back", enabled=False)
        if self.owner.job is not None:
            return Primary("Inspect", "while the project is looked through", enabled=False)
        if wizard.discovery is None:
            return Primary("Look for files", "later steps must be done again then")
        if number == 0:
            return Primary("Inspect", "choose files with space", enabled=False)
        target = clip_path(wizard.target, 40)
        return Primary(f"Inspect {plural(number, 'file')}", f"target: {target}")

    def act(self) -> None:
        """Settle the choice."""
        if self.wizard.discovery is None:
            self.wizard.discover()
        else:
            self.wizard.select()

    def action_choose(self) -> None:
        """`space`."""
        file = self.current
        if file is None:
            return
        problem = self.wizard.picks.toggle(file)
        if problem:
            self.owner.tell(problem, Level.WARNING)
        self.owner.changed()

    def action_target(self) -> None:
        """`t`."""
        file = self.current
        if file is None:
            return
        if file.kind is FileKind.DATABASE and file.path not in self.wizard.picks.sources:
            self.wizard.picks.toggle(file)
        if file.kind not in (FileKind.DATABASE, FileKind.EMPTY):
            self.owner.tell(f"{file.path} cannot be the target: {file.reason}", Level.WARNING)
            return
        self.wizard.picks.aim(file.path)
        self.owner.changed()

    def action_base(self) -> None:
        """`b`: only where the target is new; an existing target is the base."""
        file, wizard = self.current, self.wizard
        if file is None:
            return
        target = wizard.found.get(wizard.target)
        if target is not None and target.kind is FileKind.DATABASE:
            already = " already" if target.path == file.path else ""
            self.owner.tell(
                f"{target.path} exists and is the target, so it is the base{already}: "
                "its ids stay. t makes another file the target.",
                Level.WARNING,
            )
            return
        if file.path not in wizard.picks.sources:
            problem = wizard.picks.toggle(file)
            if problem:
                self.owner.tell(problem, Level.WARNING)
                return
        wizard.picks.put_first(file.path)
        self.owner.changed()

    def action_new_target(self) -> None:
        """`n`: a name for a file that is not there yet."""
        from consolidator_tui.tui.modals.line_input import LineInput

        dialog = LineInput(
            "New target", "A file in the project, relative to it.", placeholder="data/app.db"
        )
        self.app.push_screen(dialog, self._new_target)

    def _new_target(self, name: str | None) -> None:
        if name:
            self.wizard.picks.aim(name)
            self.owner.changed()

    def action_add_folder(self) -> None:
        """`a`: another folder, inside or outside the project."""
        from consolidator_tui.tui.modals.line_input import LineInput

        dialog = LineInput(
            "Add a folder", "It is looked through like the project.", placeholder="../data"
        )
        self.app.push_screen(dialog, self._add_folder)

    def _add_folder(self, name: str | None) -> None:
        if name:
            folder = Path(name).expanduser()
            wizard = self.wizard
            wizard.extra_folders.append(wizard.project / folder)
            wizard.discover()

    def action_rescan(self) -> None:
        """`r`."""
        self.wizard.discover()

    def action_first(self) -> None:
        """`p`: its versions win where a rule goes by the order of the sources."""
        file = self.current
        if file is not None and file.path in self.wizard.picks.sources:
            self.wizard.picks.put_at_top(file.path)
            self.owner.changed()


def file_text(
    file: FoundFile,
    references: tuple[Reference, ...],
    known: bool,
    project: Path,
    ink: Inks,
    aim: str = "",
) -> Text:
    """What is known of one file, the most important first; `aim`: why it is the target."""
    muted = str(ink.muted)
    text = Text(end="")
    text.append_text(plain(file.reason))
    if file.problem:
        text.append("\n! ", str(ink.warn))
        text.append_text(plain(file.problem, str(ink.warn)))
    if aim:
        _line(text, "Target", safe(aim), muted)
    _line(text, "Tables", _tables(file), muted)
    facts = [fact for fact in (_wal(file), file.encoding) if fact]
    if facts:
        _line(text, "File", " · ".join(facts), muted)
    if file.same_as:
        _line(text, "Copy of", safe(file.same_as), muted)
    if file.other_names:
        _line(text, "Links", ", ".join(map(safe, file.other_names)), muted)
    if file.holders:
        who = ", ".join(f"{safe(h.name)} ({h.pid})" for h in file.holders)
        text.append("\n! Open in   ", str(ink.warn))
        text.append(who)
    if not known:
        _line(text, "Named by", "looking through the project's text …", muted)
    elif not references:
        _line(text, "Named by", "nothing in this project's text leads to it", muted)
    if references:
        _named_by(text, references, project / file.path, project, ink)
    return text


def _named_by(
    text: Text, references: tuple[Reference, ...], database: Path, project: Path, ink: Inks
) -> None:
    """The places that lead to a file and when they do, the application's own code first."""
    # The package is loaded already, or there were no references.
    from consolidator_tui.domain.reference import Form
    from consolidator_tui.services.references import why

    def place(found: Reference) -> tuple[bool, bool]:
        return found.form in (Form.TEXT, Form.MENTION), found.in_tests

    for number, found in enumerate(sorted(references, key=place)[:MOST_REFERENCES]):
        _line(text, "Named by" if number == 0 else "", "", str(ink.muted))
        text.append(f"{safe(found.file)}:{found.line}", str(ink.accent))
        text.append(f"  {safe(found.text, 44)}", "bold")
        text.append(f"  {why(found, database, project)}")
        text.append(f"  {found.form}", str(ink.muted))


def _line(text: Text, label: str, value: str, muted: str) -> None:
    text.append(f"\n{label:<10}  ", muted)
    text.append(value)


def _tables(file: FoundFile) -> str:
    if not file.tables:
        return "none"
    shown = [f"{safe(t.name)} {count(t.rows)}" for t in file.tables[:12]]
    more = f" and {len(file.tables) - 12} more" if len(file.tables) > 12 else ""
    return " · ".join(shown) + more


def _wal(file: FoundFile) -> str:
    pieces = ["WAL mode"] if file.wal else []
    pieces += [f"{s.suffix} {size(s.size)}" for s in file.sidecars if s.size]
    if file.hot_journal:
        pieces.append("interrupted transaction")
    return ", ".join(pieces)
