"""Which files the person chose on the Discover screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from consolidator_tui.domain.discovery import FileKind, FoundFile
from consolidator_tui.domain.selection import Lead, Selection


@dataclass(slots=True)
class Picks:
    """Chosen sources in order, target and base; what is None is chosen by itself."""

    sources: list[str] = field(default_factory=list)
    target: str | None = None
    base: str | None = None
    touched: bool = False
    """The person changed something; a new scan then leaves the choice alone."""

    def preselect(self, files: Iterable[FoundFile]) -> None:
        """Take the files that hold application data, unless the person chose already."""
        files = list(files)
        there = {file.path for file in files}
        if self.touched:
            self.sources = [path for path in self.sources if path in there]
        else:
            self.sources = [file.path for file in files if file.preselected]

    def toggle(self, file: FoundFile) -> str:
        """Choose a file or leave it out; returns why that is not possible, or empty."""
        if file.path in self.sources:
            self.sources.remove(file.path)
            self.target = None if self.target == file.path else self.target
            self.base = None if self.base == file.path else self.base
        elif file.kind is not FileKind.DATABASE:
            return f"{file.path} cannot take part: {file.reason}"
        else:
            self.sources.append(file.path)
        self.touched = True
        return ""

    def aim(self, path: str) -> None:
        """Make this the target; a database that exists is then also the base."""
        self.target = path
        self.base = None
        self.touched = True

    def put_first(self, path: str) -> None:
        """Make this the base: its rows keep their ids."""
        self.base = path
        self.touched = True

    def put_at_top(self, path: str) -> None:
        """Make this the first of the sources."""
        self.sources.remove(path)
        self.sources.insert(0, path)
        self.touched = True

    def suggested_target(
        self, files: Mapping[str, FoundFile], leads: Mapping[str, Lead]
    ) -> tuple[str, str]:
        """What is taken where no target was chosen, and why; the same as the session takes."""
        from consolidator_tui.services.session.selecting import favourite

        inner = [
            files[path] for path in self.sources if path in files and not path.startswith("../")
        ]
        if not inner:
            return "", ""
        best, reason = favourite(inner, leads)
        return best.path, reason

    def selection(self) -> Selection:
        """As the session takes it."""
        return Selection(tuple(self.sources), self.target, self.base)
