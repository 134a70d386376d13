"""One run at a time per project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from consolidator_tui.domain.errors import FileRefused, LockedError
from consolidator_tui.storage.lock import project_lock

HOLD = (
    "import sys; from pathlib import Path;"
    "from consolidator_tui.storage.lock import project_lock\n"
    "with project_lock(Path(sys.argv[1])): print(1, flush=True); sys.stdin.read()"
)


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with (
            pytest.raises(LockedError, match=f"process {process.pid} since"),
            project_lock(tmp_path),
        ):
            pass
        process.kill()
        process.wait()
        # The note of the dead process is still there; its lock is not.
        with project_lock(tmp_path):
            note = (tmp_path / ".consolidator" / "lock").read_text()
    assert f'"pid": {os.getpid()}' in note
    with project_lock(tmp_path):
        pass


def test_also_within_one_process(tmp_path: Path) -> None:
    with project_lock(tmp_path), pytest.raises(LockedError), project_lock(tmp_path):
        pass


def test_a_symlink_in_its_place_is_refused(tmp_path: Path) -> None:
    with project_lock(tmp_path):
        pass
    lock = tmp_path / ".consolidator" / "lock"
    lock.unlink()
    lock.symlink_to(tmp_path / "victim")
    with pytest.raises(FileRefused), project_lock(tmp_path):
        pass
    assert not (tmp_path / "victim").exists()
