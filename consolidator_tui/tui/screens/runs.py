"""The runs that there were: what came of each, what it takes, what depends on it, its removal."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from consolidator_tui.domain.words import plural
from consolidator_tui.tui.jobs import Query
from consolidator_tui.tui.text import plain, safe, size
from consolidator_tui.tui.widgets.bars import TooSmall
from consolidator_tui.tui.widgets.detail import Detail
from consolidator_tui.tui.widgets.fit_table import Col, FitTable
from consolidator_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from consolidator_tui.domain.run import RunInfo
    from consolidator_tui.services.session import Session
    from consolidator_tui.tui.app import ConsolidatorApp

_QUERY = "earlier runs"


class RunsScreen(Screen[str]):
    """A table of all runs, the newest first, and below it what is known of one.

    Ends with the name of a run that is to be rolled back, or None.
    """

    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "receipt", "receipt", tooltip="Read the receipt of this run"),
        Binding("r,ctrl+r", "undo", "roll back", tooltip="Roll this run back; asks first"),
        Binding("d", "remove", "remove", tooltip="Remove this run and its backup"),
        Binding("P", "prune", "remove all not needed", tooltip="Remove every run not needed"),
        Binding("escape,q", "close", "back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[RunInfo, ...] | None = None

    def compose(self) -> ComposeResult:
        """Heading, table, detail."""
        yield Static(id="log-head", markup=False)
        yield FitTable(
            [
                Col("Run", least=16, most=22),
                Col("What came of it", least=16, most=50, flex=2),
                Col("Size", right=True, most=8),
                Col("Backup", right=True, most=8),
                Col("Needed", least=6, most=90, flex=3),
            ],
            id="runs",
        )
        yield Detail(id="detail")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Ask for the list."""
        self._draw()
        self._look()

    @property
    def _app(self) -> ConsolidatorApp:
        return cast("ConsolidatorApp", self.app)

    @property
    def _session(self) -> Session:
        session = self._app.wizard.session
        assert session is not None, "the app opens this screen only with a session"
        return session

    @property
    def _current(self) -> RunInfo | None:
        key = self.query_one(FitTable).current_key
        return next((info for info in self._runs or () if info.name == key), None)

    def _look(self) -> None:
        self._app.ask(Query(_QUERY, self._session.earlier_runs, self._found))

    def _found(self, runs: Sequence[RunInfo]) -> None:
        self._runs = tuple(reversed(runs))
        if self.is_attached:
            self._draw()

    # Drawing

    def _draw(self) -> None:
        ink, runs = self._app.ink, self._runs
        head = Text(" Runs  ", "bold", end="")
        head.append(heading(runs), str(ink.muted))
        self.query_one("#log-head", Static).update(head)
        here = self._session.run
        table = self.query_one(FitTable)
        table.set_rows(
            (
                info.name,
                (
                    plain(info.name, "bold" if here is not None and here.name == info.name else ""),
                    plain(info.outcome),
                    Text(size(info.size)),
                    Text(size(info.backup_size) if info.backup_complete else "none"),
                    plain(info.needed or "no", "" if info.needed else str(ink.muted)),
                ),
            )
            for info in runs or ()
        )
        self._draw_detail()

    def _draw_detail(self) -> None:
        info = self._current
        detail = self.query_one(Detail)
        detail.display = info is not None
        if info is not None:
            detail.show(info.name, Text(run_text(info, str(self._app.project))))

    def on_fit_table_moved(self) -> None:
        """Another run is under the cursor."""
        self._draw_detail()

    # Actions

    def action_receipt(self) -> None:
        """`o`: read what the run left as its receipt."""
        info = self._current
        if info is None:
            return
        name, session = info.name, self._session

        def show(text: str) -> None:
            from consolidator_tui.tui.modals.viewer import Viewer
            from consolidator_tui.tui.receipt_text import receipt

            self.app.push_screen(Viewer(f"Receipt of run {name}", [("report.md", receipt(text))]))

        self._app.ask(Query("the receipt of a run", lambda: session.receipt(name), show))

    def action_undo(self) -> None:
        """`r`: the question and the work belong to the wizard, above a step."""
        info = self._current
        if info is not None:
            self.dismiss(info.name)

    def action_remove(self) -> None:
        """`d`: ask, and where something would be lost have a phrase typed."""
        info = self._current
        if info is None:
            return
        title = f"Remove run {safe(info.name)}?"
        text = f"{size(info.size)} become free. This run can then no longer be rolled back."
        if info.needed:
            from consolidator_tui.tui.modals.confirm_remove import ConfirmRemove

            dialog = ConfirmRemove(title, f"{info.needed}\n{text}", f"remove {info.name}")
            self.app.push_screen(dialog, lambda typed: self._remove([info]) if typed else None)
            return
        self._ask(title, f"Nothing needs it. {text}", [info])

    def action_prune(self) -> None:
        """`P`: all runs with which nothing would be lost."""
        here = self._session.run
        spare = [
            info
            for info in self._runs or ()
            if not info.needed and (here is None or info.name != here.name)
        ]
        if not spare:
            self._app.tell("Every run is needed; d removes one all the same.")
            return
        names = "\n".join(f"  {info.name}  {safe(info.outcome, 40)}" for info in spare[:8])
        more = f"\n  and {len(spare) - 8} more" if len(spare) > 8 else ""
        total = sum(info.size for info in spare)
        self._ask(
            f"Remove {plural(len(spare), 'run')}?",
            f"Nothing needs them, and {size(total)} become free.\n{names}{more}",
            spare,
        )

    def _ask(self, title: str, text: str, runs: Sequence[RunInfo]) -> None:
        from consolidator_tui.tui.modals.question import Choice, Question

        choices = [Choice("keep", "Keep"), Choice("remove", "Remove", danger=True)]
        self.app.push_screen(
            Question(title, text, choices),
            lambda answer: self._remove(runs) if answer == "remove" else None,
        )

    def _remove(self, runs: Sequence[RunInfo]) -> None:
        session, names = self._session, [info.name for info in runs]

        async def remove() -> tuple[list[RunInfo], list[RunInfo]]:
            return await session.remove_runs(names), await session.earlier_runs()

        def done(found: tuple[list[RunInfo], list[RunInfo]]) -> None:
            removed, left = found
            freed = sum(info.size for info in removed)
            self._app.tell(f"{plural(len(removed), 'run')} removed, {size(freed)} are free again.")
            self._found(left)

        self._app.ask(Query("removing runs", remove, done))

    def action_close(self) -> None:
        """Back to the step."""
        self.dismiss(None)


def heading(runs: Sequence[RunInfo] | None) -> str:
    """How many there are, and what they take."""
    if runs is None:
        return "looking …"
    if not runs:
        return "none yet"
    total = sum(info.size for info in runs)
    spare = sum(info.size for info in runs if not info.needed)
    more = f" · {size(spare)} not needed" if spare else ""
    return f"{plural(len(runs), 'run')} · {size(total)} on disk{more}"


def run_text(info: RunInfo, project: str) -> str:
    """Everything that is known of a run."""
    told = []
    if info.target:
        told.append(safe(info.files))
    if info.problem:
        told.append(safe(info.problem))
    told.append(safe(info.needed) if info.needed else "Nothing would be lost with it.")
    state = info.state
    if info.backup_complete and (state is None or (state.promoted and not state.rolled_back)):
        command = f"consolidator-tui rollback {safe(shlex.quote(project))} {info.name} --yes"
        told.append(f"Undone from a shell: {command}")
    return "\n".join(told)
