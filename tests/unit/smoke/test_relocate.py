"""Absolute paths of the project become those of its copy, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from consolidator_tui.services.smoke.relocate import relocation

move = relocation([Path("/srv/my app")], Path("/tmp/copy"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"sqlite:////srv/my app/x.db", b"sqlite:////tmp/copy/x.db"),
        (b'"/srv/my app"', b'"/tmp/copy"'),
        (b"file:/srv/my%20app/x.db?mode=rw", b"file:/tmp/copy/x.db?mode=rw"),
        (rb'"\/srv\/my app\/x.db"', rb'"\/tmp\/copy\/x.db"'),
        (b"in /srv/my app.", b"in /tmp/copy."),
        (b"/srv/my app2/x.db", b"/srv/my app2/x.db"),
        (b"/srv/my app-old/x.db", b"/srv/my app-old/x.db"),
        (b"/srv/my app.old/x.db", b"/srv/my app.old/x.db"),
        (b"/mnt/srv/my app/x.db", b"/mnt/srv/my app/x.db"),
        ("/srv/my appé/x".encode(), "/srv/my appé/x".encode()),
    ],
)
def test_paths(before: bytes, after: bytes) -> None:
    assert move(before) == after


def test_a_project_in_the_root_is_left_alone() -> None:
    assert relocation([Path("/")], Path("/tmp/copy"))(b"/etc/x") == b"/etc/x"
