"""The steps before anything is written: Discover, Inspect, Back up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from consolidator_tui.domain.discovery import Discovery
from consolidator_tui.domain.event import Step
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.jobs import Job, Query
from consolidator_tui.tui.wizard_state import WizardState

if TYPE_CHECKING:
    from consolidator_tui.domain.inspection import Inspection, Preview
    from consolidator_tui.domain.manifest import Manifest
    from consolidator_tui.domain.reference import ReferenceReport

    pass


class BeforeMerge(WizardState):
    """Calls the services of the first three steps and keeps what they give."""

    # Discover

    def discover(self) -> None:
        """Walk the project; then find what refers to its files, beside whatever comes next."""
        session = self._session
        self.found.clear()
        folders = tuple(self.extra_folders)
        self.app.start(
            Job(
                Step.DISCOVER,
                "Looking for SQLite files",
                lambda: session.discover(folders),
                self._discovered,
                quiet=True,
            )
        )

    def _discovered(self, discovery: Discovery) -> None:
        self.discovery = discovery
        self.found = {file.path: file for file in discovery.files}
        self.picks.preselect(discovery.files)
        self.notes[Step.DISCOVER] = plural(len(discovery.files), "file")
        self.app.ask(Query("references", self._session.find_references, self._references_found))

    def _references_found(self, report: ReferenceReport) -> None:
        self.references = report
        self.leads = self._session.leads(self.found.values())

    def select(self) -> None:
        """Settle the choice, then look into the files."""
        session = self._session
        selection = self.picks.selection()

        def done(_chosen: object) -> None:
            self._forget_after(Step.DISCOVER)
            self.inspection = None
            self.notes[Step.DISCOVER] = f"{len(self.sources)} of {plural(len(self.found), 'file')}"
            self.app.go_to(Step.INSPECT)

        self.app.start(
            Job(Step.DISCOVER, "Checking the choice", lambda: session.select(selection), done)
        )

    # Inspect

    def inspect(self) -> None:
        """Read schemas, counts and integrity of the chosen files."""

        def done(inspection: Inspection) -> None:
            self.inspection = inspection
            self.notes[Step.INSPECT] = plural(len(inspection.matrix), "table")

        title = f"Inspecting {plural(len(self.sources), 'file')}"
        self.app.start(Job(Step.INSPECT, title, self._session.inspect, done))

    def preview(self, file: str, table: str, done: Callable[[Preview], None]) -> None:
        """Read the first rows of a table."""
        session = self._session
        self.app.ask(Query("preview", lambda: session.preview(file, table), done))

    # Back up

    def look_at_space(self) -> None:
        """How much room the backup needs and has."""

        def done(space: Any) -> None:
            self.space = space

        self.app.ask(Query("space", self._session.space_needed, done))

    def back_up(self) -> None:
        """Copy and verify every file."""

        def done(manifest: Manifest) -> None:
            self._forget_after(Step.BACKUP)
            self.manifest = manifest
            self.notes[Step.BACKUP] = "verified"

        title = f"Backing up {plural(len(self.sources), 'file')}"
        self.app.start(Job(Step.BACKUP, title, self._session.back_up, done))
