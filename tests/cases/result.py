"""What one run of the command said, and the checks that hold for all cases."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .engines import Finished

if TYPE_CHECKING:
    from .lib import Project

STATUS = {"consolidated": 0, "failed": 1, "needs_decisions": 3}
COUNTS = ("source", "base", "new", "duplicate", "conflict", "rekeyed", "lost")
KEYS = ("outcome", "target", "run", "tables", "skipped", "messages", "timings")

Name = str | tuple[str, ...]
"""A name that a message must hold; of a tuple, any one."""


class CaseFailed(AssertionError):
    """The command did something that its contract does not allow."""


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield str(value)


class Result:
    """The outcome of one run, ready to be judged."""

    def __init__(
        self,
        project: Project,
        finished: Finished,
        sources: tuple[str, ...],
        objects: set[tuple[str, str]],
    ) -> None:
        self.project = project
        self.finished = finished
        self.status = finished.status
        self.sources = sources
        self.objects = objects
        self.last: dict[str, Any] = self._last_line()

    def _last_line(self) -> dict[str, Any]:
        lines = [line for line in self.finished.stdout.splitlines() if line.strip()]
        try:
            last = json.loads(lines[-1]) if lines else {}
        except ValueError:
            last = {}
        return last if isinstance(last, dict) else {}

    @property
    def outcome(self) -> str:
        """The `outcome` of the last line."""
        return str(self.last.get("outcome", "none"))

    @property
    def text(self) -> str:
        """Everything that the last line says in messages and skipped files."""
        return "\n".join([*_leaves(self.last.get("messages")), *_leaves(self.last.get("skipped"))])

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """The counts per table of the last line."""
        tables = self.last.get("tables") or {}
        if isinstance(tables, list):
            return {str(entry.get("table", entry.get("name"))): entry for entry in tables}
        return dict(tables)

    def counts(self, table: str) -> dict[str, Any]:
        """The counts of one table of the last line."""
        if table not in self.tables:
            raise self.fail(f"the last line has no counts of {table!r}")
        return self.tables[table]

    def fixes(self) -> list[str]:
        """The plan lines that the questions suggest."""
        found = self.last.get("messages", [])
        told = [entry for entry in found if isinstance(entry, dict)]
        return [str(e["fix"]) for e in told if e.get("fix") and e.get("level") == "question"]

    def told(self) -> str:
        """A short quotation of what the command said, for the failure's reason."""
        said = " / ".join(self.text.split("\n")) or self.finished.stderr.strip()[-300:]
        logs = sorted(self.project.root.glob(".consolidator/runs/*/error.log"))
        log = f" | error.log: {logs[-1].read_text()[-400:]}" if logs else ""
        return f"exit {self.status}, {self.outcome}: {said[:400]}{log}"

    def fail(self, reason: str) -> CaseFailed:
        """An error that says what was wrong and what the command said."""
        return CaseFailed(f"{reason} [{self.told()}]")

    def check_contract(self) -> None:
        """Exit status, last line and outcome agree (DESIGN: command line); no traceback."""
        for stream in (self.finished.stderr, self.finished.stdout):
            if "Traceback (most recent call last)" in stream:
                tail = stream[stream.index("Traceback") :].strip().splitlines()
                raise CaseFailed(f"traceback: {' / '.join(tail[-3:])[:500]}")
        if self.status not in (0, 1, 2, 3, 4):
            raise self.fail(f"exit status {self.status}: {self.finished.stderr[-300:]}")
        if self.status == 2 and not self.last:
            return
        for line in self.finished.stdout.splitlines():
            if line.strip() and not line.startswith("{"):
                raise CaseFailed(f"a line of stdout is no JSON object: {line[:120]!r}")
        if missing := [key for key in KEYS if key not in self.last]:
            raise self.fail(f"the last line lacks {', '.join(missing)}")
        wanted = STATUS.get(self.outcome)
        if wanted is None and self.outcome == "refused":
            wanted = 2 if self.status == 2 else 4
        if self.status != wanted:
            raise self.fail(f"exit status {self.status} does not fit outcome {self.outcome}")

    def names(self, *names: Name) -> None:
        """The messages or skipped files hold every one of `names`."""
        text = self.text.casefold()
        for name in names:
            options = (name,) if isinstance(name, str) else name
            if not any(option.casefold() in text for option in options):
                raise self.fail(f"no message names {' or '.join(options)}")

    def asked(self, *names: Name) -> bool:
        """Whether it stopped for a decision (exit 3); then its messages must hold `names`."""
        if self.status != 3:
            return False
        self.names(*names)
        return True

    def refused(self, *names: Name) -> bool:
        """Whether it refused (exit 4); then its messages must hold `names`."""
        if self.status != 4:
            return False
        self.names(*names)
        return True

    def must_ask(self, *names: Name) -> None:
        """Nothing but exit 3 is right here."""
        if not self.asked(*names):
            raise self.fail("it must stop and ask (exit 3)")

    def must_refuse(self, *names: Name) -> None:
        """Nothing but exit 4 is right here."""
        if not self.refused(*names):
            raise self.fail("it must refuse (exit 4)")

    def must_be_bad_usage(self, *names: Name) -> None:
        """Nothing but exit 2 is right here; the reason may stand on either stream."""
        if self.status != 2:
            raise self.fail("it must say that the arguments or the plan are wrong (exit 2)")
        said = f"{self.finished.stdout}\n{self.finished.stderr}".casefold()
        for name in names:
            options = (name,) if isinstance(name, str) else name
            if not any(option.casefold() in said for option in options):
                raise self.fail(f"nothing names {' or '.join(options)}")

    def done(
        self, *, without: Iterable[str] = (), violations: bool = False, integrity: bool = True
    ) -> None:
        """The outcome is `consolidated` and the target is sound.

        without: schema objects that may be missing or renamed, each with a check in its case
        violations: the sources had violated foreign keys; integrity: ask integrity_check too
        """
        if self.status != 0:
            raise self.fail("it must consolidate (exit 0)")
        if not (self.project.root / self.project.target).is_file():
            raise self.fail("there is no target")
        if "unexpected error" in self.text:
            raise self.fail("something went wrong on the way")
        self._check_counts()
        self._check_soundness(violations, integrity)
        self._check_objects(set(without))

    def _check_counts(self) -> None:
        for table, counts in self.tables.items():
            if missing := [key for key in COUNTS if key not in counts]:
                raise self.fail(f"counts of {table!r} lack {', '.join(missing)}")
            if counts["lost"] != 0:
                raise self.fail(f"{counts['lost']} rows of {table!r} are called lost")
            parts = [counts.get(key, 0) for key in (*COUNTS[1:5], "deleted")]
            if counts["source"] != sum(parts):
                raise self.fail(f"counts of {table!r} do not add up: {counts}")

    def _check_soundness(self, violations: bool, integrity: bool) -> None:
        root, target = self.project.root, self.project.target
        for suffix in ("-wal", "-journal"):
            sidecar = root / f"{target}{suffix}"
            if sidecar.exists() and sidecar.stat().st_size:
                raise self.fail(f"the target has a {suffix}")
        with self.project.open(target) as con:
            try:
                found = [row[0] for row in con.execute("PRAGMA integrity_check")]
                broken = list(con.execute("PRAGMA foreign_key_check"))
            except sqlite3.Error as error:
                if integrity:
                    raise self.fail(f"the target cannot be checked: {error}") from error
                return
        if integrity and found != ["ok"]:
            raise self.fail(f"integrity_check: {found[:3]}")
        if broken and not violations:
            raise self.fail(f"foreign_key_check: {broken[:3]}")

    def _check_objects(self, without: set[str]) -> None:
        project = self.project
        found = project.rows("SELECT type, name FROM sqlite_master")
        here = {
            (kind, "".join(c.lower() if c.isascii() else c for c in name)) for kind, name in found
        }
        missing = {(k, n) for k, n in self.objects - here if n not in without}
        if missing:
            raise self.fail(f"schema objects are missing: {sorted(missing)[:4]}")
