"""One inode, one entry: which of a file's names is its entry, and which are other names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consolidator_tui.services.discover import locks
from consolidator_tui.services.discover.header import looks_like_database
from consolidator_tui.services.discover.reading import look_around
from consolidator_tui.services.discover.roles import set_aside
from consolidator_tui.services.discover.walk import Candidate, Link, examine


@dataclass(frozen=True, slots=True)
class Named:
    """A candidate with the absolute path under which it is listed and its other names."""

    candidate: Candidate
    path: str
    other_names: tuple[str, ...] = ()
    real: str = ""
    problem: str = ""


def join_hard_links(candidates: Iterable[Candidate], root: str) -> list[Named]:
    """One entry per inode. Blocking.

    A database's sidecars have the name that it was opened by, so the name with a `-wal` or
    journal comes first, then one that is not by its path (below `root`) a copy, then the one
    nearest to the project's root.
    """
    groups: dict[tuple[int, int], list[Candidate]] = {}
    for candidate in candidates:
        if candidate.key is not None:
            groups.setdefault(candidate.key, []).append(candidate)
    joined = []
    for group in groups.values():
        names = [os.path.relpath(one.path, root) for one in group]
        ranked = sorted(group, key=lambda one: _rank(one, root, names))
        busy = [one for one in group if _sidecar_bytes(one.path)]
        problem = ""
        if len(busy) > 1:
            problem = (
                f"It has {len(group)} names, and {len(busy)} of them have a -wal or journal of "
                "their own: programs that use different names damage it."
            )
        others = tuple(one.path for one in ranked[1:])
        joined.append(Named(ranked[0], ranked[0].path, others, problem=problem))
    return joined


def resolve_links(
    links: Sequence[Link], known: Iterable[tuple[int, int]]
) -> tuple[dict[tuple[int, int], tuple[str, ...]], list[Named]]:
    """Symbolic links to known files as other names, and links to files outside the walk.

    Returns the paths of links per known inode, and one entry per inode that the walk did not
    see, listed under the first link with where it really is. Blocking.
    """
    known = frozenset(known)
    names: dict[tuple[int, int], list[str]] = {}
    outside: dict[tuple[int, int], list[Link]] = {}
    for link in sorted(links, key=lambda link: link.path):
        if link.key in known:
            names.setdefault(link.key, []).append(link.path)
        else:
            outside.setdefault(link.key, []).append(link)
    own = locks.own_descriptors()
    found = []
    for key, group in outside.items():
        first = next((link for link in group if looks_like_database(link.path)), group[0])
        candidate = examine(
            first.real,
            own=own.get(key),
            wanted=looks_like_database(os.path.basename(first.path)),  # noqa: PTH119
        )
        if candidate is not None and (
            candidate.stat is not None or looks_like_database(first.path)
        ):
            others = tuple(link.path for link in group if link is not first)
            found.append(Named(candidate, first.path, others, real=first.real))
    return {key: tuple(paths) for key, paths in names.items()}, found


def _rank(candidate: Candidate, root: str, names: Sequence[str]) -> tuple[bool, bool, int, str]:
    path = candidate.path
    copy = bool(set_aside(os.path.relpath(path, root), names))
    return not _sidecar_bytes(path), copy, path.count(os.sep), path


def _sidecar_bytes(path: str) -> int:
    try:
        return sum(s.size for s in look_around(path).sidecars if s.suffix != "-shm")
    except OSError:
        # What cannot be read here is told when the file itself is described.
        return 0
