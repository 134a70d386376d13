"""Many small things: 300 files in one run, 1,000 tables in one file; each under 10 s.

python -m tests.bench.many [--folder DIR]
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .compare import spawn

LIMIT = 10.0


def write_files(project: Path) -> list[str]:
    """300 files with colliding ids, one shared person, and an order each."""
    names = [f"node{n:03d}.db" for n in range(300)]
    for n, name in enumerate(names):
        with contextlib.closing(sqlite3.connect(project / name, isolation_level=None)) as con:
            con.executescript(
                "PRAGMA synchronous = OFF; BEGIN;"
                "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
                "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, w);"
                f"INSERT INTO users VALUES (1, 'u{n}'), (2, 'everybody');"
                f"INSERT INTO orders VALUES (1, 1, 'a{n}'), (2, 2, 'b{n}'); COMMIT;"
            )
    return names


def write_tables(project: Path) -> list[str]:
    """Two files of 1,000 tables, each with a row of its own and a shared one."""
    for name in ("a", "b"):
        path = project / f"{name}.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as con:
            con.execute("BEGIN")
            for n in range(1000):
                con.execute(f"CREATE TABLE t{n}(id INTEGER PRIMARY KEY, k TEXT NOT NULL UNIQUE, v)")
                con.execute(f"INSERT INTO t{n} VALUES (1, '{name}', {n}), (2, 'both', {n})")
            con.execute("COMMIT")
    return ["a.db", "b.db"]


def measure(write: Callable[[Path], list[str]], folder: Path) -> tuple[float, float]:
    """Seconds and peak memory (MB) of the real command on what `write` made."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        names = write(Path(name))
        arguments = [sys.executable, "-m", "consolidator_tui", "run", name, "--target", "app.db"]
        for source in names:
            arguments += ["--source", source]
        seconds, memory, _ = spawn([*arguments, "--yes", "--json"])
    return seconds, memory


def main() -> int:
    """Measure both and print them; exit 1 above the limit."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.many")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    folder = parser.parse_args().folder
    slow = False
    for label, write in (("300 files", write_files), ("1,000 tables", write_tables)):
        seconds, memory = measure(write, folder)
        slow = slow or seconds > LIMIT
        print(f"{label:<14} {seconds:6.2f} s  {memory:5.0f} MB  (limit {LIMIT:.0f} s)", flush=True)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
