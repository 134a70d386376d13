"""The manifest on disk: written last and atomically, read with its checksum."""

from __future__ import annotations

from consolidator_tui.domain.errors import BackupDamaged, GateClosed
from consolidator_tui.domain.manifest import Manifest, ManifestError, dumps, loads
from consolidator_tui.storage.atomic import PRIVATE_FILE, explain_os, write_atomically
from consolidator_tui.storage.run_folder import RunFolder


def write_manifest(run: RunFolder, manifest: Manifest) -> None:
    """Replace the manifest durably. Blocking. Raises DiskFull, FileRefused, Failed."""
    try:
        write_atomically(run.manifest, dumps(manifest), mode=PRIVATE_FILE)
    except OSError as error:
        raise explain_os(error, f"{run.name}: manifest of the backup") from error


def read_manifest(run: RunFolder) -> Manifest:
    """The manifest of a complete backup. Blocking.

    Raises GateClosed when there is none (so there is no backup), BackupDamaged when a byte of it
    is not what was written.
    """
    try:
        data = run.manifest.read_bytes()
    except FileNotFoundError:
        raise GateClosed(f"Run {run.name} has no complete backup.", todo="Back up first.") from None
    except OSError as error:
        raise explain_os(error, str(run.manifest)) from error
    try:
        manifest = loads(data)
    except ManifestError as error:
        raise BackupDamaged(
            f"{run.manifest}: the manifest of the backup is damaged ({error}).",
            todo="Nothing was changed. Restore this file from another copy if you have one.",
        ) from error
    if manifest.run != run.name:
        raise BackupDamaged(f"{run.manifest}: this manifest belongs to run {manifest.run!r}.")
    return manifest


def has_manifest(run: RunFolder) -> bool:
    """Whether the run has a complete backup (not whether it is intact)."""
    return run.manifest.is_file()
