"""Build a project of real files, run the command, judge the result by meaning.

A judgement never looks at surrogate ids: it compares what queries say. Values are compared with
their type and bytes (`1`, `1.0` and `'1'` differ). Whatever the outcome, every original must be
byte-identical, nobody may have seen a traceback, and a target must be untouched unless the
outcome is `consolidated`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .engines import Finished, run_command
from .result import CaseFailed, Name, Result

Row = Sequence[Any]
Rows = Mapping[str, Iterable[Row]]
"""Positional rows per table."""
Collation = Callable[[str, str], int]

__all__ = ["CaseFailed", "Name", "Project", "Result", "Row", "Rows", "quoted", "text_of", "typed"]


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_of(raw: bytes) -> str:
    """Text of a database, with bytes that are no UTF-8 kept as surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def typed(value: Any) -> tuple[str, Any]:
    """`value` with its SQLite type, so that 1, 1.0 and '1' are three things."""
    if isinstance(value, float):
        return "real", repr(value)
    if isinstance(value, str):
        return "text", value.encode("utf-8", "surrogateescape")
    return {type(None): "null", int: "integer", bool: "integer", bytes: "blob"}[type(value)], value


def _bag(rows: Iterable[Row]) -> Counter[tuple[tuple[str, Any], ...]]:
    return Counter(tuple(typed(value) for value in row) for row in rows)


def _shown(bag: Counter[tuple[tuple[str, Any], ...]]) -> str:
    lines = []
    for row, times in list(bag.items())[:4]:
        values = ", ".join(f"{kind}:{value!r}"[:60] for kind, value in row)
        lines.append(f"({values})" + (f" x{times}" if times > 1 else ""))
    return "; ".join(lines) + (" …" if len(bag) > 4 else "")


class Project:
    """One temporary project: `root` is the PROJECT argument, `scratch` lies outside of it."""

    def __init__(self, folder: Path, kind: str | None = None) -> None:
        self.root = folder / "project"
        self.scratch = folder / "scratch"
        self.root.mkdir(parents=True)
        self.scratch.mkdir()
        self.kind = kind
        self.target = "app.db"
        self.collations: dict[str, Collation] = {}
        self.functions: dict[str, tuple[int, Callable[..., Any]]] = {}
        self.last: Result | None = None

    # building

    @contextlib.contextmanager
    def open(self, name: str | Path) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode to a file of the project, closed at the end."""
        con = sqlite3.connect(self.root / name, isolation_level=None)
        con.text_factory = text_of
        for collation, compare in self.collations.items():
            con.create_collation(collation, compare)
        for function, (count, body) in self.functions.items():
            con.create_function(function, count, body, deterministic=True)
        with contextlib.closing(con):
            yield con

    def db(
        self, name: str | Path, script: str, rows: Mapping[str, Iterable[Row]] | None = None
    ) -> Path:
        """Write a database: `script` first, then positional `rows` per table."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.open(name) as con:
            con.executescript(script)
            con.execute("BEGIN")
            for table, values in (rows or {}).items():
                for row in values:
                    insert(con, table, row)
            con.execute("COMMIT")
        return path

    def both(
        self, script: str, a: Mapping[str, Iterable[Row]], b: Mapping[str, Iterable[Row]]
    ) -> None:
        """Write a.db and b.db with the same schema."""
        self.db("a.db", script, a)
        self.db("b.db", script, b)

    # running

    def run(
        self,
        *sources: str,
        plan: str | None = None,
        args: Sequence[str] = (),
        target: str | None = None,
    ) -> Result:
        """Run the command and check what holds for every outcome.

        sources: relative paths for --source (a.db and b.db when none are given and they exist)
        plan: the text of a plan document; args: further arguments
        """
        self.target = target or self.target
        chosen = sources or tuple(n for n in ("a.db", "b.db", "c.db") if (self.root / n).exists())
        arguments = ["run", str(self.root), "--target", self.target]
        for source in chosen:
            arguments += ["--source", source]
        if plan is not None:
            (self.scratch / "plan.toml").write_text(plan, encoding="utf-8")
            arguments += ["--plan", str(self.scratch / "plan.toml")]
        return self.command([*arguments, *args, "--yes", "--json"], chosen)

    def command(self, arguments: list[str], sources: Sequence[str] = ()) -> Result:
        """Run any command line that may write nothing but the target and the run's folder."""
        before = self._files()
        objects = self._source_objects(sources)
        finished: Finished = run_command(arguments, self.kind)
        result = Result(self, finished, tuple(sources), objects)
        result.check_contract()
        self._check_files(before, result, arguments)
        self.last = result
        return result

    def tool(self, *arguments: str) -> Finished:
        """Run another command than `run`; only a traceback fails it."""
        finished = run_command(list(arguments), self.kind)
        if "Traceback (most recent call last)" in finished.stdout + finished.stderr:
            raise CaseFailed(f"traceback: {finished.stderr[-400:]}")
        return finished

    def _files(self) -> dict[str, str]:
        """Every file of the project but the tool's own folder, by relative path."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in (".consolidator", ".git")]
            for name in names:
                path = Path(folder) / name
                relative = os.path.relpath(path, self.root)
                if path.is_symlink():
                    found[relative] = f"link to {path.readlink()}"
                elif path.is_file():
                    found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
                else:
                    found[relative] = "special"
        return found

    def _check_files(self, before: dict[str, str], result: Result, arguments: list[str]) -> None:
        after = self._files()
        ours = {self.target + suffix for suffix in ("", "-wal", "-shm", "-journal")}
        written = result.outcome == "consolidated" and "--dry-run" not in arguments
        for name, state in before.items():
            if (name in ours and written) or name.endswith("-shm"):
                continue
            if after.get(name) != state:
                what = "is gone" if name not in after else "was changed"
                raise CaseFailed(f"{name!r} {what} although the outcome is {result.outcome}")
        for name in after.keys() - before.keys():
            empty = name.endswith("-wal") and (self.root / name).stat().st_size == 0
            if name.endswith("-shm") or empty or (name == self.target and written):
                continue
            raise CaseFailed(f"{name!r} appeared although the outcome is {result.outcome}")

    def _source_objects(self, sources: Sequence[str]) -> set[tuple[str, str]]:
        """(type, name) of the schema objects of all sources that can be read, read from copies."""
        objects: set[tuple[str, str]] = set()
        for number, source in enumerate(sources):
            path = self.root / source
            if not path.is_file():
                continue
            copy = self.scratch / f"schema{number}.db"
            for suffix in ("", "-wal", "-journal"):
                sidecar = Path(f"{path}{suffix}")
                if sidecar.is_file():
                    Path(f"{copy}{suffix}").write_bytes(sidecar.read_bytes())
            con = sqlite3.connect(copy)
            con.text_factory = text_of
            with contextlib.closing(con), contextlib.suppress(sqlite3.DatabaseError):
                for kind, name in con.execute("SELECT type, name FROM sqlite_master"):
                    if not name.lower().startswith("sqlite_"):
                        objects.add((kind, _folded(name)))
        return objects

    # judging

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What the target answers to `sql`."""
        with self.open(self.target) as con:
            try:
                return list(con.execute(sql, parameters))
            except sqlite3.Error as error:
                raise CaseFailed(f"the target cannot answer {sql!r}: {error}") from error

    def expect(self, sql: str, expected: Iterable[Row], what: str = "") -> None:
        """The target answers `sql` with exactly these rows, in any order, types included."""
        got, want = _bag(self.rows(sql)), _bag(expected)
        if got != want:
            parts = [what or sql]
            if want - got:
                parts.append(f"missing: {_shown(want - got)}")
            if got - want:
                parts.append(f"unexpected: {_shown(got - want)}")
            raise CaseFailed(" | ".join(parts))

    def expect_any(self, sql: str, *alternatives: Iterable[Row]) -> None:
        """The target answers `sql` with one of these multisets of rows."""
        got = _bag(self.rows(sql))
        wanted = [_bag(rows) for rows in alternatives]
        if got not in wanted:
            options = " or ".join(_shown(bag) for bag in wanted)
            raise CaseFailed(f"{sql} | got: {_shown(got)} | acceptable: {options}")

    def has_table(self, name: str) -> bool:
        """Whether the target has a table of this name (as SQLite compares names)."""
        found = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return _folded(name) in {_folded(row[0]) for row in found}

    def columns(self, table: str) -> list[str]:
        """The column names of a table of the target."""
        return [row[0] for row in self.rows("SELECT name FROM pragma_table_xinfo(?)", (table,))]


def _folded(name: str) -> str:
    """`name` with its ASCII letters in lower case: how SQLite compares names."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def insert(con: sqlite3.Connection, table: str, row: Row) -> None:
    """Insert positionally; text with surrogates is stored as the bytes that it stands for."""
    marks, values = [], []
    for value in row:
        odd = isinstance(value, str) and any("\udc80" <= char <= "\udcff" for char in value)
        marks.append("CAST(? AS TEXT)" if odd else "?")
        values.append(value.encode("utf-8", "surrogateescape") if odd else value)
    con.execute(f"INSERT INTO {quoted(table)} VALUES ({', '.join(marks)})", values)
