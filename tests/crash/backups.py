"""Whether what looks like a complete backup is one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from consolidator_tui.domain.manifest import Manifest, ManifestError, loads
from tests.crash.state import OWN, Tree, family


def run_names(project: Path) -> list[str]:
    """The runs that there are, oldest first."""
    runs = project / OWN / "runs"
    if not runs.is_dir():
        return []
    names = [entry.name for entry in runs.iterdir() if entry.is_dir() and entry.name[0].isdigit()]
    return sorted(names, key=lambda n: (n.partition("-")[0], int(n.partition("-")[2] or 0)))


def has_manifest(project: Path, run: str) -> bool:
    """The run says that its backup is complete."""
    return (project / OWN / "runs" / run / "backup" / "manifest.json").exists()


def pretenders(project: Path, states: list[Tree]) -> list[str]:
    """One sentence for every complete looking backup that is not one.

    `states` are what the originals were at the moments at which a backup may have been taken.
    """
    told = []
    for name in run_names(project):
        if has_manifest(project, name):
            told += [f"backup of run {name}: {text}" for text in _check(project, name, states)]
    return told


def _check(project: Path, run: str, states: list[Tree]) -> list[str]:
    backup = project / OWN / "runs" / run / "backup"
    try:
        manifest = loads((backup / "manifest.json").read_bytes())
    except ManifestError as error:
        return [f"its manifest cannot be read ({error})"]
    told = []
    for file in manifest.stored_files():
        path = backup / file.stored
        if not path.is_file():
            told.append(f"{file.stored} is missing")
        elif _digest(path.read_bytes()) != file.sha256:
            told.append(f"{file.stored} is not what the manifest says")
    return told or _not_the_originals(manifest, states)


def _not_the_originals(manifest: Manifest, states: list[Tree]) -> list[str]:
    told = []
    for record in manifest.files.values():
        kept = {record.path + part.suffix: part.sha256 for part in record.parts}
        originals = [
            {path: _digest(node.content) for path, node in family(tree, record.path).items()}
            or {path: _digest(node.content) for path, node in tree.items() if path == record.path}
            for tree in states
        ]
        if kept not in originals:
            told.append(f"{record.path} was never like this: {sorted(kept)}")
    return told


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
