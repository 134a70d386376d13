"""What people do by hand: copy one file, ATTACH the others, `INSERT OR IGNORE` every table."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def merge(sources: list[Path], target: Path) -> None:
    """Merge `sources` into `target` the naive way; raises whatever SQLite raises."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as con:
        if not target.exists() or target.stat().st_size == 0:
            with contextlib.closing(sqlite3.connect(sources[0])) as first:
                first.backup(con)
        for source in sources:
            if source == target:
                continue
            con.execute("ATTACH ? AS s", (str(source),))
            con.execute("BEGIN")
            _copy(con)
            con.execute("COMMIT")
            con.execute("DETACH s")


def _copy(con: sqlite3.Connection) -> None:
    objects = con.execute(
        "SELECT type, name, sql FROM s.sqlite_master WHERE sql IS NOT NULL "
        "AND name NOT LIKE 'sqlite_%' ORDER BY type <> 'table'"
    ).fetchall()
    here = {row[0] for row in con.execute("SELECT name FROM main.sqlite_master")}
    shadows = {
        row[1] for row in con.execute("PRAGMA s.table_list") if row[2] == "shadow" and row[0] == "s"
    }
    for kind, name, sql in objects:
        if name not in here and name not in shadows:
            con.execute(sql)
        if kind == "table" and name not in shadows:
            con.execute(
                f"INSERT OR IGNORE INTO main.{_quoted(name)} SELECT * FROM s.{_quoted(name)}"
            )


def copy_objects(sources: list[Path], target: Path) -> None:
    """Create in `target` the indexes, triggers and views that `sources` have."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as con:
        for source in sources:
            with contextlib.closing(sqlite3.connect(source)) as other:
                rows = other.execute(
                    "SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL"
                ).fetchall()
            here = {row[0] for row in con.execute("SELECT name FROM main.sqlite_master")}
            for name, sql in rows:
                if name not in here:
                    con.execute(sql)
