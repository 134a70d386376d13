"""Settings for all tests."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Keep scratch files in memory where that is possible: the code under test syncs a lot."""
    memory = Path("/dev/shm")
    if config.option.basetemp is None and os.access(memory, os.W_OK):
        config.option.basetemp = tempfile.mkdtemp(prefix="consolidator-tests-", dir=memory)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what was kept in memory."""
    base = config.option.basetemp
    if base and str(base).startswith("/dev/shm/consolidator-tests-"):
        import shutil

        shutil.rmtree(base, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: tests of screens and servers wait a third of their time."""
    return (os.cpu_count() or 1) + 1
