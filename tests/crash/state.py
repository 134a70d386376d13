"""What is in a project outside the tool's own folder, compared byte by byte or as databases."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

OWN = ".consolidator"
DATABASES = ("app.db", "a.db", "b.db")
_SIDECARS = ("-wal", "-journal", "-shm")
_LOGS = ("", "-wal", "-journal")


@dataclass(frozen=True, slots=True)
class Node:
    """One file, folder or link."""

    mode: int
    """Type and permission bits."""
    content: bytes
    alike: str = field(default="", compare=False)
    """An earlier path of the same file (a hard link)."""

    def __repr__(self) -> str:
        return f"{stat.filemode(self.mode)} {len(self.content)} bytes"


Tree = dict[str, Node]


def outside(project: Path) -> Tree:
    """Everything below a project except the tool's own folder."""
    tree: Tree = {}
    first: dict[tuple[int, int], str] = {}
    for folder, folders, files in os.walk(project):
        if Path(folder) == project and OWN in folders:
            folders.remove(OWN)
        for name in (*folders, *files):
            path = Path(folder, name)
            shown, status = str(path.relative_to(project)), path.lstat()
            mode, content = status.st_mode, b""
            alike = first.setdefault((status.st_dev, status.st_ino), shown)
            if stat.S_ISREG(mode):
                # Configuration may name the project by its whole path.
                content = path.read_bytes().replace(os.fsencode(project), b"{project}")
            elif stat.S_ISLNK(mode):
                content = os.fsencode(path.readlink())
            tree[shown] = Node(mode, content, alike if alike != shown else "")
    return tree


def lay_out(tree: Tree, project: Path) -> None:
    """Write a tree into an empty folder."""
    for name, node in tree.items():
        path = project / name
        if stat.S_ISDIR(node.mode):
            path.mkdir()
        elif stat.S_ISLNK(node.mode):
            path.symlink_to(os.fsdecode(node.content))
            continue
        elif node.alike:
            path.hardlink_to(project / node.alike)
        else:
            path.write_bytes(node.content)
        path.chmod(stat.S_IMODE(node.mode))


def copy_tree(source: Path, copy: Path) -> None:
    """Copy a project; hard links in it stay such."""
    known: dict[tuple[int, int], str] = {}

    def one(path: str, to: str) -> None:
        status = os.lstat(path)
        first = known.setdefault((status.st_dev, status.st_ino), to)
        if first == to:
            shutil.copy2(path, to, follow_symlinks=False)
        else:
            os.link(first, to)

    shutil.copytree(source, copy, symlinks=True, copy_function=one)


def torn(found: Tree, expected: Tree) -> list[str]:
    """One sentence for every name that is not one file with the same other name any more."""
    return [
        f"{path} is one file with {found[path].alike or 'nothing'}, not with {node.alike}"
        for path, node in expected.items()
        if path in found and found[path].alike != node.alike
    ]


def family(tree: Tree, name: str) -> Tree:
    """A database with its sidecars."""
    return {name + s: tree[name + s] for s in ("", *_SIDECARS) if name + s in tree}


def differences(found: Tree, expected: Tree) -> list[str]:
    """One sentence for every path that is not as expected."""
    told = []
    for path in sorted({*found, *expected}):
        one, other = found.get(path), expected.get(path)
        if one == other:
            continue
        if one is None:
            told.append(f"{path} is missing")
        elif other is None:
            told.append(f"{path} should not be there ({one})")
        elif one.content != other.content:
            told.append(f"{path} has other bytes ({one}, expected {other})")
        else:
            told.append(f"{path} has other permissions ({one}, expected {other})")
    return told


def dump(tree: Tree, name: str) -> tuple[str, ...]:
    """Everything that a database holds, its log or journal applied; () when there is none.

    Raises sqlite3.Error or ValueError when it is not whole.
    """
    members = tuple((s, tree[name + s].content) for s in _LOGS if name + s in tree)
    return _dump(members) if members and members[0][0] == "" else ()


@lru_cache(maxsize=256)
def _dump(members: tuple[tuple[str, bytes], ...]) -> tuple[str, ...]:
    scratch = Path(tempfile.mkdtemp(prefix="crash-dump-"))
    try:
        for suffix, content in members:
            (scratch / f"x{suffix}").write_bytes(content)
        connection = sqlite3.connect(scratch / "x", isolation_level=None)
        try:
            check = connection.execute("PRAGMA integrity_check").fetchall()
            if check != [("ok",)]:
                raise ValueError(f"integrity_check says {check[0][0]}")
            objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
            rows = [repr(row) for row in objects]
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
            ).fetchall():
                found = connection.execute(f'SELECT * FROM "{table}"')
                rows += [f"{table} {row!r}" for row in found]
            return tuple(sorted(rows))
        finally:
            connection.close()
    finally:
        shutil.rmtree(scratch)


def same(found: Tree, expected: Tree) -> list[str]:
    """Differences, where databases only have to hold the same."""
    told = []
    for name in DATABASES:
        try:
            if dump(found, name) != dump(expected, name):
                told.append(f"{name} holds other rows than expected")
        except (sqlite3.Error, ValueError) as error:
            told.append(f"{name} is damaged: {error}")
    return told + differences(_without_databases(found), _without_databases(expected))


def _without_databases(tree: Tree) -> Tree:
    members = {name + suffix for name in DATABASES for suffix in ("", *_SIDECARS)}
    return {path: node for path, node in tree.items() if path not in members}


def in_between(found: Tree, start: Tree, end: Tree) -> list[str]:
    """What of a stopped state is neither as before nor as afterwards.

    What does not change between the two must have the same bytes; a database that does must be
    one of both as a whole; temporary files may be left.
    """
    told = []
    for name in DATABASES:
        here, before, after = family(found, name), family(start, name), family(end, name)
        if here in (before, after):
            continue
        try:
            if dump(start, name) == dump(end, name):
                told += differences(here, before)
            elif dump(found, name) not in (dump(start, name), dump(end, name)):
                told.append(f"{name} is neither the old nor the new database")
        except (sqlite3.Error, ValueError) as error:
            told.append(f"{name} is damaged: {error}")
    others = _without_databases(found)
    for path, node in others.items():
        if Path(path).name.startswith(".consolidator-"):
            continue
        if node not in (start.get(path), end.get(path)):
            told.append(f"{path} is neither the old nor the new file ({node})")
    both = set(_without_databases(start)) & set(_without_databases(end))
    told += [f"{path} is missing" for path in sorted(both - set(others))]
    return told
