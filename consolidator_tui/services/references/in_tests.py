"""Which files belong to a project's tests."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_TEST_FOLDERS = {
    "test", "tests", "testing", "e2e", "integration_tests", "unit_tests", "__tests__", "spec",
}  # fmt: skip
_TEST_FILE = re.compile(
    r"(test_.*|.*_tests?|conftest|tests)\.py\Z|.*\.(test|spec)\.[jt]sx?\Z", re.I
)
_TEST_ENV = re.compile(r"\.env.*\btest(ing|s)?\b", re.I)
_TEST_NAME = re.compile(r"(?:^|_|-)(?:tests?|testing)(?:$|_|-)", re.I)
_TOOLS = {"tox.ini", "pytest.ini", ".pytest.ini", "setup.cfg"}


def in_tests(file: str) -> bool:
    """Whether a file belongs to the project's tests, by the names that test runners collect."""
    path = PurePosixPath(file)
    if any(part.lower() in _TEST_FOLDERS for part in path.parts[:-1]):
        return True
    if path.name in _TOOLS:
        return True
    return bool(_TEST_FILE.match(path.name) or _TEST_ENV.match(path.name))


def named_for_tests(name: str) -> bool:
    """Whether a key, a variable or a section speaks of tests: `TEST_DATABASE_URL`."""
    return _TEST_NAME.search(name) is not None
