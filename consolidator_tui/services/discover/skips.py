"""Folders that hold no application data: version control, packages, environments, caches."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet

VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr", ".jj"})
PACKAGES = frozenset({"node_modules", "bower_components", ".yarn", ".eggs"})
CACHES = frozenset(
    {
        "__pycache__",
        ".cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".import_linter_cache",
        ".tox",
        ".nox",
        ".parcel-cache",
        ".turbo",
        ".gradle",
        ".terraform",
    }
)
OWN = ".consolidator"

_CACHEDIR_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""First bytes of a CACHEDIR.TAG (https://bford.info/cachedir/)."""


def reason_by_name(name: str) -> str | None:
    """Why a folder of this name is skipped, or None."""
    if name in VERSION_CONTROL:
        return "version control"
    if name in PACKAGES:
        return "installed packages"
    if name in CACHES:
        return "cache"
    if name == OWN:
        return "this tool's own folder"
    return None


def reason_by_content(folder: str, names: AbstractSet[str]) -> str | None:
    """Why a folder with these entries is skipped, or None."""
    if "pyvenv.cfg" in names or "conda-meta" in names:
        return "virtual environment"
    if "CACHEDIR.TAG" in names and _is_tagged(os.path.join(folder, "CACHEDIR.TAG")):  # noqa: PTH118
        return "cache"
    return None


def _is_tagged(path: str) -> bool:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        # Without a readable tag the folder is an ordinary one.
        return False
    try:
        return os.read(descriptor, len(_CACHEDIR_SIGNATURE)) == _CACHEDIR_SIGNATURE
    except OSError:
        return False
    finally:
        os.close(descriptor)
