"""The corpus of small projects: what must be found in each, and what each must be afterwards.

The files of `corpus/` hold one project after another:

    === name
    databases: [...]        JSON, as selected (the consolidated ones, default all), empty (zero
    target: app.db          bytes) and links ({"link": "where to"}) are
    found: main.py:3 SQLITE3 -> old.db, backend/old.db
    by hand: main.py:7
    --- file main.py        its content; `(escaped)` after the name: with Python's \\ escapes
    --- after main.py       what the edits must make of it; {ROOT} is the project. Other files stay

A place whose database is not decidable is found with nothing after the arrow.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

HEADER = b"SQLite format 3\0"
FOLDER = Path(__file__).parent / "corpus"


@dataclass
class Case:
    """One project of the corpus; all paths are relative to it."""

    name: str
    databases: list[str] = field(default_factory=list)
    selected: list[str] | None = None
    empty: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    target: str = ""
    found: list[tuple[str, int, str, str]] = field(default_factory=list)
    """File, line, name of the form, databases it means."""
    by_hand: list[tuple[str, int]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)

    def write(self, root: Path) -> None:
        """Write the project."""
        for name, content in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in self.databases:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"" if name in self.empty else HEADER)
        for name, place in self.links.items():
            (root / name).symlink_to(place)

    def expected(self, name: str, root: Path) -> bytes:
        """The bytes that a file must have after the edits."""
        if name not in self.after:
            return self.files[name]
        return self.after[name].replace(b"{ROOT}", str(root).encode())

    def _head(self, line: str) -> None:
        key, _, value = line.partition(": ")
        if key == "found":
            match = re.fullmatch(r"(.+):(\d+) (\w+) ->(?: (.*))?", value)
            assert match is not None, line
            self.found.append((match[1], int(match[2]), match[3], match[4] or ""))
        elif key == "by hand":
            name, _, number = value.rpartition(":")
            self.by_hand.append((name, int(number)))
        elif key == "target":
            self.target = value
        else:
            assert key in ("databases", "selected", "empty", "links"), line
            setattr(self, key, json.loads(value))


def load() -> list[Case]:
    """All cases of the corpus."""
    cases: list[Case] = []
    for path in sorted(FOLDER.glob("*.txt")):
        for part in re.split(r"^=== ", path.read_text("utf-8"), flags=re.M)[1:]:
            head, *sections = re.split(r"^--- ", part, flags=re.M)
            name, *lines = head.splitlines()
            case = Case(name)
            for line in lines:
                if line:
                    case._head(line)
            for section in sections:
                title, _, content = section.partition("\n")
                kind, file = title.split(" ", 1)
                data = content.encode()
                if file.endswith(" (escaped)"):
                    file = file.removesuffix(" (escaped)")
                    data = content.rstrip("\n").encode().decode("unicode_escape").encode("latin-1")
                (case.files if kind == "file" else case.after)[file] = data
            cases.append(case)
    return cases
