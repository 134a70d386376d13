"""Which texts name a database, and how URLs are taken apart."""

from __future__ import annotations

import pytest

from consolidator_tui.services.references.in_tests import in_tests
from consolidator_tui.services.references.paths import Mentions, locate, names_database, tokens


@pytest.mark.parametrize(
    "text",
    ["x.db", "data/x.sqlite3", "./x.sqlite", "sqlite:///x", "sqlite+aiosqlite:////abs/x.db",
     "file:x.db?mode=ro", "C:\\data\\x.db", "backup.2024.db", "~/x.db", "sqlite://x.db"],
)  # fmt: skip
def test_names_a_database(text: str) -> None:
    assert names_database(text)


@pytest.mark.parametrize(
    "text",
    ["Thumbs.db", "thumbs.db", ".db", "*.db", "app.errors.db", "django.db.backends.sqlite3",
     "Creating x.db now", ":memory:", "sqlite://", "sqlite:///:memory:", "https://h/x.db",
     "a\nx.db", "file::memory:?cache=shared", "--db", "db", ""],
)  # fmt: skip
def test_names_no_database(text: str) -> None:
    assert not names_database(text)


def test_the_projects_own_names_count() -> None:
    assert names_database("store.dat", {"store.dat"})
    assert not names_database("store.dat")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sqlite:///./x.db?a=1", ("sqlite:///", "./x.db", "?a=1")),
        ("sqlite:////abs/x.db", ("sqlite:///", "/abs/x.db", "")),
        ("sqlite+aiosqlite:///x.db", ("sqlite+aiosqlite:///", "x.db", "")),
        ("file:x.db?mode=ro", ("file:", "x.db", "?mode=ro")),
        ("sqlite:///file:x.db?uri=true", ("sqlite:///file:", "x.db", "?uri=true")),
        ("odd?name.db", ("", "odd?name.db", "")),
    ],
)
def test_locate(text: str, parts: tuple[str, str, str]) -> None:
    where = locate(text)
    assert (where.prefix, where.path, where.suffix) == parts
    assert where.prefix + where.path + where.suffix == text


def test_tortoise_takes_everything_after_two_slashes() -> None:
    assert locate("sqlite:///x.db", two_slashes=True).path == "/x.db"


def test_tokens_in_free_text() -> None:
    line = "cp data/a.db sqlite:///b.sqlite # *.db Thumbs.db app.errors.db x.db.session"
    assert [text for _, text in tokens(line)] == ["data/a.db", "sqlite:///b.sqlite"]


def test_mentions() -> None:
    assert Mentions(())(b"SQLALCHEMY_DATABASE_URI = x")
    assert Mentions(())(b"open('a.DB')")
    assert Mentions({"Store.dat"})(b"'store.dat'")
    assert not Mentions(())(b"from .dbx import y")


@pytest.mark.parametrize(
    ("file", "expected"),
    [("tests/a.py", True), ("conftest.py", True), ("app/test_x.py", True), ("x_test.py", True),
     (".env.test", True), ("app/testing_tools.py", False), ("latest.py", False)],
)  # fmt: skip
def test_in_tests(file: str, expected: bool) -> None:
    assert in_tests(file) is expected
