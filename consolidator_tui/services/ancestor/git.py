"""Older states of a file in the history of its git repository, read without running anything of it.

Hooks, file system monitors, pagers and fetches of a partial clone are switched off: a repository's
configuration is not to be believed. Git itself refuses repositories of other users.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.errors import UsageError
from consolidator_tui.domain.plan import GIT_PREFIX
from consolidator_tui.storage.atomic import PRIVATE_FILE

_SECONDS = 20.0
_REVISION = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._/~^@{}-]*")
_SAFE = (
    *("--no-pager", "--literal-pathspecs", "--no-replace-objects"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
)
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of a file in the history."""

    commit: str
    """Abbreviated."""
    at: int
    """When it was committed, in seconds since 1970."""
    blob: str
    size: int


async def _git(folder: Path, *arguments: str, into: Path | None = None) -> bytes | None:
    """The output of a git command; None where there is no git, no repository, or it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    output: int | None = None
    try:
        if into is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            output = await asyncio.to_thread(os.open, into, flags, PRIVATE_FILE)
        process = await asyncio.create_subprocess_exec(
            *("git", *_SAFE, *arguments),
            cwd=folder,
            env={**environment, **_ENVIRONMENT},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if output is None else output,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return None
    finally:
        if output is not None:
            os.close(output)
    try:
        async with asyncio.timeout(_SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return (printed or b"") if process.returncode == 0 else None


async def revisions(file: Path, most: int) -> list[Revision]:
    """The latest different states of a file in git history, newest first; none without git."""
    if not await asyncio.to_thread(_is_tracked, file.parent):
        return []
    log = await _git(file.parent, "log", f"--max-count={most}", "--format=%h %ct", "--", file.name)
    found: dict[str, Revision] = {}
    for line in (log or b"").decode("ascii", "replace").splitlines():
        commit, _, at = line.partition(" ")
        blob = await blob_at(file, commit)
        if blob and at.isdigit() and blob not in found:
            size = await _git(file.parent, "cat-file", "-s", blob)
            if size is not None:
                found[blob] = Revision(commit, int(at), blob, int(size))
    return list(found.values())


def _is_tracked(folder: Path) -> bool:
    """Whether a repository may be above: saves starting git where there is none."""
    return any((above / ".git").exists() for above in (folder, *folder.parents))


async def blob_at(file: Path, revision: str) -> str | None:
    """The state of a file at a revision; None where it was not there."""
    wanted = f"{revision}:./{file.name}"
    found = await _git(file.parent, "rev-parse", "--verify", "--end-of-options", wanted)
    if found is None:
        return None
    # `--end-of-options` itself is printed by older versions.
    return found.decode("ascii", "replace").split()[-1] if found.split() else None


async def extract(file: Path, blob: str, target: Path) -> bool:
    """Write a state of the file to `target`; whether that worked."""
    return await _git(file.parent, "cat-file", "blob", blob, into=target) is not None


def name_of(commit: str, path: str) -> str:
    """How a plan names the state of a file at a commit."""
    return f"{GIT_PREFIX}{commit}:{path}"


async def extract_named(project: Path, name: str, target: Path) -> None:
    """Write the state that a plan names `git:<revision>:<path>` to `target`.

    Raises UsageError where there is no such state.
    """
    revision, _, path = name.removeprefix(GIT_PREFIX).partition(":")
    file = project / os.path.normpath(path or ".")
    there = await asyncio.to_thread(_is_folder, file.parent)
    if path and there and _REVISION.fullmatch(revision):
        blob = await blob_at(file, revision)
        if blob is not None and await extract(file, blob, target):
            return
    raise UsageError(
        f"There is no {name} in git history.",
        todo="Write git:<revision>:<path of the file>, or the path of a file.",
    )


def _is_folder(path: Path) -> bool:
    return path.is_dir()
